"""Rows of factor VI: where each mission stands, and which session holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Event
from agentops_mcp.factors.resume.rules.mission_fold import KINDS, OPENED, Fact, fold
from agentops_mcp.factors.resume.rules.missions import OPEN, Lease, Mission, State
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

CLAIMED, RELEASED = "mission.claimed", "mission.released"

_UNREADABLE = "`agentops-mcp show` prints it as it is; ask whoever made it which version wrote it."

_SCHEMA = MigrationSet(
    "mission",
    (
        Migration(
            "missions and leases",
            (
                "CREATE TABLE mission (id TEXT PRIMARY KEY, state TEXT NOT NULL)",
                "CREATE INDEX mission_by_state ON mission (state, id)",
                # `session` is NULL once the lease was given back.
                """
                CREATE TABLE mission_lease (
                    mission TEXT PRIMARY KEY, event TEXT NOT NULL, session TEXT, client TEXT NOT NULL,
                    until TEXT NOT NULL, took_over_from TEXT
                )
                """,
                "CREATE INDEX mission_lease_by_session ON mission_lease (session)",
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A mission and its last lease as of one instant, and by which events they are known."""

    mission: Mission
    lease: Lease | None
    expected: Mapping[str, str | None]
    newest_id: str
    newest_lease_id: str


def mission_stream(mission_id: str) -> str:
    """Where a mission's tracked events go."""
    return f"mission/{mission_id}"


def lease_stream(mission_id: str) -> str:
    """Where the events of its lease go; these stay in this database."""
    return f"lease/{mission_id}"


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    if event.kind in KINDS:
        _apply_mission(tx, seq, event)
    else:
        _apply_lease(tx, event)


def _apply_mission(tx: Transaction, seq: int, event: Event) -> None:
    # A replay has the later events here already; the last of them writes the row.
    marks = ", ".join("?" for _ in KINDS)
    later = f"SELECT 1 FROM event WHERE stream = ? AND seq > ? AND kind IN ({marks}) LIMIT 1"
    if tx.execute(later, [event.stream, seq, *sorted(KINDS)]):
        return
    mission_id = event.stream.removeprefix("mission/")
    mission = _fold(tx, mission_id)
    if mission is not None:
        tx.execute(
            "INSERT INTO mission (id, state) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state",
            [mission_id, mission.state],
        )
    elif event.kind == OPENED:
        raise IntegrityError(f"{event.id} is not a readable mission.", remedy=_UNREADABLE)


def _apply_lease(tx: Transaction, event: Event) -> None:
    session, client, until, took_over_from = _lease_columns(event)
    tx.execute(
        "INSERT INTO mission_lease (mission, event, session, client, until, took_over_from) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (mission) DO UPDATE SET event = excluded.event, session = excluded.session, "
        "client = excluded.client, until = excluded.until, took_over_from = excluded.took_over_from "
        "WHERE excluded.event > mission_lease.event",
        [event.stream.removeprefix("lease/"), event.id, session, client, until, took_over_from],
    )


def _lease_columns(event: Event) -> tuple[str | None, str, str, str | None]:
    if event.kind == RELEASED:
        return None, "", "", None
    body = event.body
    try:
        session, client, took_over_from = body["session"], body["client"], body["took_over_from"]
        until = datetime.fromisoformat(body["until"]).astimezone(UTC).isoformat(timespec="microseconds")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise IntegrityError(f"{event.id} is not a readable lease.", remedy=_UNREADABLE) from error
    if not (isinstance(session, str) and isinstance(client, str) and isinstance(took_over_from, str | None)):
        raise IntegrityError(f"{event.id} is not a readable lease.", remedy=_UNREADABLE)
    return session, client, until, took_over_from


VIEW = View(
    schema=_SCHEMA, tables=("mission", "mission_lease"), kinds=KINDS | frozenset({CLAIMED, RELEASED}), apply=_apply
)


def find(tx: Transaction, mission_id: str) -> Found | None:
    """A mission as its events make it; None when there is none that this version can read."""
    mission = _fold(tx, mission_id)
    if mission is None:
        return None
    streams = (mission_stream(mission_id), lease_stream(mission_id))
    ((newest_id,),) = tx.execute("SELECT MAX(id) FROM event WHERE stream = ?", [streams[0]])
    ((newest_lease_id,),) = tx.execute("SELECT MAX(id) FROM event WHERE stream = ?", [streams[1]])
    expected = {stream: _last_in(tx, stream) for stream in streams}
    return Found(mission, lease_of(tx, mission_id), expected, newest_id, newest_lease_id or "")


def lease_of(tx: Transaction, mission_id: str) -> Lease | None:
    """The last lease of a mission, live or run out; None when there is none or it was given back."""
    query = "SELECT session, client, until, took_over_from FROM mission_lease WHERE mission = ? AND session IS NOT NULL"
    rows = tx.execute(query, [mission_id])
    return Lease(*rows[0]) if rows else None


def newest_open(tx: Transaction, *, limit: int) -> list[Mission]:
    """The missions that can still change, newest first."""
    marks = ", ".join("?" for _ in OPEN)
    rows = tx.execute(f"SELECT id FROM mission WHERE state IN ({marks}) ORDER BY id DESC LIMIT ?", [*OPEN, limit])
    return _missions(tx, [mission_id for (mission_id,) in rows])


def in_state(tx: Transaction, state: State, *, limit: int) -> list[Mission]:
    """The missions in one state, newest first."""
    rows = tx.execute("SELECT id FROM mission WHERE state = ? ORDER BY id DESC LIMIT ?", [state, limit])
    return _missions(tx, [mission_id for (mission_id,) in rows])


def held_by(tx: Transaction, session: str, *, now: datetime) -> list[Mission]:
    """The open missions on which a session has a live lease, newest first."""
    marks = ", ".join("?" for _ in OPEN)
    rows = tx.execute(
        "SELECT mission.id FROM mission_lease JOIN mission ON mission.id = mission_lease.mission "
        f"WHERE session = ? AND until > ? AND state IN ({marks}) ORDER BY mission.id DESC",
        [session, now.astimezone(UTC).isoformat(timespec="microseconds"), *OPEN],
    )
    return _missions(tx, [mission_id for (mission_id,) in rows])


def _missions(tx: Transaction, ids: list[str]) -> list[Mission]:
    return [mission for mission_id in ids if (mission := _fold(tx, mission_id)) is not None]


def _fold(tx: Transaction, mission_id: str) -> Mission | None:
    query = f"SELECT {EVENT_COLUMNS} FROM event WHERE stream = ?"
    events = [read_event(row) for row in tx.execute(query, [mission_stream(mission_id)])]
    return fold(
        mission_id,
        (Fact(each.id, each.kind, each.at, each.actor["client"], each.session, each.body) for each in events),
    )


def _last_in(tx: Transaction, stream: str) -> str | None:
    rows = tx.execute("SELECT id FROM event WHERE stream = ? ORDER BY seq DESC LIMIT 1", [stream])
    return rows[0][0] if rows else None
