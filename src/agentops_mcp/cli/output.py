"""How the command line prints: plain text that reads without colour, or JSON for programs."""

import json
import sys
from collections.abc import Generator, Iterable, Sequence
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

_LEAST_WRAPPED_COLUMNS = 40


def say(text: str = "") -> None:
    """Print text in which recorded characters cannot move the cursor or hide."""
    typer.echo(visible(text))


def say_json(document: Any) -> None:
    """Print one JSON document."""
    typer.echo(visible_json(json.dumps(document, indent=2, ensure_ascii=not _is_utf8())))


def visible_json(text: str) -> str:
    """The same JSON with every character that could move the cursor or hide written as an escape."""
    hidden = {character for character in set(text) - {"\n"} if visible(character) != character}
    return text.translate({ord(character): json.dumps(character)[1:-1] for character in hidden})


def say_table(rows: Iterable[tuple[str, ...]]) -> None:
    """Print columns. In a pipe a row is one line; on a terminal the last column wraps, or stands below the others."""
    from rich.cells import cell_len

    cells = [[" ".join(visible(cell).split("\n")) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)][:-1]
    padded = [
        [*(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)), row[-1]]
        for row in cells
    ]
    if sys.stdout.isatty():
        _say_wrapped(padded, width=sum(widths) + 2 * len(widths))
    else:
        for row in padded:
            typer.echo("  ".join(row).rstrip())


def _say_wrapped(rows: Sequence[Sequence[str]], *, width: int) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    beside = console.width - width >= _LEAST_WRAPPED_COLUMNS
    for *head, last in rows:
        if beside:
            line = Table.grid(padding=(0, 2, 0, 0))
            line.add_row(*(Text(cell, no_wrap=True) for cell in head), Text(last, overflow="fold"))
            console.print(line)
        else:
            console.print(Text("  ".join(head).rstrip(), overflow="fold"))
            console.print(Padding(Text(last, overflow="fold"), (0, 0, 0, 4)))


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 event`, `2 events`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


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
    moved = f"{body['from']} to {body['to']}, {body['reason']}" if {"from", "to", "reason"} <= body.keys() else None
    text = next((body[key] for key in ("action", "goal", "title") if body.get(key)), moved) or body.get("feature")
    return gist(str(text or json.dumps(body, ensure_ascii=False)), limit=160)


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
