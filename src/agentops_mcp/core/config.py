"""What people decide: for a project in its `.agentops/config.toml`, and for themselves in a file of their own."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

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
    """What may be used before work stops or a warning is given (factor XI); without a number there is no limit.

    At 80 % a check says so.
    """

    over: Literal["stop", "hold"] | None = Field(
        default=None,
        description="At any limit: deny every action, or ask a person about each (an approval lets one pass, a grant "
        "of the rule as many as it says). By default tokens, cost and runs deny, and seconds and retries only warn.",
    )
    session_tokens: int | None = Field(default=None, gt=0, description="Tokens of one session; at the limit it stops.")
    session_cost: float | None = Field(
        default=None, gt=0, description="Cost of one session, in your currency; at the limit it stops."
    )
    session_runs: int | None = Field(
        default=None, gt=0, description="Runs of one session, one for each charge; at the limit it stops."
    )
    session_seconds: int | None = Field(default=None, gt=0, description="Seconds of one session; beyond, it is warned.")
    session_retries: int | None = Field(default=None, gt=0, description="Retries of one session; beyond, it is warned.")
    project_tokens: int | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_cost: float | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_runs: int | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_seconds: int | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_retries: int | None = Field(default=None, gt=0, description="The same for the whole project.")
    project_days: int = Field(default=30, gt=0, description="The days that count for the project's budgets.")


Strength = Literal["client", "page", "terminal", "two_people"]
_MOST_MINUTES = 30 * 24 * 60
_MOST_HOURS = 30 * 24
_EffectKind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,40}$")]
_MatrixKey = Annotated[str, StringConstraints(pattern=r"^(impact|risk|cost|novelty)\.(low|medium|high)$")]


class ApprovalSection(_Section):
    """How people are asked, and what counts as their answer (factor VIII).

    A floor is the weakest answer that counts: `client`, what a client's dialog gave, perhaps by itself; `page`, given
    by somebody signed in on the page; `terminal`, typed with a code shown there; `two_people`, two of those.
    """

    grant_minutes: float = Field(
        default=10, gt=0, le=_MOST_MINUTES, description="How long an approval can be used after the decision."
    )
    escalate_hours: float = Field(
        default=4, gt=0, le=_MOST_HOURS, description="After how long people are told once more; that decides nothing."
    )
    expire_hours: float = Field(
        default=24, gt=0, le=_MOST_HOURS, description="After how long a request that nobody decided is refused."
    )
    review_seconds: float = Field(
        default=5, gt=0, le=3_600, description="A decision sooner than that after it was shown is flagged."
    )
    severity: dict[Literal["low", "medium", "high", "critical"], Strength] = Field(
        default={},
        description="Floors by the severity of a rule. By default `page` for `critical`, and never less; else "
        "`client`.",
    )
    effect: dict[_EffectKind, Strength] = Field(
        default={},
        description="Floors by the kind of effect. By default `page` for `destroy_infrastructure`, `destroy_data`, "
        "`write_device` and `spend`; else `client`.",
    )
    matrix: dict[_MatrixKey, Literal["none", "optional", "required"]] = Field(
        default={},
        description='What each level of a measure asks for, as `impact.high = "required"`; the measures are `impact`, '
        "`risk`, `cost` and `novelty`. By default `none` for `low`, `optional` for `medium`, `required` for `high`.",
    )
    accept_elsewhere: bool = Field(
        default=False, description="Whether an approval that was given in another clone, and came by sync, counts."
    )

    @field_validator("severity")
    @classmethod
    def _critical_is_seen_by_a_person(cls, floors: Mapping[str, Strength]) -> Mapping[str, Strength]:
        if floors.get("critical") == "client":
            raise ValueError("critical must be page, terminal or two_people: a client may answer by itself")
        return floors

    @field_validator("matrix", mode="before")
    @classmethod
    def _flat(cls, matrix: object) -> object:
        """TOML reads `impact.high` without quotes as a table in a table."""
        if not isinstance(matrix, dict):
            return matrix
        flat: dict[object, object] = {}
        for key, value in cast("dict[object, object]", matrix).items():
            nested = cast("dict[object, object]", value) if isinstance(value, dict) else None
            flat |= {key: value} if nested is None else {f"{key}.{level}": need for level, need in nested.items()}
        return flat


class NotifySection(_Section):
    """How a person hears that an approval waits. Both are told the opaque id and nothing of what it is about."""

    command: list[Annotated[str, StringConstraints(max_length=4_096, pattern=r"^[^\x00]*$")]] = Field(
        default=[],
        max_length=100,
        description="A program and its arguments, started without a shell; the id is added as the last one.",
    )
    url: str | None = Field(
        default=None, max_length=4_096, description="Where the id is sent by POST as JSON, with `asked` or `escalated`."
    )

    @field_validator("command")
    @classmethod
    def _startable(cls, command: list[str]) -> list[str]:
        if command and not command[0]:
            raise ValueError("the first item must name a program")
        return command

    @field_validator("url")
    @classmethod
    def _sendable(cls, url: str | None) -> str | None:
        if url is not None and not _is_address(url):
            raise ValueError("it must be an http or https address, without a user or password in it")
        return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url and "@" not in parts.netloc
    return bool(host) and plain and parts.scheme in {"http", "https"}


class Config(_Section):
    """The project's whole file; every key has a default."""

    project: ProjectSection = ProjectSection()
    tracking: TrackingSection = TrackingSection()
    tokens: TokensSection = TokensSection()
    context: ContextSection = ContextSection()
    knowledge: KnowledgeSection = KnowledgeSection()
    budgets: BudgetsSection = BudgetsSection()
    approval: ApprovalSection = ApprovalSection()

    @model_validator(mode="before")
    @classmethod
    def _runs_nothing(cls, data: object) -> object:
        if isinstance(data, dict) and "notify" in data:
            raise ValueError(
                "[notify] is read from your own config.toml alone: a repository that was cloned must not start "
                "programs or send to addresses"
            )
        return cast("object", data)


class PersonConfig(_Section):
    """The whole file of a person, for all their projects; every key has a default."""

    approval: ApprovalSection = ApprovalSection()
    notify: NotifySection = NotifySection()


_File = TypeVar("_File", Config, PersonConfig)


def load_config(path: Path) -> Config:
    """Read the project's file, or the defaults when there is none.

    Raises:
        ConfigError: it cannot be read, is not TOML, or has an unknown key or a wrong value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
        raise _unusable(f"{path} cannot be read: {error}.") from error
    return parsed(Config, text, path)


def parsed(kind: type[_File], text: str, path: Path) -> _File:
    """What a file of this kind says; `path` is named in what is wrong with it.

    Raises:
        ConfigError: it is not TOML, or has an unknown key or a wrong value.
    """
    try:
        return kind.model_validate(tomllib.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        problem = f"{path}: {key}: {first['msg']}." if key else f"{path}: {first['msg']}."
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError
        problem = f"{path} cannot be read: {error}."
    raise _unusable(problem)


def _unusable(problem: str) -> ConfigError:
    return ConfigError(problem, remedy="Correct it; docs/reference/settings.md lists every key.")
