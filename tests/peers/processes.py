"""A private place for the programs under test, and servers that are always stopped, by process id."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Never

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 5.0
_LOG_TAIL_LINES = 30

# What a program needs from this process to run at all; nothing of the user's own settings goes along.
_PASSED_ON = ("PATH", "PYTHONPATH", "SYSTEMROOT", "COMSPEC", "PATHEXT", "LD_LIBRARY_PATH")


class PeerError(Exception):
    """A program under test or a peer did not start, or did not finish in time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A home directory of its own and a small git repository to work in."""

    root: Path
    project: Path
    environment: dict[str, str]


@contextmanager
def private_place() -> Generator[Place]:
    """A temporary place that is removed afterwards."""
    # Windows may still hold a log open for a moment after its process has ended.
    with tempfile.TemporaryDirectory(prefix="agentops-peers-", ignore_cleanup_errors=os.name == "nt") as name:
        root = Path(name).resolve()
        for folder in ("home", "tmp", "project"):
            (root / folder).mkdir()
        place = Place(root, root / "project", _environment(root))
        _make_repository(place)
        yield place


@contextmanager
def serving(command: Sequence[str], place: Place, *, port: int) -> Generator[Path]:
    """Run a server on a loopback port for as long as the block lasts; gives the path of its log.

    Raises:
        PeerError: it ended, or did not listen in time; the end of its log is in the text.
    """
    log = place.root / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=place.project, env=place.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _wait_until_listening(process, port, log)
        yield log
        if process.poll() is not None:
            raise PeerError(f"The server ended with exit code {process.returncode} while it was tested.{tail(log)}")
    finally:
        _stop(process)


def free_port() -> int:
    """A loopback port that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tail(log: Path) -> str:
    """The last lines of a log, indented, or nothing."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    return "".join(f"\n    | {line}" for line in lines)


def stop_cleanly_when_told() -> None:
    """Let a termination signal unwind the stack, so that every server started here is stopped."""
    signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _frame: object) -> Never:
    sys.exit(128 + number)


def _environment(root: Path) -> dict[str, str]:
    home, scratch = str(root / "home"), str(root / "tmp")
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        "HOME": home,
        "USERPROFILE": home,
        "APPDATA": home,
        "TMPDIR": scratch,
        "TEMP": scratch,
        "TMP": scratch,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "NO_COLOR": "1",
        # In memory: the Inspector would otherwise look for the desktop's key ring.
        "MCP_INSPECTOR_SECRET_STORE": "memory",
    }


def _make_repository(place: Place) -> None:
    (place.project / "README.md").write_text("# A project under test\n", encoding="utf-8")
    identity = ("-c", "user.name=Peer", "-c", "user.email=peer@example.invalid")
    for arguments in (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "README.md"),
        (*identity, "commit", "--quiet", "--message=Begin"),
    ):
        subprocess.run(["git", *arguments], cwd=place.project, env=place.environment, check=True, timeout=60)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise PeerError(f"The server ended with exit code {process.returncode} before it listened.{tail(log)}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise PeerError(f"The server did not listen within {_START_TIMEOUT_S:.0f} s.{tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
