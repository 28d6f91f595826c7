"""Commits as the log has them, for tests of what the past says."""

from dataclasses import dataclass

from agentops_mcp.factors.context.rules.line_history import Hunk


@dataclass(frozen=True)
class Touched:
    """A file of a commit."""

    path: str
    contexts: tuple[str, ...] = ()
    hunks: tuple[Hunk, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True)
class Commit:
    """A commit as the log has it."""

    message: str
    files: tuple[Touched, ...]
    more: int = 0
