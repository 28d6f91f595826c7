import gc
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentops_mcp import server
from agentops_mcp.app import App
from agentops_mcp.cli.serve import parser, serve


def test_by_default_it_serves_stdio_in_this_folder_and_logs_warnings() -> None:
    assert vars(parser().parse_args([])) == {"project": None, "http": None, "log_level": "warning"}


@pytest.mark.parametrize(
    ("text", "place"),
    [("127.0.0.1:8765", ("127.0.0.1", 8765)), ("localhost:0", ("localhost", 0)), ("[::1]:8765", ("::1", 8765))],
)
def test_an_address_is_a_host_and_a_port(text: str, place: tuple[str, int]) -> None:
    assert parser().parse_args(["--http", text]).http == place


@pytest.mark.parametrize("text", ["8765", ":8765", "localhost", "localhost:", "localhost:x", "localhost:65536"])
def test_what_is_no_address_is_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        serve(["--http", text])
    assert stop.value.code == 2
    assert f"{text!r} is not HOST:PORT, like 127.0.0.1:8765" in capsys.readouterr().err


def test_an_abbreviated_option_is_not_guessed() -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--log", "debug"])


def run(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentops_mcp", "serve", *arguments]
    return subprocess.run(command, cwd=at, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def test_it_ends_in_peace_when_the_client_hangs_up_and_has_created_nothing(tmp_path: Path) -> None:
    done = run(at=tmp_path)
    assert (done.returncode, done.stdout, done.stderr, list(tmp_path.iterdir())) == (0, "", "", [])


@pytest.fixture
def undone() -> Iterator[None]:
    """What a server sets up for its whole life is taken back."""
    yield
    logging.captureWarnings(capture=False)
    gc.unfreeze()


@pytest.mark.usefixtures("undone")
def test_a_network_address_is_refused_in_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(["--http", "0.0.0.0:8765"]) == 3
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 2)
    assert shown.err.startswith("error: --http 0.0.0.0:8765 would serve other machines, and there is no sign-in.\n")
    assert gc.isenabled()


@pytest.mark.usefixtures("undone")
def test_an_interrupted_server_says_so_to_its_caller_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: App) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server, "serve_stdio", interrupted)
    assert serve([]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--http", f"127.0.0.1:{taken.getsockname()[1]}", at=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert "address already in use" in done.stderr.lower()
