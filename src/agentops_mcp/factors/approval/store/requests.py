"""Rows of requests: what was asked, what was decided about it, and everything else that happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import NotFoundError
from agentops_mcp.core.records import Event
from agentops_mcp.factors.approval.rules.standing import DECISIONS, Decided, fold, strength_of
from agentops_mcp.factors.approval.rules.subjects import Subject
from agentops_mcp.factors.approval.store.request_events import (
    DECIDED,
    ESCALATED,
    EXPIRED,
    FACTS,
    REFUSED,
    REQUESTED,
    SHOWN,
    USED,
    VOUCHED,
    Request,
    instant,
    iso,
    request_of,
    text,
    unreadable,
)
from agentops_mcp.storage.database import Row, Transaction, Value
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

_AFTER_ALL = "g"
"""What sorts after every id, which is hexadecimal, in whatever order the database sorts."""

_SCHEMA = MigrationSet(
    "approvals",
    (
        Migration(
            "requests, decisions, and what else happened",
            (
                """
                CREATE TABLE approval (
                    id TEXT PRIMARY KEY, open INTEGER NOT NULL, origin TEXT NOT NULL, same TEXT NOT NULL,
                    digest TEXT NOT NULL, action TEXT NOT NULL, kind TEXT NOT NULL, severity TEXT NOT NULL,
                    floor TEXT NOT NULL, need TEXT NOT NULL, requester TEXT NOT NULL, session TEXT,
                    summary TEXT NOT NULL, words TEXT NOT NULL, requested_at TEXT NOT NULL,
                    escalates_at TEXT NOT NULL, expires_at TEXT NOT NULL
                )
                """,
                "CREATE INDEX approval_open ON approval (open, id)",
                "CREATE INDEX approval_same ON approval (same, open, id)",
                "CREATE INDEX approval_by_digest ON approval (digest, id)",
                "CREATE INDEX approval_by_action ON approval (action, id)",
                """
                CREATE TABLE approval_decision (
                    event TEXT PRIMARY KEY, approval TEXT NOT NULL, decision TEXT NOT NULL, decided_by TEXT NOT NULL,
                    strength TEXT NOT NULL, at TEXT NOT NULL, feedback TEXT NOT NULL, origin TEXT NOT NULL,
                    shown_ms BIGINT
                )
                """,
                "CREATE INDEX approval_decision_by_approval ON approval_decision (approval, event)",
                "CREATE TABLE approval_vouched (event TEXT PRIMARY KEY, vouched TEXT NOT NULL, origin TEXT NOT NULL)",
                "CREATE INDEX approval_vouched_for ON approval_vouched (vouched, origin)",
                """
                CREATE TABLE approval_fact (
                    event TEXT PRIMARY KEY, approval TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
                    who TEXT NOT NULL, note TEXT NOT NULL
                )
                """,
                "CREATE INDEX approval_fact_by_approval ON approval_fact (approval, kind, event)",
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a request, beside its decisions."""

    event: str
    kind: str
    at: datetime
    who: str
    note: str


@dataclass(frozen=True, slots=True)
class Line:
    """A request in a list: what is shown without reading it whole."""

    id: str
    summary: str
    kind: str
    severity: str
    floor: str
    requester: str
    requested_at: datetime
    expires_at: datetime
    identical: int
    """Open requests for the same action, this one among them."""


def _apply(tx: Transaction, seq: int, event: Event) -> None:  # noqa: ARG001 - a view's signature
    if event.kind == REQUESTED:
        _apply_request(tx, request_of(event))
        return
    approval = event.body.get("approval")
    if not isinstance(approval, str):
        raise unreadable(event)
    if event.kind == DECIDED:
        _apply_decision(tx, approval, event)
    elif event.kind == VOUCHED:
        _apply_vouching(tx, event)
    else:
        try:
            who, note = text(event.body["who"]), text(event.body["note"])
        except (KeyError, TypeError) as error:
            raise unreadable(event) from error
        tx.execute(
            "INSERT INTO approval_fact (event, approval, kind, at, who, note) VALUES (?, ?, ?, ?, ?, ?)",
            [event.id, approval, event.kind, event.at, who, note],
        )
    if event.kind not in (SHOWN, REFUSED):
        _reopen(tx, approval)


def _apply_request(tx: Transaction, request: Request) -> None:
    subject, proposal = request.subject, request.proposal
    words = " ".join([subject.text[:2_000], proposal.summary, proposal.changes, proposal.task, request.requester,
                      *(each.rule for each in subject.findings)])  # fmt: skip
    values: list[Value] = [
        request.id, 1, request.origin, same(subject), request.digest, subject.action, subject.kind, subject.severity,
        request.floor, request.need, request.requester, request.session,
        gist(proposal.summary or subject.text, limit=200), words.lower(), iso(request.at), iso(request.escalates_at),
        iso(request.expires_at),
    ]  # fmt: skip
    marks = ", ".join("?" for _ in values)
    tx.execute(f"INSERT INTO approval ({_COLUMNS}) VALUES ({marks})", values)
    _reopen(tx, request.id)  # what was decided about it may have arrived before it


def _apply_decision(tx: Transaction, approval: str, event: Event) -> None:
    body, strength = event.body, strength_of(event.actor["via"])
    by, feedback, shown = body.get("by"), body.get("feedback"), body.get("shown_ms")
    readable = isinstance(by, str) and isinstance(feedback, str) and (shown is None or type(shown) is int)
    if not readable or body.get("decision") not in DECISIONS or strength is None:
        raise unreadable(event)
    tx.execute(
        "INSERT INTO approval_decision (event, approval, decision, decided_by, strength, at, feedback, origin, "
        "shown_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [event.id, approval, body["decision"], by, strength, event.at, feedback, event.origin, shown],
    )


def _apply_vouching(tx: Transaction, event: Event) -> None:
    vouched = event.body.get("of")
    if not isinstance(vouched, str) or event.tracked:
        raise unreadable(event)
    tx.execute(
        "INSERT INTO approval_vouched (event, vouched, origin) VALUES (?, ?, ?)", [event.id, vouched, event.origin]
    )


def _reopen(tx: Transaction, approval: str) -> None:
    """Say anew whether a request is open: nothing but time ends it then."""
    rows = tx.execute("SELECT floor, requester, requested_at, expires_at FROM approval WHERE id = ?", [approval])
    if not rows:
        return
    floor, requester, at, expires = rows[0]
    ended = tx.execute(
        "SELECT 1 FROM approval_fact WHERE approval = ? AND kind IN (?, ?) LIMIT 1", [approval, USED, EXPIRED]
    )
    found = fold(
        decisions_of(tx, approval, origin=None), floor=floor, requester=requester, expires_at=instant(expires),
        used=False, now=instant(at), lasts_s=0,
    )  # fmt: skip
    is_open = not ended and found.status == "pending"
    tx.execute("UPDATE approval SET open = ? WHERE id = ?", [int(is_open), approval])


def same(subject: Subject) -> str:
    """What identical requests share, whoever made them."""
    return f"{subject.action} {subject.cwd}"


_COLUMNS = (
    "id, open, origin, same, digest, action, kind, severity, floor, need, requester, session, summary, words, "
    "requested_at, escalates_at, expires_at"
)

VIEW = View(
    schema=_SCHEMA, tables=("approval", "approval_decision", "approval_vouched", "approval_fact"),
    kinds=frozenset({REQUESTED, DECIDED, VOUCHED, *FACTS}), apply=_apply,
)  # fmt: skip


def find(tx: Transaction, approval: str) -> Request | None:
    """One request, whole."""
    rows = tx.execute(f"SELECT {EVENT_COLUMNS} FROM event WHERE id = ? AND kind = ?", [approval, REQUESTED])
    return request_of(read_event(rows[0])) if rows else None


def complete(tx: Transaction, prefix: str, *, limit: int = 2) -> list[str]:
    """Ids that begin or end with what a person typed."""
    rows = tx.execute(
        "SELECT id FROM approval WHERE (id >= ? AND id < ?) OR id LIKE ? ESCAPE '!' ORDER BY id DESC LIMIT ?",
        [prefix, prefix + _AFTER_ALL, f"%{_like(prefix)}", limit],
    )
    return [row[0] for row in rows]


def decisions_of(tx: Transaction, approval: str, *, origin: str | None) -> list[Decided]:
    """The decisions about a request in the order they were given, as the database `origin` sees them, or any."""
    rows = tx.execute(
        "SELECT d.event, d.decision, d.decided_by, d.strength, d.at, d.feedback, EXISTS (SELECT 1 FROM "
        "approval_vouched v WHERE v.vouched = d.event AND (v.origin = ? OR ? = '')) FROM approval_decision d "
        "WHERE d.approval = ? ORDER BY d.event",
        [origin or "", origin or "", approval],
    )
    return [
        Decided(event, decision, by, strength, instant(at), feedback, here=bool(vouched))
        for event, decision, by, strength, at, feedback, vouched in rows
    ]


def is_vouched(tx: Transaction, event: str, *, origin: str) -> bool:
    """Whether the database `origin` took a request or a decision itself."""
    return bool(tx.execute("SELECT 1 FROM approval_vouched WHERE vouched = ? AND origin = ?", [event, origin]))


def facts_of(tx: Transaction, approval: str, *kinds: str) -> list[Fact]:
    """What else happened, in order; of some kinds only when they are given."""
    wanted = kinds or FACTS
    marks = ", ".join("?" for _ in wanted)
    rows = tx.execute(
        f"SELECT event, kind, at, who, note FROM approval_fact WHERE approval = ? AND kind IN ({marks}) ORDER BY event",
        [approval, *wanted],
    )
    return [Fact(event, kind, instant(at), who, note) for event, kind, at, who, note in rows]


def open_lines(tx: Transaction, *, now: datetime, limit: int, after: str = "") -> list[Line]:
    """Open requests that have not expired, the one that waits longest first; after an id when it is given.

    Of identical ones only the first is there, with their number.
    """
    rows = tx.execute(
        f"SELECT {_LINE}, (SELECT COUNT(*) FROM approval s WHERE s.same = a.same AND s.open = 1 AND s.expires_at > ?) "
        "FROM approval a WHERE a.open = 1 AND a.expires_at > ? AND a.id > ? AND NOT EXISTS (SELECT 1 FROM approval b "
        "WHERE b.same = a.same AND b.open = 1 AND b.expires_at > ? AND b.id < a.id) ORDER BY a.id LIMIT ?",
        [iso(now), iso(now), after, iso(now), limit],
    )
    return [_line(row) for row in rows]


def count_open(tx: Transaction, *, now: datetime) -> int:
    """How many requests wait for a person."""
    return tx.execute("SELECT COUNT(*) FROM approval WHERE open = 1 AND expires_at > ?", [iso(now)])[0][0]


def identical(tx: Transaction, request: Request, *, now: datetime) -> list[str]:
    """The other open requests for the same action."""
    rows = tx.execute(
        "SELECT id FROM approval WHERE same = ? AND open = 1 AND expires_at > ? AND id <> ? ORDER BY id",
        [same(request.subject), iso(now), request.id],
    )
    return [row[0] for row in rows]


def newest_by_digest(tx: Transaction, digest: str) -> str | None:
    """The newest request of this binding, whatever became of it."""
    rows = tx.execute("SELECT id FROM approval WHERE digest = ? ORDER BY id DESC LIMIT 1", [digest])
    return rows[0][0] if rows else None


def history(tx: Transaction, *, words: Sequence[str] = (), limit: int, before: str = "") -> list[Line]:
    """Requests of any status, newest first, with all of these words in them; before an id when it is given."""
    conditions = "".join(" AND a.words LIKE ? ESCAPE '!'" for _ in words)
    rows = tx.execute(
        f"SELECT {_LINE}, 1 FROM approval a WHERE a.id < ?{conditions} ORDER BY a.id DESC LIMIT ?",
        [before or _AFTER_ALL, *(f"%{_like(word.lower())}%" for word in words), limit],
    )
    return [_line(row) for row in rows]


def due(tx: Transaction, *, now: datetime, limit: int) -> tuple[list[str], list[str]]:
    """The open requests that expired, and those that are to be escalated and were not."""
    at = iso(now)
    expired = tx.execute("SELECT id FROM approval WHERE open = 1 AND expires_at <= ? ORDER BY id LIMIT ?", [at, limit])
    escalated = tx.execute(
        "SELECT a.id FROM approval a WHERE a.open = 1 AND a.escalates_at <= ? AND a.expires_at > ? AND NOT EXISTS "
        "(SELECT 1 FROM approval_fact f WHERE f.approval = a.id AND f.kind = ?) ORDER BY a.id LIMIT ?",
        [at, at, ESCALATED, limit],
    )
    return [row[0] for row in expired], [row[0] for row in escalated]


def taken(tx: Transaction, *, since: datetime) -> list[tuple[str, int | None]]:
    """Decisions since an instant, and the milliseconds between their being shown and given where that is known."""
    rows = tx.execute("SELECT decision, shown_ms FROM approval_decision WHERE at >= ? ORDER BY event", [iso(since)])
    return [(decision, shown) for decision, shown in rows]


def last_change(tx: Transaction) -> tuple[str, str, str]:
    """Something that differs whenever any request changed: the newest request, decision and fact."""
    rows = tx.execute(
        "SELECT (SELECT MAX(id) FROM approval), (SELECT MAX(event) FROM approval_decision), "
        "(SELECT MAX(event) FROM approval_fact)"
    )
    newest: Any = rows[0]
    return newest[0] or "", newest[1] or "", newest[2] or ""


def need(request: Request | None, approval: str) -> Request:
    """The request, which must be there.

    Raises:
        NotFoundError: it is not.
    """
    if request is None:
        raise NotFoundError(
            f"No approval has the id {gist(approval, limit=60)!r}.", remedy="`agentops-mcp approvals` lists them."
        )
    return request


_LINE = "a.id, a.summary, a.kind, a.severity, a.floor, a.requester, a.requested_at, a.expires_at"


def _line(row: Row) -> Line:
    approval, summary, kind, severity, floor, requester, at, expires, count = row
    return Line(approval, summary, kind, severity, floor, requester, instant(at), instant(expires), count)


def _like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
