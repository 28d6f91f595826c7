"""What only the embedded database does; what both databases do is tested through the ledger."""

import multiprocessing
import threading
from pathlib import Path
from typing import Any

import apsw
import pytest

from agentops_mcp.core.errors import StorageError
from agentops_mcp.storage import sqlite
from agentops_mcp.storage.sqlite import SqliteDatabase, damaged


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "agentops.db"


def with_table(file: Path, rows: int = 0) -> SqliteDatabase:
    """A database with one table."""
    database = SqliteDatabase(file)
    with database.write() as tx:
        tx.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)")
        tx.execute_many("INSERT INTO t (n, text) VALUES (?, ?)", [(n, "x" * 100) for n in range(rows)])
    return database


def test_nothing_is_created_before_the_first_use(file: Path) -> None:
    assert SqliteDatabase(file).place == str(file)
    assert not file.parent.exists()


def test_a_commit_reaches_the_disk_before_the_writer_goes_on(file: Path) -> None:
    """The two settings that promise it: without them SQLite acknowledges what a power cut takes back."""
    database = with_table(file)
    with database.read() as tx:
        assert tx.execute("PRAGMA journal_mode") == [("wal",)]
        assert tx.execute("PRAGMA synchronous") == [(2,)]  # FULL


def write(database: SqliteDatabase, *statements: str) -> None:
    with database.write() as tx:
        for statement in statements:
            tx.execute(statement)


def write_and_fail(database: SqliteDatabase, error: BaseException) -> None:
    with database.write() as tx:
        tx.execute("INSERT INTO t (n) VALUES (1)")
        raise error


def test_what_a_block_wrote_is_undone_when_it_raises(file: Path) -> None:
    database = with_table(file)
    with pytest.raises(KeyboardInterrupt):
        write_and_fail(database, KeyboardInterrupt())
    with database.read() as tx:
        assert tx.execute("SELECT COUNT(*) FROM t") == [(0,)]


def test_a_reader_sees_one_state_while_a_writer_goes_on(file: Path) -> None:
    database = with_table(file)
    with database.read() as before:
        assert before.execute("SELECT COUNT(*) FROM t") == [(0,)]
        with database.write() as tx:
            tx.execute("INSERT INTO t (n) VALUES (1)")
        assert before.execute("SELECT COUNT(*) FROM t") == [(0,)]
    with database.read() as after:
        assert after.execute("SELECT COUNT(*) FROM t") == [(1,)]


def test_a_writer_waits_for_the_one_before_it(file: Path) -> None:
    """Every writer reads and then writes: with a lock taken only at the write, two of them would fail or lose one."""
    database = with_table(file)

    def count_up() -> None:
        for _ in range(25):
            with database.write() as tx:
                ((n,),) = tx.execute("SELECT COUNT(*) FROM t")
                tx.execute("INSERT INTO t (n) VALUES (?)", [n])

    threads = [threading.Thread(target=count_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as tx:
        assert tx.execute("SELECT COUNT(*), MAX(n) FROM t") == [(200, 199)]


def test_a_writer_that_waits_too_long_is_told_that_nothing_was_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0)
    first, second = with_table(file), SqliteDatabase(file)
    with (
        first.write(),
        pytest.raises(StorageError, match="was busy for 0 s; nothing was written") as refused,
        second.write(),
    ):
        pass
    assert refused.value.remedy == "Call again; if it stays busy, another process is stuck."
    with second.write() as tx:
        tx.execute("INSERT INTO t (n) VALUES (1)")


def create(file: str, barrier: "threading.Barrier") -> None:
    """Open the database at the same moment as the others, in a process of its own."""
    barrier.wait()
    with SqliteDatabase(Path(file)).write() as tx:
        tx.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER)")
        tx.execute("INSERT INTO t (n) VALUES (1)")


def test_processes_that_create_the_file_together_all_succeed(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    processes = [context.Process(target=create, args=(str(file), barrier)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    with SqliteDatabase(file).read() as tx:
        assert tx.execute("SELECT COUNT(*) FROM t") == [(4,)]


def test_the_mode_is_awaited_but_not_for_ever(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rollback journal in use: entering WAL needs the file for a moment alone."""
    file.parent.mkdir()
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0)
    other: Any = apsw.Connection(str(file))
    other.execute("CREATE TABLE t (n INTEGER); BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match="was busy"), SqliteDatabase(file).read():
        pass
    other.execute("ROLLBACK")
    other.close()
    with SqliteDatabase(file).read() as tx:
        assert tx.execute("PRAGMA journal_mode") == [("wal",)]


def test_the_tables_are_listed(file: Path) -> None:
    database = with_table(file)
    with database.read() as tx:
        assert database.tables(tx) == {"t"}


def test_a_copy_holds_all_that_was_committed_even_while_a_writer_is_at_work(file: Path) -> None:
    database = with_table(file, rows=1_000)
    with database.write() as tx:
        tx.execute("INSERT INTO t (n) VALUES (5000)")
        place = database.set_copy_aside("before-now")
    assert place == f"{file}.before-now"
    with SqliteDatabase(Path(place)).read() as tx:
        assert tx.execute("SELECT COUNT(*) FROM t") == [(1_000,)]


def test_a_copy_that_cannot_be_written_is_an_error(file: Path) -> None:
    database = with_table(file)
    file.with_name("agentops.db.label").mkdir()
    with pytest.raises(StorageError, match="cannot be used"):
        database.set_copy_aside("label")


def test_a_good_file_has_no_findings(file: Path) -> None:
    assert with_table(file, rows=100).check() == []


def test_damage_inside_a_page_is_found(file: Path) -> None:
    database = with_table(file, rows=2_000)
    database.close()
    content = bytearray(file.read_bytes())
    page_bytes = int.from_bytes(content[16:18])
    content[3 * page_bytes : 3 * page_bytes + 200] = b"\xff" * 200
    file.write_bytes(content)
    try:
        findings = SqliteDatabase(file).check()
    except StorageError as error:
        findings = [error.problem]
    assert findings


def test_a_file_that_is_no_database_is_damaged_and_names_the_way_back(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"something else " * 1_000)
    with pytest.raises(StorageError, match="is damaged: ") as refused, SqliteDatabase(file).read():
        pass
    assert refused.value.remedy == damaged(file, ["x"]).remedy


def test_a_folder_that_cannot_be_made_is_named_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file", encoding="utf-8")
    with (
        pytest.raises(StorageError, match="cannot be used") as refused,
        SqliteDatabase(tmp_path / "data/a/b.db").read(),
    ):
        pass
    assert "AGENTOPS_DATA_DIR" in refused.value.remedy


def test_a_folder_in_the_place_of_the_file_is_an_error(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot be used"), SqliteDatabase(file).read():
        pass


def test_a_statement_that_is_wrong_is_an_error_of_storage_and_undoes_its_block(file: Path) -> None:
    database = with_table(file)
    with pytest.raises(StorageError):
        write(database, "INSERT INTO t (n) VALUES (1)", "INSERT INTO nowhere (n) VALUES (1)")
    with database.read() as tx:
        assert tx.execute("SELECT COUNT(*) FROM t") == [(0,)]


def test_connections_are_used_again_and_closed_in_the_end(file: Path) -> None:
    database = with_table(file)
    for _ in range(3):
        with database.read() as tx:
            tx.execute("SELECT 1")
    assert file.with_name("agentops.db-wal").exists()
    database.close()
    assert not file.with_name("agentops.db-wal").exists()  # SQLite removes it with the last connection
