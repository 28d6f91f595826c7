"""Waiting for the vectors of search, with a word to whoever watches."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from agentops_mcp.core.errors import AgentOpsError

if TYPE_CHECKING:
    from agentops_mcp.factors.mining.service.semantic import Semantic

PATIENCE_S = 600.0
"""How long a person's command waits for records to be indexed; what is left is found by words."""


def catch_up(semantic: "Semantic", *, timeout_s: float = PATIENCE_S) -> None:
    """Give every record its vector, as far as that can be done; the search that follows says what is amiss."""
    with suppress(AgentOpsError):
        semantic.catch_up(timeout_s=timeout_s, progress=_Progress())


def tell(message: str) -> None:
    """Say on a terminal what takes long."""
    if sys.stderr.isatty():
        typer.echo(message, err=True)


class _Progress:
    """One line that counts down, on a terminal, and nothing when there is nothing to do."""

    def __init__(self) -> None:
        self._has_begun = False

    def __call__(self, left: int) -> None:
        if sys.stderr.isatty() and (left or self._has_begun):
            self._has_begun = True
            typer.echo(f"\rIndexing: {left:,} to go" + (" " * 8 if left else " " * 8 + "\n"), err=True, nl=False)
