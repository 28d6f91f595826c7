"""However many come at once, one decision stands and one use goes through; what is forged approves nothing."""

import uuid
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import pytest

from agentops_mcp.app import App
from agentops_mcp.core.errors import AgentOpsError, InvalidInputError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import GENESIS, Actor, Draft, Event, seal
from agentops_mcp.factors.approval.rules.standing import Decision
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.factors.approval.store import request_events as rows
from bound import OTHER_AGENT, PAGE, RELEASE, TERMINAL, Bound, make_project
from conftest import AGENT, FakeClock

pytestmark = pytest.mark.usefixtures("own_home")

AT_ONCE = 50
Result = TypeVar("Result")
FORGER = Actor("agentops-mcp page", "mallory", "page")


@pytest.fixture
def processes(postgres_url: str | None, repository: Path, clock: FakeClock) -> Generator[list[Bound]]:
    """Two servers on one project and one database."""
    make_project(repository)
    (repository / ".agentops").mkdir()
    name = f"uses-{uuid.uuid4().hex[:12]}"
    (repository / ".agentops" / "config.toml").write_text(f'[project]\nname = "{name}"\n', encoding="utf-8")
    environment = {"AGENTOPS_DATABASE_URL": postgres_url} if postgres_url else {}
    apps = [App(repository, environment=environment, clock=clock) for _ in range(2)]
    with apps[0], apps[1]:
        yield [Bound(repository, each, clock) for each in apps]


def at_once(act: Callable[[int], Result]) -> list[Result]:
    """What each of fifty threads got, that all began together."""
    gate = Barrier(AT_ONCE)

    def run(number: int) -> Result:
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def events(bound: Bound, kind: str) -> list[Event]:
    return [event for event in bound.app.parts.ledger.events() if event.kind == kind]


def test_of_fifty_decisions_one_stands_and_the_others_are_told_and_kept(processes: list[Bound]) -> None:
    asked = processes[0].ask()
    for bound in processes:
        bound.check()  # both are warm

    def decide(number: int) -> str:
        try:
            processes[number % 2].decide(asked, ("approve", "reject")[number // 2 % 2], by=f"person p{number}")
        except AgentOpsError as error:
            return error.problem
        return ""

    told = at_once(decide)
    assert told.count("") == 1
    assert all(each.startswith("It was decided before: ") for each in told if each)
    assert len(events(processes[0], rows.DECIDED)) == 1
    assert len(processes[1].refusals(asked.request.id)) == AT_ONCE - 1


def test_of_fifty_uses_one_goes_through_and_the_others_are_kept(processes: list[Bound]) -> None:
    approval = processes[0].approved()
    judged = at_once(lambda number: processes[number % 2].check(approval=approval))
    assert [each.decision for each in judged].count("allow") == 1
    refused = [each.word for each in judged if each.decision != "allow"]
    assert set(refused) == {f"approval {approval}: it was used already; an approval is used once"}
    assert len(events(processes[0], rows.USED)) == 1
    assert len(processes[1].refusals(approval)) == AT_ONCE - 1


def test_a_grant_of_seven_uses_is_used_seven_times_by_fifty(processes: list[Bound]) -> None:
    for bound in processes:
        bound.check()
    grants = processes[0].app.approving().grants
    grants.give("publishing.release", "", uses=7, lasts=timedelta(hours=1), severity="high", reason="release day",
                by="person anna", actor=TERMINAL)  # fmt: skip
    judged = at_once(lambda number: processes[number % 2].check())
    assert [each.decision for each in judged].count("allow") == 7
    assert [each.used for each in grants.listed()] == [7]
    said = {each.word.partition(", ")[2] for each in judged if each.word}
    assert len({each.word for each in judged if each.word}) == 7, said


@pytest.fixture
def bound(processes: list[Bound]) -> Bound:
    return processes[0]


def forged(
    bound: Bound, draft: Draft, actor: Actor, *, origin: str | None = None, tracked: bool | None = None
) -> Event:
    """An event as somebody else could have made it: whole, sealed, and not ours."""
    at = bound.clock().isoformat(timespec="microseconds")
    if tracked is not None:
        draft = replace(draft, tracked=tracked)
    return seal(draft, event_id=draft.id or new_id(), origin=origin or new_id(), n=1, at=at, actor=actor, prev=GENESIS)


def decided(asked: Standing, decision: Decision = "approve", by: str = "person anna") -> list[Draft]:
    """A decision, and the word for it."""
    return rows.decided(asked.request.id, decision, by=by, feedback="", shown_ms=None, event_id=new_id())


@pytest.mark.parametrize(
    ("actor", "by"),
    [
        (FORGER, "person anna"),
        (TERMINAL, "person anna"),
        (AGENT, "person anna"),
        (OTHER_AGENT, "person anna"),
        (replace(AGENT, via="elicitation"), "client test-client 1.0 of tester"),
        (FORGER, "agent test-client of tester"),
        (Actor("x", "y", "root"), "person anna"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_a_decision_that_was_made_elsewhere_approves_nothing(actor: Actor, by: str, bound: Bound) -> None:
    asked = bound.ask()
    bound.app.parts.ledger.merge([forged(bound, each, actor) for each in decided(asked, by=by)])
    judged = bound.check(approval=asked.request.id)
    assert (judged.decision, judged.word) == ("ask", f"approval {asked.request.id}: nobody decided yet")


def test_a_request_and_its_decision_that_were_both_made_elsewhere_approve_nothing(bound: Bound) -> None:
    asked, elsewhere = bound.ask(), new_id()
    request = replace(asked.request, id=new_id())
    asking = [forged(bound, each, AGENT, origin=elsewhere) for each in rows.requested(request)]
    decision = [forged(bound, each, PAGE, origin=elsewhere) for each in decided(replace(asked, request=request))]
    bound.app.parts.ledger.merge([*asking, *decision])
    judged = bound.check(approval=request.id)
    assert judged.decision == "ask"
    assert judged.word.endswith("nobody decided yet; it came from another clone")


def test_a_request_that_came_from_elsewhere_can_be_refused_and_not_approved(bound: Bound) -> None:
    asked = bound.ask()
    request = replace(asked.request, id=new_id())
    origin = bound.app.parts.ledger.identity  # as if it were our own
    bound.app.parts.ledger.merge([forged(bound, each, AGENT, origin=origin) for each in rows.requested(request)])
    requests = bound.app.approving().requests
    assert not requests.standing(request.id).here

    def decide(decision: Decision) -> Standing:
        return requests.decide(request.id, decision, by="person anna", digest=request.digest, actor=PAGE)

    with pytest.raises(InvalidInputError, match="another clone"):
        decide("approve")
    assert decide("reject").status == "rejected"


@pytest.mark.parametrize("actor", [PAGE, TERMINAL])
@pytest.mark.parametrize("tracked", [True, False, None])
def test_a_decision_that_names_this_database_as_its_origin_approves_nothing(
    actor: Actor, *, tracked: bool | None, bound: Bound
) -> None:
    asked, ledger = bound.ask(), bound.app.parts.ledger
    made = [forged(bound, each, actor, origin=ledger.identity, tracked=tracked) for each in decided(asked)]
    ledger.merge(made)
    assert bound.check(approval=asked.request.id).decision == "ask"


def test_a_rejection_that_was_made_elsewhere_stands(bound: Bound) -> None:
    asked = bound.ask()
    bound.app.parts.ledger.merge([forged(bound, each, PAGE) for each in decided(asked, "reject", "person bob")])
    assert bound.check(approval=asked.request.id).word.endswith("it was rejected")


def test_a_use_that_was_made_elsewhere_uses_it_up(bound: Bound) -> None:
    approval = bound.approved()
    used = rows.happened(approval, rows.USED, who="agent x of y", note="")
    bound.app.parts.ledger.merge([forged(bound, used, AGENT)])
    assert bound.check(approval=approval).word.endswith("it was used already; an approval is used once")


@pytest.mark.parametrize("body", [{}, {"approval": 1}, {"approval": "x", "decision": "approve"}])
def test_what_is_no_decision_is_kept_and_left_out(body: dict[str, Any], bound: Bound) -> None:
    asked = bound.ask()
    draft = Draft(rows.stream(asked.request.id), rows.DECIDED, {"approval": asked.request.id, **body})
    assert bound.app.parts.ledger.merge([forged(bound, draft, PAGE)]) == 1
    assert bound.check(approval=asked.request.id).word.endswith("nobody decided yet")


def test_a_grant_that_was_made_elsewhere_covers_nothing(bound: Bound) -> None:
    given = bound.app.approving().grants.give(
        "publishing.release", "", uses=9, lasts=timedelta(hours=1), severity="high", reason="", by="person anna",
        actor=PAGE,
    )  # fmt: skip
    bound.app.approving().grants.revoke(given.id, by="person anna", actor=PAGE)
    event = bound.app.parts.ledger.event(given.id)
    draft = Draft(f"grant/{new_id()}", event.kind, event.body, tracked=event.tracked)
    bound.app.parts.ledger.merge([forged(bound, draft, PAGE)])
    assert bound.check(RELEASE).decision == "ask"


@pytest.mark.parametrize("more", ["\0", "\u202e", "\u2028", "x" * 100_000])
def test_whatever_is_in_an_action_it_can_be_asked_about_and_used_once(more: str, bound: Bound) -> None:
    command = f"npm publish {more}"
    approval = bound.approved(command)
    assert bound.check(command, approval).decision == "allow"
    assert bound.check(command, approval).decision == "ask"


@pytest.mark.parametrize("kind", ["shell", "plan"])
def test_what_is_no_text_is_refused_before_anybody_is_asked(kind: str, bound: Bound) -> None:
    with pytest.raises(InvalidInputError, match="surrogate"):
        bound.ask("npm publish \udcff", kind=kind)
