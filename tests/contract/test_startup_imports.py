"""What a client waits for when it starts the server: nothing it does not need yet, and a clean wire."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

# Runs the server as the console script does. Where it would warm up, right after the first listing, it says what is
# loaded, and makes the noise of careless libraries and child processes.
DRIVER = """
import json, os, subprocess, sys, warnings
from agentops_mcp import app
from agentops_mcp.__main__ import main

def warm(self):
    loaded = json.dumps(sorted(sys.modules))
    print("noise from print")
    os.write(1, b"noise from a descriptor\\n")
    subprocess.run([sys.executable, "-c", "print('noise from a child process')"])
    warnings.warn("noise from a warning")
    print("loaded", loaded, file=sys.stderr, flush=True)

app.App.warm = warm
sys.argv = ["agentops-mcp", "serve"]
main()
"""

BARE = "import json, sys; from mcp.server import MCPServer; MCPServer('bare'); print(json.dumps(sorted(sys.modules)))"

LATER = {
    "chromadb": "the first search",
    "tiktoken": "warming up",
    "psycopg": "a shared database",
    "apsw": "the first use of the database",
    "numpy": "the first load of context",
    "tree_sitter": "the first load of context",
    "typer": "the command line",
    "rich": "the command line",
    "click": "the command line",
    "tomlkit": "init",
    "jinja2": "the page",
    "rfc8785": "the first digest of an action",
    "git": "nothing",
    "gitdb": "nothing",
}

# What a session may do before it loads context, and then that.
CALLS = """
import sys
from pathlib import Path
import anyio
from mcp import Client
from agentops_mcp.app import App
from agentops_mcp.server import build_server

async def main():
    with App(Path.cwd(), environment={}) as app:
        async with Client(build_server(app)) as client:
            await client.list_tools()
            app.warm()
            for tool, arguments in (
                ("start_session", {"goal": "Say hello"}),
                ("record_entry", ENTRY),
                ("resume_state", {}),
                ("report_outcome", {"of": "nothing", "outcome": "worked"}),
            ):
                await client.call_tool(tool, arguments)
            print([name for name in ("numpy", "tree_sitter") if name in sys.modules])
            await client.call_tool("load_context", {"task": "Say hello"})
            print([name for name in ("numpy", "tree_sitter") if name in sys.modules])

anyio.run(main)
"""

MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "test", "version": "1"},
}

ENTRY = {"kind": "action", "action": "Cache parsed schedules", "context": "Parsing took 40 ms of each request"}


class Wire:
    """A server started by the driver, and every line it put on stdout."""

    def __init__(self, project: Path) -> None:
        self.lines: list[bytes] = []
        self._process = subprocess.Popen(
            [sys.executable, "-c", DRIVER], cwd=project,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, identifier: int, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.tell({"id": identifier, "method": method, "params": params})
        assert self._process.stdout is not None
        self.lines.append(self._process.stdout.readline())
        answer = json.loads(self.lines[-1])
        assert answer["id"] == identifier, answer
        return answer["result"]

    def tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self._process.stdin.flush()

    def loaded(self) -> set[str]:
        """The modules that were loaded when the tools had been listed."""
        assert self._process.stderr is not None
        found = next(line for line in self._process.stderr if line.startswith(b"loaded "))
        return set(json.loads(found.removeprefix(b"loaded ")))

    def hang_up(self) -> None:
        out, _ = self._process.communicate(timeout=60)
        self.lines += out.splitlines()
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def wire(repository: Path) -> Generator[Wire]:
    server = Wire(repository)
    yield server
    server.kill()


def handshake(wire: Wire, era: str) -> dict[str, Any]:
    """Up to the first listing; returns what later requests carry."""
    if era == "modern":
        wire.ask(1, "server/discover", {"_meta": MODERN_META})
        assert wire.ask(2, "tools/list", {"_meta": MODERN_META})["tools"]
        return {"_meta": MODERN_META}
    wire.ask(1, "initialize", INITIALIZE)
    wire.tell({"method": "notifications/initialized"})
    assert wire.ask(2, "tools/list", {})["tools"]
    return {}


@pytest.fixture(scope="module")
def bare() -> set[str]:
    """What the SDK's own server loads before it has any tool."""
    done = subprocess.run([sys.executable, "-c", BARE], check=True, capture_output=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_nothing_is_loaded_before_it_is_needed(wire: Wire, bare: set[str], era: str) -> None:
    handshake(wire, era)
    loaded = wire.loaded()
    assert "agentops_mcp.server" in loaded
    early = {name: LATER[name] for name in LATER if name in loaded and name not in bare}
    assert not early, f"loaded before the tools were listed, though needed only for: {early}"


def test_what_ranks_code_is_loaded_by_the_first_load_of_context(repository: Path) -> None:
    script = CALLS.replace("ENTRY", repr(ENTRY))
    done = subprocess.run([sys.executable, "-c", script], cwd=repository, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["[]", "['numpy', 'tree_sitter']"]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_stdout_carries_nothing_but_protocol(wire: Wire, era: str) -> None:
    meta = handshake(wire, era)
    wire.loaded()  # the noise has been made
    wire.ask(3, "tools/call", {"name": "start_session", "arguments": {"goal": "Listen to the wire"}, **meta})
    recorded = wire.ask(4, "tools/call", {"name": "record_entry", "arguments": ENTRY, **meta})
    uri = f"agentops://entry/{recorded['structuredContent']['id']}"
    wire.ask(5, "resources/read", {"uri": uri, **meta})
    wire.hang_up()
    assert len(wire.lines) == 5
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in wire.lines)
