"""`mine`: what recurs in the learnings and failures of all sessions, for a person or a program."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from agentops_mcp.cli.knowledge_batch import mine_batch
from agentops_mcp.cli.opening import JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import say, say_json
from agentops_mcp.cli.vectors import tell
from agentops_mcp.factors.mining.render.patterns import render_mined
from agentops_mcp.factors.mining.rules.library import Candidate, Mined
from agentops_mcp.factors.mining.rules.patterns import to_body
from agentops_mcp.factors.mining.rules.times import since_of


def mine(
    called: typer.Context,
    since: Annotated[str, typer.Option(metavar="TIME", help="Only what is newer: a date, or an age like 30d.")] = "",
    least: Annotated[
        int, typer.Option("--min", min=2, max=100, metavar="NUMBER", help="How often a theme must occur.")
    ] = 3,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Cluster the JSON Lines of id and text in FILE, or - for standard input, instead."
        ),
    ] = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Find what recurs in learnings and failures.

    It is what mine_patterns tells an agent: each theme with its records, and a draft to complete. Exit code 1 when a
    line of --batch cannot be read.
    """
    if batch is not None:
        _check(called.params)
        raise typer.Exit(mine_batch(batch, least=least))
    with reading(project) as app:
        after = since_of(since, app.clock())
        tell("Looking for what recurs…")
        mined = app.mining().mine(since=after, min_occurrences=least)
    if json:
        say_json(_document(mined))
    else:
        say(render_mined(mined, budget_tokens=sys.maxsize))


def _check(given: Mapping[str, Any]) -> None:
    beside = [f"--{name}" for name in ("since", "json", "project") if given[name]]
    if beside:
        raise typer.BadParameter(f"--batch is without a project: leave out {', '.join(beside)}.")


def _document(mined: Mined) -> dict[str, Any]:
    return {
        "considered": mined.considered,
        "sessions": mined.sessions,
        "min": mined.least,
        "lexical_only": mined.lexical_only,
        "themes": [_theme(each) for each in mined.candidates],
    }


def _theme(candidate: Candidate) -> dict[str, Any]:
    known = candidate.known
    return {
        "theme": candidate.theme,
        "sessions": candidate.sessions,
        "members": [
            {"ref": each.ref, "kind": each.kind, "at": each.at, "session": each.session, "text": each.text}
            for each in candidate.members
        ],
        "draft": {key: value for key, value in to_body(candidate.draft).items() if value},
        "known": {"name": known[0], "alike": round(float(known[1]), 4)} if known else None,
    }
