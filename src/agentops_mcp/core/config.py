"""What people decide for a project: `.agentops/config.toml`, read once when the project is opened."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentops_mcp.core.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProjectSection(_Section):
    """Which project this is."""

    name: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9][a-z0-9_-]{0,40}$",
        description="Name of the project in a shared PostgreSQL database; by default it follows the first commit.",
    )


class TrackingSection(_Section):
    """How strict factor I is."""

    learning: Literal["warn", "refuse"] = Field(
        default="warn", description="What happens to an entry without a learning."
    )
    commit_message: Literal["off", "warn", "block"] = Field(
        default="warn", description="What the commit-msg hook does about a message without the sections."
    )


class TokensSection(_Section):
    """How tokens are estimated for models whose tokenizer is not public."""

    family: str = Field(default="claude", description="Model family of the main client; a key of `factors`.")
    factors: dict[str, float] = Field(
        default={}, description="Tokens of a family for each o200k token; added to the built-in ones."
    )


class Config(_Section):
    """The whole file; every key has a default."""

    project: ProjectSection = ProjectSection()
    tracking: TrackingSection = TrackingSection()
    tokens: TokensSection = TokensSection()


def load_config(path: Path) -> Config:
    """Read the file, or the defaults when there is none.

    Raises:
        ConfigError: it cannot be read, is not TOML, or has an unknown key or a wrong value.
    """
    try:
        return Config.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Config()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = f"{path}: {key}: {first['msg']}."
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        problem = f"{path} cannot be read: {error}."
    raise ConfigError(problem, remedy="Correct it; docs/reference/settings.md lists every key.")
