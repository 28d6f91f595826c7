"""How the command line prints: plain text that reads without colour, or JSON for programs."""

import json
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import typer

from agentops_mcp.core.display import gist, visible
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Event

EXIT_FOUND = 1
"""A check found a problem."""
EXIT_ERROR = 3
"""The command could not be carried out."""


def say(text: str = "") -> None:
    """Print text in which recorded characters cannot move the cursor or hide."""
    typer.echo(visible(text))


def say_json(document: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=not _is_utf8()))


def say_table(rows: Iterable[tuple[str, ...]]) -> None:
    """Print columns; the last one wraps on a terminal and is left whole in a pipe."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 10_000, highlight=False, soft_wrap=False).print(table)


@contextmanager
def errors_shown() -> Generator[None]:
    """Turn a domain error into its two sentences on stderr and exit code 3."""
    try:
        yield
    except AgentOpsError as error:
        typer.echo(f"error: {visible(error.problem)}\n  {visible(error.remedy)}", err=True)
        raise typer.Exit(EXIT_ERROR) from error


def event_title(event: Event) -> str:
    """One line on what an event says."""
    body = event.body
    text = body.get("action") or body.get("goal") or json.dumps(body, ensure_ascii=False)
    return gist(str(text), limit=160)


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
