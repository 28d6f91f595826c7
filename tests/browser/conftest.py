"""One Chromium for the run; for every test a server, a project and windows of its own, and nothing untoward in them."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from page_in_use import OpenWindow, Place, Served, a_place, chromium_running, serving, watched


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--keep-screenshots", metavar="FOLDER", type=Path,
        help="draw the documentation's pictures anew, of a project in this folder, whose name they show",
    )  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Generator[Browser]:
    with chromium_running() as browser:
        yield browser


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return a_place(tmp_path)


@pytest.fixture
def site(place: Place) -> Generator[Served]:
    with serving(place) as site:
        yield site


@pytest.fixture
def open_window(chromium: Browser, site: Served) -> Generator[OpenWindow]:
    """Opens windows that share nothing; `refused` are the HTTP statuses a test expects to meet."""
    with ExitStack() as contexts:

        def open_one(**options: Any) -> Page:
            return contexts.enter_context(watched(chromium, site.origin, **options)).new_page()

        yield open_one


@pytest.fixture
def sign_in(open_window: OpenWindow, site: Served) -> OpenWindow:
    """Opens a window and signs somebody in, as a person does: by the link, and the button on it."""

    def signed_in(person: str = "anna", **options: Any) -> Page:
        page = open_window(**options)
        page.goto(site.link(person))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{site.origin}/")
        return page

    return signed_in
