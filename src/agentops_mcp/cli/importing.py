"""`import`: what a project already knows, shown before it is written; or the events of an export."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.cli import transfer
from agentops_mcp.cli.opening import DryRunOption, JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import counted, say, say_json, say_table
from agentops_mcp.core.display import gist, listed
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.service.import_detection import KINDS, Asked, is_knowledge_file
from agentops_mcp.factors.mining.service.importing import MOST_NOTES, USUAL_NOTES, Imported, ImportPlan
from agentops_mcp.storage.project import current_user

_EXPORT = "export"
_CHOICES = ("auto", *KINDS, _EXPORT)
_TITLES_SHOWN = 10
_REASONS_SHOWN = 12
_ORIGINS_SHOWN = 3


def _choices(incomplete: str) -> list[str]:
    return [choice for choice in _CHOICES if choice.startswith(incomplete)]


def import_knowledge(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[KIND]",
            help=f"What it is: {', '.join(_CHOICES)}; may be left out.",
            autocompletion=_choices,
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Argument(metavar="[PATH]", help="A file or folder, or - for an export on standard input."),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Leave out what is known to be older, like 2026-11-22.")
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=MOST_NOTES, metavar="NUMBER", help="The most items of each source.")
    ] = USUAL_NOTES,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Bring in what the project already knows, or an export.

    From git history, decision records, Markdown, the memory of Claude Code and Codex, basic-memory and MCP's memory
    server. Shows what would come in, then asks; in a pipe, --yes writes. A second time adds nothing.
    An export's events are added at once. A damaged line is named and left out, and the exit code is then 1.
    """
    kind, place = _asked(source, path)
    if kind == _EXPORT:
        _import_export(place, partly=since is not None or limit != USUAL_NOTES, dry_run=dry_run, json=json, at=project)
        return
    day = _day(since)
    with reading(project) as app:
        importing = app.importing()
        plan = importing.plan(*importing.sources(cast("Asked", kind), place), since=day, limit=limit)
    command = _command(kind, place, since=day, limit=limit, project=project)
    if json:
        done = _write(plan, project) if yes and not dry_run else None
        say_json(_document(plan, done))
        return
    _say_plan(plan)
    if not plan.total:
        say("Nothing new.")
    elif not dry_run and (yes or _agreed(plan)):
        _say_done(_write(plan, project))
    else:
        say(f"Nothing was written. To bring it in: {command}")


def _import_export(file: Path | None, *, partly: bool, dry_run: bool, json: bool, at: Path | None) -> None:
    if file is None:
        raise InvalidInputError("An export needs its file.", remedy="Name it, or - for standard input.")
    if partly:
        problem = "An export is imported whole, so --since and --limit say nothing."
        raise InvalidInputError(problem, remedy="Leave them out.")
    transfer.import_events(file, dry_run=dry_run, json=json, project=at)


def _asked(source: str | None, path: str | None) -> tuple[str, Path | None]:
    """The kind and the place that two words name; one word may be either."""
    if source is None or source in _CHOICES:
        kind, place = source or "auto", path
    elif path is None:
        kind, place = "auto", source
    else:
        problem = f"{gist(source, limit=40)!r} is nothing that can be imported."
        raise InvalidInputError(problem, remedy=f"Use one of: {', '.join(_CHOICES)}.")
    if place is None:
        return kind, None
    is_export = place == "-" or (kind == "auto" and Path(place).exists() and not is_knowledge_file(Path(place)))
    return _EXPORT if is_export else kind, Path(place)


def _day(since: str | None) -> str:
    try:
        return date.fromisoformat(since).isoformat() if since else ""
    except ValueError as error:
        problem = f"{gist(since or '', limit=40)!r} is not a date."
        raise InvalidInputError(problem, remedy="Write it as year-month-day, like 2026-01-31.") from error


def _agreed(plan: ImportPlan) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return typer.confirm(f"Bring in {counted(plan.total, 'item')}?", default=False)


def _write(plan: ImportPlan, project: Path | None) -> Imported:
    actor = Actor(client=f"agentops-mcp import {__version__}", user=current_user(), via="cli")
    with App(project) as app:
        done = app.importing().apply(plan, actor=actor, progress=_say_progress)
        app.settle()
    return done


def _say_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\r{done:,} of {total:,}" + ("\n" if done == total else ""), err=True, nl=False)


def _say_plan(plan: ImportPlan) -> None:
    for source in plan.sources:
        say(f"{source.kind}: {source.path} ({source.why})")
    say(
        f"{counted(plan.total, 'item')} to bring in: {len(plan.new)} new, {len(plan.changed)} changed; "
        f"{plan.unchanged} here already"
    )
    notes = (*plan.new, *plan.changed)
    if notes:
        say_table(_row(note) for note in _spread(notes))
        if len(notes) > _TITLES_SHOWN:
            say(f"  … and {len(notes) - _TITLES_SHOWN:,} more")
    if plan.skipped:
        say("left out:")
        for line in _reasons(plan):
            say(f"  {line}")
    if plan.secrets:
        say(f"secrets that are replaced: {', '.join(plan.secrets)}")


def _row(note: Note) -> tuple[str, ...]:
    origin = note.origin[:10] if note.source == "git" else gist(note.origin, limit=50)
    return f"  {note.source}", origin, gist(note.title, limit=90)


def _spread(notes: Sequence[Note]) -> list[Note]:
    """The first items of every source, as many of each as there is room for."""
    sources = list(dict.fromkeys(note.source for note in notes))
    each = -(-_TITLES_SHOWN // len(sources))
    shown = [note for source in sources for note in [note for note in notes if note.source == source][:each]]
    return shown[:_TITLES_SHOWN]


def _reasons(plan: ImportPlan) -> Iterator[str]:
    """Why things are left out, the most frequent reason first, with examples."""
    by_reason: dict[str, list[str]] = {}
    for each in plan.skipped:
        by_reason.setdefault(each.reason, []).append(gist(each.origin, limit=80))
    ranked = sorted(by_reason.items(), key=lambda item: -len(item[1]))
    for reason, origins in ranked[:_REASONS_SHOWN]:
        yield f"{listed(origins, limit=_ORIGINS_SHOWN)}: {reason}"
    if len(ranked) > _REASONS_SHOWN:
        yield f"… and {len(ranked) - _REASONS_SHOWN} more reasons"


def _say_done(done: Imported) -> None:
    secrets = f"; secrets replaced: {', '.join(done.secrets)}" if done.secrets else ""
    say(f"{counted(done.written, 'item')} written{secrets}. `agentops-mcp search` finds them.")


def _document(plan: ImportPlan, done: Imported | None) -> dict[str, Any]:
    states = [*((note, "new") for note in plan.new), *((note, "changed") for note in plan.changed)]
    return {
        "sources": [{"kind": each.kind, "path": str(each.path), "why": each.why} for each in plan.sources],
        "new": len(plan.new),
        "changed": len(plan.changed),
        "unchanged": plan.unchanged,
        "items": [
            {"source": note.source, "origin": note.origin, "title": note.title, "state": state}
            for note, state in states
        ],
        "skipped": [{"origin": each.origin, "reason": each.reason} for each in plan.skipped],
        "secrets": list(plan.secrets),
        "written": done.written if done else 0,
    }


def _command(kind: str, place: Path | None, *, since: str, limit: int, project: Path | None) -> str:
    """The command that writes what was shown."""
    words = ["agentops-mcp", "import"]
    words += [kind] if kind != "auto" else []
    words += [str(place)] if place else []
    words += ["--since", since] if since else []
    words += ["--limit", str(limit)] if limit != USUAL_NOTES else []
    words += ["--project", str(project)] if project else []
    return shlex.join([*words, "--yes"])
