"""`context`: what an agent would get for a task, why, and where its budget went. A look records nothing."""

import os
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentops_mcp.app import open_contexts
from agentops_mcp.cli.context_batch import answer_batch, read_only
from agentops_mcp.cli.context_shown import WHAT_THE_NUMBERS_ARE, document_of, explained, tree_of
from agentops_mcp.cli.opening import JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import say, say_json, say_table
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.context.rules.requests import DEFAULT_BUDGET, LEAST_BUDGET, MOST_BUDGET, Request
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import locate
from agentops_mcp.storage.source_tree import SourceTree

if TYPE_CHECKING:
    from agentops_mcp.factors.context.service.contexts import Contexts

_PATIENCE_S = 1.0

TaskArgument = Annotated[
    list[str] | None, typer.Argument(metavar="TASK", help="What is to be done, in plain words; quote names and errors.")
]
BudgetOption = Annotated[
    int,
    typer.Option(min=LEAST_BUDGET, max=MOST_BUDGET, metavar="NUMBER", help="The most it may cost, in tokens."),
]
RepoOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A checkout or bare clone to read, without any memory; instead of --project."),
]
RevOption = Annotated[str | None, typer.Option(metavar="SHA", help="A commit, branch or tag instead of the worktree.")]
PathOption = Annotated[
    list[str] | None, typer.Option(metavar="PATH", help="A file, folder or pattern to favour; may be repeated.")
]
OnlyOption = Annotated[bool, typer.Option("--only", help="Look at nothing but what --path names.")]
SeenOption = Annotated[
    list[str] | None, typer.Option(metavar="ID", help="An item or a load not to send again; may be repeated.")
]
WindowOption = Annotated[int | None, typer.Option(min=1, metavar="NUMBER", help="The size of the agent's window.")]
UsedOption = Annotated[int | None, typer.Option(min=0, metavar="NUMBER", help="How much of that window is used.")]
SessionOption = Annotated[str | None, typer.Option(metavar="HANDLE", help="The session whose window it would go to.")]
SubagentOption = Annotated[bool, typer.Option("--subagent", help="As a self-contained brief to delegate.")]
ExplainOption = Annotated[bool, typer.Option("--explain", help="Add what spoke for each piece, in numbers.")]
TreeOption = Annotated[bool, typer.Option("--tree", help="Show where the budget went instead of the text.")]
BatchOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="JSON Lines of id, repo, rev, task and budget_tokens, or - for standard input; a line out for each.",
    ),
]
ReposOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where --batch finds a repository owner/name, also a bare clone.")
]


def load(
    called: typer.Context,
    task: TaskArgument = None,
    budget: BudgetOption = DEFAULT_BUDGET,
    repo: RepoOption = None,
    rev: RevOption = None,
    path: PathOption = None,
    only: OnlyOption = False,
    seen: SeenOption = None,
    window: WindowOption = None,
    used: UsedOption = None,
    session: SessionOption = None,
    subagent: SubagentOption = False,
    explain: ExplainOption = False,
    tree: TreeOption = False,
    batch: BatchOption = None,
    repos: ReposOption = None,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """Show what an agent would load for a task.

    It is what load_context tells an agent, but nothing is recorded. Exit code 1 when a line of --batch has no answer.
    """
    _check(called.params)
    if batch is not None:
        raise typer.Exit(answer_batch(batch, repos, start=repo or project or Path.cwd(), budget_tokens=budget))
    request = Request(
        " ".join(task or ()), budget, window, used, paths=tuple(path or ()), only_paths=only, seen=tuple(seen or ()),
        rev=rev or "", for_subagent=subagent, session=session,
    )  # fmt: skip
    with _opened(repo, project) as contexts, _patience():
        loaded = contexts.load(request, patient=True)
    if json:
        say_json(document_of(request, loaded, _commit(repo or project, rev), explain=explain))
        return
    say("\n".join(tree_of(loaded, budget)) if tree else loaded.text)
    if explain:
        say(f"\n{WHAT_THE_NUMBERS_ARE}")
        say_table(explained(loaded))


def _check(given: Mapping[str, Any]) -> None:
    """Refuse options that do not go together.

    Raises:
        typer.BadParameter: with what to leave out or to add.
    """
    single = ("task", "rev", "path", "only", "seen", "window", "used", "session", "subagent", "explain", "tree", "json")
    named = {name: "TASK" if name == "task" else f"--{name}" for name in given}
    beside = [named[name] for name in single if _is_given(given[name])]
    if given["batch"] is not None and beside:
        raise typer.BadParameter(f"--batch has its tasks in its lines: leave out {', '.join(beside)}.")
    if given["batch"] is None and not given["task"]:
        raise typer.BadParameter("Say what is to be done: TASK, or --batch with a file of tasks.")
    about_window = [named[name] for name in ("window", "used", "session") if given[name] is not None]
    for is_wrong, problem in (
        (given["repos"] is not None and given["batch"] is None, "--repos needs --batch."),
        (given["repo"] is not None and given["project"] is not None, "--repo and --project exclude each other."),
        (given["repo"] is not None and about_window, f"--repo is without memory: leave out {', '.join(about_window)}."),
        (given["only"] and not given["path"], "--only needs --path."),
        (given["json"] and given["tree"], "--json and --tree exclude each other."),
    ):
        if is_wrong:
            raise typer.BadParameter(problem)


def _is_given(value: object) -> bool:
    return bool(value) or type(value) is int  # 0 is given, False is not


@contextmanager
def _opened(repo: Path | None, project: Path | None) -> Generator["Contexts"]:
    """Where to load from. Nothing is made but the cache, and that only in a git directory or beside a database."""
    if repo is not None:
        with TemporaryDirectory(prefix="agentops-", ignore_cleanup_errors=True) as scratch:
            yield read_only(repo, Path(scratch))
        return
    found = locate(project or Path.cwd(), os.environ)
    with reading(project) as app:
        yield open_contexts(found if found.repository else app.parts.project, app.parts)


@contextmanager
def _patience() -> Generator[None]:
    """Tell a person who waits for long why it takes so long."""
    if not sys.stderr.isatty():
        yield
        return
    telling = threading.Timer(_PATIENCE_S, typer.echo, ["Indexing; the next time is faster…"], {"err": True})
    telling.daemon = True
    telling.start()
    try:
        yield
    finally:
        telling.cancel()


def _commit(start: Path | None, rev: str | None) -> str | None:
    """The commit that was read, below the worktree's changes if no revision was asked for."""
    place = locate(start or Path.cwd(), os.environ)
    tree = SourceTree(place.repository, Git(place.repository) if place.repository else None, root=place.root)
    with suppress(InvalidInputError):  # outside git, and before the first commit
        return tree.resolve(rev or "HEAD")
    return None
