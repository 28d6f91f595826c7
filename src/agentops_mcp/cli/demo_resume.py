"""The second half of the demo: one process works and is killed, the project moves on, the next process resumes.

In a scratch repository, because something has to change.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp import MCPError

from agentops_mcp.cli.demo_client import Stage, call, say_indented, text_of

# Serves, after it has said which process to kill.
_SERVE_AND_TELL = """
import os, pathlib, sys
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
sys.argv[1:] = ["serve"]
from agentops_mcp.__main__ import main
sys.exit(main())
"""

_GOAL = "Make retries survive a slow host"
_STATE: Mapping[str, Any] = {
    "goal": _GOAL,
    "phase": "implement",
    "did": "Gave each host a token bucket in retry.py.",
    "decisions": [
        {
            "choice": "budget retries per host",
            "why": "one slow host used up all 5 attempts of every request",
            "rejected": "per request: retries multiply along the call chain",
        },
        {"choice": "keep the pool of pool.py as it is", "why": "two other services share it"},
    ],
    "parameters": [
        {"name": "RETRY_RATIO", "value": "0.1", "file": "retry.py"},
        {"name": "TIMEOUT_S", "value": "2.5", "file": "client.py"},
        {"name": "POOL_SIZE", "value": "8", "file": "pool.py"},
    ],
    "next_steps": ["make refill() in retry.py ignore the wall clock", "measure calls per request with one slow host"],
    "open_questions": ["may a request borrow from next second's budget?"],
    "key_files": ["retry.py", "client.py", "pool.py"],
}


async def show_resume(say_step: Callable[[str], None], environment: Mapping[str, str]) -> None:
    """Run the steps."""
    with _scratch(environment) as stage:
        say_step("In a scratch repository, an agent works, saves its state, and is killed before it can say goodbye")
        state = await _work_and_die(stage)
        say_step("The project moves on without it: one file is changed, another renamed; the work is swept away")
        _move_on(stage.root)
        say_indented(_git(stage.root, "log", "--oneline", "--name-status", "-1").expandtabs(8))
        say_step("The next agent, in a client of the older protocol, starts: its brief says what still holds")
        async with stage.client("legacy", "second-agent") as client:
            say_indented(text_of(await call(client, "start_session", {"goal": _GOAL})))
        say_step("A person brings back what was not committed: agentops-mcp restore")
        say_indented(stage.command("restore", state))
        say_indented(_git(stage.root, "status", "--short"))


async def _work_and_die(stage: Stage) -> str:
    told = stage.root.parent / "pid"
    state = ""
    try:
        async with stage.client("2026-07-28", "first-agent", command=["-c", _SERVE_AND_TELL, str(told)]) as client:
            session = text_of(await call(client, "start_session", {"goal": _GOAL})).split()[1]
            (stage.root / "notes.md").write_text("refill() drifts when the clock steps\n", encoding="utf-8")
            saved = await call(client, "save_state", {**_STATE, "session": session})
            say_indented(text_of(saved))
            content: dict[str, Any] = saved.structured_content or {}
            state = content["id"]
            os.kill(int(told.read_text(encoding="ascii")), getattr(signal, "SIGKILL", signal.SIGTERM))
    except* (MCPError, OSError):  # the client finds its server gone
        if not state:
            raise
    return state


def _move_on(root: Path) -> None:
    (root / "notes.md").unlink()
    (root / "retry.py").write_text("RETRY_RATIO = 0.25  # was too strict\n", encoding="utf-8")
    (root / "client.py").rename(root / "http_client.py")
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "--message", "Loosen the budget; name the client for what it is")


@contextmanager
def _scratch(environment: Mapping[str, str]) -> Generator[Stage]:
    with TemporaryDirectory(prefix="agentops-demo-", ignore_cleanup_errors=True) as place:
        root = Path(place).resolve() / "shop"
        root.mkdir()
        _git(root, "init", "--quiet", "--initial-branch=main")
        (root / "retry.py").write_text("RETRY_RATIO = 0.1\n", encoding="utf-8")
        (root / "client.py").write_text("TIMEOUT_S = 2.5\n", encoding="utf-8")
        (root / "pool.py").write_text("POOL_SIZE = 8\n", encoding="utf-8")
        _git(root, "add", "--all")
        _git(root, "commit", "--quiet", "--message", "Retry with a budget")
        yield Stage(root, environment)


def _git(root: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A colleague", "-c", "user.email=colleague@example.org", "-c", "commit.gpgSign=false")
    done = subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, encoding="utf-8")  # noqa: S603, S607
    return done.stdout
