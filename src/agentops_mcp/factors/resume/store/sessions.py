"""Rows of factor VI: the sessions of this project."""

from dataclasses import dataclass

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Event
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

STARTED = "session.started"

_SCHEMA = MigrationSet(
    "resume",
    (
        Migration(
            "sessions",
            (
                """
                CREATE TABLE session (
                    seq INTEGER PRIMARY KEY, handle TEXT NOT NULL UNIQUE, goal TEXT NOT NULL, started_at TEXT NOT NULL,
                    client TEXT NOT NULL
                )
                """,
            ),
        ),
        Migration("the state a session continues", ("ALTER TABLE session ADD COLUMN continues TEXT",)),
    ),
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session; `continues` is the state its brief began with, when that was about the same goal."""

    handle: str
    goal: str
    started_at: str
    client: str
    continues: str | None


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    goal, continues = event.body.get("goal"), event.body.get("continues")
    if not isinstance(goal, str) or not isinstance(continues, str | None):
        raise IntegrityError(f"{event.id} is not a readable session.", remedy="`agentops-mcp show` prints it as it is.")
    tx.execute(
        "INSERT INTO session (seq, handle, goal, started_at, client, continues) VALUES (?, ?, ?, ?, ?, ?)",
        [seq, event.id, goal, event.at, event.actor["client"], continues],
    )


VIEW = View(schema=_SCHEMA, tables=("session",), kinds=frozenset({STARTED}), apply=_apply)


_COLUMNS = "handle, goal, started_at, client, continues"


def find(tx: Transaction, handle: str) -> SessionRow | None:
    """The session with this handle."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM session WHERE handle = ?", [handle])
    return SessionRow(*rows[0]) if rows else None


def newest(tx: Transaction, *, limit: int) -> list[SessionRow]:
    """The newest sessions, newest first."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM session ORDER BY seq DESC LIMIT ?", [limit])
    return [SessionRow(*row) for row in rows]


def goals(tx: Transaction) -> dict[str, str]:
    """The goal of every session by its handle."""
    return dict(tx.execute("SELECT handle, goal FROM session"))


def count_after(tx: Transaction, at: str) -> int:
    """How many sessions began later than a time."""
    return tx.execute("SELECT COUNT(*) FROM session WHERE started_at > ?", [at])[0][0]
