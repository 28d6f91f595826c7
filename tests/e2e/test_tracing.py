"""Traces leave the process only when somebody asked for them."""

import http.server
import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted to it."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.received.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library names it
        """Say nothing."""


@pytest.fixture
def collector() -> Generator[tuple[str, list[tuple[str, bytes]]]]:
    received: list[tuple[str, bytes]] = []
    handler = type("Handler", (Collector,), {"received": received})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("asked", [True, False])
async def test_traces_are_sent_when_an_endpoint_is_set_and_only_then(
    tmp_path: Path, collector: tuple[str, list[tuple[str, bytes]]], *, asked: bool
) -> None:
    endpoint, received = collector
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    if asked:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "agentops_mcp", "serve"], cwd=tmp_path, env=environment
    )
    async with Client(stdio_client(server)) as client:
        await client.call_tool("start_session", {"goal": "be traced"})
    paths = {path for path, _ in received}
    assert paths == ({"/v1/traces"} if asked else set())
    assert any(b"start_session" in body for _, body in received) is asked
