"""Facts about objects are kept for all processes, and whatever happens to their file costs time only."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Protocol, cast

import apsw
import pytest

from agentops_mcp.storage import blob_facts
from agentops_mcp.storage.blob_facts import FORMAT, BlobFacts
from agentops_mcp.storage.locking import exclusive

A, B, C = "a" * 40, "b" * 40, "c" * 40

Open = Callable[[], BlobFacts]


class Connection(Protocol):
    """What is used of `apsw.Connection`, whose own annotations are partly unknown before Python 3.12."""

    def execute(self, statements: str) -> Iterable[object]: ...
    def close(self) -> None: ...


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "context-index.db"


@pytest.fixture
def facts_of(path: Path) -> Generator[Open]:
    """Opens the same file each time it is called, as separate processes would."""
    opened: list[BlobFacts] = []

    def open_one() -> BlobFacts:
        opened.append(BlobFacts(path))
        return opened[-1]

    yield open_one
    for facts in opened:
        facts.close()


def change(path: Path, sql: str) -> None:
    connection = cast("Connection", apsw.Connection(str(path)))
    list(connection.execute(sql))
    connection.close()


def test_what_is_put_is_found_by_kind_and_id_in_any_process(facts_of: Open) -> None:
    facts_of().put("units", [(A, b"one"), (B, b"\0" * 100_000)])
    facts_of().put("commit", [(A, b"")])
    facts = facts_of()
    assert facts.get("units", [C, B, A, A]) == {A: b"one", B: b"\0" * 100_000}
    assert facts.get("commit", [A, B]) == {A: b""}
    assert [facts.count(kind) for kind in ("units", "commit", "none")] == [2, 1, 0]


def test_more_ids_than_one_statement_takes_are_found(facts_of: Open) -> None:
    rows = {f"{number:040x}": b"%d" % number for number in range(1_201)}
    facts = facts_of()
    facts.put("units", iter(rows.items()))
    assert facts.get("units", list(rows)) == rows


def test_a_later_value_replaces_an_earlier_one(facts_of: Open) -> None:
    facts = facts_of()
    facts.put("units", [(A, b"old"), (B, b"kept")])
    facts.put("units", [(A, b"new")])
    assert facts.get("units", [A, B]) == {A: b"new", B: b"kept"}
    assert facts.count("units") == 2


def test_nothing_is_made_before_something_is_kept(facts_of: Open, path: Path) -> None:
    facts = facts_of()
    assert facts.get("units", [A]) == {}
    assert facts.count("units") == 0
    facts.put("units", [])
    assert not path.parent.exists()


def test_a_value_that_was_altered_on_disk_is_not_there(facts_of: Open, path: Path) -> None:
    facts_of().put("units", [(A, b"one"), (B, b"two"), (C, b"three")])
    change(path, f"UPDATE facts SET value = x'00' WHERE oid = '{A}'; UPDATE facts SET kind = 'other' WHERE oid = '{B}'")
    assert facts_of().get("units", [A, B, C]) == {C: b"three"}
    assert facts_of().get("other", [B]) == {}


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 100)


def drop_table(path: Path) -> None:
    change(path, "DROP TABLE facts")


@pytest.mark.parametrize("damage", [overwrite, truncate, drop_table])
@pytest.mark.parametrize("is_open", [False, True], ids=["closed", "open"])
def test_a_damaged_file_is_begun_anew(
    facts_of: Open, path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture, *, is_open: bool
) -> None:
    rows = {f"{number:040x}": bytes([number % 256]) * 3_000 for number in range(500)}
    facts = facts_of()
    facts.put("units", rows.items())
    if is_open:
        facts.get("units", [A])
    else:
        facts.close()
    change(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    with caplog.at_level(logging.WARNING):
        damage(path)
        for _ in range(3):
            found = facts.get("units", list(rows))
            assert found.items() <= rows.items()
            facts.put("units", rows.items())
    facts.close()
    assert facts_of().get("units", list(rows)) == rows
    assert len(caplog.records) <= 1


def test_a_file_of_another_format_is_begun_anew(facts_of: Open, path: Path) -> None:
    facts_of().put("units", [(A, b"one")])
    change(path, f"PRAGMA user_version = {FORMAT + 1}")
    facts = facts_of()
    assert facts.get("units", [A]) == {}
    facts.put("units", [(B, b"two")])
    assert facts_of().get("units", [A, B]) == {B: b"two"}


def test_a_file_that_stays_damaged_is_given_up(facts_of: Open, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    facts = facts_of()
    for _ in range(10):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"damaged" * 1000)
        facts.put("units", [(A, b"one")])
        assert facts.get("units", [A]) == {}
    assert path.exists()
    assert len(caplog.records) == 1


def test_a_file_that_was_deleted_while_open_is_made_again(facts_of: Open, path: Path) -> None:
    facts = facts_of()
    facts.put("units", [(A, b"one")])
    for name in ("", "-wal", "-shm"):
        path.with_name(path.name + name).unlink(missing_ok=True)
    assert facts.get("units", [A]) == {}
    facts.put("units", [(B, b"two")])
    assert facts.get("units", [A, B]) == {B: b"two"}
    assert facts_of().get("units", [A, B]) == {B: b"two"}


def test_only_a_regular_file_is_used_or_deleted(facts_of: Open, path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours" * 1000)
    path.symlink_to(elsewhere)
    facts = facts_of()
    facts.put("units", [(A, b"one")])
    assert facts.get("units", [A]) == {}
    assert facts.count("units") == 0
    assert elsewhere.read_bytes() == b"not ours" * 1000
    assert path.is_symlink()


def test_a_place_where_nothing_can_be_made_costs_time_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    facts = BlobFacts(tmp_path / "file" / "context-index.db")
    for _ in range(2):
        facts.put("units", [(A, b"one")])
        assert facts.get("units", [A]) == {}
    assert len(caplog.records) == 1
    facts.close()


def test_a_full_disk_costs_time_only(
    facts_of: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def prepare(connection: Connection) -> None:
        prepare_as_ever(connection)
        list(connection.execute("PRAGMA max_page_count = 4"))

    facts_of().put("units", [(A, b"one")])
    prepare_as_ever: Callable[[Connection], None] = vars(blob_facts)["_prepare"]
    monkeypatch.setattr(blob_facts, "_prepare", prepare)
    facts = facts_of()
    facts.put("units", [(B, b"x" * 1_000_000)])
    assert facts.get("units", [A, B]) == {A: b"one"}
    assert "full" in caplog.text


def test_a_locked_file_is_waited_for_once(
    facts_of: Open, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(blob_facts, "_BUSY_TIMEOUT_S", 0.05)
    facts = facts_of()
    facts.put("units", [(A, b"one")])
    holder = cast("Connection", apsw.Connection(str(path)))
    holder.execute("BEGIN IMMEDIATE")
    assert facts.get("units", [A]) == {A: b"one"}
    facts.put("units", [(B, b"two")])
    holder.close()
    assert facts.get("units", [A]) == {}  # left alone for a while
    assert facts_of().get("units", [A, B]) == {A: b"one"}
    with exclusive(path.with_name("context-index.db.lock"), timeout_s=0):
        assert facts_of().get("units", [A]) == {}
    assert len(caplog.records) == 2


def test_the_oldest_values_go_when_the_file_is_full(path: Path) -> None:
    facts = BlobFacts(path, limit_bytes=2_000_000)
    rows = {f"{number:040x}": b"%d" % number * 1_500 for number in range(2_400)}
    for start in range(0, 2_400, 100):
        facts.put("units", list(rows.items())[start : start + 100])
        assert path.stat().st_size < 3_000_000
    left = facts.get("units", list(rows))
    assert list(rows)[-1] in left
    assert set(left) == set(list(rows)[-len(left) :])
    facts.close()


def test_an_error_of_the_caller_is_the_callers(facts_of: Open) -> None:
    def broken() -> Generator[tuple[str, bytes]]:
        yield A, b"one"
        raise KeyError("theirs")

    facts = facts_of()
    with pytest.raises(KeyError):
        facts.put("units", broken())
    facts.put("units", [(B, b"two")])
    assert facts.get("units", [A, B]) == {B: b"two"}


def test_threads_share_one_object(facts_of: Open) -> None:
    facts = facts_of()
    rows = {f"{number:040x}": b"%d" % number * 100 for number in range(400)}
    missed: list[str] = []

    def work(part: int) -> None:
        for oid in list(rows)[part::8]:
            facts.put("units", [(oid, rows[oid])])
            if facts.get("units", [oid]) != {oid: rows[oid]}:
                missed.append(oid)

    threads = [threading.Thread(target=work, args=(part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == []
    assert facts.get("units", list(rows)) == rows


WRITER = """
import sys
from pathlib import Path
from agentops_mcp.storage.blob_facts import BlobFacts

facts = BlobFacts(Path(sys.argv[1]))
for number in range(60):
    oid = f"{int(sys.argv[2]):02x}{number:038x}"
    facts.put("units", [(oid, oid.encode() * 50)])
    found = facts.get("units", [oid])
    assert not found or found == {oid: oid.encode() * 50}, found
"""


def writers(path: Path) -> list[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WRITER, str(path)]
    return [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE) for number in range(3)]


def end(processes: list[subprocess.Popen[bytes]]) -> list[bytes]:
    return [process.communicate(timeout=60)[1] for process in processes]


def test_processes_write_at_once(path: Path, facts_of: Open) -> None:
    assert end(writers(path)) == [b""] * 3
    assert facts_of().count("units") == 180


def test_a_file_deleted_again_and_again_under_its_writers_gives_no_wrong_value(path: Path, facts_of: Open) -> None:
    processes = writers(path)
    while any(process.poll() is None for process in processes):
        for name in ("", "-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
    said = end(processes)
    assert [process.returncode for process in processes] == [0, 0, 0], said
    facts = facts_of()
    facts.get("units", [A])  # which begins a file anew that was damaged
    facts.put("units", [(A, b"one")])
    assert facts.get("units", [A]) == {A: b"one"}
