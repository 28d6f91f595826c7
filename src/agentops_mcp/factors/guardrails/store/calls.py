"""Rows of calls that were made: the newest of them, and how the breaker of each target stands.

Calls are telemetry: their events are local. The table keeps the newest `KEPT`, which is all that the checks look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.guardrails.rules.breakers import Breaker
from agentops_mcp.factors.guardrails.rules.spirals import Past
from agentops_mcp.storage.database import Row, Transaction, Value
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

CALLED, PROBED = "guard.called", "guard.probed"
STREAM = "guard/calls"
KEPT = 5_000

_SCHEMA = MigrationSet(
    "guard_calls",
    (
        Migration(
            "calls and breakers",
            (
                """
                CREATE TABLE guard_call (
                    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, session TEXT, tool TEXT NOT NULL,
                    signature TEXT NOT NULL, shown TEXT NOT NULL, target TEXT NOT NULL, ok INTEGER NOT NULL,
                    error TEXT NOT NULL, once TEXT NOT NULL
                )
                """,
                "CREATE INDEX guard_call_by_session ON guard_call (session, at)",
                "CREATE INDEX guard_call_by_signature ON guard_call (signature, at)",
                "CREATE INDEX guard_call_by_once ON guard_call (once)",
                "CREATE INDEX guard_call_by_time ON guard_call (at)",
                """
                CREATE TABLE guard_breaker (
                    target TEXT PRIMARY KEY, failures INTEGER NOT NULL, failed_at TEXT NOT NULL, ok_at TEXT NOT NULL,
                    probed_at TEXT NOT NULL
                )
                """,
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it is kept; `once` tells it from every other call where the same report may arrive twice."""

    at: str
    """When it was made: UTC, ISO 8601 with microseconds."""

    tool: str
    signature: str
    shown: str
    ok: bool
    error: str = ""
    target: str = ""
    session: str | None = None
    once: str = ""


def called(call: Call) -> Draft:
    """The event of a call."""
    body = {
        "at": call.at, "tool": call.tool, "signature": call.signature, "shown": call.shown, "ok": call.ok,
        "error": call.error, "target": call.target, "once": call.once,
    }  # fmt: skip
    return Draft(STREAM, CALLED, body, tracked=False, session=call.session)


def probed(target: str, *, session: str | None) -> Draft:
    """The event of a probe. Its stream is the target's own: whoever moves it first has the probe."""
    return Draft(probe_stream(target), PROBED, {"target": target}, tracked=False, session=session)


def probe_stream(target: str) -> str:
    """Where the probes of a target go."""
    return f"breaker/{target}"


def call_of(event: Event) -> Call:
    """The call an event recorded.

    Raises:
        IntegrityError: its body is not that of a call.
    """
    body = event.body
    texts = [body.get(key) for key in ("at", "tool", "signature", "shown", "error", "target", "once")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(body.get("ok"), bool):
        raise _unreadable(event)
    return Call(
        at=_instant(event), tool=body["tool"], signature=body["signature"], shown=body["shown"], ok=body["ok"],
        error=body["error"], target=body["target"], session=event.session, once=body["once"],
    )  # fmt: skip


def _instant(event: Event) -> str:
    try:
        return datetime.fromisoformat(event.body["at"]).astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        raise _unreadable(event) from error


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    if event.kind == PROBED:
        target = event.body.get("target")
        if not isinstance(target, str):
            raise _unreadable(event)
        tx.execute("UPDATE guard_breaker SET probed_at = ? WHERE target = ?", [event.at, target])
        return
    call = call_of(event)
    tx.execute(
        "INSERT INTO guard_call (seq, at, session, tool, signature, shown, target, ok, error, once) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [seq, call.at, call.session, call.tool, call.signature, call.shown, call.target, int(call.ok), call.error,
         call.once],
    )  # fmt: skip
    tx.execute(
        "DELETE FROM guard_call WHERE seq <= (SELECT seq FROM guard_call ORDER BY seq DESC LIMIT 1 OFFSET ?)", [KEPT]
    )
    if call.target:
        _apply_to_breaker(tx, call)


def _apply_to_breaker(tx: Transaction, call: Call) -> None:
    # Reports arrive late and out of order: a failure before the last success, or a success before the last failure,
    # says nothing of how the target is now.
    if call.ok:
        tx.execute(
            "UPDATE guard_breaker SET failures = 0, ok_at = ?, probed_at = '' WHERE target = ? AND failed_at <= ?",
            [call.at, call.target, call.at],
        )
        return
    tx.execute(
        "INSERT INTO guard_breaker (target, failures, failed_at, ok_at, probed_at) VALUES (?, 1, ?, '', '') "
        "ON CONFLICT (target) DO UPDATE SET failures = guard_breaker.failures + 1, "
        "failed_at = CASE WHEN excluded.failed_at > guard_breaker.failed_at THEN excluded.failed_at "
        "ELSE guard_breaker.failed_at END, "
        "probed_at = CASE WHEN excluded.failed_at >= guard_breaker.probed_at THEN '' ELSE guard_breaker.probed_at END "
        "WHERE excluded.failed_at > guard_breaker.ok_at",
        [call.target, call.at],
    )


def _unreadable(event: Event) -> IntegrityError:
    return IntegrityError(f"{event.id} is not readable as {event.kind}.", remedy="`agentops-mcp show` prints it.")


VIEW = View(schema=_SCHEMA, tables=("guard_call", "guard_breaker"), kinds=frozenset({CALLED, PROBED}), apply=_apply)

_PAST = "at, tool, signature, shown, ok, error, session, seq"


def of_session(tx: Transaction, session: str | None, *, limit: int) -> list[Past]:
    """The newest calls of a session, or of no session, in the order in which they were made."""
    condition, parameters = ("session = ?", [session]) if session else ("session IS NULL", [])
    return _past(tx, condition, [*parameters, limit])


def of_signature(tx: Transaction, signature: str, *, since: str, limit: int) -> list[Past]:
    """The newest equal calls of every session since an instant, in the order in which they were made."""
    return _past(tx, "signature = ? AND at >= ?", [signature, since, limit])


def _past(tx: Transaction, condition: str, parameters: Sequence[Value]) -> list[Past]:
    query = f"SELECT {_PAST} FROM guard_call WHERE {condition} ORDER BY at DESC, seq DESC LIMIT ?"
    return [_past_of(row) for row in reversed(tx.execute(query, parameters))]


def _past_of(row: Row) -> Past:
    at, tool, signature, shown, ok, error, session, seq = row
    return Past(datetime.fromisoformat(at), tool, signature, shown, bool(ok), error, session, seq)


def succeeded_since(tx: Transaction, signature: str, at: str) -> bool:
    """Whether an equal call succeeded later than an instant."""
    query = "SELECT 1 FROM guard_call WHERE signature = ? AND ok = 1 AND at > ? LIMIT 1"
    return bool(tx.execute(query, [signature, at]))


def succeeded(tx: Transaction, *, tool: str, limit: int) -> list[tuple[str, str]]:
    """Signature and text of the newest different calls of a tool that succeeded."""
    query = (
        "SELECT signature, MIN(shown) FROM guard_call WHERE tool = ? AND ok = 1 "
        "GROUP BY signature ORDER BY MAX(seq) DESC LIMIT ?"
    )
    return [(signature, shown) for signature, shown in tx.execute(query, [tool, limit])]


def any_of_session(tx: Transaction, session: str) -> bool:
    """Whether a session made a call that is still at hand."""
    return bool(tx.execute("SELECT 1 FROM guard_call WHERE session = ? LIMIT 1", [session]))


def any_since(tx: Transaction, at: str) -> bool:
    """Whether a call that is still at hand was made since an instant."""
    return bool(tx.execute("SELECT 1 FROM guard_call WHERE at >= ? LIMIT 1", [at]))


def known_once(tx: Transaction, keys: Sequence[str]) -> set[str]:
    """Those of these reports that were kept before."""
    return {key for key in keys if tx.execute("SELECT 1 FROM guard_call WHERE once = ? LIMIT 1", [key])}


def breaker(tx: Transaction, target: str) -> Breaker:
    """What is known of a target."""
    rows = tx.execute("SELECT failures, failed_at, probed_at FROM guard_breaker WHERE target = ?", [target])
    if not rows:
        return Breaker()
    failures, failed_at, probed_at = rows[0]
    return Breaker(
        failures, datetime.fromisoformat(failed_at), datetime.fromisoformat(probed_at) if probed_at else None
    )
