"""Rows of incidents: by what an action is recognised, and the fixes that were told since."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from agentops_mcp.core.documents import Document
from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.guardrails.rules.incidents import Incident, Known, from_body, text_of, to_body
from agentops_mcp.storage.database import Transaction, Value
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

RECORDED, FIXED = "incident.recorded", "incident.fixed"

_SCHEMA = MigrationSet(
    "incidents",
    (
        Migration(
            "incidents and fixes",
            (
                "CREATE TABLE incident (id TEXT PRIMARY KEY, signature TEXT NOT NULL)",
                "CREATE INDEX incident_by_signature ON incident (signature, id)",
                """
                CREATE TABLE incident_fix (
                    id TEXT PRIMARY KEY, incident TEXT NOT NULL, fix TEXT NOT NULL, learning TEXT NOT NULL
                )
                """,
                "CREATE INDEX incident_fix_by_incident ON incident_fix (incident, id)",
            ),
        ),
    ),
)


def recorded(incident: Incident, *, event_id: str, session: str | None) -> Draft:
    """The event of an incident, which is named after it."""
    return Draft(f"incident/{event_id}", RECORDED, to_body(incident), session=session, id=event_id)


def fixed(incident_id: str, *, fix: str, learning: str, session: str | None) -> Draft:
    """The event of what helped against an incident."""
    body = {"incident": incident_id, "fix": fix, "learning": learning}
    return Draft(f"incident/{incident_id}", FIXED, body, session=session)


def incident_of(event: Event) -> Incident:
    """The incident an event recorded.

    Raises:
        IntegrityError: its body is not that of one.
    """
    try:
        return from_body(event.body)
    except ValueError as error:
        raise _unreadable(event) from error


def document(event: Event) -> Document:
    """An incident as search sees it.

    Raises:
        IntegrityError: the event's body is not that of one.
    """
    incident = incident_of(event)
    return Document(
        ref=f"incident/{event.id}", kind="failure", title=incident.shown, text=text_of(incident), tags=("incident",)
    )


def _apply(tx: Transaction, seq: int, event: Event) -> None:  # noqa: ARG001 - a view's signature
    if event.kind == RECORDED:
        incident = incident_of(event)
        tx.execute("INSERT INTO incident (id, signature) VALUES (?, ?)", [event.id, incident.signature])
        return
    incident_id, fix, learning = (event.body.get(key) for key in ("incident", "fix", "learning"))
    if not (isinstance(incident_id, str) and isinstance(fix, str) and isinstance(learning, str)):
        raise _unreadable(event)
    tx.execute(
        "INSERT INTO incident_fix (id, incident, fix, learning) VALUES (?, ?, ?, ?)",
        [event.id, incident_id, fix, learning],
    )


def _unreadable(event: Event) -> IntegrityError:
    return IntegrityError(f"{event.id} is not readable as {event.kind}.", remedy="`agentops-mcp show` prints it.")


VIEW = View(schema=_SCHEMA, tables=("incident", "incident_fix"), kinds=frozenset({RECORDED, FIXED}), apply=_apply)


def of_signature(tx: Transaction, signature: str, *, limit: int) -> list[Known]:
    """The newest incidents of exactly this call, newest first."""
    return _known(
        tx, "id IN (SELECT id FROM incident WHERE signature = ? ORDER BY id DESC LIMIT ?)", [signature, limit]
    )


def count(tx: Transaction, signature: str) -> int:
    """How many incidents there are of exactly this call."""
    return tx.execute("SELECT COUNT(*) FROM incident WHERE signature = ?", [signature])[0][0]


def find(tx: Transaction, ids: Sequence[str]) -> list[Known]:
    """These incidents, as far as there are any, newest first."""
    if not ids:
        return []
    marks = ", ".join("?" for _ in ids)
    return _known(tx, f"id IN (SELECT id FROM incident WHERE id IN ({marks}))", list(ids))


def newest(tx: Transaction, *, limit: int) -> list[Known]:
    """The newest incidents, newest first."""
    return _known(tx, "id IN (SELECT id FROM incident ORDER BY id DESC LIMIT ?)", [limit])


def signatures(tx: Transaction) -> frozenset[str]:
    """The signatures of every incident."""
    return frozenset(signature for (signature,) in tx.execute("SELECT DISTINCT signature FROM incident"))


def _known(tx: Transaction, condition: str, parameters: Sequence[Value]) -> list[Known]:
    query = f"SELECT {EVENT_COLUMNS} FROM event WHERE {condition} ORDER BY id DESC"
    found: list[Known] = []
    for row in tx.execute(query, parameters):
        event = read_event(row)
        with suppress(IntegrityError):
            found.append(Known(event.id, datetime.fromisoformat(event.at), _with_fix(tx, event.id, incident_of(event))))
    return found


def _with_fix(tx: Transaction, incident_id: str, incident: Incident) -> Incident:
    """The incident with the newest fix and the newest learning that were told."""
    for name in ("fix", "learning"):
        query = f"SELECT {name} FROM incident_fix WHERE incident = ? AND {name} <> '' ORDER BY id DESC LIMIT 1"
        if rows := tx.execute(query, [incident_id]):
            incident = incident._replace(**{name: rows[0][0]})
    return incident
