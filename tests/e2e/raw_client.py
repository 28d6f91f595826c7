"""A bare MCP client over stdio: it sends what no proper client would, keeps many calls in flight, and can be cruel."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from conftest import git

Era = Literal["2025-06-18", "2025-11-25", "2026-07-28"]
OLDEST: Era = "2025-06-18"
LEGACY: Era = "2025-11-25"
MODERN: Era = "2026-07-28"
ERAS: tuple[Era, ...] = (LEGACY, MODERN)

COMMAND = (sys.executable, "-m", "agentops_mcp")
TIMEOUT_S = 120.0
"""Long enough for a busy machine; a test that reaches it has failed."""

Reply = dict[str, Any]


class Hangup(Exception):  # noqa: N818 - not a mistake of anybody: a killed server hangs up
    """The server ended before it answered."""


class RawClient:
    """One server process and the pipes to it. Safe to share between threads."""

    def __init__(
        self,
        project: Path,
        *,
        environment: Mapping[str, str],
        era: Era = LEGACY,
        name: str = "raw-client",
        command: Sequence[str] = (*COMMAND, "serve"),
        log: Path | None = None,
        capabilities: Mapping[str, Any] | None = None,
        greet: bool = True,
    ) -> None:
        self._era: Era = era
        self._capabilities = dict(capabilities or {})
        self._client = {"name": name, "version": "1.0"}
        self._lock = threading.Lock()
        self._next_id = 0
        self._waiting: dict[int, Future[Reply]] = {}
        self._ended = False
        self.unmatched: queue.Queue[Reply] = queue.Queue()
        """Answers without an id, or with one that nobody waits for."""
        self.messages: queue.Queue[Reply] = queue.Queue()
        """What the server sent of its own accord: requests to the client, and notifications."""
        with (log or Path(os.devnull)).open("ab") as errors:
            self.process = subprocess.Popen(
                command, cwd=project, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if greet:
            self.greet()

    def greet(self) -> Reply:
        """Begin as a client of the era does."""
        if self._era == MODERN:
            return self.ask("server/discover")
        opening = {"protocolVersion": self._era, "capabilities": self._capabilities, "clientInfo": self._client}
        answer = self.ask("initialize", opening)
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return answer

    def send(self, line: bytes) -> None:
        """Write one line as it is.

        Raises:
            Hangup: the server is gone.
        """
        stdin = self.process.stdin
        assert stdin is not None
        try:
            with self._lock:
                stdin.write(line + b"\n")
                stdin.flush()
        except (OSError, ValueError) as error:
            raise Hangup from error

    def expect(self) -> tuple[int, Future[Reply]]:
        """An id for a message that the caller writes, and its answer to come."""
        with self._lock:
            self._next_id += 1
            future: Future[Reply] = Future()
            self._waiting[self._next_id] = future
            if self._ended:
                future.set_exception(Hangup())
            return self._next_id, future

    def request(self, method: str, params: Mapping[str, Any] | None = None) -> Future[Reply]:
        """Send a request; the whole JSON-RPC answer, or `Hangup`, comes later."""
        identifier, future = self.expect()
        message = {"jsonrpc": "2.0", "id": identifier, "method": method, "params": self._with_envelope(params or {})}
        try:
            self.send(json.dumps(message).encode())
        except Hangup:
            if not future.done():
                future.set_exception(Hangup())
        return future

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Reply:
        """Send a request and wait for its answer."""
        return self.request(method, params).result(TIMEOUT_S)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Reply:
        """Call a tool and wait for its result."""
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert "result" in answer, answer
        return answer["result"]

    def read(self, uri: str) -> str:
        """The text of a resource."""
        answer = self.ask("resources/read", {"uri": uri})
        assert "result" in answer, answer
        return answer["result"]["contents"][0]["text"]

    def kill(self) -> None:
        """SIGKILL: no handler runs, no buffer is flushed."""
        self.process.kill()
        self.process.wait(TIMEOUT_S)

    @property
    def is_alive(self) -> bool:
        """Whether the server still runs."""
        return self.process.poll() is None

    def close(self) -> int:
        """Hang up as a client does, and return the server's exit code."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # what it did not read before it died
            self.process.stdin.close()
        try:
            return self.process.wait(TIMEOUT_S)
        finally:
            self.process.kill()
            self._reader.join(TIMEOUT_S)
            assert self.process.stdout is not None
            self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _with_envelope(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if self._era != MODERN:
            return dict(params)
        envelope = {
            "io.modelcontextprotocol/protocolVersion": self._era,
            "io.modelcontextprotocol/clientInfo": self._client,
            "io.modelcontextprotocol/clientCapabilities": self._capabilities,
        }
        return {**params, "_meta": envelope}

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            answer = json.loads(line)  # anything but protocol on stdout ends the test
            if "method" in answer:
                self.messages.put(answer)
                continue
            future = self._waiting.pop(answer.get("id"), None)
            if future is None:
                self.unmatched.put(answer)
            else:
                future.set_result(answer)
        with self._lock:
            self._ended = True
            for future in self._waiting.values():
                if not future.done():
                    future.set_exception(Hangup())


def environment(home: Path, **variables: str) -> dict[str, str]:
    """What a server is started with: a home of its own, and nothing of this machine's settings for git or for us."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "AGENTOPS_", "XDG_", "PG")) and name not in ("PYTHONPATH", "TIKTOKEN_CACHE_DIR")
    }
    private = {"HOME": str(home), "USERPROFILE": str(home), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return {**kept, **private, "NO_COLOR": "1", **variables}


def make_project(path: Path) -> Path:
    """A repository with one commit and a name that no other test uses, also on a shared database."""
    (path / ".agentops").mkdir(parents=True)
    config = f'[project]\nname = "e2e-{uuid.uuid4().hex[:12]}"\n'
    (path / ".agentops" / "config.toml").write_text(config, encoding="utf-8")
    (path / "app.py").write_text("print('hello')\n", encoding="utf-8")
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--message", "first")
    return path


def run_command(
    project: Path, *arguments: str, environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a project."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=project, env=environment, input=stdin, capture_output=True, text=True,
        encoding="utf-8", timeout=TIMEOUT_S,
    )  # fmt: skip


def text_of(result: Reply) -> str:
    """The text of a tool's result."""
    return "".join(part["text"] for part in result["content"])


def entry(**changes: Any) -> dict[str, Any]:
    """The arguments of an entry that is accepted, with changes."""
    accepted = {
        "kind": "decision",
        "action": "Cache parsed schedules by region",
        "context": "Parsing took 40 ms of each request",
        "solution": "An LRU of 64 regions",
        "learning": "Schedules never change within a day",
        "impact": "p95 from 180 ms to 95 ms",
    }
    return accepted | changes


GOAL = "Schedules survive a change of time zone"


def state(**changes: Any) -> dict[str, Any]:
    """The arguments of a state that is accepted, with changes."""
    accepted = {
        "goal": GOAL,
        "phase": "implement",
        "did": "Moved parsing behind a cache.",
        "decisions": [{"choice": "cache by region", "why": "parsing took 40 ms of each request"}],
        "parameters": [{"name": "CACHE_SIZE", "value": "64"}],
        "next_steps": ["make test_midnight in app.py pass"],
        "key_files": ["app.py"],
    }
    return accepted | changes


def serve(project: Path, variables: Mapping[str, str], era: Era = LEGACY, **options: Any) -> RawClient:
    """A server of a project."""
    return RawClient(project, environment=variables, era=era, **options)


def record(client: RawClient, **changes: Any) -> str:
    """Record an entry and return its id."""
    result = client.call("record_entry", entry(**changes))
    assert not result["isError"], text_of(result)
    return result["structuredContent"]["id"]


def brief_of(client: RawClient, goal: str = "Go on with the work") -> str:
    result = client.call("start_session", {"goal": goal})
    assert not result["isError"], text_of(result)
    return text_of(result)


def checks(project: Path, variables: dict[str, str], *prefix: str) -> dict[str, Any]:
    """What doctor says, by check."""
    done = subprocess.run(
        [*prefix, *COMMAND, "doctor", "--json"], cwd=project, env=variables, capture_output=True, text=True, timeout=120
    )
    assert done.stdout, done.stderr
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def mirrored(project: Path) -> str:
    return git(project, "ls-tree", "-r", "--full-tree", "--name-only", "refs/agentops/ledger")
