"""Call records and decisions are the same in every process, after a rebuild, and in two clones that merged."""

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.guardrails.rules.budgets import Amounts
from agentops_mcp.factors.guardrails.store import calls
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.sqlite import SqliteDatabase
from conftest import AGENT, NOON, FakeClock, LedgerFactory
from guarded import PERSON, VIEWS, Guarded

ROW: Mapping[str, Any] = {
    "at": NOON.isoformat(), "session": "c", "client": "claude-code", "tool": "Bash",
    "arguments": {"command": "npm test"}, "ok": False, "error": "x\nError: 3 tests failed\n  at line 9",
}  # fmt: skip
WHY = "agreed in the review"


@pytest.fixture
def guarded(open_ledger: LedgerFactory, clock: FakeClock) -> Guarded:
    return Guarded(open_ledger(*VIEWS), clock)


@pytest.fixture
def clone(tmp_path: Path, clock: FakeClock) -> Generator[Guarded]:
    """The same project on another machine."""
    database = SqliteDatabase(tmp_path / "clone" / "agentops.db")
    ledger = Ledger(database, place="clone", views=VIEWS, clock=clock, new_id=new_id)
    ledger.open()
    yield Guarded(ledger, clock)
    database.close()


def learn(guarded: Guarded, command: str = "rm -rf data/cache") -> str:
    guarded.keep(guarded.check(command), "regretted", actor=AGENT, note="Orders were lost.", session="s")
    return guarded.review.listed()[0].row.learned.name


def sync(one: Guarded, other: Guarded) -> None:
    mine = [event for event in one.ledger.events() if event.tracked]
    theirs = [event for event in other.ledger.events() if event.tracked]
    one.ledger.merge(theirs)
    other.ledger.merge(mine)


def tracked_rows(guarded: Guarded) -> dict[str, list[tuple[object, ...]]]:
    return {
        table: rows for table, rows in guarded.rows().items() if table.startswith(("incident", "learned", "exemption"))
    }


def shown(guarded: Guarded) -> list[tuple[str, bool, str]]:
    with guarded.ledger.read() as tx:
        return [(call.shown, call.ok, call.error) for call in calls.of_session(tx, "c", limit=10)]


def test_reports_of_a_hook_are_kept_as_calls(guarded: Guarded) -> None:
    assert guarded.runtime.record_calls([ROW], actor=AGENT).kept == 1
    assert shown(guarded) == [("npm test", False, "Error: 3 tests failed")]


def test_a_report_that_comes_again_is_kept_once(guarded: Guarded) -> None:
    guarded.runtime.record_calls([ROW, {**ROW, "ok": True}, ROW], actor=AGENT)
    again = guarded.runtime.record_calls([ROW], actor=AGENT)
    assert (again.kept, again.known, len(shown(guarded))) == (0, 1, 2)


def test_processes_that_read_one_spool_keep_each_report_once(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    rows = [{**ROW, "arguments": {"command": f"make a{n}x"}} for n in range(5)]
    processes = [Guarded(open_ledger(*VIEWS), clock) for _ in range(4)]
    with ThreadPoolExecutor(len(processes)) as pool:
        for begun in [pool.submit(each.runtime.record_calls, rows, actor=AGENT) for each in processes]:
            begun.result()
    assert len(shown(processes[0])) == len(rows)


@pytest.mark.parametrize(
    "change",
    [
        {"tool": ""}, {"tool": 3}, {"ok": "yes"}, {"error": 5}, {"session": ["x"]}, {"at": "soon"}, {"at": None},
        {"at": "2020-01-01T00:00:00Z"}, {"tool": "a\nb"}, {"tool": "x" * 999},
    ],
)  # fmt: skip
def test_a_report_that_can_not_be_read_is_counted_and_left(guarded: Guarded, change: dict[str, object]) -> None:
    spool = guarded.runtime.record_calls([{**ROW, **change}, ROW], actor=AGENT)
    assert (spool.kept, spool.unreadable) == (1, 1)


def test_a_report_from_the_future_is_of_now(guarded: Guarded) -> None:
    guarded.runtime.record_calls([{**ROW, "at": "2099-01-01T00:00:00+00:00"}], actor=AGENT)
    with guarded.ledger.read() as tx:
        assert [call.at for call in calls.of_session(tx, "c", limit=1)] == [NOON]


def test_odd_text_in_a_report_is_kept_readable(guarded: Guarded) -> None:
    odd = {**ROW, "arguments": {"command": "echo \0 \ud800 \u202e"}, "error": "\0 failed \ud800"}
    assert guarded.runtime.record_calls([odd], actor=AGENT).kept == 1
    ((command, _, error),) = shown(guarded)
    assert "\0" not in command + error


def test_no_secret_reaches_a_call_record(guarded: Guarded) -> None:
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    row = {**ROW, "arguments": {"command": f"curl -H 'token {token}' x"}, "error": f"error: bad token {token}"}
    guarded.runtime.record_calls([row], actor=AGENT)
    assert token not in str(guarded.rows()) + str([event.body for event in guarded.ledger.events()])


def test_call_records_stay_here_and_decisions_are_shared(guarded: Guarded) -> None:
    guarded.call("make", ok=True)
    guarded.check("ls")
    guarded.check("rm a", decision="ask", fired=("files.delete",))
    guarded.runtime.charge(Amounts(tokens=1), session="s", actor=AGENT)
    tracked = {(event.kind, event.body.get("decision")): event.tracked for event in guarded.ledger.events()}
    assert tracked == {
        ("guard.called", None): False, ("guard.checked", "allow"): False, ("guard.checked", "ask"): True,
        ("budget.charged", None): False,
    }  # fmt: skip


def test_only_the_newest_calls_are_kept_at_hand(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "KEPT", 3)
    for n in range(6):
        guarded.call(f"make step{n}x", ok=True)
    assert [row[5] for row in guarded.rows()["guard_call"]] == ["make step3x", "make step4x", "make step5x"]


def test_a_rebuild_gives_the_same_rows(guarded: Guarded, clock: FakeClock) -> None:
    name = learn(guarded)
    guarded.review.enable(name, reason=WHY, actor=PERSON)
    guarded.check("rm a", decision="ask", fired=("files.delete",))
    incident = guarded.incidents.listed()[0].id
    guarded.incidents.fix(incident, "Restore the backup", session=None, actor=AGENT)
    guarded.exemptions.revoke(guarded.exemptions.grant("files.delete", "*", WHY, actor=PERSON).id, actor=PERSON)
    for n in range(5):
        guarded.record("fetch", {"url": "https://a.example"}, ok=False, session=str(n), actor=AGENT)
    clock.advance(timedelta(seconds=61))
    guarded.runtime.before("fetch", {"url": "https://a.example"}, session="s", actor=AGENT)
    guarded.runtime.charge(Amounts(tokens=5), session="s", actor=AGENT)
    guarded.runtime.charge(Amounts(tokens=3, cost_micros=1), session="s", actor=AGENT, total=True)
    before = guarded.rows()
    assert all(before.values())
    guarded.ledger.rebuild()
    assert guarded.rows() == before


def test_two_clones_that_learned_apart_agree_after_a_sync(guarded: Guarded, clone: Guarded) -> None:
    name = learn(guarded)
    assert learn(clone) == name
    learn(clone, "rm data/orders.db")
    guarded.exemptions.grant("files.delete", "*", WHY, actor=PERSON)
    guarded.review.enable(name, reason=WHY, actor=PERSON)
    sync(guarded, clone)
    assert tracked_rows(guarded) == tracked_rows(clone)
    assert guarded.review.listed()[0].row == clone.review.listed()[0].row
    assert clone.review.listed()[0].row.state == "enabled"
    assert [each.exemption for each in guarded.exemptions.listed()] == [
        each.exemption for each in clone.exemptions.listed()
    ]


def test_where_two_clones_decided_apart_the_refusal_stands(guarded: Guarded, clone: Guarded) -> None:
    name = learn(guarded)
    sync(guarded, clone)
    clone.review.dismiss(name, reason=WHY, actor=PERSON)
    guarded.review.enable(name, reason=WHY, actor=PERSON)
    sync(guarded, clone)
    assert [each.review.listed()[0].row.state for each in (guarded, clone)] == ["dismissed", "dismissed"]


def test_a_later_decision_on_the_merged_state_stands(guarded: Guarded, clone: Guarded) -> None:
    name = learn(guarded)
    sync(guarded, clone)
    clone.review.dismiss(name, reason=WHY, actor=PERSON)
    sync(guarded, clone)
    guarded.review.enable(name, reason=WHY, actor=PERSON)
    sync(guarded, clone)
    assert clone.review.listed()[0].row.state == "enabled"


def test_a_revocation_that_arrives_before_its_exemption_stands(guarded: Guarded, clone: Guarded) -> None:
    granted = guarded.exemptions.grant("files.delete", "*", WHY, actor=PERSON)
    sync(guarded, clone)
    clone.exemptions.revoke(granted.id, actor=PERSON)
    third_view = [event for event in clone.ledger.events() if event.kind == "exemption.revoked"]
    assert guarded.exemptions.live() != []
    guarded.ledger.merge(third_view)
    assert guarded.exemptions.live() == []


def test_an_incident_of_another_clone_is_recognised_here(guarded: Guarded, clone: Guarded) -> None:
    learn(clone)
    sync(guarded, clone)
    assert len(guarded.incidents.similar("Bash", {"command": "rm -rf data/cache"}, ())) == 1
