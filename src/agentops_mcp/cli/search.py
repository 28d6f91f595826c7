"""`search` and `release`: what search_knowledge finds, for a person, and what it keeps from readers."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.cli.knowledge_batch import search_batch
from agentops_mcp.cli.opening import JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import counted, say, say_json, say_table
from agentops_mcp.cli.vectors import catch_up
from agentops_mcp.core.display import gist
from agentops_mcp.core.documents import DocumentKind
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.render.hits import render_results
from agentops_mcp.factors.mining.rules.hits import Hit, Results
from agentops_mcp.factors.mining.rules.stages import Stage
from agentops_mcp.factors.mining.rules.times import since_of
from agentops_mcp.factors.mining.store.documents import Filter, Request
from agentops_mcp.storage.project import current_user

_HITS = 8
_BATCH_HITS = 100
_MOST_HITS = 400
_QUARANTINED_SHOWN = 1_000
_KINDS: tuple[DocumentKind, ...] = get_args(DocumentKind)


def _kinds(incomplete: str) -> list[str]:
    return [kind for kind in _KINDS if kind.startswith(incomplete)]


def _tags(context: typer.Context, incomplete: str) -> list[str]:
    with suppress(AgentOpsError), reading(context.params.get("project")) as app:
        return app.search().complete_tag(incomplete)
    return []


QueryArgument = Annotated[
    list[str] | None, typer.Argument(metavar="QUERY", help="What you want to know, in your own words.")
]
KindOption = Annotated[
    list[str] | None,
    typer.Option(metavar="KIND", help=f"Only {', '.join(_KINDS)}; may be repeated.", autocompletion=_kinds),
]
SinceOption = Annotated[str, typer.Option(metavar="TIME", help="Only what is newer: a date, or an age like 7d.")]
PathOption = Annotated[str, typer.Option(metavar="PATH", help="Only what cites this file or folder.")]
TagOption = Annotated[str, typer.Option(metavar="TAG", help="Only what has this tag.", autocompletion=_tags)]
StageOption = Annotated[
    Stage | None, typer.Option(metavar="STAGE", help=f"Only patterns of this stage: {', '.join(get_args(Stage))}.")
]
CountOption = Annotated[
    int | None,
    typer.Option(
        "-k", min=1, max=_MOST_HITS, metavar="NUMBER", help=f"The most hits: {_HITS}, or {_BATCH_HITS} in a batch."
    ),
]
TextOption = Annotated[bool, typer.Option("--text", help="Show the text of each hit too.")]
LexicalOption = Annotated[bool, typer.Option("--lexical", help="By words alone; waits for nothing.")]
QuarantinedOption = Annotated[bool, typer.Option("--quarantined", help="List what is kept from readers, and why.")]
BatchOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="JSON Lines of id and text, or - for standard input; a line out for each."),
]
CorpusOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="JSON Lines of id and text that --batch searches, in no project.")
]


def search(
    called: typer.Context,
    query: QueryArgument = None,
    kind: KindOption = None,
    since: SinceOption = "",
    path: PathOption = "",
    tag: TagOption = "",
    stage: StageOption = None,
    k: CountOption = None,
    text: TextOption = False,
    lexical: LexicalOption = False,
    quarantined: QuarantinedOption = False,
    batch: BatchOption = None,
    corpus: CorpusOption = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Search what the project recorded, by words and by meaning.

    It is what search_knowledge tells an agent, but nothing is recorded, and records without a vector are given one
    first. Exit code 1 when a line of --batch has no answer.
    """
    _check(called.params)
    if batch is not None:
        raise typer.Exit(search_batch(batch, corpus, project=project, k=k or _BATCH_HITS, lexical=lexical))
    with reading(project) as app:
        if quarantined:
            _say_quarantined(app.search().quarantined(limit=_QUARANTINED_SHOWN), json=json)
            return
        among = Filter(
            cast("tuple[DocumentKind, ...]", tuple(kind or ())), since_of(since, app.clock()), path.strip(),
            tag.strip().casefold(),
        )  # fmt: skip
        request = Request(" ".join(query or ()), among, stage, k or _HITS)
        results = _found(app, request, lexical=lexical)
    if json:
        say_json(_document(request.text, results, texts=text))
    else:
        say(render_results(request.text, results, now=app.clock(), budget_tokens=sys.maxsize, texts=text))


def release(
    ref: Annotated[str, typer.Argument(metavar="REF", help="What `search --quarantined` calls it.")],
    project: ProjectOption = None,
) -> None:
    """Let search find a record that looks like an instruction.

    Read it first: once released, agents get to read it too.
    """
    actor = Actor(client=f"agentops-mcp release {__version__}", user=current_user(), via="cli")
    name = ref.strip().removeprefix("agentops://")
    with reading(project) as app:
        app.search().release(name, actor=actor)
        app.settle()
    say(f"{name} is released: search finds it from now on.")


def _found(app: App, request: Request, *, lexical: bool) -> Results:
    if lexical:
        return app.search().search(request, patience_s=None)
    if request.text.strip():
        catch_up(app.knowledge().semantic)
    return app.search().search(request)


def _check(given: Mapping[str, Any]) -> None:
    """Refuse options that do not go together.

    Raises:
        typer.BadParameter: with what to leave out or to add.
    """
    single = ("query", "kind", "since", "path", "tag", "stage", "text", "quarantined", "json")
    beside = ["QUERY" if name == "query" else f"--{name}" for name in single if given[name]]
    alone = [name for name in beside if name not in ("--quarantined", "--json")]
    unknown = [kind for kind in given["kind"] or () if kind not in _KINDS]
    for is_wrong, problem in (
        (given["batch"] is not None and beside, f"--batch has its queries in its lines: leave out {_all(beside)}."),
        (given["corpus"] is not None and given["batch"] is None, "--corpus needs --batch."),
        (given["corpus"] is not None and given["project"] is not None, "--corpus and --project exclude each other."),
        (given["quarantined"] and alone, f"--quarantined lists everything: leave out {_all(alone)}."),
        (
            not (given["query"] or given["batch"] or given["quarantined"]),
            "Say what you want to know: QUERY, or --batch with a file of queries.",
        ),
        (unknown, f"--kind {_all(unknown)} is none of {_all(_KINDS)}."),
    ):
        if is_wrong:
            raise typer.BadParameter(problem)


def _all(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(gist(name, limit=40) for name in names)


def _say_quarantined(found: list[tuple[str, str, str]], *, json: bool) -> None:
    if json:
        say_json([{"ref": ref, "title": title, "why": why} for ref, title, why in found])
    elif not found:
        say("Nothing is quarantined.")
    else:
        say(f"{counted(len(found), 'record')} kept from readers. What a title says is no instruction.")
        say_table((f"  {ref}", gist(why, limit=160), gist(title, limit=100)) for ref, title, why in found)
        say("If one is harmless: agentops-mcp release REF")


def _document(query: str, results: Results, *, texts: bool) -> dict[str, Any]:
    return {
        "query": query,
        "searched": results.searched,
        "lexical_only": results.lexical_only,
        "pending": results.pending,
        "quarantined": results.quarantined,
        "hits": [_hit(hit, texts=texts) for hit in results.hits],
    }


def _hit(hit: Hit, *, texts: bool) -> dict[str, Any]:
    document, reputation = hit.document, hit.reputation
    shown: dict[str, Any] = {
        "ref": document.ref,
        "uri": f"agentops://{document.ref}",
        "kind": document.kind,
        "title": document.title,
        "score": round(float(hit.score), 4),
        "why": {"words": list(hit.shared), "cosine": None if hit.cosine is None else round(float(hit.cosine), 4)},
        "author": hit.author,
        "at": hit.at,
        "origin": document.origin,
        "tags": list(document.tags),
        "freshness": hit.freshness,
        "files": hit.about_files,
        "stage": reputation and reputation.stage,
        "evidence": reputation and reputation.evidence,
        "worked": reputation and reputation.worked,
        "failed": reputation and reputation.failed,
        "successor": reputation and reputation.successor,
        "starter": reputation is not None and reputation.is_starter,
    }
    return {**shown, "text": document.text} if texts else shown
