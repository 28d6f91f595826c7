"""Rows of scoped grants: what people granted in advance, each use of it, and what they took back.

Their events are local: a grant holds where it was given, and none comes by sync.
"""

from datetime import datetime

from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.approval.rules.scopes import Grant, check_grant
from agentops_mcp.factors.approval.rules.standing import strength_of
from agentops_mcp.factors.approval.store.request_events import instant, iso, unreadable
from agentops_mcp.storage.database import Row, Transaction
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

GIVEN, REVOKED, SPENT = "grant.given", "grant.revoked", "grant.used"

_SCHEMA = MigrationSet(
    "approval_grants",
    (
        Migration(
            "grants, their uses and revocations",
            (
                """
                CREATE TABLE approval_grant (
                    id TEXT PRIMARY KEY, origin TEXT NOT NULL, rule TEXT NOT NULL, prefix TEXT NOT NULL, uses INTEGER,
                    until TEXT NOT NULL, given_by TEXT NOT NULL, strength TEXT NOT NULL,
                    reason TEXT NOT NULL, at TEXT NOT NULL
                )
                """,
                "CREATE INDEX approval_grant_by_end ON approval_grant (until)",
                "CREATE TABLE approval_grant_event (event TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL)",
                "CREATE INDEX approval_grant_event_by_id ON approval_grant_event (id, kind)",
            ),
        ),
    ),
)


def stream(grant: str) -> str:
    """Where the events of a grant go."""
    return f"grant/{grant}"


def given(grant: Grant) -> Draft:
    """The event of a grant, which is named after it."""
    body = {
        "rule": grant.rule, "prefix": grant.prefix, "uses": grant.uses, "until": iso(grant.until),
        "by": grant.given_by, "reason": grant.reason,
    }  # fmt: skip
    return Draft(stream(grant.id), GIVEN, body, tracked=False, id=grant.id)


def revoked(grant: str, *, by: str, reason: str) -> Draft:
    """The event that ends a grant before its time."""
    return Draft(stream(grant), REVOKED, {"grant": grant, "by": by, "reason": reason}, tracked=False)


def spent(grant: str, *, action: str, session: str | None) -> Draft:
    """The event of one use, for the action of this digest."""
    return Draft(stream(grant), SPENT, {"grant": grant, "action": action}, tracked=False, session=session)


def _apply(tx: Transaction, seq: int, event: Event) -> None:  # noqa: ARG001 - a view's signature
    if event.kind != GIVEN:
        grant = event.body.get("grant")
        if not isinstance(grant, str):
            raise unreadable(event)
        tx.execute("INSERT INTO approval_grant_event (event, id, kind) VALUES (?, ?, ?)", [event.id, grant, event.kind])
        return
    grant = _given(event)
    tx.execute(
        "INSERT INTO approval_grant (id, origin, rule, prefix, uses, until, given_by, strength, reason, at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [grant.id, event.origin, grant.rule, grant.prefix, grant.uses, iso(grant.until), grant.given_by,
         grant.strength, grant.reason, iso(grant.at)],
    )  # fmt: skip


def _given(event: Event) -> Grant:
    """The grant an event gave: here, by a person's channel, and never for longer than grants last."""
    body = event.body
    texts = [body.get(key) for key in ("rule", "prefix", "by", "reason", "until")]
    uses, strength = body.get("uses"), strength_of(event.actor["via"])
    if event.tracked or not all(isinstance(each, str) for each in texts) or strength in (None, "client"):
        raise unreadable(event)
    if uses is not None and type(uses) is not int:
        raise unreadable(event)
    try:
        at, until = instant(event.at), instant(body["until"])
        check_grant(body["rule"], body["prefix"], uses, until - at, "high")
    except (AgentOpsError, ValueError, OverflowError) as error:
        raise unreadable(event) from error
    return Grant(event.id, body["rule"], body["prefix"], uses, until, body["by"], strength, body["reason"], at)


VIEW = View(
    schema=_SCHEMA, tables=("approval_grant", "approval_grant_event"), kinds=frozenset({GIVEN, REVOKED, SPENT}),
    apply=_apply,
)  # fmt: skip

_QUERY = (
    "SELECT g.id, g.rule, g.prefix, g.uses, g.until, g.given_by, g.strength, g.reason, g.at, "
    f"(SELECT COUNT(*) FROM approval_grant_event e WHERE e.id = g.id AND e.kind = '{SPENT}'), "
    f"EXISTS (SELECT 1 FROM approval_grant_event e WHERE e.id = g.id AND e.kind = '{REVOKED}') FROM approval_grant g"
)


def live(tx: Transaction, *, origin: str, now: datetime) -> list[Grant]:
    """The grants that were given in this database and can be used now, the oldest first."""
    rows = tx.execute(f"{_QUERY} WHERE g.until > ? AND g.origin = ? ORDER BY g.id", [iso(now), origin])
    return [each for each in map(_of, rows) if each.holds(now)]


def last_change(tx: Transaction) -> tuple[str, str]:
    """Something that differs whenever any grant changed: the newest grant, and the newest use or revocation."""
    rows = tx.execute("SELECT (SELECT MAX(id) FROM approval_grant), (SELECT MAX(event) FROM approval_grant_event)")
    return rows[0][0] or "", rows[0][1] or ""


def every(tx: Transaction, *, limit: int) -> list[Grant]:
    """The newest grants, newest first, also those that ended."""
    return [_of(row) for row in tx.execute(f"{_QUERY} ORDER BY g.id DESC LIMIT ?", [limit])]


def find(tx: Transaction, grant: str) -> Grant | None:
    """One grant."""
    rows = tx.execute(f"{_QUERY} WHERE g.id = ?", [grant])
    return _of(rows[0]) if rows else None


def _of(row: Row) -> Grant:
    identifier, rule, prefix, uses, until, given_by, strength, reason, at, used, ended = row
    return Grant(
        identifier, rule, prefix, uses, instant(until), given_by, strength, reason, instant(at), used, bool(ended)
    )
