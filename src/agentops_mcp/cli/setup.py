"""`init`: put the server into a client's own configuration, after showing what will change."""

import os
import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from agentops_mcp.cli import clients
from agentops_mcp.cli.agents_block import plan_block
from agentops_mcp.cli.clients import ConfigChange
from agentops_mcp.cli.git_hooks import plan_hook, plan_hook_removal
from agentops_mcp.cli.guard_hooks import HOOKED, Scope, plan_guard, plan_guard_removal
from agentops_mcp.cli.opening import ProjectOption
from agentops_mcp.cli.output import say
from agentops_mcp.core.errors import ConfigError
from agentops_mcp.core.redaction import redact
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import Project, locate

ClientName = Literal["claude-code", "claude-desktop", "vscode", "cursor", "codex", "gemini", "zed", "windsurf"]

_HOOKED_BY_DEFAULT = "claude-code"


class AgentsFile(StrEnum):
    """The files in which agents look for instructions."""

    AGENTS = "AGENTS.md"
    CLAUDE = "CLAUDE.md"


def init(
    client: Annotated[
        ClientName | None, typer.Option(metavar="NAME", help=f"The client to configure: {', '.join(clients.CLIENTS)}.")
    ] = None,
    agents_file: Annotated[
        AgentsFile | None,
        typer.Option(metavar="FILE", help="Also tell agents when to call the tools, in AGENTS.md or CLAUDE.md."),
    ] = None,
    git_hooks: Annotated[
        bool, typer.Option("--git-hooks", help="Install the commit-msg hook; [tracking] commit_message is its policy.")
    ] = False,
    remove_git_hooks: Annotated[bool, typer.Option("--remove-git-hooks", help="Remove our commit-msg hook.")] = False,
    hooks: Annotated[
        bool,
        typer.Option("--hooks", help="Have the client ask our guard before each tool call: --client, or claude-code."),
    ] = False,
    remove_hooks: Annotated[bool, typer.Option("--remove-hooks", help="Take the guard's hook out again.")] = False,
    user: Annotated[bool, typer.Option("--user", help="With --hooks: for you, in every project.")] = False,
    shared: Annotated[bool, typer.Option("--shared", help="With --hooks: for everyone, in a file for git.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Only show what would be written; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before writing.")] = False,
    project: ProjectOption = None,
) -> None:
    """Set up a client: the server, and the guard's hooks.

    Shows each change as a diff and, on a terminal, asks before it is written. Running it again changes nothing.
    """
    if not any((client, agents_file, git_hooks, remove_git_hooks, hooks, remove_hooks)):
        choices = "--client, --agents-file, --hooks, --remove-hooks, --git-hooks or --remove-git-hooks"
        raise typer.BadParameter(f"Say what to set up: {choices}.")
    _refuse_both("git-hooks", git_hooks, remove_git_hooks)
    _refuse_both("hooks", hooks, remove_hooks)
    scope = _scope(user=user, shared=shared, hooks=hooks or remove_hooks)
    place = locate(project or Path.cwd(), os.environ)
    changes: list[ConfigChange] = []
    if client and show and not remove_hooks:
        say(clients.snippet(client, project=place.root, command=own_command()).rstrip())
    elif client and not remove_hooks:
        changes.append(_client_change(client, place))
    if agents_file:
        changes.append(plan_block(place.root / agents_file.value))
    if git_hooks or remove_git_hooks:
        changes.append((plan_hook if git_hooks else plan_hook_removal)(_hooks_folder(place)))
    if hooks or remove_hooks:
        changes += (_guard_changes if hooks else _guard_removals)(client or _HOOKED_BY_DEFAULT, scope, place)
    for change in changes:
        _carry_out(change, show=show, yes=yes)
    if hooks:
        say(HOOKED[client or _HOOKED_BY_DEFAULT].note)


def own_command() -> str:
    """Where this program is, for clients that do not share the shell's PATH."""
    return shutil.which("agentops-mcp") or str(Path(sys.executable).with_name("agentops-mcp"))


def _client_change(client: str, place: Project) -> ConfigChange:
    home, command = Path.home(), own_command()
    return clients.plan(client, project=place.root, home=home, command=command, platform=sys.platform, env=os.environ)


def _refuse_both(name: str, put_in: bool, take_out: bool) -> None:
    if put_in and take_out:
        raise typer.BadParameter(f"--{name} and --remove-{name} exclude each other.")


def _scope(*, user: bool, shared: bool, hooks: bool) -> Scope | None:
    if user and shared:
        raise typer.BadParameter("--user and --shared exclude each other.")
    if (user or shared) and not hooks:
        raise typer.BadParameter("--user and --shared say where --hooks or --remove-hooks are meant.")
    return "user" if user else "shared" if shared else None


def _guard_changes(client: str, scope: Scope | None, place: Project) -> list[ConfigChange]:
    home, command = Path.home(), own_command()
    return [plan_guard(client, scope or "project", project=place.root, home=home, command=command, env=os.environ)]


def _guard_removals(client: str, scope: Scope | None, place: Project) -> list[ConfigChange]:
    """The changes that take the hook out: of the file that was named, else of every file of the project."""
    scopes: tuple[Scope, ...] = (scope,) if scope else ("project", "shared")
    home, root = Path.home(), place.root
    planned = [plan_guard_removal(client, each, project=root, home=home, env=os.environ) for each in scopes]
    return list({change.path: change for change in planned}.values())


def _carry_out(change: ConfigChange, *, show: bool, yes: bool) -> None:
    if not change.changed:
        say(f"{change.path} is as it should be.")
        return
    say(redact(change.diff()).text.rstrip())  # other servers' entries may hold keys
    if show:
        return
    if not yes and sys.stdin.isatty() and not typer.confirm(f"Write {change.path}?", default=True):
        raise typer.Abort
    clients.apply(change)
    say(f"{change.path} written.")


def _hooks_folder(place: Project) -> Path:
    if place.repository is None:
        raise ConfigError("There is no git repository here to hook into.", remedy="Run `git init` first.")
    # Our git runs with hooks off, by a setting of scope "command": every other scope is the person's.
    listed = Git(place.repository).run("config", "--show-scope", "--type=path", "--get-all", "core.hooksPath")
    scoped = [line.partition("\t") for line in os.fsdecode(listed).splitlines()]
    chosen = [value for scope, _, value in scoped if scope != "command"]
    return place.root / chosen[-1] if chosen else place.repository.common_dir / "hooks"
