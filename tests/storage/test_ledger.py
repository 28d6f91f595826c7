"""The ledger keeps what it acknowledged, in order, in one chain, with its views in step."""

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from agentops_mcp.core.errors import ConflictError, InvalidInputError, NewerSchemaError, NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import GENESIS, Draft, Event, digest, one_line, parse_event
from agentops_mcp.storage.database import Database
from agentops_mcp.storage.ledger import Ledger, View
from agentops_mcp.storage.migrations import Migration, MigrationSet
from agentops_mcp.storage.verify import verify_chains
from conftest import AGENT, DatabaseFactory, FakeClock, LedgerFactory
from notes import NOTES, note


def append(ledger: Ledger, *drafts: Draft, expected: Mapping[str, str | None] | None = None) -> list[Event]:
    return [written.event for written in ledger.append(drafts, actor=AGENT, expected=expected)]


def rows(database: Database, sql: str) -> list[tuple[object, ...]]:
    with database.read() as tx:
        return tx.execute(sql)


def test_an_appended_event_is_read_back_whole(open_ledger: LedgerFactory) -> None:
    (written,) = append(open_ledger(NOTES), note("é — 漢字 🙂"))
    assert open_ledger(NOTES).event(written.id) == written
    assert written.body == {"text": "é — 漢字 🙂"}
    assert (written.n, written.prev, written.hash) == (1, GENESIS, digest(written))


def test_tracked_and_local_events_form_two_chains(open_ledger: LedgerFactory) -> None:
    ledger = open_ledger(NOTES)
    one, two, three = append(ledger, note("1"), note("2", tracked=False), note("3"))
    assert [one.n, two.n, three.n] == [1, 1, 2]
    assert (two.prev, three.prev) == (GENESIS, one.hash)
    assert [event.id for _, event in ledger.tracked_after(0, limit=10)] == [one.id, three.id]
    assert ledger.last_tracked() == 3


def test_a_view_is_written_in_the_same_transaction(open_ledger: LedgerFactory, database: Database) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the view cannot be written")

    broken = View(NOTES.schema, NOTES.tables, NOTES.kinds, fail)
    with pytest.raises(RuntimeError):
        append(open_ledger(broken), note("lost"))
    assert rows(database, "SELECT * FROM event") == []
    assert rows(database, "SELECT * FROM chain") == []


def test_an_append_is_refused_when_its_stream_has_moved(open_ledger: LedgerFactory) -> None:
    ledger = open_ledger(NOTES)
    (first,) = append(ledger, note("1", stream="s"), expected={"s": None})
    with pytest.raises(ConflictError):
        append(ledger, note("2", stream="s"), expected={"s": None})
    append(ledger, note("2", stream="s"), expected={"s": first.id})
    assert [event.body["text"] for event in ledger.events()] == ["1", "2"]


def test_of_two_racing_appends_on_what_was_read_exactly_one_wins(open_ledger: LedgerFactory) -> None:
    ledgers = [open_ledger(NOTES) for _ in range(8)]
    barrier, outcomes = threading.Barrier(8), list[str]()

    def race(ledger: Ledger) -> None:
        barrier.wait()
        try:
            append(ledger, note("won", stream="s"), expected={"s": None})
            outcomes.append("won")
        except ConflictError:
            outcomes.append("lost")

    threads = [threading.Thread(target=race, args=[ledger]) for ledger in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]


def test_concurrent_appends_form_one_unbroken_chain(open_ledger: LedgerFactory) -> None:
    ledgers = [open_ledger(NOTES) for _ in range(4)]

    def write(ledger: Ledger) -> None:
        for number in range(25):
            append(ledger, note(str(number)))

    threads = [threading.Thread(target=write, args=[ledger]) for ledger in ledgers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (chain,) = verify_chains(ledgers[0].database)
    assert (chain.events, chain.problems) == (100, ())


def test_rebuilding_reproduces_the_views(open_ledger: LedgerFactory, database: Database) -> None:
    ledger = open_ledger(NOTES)
    for number in range(1203):  # more than one batch
        append(ledger, note(str(number)))
    before = rows(database, "SELECT * FROM note ORDER BY seq")
    with database.write() as tx:
        tx.execute("DELETE FROM note WHERE seq > 600")
    assert ledger.rebuild() == {"notes": 1203}
    assert rows(database, "SELECT * FROM note ORDER BY seq") == before
    assert len(before) == 1203


def test_events_of_a_kind_no_view_knows_are_kept_for_a_later_version(
    open_ledger: LedgerFactory, database: Database
) -> None:
    append(open_ledger(), note("early"))
    open_ledger(NOTES)
    assert rows(database, "SELECT text FROM note") == [("early",)]


def test_merging_adds_what_is_new_and_nothing_twice(
    open_ledger: LedgerFactory, tmp_path: Path, clock: FakeClock
) -> None:
    here = open_ledger(NOTES)
    append(here, note("mine"))
    from agentops_mcp.storage.sqlite import SqliteDatabase

    there = Ledger(SqliteDatabase(tmp_path / "b.db"), place="there", views=[NOTES], clock=clock, new_id=new_id)
    there.open()
    theirs = append(there, note("a"), note("b"), note("c"))
    arriving = [parse_event(one_line(event)) for event in reversed(theirs)]
    assert here.count_new(arriving) == 3
    assert here.merge(arriving) == 3
    assert here.merge(arriving) == 0
    assert [event.body["text"] for event in here.events()] == ["mine", "a", "b", "c"]
    assert [chain.problems for chain in verify_chains(here.database)] == [(), ()]
    append(here, note("mine again"))
    assert [chain.problems for chain in verify_chains(here.database)] == [(), ()]
    there.database.close()


def test_a_copied_database_continues_under_an_origin_of_its_own(open_ledger: LedgerFactory) -> None:
    original, copy = open_ledger(NOTES, place="here"), open_ledger(NOTES, place="elsewhere")
    assert original.identity != copy.identity
    assert open_ledger(NOTES, place="here").identity == original.identity


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ('UPDATE event SET body = \'{"text":"forged"}\' WHERE n = 2', "was changed"),
        ("UPDATE event SET body = 'not json' WHERE n = 2", "damaged"),
        ("DELETE FROM event WHERE n = 2", "events 2 to 2 are missing"),
        ("DELETE FROM event WHERE n = 3", "the end is missing"),
        ("DELETE FROM event", "the end is missing"),
        ("UPDATE event SET n = 2 WHERE n = 3", "stands twice"),
        ("UPDATE chain SET hash = 'x'", "the end is missing or changed"),
        ("DELETE FROM chain", "the end is missing or changed"),
    ],
)
def test_loss_and_tampering_show(open_ledger: LedgerFactory, database: Database, damage: str, finding: str) -> None:
    append(open_ledger(NOTES), note("1"), note("2"), note("3"))
    with database.write() as tx:
        tx.execute(damage)
    (chain,) = verify_chains(database)
    assert any(finding in problem for problem in chain.problems), chain.problems


def test_a_rewritten_event_with_a_matching_hash_breaks_its_successor(
    open_ledger: LedgerFactory, database: Database
) -> None:
    from dataclasses import replace

    _, second, _ = append(open_ledger(NOTES), note("1"), note("2"), note("3"))
    forged = replace(second, body={"text": "forged"})
    with database.write() as tx:
        tx.execute('UPDATE event SET body = \'{"text":"forged"}\', hash = ? WHERE n = 2', [digest(forged)])
    (chain,) = verify_chains(database)
    assert "does not follow" in chain.problems[0]


def test_an_unknown_id_says_where_ids_come_from(open_ledger: LedgerFactory) -> None:
    with pytest.raises(NotFoundError, match="no record"):
        open_ledger(NOTES).event(new_id())


def test_half_a_surrogate_pair_is_refused_and_nothing_is_written(
    open_ledger: LedgerFactory, database: Database
) -> None:
    with pytest.raises(InvalidInputError):
        append(open_ledger(NOTES), note("ok"), note("\ud800"))
    assert rows(database, "SELECT * FROM event") == []


def test_a_database_from_a_newer_version_is_refused(open_ledger: LedgerFactory, database: Database) -> None:
    open_ledger(NOTES)
    with database.write() as tx:
        tx.execute("INSERT INTO migration (owner, position, name, version, at) VALUES ('notes', 2, 'next', '9.0', 'x')")
    with pytest.raises(NewerSchemaError, match="newer version"):
        open_ledger(NOTES)


def test_an_older_database_is_migrated_after_a_copy_is_set_aside(
    open_ledger: LedgerFactory, open_database: DatabaseFactory, clock: FakeClock, tmp_path: Path
) -> None:
    append(open_ledger(NOTES), note("old"))
    shout = Migration("shout", ("ALTER TABLE note ADD COLUMN loud TEXT",))
    newer = View(MigrationSet("notes", (*NOTES.schema.migrations, shout)), NOTES.tables, NOTES.kinds, NOTES.apply)
    database = open_database()
    ledger = Ledger(database, place="here", views=[newer], clock=clock, new_id=new_id)
    opened = ledger.open()
    assert opened.migrated == ("notes",)
    assert opened.copy is not None
    assert rows(database, "SELECT text, loud FROM note") == [("old", None)]
    assert ledger.open().migrated == ()
    if opened.copy.startswith(str(tmp_path)):
        from agentops_mcp.storage.sqlite import SqliteDatabase

        aside = SqliteDatabase(Path(opened.copy))
        assert rows(aside, "SELECT * FROM note") == [(1, "old")]
        aside.close()


def test_a_failed_migration_leaves_the_database_as_it_was(
    open_ledger: LedgerFactory, open_database: DatabaseFactory, clock: FakeClock
) -> None:
    from agentops_mcp.core.errors import StorageError

    append(open_ledger(NOTES), note("old"))
    steps = (Migration("good", ("ALTER TABLE note ADD COLUMN loud TEXT",)), Migration("bad", ("CREATE NONSENSE",)))
    newer = View(MigrationSet("notes", (*NOTES.schema.migrations, *steps)), NOTES.tables, NOTES.kinds, NOTES.apply)
    with pytest.raises(StorageError):
        Ledger(open_database(), place="here", views=[newer], clock=clock, new_id=new_id).open()
    assert [event.body["text"] for event in open_ledger(NOTES).events()] == ["old"]


def test_processes_that_create_the_database_together_agree(open_ledger: LedgerFactory) -> None:
    ledgers: list[Ledger] = []
    barrier = threading.Barrier(6)

    def open_together() -> None:
        barrier.wait()
        ledgers.append(open_ledger(NOTES))

    threads = [threading.Thread(target=open_together) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ledgers) == 6
    assert len({ledger.identity for ledger in ledgers}) == 1


def test_a_draft_may_bring_the_id_its_stream_is_named_after(open_ledger: LedgerFactory) -> None:
    identifier = new_id()
    (event,) = append(open_ledger(NOTES), Draft(f"note/{identifier}", "note.taken", {"text": "x"}, id=identifier))
    assert event.id == identifier


def test_no_secret_reaches_the_ledger_whichever_factor_writes(open_ledger: LedgerFactory, database: Database) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"[:36]
    (written,) = open_ledger(NOTES).append([note(f"pushed with {secret}")], actor=AGENT)
    assert written.redacted
    assert secret not in str(rows(database, "SELECT * FROM event")) + str(rows(database, "SELECT * FROM note"))
