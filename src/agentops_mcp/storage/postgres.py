"""The team database: one PostgreSQL schema for each project, through psycopg 3."""

import hashlib
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import LiteralString, cast

import psycopg
from psycopg import sql as pgsql
from psycopg.conninfo import conninfo_to_dict

from agentops_mcp.core.errors import StorageError
from agentops_mcp.storage.database import Dialect, Row, Transaction, Value
from agentops_mcp.storage.pool import IdlePool

LOCK_TIMEOUT_S = 30
_SQLITE_TYPES = {"INTEGER": "BIGINT", "BLOB": "BYTEA"}


class PostgresDatabase:
    """One schema. Writers of a project queue on an advisory lock, as they do on SQLite's write lock."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._write_lock = _lock_key(f"write {schema}")
        self._creation_lock = _lock_key(f"create {schema}")
        self._idle: IdlePool[psycopg.Connection] = IdlePool()

    @property
    def place(self) -> str:
        """Server, database and schema; never the user or the password."""
        try:
            parts = conninfo_to_dict(self._url)
        except psycopg.Error:
            parts = {}
        server = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"
        return f"postgresql://{server}/{parts.get('dbname', '')} schema {self._schema}"

    @contextmanager
    def read(self) -> Generator["PostgresTransaction"]:
        """A read-only snapshot."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as transaction:
            yield transaction

    @contextmanager
    def write(self) -> Generator["PostgresTransaction"]:
        """A transaction that holds the project's write lock from its first statement."""
        with self._transaction("BEGIN") as transaction:
            transaction.execute("SELECT pg_advisory_xact_lock(?)", [self._write_lock])
            yield transaction

    def tables(self, tx: Transaction) -> set[str]:
        """The names of the tables in this project's schema."""
        return {name for (name,) in tx.execute("SELECT tablename FROM pg_tables WHERE schemaname = ?", [self._schema])}

    def set_copy_aside(self, label: str) -> str:
        """Copy every table into a schema of its own, as of one snapshot."""
        target = f"{self._schema}_{re.sub('[^a-z0-9]+', '_', label.lower())}"
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ") as transaction:
            transaction.define(pgsql.SQL("CREATE SCHEMA {}").format(pgsql.Identifier(target)))
            for name in sorted(self.tables(transaction)):
                transaction.define(
                    pgsql.SQL("CREATE TABLE {} AS TABLE {}").format(
                        pgsql.Identifier(target, name), pgsql.Identifier(self._schema, name)
                    )
                )
        return f"schema {target}"

    def check(self) -> list[str]:
        """Nothing to add: PostgreSQL verifies its own pages."""
        return []

    def close(self) -> None:
        """Close every connection."""
        self._idle.close()

    @contextmanager
    def _transaction(self, begin: LiteralString) -> Generator["PostgresTransaction"]:
        with self._translated():
            connection = self._begin(begin)
            try:
                yield PostgresTransaction(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.close()  # which rolls back
                raise
            self._idle.give(connection)

    def _begin(self, begin: LiteralString) -> psycopg.Connection:
        while connection := self._idle.take():
            try:
                connection.execute(begin)
                return connection
            except psycopg.OperationalError:  # it died while idle, as when the server restarts
                connection.close()
        connection = self._connect()
        connection.execute(begin)
        return connection

    def _connect(self) -> psycopg.Connection:
        # autocommit: BEGIN and COMMIT are ours, written out, as on SQLite.
        connection = psycopg.connect(self._url, autocommit=True, connect_timeout=10)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: psycopg.Connection) -> None:
        connection.execute("SET synchronous_commit = on")
        connection.execute("SET client_encoding = 'UTF8'")
        connection.execute(pgsql.SQL("SET lock_timeout = {}").format(LOCK_TIMEOUT_S * 1000))
        schema = pgsql.Identifier(self._schema)
        with connection.transaction():
            # CREATE SCHEMA IF NOT EXISTS is not safe against itself.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [self._creation_lock])
            connection.execute(pgsql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
        connection.execute(pgsql.SQL("SET search_path TO {}").format(schema))

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except psycopg.errors.LockNotAvailable as error:
            problem = f"The database was busy for {LOCK_TIMEOUT_S} s; nothing was written."
            raise StorageError(problem, remedy="Call again; if it stays busy, another process is stuck.") from error
        except psycopg.Error as error:
            # The driver's text may repeat the connection string, so only the kind of failure is passed on.
            reason = error.diag.message_primary or type(error).__name__
            raise StorageError(
                f"PostgreSQL ({self.place}) cannot be used: {reason}.",
                remedy="Check AGENTOPS_DATABASE_URL and that the server runs; `agentops-mcp doctor` tries it.",
            ) from error


class PostgresTransaction:
    """A connection between BEGIN and COMMIT."""

    dialect: Dialect = "postgresql"

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        cursor = self._connection.execute(_translate(sql), parameters)
        return cursor.fetchall() if cursor.description else []

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each row."""
        with self._connection.cursor() as cursor:
            cursor.executemany(_translate(sql), rows)

    def define(self, statement: pgsql.Composed) -> None:
        """Run a statement that names schemas or tables."""
        self._connection.execute(statement)


def _lock_key(name: str) -> int:
    """The 64-bit key of an advisory lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


@lru_cache(maxsize=512)
def _translate(sql: str) -> LiteralString:
    """Our SQL in psycopg's placeholders and PostgreSQL's type names."""
    if sql.lstrip().startswith(("CREATE TABLE", "ALTER TABLE")):
        sql = re.sub(r"\b(INTEGER|BLOB)\b", lambda match: _SQLITE_TYPES[match[0]], sql)
    # The text is the project's own: no caller's words are ever built into a statement.
    return cast("LiteralString", sql.replace("?", "%s"))
