"""The pictures of the documentation: always the same project, drawn anew with `--keep-screenshots`."""

import itertools
import shutil
import uuid
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize

from approvals_in_use import make_busy
from page_in_use import PHONE, MovedClock, OpenWindow, Place, Served, a_place, serving

pytestmark = pytest.mark.browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
LARGEST_BYTES = 150_000
DESK: ViewportSize = {"width": 1_000, "height": 760}
TALL = 1_100
VIEWS = ("pending", "request", "history", "grants", "rates")
START = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


class FrozenClock(MovedClock):
    """A clock that moves only when told, from a fixed morning."""

    def __call__(self) -> datetime:
        return START + self.by


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Place]:
    """A project whose path can be shown."""
    place = a_place(tmp_path, request.config.getoption("--keep-screenshots"))
    yield place
    shutil.rmtree(place.project)


@pytest.fixture
def site(place: Place, monkeypatch: pytest.MonkeyPatch) -> Generator[Served]:
    """A server whose times and ids are the same in every run."""
    numbers = itertools.count(1)
    millis = int(START.timestamp() * 1_000)

    def numbered() -> str:
        number = next(numbers)
        scattered = number * 2_654_435_761 % 2**32  # the end of an id is what people see
        return str(uuid.UUID(int=(millis + number) << 80 | 0x7 << 76 | 0b10 << 62 | number << 32 | scattered))

    monkeypatch.setattr("agentops_mcp.app.new_id", numbered)
    with serving(place, FrozenClock()) as site:
        yield site


@pytest.mark.parametrize(("scheme", "viewport"), [("light", DESK), ("dark", DESK), ("light", PHONE)])
def test_the_pictures_of_the_documentation_are_small(
    scheme: str, viewport: ViewportSize, sign_in: OpenWindow, site: Served, pictures: Path
) -> None:
    busy = make_busy(site)
    page = sign_in(color_scheme=scheme, viewport=viewport)
    addresses = ("/", f"/r/{busy.critical.request.id}", "/history?q=release", "/grants", "/rates")
    name = "phone" if viewport is PHONE else scheme
    shown = zip(VIEWS, addresses, strict=True)
    for view, address in itertools.islice(shown, 2) if viewport is PHONE else shown:
        height = TALL if view == "request" else viewport["height"]
        page.set_viewport_size({"width": viewport["width"], "height": height})
        page.goto(address)
        path = pictures / f"approval-{view}-{name}.png"
        page.screenshot(path=path, animations="disabled", caret="hide")
        assert path.stat().st_size <= LARGEST_BYTES, path.name


@pytest.fixture
def pictures(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where they go: the documentation's folder when that was asked for."""
    return IMAGES if request.config.getoption("--keep-screenshots") else tmp_path
