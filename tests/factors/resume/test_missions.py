"""Missions are opened, moved and proven; what is refused changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core.errors import (
    AgentOpsError,
    ConflictError,
    ExpiredError,
    IntegrityError,
    InvalidInputError,
    NewerSchemaError,
    NotFoundError,
)
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import GENESIS, Draft, seal
from agentops_mcp.factors.resume.rules import mission_fold as kinds
from agentops_mcp.factors.resume.service.missions import Missions
from agentops_mcp.factors.resume.store import missions as store
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, NOON, FakeClock, LedgerFactory, git
from missions_in_use import CALLS, EVIDENCE, FEATURES, OLD, ONE, OTHER, TWO, kinds_in, missions_of, move, opened, prove
from notes import note


@pytest.fixture
def ledger(open_ledger: LedgerFactory) -> Ledger:
    return open_ledger(store.VIEW)


@pytest.fixture
def missions(ledger: Ledger, repository: Path, clock: FakeClock) -> Missions:
    return missions_of(ledger, repository, clock)


# What a mission goes through


def test_an_opened_mission_is_held_by_its_session(missions: Missions, ledger: Ledger) -> None:
    standing = missions.open(" Retries stop after 3 attempts ", FEATURES, session=ONE, actor=AGENT)
    mission, lease = standing.mission, standing.lease
    assert (mission.goal, mission.state, mission.opened_by) == ("Retries stop after 3 attempts", "prep", AGENT.client)
    assert [(each.id, each.description, each.steps) for each in mission.features] == [
        ("f1", "A failed call is tried 3 times", ("Stop the server", "Call it")),
        ("f2", "Each host has a retry budget", ()),
    ]
    assert lease is not None
    assert (lease.session, lease.client, lease.until[:16]) == (ONE, AGENT.client, "2026-11-22T12:30")
    assert missions.read(mission.id) == standing
    assert missions.held_by(ONE) == [mission.id]


def test_a_mission_goes_from_its_opening_to_its_end(missions: Missions, repository: Path, ledger: Ledger) -> None:
    mission = opened(missions)
    move(missions, mission, "queued", "launching", "active")
    assert missions.start_feature(mission, "f1", session=ONE, actor=AGENT).mission.features[0].in_progress_by == ONE
    with pytest.raises(InvalidInputError, match="premature victory: 2 of 2"):
        move(missions, mission, "complete", reason="completion")
    prove(missions, mission, "f1")
    standing = prove(missions, mission, "f2")
    assert [(each.passes, each.evidence, each.in_progress_by) for each in standing.mission.features] == [
        (True, EVIDENCE, None),
        (True, EVIDENCE, None),
    ]
    done = move(missions, mission, "complete", reason="completion")
    assert (done.mission.state, done.lease) == ("complete", None)
    assert [each.to_state for each in done.mission.history] == ["queued", "launching", "active", "complete"]
    (evidence, *_) = [event for event in ledger.events() if event.kind == kinds.FEATURE_SET]
    head = git(repository, "rev-parse", "HEAD")
    assert evidence.body["git"] == {"branch": "main", "head": head, "dirty": False, "operation": None}
    assert missions.open_ones() == []
    assert missions.held_by(ONE) == []


def test_a_feature_that_passed_can_fail_again_with_evidence(missions: Missions) -> None:
    mission = opened(missions)
    prove(missions, mission, "f1")
    assert prove(missions, mission, "f1", passes=False).mission.features[0].passes is False


def test_features_are_added_and_put_down(missions: Missions) -> None:
    mission = opened(missions)
    added = missions.add_features(mission, ["Logs name the host"], session=ONE, actor=AGENT)
    assert [each.id for each in added.mission.features] == ["f1", "f2", "f3"]
    missions.start_feature(mission, "f3", session=ONE, actor=AGENT)
    stopped = missions.stop_feature(mission, "f3", session=ONE, actor=AGENT)
    assert stopped.mission.features == added.mission.features
    missions.start_feature(mission, "f1", session=ONE, actor=AGENT)


def test_a_session_has_one_feature_in_progress_in_all_its_missions(missions: Missions) -> None:
    mission, other = opened(missions), opened(missions)
    missions.start_feature(mission, "f1", session=ONE, actor=AGENT)
    for where in (mission, other):
        with pytest.raises(InvalidInputError, match=f"f1 of mission {mission} in progress.*stop_feature"):
            missions.start_feature(where, "f2", session=ONE, actor=AGENT)
    missions.release(mission, session=ONE, actor=AGENT)
    missions.start_feature(other, "f2", session=ONE, actor=AGENT)


def test_what_another_session_had_in_progress_can_be_started_once_its_lease_is_over(
    missions: Missions, clock: FakeClock
) -> None:
    mission = opened(missions)
    missions.start_feature(mission, "f1", session=ONE, actor=AGENT)
    with pytest.raises(ConflictError):
        missions.start_feature(mission, "f1", session=TWO, actor=OTHER)
    clock.advance(timedelta(minutes=30))
    assert missions.start_feature(mission, "f1", session=TWO, actor=OTHER).mission.features[0].in_progress_by == TWO


def test_open_missions_are_listed_newest_first_with_what_lasts_too_long(missions: Missions, clock: FakeClock) -> None:
    first, second, third = opened(missions), opened(missions), opened(missions)
    move(missions, second, "queued", "held_approval", reason="approval_needed")
    move(missions, first, "aborted")
    clock.advance(timedelta(minutes=31))
    listed = missions.open_ones()
    assert [each.mission.id for each in listed] == [third, second]
    assert [each.notes for each in listed] == [
        (),
        ("held_approval for 31 min, where 30 min is the limit: ask the person again or move it on.",),
    ]
    assert [each.id for each in missions.awaiting_approval()] == [second]
    assert [each.mission.id for each in missions.open_ones(1)] == [third]


def test_a_secret_is_replaced_and_the_reply_says_so(missions: Missions) -> None:
    secret = "AKIA" + "Z7Q4M2X9L1P8K3W6"
    standing = missions.open(f"Rotate the leaked key {secret}", [f"{secret} is gone"], session=ONE, actor=AGENT)
    assert standing.notes == ("replaced a secret by a marker: aws-key-id",)
    assert secret not in str(standing.mission)
    assert prove(missions, standing.mission.id, "f1").mission.features[0].passes


# What is refused


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("session", "error"),
    [(OLD, ExpiredError), (new_id(), NotFoundError), ("", NotFoundError)],
    ids=["expired", "unknown", "none"],
)
def test_a_session_that_does_not_live_changes_nothing(
    missions: Missions, ledger: Ledger, call: str, session: str, error: type[AgentOpsError]
) -> None:
    mission = opened(missions)
    with pytest.raises(error, match="Start one"):
        CALLS[call](missions, mission, session)
    with pytest.raises(error, match="Start one"):
        opened(missions, session=session)
    assert kinds_in(ledger) == ["opened", "claimed"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "unknown", [ONE, "", "nonsense", "' OR 1=1 --", "x" * 10_000], ids=["id", "empty", "word", "SQL", "long"]
)
def test_an_unknown_mission_is_refused_with_what_lists_them(missions: Missions, call: str, unknown: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        CALLS[call](missions, unknown, ONE)
    assert str(caught.value) == (
        f'No mission {unknown[:60]!r} in this project. track_mission op="list" names the open ones.'
    )


def test_a_record_of_another_kind_is_not_a_mission(missions: Missions, ledger: Ledger) -> None:
    (other,) = ledger.append([note("x")], actor=AGENT)
    with pytest.raises(NotFoundError) as caught:
        missions.read(other.event.id)
    assert str(caught.value) == f'{other.event.id!r} is not a mission. track_mission op="list" names the open ones.'


def merged(ledger: Ledger, body: dict[str, Any]) -> str:
    """An opening that was made elsewhere."""
    identifier = new_id()
    draft = Draft(f"mission/{identifier}", kinds.OPENED, body)
    at = NOON.isoformat()
    ledger.merge([seal(draft, event_id=identifier, origin=new_id(), n=1, at=at, actor=AGENT, prev=GENESIS)])
    return identifier


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (
            {"format": 2, "aim": "x"},
            NewerSchemaError,
            "was written by a newer version of agentops-mcp. Update agentops",
        ),
        (
            {"format": 1, "goal": 7},
            IntegrityError,
            "is not a readable mission. `agentops-mcp show` prints it as it is.",
        ),
        ({"format": "1"}, IntegrityError, "is not a readable mission."),
        ({}, IntegrityError, "is not a readable mission."),
    ],
    ids=["newer", "no goal", "no number", "empty"],
)
def test_a_mission_that_cannot_be_read_is_left_alone_and_the_others_go_on(
    missions: Missions, ledger: Ledger, body: dict[str, Any], error: type[AgentOpsError], says: str
) -> None:
    strange, fine = merged(ledger, body), opened(missions)
    with pytest.raises(error) as caught:
        move(missions, strange, "queued")
    assert says in str(caught.value)
    assert [each.mission.id for each in missions.open_ones()] == [fine]
    assert ledger.rebuild() == {"mission": 3}


def test_a_lease_that_cannot_be_read_holds_nothing(missions: Missions, ledger: Ledger) -> None:
    mission = opened(missions)
    missions.release(mission, session=ONE, actor=AGENT)
    lease = {"session": TWO, "client": "x", "until": (NOON + timedelta(days=1)).isoformat(), "took_over_from": None}
    for strange in (
        {},
        lease | {"until": "soon"},
        lease | {"until": 7},
        lease | {"session": 7},
        lease | {"client": None},
    ):
        ledger.append([Draft(store.lease_stream(mission), store.CLAIMED, strange, tracked=False)], actor=OTHER)
    assert missions.read(mission).lease is None
    assert missions.claim(mission, session=ONE, actor=AGENT).lease is not None


@pytest.mark.parametrize(
    ("goal", "features", "says"),
    [
        ("", [], "too generic to work towards"),
        ("Fix it", [], "too generic to work towards"),
        ("Retries stop", ["done"], "A feature must say what will work"),
        ("Retries stop", [f"Check {number}" for number in range(101)], "at most 100 features; this would make 101"),
    ],
    ids=["empty", "generic", "generic feature", "too many"],
)
def test_what_is_refused_writes_nothing(
    missions: Missions, ledger: Ledger, goal: str, features: list[str], says: str
) -> None:
    with pytest.raises(InvalidInputError, match=says):
        missions.open(goal, features, session=ONE, actor=AGENT)
    assert kinds_in(ledger) == []


def test_a_refused_change_writes_nothing(missions: Missions, ledger: Ledger) -> None:
    mission = opened(missions)
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: move(missions, mission, "complete"), "cannot move from prep to complete. From prep: queued, aborted."),
        (lambda: move(missions, mission, "queued", reason=""), "A move needs a reason; '' is none. Use user_request"),
        (
            lambda: missions.move(mission, "queued", "scheduler", "x" * 1001, session=ONE, actor=AGENT),
            "The text of details has 1001 characters; at most 1000",
        ),
        (lambda: missions.add_features(mission, [], session=ONE, actor=AGENT), "There are no features to add."),
        (lambda: missions.start_feature(mission, "f3", session=ONE, actor=AGENT), "No feature 'f3' here."),
        (lambda: missions.stop_feature(mission, "", session=ONE, actor=AGENT), "No feature '' here."),
        (
            lambda: missions.set_feature(mission, "f1", passes=True, evidence="ok", session=ONE, actor=AGENT),
            "needs evidence; 'ok' is none.",
        ),
    ]
    for call, says in refused:
        with pytest.raises(AgentOpsError) as caught:
            call()
        assert says in str(caught.value)
    assert kinds_in(ledger) == ["opened", "claimed"]


@pytest.mark.parametrize("call", [name for name in CALLS if name != "release"])
def test_a_closed_mission_cannot_be_changed_or_held(missions: Missions, call: str) -> None:
    mission = opened(missions)
    move(missions, mission, "aborted")
    missions.release(mission, session=ONE, actor=AGENT)
    with pytest.raises(InvalidInputError, match="aborted is final"):
        CALLS[call](missions, mission, ONE)
