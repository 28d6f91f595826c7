"""The command line in this process, as a person's shell would start it, and records for it to show."""

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from agentops_mcp.app import App
from agentops_mcp.cli.commands import run
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.tracking.rules import Entry
from conftest import working_in

AGENT = Actor(client="test-client 1.0", user="tester", via="mcp")


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def agentops(*arguments: str, at: Path, stdin: bytes = b"", terminal: bool = False, encoding: str = "utf-8") -> Done:
    """Run `agentops-mcp` with these arguments, standing in `at`."""
    stream = _Terminal if terminal else io.TextIOWrapper
    out = stream(io.BytesIO(), encoding=encoding)
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with (
        working_in(at),
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", ["agentops-mcp", *arguments]),
        patch.object(sys, "stdin", stream(io.BytesIO(stdin), encoding="utf-8")),
    ):
        code = _exit_code()
    return Done(code, _text(out, encoding), _text(err, "utf-8"))


def record(at: Path, *actions: str, tags: Sequence[str] = ()) -> list[str]:
    """Record an entry for each action, as an agent would through the server; returns their ids."""
    with App(at) as app:
        ids = [
            app.entries()
            .record(
                Entry("decision", action, "Profiling showed 40 % of each request in YAML parsing", tags=tuple(tags)),
                actor=AGENT,
                session=None,
            )
            .event.id
            for action in actions
        ]
        app.settle()
        return ids


def start_session(at: Path, goal: str) -> None:
    """Start a session, which is local telemetry."""
    with App(at) as app:
        app.sessions().start(goal, actor=AGENT)


def _exit_code() -> int:
    try:
        return run()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0


def _text(stream: io.TextIOWrapper, encoding: str) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode(encoding)
