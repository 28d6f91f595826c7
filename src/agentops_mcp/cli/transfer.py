"""`export` and `import`: the ledger as JSON Lines, one event a line."""

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from agentops_mcp.app import App
from agentops_mcp.cli.output import EXIT_FOUND, say, say_json
from agentops_mcp.core.errors import ConfigError, IntegrityError
from agentops_mcp.core.records import Event, one_line, parse_event

_BATCH = 1000
_PROBLEMS_SHOWN = 10


def export_events(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to; standard output by default.")] = None,
    tracked_only: Annotated[bool, typer.Option("--tracked-only", help="Leave out local telemetry.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    project: Annotated[
        Path | None, typer.Option("--project", "-C", metavar="DIR", help="The project's folder.")
    ] = None,
) -> None:
    """Write every event as JSON Lines, in the order of this ledger."""
    count = 0
    with App(project) as app, _target(file, replace=force) as out:
        for event in app.parts.ledger.events():
            if event.tracked or not tracked_only:
                out.write(one_line(event) + "\n")
                count += 1
    if file is not None:
        say(f"{count} events written to {file}")


def import_events(
    file: Annotated[Path, typer.Argument(help="JSON Lines from `export`, or - for standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file; import nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    project: Annotated[
        Path | None, typer.Option("--project", "-C", metavar="DIR", help="The project's folder.")
    ] = None,
) -> None:
    """Add events from a file. Those already here stay as they are; damaged lines are named and left out."""
    read = new = 0
    problems: list[str] = []
    with App(project) as app:
        ledger = app.parts.ledger
        for batch in _batches(file, problems):
            read += len(batch)
            new += ledger.count_new(batch) if dry_run else ledger.merge(batch)
        app.settle()
    if json:
        say_json({"read": read, "new": new, "dry_run": dry_run, "problems": problems})
    else:
        say(f"{read} events read, {new} {'would be' if dry_run else 'were'} new here, {len(problems)} lines refused")
        for problem in problems[:_PROBLEMS_SHOWN]:
            say(f"  {problem}")
        if len(problems) > _PROBLEMS_SHOWN:
            say(f"  … and {len(problems) - _PROBLEMS_SHOWN} more")
    if problems:
        raise typer.Exit(EXIT_FOUND)


def _batches(file: Path, problems: list[str]) -> Iterator[list[Event]]:
    batch: list[Event] = []
    with _source(file) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                batch.append(parse_event(line))
            except IntegrityError as error:
                problems.append(f"line {number}: {error.problem}")
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


@contextmanager
def _source(file: Path) -> Generator[TextIO]:
    if str(file) == "-":
        yield sys.stdin
        return
    try:
        with file.open(encoding="utf-8", errors="surrogateescape") as lines:
            yield lines
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", remedy="Give a file from `export`.") from error


@contextmanager
def _target(file: Path | None, *, replace: bool) -> Generator[TextIO]:
    if file is None:
        yield sys.stdout
        return
    try:
        with file.open("w" if replace else "x", encoding="utf-8") as out:
            yield out
    except FileExistsError as error:
        raise ConfigError(f"{file} exists.", remedy="Give another name, or --force to replace it.") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.", remedy="Give another place.") from error
