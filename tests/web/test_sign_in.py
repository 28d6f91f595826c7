import re
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from agentops_mcp.storage.page_access import SESSION_LASTS
from visited import ORIGIN, Pages, hidden, main_of

VIEWS = ("/", "/r/{id}", "/r/{id}/diff", "/history", "/grants", "/rates", "/events")


def test_a_link_shows_whom_it_signs_in_and_a_button(pages: Pages) -> None:
    page = pages.visitor().get(f"/sign-in/{pages.access.mint('anna')}")
    assert (page.status_code, page.cookies) == (200, {})
    assert "Sign in as anna" in main_of(page.text)


def test_looking_at_a_link_any_number_of_times_does_not_use_it(pages: Pages) -> None:
    visitor, link = pages.visitor(), f"/sign-in/{pages.access.mint('anna')}"
    assert [visitor.get(link).status_code, visitor.head(link).status_code, visitor.get(link).status_code] == [200] * 3
    assert visitor.post(link).status_code == 303


def test_a_link_works_once(pages: Pages) -> None:
    link = f"/sign-in/{pages.access.mint('anna')}"
    first, second = pages.visitor(), pages.visitor()
    assert first.post(link).headers["location"] == "/"
    refused = second.post(link)
    assert (refused.status_code, refused.cookies) == (410, {})
    assert "agentops-mcp web --link" in refused.text


def test_the_cookie_is_for_this_page_alone_and_no_script_reads_it(pages: Pages) -> None:
    said = pages.visitor().post(f"/sign-in/{pages.access.mint('anna')}").headers["set-cookie"]
    name, *attributes = (each.strip() for each in said.split(";"))
    assert re.fullmatch(r"agentops-0123456789abcdef=[A-Za-z0-9_-]{43}", name)
    assert set(attributes) == {
        "HttpOnly",
        "SameSite=strict",
        "Path=/",
        f"Max-Age={SESSION_LASTS // timedelta(seconds=1)}",
    }


def test_a_cookie_that_was_there_before_is_not_the_session(pages: Pages) -> None:
    name = "agentops-0123456789abcdef"
    victim = pages.visitor()
    victim.cookies.set(name, "A" * 43, domain="127.0.0.1")
    victim.post(f"/sign-in/{pages.access.mint('anna')}", headers={"Cookie": f"{name}={'A' * 43}"})
    assert pages.visitor().get("/", headers={"Cookie": f"{name}={'A' * 43}"}).status_code == 401


def test_signing_in_again_ends_the_session_before(pages: Pages) -> None:
    anna = pages.signed_in()
    before = dict(anna.cookies)
    anna.post(f"/sign-in/{pages.access.mint('anna')}")
    assert dict(anna.cookies) != before
    [(name, value)] = before.items()
    assert pages.visitor().get("/", headers={"Cookie": f"{name}={value}"}).status_code == 401


@pytest.mark.parametrize("address", VIEWS)
def test_a_stranger_sees_how_to_sign_in_and_nothing_else(pages: Pages, address: str) -> None:
    asked = pages.ask(summary="Release version 2.4.0")
    page = pages.visitor().get(address.format(id=asked.request.id))
    assert page.status_code == 401
    assert "agentops-mcp web --link" in page.text
    assert "Release" not in page.text


@pytest.mark.parametrize("address", ["/r/{id}/decide", "/grants/{id}/revoke", "/sign-out"])
def test_a_stranger_changes_nothing(pages: Pages, address: str) -> None:
    asked = pages.ask()
    form = {"decision": "approve", "digest": asked.request.digest, "csrf": ""}
    assert pages.visitor().post(address.format(id=asked.request.id), data=form).status_code == 401
    assert pages.standing(asked).status == "pending"


def test_a_session_ends_by_itself(pages: Pages) -> None:
    anna = pages.signed_in()
    pages.clock.advance(SESSION_LASTS)
    assert anna.get("/").status_code == 401


def test_signing_out_ends_the_session(pages: Pages, anna: TestClient) -> None:
    cookies = dict(anna.cookies)
    assert anna.post("/sign-out", data=hidden(anna.get("/").text)).status_code == 303
    assert anna.get("/").status_code == 401
    [(name, value)] = cookies.items()
    assert pages.visitor().get("/", headers={"Cookie": f"{name}={value}"}).status_code == 401


def test_signing_out_needs_the_form_of_the_session(anna: TestClient) -> None:
    assert anna.post("/sign-out").status_code == 403
    assert anna.get("/").status_code == 200


def test_a_link_from_another_site_signs_nobody_in(pages: Pages) -> None:
    link = f"/sign-in/{pages.access.mint('anna')}"
    assert pages.visitor(Origin="http://evil.example").post(link).status_code == 403
    assert pages.visitor(Origin=ORIGIN).post(link).status_code == 303
