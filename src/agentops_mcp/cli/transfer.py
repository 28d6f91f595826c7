"""`export` and `import`: the ledger as JSON Lines, one event a line."""

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from agentops_mcp.app import App
from agentops_mcp.cli.lines import lines_of
from agentops_mcp.cli.opening import DryRunOption, JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import EXIT_FOUND, counted, say, say_json, visible_json
from agentops_mcp.core.errors import ConfigError, IntegrityError
from agentops_mcp.core.records import Event, one_line, parse_event

_BATCH = 1000
_PROBLEMS_SHOWN = 10


def export_events(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where to; standard output by default.")] = None,
    tracked_only: Annotated[bool, typer.Option("--tracked-only", help="Leave out local telemetry.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    project: ProjectOption = None,
) -> None:
    """Write every event as JSON Lines.

    In the order of this ledger, one event a line, in UTF-8.
    """
    count = 0
    with reading(project) as app, _target(file, replace=force) as out:
        for event in app.parts.ledger.events():
            if event.tracked or not tracked_only:
                out.write(visible_json(one_line(event)).encode() + b"\n")
                count += 1
    if file is not None:
        say(f"{counted(count, 'event')} written to {file}")


def import_events(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines from `export`, or - for standard input.")],
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Add the events of an export.

    Those already here stay as they are. A damaged line is named and left out, and the exit code is then 1.
    """
    read = new = 0
    problems: list[str] = []
    with (
        lines_of(file, remedy="Give a file from `export`.") as lines,
        reading(project) if dry_run else App(project) as app,
    ):
        ledger = app.parts.ledger
        for batch in _batches(lines, problems):
            read += len(batch)
            new += ledger.count_new(batch) if dry_run else ledger.merge(batch)
        if not dry_run:
            app.settle()
    if json:
        say_json({"read": read, "new": new, "dry_run": dry_run, "problems": problems})
    else:
        verb = "would be" if dry_run else "is" if new == 1 else "are"
        say(f"{counted(read, 'event')} read, {new} {verb} new here, {counted(len(problems), 'line')} refused")
        for problem in problems[:_PROBLEMS_SHOWN]:
            say(f"  {problem}")
        if len(problems) > _PROBLEMS_SHOWN:
            say(f"  … and {len(problems) - _PROBLEMS_SHOWN} more")
    if problems:
        raise typer.Exit(EXIT_FOUND)


def _batches(lines: Iterable[bytes], problems: list[str]) -> Iterator[list[Event]]:
    batch: list[Event] = []
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
def _target(file: Path | None, *, replace: bool) -> Generator[BinaryIO]:
    if file is None:
        yield sys.stdout.buffer
        return
    try:
        with file.open("wb" if replace else "xb") as out:
            yield out
    except FileExistsError as error:
        raise ConfigError(f"{file} exists.", remedy="Give another name, or --force to replace it.") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.", remedy="Give another place.") from error
