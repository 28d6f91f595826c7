"""Our server factory with the conformance suite's fixtures added, on a loopback port.

Usage: python tests/peers/conformance_app.py PORT
"""

import logging
import sys

from fixture_content import add_content
from fixture_questions import add_questions
from fixture_transport import MemoryEvents, add_transport

from agentops_mcp.app import App
from agentops_mcp.server import build_server

# How soon a client may come back after the server closed its stream, in milliseconds.
_RETRY_MS = 100


def main(port: int) -> None:
    """Serve until the process is ended."""
    logging.basicConfig(level=logging.WARNING)  # before the SDK does it in its own, boxed way
    with App() as app:
        mcp = build_server(app)
        add_content(mcp)
        add_questions(mcp)
        add_transport(mcp)
        mcp.run("streamable-http", host="127.0.0.1", port=port, event_store=MemoryEvents(), retry_interval=_RETRY_MS)


if __name__ == "__main__":
    main(int(sys.argv[1]))
