"""A person decides on the page: what each button does, seen where the agent reads it."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from page_in_use import OpenWindow, Served, open_request

pytestmark = pytest.mark.browser


def test_a_request_appears_on_an_open_page_without_reloading(sign_in: OpenWindow, site: Served) -> None:
    page = sign_in()
    expect(page.locator("li.request")).to_have_count(0)
    page.evaluate("window.marked = true")
    site.ask()
    expect(page.locator("li.request")).to_have_count(1)
    expect(page.locator("li.request")).to_contain_text("Release version 2.4.0")
    assert page.evaluate("window.marked")


def test_an_arrival_is_announced_to_a_screen_reader(sign_in: OpenWindow, site: Served) -> None:
    page = sign_in()
    site.ask()
    expect(page.locator("[aria-live]").filter(has_text=re.compile(r"\w"))).to_have_count(1)


def test_a_request_that_was_decided_elsewhere_leaves_an_open_page(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = sign_in()
    expect(page.locator("li.request")).to_have_count(1)
    site.decide(asked, "reject")
    expect(page.locator("li.request")).to_have_count(0)


def test_approving_lets_the_action_pass(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in(), asked)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#status")).to_contain_text("APPROVED")
    decided = site.standing(asked)
    assert decided.status == "approved"
    assert [(each.by, each.strength) for each in decided.decisions] == [("person anna", "page")]


def test_denying_is_a_rejection(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in(), asked)
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("#status")).to_contain_text("REJECTED")
    assert site.standing(asked).status == "rejected"


def test_sending_back_carries_the_persons_words(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in(), asked)
    page.get_by_label("Your words").fill("A candidate first.\nThen wait for a day.")
    page.get_by_role("button", name="Send back").click()
    expect(page.locator("#status")).to_contain_text("REVISE")
    decided = site.standing(asked)
    assert (decided.status, decided.decisions[0].feedback) == ("revise", "A candidate first.\nThen wait for a day.")


def test_sending_back_without_words_is_refused_with_the_reason(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in(refused=(400,)), asked)
    page.get_by_role("button", name="Send back").click()
    expect(page.locator("main")).to_contain_text("Say in words what is to change")
    assert site.standing(asked).status == "pending"


def test_a_request_that_expires_on_an_open_page_can_no_longer_be_approved(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    site.clock.advance(timedelta(hours=24, seconds=-30))
    page = open_request(sign_in(refused=(410,), java_script_enabled=False), asked)
    site.clock.advance(timedelta(seconds=60))
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("main")).to_contain_text("Nobody decided in time")
    assert site.standing(asked).status == "expired"


def test_an_open_request_says_by_itself_that_it_expired(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    site.clock.advance(timedelta(hours=24, seconds=-30))
    page = open_request(sign_in(), asked)
    page.reload()  # the first view is a change of its own
    site.clock.advance(timedelta(seconds=60))
    expect(page.locator("#status")).to_contain_text("EXPIRED")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_of_two_windows_the_second_is_told_who_decided(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    first = open_request(sign_in("anna"), asked)
    second = open_request(sign_in("bob", refused=(409,), java_script_enabled=False), asked)
    first.get_by_role("button", name="Deny").click()
    expect(first.locator("#status")).to_contain_text("REJECTED")
    second.get_by_role("button", name="Approve").click()
    expect(second.locator("main")).to_contain_text("decided before: rejected by person anna")
    decided = site.standing(asked)
    assert (decided.status, len(decided.decisions)) == ("rejected", 1)


def test_an_open_request_says_by_itself_who_decided(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in("anna"), asked)
    site.decide(asked, "approve", by="person bob")
    expect(page.locator("#status")).to_contain_text("APPROVED by person bob")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_words_that_are_being_written_survive_another_arrival(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    page = open_request(sign_in(), asked)
    page.get_by_label("Your words").press_sequentially("Wait for ")
    site.ask("rm -rf src")
    expect(page.locator("[aria-live]").filter(has_text=re.compile(r"\w"))).to_have_count(1)
    page.get_by_label("Your words").press_sequentially("noon")
    expect(page.get_by_label("Your words")).to_have_value("Wait for noon")


def test_identical_requests_are_one_line_and_one_decision(sign_in: OpenWindow, site: Served) -> None:
    asked = [site.ask(session=each) for each in ("one", "two", "three")]
    page = sign_in()
    expect(page.locator("li.request")).to_have_count(1)
    expect(page.locator("li.request")).to_contain_text("3")
    open_request(page, asked[0])
    page.locator("[name=identical]").check()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#status")).to_contain_text("APPROVED")
    assert [site.standing(each).status for each in asked] == ["approved"] * 3
