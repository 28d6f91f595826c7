"""Every view, in both schemes and on a telephone: readable by axe-core's rules, and never wider than the window."""

from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Page, expect

from approvals_in_use import Busy, make_busy
from page_in_use import PHONE, OpenWindow, Served, open_request

pytestmark = pytest.mark.browser

AXE = Path(__file__).parents[1] / "peers" / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES = ("light", "dark")
STRANGERS_VIEWS = ("/", "/sign-in/no-such-link")


@pytest.fixture
def busy(site: Served) -> Busy:
    return make_busy(site)


def views(busy: Busy) -> dict[str, str]:
    """Every view of somebody who is signed in, by its address, and a text that it must have."""
    return {
        "/": "Drop the table sessions_old",
        f"/r/{busy.critical.request.id}": "DROP TABLE",
        f"/r/{busy.deletes.request.id}": "rm -rf legacy/importer",
        f"/r/{busy.patch.request.id}": "BUDGET_S",
        f"/r/{busy.sent_back.request.id}": "Run the pipeline on a candidate first.",
        "/history": "Push the tag of version 2.4.0",
        "/history?q=nothing+like+it": "nothing like it",
        "/grants": "files.delete-tree",
        "/rates": "9",
        "/no-such-page": "",
        "/r/no-such-request": "",
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_view_breaks_a_rule_of_accessibility_badly(
    scheme: str, sign_in: OpenWindow, site: Served, busy: Busy
) -> None:
    page = sign_in(color_scheme=scheme, refused=(400, 404))
    page.context.add_init_script(path=axe())
    for address, text in views(busy).items():
        page.goto(address)
        expect(page.locator("body")).to_contain_text(text)
        unfold(page)
        assert violations(page) == [], address


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_view_of_a_stranger_breaks_a_rule_of_accessibility_badly(
    scheme: str, open_window: OpenWindow, site: Served
) -> None:
    page = open_window(color_scheme=scheme, refused=(401, 403, 404, 410))
    page.context.add_init_script(path=axe())
    for address in (*STRANGERS_VIEWS, site.link("anna")):
        page.goto(address)
        assert violations(page) == [], address


def test_an_empty_project_breaks_no_rule_of_accessibility_badly(sign_in: OpenWindow) -> None:
    page = sign_in()
    page.context.add_init_script(path=axe())
    for address in ("/", "/history", "/grants", "/rates"):
        page.goto(address)
        assert violations(page) == [], address


def test_no_view_is_wider_than_a_telephone(sign_in: OpenWindow, busy: Busy) -> None:
    page = sign_in(viewport=PHONE, refused=(400, 404))
    for address in views(busy):
        page.goto(address)
        unfold(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, address


def test_on_a_telephone_everything_to_press_is_large_enough_for_a_finger(sign_in: OpenWindow, busy: Busy) -> None:
    page = sign_in(viewport=PHONE)
    page.goto(f"/r/{busy.critical.request.id}")
    for name in ("Deny", "Approve", "Send back"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box is not None
        assert box["height"] >= 40, name


def test_dark_is_dark_and_light_is_light(sign_in: OpenWindow) -> None:
    shades = {scheme: _shade(sign_in(color_scheme=scheme)) for scheme in SCHEMES}
    assert shades["dark"] < 80
    assert shades["light"] > 200


def test_with_larger_text_nothing_is_cut_off(sign_in: OpenWindow, busy: Busy) -> None:
    page = sign_in(viewport={"width": 640, "height": 480})
    page.goto(f"/r/{busy.critical.request.id}")
    page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_form_that_was_refused_breaks_no_rule_of_accessibility_badly(
    scheme: str, sign_in: OpenWindow, busy: Busy
) -> None:
    page = sign_in(color_scheme=scheme, refused=(400,))
    page.context.add_init_script(path=axe())
    open_request(page, busy.deletes).get_by_role("button", name="Send back").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page) == []


def unfold(page: Page) -> None:
    """Open everything that can be opened."""
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")


def axe() -> Path:
    """The rules, which run in the page."""
    if not AXE.exists():
        pytest.fail("axe-core is not installed: run `python tests/peers/node.py install`.", pytrace=False)
    return AXE


def violations(page: Page) -> list[str]:
    """The serious and critical ones, each with its rule and the first element."""
    found = cast("dict[str, Any]", page.evaluate("axe.run({ resultTypes: ['violations'] })"))
    return [
        f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary'][:300]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def _shade(page: Page) -> float:
    """How light the background is, from 0 to 255."""
    colour = cast(
        "list[int]",
        page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).map(Number)"),
    )
    return sum(colour) / 3
