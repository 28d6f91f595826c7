"""Who can approve: the page says it, and offers what it can do."""

import pytest
from playwright.sync_api import expect

from page_in_use import OpenWindow, Place, Served, open_request

pytestmark = pytest.mark.browser


def set_floor(place: Place, floor: str) -> None:
    """Let the project ask for more where the severity is high."""
    folder = place.project / ".agentops"
    folder.mkdir()
    (folder / "config.toml").write_text(f'[approval.severity]\nhigh = "{floor}"\n', encoding="utf-8")


def test_what_takes_a_terminal_can_only_be_denied_or_sent_back(sign_in: OpenWindow, place: Place, site: Served) -> None:
    set_floor(place, "terminal")
    asked = site.ask()
    page = open_request(sign_in(), asked)
    expect(page.locator("main")).to_contain_text(f"agentops-mcp approve {asked.request.id[-8:]}")
    expect(page.get_by_role("button", name="Send back")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("#status")).to_contain_text("REJECTED")


def test_what_takes_two_people_is_approved_by_the_second(sign_in: OpenWindow, place: Place, site: Served) -> None:
    set_floor(place, "two_people")
    asked = site.ask()
    anna, bob = (open_request(sign_in(name), asked) for name in ("anna", "bob"))
    anna.get_by_role("button", name="Approve").click()
    expect(anna.locator("#status")).to_contain_text("PENDING, 1 of 2: approved by person anna")
    expect(bob.locator("#status")).to_contain_text("PENDING, 1 of 2: approved by person anna")
    assert site.standing(asked).status == "pending"
    bob.get_by_role("button", name="Approve").click()
    expect(bob.locator("#status")).to_contain_text("APPROVED by person anna")
    expect(anna.locator("#status")).to_contain_text("and person bob")
    assert site.standing(asked).status == "approved"


def test_one_person_does_not_count_twice(sign_in: OpenWindow, place: Place, site: Served) -> None:
    set_floor(place, "two_people")
    asked = site.ask()
    first = open_request(sign_in(), asked)
    second = open_request(sign_in(refused=(400,), java_script_enabled=False), asked)
    first.get_by_role("button", name="Approve").click()
    expect(first.locator("#status")).to_contain_text("1 of 2")
    expect(first.get_by_role("button", name="Approve")).to_have_count(0)
    second.get_by_role("button", name="Approve").click()
    expect(second.get_by_role("alert")).to_contain_text("You approved it already")
    assert site.standing(asked).status == "pending"
