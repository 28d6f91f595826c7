"""Asking, deciding and using, over a real ledger."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.core.errors import AgentOpsError, ConflictError, ExpiredError, InvalidInputError, NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.render.ways import how_to_decide
from agentops_mcp.factors.approval.rules.principals import person_of, requester_of
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.service.requests import Requests, Standing
from agentops_mcp.factors.approval.store import requests as request_store
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.sqlite import SqliteDatabase
from asked import AGENT, CLIENT, CRITICAL, PAGE, SESSION, TERMINAL, Asked, asked, proposal, subject
from conftest import FakeClock, LedgerFactory


@pytest.fixture
def approvals(open_ledger: LedgerFactory, clock: FakeClock) -> Asked:
    return asked(open_ledger, clock)


def test_a_request_is_on_disk_and_the_bell_has_rung_when_asking_returns(approvals: Asked) -> None:
    made = approvals.ask()
    assert approvals.requests.standing(made.request.id).status == "pending"
    assert approvals.kinds() == ["approval.requested", "approval.vouched"]
    assert approvals.rang == [("asked", made.request.id)]


def test_a_bell_that_breaks_loses_no_request(approvals: Asked, caplog: pytest.LogCaptureFixture) -> None:
    def broken(what: str, approval: str) -> None:
        raise OSError(what, approval)

    approvals.requests._notify = broken  # pyright: ignore[reportPrivateUsage]
    assert approvals.ask().status == "pending"
    assert "notification" in caplog.text


def test_asking_again_for_the_same_is_the_same_request(approvals: Asked) -> None:
    first = approvals.ask()
    assert approvals.ask().request.id == first.request.id
    approvals.decide(first)
    assert approvals.ask().status == "approved"
    assert approvals.kinds().count("approval.requested") == 1


@pytest.mark.parametrize("decision", ["reject", "revise"])
def test_after_a_refusal_asking_again_is_a_new_request(approvals: Asked, decision: str) -> None:
    first = approvals.ask()
    approvals.decide(first, decision, feedback="not today")
    assert approvals.ask().request.id != first.request.id


def test_nobody_is_asked_about_what_nothing_stands_against(approvals: Asked) -> None:
    harmless = subject(decision="allow", findings=())
    low = proposal(impact={"level": "low", "files": 1})
    assert approvals.requests.ask(harmless, low, session=None, actor=AGENT) is None
    assert approvals.kinds() == []


def test_a_plan_is_asked_about_whatever_it_costs(approvals: Asked) -> None:
    plan = subject(kind="plan", decision="allow", findings=())
    low = proposal(impact={"level": "low", "files": 1})
    assert approvals.requests.ask(plan, low, session=None, actor=AGENT) is not None


@pytest.mark.parametrize(
    ("decision", "status"), [("approve", "approved"), ("reject", "rejected"), ("revise", "revise")]
)
@pytest.mark.parametrize("actor", [PAGE, TERMINAL, CLIENT])
def test_a_persons_decision_stands(approvals: Asked, decision: str, status: str, actor: Actor) -> None:
    made = approvals.decide(approvals.ask(), decision, feedback="on the staging branch first", actor=actor)
    assert made.status == status
    assert made.fold.last is not None
    assert made.fold.last.feedback == "on the staging branch first"


def test_an_id_may_be_shortened(approvals: Asked) -> None:
    whole = approvals.ask().request.id
    for typed in (whole[:20], whole[-8:], f"approval/{whole}", f" {whole.upper()} "):
        assert approvals.requests.standing(typed).request.id == whole


@pytest.mark.parametrize("typed", ["", "x", "%", "____", "%%%%%", "zzzzzzzz", "'; DROP TABLE approval; --"])
def test_an_id_that_is_none_is_not_found(approvals: Asked, typed: str) -> None:
    approvals.ask()
    with pytest.raises(NotFoundError, match="No approval"):
        approvals.requests.standing(typed)


def test_an_id_that_fits_several_names_them(approvals: Asked) -> None:
    first = approvals.ask()
    approvals.ask(session=None)
    with pytest.raises(InvalidInputError, match="fits several"):
        approvals.requests.standing(first.request.id[:4])


def refused_by(made: Standing, error: type[AgentOpsError], approvals: Asked, act: Callable[[], object]) -> str:
    before = approvals.requests.standing(made.request.id)
    with pytest.raises(error) as refused:
        act()
    after = approvals.requests.standing(made.request.id)
    assert (after.fold, after.decisions) == (before.fold, before.decisions)
    assert len(after.facts) == len(before.facts) + 1
    assert after.facts[-1].kind == "approval.refused"
    return str(refused.value)


def test_a_tool_call_decides_nothing_and_is_recorded(approvals: Asked) -> None:
    made = approvals.ask()
    assert "Only a person" in refused_by(
        made, InvalidInputError, approvals, lambda: approvals.decide(made, actor=AGENT)
    )


def test_the_requester_decides_nothing(approvals: Asked) -> None:
    made = approvals.ask()

    def decide() -> None:
        approvals.requests.decide(
            made.request.id, "approve", by=requester_of(AGENT), digest=made.request.digest, actor=PAGE
        )

    assert "Only a person" in refused_by(made, InvalidInputError, approvals, decide)


@pytest.mark.parametrize("decision", ["", "yes", "APPROVE", "approved"])
def test_what_is_no_decision_is_not_taken_for_one(approvals: Asked, decision: str) -> None:
    made = approvals.ask()
    refused_by(made, InvalidInputError, approvals, lambda: approvals.decide(made, decision))


def test_another_request_than_the_one_shown_is_not_decided(approvals: Asked) -> None:
    made = approvals.ask()
    other = replace(made, request=replace(made.request, digest="0" * 64))
    assert "was shown" in refused_by(made, ConflictError, approvals, lambda: approvals.decide(other))


def test_sending_back_needs_words(approvals: Asked) -> None:
    made = approvals.ask()
    refused_by(made, InvalidInputError, approvals, lambda: approvals.decide(made, "revise", feedback="  "))
    refused_by(made, InvalidInputError, approvals, lambda: approvals.decide(made, "reject", feedback="x" * 4_001))


def test_a_clients_word_does_not_do_for_a_critical_effect(approvals: Asked) -> None:
    made = approvals.ask(subject(findings=(CRITICAL,)))
    says = refused_by(made, InvalidInputError, approvals, lambda: approvals.decide(made, actor=CLIENT))
    assert "needs a decision by the page" in says
    assert "agentops-mcp web" in says


def test_a_client_may_refuse_what_it_could_not_approve(approvals: Asked) -> None:
    made = approvals.ask(subject(findings=(CRITICAL,)))
    assert approvals.decide(made, "reject", actor=CLIENT).status == "rejected"


def test_the_second_decision_is_told_of_the_first(approvals: Asked) -> None:
    made = approvals.ask()
    approvals.decide(made, "reject")
    says = refused_by(made, ConflictError, approvals, lambda: approvals.decide(made, name="ben"))
    assert "rejected by person anna" in says


def test_two_people_are_two(approvals: Asked) -> None:
    approvals.settings = Settings(by_severity={"high": "two_people"})
    made = approvals.ask()
    assert approvals.decide(made).status == "pending"
    refused_by(made, InvalidInputError, approvals, lambda: approvals.decide(made, actor=TERMINAL))
    assert approvals.requests.open().total == 1
    assert approvals.decide(made, name="ben", actor=TERMINAL).status == "approved"
    assert approvals.requests.open().total == 0


def test_silence_is_a_refusal_that_is_recorded(approvals: Asked, clock: FakeClock) -> None:
    made = approvals.ask()
    clock.advance(timedelta(hours=24, seconds=1))
    assert approvals.requests.standing(made.request.id).status == "expired"
    refused_by(made, ExpiredError, approvals, lambda: approvals.decide(made))
    assert approvals.requests.open().total == 0
    assert approvals.kinds()[-1] == "approval.expired"
    assert approvals.requests.standing(made.request.id).status == "expired"
    assert not approvals.requests.use(made.request.id, subject(), session=SESSION, actor=AGENT).accepted


def test_what_waits_long_is_escalated_once(approvals: Asked, clock: FakeClock) -> None:
    made = approvals.ask()
    clock.advance(timedelta(hours=4))
    assert approvals.requests.sweep() == 1
    assert approvals.requests.sweep() == 0
    assert approvals.rang[1:] == [("escalated", made.request.id)]
    assert approvals.decide(made).status == "approved"


def test_what_was_decided_is_neither_escalated_nor_expired(approvals: Asked, clock: FakeClock) -> None:
    approvals.decide(approvals.ask())
    clock.advance(timedelta(hours=30))
    assert approvals.requests.sweep() == 0
    assert "approval.expired" not in approvals.kinds()


def test_an_approval_lets_its_action_pass_once(approvals: Asked) -> None:
    made = approvals.decide(approvals.ask())
    used = approvals.requests.use(made.request.id, subject(), session=SESSION, actor=AGENT)
    assert used.accepted
    assert "person anna, the page" in used.reason
    again = approvals.requests.use(made.request.id, subject(), session=SESSION, actor=AGENT)
    assert again.reason == "it was used already; an approval is used once"
    assert approvals.requests.standing(made.request.id).status == "used"
    assert approvals.kinds().count("approval.used") == 1


def test_an_approval_that_is_not_used_in_time_lapses(approvals: Asked, clock: FakeClock) -> None:
    made = approvals.decide(approvals.ask())
    clock.advance(timedelta(minutes=10, seconds=1))
    assert approvals.requests.standing(made.request.id).status == "lapsed"
    used = approvals.requests.use(made.request.id, subject(), session=SESSION, actor=AGENT)
    assert used.reason == "it was not used in time"


def test_an_approval_is_not_enough_when_the_policy_asks_for_more_since(approvals: Asked) -> None:
    made = approvals.decide(approvals.ask(), actor=CLIENT)
    approvals.settings = Settings(by_severity={"high": "page"})
    used = approvals.requests.use(made.request.id, subject(), session=SESSION, actor=AGENT)
    assert used.reason == "it now needs a decision by the page"


def test_an_approved_plan_lets_no_action_pass(approvals: Asked) -> None:
    plan = subject(kind="plan")
    made = approvals.decide(approvals.ask(plan))
    assert "about a plan" in approvals.requests.use(made.request.id, plan, session=SESSION, actor=AGENT).reason


def test_identical_requests_are_one_line_and_can_be_decided_together(approvals: Asked) -> None:
    first, second = approvals.ask(), approvals.ask(session=None)
    approvals.ask(subject(action="b" * 64))
    lines = approvals.requests.open().lines
    assert [(line.id, line.identical) for line in lines] == [(first.request.id, 2), (lines[1].id, 1)]
    assert approvals.requests.standing(first.request.id).identical == (second.request.id,)
    approvals.decide(first, identical=True)
    assert approvals.requests.standing(second.request.id).status == "approved"
    assert approvals.requests.open().total == 1


def test_a_long_list_comes_in_pages(approvals: Asked) -> None:
    made = [approvals.ask(subject(action=f"{n:064d}")).request.id for n in range(5)]
    first = approvals.requests.open(limit=2)
    rest = approvals.requests.open(limit=9, after=first.lines[-1].id)
    assert [line.id for line in (*first.lines, *rest.lines)] == made
    assert first.total == 5


@pytest.mark.parametrize(
    ("words", "found"), [("", 2), ("force main", 2), ("rebased", 2), ("FORCE", 2), ("nothing", 0), ("%", 0), ("_", 0)]
)
def test_history_is_found_by_words(approvals: Asked, words: str, found: int) -> None:
    approvals.decide(approvals.ask())
    approvals.ask(session=None)
    assert len(approvals.requests.history(words)) == found


def test_the_first_showing_is_kept_and_times_the_decision(approvals: Asked, clock: FakeClock) -> None:
    made = approvals.ask()
    before = approvals.requests.last_change()
    approvals.requests.show(made.request.id, by="person anna", actor=PAGE)
    assert approvals.requests.last_change() != before
    clock.advance(timedelta(seconds=42))
    approvals.requests.show(made.request.id, by="person anna", actor=PAGE)
    approvals.decide(made)
    assert approvals.kinds() == [
        "approval.requested",
        "approval.vouched",
        "approval.shown",
        "approval.decided",
        "approval.vouched",
    ]
    assert [event.body["shown_ms"] for event in approvals.ledger.events() if event.kind == "approval.decided"] == [
        42_000
    ]


def test_ids_are_completed(approvals: Asked) -> None:
    made = approvals.ask().request.id
    assert approvals.requests.complete(made[:8]) == [made]
    assert approvals.requests.complete(made[-8:]) == [made]


@pytest.mark.parametrize(
    ("severity", "says"),
    [
        ("client", "type `agentops-mcp approve"),
        ("page", "page"),
        ("terminal", "terminal"),
        ("two_people", "Two people"),
    ],
)
def test_how_a_person_can_decide_is_said(approvals: Asked, severity: str, says: str) -> None:
    approvals.settings = Settings(by_severity={"high": severity})  # pyright: ignore[reportArgumentType]
    asked = approvals.ask().request
    assert says in how_to_decide(asked.id, asked.floor)


def test_principals_are_never_the_same(approvals: Asked) -> None:
    assert approvals.ask().request.requester == "agent claude-code of anna"
    names = {requester_of(AGENT), person_of(PAGE, "anna"), person_of(CLIENT), person_of(TERMINAL, "ben")}
    assert names == {
        "agent claude-code of anna", "person anna", "client claude-code 2.1.317 of anna", "person ben",
    }  # fmt: skip


def test_a_decision_that_came_from_elsewhere_does_not_approve_and_may_refuse(
    approvals: Asked, tmp_path: Path, clock: FakeClock
) -> None:
    made, refused = approvals.ask(), approvals.ask(session=None)
    approvals.decide(made)
    approvals.decide(refused, "reject")
    with closing(SqliteDatabase(tmp_path / "elsewhere" / "agentops.db")) as database:
        other = Ledger(database, place="elsewhere", views=[request_store.VIEW], clock=clock, new_id=new_id)
        other.open()
        other.merge(event for event in approvals.ledger.events() if event.tracked)
        there = Requests(other, settings=Settings, notify=approvals.ring, clock=clock, new_id=new_id)
        assert there.standing(made.request.id).status == "pending"
        assert there.standing(refused.request.id).status == "rejected"


def test_the_views_are_the_same_after_a_rebuild(approvals: Asked, clock: FakeClock) -> None:
    approvals.decide(approvals.ask())
    approvals.decide(approvals.ask(session=None), "revise", feedback="no")
    waits = approvals.ask(subject(action="c" * 64))
    clock.advance(timedelta(hours=5))
    approvals.requests.sweep()
    before = approvals.requests.history(), approvals.requests.open()
    approvals.ledger.rebuild()
    assert (approvals.requests.history(), approvals.requests.open()) == before
    assert before[1].lines[0].id == waits.request.id
