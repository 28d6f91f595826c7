"""The database port: plain SQL on SQLite or PostgreSQL, and the few differences between them.

SQL is written once, with `?` for parameters (no `?` or `%` inside literals) and the types TEXT, INTEGER and BLOB.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

Value = str | int | bytes | None
Row = tuple[Any, ...]
Dialect = Literal["sqlite", "postgresql"]


class Transaction(Protocol):
    """A connection inside one transaction."""

    @property
    def dialect(self) -> Dialect:
        """Whose SQL this is, for the one thing that is not written once: full text."""
        ...

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return its rows (none for a statement that returns none)."""
        ...

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each of `rows`."""
        ...


class Database(Protocol):
    """A place for one project's tables. Every method may be called from any thread and any process."""

    @property
    def place(self) -> str:
        """Which database this is, without secrets: a path, or a server, database and schema."""
        ...

    def read(self) -> AbstractContextManager[Transaction]:
        """A transaction that sees one consistent state and writes nothing."""
        ...

    def write(self) -> AbstractContextManager[Transaction]:
        """The one writing transaction at a time; durable when the block ends, undone when it raises.

        Raises:
            StorageError: it is busy, full, read-only or gone; nothing was written.
        """
        ...

    def tables(self, tx: Transaction) -> set[str]:
        """The names of this project's tables."""
        ...

    def set_copy_aside(self, label: str) -> str:
        """Copy everything as it is now, consistently, and return where the copy is."""
        ...

    def check(self) -> list[str]:
        """What the database itself finds wrong with its files; empty when nothing is."""
        ...

    def close(self) -> None:
        """Close every connection; the database can not be used afterwards."""
        ...
