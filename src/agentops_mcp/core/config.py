"""What people decide for a project: `.agentops/config.toml`, read once when the project is opened."""

import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

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


class ContextSection(_Section):
    """How full a window may get, as shares of it, and how long a sub-agent's report may be (factor II)."""

    warn: float = Field(
        default=0.35, gt=0, le=1, description="From this share on, every load is followed by a warning."
    )
    block: float = Field(default=0.40, gt=0, le=1, description="A load that would go above this share is refused.")
    critical: float = Field(default=0.60, gt=0, le=1, description="From this share on, the advice is to save and stop.")
    task_share: float = Field(default=0.20, gt=0, le=1, description="A task that takes more is better delegated.")
    report_tokens: int = Field(
        default=2_000, gt=0, description="The tokens a sub-agent's report is asked to stay under."
    )
    report_hard_tokens: int = Field(default=5_000, gt=0, description="A longer report is refused.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.warn <= self.block <= self.critical:
            raise ValueError("warn, block and critical must not decrease in this order")
        if self.report_tokens > self.report_hard_tokens:
            raise ValueError("report_tokens must not be above report_hard_tokens")
        return self


class KnowledgeSection(_Section):
    """What search finds beside the project's own records (factor IX)."""

    starter_library: bool = Field(
        default=True, description="Whether the patterns that come with the package are found by search."
    )


class BudgetsSection(_Section):
    """What may be used before work stops or a warning is given (factor XI); without a number there is no limit."""

    session_tokens: int | None = Field(default=None, gt=0, description="Tokens of one session; at the limit it stops.")
    session_cost: float | None = Field(
        default=None, gt=0, description="Cost of one session, in your currency; at the limit it stops."
    )
    session_seconds: int | None = Field(default=None, gt=0, description="Seconds of one session; beyond, it is warned.")
    session_retries: int | None = Field(default=None, gt=0, description="Retries of one session; beyond, it is warned.")
    project_tokens: int | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_cost: float | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_seconds: int | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_retries: int | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_days: int = Field(default=30, gt=0, description="The days that count for the project's budgets.")


class Config(_Section):
    """The whole file; every key has a default."""

    project: ProjectSection = ProjectSection()
    tracking: TrackingSection = TrackingSection()
    tokens: TokensSection = TokensSection()
    context: ContextSection = ContextSection()
    knowledge: KnowledgeSection = KnowledgeSection()
    budgets: BudgetsSection = BudgetsSection()


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
