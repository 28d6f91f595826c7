"""`patterns`: the library as people keep it, from a draft to a file that passes the checks."""

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.cli.opening import JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import EXIT_FOUND, counted, say, say_json, say_table
from agentops_mcp.cli.vectors import catch_up
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Actor, Event
from agentops_mcp.factors.mining.render.patterns import render_health, render_member
from agentops_mcp.factors.mining.rules.library import FileFinding, Member
from agentops_mcp.factors.mining.rules.patterns import CATEGORIES, KINDS, Kind, Pattern, check_limits, slug, to_body
from agentops_mcp.factors.mining.rules.stages import Health, Rate, Stage
from agentops_mcp.storage.project import current_user, locate

if TYPE_CHECKING:
    from agentops_mcp.factors.mining.service.patterns import Patterns

commands = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Read, write, check and retire the project's patterns."
)


def _names(context: typer.Context, incomplete: str) -> list[str]:
    with suppress(AgentOpsError), reading(context.params.get("project")) as app:
        return app.patterns().complete_name(incomplete)
    return []


NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="The pattern's name or address.", autocompletion=_names)
]


@commands.command("list")
def list_patterns(
    stage: Annotated[
        Stage | None, typer.Option(metavar="STAGE", help=f"Only of this stage: {', '.join(get_args(Stage))}.")
    ] = None,
    kind: Annotated[Kind | None, typer.Option(metavar="KIND", help=f"Only of this kind: {', '.join(KINDS)}.")] = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """List the library, and how it does.

    Each line has a pattern's name, its stage, its category and its title; a starter came with the package and was not
    tried in this project.
    """
    with reading(project) as app:
        members = app.patterns().members()
        health = app.library().health()
    chosen = [each for each in members if _is_of(each, stage, kind)]
    if json:
        say_json({"patterns": [_row(each) for each in chosen], "health": _health(health)})
        return
    if chosen:
        say_table((each.pattern.name, _state(each), each.pattern.category, each.pattern.title) for each in chosen)
    else:
        say("No such pattern." if members else "No patterns yet. `agentops-mcp patterns new TITLE` begins one.")
    say()
    say("\n".join(render_health(health)))


@commands.command()
def show(
    name: NameArgument,
    revisions: Annotated[bool, typer.Option("--revisions", help="List its revisions instead, newest first.")] = False,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Show one pattern, and where its stage comes from.

    `agentops-mcp show ID` prints what a revision said.
    """
    with _library(project) as patterns:
        member = patterns.member(name)
        events = patterns.revisions(name) if revisions or json else []
    if json:
        shown = [_revision(event, len(events) - at) for at, event in enumerate(events)]
        say_json({**_row(member), **to_body(member.pattern), "revisions": shown})
    elif not revisions:
        say(render_member(member))
    elif events:
        say_table(_revision_line(event, len(events) - at) for at, event in enumerate(events))
    else:
        say("No revisions: it came with the package.")


@commands.command()
def new(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What to do, in one line.")],
    category: Annotated[
        str, typer.Option(metavar="CATEGORY", help=f"What it is about: {', '.join(CATEGORIES)}.")
    ] = "domain",
    kind: Annotated[Kind, typer.Option(metavar="KIND", help=f"One of: {', '.join(KINDS)}.")] = "pattern",
    project: ProjectOption = None,
) -> None:
    """Write a draft for you to fill in.

    A file with every section, named after the title. One that is there already is never replaced.
    """
    pattern = Pattern(name=slug(title), title=title, kind=kind, category=category)
    check_limits(pattern)
    with _library(project) as patterns:
        path = patterns.write_draft(pattern)
    say(f"{path} is there to be filled in. Then: agentops-mcp patterns check")


@commands.command()
def check(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Check the pattern files; what passes is taken over.

    Exit code 1 when a file has a problem: search does not find what it says.
    """
    folder = locate(project or Path.cwd(), os.environ).policy_dir / "patterns"
    with App(project) if any(folder.glob("*.md")) else reading(project) as app:
        catch_up(app.knowledge().semantic)
        found = app.patterns().check_files()
        if found:
            app.settle()
    if json:
        say_json([asdict(each) for each in found])
    else:
        _say_findings(found)
    if any(each.problems for each in found):
        raise typer.Exit(EXIT_FOUND)


@commands.command()
def promote(name: NameArgument, project: ProjectOption = None) -> None:
    """Adopt a starter, or bring a retired pattern back.

    It is then the project's own, with a file that can be changed.
    """
    with _writing(project) as app:
        member = app.patterns().promote(name, actor=_actor("promote"))
    say(f"{member.pattern.name} is the project's own and active, stage {member.maturity.stage}.")


@commands.command()
def deprecate(
    name: NameArgument,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why nobody should follow it.")],
    successor: Annotated[
        str, typer.Option(metavar="NAME", help="The pattern to follow instead.", autocompletion=_names)
    ] = "",
    project: ProjectOption = None,
) -> None:
    """Retire a pattern; it stays readable.

    Search ranks it last and points to its successor.
    """
    with _writing(project) as app:
        member = app.patterns().deprecate(name, reason=reason, successor=successor, actor=_actor("deprecate"))
    say(f"{member.pattern.name} is retired. To undo: agentops-mcp patterns promote {member.pattern.name}")


# Opening


@contextmanager
def _library(project: Path | None) -> Generator["Patterns"]:
    """The library with what people wrote into its folder."""
    with reading(project) as app:
        patterns = app.patterns()
        patterns.take_over()
        yield patterns


@contextmanager
def _writing(project: Path | None) -> Generator[App]:
    with App(project) as app:
        app.patterns().take_over()
        yield app
        app.settle()


def _actor(command: str) -> Actor:
    return Actor(client=f"agentops-mcp patterns {command} {__version__}", user=current_user(), via="cli")


# What is said


def _is_of(member: Member, stage: Stage | None, kind: Kind | None) -> bool:
    return stage in (None, member.maturity.stage) and kind in (None, member.pattern.kind)


def _state(member: Member) -> str:
    marks: list[str] = [member.maturity.stage]
    marks += [member.pattern.kind] if member.pattern.kind != "pattern" else []
    marks += [] if member.saved_at else ["starter"]
    marks += [member.decay] if member.saved_at and member.decay != "fresh" else []
    return ", ".join(marks)


def _row(member: Member) -> dict[str, Any]:
    pattern, maturity = member.pattern, member.maturity
    return {
        "name": pattern.name,
        "uri": f"agentops://pattern/{pattern.name}",
        "title": pattern.title,
        "kind": pattern.kind,
        "category": pattern.category,
        "tags": list(pattern.tags),
        "status": pattern.status,
        "successor": pattern.successor,
        "stage": maturity.stage,
        "starter": not member.saved_at,
        "saved_at": member.saved_at,
        "decay": member.decay,
        "sessions": maturity.sessions,
        "contexts": maturity.contexts,
        "worked": maturity.worked,
        "partly": maturity.partly,
        "failed": maturity.failed,
        "contested": maturity.contested,
        "shown": member.shown,
        "cited": member.cited,
        "adoption": _rate(maturity.adoption),
    }


def _health(health: Health) -> dict[str, Any]:
    return {
        "window_days": health.window_days,
        "verdict": health.verdict,
        "stages": dict(health.stages),
        "retrieval": _rate(health.retrieval),
        "citation": _rate(health.citation),
        "decay": _rate(health.decay),
        "new": health.new,
        "growth": float(health.growth),
    }


def _rate(rate: Rate) -> dict[str, int]:
    return {"count": rate.count, "n": rate.n}


def _revision(event: Event, number: int) -> dict[str, Any]:
    return {"revision": number, "id": event.id, "at": event.at, "actor": event.actor, "title": event.body["title"]}


def _revision_line(event: Event, number: int) -> tuple[str, ...]:
    author = f"{event.actor['client']} ({event.actor['user']})"
    return str(number), f"{event.at[:10]} {event.at[11:16]}", event.id, author, str(event.body["title"])


def _say_findings(found: list[FileFinding]) -> None:
    for each in found:
        said = [*(f"problem: {problem}" for problem in each.problems), *(f"hint: {hint}" for hint in each.hints)]
        say(f"{each.name}: {each.state}")
        for line in said:
            say(f"  {line}")
    bad = sum(bool(each.problems) for each in found)
    say(f"{counted(len(found), 'file')}, {bad} with problems." if found else "No pattern files in .agentops/patterns.")
