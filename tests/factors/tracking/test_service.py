"""Entries are recorded with what the server knows, and read back."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.tracking import store
from agentops_mcp.factors.tracking.rules import Entry, LearningPolicy
from agentops_mcp.factors.tracking.service import Entries
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.repository import discover
from agentops_mcp.storage.worktree import Worktree
from conftest import AGENT, FakeClock, LedgerFactory, git

ENTRY = Entry(
    "decision",
    "Keep the retry budget per host",
    "One slow host used up every attempt of the caller",
    "A token bucket for each host",
    "Retries multiply along a call chain",
    "5.0 to 1.1 calls for each request",
)


class Sessions:
    """Knows exactly one session."""

    def __init__(self, handle: str) -> None:
        self.handle = handle

    def require(self, handle: str) -> None:
        if handle != self.handle:
            raise NotFoundError("No such session.", remedy="Start one.")


SESSION = new_id()


def entries_of(ledger: Ledger, root: Path, *, learning: LearningPolicy = "warn") -> Entries:
    found = discover(root)
    worktree = Worktree(found, Git(found) if found else None, root=root)
    return Entries(ledger, worktree, Sessions(SESSION), learning=learning, new_id=new_id)


@pytest.fixture
def ledger(open_ledger: LedgerFactory) -> Ledger:
    return open_ledger(store.VIEW)


@pytest.fixture
def entries(ledger: Ledger, repository: Path) -> Entries:
    return entries_of(ledger, repository)


def test_an_entry_keeps_who_wrote_it_and_the_state_of_the_repository(entries: Entries, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    event = entries.record(replace(ENTRY, files=("app.py",), commits=("HEAD",)), actor=AGENT, session=SESSION).event
    assert event.actor == {"client": "test-client 1.0", "user": "tester", "via": "mcp"}
    assert event.session == SESSION
    assert event.stream == f"entry/{event.id}"
    assert event.body["git"] == {"branch": "main", "head": head, "dirty": False, "operation": None}
    assert event.body["files"] == [{"path": "app.py", "blob": git(repository, "hash-object", "app.py")}]
    assert event.body["commits"] == [head]
    assert entries.read(event.id) == event


def test_a_change_to_a_tracked_file_makes_the_next_entry_dirty(entries: Entries, repository: Path) -> None:
    assert entries.record(ENTRY, actor=AGENT).event.body["git"]["dirty"] is False
    (repository / "app.py").write_text("print('HELLO')\n", encoding="utf-8")
    assert entries.record(ENTRY, actor=AGENT).event.body["git"]["dirty"] is True
    git(repository, "checkout", "--quiet", "app.py")
    assert entries.record(ENTRY, actor=AGENT).event.body["git"]["dirty"] is False


def test_outside_git_an_entry_is_recorded_without_the_repository(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    event = entries_of(ledger, tmp_path).record(replace(ENTRY, files=("notes.txt",)), actor=AGENT).event
    assert event.body["git"] == {"branch": None, "head": None, "dirty": None, "operation": None}
    assert event.body["files"][0]["path"] == "notes.txt"


def test_a_missing_file_is_recorded_with_a_warning(entries: Entries) -> None:
    recorded = entries.record(replace(ENTRY, files=("gone.py", "app.py", "app.py")), actor=AGENT)
    assert recorded.warnings == ("file not found: gone.py",)
    assert [file["path"] for file in recorded.event.body["files"]] == ["gone.py", "app.py"]


@pytest.mark.parametrize(
    "entry",
    [
        replace(ENTRY, context=""),
        replace(ENTRY, action="fix bug"),
        replace(ENTRY, tags=("a,b",)),
        replace(ENTRY, files=("../outside",)),
        replace(ENTRY, commits=("no-such-branch",)),
        replace(ENTRY, commits=("--output=x",)),
    ],
)
def test_a_refused_entry_writes_nothing(entries: Entries, ledger: Ledger, entry: Entry) -> None:
    with pytest.raises(InvalidInputError):
        entries.record(entry, actor=AGENT)
    assert list(ledger.events()) == []


def test_an_unknown_session_is_refused_and_nothing_is_written(entries: Entries, ledger: Ledger) -> None:
    with pytest.raises(NotFoundError):
        entries.record(ENTRY, actor=AGENT, session=new_id())
    assert list(ledger.events()) == []


def test_the_policy_decides_on_a_missing_learning(ledger: Ledger, repository: Path) -> None:
    strict = entries_of(ledger, repository, learning="refuse")
    with pytest.raises(InvalidInputError, match="learning"):
        strict.record(replace(ENTRY, learning=""), actor=AGENT)


def test_a_near_duplicate_is_recorded_and_the_earlier_entry_is_pointed_to(entries: Entries) -> None:
    first = entries.record(ENTRY, actor=AGENT).event
    entries.record(replace(ENTRY, action="Move CI to containers", solution="x y", learning="Pin digests"), actor=AGENT)
    again = entries.record(replace(ENTRY, action="Keep a retry budget per host"), actor=AGENT)
    assert [warning for warning in again.warnings if first.id in warning]
    assert len(entries.recent()) == 3


def test_histories_list_the_newest_first(entries: Entries) -> None:
    one = entries.record(replace(ENTRY, tags=("CI",), files=("app.py",)), actor=AGENT).event
    two = entries.record(replace(ENTRY, tags=("ci", "db")), actor=AGENT).event
    assert [event.id for event in entries.history_of_tag("Ci")] == [two.id, one.id]
    assert [event.id for event in entries.history_of_tag("db")] == [two.id]
    assert [event.id for event in entries.history_of_file("app.py")] == [one.id]
    assert [event.id for event in entries.recent()] == [two.id, one.id]
    assert entries.complete_tag("c") == ["ci"]
    assert entries.complete_file("a") == ["app.py"]
    assert entries.complete_tag("%") == []


def test_a_record_of_another_kind_is_not_an_entry(entries: Entries, ledger: Ledger) -> None:
    from notes import note

    (other,) = ledger.append([note("x")], actor=AGENT)
    with pytest.raises(NotFoundError, match="is not an entry"):
        entries.read(other.event.id)


def test_an_entry_with_a_foreign_body_stays_in_the_ledger_and_out_of_the_view(
    ledger: Ledger, entries: Entries, clock: FakeClock
) -> None:
    from agentops_mcp.core.errors import IntegrityError
    from agentops_mcp.core.records import GENESIS, Draft, seal

    strange = seal(
        Draft("entry/x", store.RECORDED, {"unexpected": True}),
        event_id=new_id(), origin=new_id(), n=1, at=clock().isoformat(), actor=AGENT, prev=GENESIS,
    )  # fmt: skip
    assert ledger.merge([strange]) == 1
    assert entries.recent() == []
    with pytest.raises(IntegrityError):
        entries.read(strange.id)
    assert ledger.rebuild() == {"tracking": 1}


def test_a_secret_in_an_entry_is_replaced_and_the_reply_says_so(entries: Entries) -> None:
    secret = "AKIA" + "Z7Q4M2X9L1P8K3W6"
    recorded = entries.record(replace(ENTRY, context=f"The key {secret} had leaked into the build log"), actor=AGENT)
    assert any("replaced a secret" in warning for warning in recorded.warnings)
    assert secret not in str(recorded.event.body)
