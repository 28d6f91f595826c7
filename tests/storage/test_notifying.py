"""A person told that an approval waits: what is sent, to whom, and that nobody waits for it."""

import json
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agentops_mcp.core.config import NotifySection
from agentops_mcp.storage import notifying
from agentops_mcp.storage.notifying import EVENT_VARIABLE, ID_VARIABLE, Notifier, post, program_of, run

APPROVAL = "01990000-aaaa-7bbb-8ccc-000000000001"
PATIENCE_S = 30.0


class Service(ThreadingHTTPServer):
    """An address on the loopback that remembers what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.location = 204, ""
        self.sent: list[tuple[str, str, object]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?key=sesame"


class Handler(BaseHTTPRequestHandler):
    server: Service  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.sent.append((self.command, self.path, content))
        self.server.may_answer.wait(PATIENCE_S)
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def do_GET(self) -> None:
        self.server.sent.append((self.command, self.path, None))
        self.send_response(200)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Tests print nothing."""


@pytest.fixture
def service() -> Generator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()


def program(folder: Path, body: str) -> list[str]:
    """A command that runs this Python text."""
    script = folder / "tell.py"
    script.write_text(f"import json, os, sys, time\n{body}\n", encoding="utf-8")
    return [sys.executable, "-I", str(script)]


def writing(folder: Path) -> list[str]:
    """A command that writes down what it was told."""
    told = folder / "told.json"
    said = f"[sys.argv[1:], os.environ['{ID_VARIABLE}'], os.environ['{EVENT_VARIABLE}'], os.getcwd()]"
    return program(folder, f"open({str(told)!r}, 'w').write(json.dumps({said}))")


def told(folder: Path) -> list[object]:
    return json.loads((folder / "told.json").read_text(encoding="utf-8"))


def test_the_address_gets_what_happened_and_the_id_and_nothing_else(service: Service) -> None:
    assert post(service.url, "asked", APPROVAL)
    assert service.sent == [("POST", "/hook?key=sesame", {"event": "asked", "id": APPROVAL})]


def test_a_redirect_is_not_followed(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.status, service.location = 302, f"http://127.0.0.1:{service.server_port}/elsewhere"
    assert not post(service.url, "asked", APPROVAL)
    assert [path for _, path, _ in service.sent] == ["/hook?key=sesame"]
    assert "status 302" in caplog.text


@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal_is_logged_without_what_may_be_secret_in_the_address(
    service: Service, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    service.status = status
    assert not post(service.url, "asked", APPROVAL)
    assert f"127.0.0.1 did not take approval {APPROVAL}: status {status}." in caplog.text
    assert "sesame" not in caplog.text
    assert "hook" not in caplog.text


def test_an_address_where_nobody_listens_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as gone:
        port = gone.server_port
    assert not post(f"http://127.0.0.1:{port}/?key=sesame", "asked", APPROVAL)
    assert "did not take approval" in caplog.text
    assert "sesame" not in caplog.text


def test_an_address_that_does_not_answer_is_given_up(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifying, "TIMEOUT_S", 0.05)
    service.may_answer.clear()
    assert not post(service.url, "asked", APPROVAL)
    assert "did not take approval" in caplog.text


def test_the_command_gets_the_id_as_its_last_argument_and_runs_at_home(tmp_path: Path, own_home: Path) -> None:
    assert run([*writing(tmp_path), "an argument; $(not a command)"], "escalated", APPROVAL, {})
    arguments, identifier, event, folder = told(tmp_path)
    assert arguments == ["an argument; $(not a command)", APPROVAL]
    assert (identifier, event) == (APPROVAL, "escalated")
    assert Path(str(folder)).samefile(own_home)


def test_a_command_that_fails_or_is_not_there_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not run(program(tmp_path, "sys.exit(3)"), "asked", APPROVAL, {})
    assert "ended with code 3" in caplog.text
    assert not run([str(tmp_path / "gone")], "asked", APPROVAL, {})
    assert "is not there" in caplog.text


def test_a_command_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifying, "TIMEOUT_S", 0.05)
    assert not run(program(tmp_path, f"time.sleep({PATIENCE_S})"), "asked", APPROVAL, {})
    assert "was ended after" in caplog.text


def test_no_program_of_the_current_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "bell.exe" if sys.platform == "win32" else "bell"
    (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    found = [program_of(each, {"PATH": path}) for each in (name, f"./{name}") for path in ("", ".")]
    assert found == [None] * 4
    assert program_of(name, {"PATH": str(tmp_path)}) == str(tmp_path / name)
    assert program_of(str(tmp_path / name), {}) == str(tmp_path / name)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's script")
def test_a_program_under_the_home_folder_can_be_named_by_it(own_home: Path) -> None:
    (own_home / "bell").write_text("#!/bin/sh\n", encoding="utf-8")
    (own_home / "bell").chmod(0o755)
    assert program_of("~/bell", {}) == str(own_home / "bell")


def test_both_are_told_in_the_background(service: Service, tmp_path: Path, own_home: Path) -> None:
    notifier = Notifier(lambda: NotifySection(command=writing(tmp_path), url=service.url), {})
    notifier("asked", APPROVAL)
    assert notifier.drain(PATIENCE_S)
    assert told(tmp_path)[0] == [APPROVAL]
    assert [content for _, _, content in service.sent] == [{"event": "asked", "id": APPROVAL}]
    assert own_home.is_dir()


def test_nobody_waits_for_an_address_that_does_not_answer(service: Service) -> None:
    service.may_answer.clear()
    notifier = Notifier(lambda: NotifySection(url=service.url), {})
    notifier("asked", APPROVAL)  # returns while the address has not answered
    assert not notifier.drain(0.01)
    service.may_answer.set()
    assert notifier.drain(PATIENCE_S)


def test_more_than_can_wait_are_dropped_and_that_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    service.may_answer.clear()
    notifier = Notifier(lambda: NotifySection(url=service.url), {})
    for _ in range(200):
        notifier("asked", APPROVAL)
    assert "is not announced" in caplog.text


def test_nothing_is_started_where_nothing_is_configured() -> None:
    before = threading.active_count()
    notifier = Notifier(NotifySection, {})
    notifier("asked", APPROVAL)
    assert notifier.drain(0)
    assert threading.active_count() == before
