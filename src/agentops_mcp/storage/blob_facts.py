"""What was worked out from git objects, kept by their ids for every process, branch and worktree of a project.

A cache: whatever goes wrong with it means that a thing is worked out once more, so nothing here raises for it.
"""

import contextlib
import itertools
import logging
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import Protocol, TypeVar, cast

import apsw

from agentops_mcp.storage.database import Row, Value
from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.pool import IdlePool

logger = logging.getLogger(__name__)

FORMAT = 1
"""Of the file; one of another format is begun anew."""

_BUSY_TIMEOUT_S = 2.0
_PAUSE_S = 10.0
"""How long a file that was busy is left alone: each call would otherwise wait as long as the first."""

_FRESH_STARTS = 3
"""How often one process begins the file anew; a disk that damages it each time is not worth more."""

_PAGE_BYTES = 16_384
_LOG_BYTES = 16 << 20
_KEYS_AT_ONCE = 500
_BATCH_BYTES = 16 << 20
_DELETED_AT_ONCE = 100

_SCHEMA = """
CREATE TABLE facts (
    number INTEGER PRIMARY KEY, -- in the order of writing
    kind TEXT NOT NULL, oid TEXT NOT NULL, checksum INTEGER NOT NULL, value BLOB NOT NULL
);
CREATE UNIQUE INDEX facts_by_oid ON facts (kind, oid);
"""

_PUT = "INSERT OR REPLACE INTO facts (kind, oid, checksum, value) VALUES (?, ?, ?, ?)"
_DELETE_OLDEST = "DELETE FROM facts WHERE number IN (SELECT number FROM facts ORDER BY number LIMIT ?)"

_T = TypeVar("_T")


class _Connection(Protocol):
    """What is used of `apsw.Connection`, whose own annotations are partly unknown before Python 3.12."""

    def execute(self, statements: str, bindings: Sequence[Value] | None = None) -> Iterable[Row]: ...
    def executemany(self, statements: str, sequenceofbindings: Iterable[Sequence[Value]]) -> object: ...
    def changes(self) -> int: ...
    def close(self) -> None: ...


class BlobFacts:
    """Values by kind and object id, in one SQLite file. Safe to share between threads and processes."""

    def __init__(self, path: Path, *, limit_bytes: int = 512 << 20) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._lock = Lock()
        self._idle: IdlePool[_Connection] = IdlePool()
        self._file: tuple[int, int] | None = None
        self._paused_until = 0.0
        self._fresh_starts = 0
        self._told = False

    def get(self, kind: str, oids: Sequence[str]) -> dict[str, bytes]:
        """The values that are known, by id."""
        found: dict[str, bytes] = {}

        def read(connection: _Connection) -> None:
            for start in range(0, len(oids), _KEYS_AT_ONCE):
                keys = oids[start : start + _KEYS_AT_ONCE]
                places = ",".join("?" * len(keys))
                sql = f"SELECT oid, checksum, value FROM facts WHERE kind = ? AND oid IN ({places})"
                rows = connection.execute(sql, (kind, *keys))
                found.update((oid, value) for oid, checksum, value in rows if checksum == _checksum(kind, oid, value))

        if oids:
            self._use(read, None, create=False)
        return found

    def put(self, kind: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep values by id, in place of earlier ones."""
        for batch in _batches(rows):
            sealed = [(kind, oid, _checksum(kind, oid, value), value) for oid, value in batch]

            def write(connection: _Connection, sealed: Sequence[Row] = sealed) -> None:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(_PUT, sealed)
                connection.execute("COMMIT")
                self._trim(connection)

            self._use(write, None, create=True)

    def count(self, kind: str) -> int:
        """How many values of a kind are kept."""

        def count(connection: _Connection) -> int:
            return _number(connection, "SELECT count(*) FROM facts WHERE kind = ?", (kind,))

        return self._use(count, 0, create=False)

    def close(self) -> None:
        """Close every connection."""
        with contextlib.suppress(apsw.Error):
            self._drop_connections()

    def _drop_connections(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, IdlePool()
        idle.close()

    def _trim(self, connection: _Connection) -> None:
        """Delete what was written first until half of the limit is free; its pages are used again."""
        if _used_bytes(connection) <= self._limit_bytes:
            return
        while _used_bytes(connection) > self._limit_bytes // 2:
            connection.execute(_DELETE_OLDEST, (_DELETED_AT_ONCE,))
            if not connection.changes():
                return

    def _use(self, action: Callable[[_Connection], _T], otherwise: _T, *, create: bool) -> _T:
        """The result of `action`, or `otherwise` when the file cannot be used."""
        if time.monotonic() < self._paused_until:
            return otherwise
        try:
            return self._tried(action, otherwise, create=create)
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError) as error:  # the last: a table is not there
            self._tell(error)
            self._begin_anew()
        except (apsw.BusyError, apsw.LockedError, TimeoutError) as error:
            self._tell(error)
            self._paused_until = time.monotonic() + _PAUSE_S
        except (apsw.Error, OSError) as error:
            self._tell(error)
        return otherwise

    def _tried(self, action: Callable[[_Connection], _T], otherwise: _T, *, create: bool) -> _T:
        file = _identity(self._path)
        if file is None and not create:
            return otherwise
        if file != self._file:  # deleted or replaced since: what is open is no longer the file
            self._file = file
            self._drop_connections()
        idle = self._idle
        connection = idle.take() or self._connect()
        try:
            result = action(connection)
        except BaseException:
            connection.close()  # which rolls back
            raise
        idle.give(connection)
        return result

    def _connect(self) -> _Connection:
        # One at a time: who begins the file anew deletes it, and must not do that to one that was just made.
        with exclusive(self._lock_path, timeout_s=_BUSY_TIMEOUT_S):
            _identity(self._path)
            opened = apsw.Connection(str(self._path))
            connection = cast("_Connection", opened)
            try:
                opened.set_busy_timeout(round(_BUSY_TIMEOUT_S * 1000))
                _prepare(connection)
                self._file = _identity(self._path)
            except BaseException:
                connection.close()
                raise
            return connection

    @property
    def _lock_path(self) -> Path:
        return self._path.with_name(f"{self._path.name}.lock")

    def _begin_anew(self) -> None:
        """Delete the damaged file, so that the next value kept makes another."""
        self._fresh_starts += 1
        if self._fresh_starts > _FRESH_STARTS:
            self._paused_until = float("inf")
        damaged = self._file
        try:
            self._drop_connections()
            with exclusive(self._lock_path, timeout_s=_BUSY_TIMEOUT_S):
                if _identity(self._path) == damaged:  # and no other process has begun anew already
                    for name in ("", "-wal", "-shm"):
                        self._path.with_name(self._path.name + name).unlink(missing_ok=True)
        except (apsw.Error, OSError) as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._told:
            self._told = True
            logger.warning("The cache %s can not be used for now, which costs time only: %s", self._path, error)


def _prepare(connection: _Connection) -> None:
    """Make the table of a new file, and refuse one of another format."""
    version = _number(connection, "PRAGMA user_version")
    if version not in (0, FORMAT):
        raise apsw.NotADBError(f"it has format {version}, not {FORMAT}")
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = OFF")  # after a power cut there may be damage, which is noticed
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_BYTES // _PAGE_BYTES}")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    if version == 0:
        connection.execute(f"BEGIN IMMEDIATE; {_SCHEMA}; PRAGMA user_version = {FORMAT}; COMMIT")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file is there; None when there is none.

    Raises:
        OSError: it is no regular file, or can not be looked at.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is not a regular file")
    return found.st_dev, found.st_ino


def _batches(rows: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """The rows in groups that fit into one transaction."""
    batch: list[tuple[str, bytes]] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += len(row[1])
        if size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _checksum(kind: str, oid: str, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(f"{kind} {oid}".encode()))


def _used_bytes(connection: _Connection) -> int:
    pages = _number(connection, "PRAGMA page_count") - _number(connection, "PRAGMA freelist_count")
    return pages * _number(connection, "PRAGMA page_size")


def _number(connection: _Connection, sql: str, bindings: Sequence[Value] = ()) -> int:
    row = next(itertools.chain(connection.execute(sql, bindings), [(0,)]))
    return row[0] if isinstance(row[0], int) else 0
