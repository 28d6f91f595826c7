"""Rows of learned rules: what was drafted from which incidents, and what people decided about each.

A rule's id is made from what it says, so two clones that draft the same rule have one. A decision counts the decisions
it was made on (`turn`): the last one stands. Where two clones decided apart, the one that does not enable stands.
"""

from dataclasses import dataclass, replace
from typing import cast

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event, Json
from agentops_mcp.factors.guardrails.rules.learned import STATES, Learned, State, from_body, to_body
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

DRAFTED, DECIDED = "rule.drafted", "rule.decided"

_SCHEMA = MigrationSet(
    "learned_rules",
    (
        Migration(
            "drafts and decisions",
            (
                """
                CREATE TABLE learned_rule (
                    event TEXT PRIMARY KEY, rule TEXT NOT NULL, at TEXT NOT NULL, incident TEXT NOT NULL,
                    body TEXT NOT NULL
                )
                """,
                "CREATE INDEX learned_rule_by_rule ON learned_rule (rule, event)",
                """
                CREATE TABLE learned_decision (
                    rule TEXT PRIMARY KEY, rank TEXT NOT NULL, turn INTEGER NOT NULL, state TEXT NOT NULL,
                    reason TEXT NOT NULL, by_user TEXT NOT NULL, at TEXT NOT NULL
                )
                """,
            ),
        ),
    ),
)

_MOST_TURNS = 10**6


@dataclass(frozen=True, slots=True)
class Row:
    """A learned rule as it stands."""

    learned: Learned
    state: State
    incidents: tuple[str, ...]
    drafted_at: str
    turn: int = 0
    reason: str = ""
    by: str = ""
    decided_at: str = ""


def stream(rule: str) -> str:
    """Where the events of a rule go."""
    return f"rule/{rule}"


def drafted(learned: Learned, *, incident: str, session: str | None) -> Draft:
    """The event of a candidate."""
    body = {"incident": incident, "rule": to_body(learned)}
    return Draft(stream(learned.id), DRAFTED, body, session=session)


def decided(rule: str, state: State, *, reason: str, turn: int) -> Draft:
    """The event of what a person decided about a rule."""
    return Draft(stream(rule), DECIDED, {"rule": rule, "to": state, "reason": reason, "turn": turn})


def _apply(tx: Transaction, seq: int, event: Event) -> None:  # noqa: ARG001 - a view's signature
    if event.kind == DRAFTED:
        _apply_drafted(tx, event)
    else:
        _apply_decided(tx, event)


def _apply_drafted(tx: Transaction, event: Event) -> None:
    learned, incident = _learned_of(event), event.body.get("incident")
    if not isinstance(incident, str) or event.stream != stream(learned.id):
        raise _unreadable(event)
    tx.execute(
        "INSERT INTO learned_rule (event, rule, at, incident, body) VALUES (?, ?, ?, ?, ?)",
        [event.id, learned.id, event.at, incident, _as_text(learned)],
    )


def _apply_decided(tx: Transaction, event: Event) -> None:
    rule, to, reason, turn = (event.body.get(key) for key in ("rule", "to", "reason", "turn"))
    is_turn = type(turn) is int and 0 < turn < _MOST_TURNS
    # Only a person decides; an event that says otherwise was not made by this program.
    if not isinstance(rule, str) or to not in STATES[1:] or not isinstance(reason, str) or not is_turn:
        raise _unreadable(event)
    if event.actor.get("via") != "cli":
        raise _unreadable(event)
    rank = f"{turn:07d}{0 if to == 'enabled' else 1}{event.id}"
    tx.execute(
        "INSERT INTO learned_decision (rule, rank, turn, state, reason, by_user, at) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (rule) DO UPDATE SET rank = excluded.rank, turn = excluded.turn, state = excluded.state, "
        "reason = excluded.reason, by_user = excluded.by_user, at = excluded.at "
        "WHERE excluded.rank > learned_decision.rank",
        [rule, rank, turn, to, reason, event.actor["user"], event.at],
    )


def _learned_of(event: Event) -> Learned:
    body: object = event.body.get("rule")
    try:
        return from_body(cast("Json", body) if isinstance(body, dict) else {})
    except ValueError as error:
        raise _unreadable(event) from error


def _as_text(learned: Learned) -> str:
    import json

    return json.dumps(to_body(learned), ensure_ascii=False)


def _from_text(text: str) -> Learned:
    import json

    return from_body(json.loads(text))


def _unreadable(event: Event) -> IntegrityError:
    return IntegrityError(f"{event.id} is not readable as {event.kind}.", remedy="`agentops-mcp show` prints it.")


VIEW = View(
    schema=_SCHEMA, tables=("learned_rule", "learned_decision"), kinds=frozenset({DRAFTED, DECIDED}), apply=_apply
)


def every(tx: Transaction) -> list[Row]:
    """Every learned rule by its id, with the regression examples of all its drafts."""
    rows: dict[str, Row] = {}
    for rule, at, incident, body in tx.execute("SELECT rule, at, incident, body FROM learned_rule ORDER BY event"):
        drafted = _from_text(body)
        known = rows.get(rule, Row(drafted, "shadow", (), at))
        hits = tuple(dict.fromkeys((*known.learned.hits, *drafted.hits)))
        incidents = tuple(dict.fromkeys((*known.incidents, incident)))
        rows[rule] = replace(known, learned=known.learned._replace(hits=hits), incidents=incidents)
    query = "SELECT rule, state, turn, reason, by_user, at FROM learned_decision"
    for rule, state, turn, reason, by, at in tx.execute(query):
        if rule in rows:
            rows[rule] = replace(rows[rule], state=state, turn=turn, reason=reason, by=by, decided_at=at)
    return [rows[rule] for rule in sorted(rows)]


def find(tx: Transaction, rule: str) -> Row | None:
    """One learned rule; None when there is none of this id."""
    return next((row for row in every(tx) if row.learned.id == rule), None)
