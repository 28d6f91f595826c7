"""Scoped grants on the page: given with a decision, listed, and taken back."""

import pytest
from playwright.sync_api import Page, expect

from page_in_use import OpenWindow, Served, open_request

pytestmark = pytest.mark.browser

DELETE = "rm -rf src"


def test_a_grant_is_given_with_an_approval_listed_and_revoked(sign_in: OpenWindow, site: Served) -> None:
    page = open_request(sign_in("anna"), site.ask(DELETE))
    give_a_grant(page, uses="3", minutes="30")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#status")).to_contain_text("APPROVED")
    [grant] = site.app.approving().grants.live()
    assert (grant.rule, grant.uses, grant.given_by, grant.strength) == ("files.delete-tree", 3, "person anna", "page")

    page.goto("/grants")
    expect(page.locator("main")).to_contain_text("files.delete-tree")
    page.get_by_role("button", name="Revoke").click()
    expect(page.locator("main")).to_contain_text("revoked")
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)
    assert site.app.approving().grants.live() == []


def test_a_denial_gives_no_grant(sign_in: OpenWindow, site: Served) -> None:
    page = open_request(sign_in(), site.ask(DELETE))
    give_a_grant(page, uses="3", minutes="30")
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("#status")).to_contain_text("REJECTED")
    assert site.app.approving().grants.listed() == []


def test_a_critical_request_offers_no_grant(sign_in: OpenWindow, site: Served) -> None:
    page = open_request(sign_in(), site.ask("git push --force origin main"))
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    expect(page.locator("[name=grant_rule]")).to_have_count(0)


def test_a_grant_without_an_end_is_refused_and_nothing_is_decided(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask(DELETE)
    page = open_request(sign_in(refused=(400,)), asked)
    give_a_grant(page, uses="", minutes="")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("A grant needs an end")
    assert site.standing(asked).status == "pending"
    assert site.app.approving().grants.listed() == []


def give_a_grant(page: Page, *, uses: str, minutes: str) -> None:
    """Fill in what a grant is for."""
    page.get_by_text("Grant the like of it in advance").click()
    page.get_by_label("Rule").select_option("files.delete-tree")
    page.get_by_label("Uses").fill(uses)
    page.get_by_label("Minutes").fill(minutes)
