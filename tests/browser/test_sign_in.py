"""Signing in with a link that works once."""

import pytest
from playwright.sync_api import expect

from page_in_use import OpenWindow, Served

pytestmark = pytest.mark.browser


def test_a_link_signs_in_the_person_it_was_made_for(sign_in: OpenWindow, site: Served) -> None:
    page = sign_in("anna")
    expect(page.locator("header")).to_contain_text("anna")


def test_looking_at_a_link_does_not_use_it(open_window: OpenWindow, site: Served) -> None:
    link = site.link("anna")
    looking, signing = open_window(), open_window()
    looking.goto(link)
    signing.goto(link)
    signing.get_by_role("button", name="Sign in").click()
    expect(signing).to_have_url(f"{site.origin}/")


def test_a_used_link_is_refused_and_says_how_to_get_another(open_window: OpenWindow, site: Served) -> None:
    link = site.link("anna")
    first, second = open_window(), open_window(refused=(401, 410))
    for page in (first, second):
        page.goto(link)
    for page in (first, second):
        page.get_by_role("button", name="Sign in").click()
    expect(first).to_have_url(f"{site.origin}/")
    expect(second.locator("body")).to_contain_text("agentops-mcp web")
    second.goto("/")
    expect(second.locator("li.request")).to_have_count(0)
    expect(second.locator("header")).not_to_contain_text("anna")


def test_without_signing_in_nothing_is_shown(open_window: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_window(refused=(401,))
    for path in ("/", f"/r/{asked.request.id}", "/history", "/grants", "/rates"):
        page.goto(path)
        expect(page.locator("body")).not_to_contain_text("Release version")
        expect(page.locator("body")).to_contain_text("agentops-mcp web")


def test_signing_out_ends_the_session(sign_in: OpenWindow, site: Served) -> None:
    site.ask()
    page = sign_in(refused=(401,))
    page.get_by_role("button", name="Sign out").click()
    page.goto("/")
    expect(page.locator("li.request")).to_have_count(0)
    expect(page.locator("body")).to_contain_text("agentops-mcp web")


def test_signing_in_and_deciding_need_no_script(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = sign_in("anna", java_script_enabled=False)
    page.locator("li.request").get_by_role("link").first.click()
    page.get_by_label("Your words").fill("Go ahead.")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#status")).to_contain_text("APPROVED")
    assert site.standing(asked).status == "approved"


def test_without_a_script_the_page_says_how_to_see_what_arrives(sign_in: OpenWindow, site: Served) -> None:
    page = sign_in(java_script_enabled=False)
    assert "Without JavaScript this page does not change by itself" in page.locator("noscript").inner_html()
