"""`doctor`: what works, what does not, and what to do about each."""

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from agentops_mcp import __version__
from agentops_mcp.app import App
from agentops_mcp.cli import clients
from agentops_mcp.cli.output import EXIT_FOUND, say, say_json, say_table
from agentops_mcp.core import tokens
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import Project, locate

State = Literal["ok", "note", "fail"]

_LEAST_FREE_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; a state other than ok has a remedy."""

    name: str
    state: State
    finding: str
    remedy: str = ""


def doctor(
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    project: Annotated[
        Path | None, typer.Option("--project", "-C", metavar="DIR", help="The project's folder.")
    ] = None,
) -> None:
    """Check the installation, this project's storage and the git mirror; every finding names its remedy."""
    checks = run_checks(project or Path.cwd())
    failed = sum(check.state == "fail" for check in checks)
    if json:
        say_json([asdict(check) for check in checks])
    else:
        say_table((check.state.ljust(4), check.name, check.finding) for check in checks)
        for check in checks:
            if check.remedy:
                say(f"{check.name}: {check.remedy}")
        say("Everything works." if not failed else f"{failed} of {len(checks)} checks failed.")
    if failed:
        raise typer.Exit(EXIT_FOUND)


def run_checks(start: Path) -> list[Check]:
    """Every check, in the order in which one depends on another."""
    checks = [_installation(), _command(), _token_data()]
    try:
        project = locate(start, os.environ)
    except AgentOpsError as error:
        return [*checks, _failed("project", error)]
    checks += [_project(project), _git(project)]
    with App(start) as app:
        checks += [_guarded("storage", lambda: _storage(app)), _guarded("git mirror", lambda: _mirror(app))]
    return [
        *checks,
        _disk(project),
        *(_guarded(f"client {name}", lambda n=name: _client(n, project)) for name in clients.CLIENTS),
    ]


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except AgentOpsError as error:
        return _failed(name, error)


def _failed(name: str, error: AgentOpsError) -> Check:
    return Check(name, "fail", error.problem, error.remedy)


def _installation() -> Check:
    return Check(
        "installation", "ok", f"agentops-mcp {__version__}, Python {platform.python_version()}, {sys.platform}"
    )


def _command() -> Check:
    found = shutil.which("agentops-mcp")
    if found:
        return Check("command", "ok", found)
    remedy = "Add its folder to PATH, or install with `uv tool install agentops-mcp` or `pipx install agentops-mcp`."
    return Check("command", "note", "agentops-mcp is not on PATH, so clients cannot start it by name", remedy)


def _token_data() -> Check:
    if reason := tokens.degraded():
        return Check("token counts", "note", reason, "Install the package again.")
    return Check("token counts", "ok", "o200k_base from the package, checksum verified")


def _project(project: Project) -> Check:
    if project.repository is None:
        return Check(
            "project", "note", f"{project.root}, outside git", "Run `git init` to have a mirror and file history."
        )
    kind = "bare repository" if project.repository.worktree is None else "git worktree"
    return Check("project", "ok", f"{project.root}, {kind}, data in {project.data_dir}")


def _git(project: Project) -> Check:
    if project.repository is None:
        return Check("git", "ok" if shutil.which("git") else "note", "not needed outside a repository")
    try:
        version = Git(project.repository).run("--version").decode().strip()
        Git(project.repository).run("rev-parse", "--git-dir")
    except AgentOpsError as error:
        return _failed("git", error)
    return Check("git", "ok", version)


def _storage(app: App) -> Check:
    ledger = app.parts.ledger
    newest = ledger.newest(limit=1)
    copy = f"; migrated, copy kept at {app.parts.opened.copy}" if app.parts.opened.copy else ""
    return Check("storage", "ok", f"{ledger.database.place}, {newest[0][0] if newest else 0} events{copy}")


def _mirror(app: App) -> Check:
    mirror = app.parts.mirror
    if mirror is None:
        return Check("git mirror", "note", "none: there is no git repository here", "Use export to keep a copy.")
    app.settle()
    debt = mirror.debt()
    if not debt:
        return Check("git mirror", "ok", f"{app.parts.project.ref} holds every tracked event")
    reason = mirror.last_error or "it has not been written yet"
    remedy = "Records are safe in the database; make the repository writable and the next call pays the debt."
    return Check("git mirror", "fail", f"{debt} tracked events are not in {app.parts.project.ref}: {reason}", remedy)


def _disk(project: Project) -> Check:
    place = next(folder for folder in (project.data_dir, *project.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    finding = f"{free // 2**20} MiB free at {place}"
    if free >= _LEAST_FREE_BYTES:
        return Check("disk", "ok", finding)
    return Check("disk", "fail", finding, "Free some space: a record that cannot be written is refused.")


def _client(name: str, project: Project) -> Check:
    change = clients.plan(
        name, project=project.root, home=Path.home(), command="agentops-mcp", platform=sys.platform, env=os.environ
    )
    if (change.before and f'"{clients.SERVER_KEY}"' in change.before) or f".{clients.SERVER_KEY}]" in (
        change.before or ""
    ):
        return Check(f"client {name}", "ok", f"configured in {change.path}")
    return Check(f"client {name}", "ok", "not configured" if change.before is None else f"not in {change.path}")
