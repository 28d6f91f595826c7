"""Errors a caller can act on: what is wrong, and what to do about it."""

from typing import ClassVar


class AgentOpsError(Exception):
    """Base of every error this project raises on purpose.

    `problem` is one sentence on what is wrong, `remedy` one on what to do next;
    both are shown to agents and people alike, so neither may hold a secret.
    """

    code: ClassVar[str] = "error"

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}"


class InvalidInputError(AgentOpsError):
    """What was given cannot be recorded as it is."""

    code = "invalid_input"


class NotFoundError(AgentOpsError):
    """No record has this id in this project."""

    code = "not_found"


class ConflictError(AgentOpsError):
    """The stream has moved since the caller read it; nothing was written."""

    code = "conflict"


class ExpiredError(AgentOpsError):
    """A handle outlived its stated lifetime."""

    code = "expired"


class ConfigError(AgentOpsError):
    """A setting or configuration file cannot be used as it is."""

    code = "config"


class StorageError(AgentOpsError):
    """The database cannot be opened, read or written."""

    code = "storage"


class NewerSchemaError(StorageError):
    """The database was written by a newer version of agentops-mcp."""

    code = "newer_schema"


class IntegrityError(AgentOpsError):
    """Stored or imported data does not match its own hashes."""

    code = "integrity"


class GitError(AgentOpsError):
    """git refused, failed or took too long."""

    code = "git"
