"""`agentops-mcp serve`: argparse rather than typer, whose import would delay every session's start."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentops_mcp.app import App

logger = logging.getLogger(__name__)

EXIT_ERROR = 3


def serve(arguments: Sequence[str]) -> int:
    """Serve until the client hangs up; returns the exit code."""
    options = parser().parse_args(arguments)
    # Before the SDK is imported: it would install a handler of its own on the root logger.
    logging.basicConfig(
        stream=sys.stderr, level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.captureWarnings(capture=True)
    gc.disable()  # importing allocates much and frees nothing: collecting meanwhile costs a tenth of the start
    from agentops_mcp.app import App
    from agentops_mcp.cli.tracing import start_tracing
    from agentops_mcp.core.errors import AgentOpsError
    from agentops_mcp.server import serve_stdio

    gc.freeze()
    gc.enable()
    start_tracing(os.environ)
    app = App(options.project)
    try:
        if options.http is None:
            serve_stdio(app)
        else:
            _serve_http(app, options.project, *options.http)
    except AgentOpsError as error:
        print(f"error: {error.problem}\n  {error.remedy}", file=sys.stderr)  # noqa: T201 - a person reads it
        return EXIT_ERROR
    except KeyboardInterrupt:
        return 130
    return 0


def _serve_http(app: "App", project: Path | None, host: str, port: int) -> None:
    """Serve over HTTP with the page beside it, where one can be kept."""
    from agentops_mcp.core.errors import ConfigError
    from agentops_mcp.core.loopback import LOOPBACK_HOSTS, address
    from agentops_mcp.server import serve_http
    from agentops_mcp.storage.page_access import PageAccess, state_folder
    from agentops_mcp.storage.project import locate
    from agentops_mcp.web.site import Site

    with ExitStack() as stack:
        site = None
        if host in LOOPBACK_HOSTS:
            try:
                access = PageAccess(state_folder(locate(project or Path.cwd(), os.environ), os.environ))
                if port:
                    stack.enter_context(access.announced(address(host, port)))
                site = Site(app, access)
            except ConfigError as error:
                logger.warning("There is no page: %s", error)
        serve_http(app, host, port, beside=site)


def parser() -> argparse.ArgumentParser:
    """The options of `serve`."""
    parser = argparse.ArgumentParser(
        prog="agentops-mcp serve",
        description="Serve MCP over stdin and stdout, as clients start it, or over HTTP on this machine.",
        epilog="Exit codes: 0 the client hung up; 2 wrong usage; 3 it cannot be served; 130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--project", "-C", type=Path, metavar="DIR", help="the project's folder; by default the one it is started in"
    )
    parser.add_argument(
        "--http",
        type=_host_and_port,
        metavar="HOST:PORT",
        help="streamable HTTP at /mcp on a loopback address, instead of stdio; the page for people is beside it",
    )
    parser.add_argument(
        "--log-level",
        choices=["debug", "info", "warning", "error"],
        default="warning",
        metavar="LEVEL",
        help="what goes to stderr: debug, info, warning (the default) or error",
    )
    return parser


def _host_and_port(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, like 127.0.0.1:8765")
    return host.strip("[]"), int(port)
