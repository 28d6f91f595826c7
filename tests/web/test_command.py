"""`agentops-mcp web` in a process of its own."""

import http.client
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from agentops_mcp.storage.page_access import running_page, state_folder
from agentops_mcp.storage.project import locate

WEB = (sys.executable, "-m", "agentops_mcp", "web")
posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals and terminals")


@pytest.fixture
def environment(own_home: Path, tmp_path: Path) -> Mapping[str, str]:
    return {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONUNBUFFERED": "1"}


@contextmanager
def running(repository: Path, environment: Mapping[str, str], *options: str) -> Generator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*WEB, "--port", "0", *options], cwd=repository, env=environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


def said_by(process: subprocess.Popen[str], lines: int) -> str:
    assert process.stdout is not None
    return "".join(process.stdout.readline() for _ in range(lines))


def web(repository: Path, environment: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WEB, *options], cwd=repository, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip


def sign_in(link: str) -> int:
    parts = urlsplit(link)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("POST", parts.path, headers={"Origin": f"http://{parts.netloc}"})
    status = connection.getresponse().status
    connection.close()
    return status


def test_through_a_pipe_no_link_is_shown(repository: Path, environment: Mapping[str, str]) -> None:
    with running(repository, environment) as process:
        said = said_by(process, 2)
    assert re.match(r"The page is at http://127\.0\.0\.1:\d+; Ctrl-C stops it\.\n", said)
    assert "agentops-mcp web --link" in said
    assert "/sign-in/" not in said


def test_a_link_in_a_file_is_read_by_nobody_else_and_works(repository: Path, environment: Mapping[str, str]) -> None:
    with running(repository, environment, "--link-file", "--for", "anna") as process:
        said = said_by(process, 2)
        assert "/sign-in/" not in said
        found = re.search(r"signs anna in once, within 15 minutes, is in (.*)\n", said)
        assert found
        path = Path(found[1])
        assert not path.is_relative_to(repository)
        if sys.platform != "win32":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        link = path.read_text(encoding="utf-8").strip()
        assert sign_in(link) == 303
        assert sign_in(link) == 410
        assert not path.exists()


@posix
def test_at_a_terminal_the_link_is_shown(repository: Path, environment: Mapping[str, str]) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*WEB, "--port", "0"], cwd=repository, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = b""
    try:
        while b"/sign-in/" not in said or not said.endswith(b"\n"):
            said += os.read(ours, 4_096)
        found = re.search(r"http://\S+/sign-in/\S+", said.decode())
        assert found
        assert sign_in(found[0]) == 303
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_where_a_page_runs_another_call_makes_a_link_for_it(repository: Path, environment: Mapping[str, str]) -> None:
    with running(repository, environment, "--link-file") as process:
        where = said_by(process, 2).split()[4].rstrip(";")
        done = web(repository, environment, "--link", "--link-file", "--for", "bob")
        assert done.stdout.startswith(f"The page runs at {where}\n")
        link = Path(done.stdout.rpartition(" is in ")[2].strip()).read_text(encoding="utf-8").strip()
        assert link.startswith(where)
        assert sign_in(link) == 303


@posix
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_a_page_that_is_stopped_is_forgotten(repository: Path, environment: Mapping[str, str], how: str) -> None:
    folder = state_folder(locate(repository, environment), environment)
    with running(repository, environment, "--link-file") as process:
        said_by(process, 2)
        assert running_page(folder) is not None
        process.send_signal(getattr(signal, how))
        assert process.wait(20) == 0
    assert running_page(folder) is None
    assert {path.name for path in folder.iterdir() if path.is_file()} == {"page.lock"}


def test_a_sign_in_is_not_logged(repository: Path, environment: Mapping[str, str]) -> None:
    with running(repository, environment, "--link-file") as process:
        path = said_by(process, 2).rpartition(" is in ")[2].strip()
        link = Path(path).read_text(encoding="utf-8").strip()
        assert sign_in(link) == 303
        process.kill()
        assert process.stdout is not None
        assert link.rpartition("/")[2] not in process.stdout.read()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--link"], "No page runs for this project."),
        (["--host", "0.0.0.0"], "0.0.0.0 would let other machines in."),
        (["--host", "example.org"], "example.org would let other machines in."),
        (["--for", "an\u202ena", "--link"], "is no name of a person."),
        (["--project", "gone"], "gone is not a folder."),
    ],
)
def test_what_can_not_be_served_is_said(
    repository: Path, environment: Mapping[str, str], options: list[str], said: str
) -> None:
    done = web(repository, environment, *options)
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr


def test_a_port_that_is_taken_is_said(repository: Path, environment: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = web(repository, environment, "--port", str(taken.getsockname()[1]))
    assert done.returncode == 3
    assert "Give another --port" in done.stderr


def test_a_link_is_not_kept_where_agents_read(repository: Path, environment: Mapping[str, str]) -> None:
    inside = {**environment, "XDG_STATE_HOME": str(repository / "state")}
    done = web(repository, inside, "--link-file")
    assert done.returncode == 3
    assert "is in the worktree" in done.stderr


def test_the_page_is_beside_mcp_over_http(repository: Path, environment: Mapping[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "agentops_mcp", "serve", "--http", f"127.0.0.1:{port}", "--log-level", "info"],
        cwd=repository, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        while "running on" not in (line := process.stderr.readline()):
            assert line
        done = web(repository, environment, "--link-file")
        assert done.stdout.startswith(f"The page runs at http://127.0.0.1:{port}\n")
        link = Path(done.stdout.rpartition(" is in ")[2].strip()).read_text(encoding="utf-8").strip()
        assert sign_in(link) == 303
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("POST", "/mcp", body="{}", headers={"Content-Type": "application/json"})
        assert connection.getresponse().status in (400, 406)
        connection.close()
        process.terminate()
        assert link.rpartition("/")[2] not in process.communicate(timeout=20)[1]
    finally:
        process.kill()
        process.communicate()
