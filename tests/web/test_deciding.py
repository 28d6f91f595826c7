from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from agentops_mcp.factors.approval.service.requests import Requests, Standing
from agentops_mcp.web.views import Views
from visited import DELETE, FORCE, Pages, decide, hidden, main_of


@pytest.mark.parametrize(
    ("decision", "status", "said"),
    [("approve", "approved", "APPROVED"), ("reject", "rejected", "REJECTED"), ("revise", "revise", "REVISE")],
)
def test_a_decision_is_kept_under_the_person_s_name(
    pages: Pages, anna: TestClient, decision: str, status: str, said: str
) -> None:
    asked = pages.ask()
    answer = decide(anna, asked, decision, feedback="A candidate first.\r\nThen wait.")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/r/{asked.request.id}")
    found = pages.standing(asked)
    assert found.status == status
    assert [(each.by, each.strength, each.feedback) for each in found.decisions] == [
        ("person anna", "page", "A candidate first.\nThen wait.")
    ]
    page = anna.get(answer.headers["location"]).text
    assert said in main_of(page)
    assert 'name="decision"' not in page


@pytest.mark.parametrize("decision", ["", "yes", "approved", "APPROVE", "approve "])
def test_a_form_without_a_decision_decides_nothing(pages: Pages, anna: TestClient, decision: str) -> None:
    asked = pages.ask()
    answer = decide(anna, asked, decision)
    assert answer.status_code == 400
    assert 'name="decision"' in answer.text
    assert pages.standing(asked).status == "pending"


def test_a_form_that_names_no_decision_at_all_decides_nothing(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    form = hidden(anna.get(f"/r/{asked.request.id}").text)
    answer = anna.post(f"/r/{asked.request.id}/decide", data=form)
    assert (answer.status_code, pages.standing(asked).status) == (400, "pending")
    assert "Nothing was decided" in main_of(answer.text)


def test_sending_back_without_words_is_refused_and_keeps_the_form(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask(session="one")
    pages.ask(session="two")
    answer = decide(anna, asked, "revise", feedback=" ", identical="on")
    assert answer.status_code == 400
    assert "Say in words what is to change" in main_of(answer.text)
    assert 'name="identical" checked' in answer.text


def test_a_request_that_was_not_shown_is_not_decided(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    assert decide(anna, asked, "approve", digest="0" * 64).status_code == 409
    assert pages.standing(asked).status == "pending"


def test_the_second_is_told_who_decided(pages: Pages, anna: TestClient) -> None:
    asked, bob = pages.ask(), pages.signed_in("bob")
    form = {**hidden(bob.get(f"/r/{asked.request.id}").text), "decision": "approve"}
    decide(anna, asked, "reject")
    answer = bob.post(f"/r/{asked.request.id}/decide", data=form)
    assert answer.status_code == 409
    assert "decided before: rejected by person anna" in main_of(answer.text)
    assert len(pages.standing(asked).decisions) == 1


def test_what_expired_while_it_was_open_is_not_approved(pages: Pages) -> None:
    asked = pages.ask()
    pages.clock.advance(timedelta(hours=23, minutes=59))
    anna = pages.signed_in()
    form = {**hidden(anna.get(f"/r/{asked.request.id}").text), "decision": "approve"}
    pages.clock.advance(timedelta(minutes=2))
    answer = anna.post(f"/r/{asked.request.id}/decide", data=form)
    assert answer.status_code == 410
    assert "Nobody decided in time" in main_of(answer.text)
    assert pages.standing(asked).status == "expired"


def test_identical_requests_are_decided_together_only_when_that_is_said(pages: Pages, anna: TestClient) -> None:
    asked = [pages.ask(session=each) for each in ("one", "two", "three")]
    decide(anna, asked[0], "approve")
    assert [pages.standing(each).status for each in asked] == ["approved", "pending", "pending"]
    decide(anna, asked[1], "reject", identical="on")
    assert [pages.standing(each).status for each in asked] == ["approved", "rejected", "rejected"]


Floor = Callable[[str], Standing]


@pytest.fixture
def ask_with_floor(pages: Pages, repository: Path) -> Floor:
    """Asks in a project that wants more than the page for a deletion."""

    def ask(floor: str) -> Standing:
        (repository / ".agentops").mkdir()
        (repository / ".agentops" / "config.toml").write_text(
            f'[approval.effect]\ndelete = "{floor}"\n', encoding="utf-8"
        )
        return pages.ask(DELETE)

    return ask


def test_what_needs_a_terminal_is_not_approved_on_the_page(
    ask_with_floor: Floor, pages: Pages, anna: TestClient
) -> None:
    asked = ask_with_floor("terminal")
    page = anna.get(f"/r/{asked.request.id}").text
    assert 'value="approve"' not in page
    assert "agentops-mcp approve" in main_of(page)
    assert "needs the terminal" in main_of(anna.get("/").text)
    assert decide(anna, asked, "approve").status_code == 403
    assert pages.standing(asked).status == "pending"
    assert decide(anna, asked, "reject").status_code == 303


def test_two_people_approve_what_needs_two(ask_with_floor: Floor, pages: Pages, anna: TestClient) -> None:
    asked = ask_with_floor("two_people")
    decide(anna, asked, "approve")
    page = anna.get(f"/r/{asked.request.id}").text
    assert "so far person anna did. You did already." in main_of(page)
    assert 'value="approve"' not in page
    assert decide(anna, asked, "approve").status_code == 400
    assert pages.standing(asked).status == "pending"
    decide(pages.signed_in("bob"), asked, "approve")
    assert pages.standing(asked).status == "approved"


def test_a_grant_comes_with_an_approval(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask(DELETE)
    fields = {"grant_rule": "files.delete-tree", "grant_prefix": "/src", "grant_uses": "3", "grant_minutes": "45"}
    assert decide(anna, asked, "approve", feedback="Builds are remade", **fields).status_code == 303
    [grant] = pages.approving.grants.live()
    assert (grant.rule, grant.prefix, grant.uses, grant.until - grant.at) == (
        "files.delete-tree", "/src", 3, timedelta(minutes=45),
    )  # fmt: skip
    assert (grant.given_by, grant.strength, grant.reason) == ("person anna", "page", "Builds are remade")


@pytest.mark.parametrize("decision", ["reject", "revise"])
def test_what_is_no_approval_gives_no_grant(pages: Pages, anna: TestClient, decision: str) -> None:
    fields = {"grant_rule": "files.delete-tree", "grant_uses": "3"}
    assert decide(anna, pages.ask(DELETE), decision, feedback="No", **fields).status_code == 303
    assert pages.approving.grants.listed() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_rule": "files.delete-tree"},
        {"grant_rule": "files.delete-tree", "grant_uses": "0"},
        {"grant_rule": "files.delete-tree", "grant_uses": "-1"},
        {"grant_rule": "files.delete-tree", "grant_uses": "1e3"},
        {"grant_rule": "files.delete-tree", "grant_uses": "\u0663"},
        {"grant_rule": "files.delete-tree", "grant_minutes": "0"},
        {"grant_rule": "files.delete-tree", "grant_minutes": "9999"},
        {"grant_rule": "files.delete-tree", "grant_uses": "1", "grant_prefix": "src/../.."},
        {"grant_rule": "git.force-push", "grant_uses": "1"},
        {"grant_rule": "x", "grant_uses": "1"},
    ],
    ids=str,
)
def test_a_grant_that_can_not_be_given_leaves_the_request_undecided(
    pages: Pages, anna: TestClient, fields: dict[str, str]
) -> None:
    asked = pages.ask(DELETE)
    answer = decide(anna, asked, "approve", **fields)
    assert answer.status_code == 400
    assert '<details class="grant" open>' in answer.text
    assert pages.standing(asked).status == "pending"
    assert pages.approving.grants.listed() == []


def test_a_critical_rule_is_not_offered_as_a_grant(pages: Pages, anna: TestClient) -> None:
    assert 'name="grant_rule"' not in anna.get(f"/r/{pages.ask(FORCE).request.id}").text


def test_a_grant_is_listed_and_taken_back(pages: Pages, anna: TestClient) -> None:
    decide(anna, pages.ask(DELETE), "approve", grant_rule="files.delete-tree", grant_uses="3")
    page = anna.get("/grants").text
    assert "files.delete-tree" in main_of(page)
    [grant] = pages.approving.grants.live()
    answer = pages.signed_in("bob").post(f"/grants/{grant.id}/revoke", data=hidden(page))
    assert answer.status_code == 403
    assert len(pages.approving.grants.live()) == 1
    assert anna.post(f"/grants/{grant.id}/revoke", data=hidden(page)).headers["location"] == "/grants"
    assert pages.approving.grants.live() == []
    after = anna.get("/grants").text
    assert "revoked" in main_of(after)
    assert "/revoke" not in after


def test_a_grant_without_uses_ends_by_its_time(pages: Pages, anna: TestClient) -> None:
    decide(anna, pages.ask(DELETE), "approve", grant_rule="files.delete-tree", grant_minutes="10")
    assert "holds until" in main_of(anna.get("/grants").text)
    pages.clock.advance(timedelta(minutes=10))
    page = anna.get("/grants").text
    assert "ended" in main_of(page)
    assert "/revoke" not in page


def test_a_decision_is_in_the_git_mirror(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    decide(anna, asked, "reject")
    mirror = pages.app.parts.mirror
    assert mirror is not None
    assert mirror.debt() == 0


def test_a_page_that_failed_says_nothing_about_why(
    pages: Pages, anna: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Views, visit: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(Requests, "open", fail)
    page = anna.get("/")
    assert page.status_code == 500
    assert "a secret" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
