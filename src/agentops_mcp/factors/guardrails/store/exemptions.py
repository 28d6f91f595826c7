"""Rows of exemptions: what people granted and what they took back; the second stands in whatever order they arrive."""

from datetime import UTC, datetime

from agentops_mcp.core.errors import AgentOpsError, IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.guardrails.rules.exemptions import Exemption, check_request
from agentops_mcp.storage.database import Row, Transaction
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

GRANTED, REVOKED = "exemption.granted", "exemption.revoked"

_SCHEMA = MigrationSet(
    "exemptions",
    (
        Migration(
            "exemptions and revocations",
            (
                """
                CREATE TABLE exemption (
                    id TEXT PRIMARY KEY, rule TEXT NOT NULL, effect TEXT NOT NULL, target TEXT NOT NULL,
                    justification TEXT NOT NULL, requester TEXT NOT NULL, granted_by TEXT NOT NULL, at TEXT NOT NULL,
                    until TEXT NOT NULL
                )
                """,
                "CREATE INDEX exemption_by_end ON exemption (until)",
                "CREATE TABLE exemption_revoked (event TEXT PRIMARY KEY, id TEXT NOT NULL)",
                "CREATE INDEX exemption_revoked_by_id ON exemption_revoked (id)",
            ),
        ),
    ),
)


def stream(exemption_id: str) -> str:
    """Where the events of an exemption go."""
    return f"exemption/{exemption_id}"


def granted(of: str, target: str, justification: str, *, requester: str, until: str, event_id: str) -> Draft:
    """The event of an exemption, which is named after it."""
    body = {"of": of, "target": target, "justification": justification, "requester": requester, "until": until}
    return Draft(stream(event_id), GRANTED, body, id=event_id)


def revoked(exemption_id: str, reason: str) -> Draft:
    """The event that ends an exemption before its time."""
    return Draft(stream(exemption_id), REVOKED, {"exemption": exemption_id, "reason": reason})


def _apply(tx: Transaction, seq: int, event: Event) -> None:  # noqa: ARG001 - a view's signature
    if event.kind == REVOKED:
        exemption_id = event.body.get("exemption")
        if not isinstance(exemption_id, str):
            raise _unreadable(event)
        tx.execute("INSERT INTO exemption_revoked (event, id) VALUES (?, ?)", [event.id, exemption_id])
        return
    texts = {key: event.body.get(key) for key in ("of", "target", "justification", "requester", "until")}
    # Only a person grants, and never for longer than an exemption lasts, whoever made the event.
    if not all(isinstance(text, str) for text in texts.values()) or event.actor.get("via") != "cli":
        raise _unreadable(event)
    try:
        at = datetime.fromisoformat(event.at)
        until = datetime.fromisoformat(event.body["until"]).astimezone(UTC)
        rule, effect = check_request(event.body["of"], event.body["target"], event.body["justification"], until - at)
    except (AgentOpsError, ValueError, OverflowError) as error:
        raise _unreadable(event) from error
    tx.execute(
        "INSERT INTO exemption (id, rule, effect, target, justification, requester, granted_by, at, until) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [event.id, rule, effect, event.body["target"], event.body["justification"], event.body["requester"],
         event.actor["user"], event.at, until.isoformat(timespec="microseconds")],
    )  # fmt: skip


def _unreadable(event: Event) -> IntegrityError:
    return IntegrityError(f"{event.id} is not readable as {event.kind}.", remedy="`agentops-mcp show` prints it.")


VIEW = View(
    schema=_SCHEMA, tables=("exemption", "exemption_revoked"), kinds=frozenset({GRANTED, REVOKED}), apply=_apply
)

_QUERY = (
    "SELECT e.id, e.rule, e.effect, e.target, e.justification, e.requester, e.granted_by, e.at, e.until, "
    "EXISTS (SELECT 1 FROM exemption_revoked r WHERE r.id = e.id) FROM exemption e"
)


def until_after(tx: Transaction, at: str) -> list[Exemption]:
    """The exemptions that no one revoked and that end after an instant, the oldest first."""
    rows = tx.execute(f"{_QUERY} WHERE e.until > ? ORDER BY e.id", [at])
    return [each for each in map(_of, rows) if not each.revoked]


def every(tx: Transaction, *, limit: int) -> list[Exemption]:
    """The newest exemptions, newest first, also those that ended."""
    return [_of(row) for row in tx.execute(f"{_QUERY} ORDER BY e.id DESC LIMIT ?", [limit])]


def find(tx: Transaction, exemption_id: str) -> Exemption | None:
    """One exemption."""
    rows = tx.execute(f"{_QUERY} WHERE e.id = ?", [exemption_id])
    return _of(rows[0]) if rows else None


def _of(row: Row) -> Exemption:
    identifier, rule, effect, target, justification, requester, granted_by, at, until, revoked = row
    return Exemption(
        identifier, rule, effect, target, justification, requester, granted_by, datetime.fromisoformat(at),
        datetime.fromisoformat(until), bool(revoked),
    )  # fmt: skip
