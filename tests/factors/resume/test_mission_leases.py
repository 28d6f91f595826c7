"""Who holds a mission, what becomes of calls made at once, and of clones that moved it apart."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.core.errors import ConflictError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Event
from agentops_mcp.factors.resume.rules import mission_fold as kinds
from agentops_mcp.factors.resume.rules.missions import Mission
from agentops_mcp.factors.resume.service.missions import Missions
from agentops_mcp.factors.resume.store import missions as store
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.sqlite import SqliteDatabase
from conftest import AGENT, FakeClock, LedgerFactory
from missions_in_use import CALLS, ONE, OTHER, TWO, kinds_in, missions_of, move, opened, prove, rows

CHANGES = [name for name in CALLS if name != "take_over"]

MissionsFactory = Callable[..., Missions]


@pytest.fixture
def open_missions(open_ledger: LedgerFactory, repository: Path, clock: FakeClock) -> MissionsFactory:
    """Opens the missions of the one database of this test, as separate processes would."""

    def open_one(fresh_id: Callable[[], str] = new_id) -> Missions:
        return missions_of(open_ledger(store.VIEW), repository, clock, fresh_id)

    return open_one


@pytest.fixture
def ledger(open_ledger: LedgerFactory) -> Ledger:
    return open_ledger(store.VIEW)


@pytest.fixture
def missions(open_missions: MissionsFactory) -> Missions:
    return open_missions()


# Who holds it


@pytest.mark.parametrize("call", CHANGES)
def test_only_the_holder_changes_a_mission_while_its_lease_lives(missions: Missions, ledger: Ledger, call: str) -> None:
    mission = opened(missions)
    with pytest.raises(ConflictError) as caught:
        CALLS[call](missions, mission, TWO)
    assert str(caught.value) == (
        f"Mission {mission} is held by test-client 1.0 (session {ONE}) until 2026-11-22T12:30 UTC; its state is now "
        'prep, 0 of 2 features pass. Wait until then, or track_mission op="take_over" if that session is gone.'
    )
    assert kinds_in(ledger) == ["opened", "claimed"]


@pytest.mark.parametrize("call", [name for name in CHANGES if name != "release"])
def test_a_change_claims_a_mission_that_nobody_holds_and_says_who_had_it(
    missions: Missions, clock: FakeClock, call: str
) -> None:
    mission = opened(missions)
    clock.advance(timedelta(minutes=30))
    assert missions.read(mission).lease is None
    CALLS[call](missions, mission, TWO)
    lease = missions.read(mission).lease
    assert lease is not None
    assert (lease.session, lease.took_over_from) == (TWO, f"test-client 1.0 (session {ONE})")


def test_taking_over_says_from_whom(missions: Missions, ledger: Ledger) -> None:
    mission = opened(missions)
    lease = missions.take_over(mission, session=TWO, actor=OTHER).lease
    assert lease is not None
    assert (lease.session, lease.client) == (TWO, OTHER.client)
    assert lease.took_over_from == f"test-client 1.0 (session {ONE})"
    assert list(ledger.events())[-1].body["took_over_from"] == lease.took_over_from
    assert (missions.held_by(ONE), missions.held_by(TWO)) == ([], [mission])
    with pytest.raises(ConflictError, match=r"held by other-client 2\.0"):
        move(missions, mission, "queued")


def test_a_mission_that_was_given_back_was_taken_from_nobody(missions: Missions, ledger: Ledger) -> None:
    mission = opened(missions)
    assert missions.release(mission, session=ONE, actor=AGENT).lease is None
    assert missions.release(mission, session=TWO, actor=OTHER).lease is None
    assert kinds_in(ledger) == ["opened", "claimed", "released"]
    lease = missions.claim(mission, session=TWO, actor=OTHER).lease
    assert lease is not None
    assert lease.took_over_from is None


def test_the_holder_renews_only_when_less_than_twenty_minutes_are_left(
    missions: Missions, ledger: Ledger, clock: FakeClock
) -> None:
    mission = opened(missions)
    clock.advance(timedelta(minutes=10))
    move(missions, mission, "queued")
    missions.renew(mission, session=ONE, actor=AGENT)
    assert kinds_in(ledger) == ["opened", "claimed", "moved"]
    clock.advance(timedelta(seconds=1))
    move(missions, mission, "launching")
    assert kinds_in(ledger)[3:] == ["moved", "claimed"]
    clock.advance(timedelta(minutes=15))
    missions.renew(mission, session=ONE, actor=AGENT)
    assert kinds_in(ledger)[5:] == ["claimed"]
    lease = missions.read(mission).lease
    assert lease is not None
    assert lease.until[:19] == "2026-11-22T12:55:01"


def test_a_renewal_by_who_does_not_hold_it_does_nothing(missions: Missions, ledger: Ledger, clock: FakeClock) -> None:
    mission = opened(missions)
    clock.advance(timedelta(minutes=20))
    missions.renew(mission, session=TWO, actor=OTHER)
    missions.renew(new_id(), session=ONE, actor=AGENT)
    clock.advance(timedelta(minutes=10))
    missions.renew(mission, session=ONE, actor=AGENT)
    assert kinds_in(ledger) == ["opened", "claimed"]


def test_leases_stay_in_this_database(missions: Missions, ledger: Ledger) -> None:
    opened(missions)
    assert [event.kind for _, event in ledger.tracked_after(0, limit=10)] == [kinds.OPENED]


# Several at once


def meeting() -> Callable[[], str]:
    """A source of ids where two wait for each other: both have read by then, and neither has written."""
    barrier = threading.Barrier(2, timeout=30)

    def fresh_id() -> str:
        barrier.wait()
        return new_id()

    return fresh_id


def race(calls: Sequence[Callable[[], object]]) -> list[str]:
    """What became of calls made at once: "won", or the error's text."""
    outcomes: list[str] = []

    def run(call: Callable[[], object]) -> None:
        try:
            call()
            outcomes.append("won")
        except ConflictError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes, key=lambda outcome: outcome == "won")


@pytest.mark.parametrize("attempt", range(20))
def test_of_two_transitions_at_once_exactly_one_wins(
    missions: Missions, open_missions: MissionsFactory, attempt: int
) -> None:
    mission, fresh_id = opened(missions), meeting()
    move(missions, mission, "queued")
    one, other = open_missions(fresh_id), open_missions(fresh_id)
    lost, won = race(
        [
            lambda: one.move(mission, "launching", "scheduler", "", session=ONE, actor=AGENT),
            lambda: other.move(mission, "held_quota", "rate_limit", "", session=ONE, actor=AGENT),
        ]
    )
    now = missions.read(mission).mission
    assert won == "won"
    assert lost == (
        f"Mission {mission} changed while this call was under way; its state is now {now.state}, 0 of 2 features pass. "
        'Decide again on what track_mission op="show" says.'
    )
    assert [each.to_state for each in now.history] == ["queued", now.state]


@pytest.mark.parametrize("attempt", range(5))
@pytest.mark.parametrize("call", ["claim", "move", "take_over"])
def test_of_two_sessions_that_claim_at_once_exactly_one_wins(
    missions: Missions, open_missions: MissionsFactory, call: str, attempt: int
) -> None:
    mission, fresh_id = opened(missions), meeting()
    missions.release(mission, session=ONE, actor=AGENT)
    one, other = open_missions(fresh_id), open_missions(fresh_id)
    lost, won = race([lambda: CALLS[call](one, mission, ONE), lambda: CALLS[call](other, mission, TWO)])
    standing = missions.read(mission)
    assert won == "won"
    assert standing.lease is not None
    assert lost.startswith(
        f"Mission {mission} is held by {standing.lease.holder} until 2026-11-22T12:30 UTC; its state"
    )
    assert f"its state is now {standing.mission.state}" in lost


def interrupted_by(interruption: Callable[[], object]) -> Callable[[], str]:
    """A source of ids that lets something else happen first, between reading and writing."""
    pending = iter([interruption])

    def fresh_id() -> str:
        for interrupt in pending:
            interrupt()
        return new_id()

    return fresh_id


def test_a_renewal_does_not_make_the_holders_own_transition_fail(
    missions: Missions, open_missions: MissionsFactory, ledger: Ledger, clock: FakeClock
) -> None:
    mission = opened(missions)
    clock.advance(timedelta(minutes=15))
    busy = open_missions(interrupted_by(lambda: missions.renew(mission, session=ONE, actor=AGENT)))
    assert move(busy, mission, "queued").mission.state == "queued"
    assert kinds_in(ledger) == ["opened", "claimed", "claimed", "moved"]


def test_a_renewal_that_comes_too_late_does_nothing(
    missions: Missions, open_missions: MissionsFactory, clock: FakeClock
) -> None:
    mission = opened(missions)
    clock.advance(timedelta(minutes=15))
    late = open_missions(interrupted_by(lambda: missions.take_over(mission, session=TWO, actor=OTHER)))
    late.renew(mission, session=ONE, actor=AGENT)
    assert missions.held_by(TWO) == [mission]


def test_a_holder_that_shows_life_is_not_taken_over_at_that_instant(
    missions: Missions, open_missions: MissionsFactory
) -> None:
    mission = opened(missions)
    hasty = open_missions(interrupted_by(lambda: missions.claim(mission, session=ONE, actor=AGENT)))
    with pytest.raises(ConflictError, match=f"held by test-client .*{ONE}"):
        hasty.take_over(mission, session=TWO, actor=OTHER)


# The view, and clones


def test_a_rebuild_gives_the_same_rows(missions: Missions, ledger: Ledger) -> None:
    mission, other = opened(missions), opened(missions)
    move(missions, mission, "queued", "launching", "active")
    prove(missions, mission, "f1")
    missions.take_over(other, session=TWO, actor=OTHER)
    missions.release(mission, session=ONE, actor=AGENT)
    before, read = rows(ledger), [missions.read(mission), missions.read(other)]
    assert ledger.rebuild() == {"mission": 10}
    assert rows(ledger) == before
    assert [missions.read(mission), missions.read(other)] == read


def test_a_clock_that_is_behind_does_not_undo_a_move(missions: Missions, open_missions: MissionsFactory) -> None:
    early: Iterator[str] = iter([new_id() for _ in range(8)])
    mission = opened(missions)
    move(missions, mission, "queued")
    behind = open_missions(lambda: next(early))
    assert move(behind, mission, "launching", "active").mission.state == "active"
    behind.release(mission, session=ONE, actor=AGENT)
    assert behind.claim(mission, session=TWO, actor=OTHER).lease is not None
    assert move(missions, mission, "failed", session=TWO).mission.state == "failed"


def clone(path: Path, clock: FakeClock, events: Sequence[Event]) -> Ledger:
    ledger = Ledger(SqliteDatabase(path), place=str(path), views=[store.VIEW], clock=clock, new_id=new_id)
    ledger.open()
    for event in events:  # one by one, so that they arrive in this very order
        ledger.merge([event])
    return ledger


def tracked(ledger: Ledger) -> list[Event]:
    return [event for event in ledger.events() if event.tracked]


def test_clones_that_diverged_agree_once_they_have_each_others_events(
    missions: Missions, ledger: Ledger, tmp_path: Path, repository: Path, clock: FakeClock
) -> None:
    mission = opened(missions)
    move(missions, mission, "queued")
    there = clone(tmp_path / "there.db", clock, tracked(ledger))
    theirs = missions_of(there, repository, clock)
    move(missions, mission, "launching")
    theirs.move(mission, "held_quota", "rate_limit", "429 from the API", session=TWO, actor=OTHER)
    theirs.add_features(mission, ["Logs name the host", "Both thought of this"], session=TWO, actor=OTHER)
    missions.add_features(mission, ["Both thought of this"], session=ONE, actor=AGENT)
    prove(theirs, mission, "f3", session=TWO)
    made = [tracked(ledger), tracked(there)]
    orders = [[*made[0], *made[1]], [*made[1], *made[0]], [*reversed(made[0]), *reversed(made[1])]]
    ledgers = [clone(tmp_path / f"{number}.db", clock, order) for number, order in enumerate(orders)]
    ledger.merge(made[1])
    there.merge(made[0])
    agreed = missions.read(mission).mission
    assert (agreed.state, agreed.history[-1].to_state) == ("launching", "held_quota")
    assert agreed.history[-1].refused == "A mission cannot move from launching to held_quota."
    assert [(each.id, each.description, each.passes) for each in agreed.features[2:]] == [
        ("f3", "Logs name the host", True),
        ("f4", "Both thought of this", False),
    ]
    assert [read(each, mission) for each in (there, *ledgers)] == [agreed] * 4
    assert [rows(each)[0] for each in (there, *ledgers)] == [rows(ledger)[0]] * 4
    for each in (there, *ledgers):
        each.database.close()


def read(ledger: Ledger, mission: str) -> Mission | None:
    with ledger.read() as tx:
        found = store.find(tx, mission)
    return found.mission if found else None


def test_moves_that_arrive_before_their_mission_wait_for_it(
    missions: Missions, ledger: Ledger, tmp_path: Path, clock: FakeClock
) -> None:
    mission = opened(missions)
    move(missions, mission, "queued")
    opening, moved = tracked(ledger)
    elsewhere = clone(tmp_path / "elsewhere.db", clock, [moved])
    assert (read(elsewhere, mission), rows(elsewhere)[0]) == (None, [])
    elsewhere.merge([opening])
    assert rows(elsewhere)[0] == [(mission, "queued")]
    elsewhere.database.close()
