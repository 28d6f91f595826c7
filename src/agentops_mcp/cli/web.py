"""`agentops-mcp web`: the page on which a person decides, and the links that sign in to it."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from agentops_mcp.app import App
from agentops_mcp.cli.opening import ProjectOption
from agentops_mcp.cli.output import say
from agentops_mcp.core.errors import ConfigError
from agentops_mcp.storage.page_access import LINK_LASTS, PageAccess, named, running_page, state_folder
from agentops_mcp.storage.project import current_user, locate


def web(
    host: Annotated[str, typer.Option(metavar="HOST", help="A loopback address.")] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, metavar="NUMBER", help="The port, 0 for any; by default 8765 or the next that is free."
        ),
    ] = None,
    person: Annotated[
        str, typer.Option("--for", metavar="NAME", help="Whom the link signs in; by default the account's name.")
    ] = "",
    link: Annotated[bool, typer.Option("--link", help="Only make a link for the page that runs already.")] = False,
    link_file: Annotated[
        bool, typer.Option("--link-file", help="Keep the link in a file that only you can read, instead of showing it.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Serve the page where you see what agents ask, and decide.

    It shows a link that signs you in once, within 15 minutes, and runs until Ctrl-C. Where it runs already, it only
    makes a link for it.
    """
    located = locate(project or Path.cwd(), os.environ)
    access = PageAccess(state_folder(located, os.environ))
    name = named(person or current_user())
    if link_file and access.folder.resolve().is_relative_to(located.root.resolve()):
        raise ConfigError(
            f"{access.folder} is in the worktree, where agents read.",
            remedy="Set XDG_STATE_HOME to a folder outside it.",
        )
    if (running := running_page(access.folder)) is not None:
        say(f"The page runs at {running}")
        _hand_out(access, running, name, in_file=link_file)
    elif link:
        raise ConfigError("No page runs for this project.", remedy="Start it with `agentops-mcp web`.")
    else:
        _serve(project, access, host, port, name, in_file=link_file)


def _serve(project: Path | None, access: PageAccess, host: str, port: int | None, name: str, *, in_file: bool) -> None:
    """Serve until Ctrl-C or a signal to end."""
    from agentops_mcp.web.serving import USUAL_PORTS, PageServer, listening
    from agentops_mcp.web.site import Site

    # uvicorn raises the signal again once it has stopped: what was announced is taken back then, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sock, where = listening(host, USUAL_PORTS if port is None else [port])
    with sock, App(project) as app:
        app.approving()  # what can not be opened is said now
        with access.announced(where):
            say(f"The page is at {where}; Ctrl-C stops it.")
            _hand_out(access, where, name, in_file=in_file)
            try:
                PageServer(Site(app, access)).run(sockets=[sock])
            except KeyboardInterrupt:
                say("Stopped.")


def _hand_out(access: PageAccess, where: str, name: str, *, in_file: bool) -> None:
    """Show a link at a terminal, or keep it in a file; through a pipe an agent would read it."""
    minutes = f"{LINK_LASTS.total_seconds() / 60:.0f}"
    if in_file:
        path = access.keep_link(f"{where}/sign-in/{access.mint(name)}")
        say(f"A link that signs {name} in once, within {minutes} minutes, is in {path}")
    elif sys.stdin.isatty() and sys.stdout.isatty():
        say(f"To sign {name} in, open this link; it works once, within {minutes} minutes:")
        say(f"  {where}/sign-in/{access.mint(name)}")
    else:
        say("There is no terminal to show a link at. Run `agentops-mcp web --link` in one, or use --link-file.")
