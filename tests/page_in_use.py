"""The page as a person meets it: a real server on loopback, a real Chromium, and requests that agents made."""

import os
import re
import shutil
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    WebError,
    sync_playwright,
)

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules import proposals
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.storage.page_access import PageAccess, state_folder
from agentops_mcp.storage.project import locate
from agentops_mcp.web.serving import PageServer, listening
from agentops_mcp.web.site import Site
from conftest import git

CLAUDE = Actor("claude-code 2.1.4", "anna", "mcp")
BOB = Actor("page", "bob", "page")
PUBLISH = "npm publish"
WORDS: Mapping[str, Any] = {
    "summary": "Release version 2.4.0 of the shop's client",
    "changes": "Version 2.4.0 can be installed by everybody",
    "rollback": "npm deprecate, then release 2.4.1; a version can not be taken back after 72 h",
    "impact": {"files": 0, "services": ["registry"], "cost": "none", "level": "high"},
    "alternatives": ["Release a candidate first: nobody installs candidates"],
    "risks": ["Two callers still use the old names"],
}
PHONE: ViewportSize = {"width": 360, "height": 740}
LONGEST_MS = 10_000
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

OpenWindow = Callable[..., Page]

_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (\d+)")


@contextmanager
def chromium_running() -> Generator[Browser]:
    """A Chromium that is installed here; none is ever downloaded.

    `CHROMIUM` names one that is not on the path. It runs without its sandbox only as root, where it would not start.
    """
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if path is None:
        pytest.fail("Chromium is not installed: `apt-get install chromium`, or name one in CHROMIUM.", pytrace=False)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        yield browser
        browser.close()


@dataclass(frozen=True, slots=True)
class Place:
    """A project and a home of its own."""

    project: Path
    environment: Mapping[str, str]


def a_place(root: Path, around: Path | None = None) -> Place:
    """A git project, in the folder `around` when one is given, and a home with nothing in it."""
    project, home = (around or root) / "shop", root / "home"
    project.mkdir()
    home.mkdir()
    git(project, "init", "--quiet", "--initial-branch=main")
    (project / "app.py").write_text("print('hello')\n", encoding="utf-8")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    return Place(project, {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")})


@dataclass
class MovedClock:
    """The real time, and how far it was moved."""

    by: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by

    def advance(self, by: timedelta) -> None:
        self.by += by


@dataclass
class Served:
    """A page that is served, and the project behind it."""

    origin: str
    app: App
    clock: MovedClock
    access: PageAccess

    def link(self, person: str) -> str:
        """A new link that signs somebody in."""
        return f"{self.origin}/sign-in/{self.access.mint(person)}"

    def ask(
        self, action: str | Mapping[str, Any] = PUBLISH, *, kind: str = "shell", actor: Actor = CLAUDE,
        session: str | None = None, diff: str = "", **words: Any,
    ) -> Standing:  # fmt: skip
        """An agent asks for an approval."""
        approving = self.app.approving()
        subject = approving.subject(kind, action, session=None, actor=actor)
        if diff:
            subject = replace(subject, diff=diff)
        asked = approving.requests.ask(subject, proposals.checked({**WORDS, **words}), session=session, actor=actor)
        assert asked is not None
        return asked

    def standing(self, asked: Standing) -> Standing:
        """Where a request stands now."""
        return self.app.approving().requests.standing(asked.request.id)

    def decide(self, asked: Standing, decision: str, *, by: str = "person bob", feedback: str = "") -> None:
        """Somebody else decides, on another page."""
        self.app.approving().requests.decide(
            asked.request.id, decision, by=by, digest=asked.request.digest, feedback=feedback, actor=BOB
        )


def access_of(place: Place, clock: MovedClock) -> PageAccess:
    """Who may open the page of a project."""
    return PageAccess(state_folder(locate(place.project, place.environment), place.environment), clock=clock)


@contextmanager
def serving(place: Place, clock: MovedClock | None = None) -> Generator[Served]:
    """Serve the page of a project on a port of its own, for as long as the block lasts."""
    clock = clock or MovedClock()
    access = access_of(place, clock)
    sock, origin = listening("127.0.0.1", [0])
    with sock, App(place.project, environment=place.environment, clock=clock) as app:
        server = PageServer(Site(app, access))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield Served(origin, app, clock, access)
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class Watch:
    """What a window must never do: ask another server for anything, or complain in its console."""

    context: BrowserContext
    origin: str
    refused: tuple[int, ...]
    problems: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.context.on("request", self._request)
        self.context.on("console", self._console)
        self.context.on("weberror", self._error)

    def _request(self, request: Request) -> None:
        if not request.url.startswith(self.origin + "/"):
            self.problems.append(f"asked {request.url[:200]}")

    def _console(self, message: ConsoleMessage) -> None:
        refused = _REFUSED.match(message.text)
        if not (refused and int(refused[1]) in self.refused):
            self.problems.append(f"console {message.type}: {message.text[:300]}")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"script error: {error.error.message[:300]}")


@contextmanager
def watched(chromium: Browser, origin: str, refused: tuple[int, ...] = (), **options: Any) -> Generator[BrowserContext]:
    """Windows that share nothing with others, and in which nothing untoward may happen.

    `refused` are the HTTP statuses that are expected, of which a browser's console tells.
    """
    context = chromium.new_context(base_url=origin, reduced_motion="reduce", **options)
    context.set_default_timeout(LONGEST_MS)
    watch = Watch(context, origin, refused)
    yield context
    context.close()
    assert not watch.problems, watch.problems


def open_request(page: Page, asked: Standing) -> Page:
    """Go to one request."""
    page.goto(f"/r/{asked.request.id}")
    return page
