"""What was decided, found again, and how deciding goes."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from page_in_use import OpenWindow, Served, open_request

pytestmark = pytest.mark.browser


def test_the_history_finds_a_request_by_its_words_and_says_what_became_of_it(sign_in: OpenWindow, site: Served) -> None:
    site.decide(site.ask(summary="Release the red client"), "reject", feedback="Not red.")
    site.ask("rm -rf src", summary="Delete the blue sources")
    page = sign_in()
    page.get_by_role("link", name="History").click()
    expect(page.locator("li.request")).to_have_count(2)
    page.get_by_role("searchbox").fill("red release")
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("li.request")).to_have_count(1)
    expect(page.locator("li.request")).to_contain_text("Release the red client")
    expect(page.locator("li.request")).to_contain_text("REJECTED by person bob")


def test_decisions_that_nobody_can_have_read_are_flagged(sign_in: OpenWindow, site: Served) -> None:
    page = sign_in()
    for number in range(8):
        site.decide(site.ask(f"npm publish ./packages/{number}"), "approve")
    for read_s in (1, 60):
        open_request(page, site.ask(f"npm publish ./packages/read-for-{read_s}"))
        site.clock.advance(timedelta(seconds=read_s))
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#status")).to_contain_text("APPROVED")
    page.get_by_role("link", name="Rates").click()
    expect(page.locator("main")).to_contain_text("everything was approved (n = 10)")
    expect(page.locator("main")).to_contain_text("1 of 2 decisions came within 5 s of being shown")
