"""`agentops-mcp serve`: argparse rather than typer, whose import would delay every session's start."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

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
    from agentops_mcp.server import serve_http, serve_stdio

    gc.freeze()
    gc.enable()
    start_tracing(os.environ)
    app = App(options.project)
    try:
        if options.http is None:
            serve_stdio(app)
        else:
            serve_http(app, *options.http)
    except AgentOpsError as error:
        print(f"error: {error.problem}\n  {error.remedy}", file=sys.stderr)  # noqa: T201 - a person reads it
        return EXIT_ERROR
    except KeyboardInterrupt:
        return 130
    return 0


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
        help="streamable HTTP at /mcp on a loopback address, instead of stdio",
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
