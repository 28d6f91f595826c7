"""The page by keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from page_in_use import OpenWindow, Served, open_request

pytestmark = pytest.mark.browser

MOST_TABS = 40


def test_a_request_is_found_opened_and_approved_by_keyboard(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = sign_in()
    expect(page.locator("li.request")).to_have_count(1)
    press_tab_until(page, "Release version 2.4.0")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/r/{asked.request.id}")
    press_tab_until(page, "Approve")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("APPROVED")
    assert site.standing(asked).status == "approved"


def test_enter_alone_denies_because_deny_has_the_focus(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in(), asked)
    expect(page.get_by_role("button", name="Deny")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("REJECTED")
    assert site.standing(asked).status == "rejected"


def test_from_deny_the_next_are_approve_and_sending_back(sign_in: OpenWindow, site: Served) -> None:
    page = open_request(sign_in(), site.ask())
    expect(page.get_by_role("button", name="Deny")).to_be_focused()
    for name in ("Approve", "Send back"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=name)).to_be_focused()


def test_enter_in_the_words_writes_a_line_and_decides_nothing(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in(), asked)
    page.get_by_label("Your words").focus()
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    expect(page.get_by_label("Your words")).to_have_value("one\ntwo")
    assert site.standing(asked).status == "pending"


def test_whatever_has_the_focus_shows_it(sign_in: OpenWindow, site: Served) -> None:
    page = open_request(sign_in(), site.ask("rm -rf src"))
    page.locator("body").press("Tab")
    for _ in range(MOST_TABS):
        name, outline = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.outerHTML.slice(0, 80), e === document.body || parseFloat(s.outlineWidth) >= 2] }"
        )
        assert outline, f"no outline on {name}"
        page.keyboard.press("Tab")


def press_tab_until(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called so."""
    passed: list[str] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        passed.append(page.evaluate("document.activeElement.innerText || ''"))
        if name in passed[-1]:
            return
    raise AssertionError(f"{name!r} is not reached: {passed}")
