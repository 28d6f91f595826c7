import asyncio
import http.client
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from agentops_mcp.web import changes
from agentops_mcp.web.changes import Changes, EventStream
from agentops_mcp.web.serving import PageServer, listening
from agentops_mcp.web.visits import version
from visited import Pages, decide

PATIENCE_S = 20.0


class Window:
    """An open page, as far as it listens."""

    def __init__(self, host: str, cookie: str, *, query: str = "", last: str = "") -> None:
        self._connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
        headers = {"Cookie": cookie, **({"Last-Event-ID": last} if last else {})}
        self._connection.request("GET", f"/events{query}", headers=headers)
        self.response = self._connection.getresponse()

    def told(self) -> str | None:
        """The version of the next change; None when the stream ended."""
        while line := self.response.readline():
            if line.startswith(b"id: "):
                assert self.response.readline() == b"event: changed\n"
                return line.decode().removeprefix("id: ").strip()
        return None

    def close(self) -> None:
        self.response.close()
        self._connection.close()


@contextmanager
def served(pages: Pages) -> Generator[tuple[str, PageServer]]:
    sock, where = listening("127.0.0.1", [0])
    server = PageServer(pages.site)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        yield urlsplit(where).netloc, server
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        sock.close()
    assert not thread.is_alive()


@pytest.fixture
def cookie(pages: Pages) -> str:
    return "; ".join(f"{name}={value}" for name, value in pages.signed_in().cookies.items())


def test_every_open_window_is_told_of_a_request_and_of_its_decision(pages: Pages, cookie: str) -> None:
    with served(pages) as (host, _):
        windows = [Window(host, cookie) for _ in range(3)]
        asked = pages.ask()
        first = [window.told() for window in windows]
        decide(pages.signed_in("bob"), asked, "reject")
        second = [window.told() for window in windows]
        assert len(set(first)) == len(set(second)) == 1
        assert None not in (*first, *second)
        assert first != second
        for window in windows:
            window.close()


def test_a_window_that_saw_something_older_is_told_at_once(pages: Pages, cookie: str) -> None:
    seen = version(pages.app)
    pages.ask()
    with served(pages) as (host, _):
        for window in (Window(host, cookie, query=f"?seen={seen}"), Window(host, cookie, last=seen)):
            assert window.told() == version(pages.app)
            window.close()


def test_a_server_that_stops_lets_open_windows_go(pages: Pages, cookie: str) -> None:
    with served(pages) as (host, server):
        window = Window(host, cookie)
        server.should_exit = True
        assert window.told() is None
        window.close()


def test_a_session_that_ended_is_told_nothing_more(pages: Pages, cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "BEAT_S", 0.02)
    with served(pages) as (host, _):
        window = Window(host, cookie)
        pages.access.sign_out(cookie.partition("=")[2])
        assert window.told() is None
        window.close()


def test_more_windows_than_anybody_has_are_refused(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_MOST_WINDOWS", 0)
    assert pages.signed_in().get("/events").status_code == 503


class Looked:
    """A database that is looked at, and how often."""

    def __init__(self) -> None:
        self.version = "1"
        self.looks = 0
        self.fails = 0

    def __call__(self) -> str:
        self.looks += 1
        if self.fails:
            self.fails -= 1
            raise OSError("away")
        return self.version


async def first_told(listener: AsyncGenerator[str]) -> str:
    return await asyncio.wait_for(anext(listener), PATIENCE_S)


async def test_one_look_serves_every_window_and_nobody_looks_when_none_is_open() -> None:
    looked = Looked()
    watched = Changes(looked, lambda: None)
    tasks_before = asyncio.all_tasks()
    listeners = [watched.listen("0") for _ in range(20)]
    assert [await first_told(each) for each in listeners] == ["1"] * 20
    assert looked.looks < 20
    assert len(asyncio.all_tasks() - tasks_before) == 1
    for each in listeners:
        await each.aclose()
    await asyncio.gather(*(asyncio.all_tasks() - tasks_before), return_exceptions=True)
    assert asyncio.all_tasks() == tasks_before


async def test_a_look_that_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_AFTER_FAILURE_S", 0.01)
    looked = Looked()
    looked.fails = 2
    listener = Changes(looked, lambda: None).listen("0")
    assert await first_told(listener) == "1"
    await listener.aclose()


async def test_what_time_changes_is_recorded_while_somebody_listens() -> None:
    looked = Looked()

    def tidy() -> None:
        looked.version = "tidied"

    listener = Changes(looked, tidy).listen("1")
    assert await first_told(listener) == "tidied"
    await listener.aclose()


async def test_a_stream_ends_when_its_window_goes() -> None:
    looked = Looked()
    gone = asyncio.Event()

    async def receive() -> dict[str, str]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        gone.set()

    stream: Callable[..., object] = EventStream(Changes(looked, lambda: None), "1", lambda: True)
    await asyncio.wait_for(stream({}, receive, send), PATIENCE_S)  # pyright: ignore[reportArgumentType]
