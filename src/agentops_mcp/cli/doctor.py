"""`doctor`: what works, what does not, and what to do about each."""

import itertools
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import typer

from agentops_mcp import __version__
from agentops_mcp.app import App, database_file
from agentops_mcp.approval_settings import ApprovalSettings
from agentops_mcp.cli import clients
from agentops_mcp.cli.canary import canaries
from agentops_mcp.cli.clients import ConfigChange
from agentops_mcp.cli.opening import JsonOption, ProjectOption, has_database
from agentops_mcp.cli.output import EXIT_FOUND, counted, say, say_json, say_table
from agentops_mcp.cli.setup import own_command
from agentops_mcp.core import tokens
from agentops_mcp.core.config import load_config
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.guarding import ground_of, place_of
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.notifying import program_of
from agentops_mcp.storage.page_access import state_folder
from agentops_mcp.storage.project import Project, Variable, locate

State = Literal["ok", "note", "fail"]

_LEAST_FREE_BYTES = 100 * 1024 * 1024
_PATIENCE_S = 60.0
_MOST_PLACES = 10_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; a state other than ok has a remedy."""

    name: str
    state: State
    finding: str
    remedy: str = ""


def doctor(json: JsonOption = False, project: ProjectOption = None) -> None:
    """Check that everything works; name each remedy.

    Looks at the installation, this project's storage, its git mirror and the clients. What the mirror is owed is paid,
    if it can be. Exit code 1 when something does not work.
    """
    checks = run_checks(project or Path.cwd())
    failed = sum(check.state == "fail" for check in checks)
    if json:
        say_json({"ok": not failed, "checks": [asdict(check) for check in checks]})
    else:
        say_table((check.state.ljust(4), check.name, check.finding) for check in checks)
        say()
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
    checks += [_project(project), _git(project), _guarded("settings", lambda: _settings(project))]
    if checks[-1].state == "ok":  # without them nothing can be opened
        checks += _stored(start, project)
    guard = _guarded("guard rules", lambda: _guard_rules(project))
    return [*checks, _disk(project), *_clients(project), guard, _approvals(project), *_hooks(project)]


def _stored(start: Path, project: Project) -> list[Check]:
    try:
        if not has_database(project):
            return [_place(project)]
        with App(start) as app:
            return [_storage(app), _guarded("git mirror", lambda: _mirror(app)), _search(app)]
    except AgentOpsError as error:
        return [_failed("storage", error)]


def _search(app: App) -> Check:
    """Search goes by words whatever happens; by meaning when the model and the index can be used."""
    semantic = app.knowledge().semantic
    try:
        pending = semantic.pending(semantic.ready(patience_s=_PATIENCE_S))
    except AgentOpsError as error:
        return Check("search", "note", f"by words alone: {error.problem}", error.remedy)
    behind = f"; {counted(pending, 'record')} without a vector yet, which the next search makes" if pending else ""
    return Check("search", "ok", f"by words and by meaning{behind}")


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
    remedy = f"Add {Path(own_command()).parent} to PATH, or install it as a tool: `uv tool install` or `pipx install`."
    return Check("command", "note", "agentops-mcp is not on PATH, so clients cannot start it by name", remedy)


def _token_data() -> Check:
    if reason := tokens.degraded():
        return Check("token counts", "note", reason, "Install the package again.")
    return Check("token counts", "ok", "o200k_base from the package, checksum verified")


def _project(project: Project) -> Check:
    if project.repository is None:
        remedy = "Run `git init` to have a mirror and the history of files."
        return Check("project", "note", f"{project.root}, outside git", remedy)
    kind = "bare repository" if project.repository.worktree is None else "git worktree"
    return Check("project", "ok", f"{project.root}, {kind}")


def _git(project: Project) -> Check:
    if project.repository is None:
        return Check("git", "ok", "not needed outside a repository")
    try:
        version = Git(project.repository).run("--version").decode().strip()
        Git(project.repository).run("rev-parse", "--git-dir")
    except AgentOpsError as error:
        return _failed("git", error)
    return Check("git", "ok", version)


def _settings(project: Project) -> Check:
    file = project.policy_dir / "config.toml"
    load_config(file)
    return Check("settings", "ok", str(file) if file.exists() else f"the defaults: there is no {file}")


def _place(project: Project) -> Check:
    file = database_file(project)
    existing = _nearest(project.data_dir)
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return Check("storage", "ok", f"nothing recorded yet; the first record makes {file}")
    remedy = f"Make {existing} a folder you may write to, or set {Variable.DATA_DIR} to one."
    return Check("storage", "fail", f"{file} cannot be made.", remedy)


def _storage(app: App) -> Check:
    ledger = app.parts.ledger
    newest = ledger.newest(limit=1)
    with ledger.database.write():  # the proof that a record would be taken
        pass
    copy = f"; migrated, copy kept at {app.parts.opened.copy}" if app.parts.opened.copy else ""
    return Check("storage", "ok", f"{ledger.database.place}, {counted(newest[0][0] if newest else 0, 'event')}{copy}")


def _mirror(app: App) -> Check:
    mirror = app.parts.mirror
    if mirror is None:
        return Check("git mirror", "note", "none: there is no git repository here", "Use `export` to keep a copy.")
    app.settle()
    debt = mirror.debt()
    if not debt:
        return Check("git mirror", "ok", f"{app.parts.project.ref} holds every tracked event")
    finding = f"{counted(debt, 'tracked event')} not in {app.parts.project.ref}: {mirror.last_error or 'being written'}"
    remedy = "The records are safe in the database; the next call after this is put right writes the mirror."
    return Check("git mirror", "fail", finding, remedy)


def _disk(project: Project) -> Check:
    place = _nearest(project.data_dir)
    free = shutil.disk_usage(place).free
    finding = f"{free // 2**20} MiB free at {place}"
    if free >= _LEAST_FREE_BYTES:
        return Check("disk", "ok", finding)
    return Check("disk", "fail", finding, "Free some space: a record that cannot be written is refused.")


def _nearest(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


def _clients(project: Project) -> list[Check]:
    found = [check for name in clients.CLIENTS if (check := _client(name, project))]
    remedy = "Run `agentops-mcp init --client claude-code`, or another that `agentops-mcp init --help` names."
    return found or [Check("clients", "note", "none has this server in its configuration", remedy)]


def _client(name: str, project: Project) -> Check | None:
    """What there is to say about one client; nothing when it has no configuration, or one without us."""
    try:
        change = clients.plan(
            name, project=project.root, home=Path.home(), command=own_command(), platform=sys.platform, env=os.environ
        )
    except AgentOpsError as error:
        return Check(f"client {name}", "note", error.problem, error.remedy)
    if not change.changed:
        return Check(f"client {name}", "ok", f"configured in {change.path}")
    if not _names_us(change):
        return None
    remedy = f"Run `agentops-mcp init --client {name}`; it shows the change and asks."
    return Check(f"client {name}", "note", f"{change.path} starts another program or serves another project", remedy)


def _names_us(change: ConfigChange) -> bool:
    text = change.before or ""
    return f'"{clients.SERVER_KEY}"' in text or f".{clients.SERVER_KEY}]" in text


def _guard_rules(project: Project) -> Check:
    """How many rules hold, and which file of the policy is not heard."""
    ground = ground_of(place_of(project), os.environ)
    if ground.problems:
        remedy = "Correct it; `agentops-mcp rules test` tries it."
        return Check("guard rules", "fail", " ".join(ground.problems), remedy)
    rules = {rule.id for rules in ground.policy.rules.values() for rule in rules}
    return Check("guard rules", "ok", f"{len(rules)} hold, policy {ground.policy.version[:12]}")


def _approvals(project: Project) -> Check:
    """Whether the settings of approvals are heard, the page's folder is private, and a person can be told."""
    settings = ApprovalSettings(project, os.environ)
    if problems := settings.problems():
        finding = f"{' '.join(problems)} What it last said rightly holds, or the defaults."
        return Check("approvals", "fail", finding, "Correct it; docs/reference/settings.md lists every key.")
    folder = state_folder(project, os.environ)
    if exposed := _exposed(folder):
        remedy = f"Run `chmod -R go= {folder.parent}`: others could sign in to the page."
        return Check("approvals", "fail", f"{exposed} is open to other accounts", remedy)
    notify, own = settings.notify(), settings.person_file()
    if notify.command and program_of(notify.command[0], os.environ) is None:
        remedy = f"Correct notify.command in {own}: an absolute path, or a name on the PATH."
        return Check("approvals", "fail", f"{notify.command[0]}, which is to notify you, is not there", remedy)
    told = [name for name, given in (("a command", notify.command), ("an address", notify.url)) if given]
    source = str(own) if own.exists() else f"the defaults: there is no {own}"
    return Check("approvals", "ok", f"{source}; you are told by {' and '.join(told) or 'nothing outside the client'}")


def _exposed(folder: Path) -> Path | None:
    """What of the page's state other accounts may read or change, if anything; modes say so on POSIX alone."""
    if sys.platform == "win32" or not folder.exists():
        return None
    places = (folder.parent, folder, *itertools.islice(folder.rglob("*"), _MOST_PLACES))
    return next((each for each in places if each.lstat().st_mode & 0o077 and not each.is_symlink()), None)


def _hooks(project: Project) -> list[Check]:
    """The guard's hook where it is installed: that it denies what it must is tried, not assumed.

    Whether the client really runs it, only the client can show.
    """
    tried = canaries(project.root, Path.home(), os.environ, command=own_command())
    if not tried:
        remedy = "Run `agentops-mcp init --hooks` to have a client ask the guard before each tool call."
        return [Check("guard hook", "note", "no client asks the guard by itself", remedy)]
    return [
        Check(f"guard hook {each.client}", "ok" if each.works else "fail", each.finding, each.remedy) for each in tried
    ]
