"""The embedded database: one SQLite file in WAL mode, shared by many processes."""

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, cast

import apsw

from agentops_mcp.core.errors import StorageError
from agentops_mcp.storage.database import Dialect, Row, Transaction, Value
from agentops_mcp.storage.pool import IdlePool

# Long enough for a queue of writers on a slow disk; a caller that waits longer is better told.
BUSY_TIMEOUT_S = 30

# A record is often 2 to 3 kB: pages of 4 kB would hold one each and stand half empty.
_PAGE_BYTES = 8192
_LOG_BYTES = 4 << 20
"""How long the write-ahead log may grow before a checkpoint: SQLite's default of 1,000 pages of 4 kB."""


class _Connection(Protocol):
    """What is used of `apsw.Connection`, whose own annotations are partly unknown before Python 3.12."""

    def execute(self, statements: str, bindings: Sequence[Value] | None = None) -> Iterable[Row]: ...
    def executemany(self, statements: str, sequenceofbindings: Iterable[Sequence[Value]]) -> object: ...
    def close(self) -> None: ...


class SqliteDatabase:
    """One file. Every commit reaches the disk before `write()` returns (`synchronous=FULL`)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: IdlePool[_Connection] = IdlePool()

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self._path)

    @contextmanager
    def read(self) -> Generator["SqliteTransaction"]:
        """A deferred transaction: a snapshot that blocks nobody."""
        with self._transaction("BEGIN") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Generator["SqliteTransaction"]:
        """An immediate transaction: the write lock is taken before anything is read."""
        with self._transaction("BEGIN IMMEDIATE") as transaction:
            yield transaction

    def tables(self, tx: Transaction) -> set[str]:
        """The names of all tables."""
        return {name for (name,) in tx.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}

    def set_copy_aside(self, label: str) -> str:
        """Write a consistent copy beside the file through SQLite's backup API."""
        target = self._path.with_name(f"{self._path.name}.{label}")
        with self._translated():
            source, copy = apsw.Connection(str(self._path)), apsw.Connection(str(target))
            try:
                with copy.backup("main", source, "main") as backup:
                    backup.step()
            finally:
                copy.close()
                source.close()
        return str(target)

    def check(self) -> list[str]:
        """The findings of SQLite's quick_check."""
        with self._connection() as connection:
            findings = [str(row[0]) for row in connection.execute("PRAGMA quick_check")]
        return [] if findings == ["ok"] else findings

    def close(self) -> None:
        """Close every connection."""
        self._idle.close()

    @contextmanager
    def _transaction(self, begin: str) -> Generator["SqliteTransaction"]:
        with self._connection() as connection:
            connection.execute(begin)
            yield SqliteTransaction(connection)
            connection.execute("COMMIT")

    @contextmanager
    def _connection(self) -> Generator[_Connection]:
        with self._translated():
            connection = self._idle.take() or self._connect()
            try:
                yield connection
            except BaseException:
                connection.close()  # which rolls back
                raise
            self._idle.give(connection)

    def _connect(self) -> _Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        opened = apsw.Connection(str(self._path))
        opened.set_busy_timeout(BUSY_TIMEOUT_S * 1000)
        connection = cast("_Connection", opened)
        self._enter_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_BYTES // _PAGE_BYTES}")
        return connection

    def _enter_wal(self, connection: _Connection) -> None:
        # Two processes that create the file together collide here, and this one lock ignores the busy timeout.
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # of a new database; an old one keeps its own
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except apsw.BusyError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except apsw.BusyError as error:
            problem = f"The database {self._path} was busy for {BUSY_TIMEOUT_S} s; nothing was written."
            raise StorageError(problem, remedy="Call again; if it stays busy, another process is stuck.") from error
        except (apsw.CorruptError, apsw.NotADBError) as error:
            raise damaged(self._path, [str(error)]) from error
        except apsw.Error as error:
            raise self._unusable(str(error)) from error

    def _unusable(self, reason: str) -> StorageError:
        problem = f"The database {self._path} cannot be used: {reason}."
        remedy = "Free disk space or make its folder writable, or set AGENTOPS_DATA_DIR to a folder that is."
        return StorageError(problem, remedy=remedy)


class SqliteTransaction:
    """A connection between BEGIN and COMMIT."""

    dialect: Dialect = "sqlite"

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        return list(self._connection.execute(sql, parameters))

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each row."""
        self._connection.executemany(sql, rows)


def damaged(path: Path, findings: list[str]) -> StorageError:
    """The error for a file whose content SQLite cannot trust, with the way back."""
    return StorageError(
        f"The database {path} is damaged: {findings[0]}.",
        remedy="Move it away; `agentops-mcp restore-mirror` then brings back every tracked record from the git mirror.",
    )
