"""Rows of checks: what was decided about which action, and how often each rule fired, would have, or was exempted.

A check that allowed is telemetry and stays here; one that asked or denied, or that a person's word let pass, is a
decision and is tracked. The table keeps the newest `KEPT` actions; the counts go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.incidents import effects_of
from agentops_mcp.factors.guardrails.rules.verdicts import DECISIONS, Decision
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

CHECKED = "guard.checked"
STREAM = "guard/checks"
KEPT = 5_000

Use = Literal["fired", "shadowed", "exempted"]
USES: tuple[Use, ...] = get_args(Use)

_SCHEMA = MigrationSet(
    "guard_checks",
    (
        Migration(
            "checked actions and the use of rules",
            (
                "CREATE TABLE guard_check (seq INTEGER PRIMARY KEY, action TEXT NOT NULL)",
                "CREATE INDEX guard_check_by_action ON guard_check (action, seq)",
                """
                CREATE TABLE guard_rule_use (
                    rule TEXT NOT NULL, used TEXT NOT NULL, n INTEGER NOT NULL, last_at TEXT NOT NULL,
                    PRIMARY KEY (rule, used)
                )
                """,
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check. Texts are without secrets, paths begin with `.` for the project and `~` for the home folder."""

    action: str
    """The action's digest, as the reply of check_action names it."""

    tool: str
    signature: str
    shown: str
    command: str
    decision: Decision
    effects: tuple[Effect, ...] = ()
    target: str = ""
    """Whom the action depends on, as `breakers.target_of` says."""

    fired: tuple[str, ...] = ()
    shadowed: tuple[str, ...] = ()
    exempted: tuple[tuple[str, str], ...] = ()
    """Each rule that was let pass, and by what: an exemption's id, `approval/ID` or `grant/ID`."""


def checked(check: Checked, *, session: str | None) -> Draft:
    """The event of a check."""
    body = {
        "action": check.action, "tool": check.tool, "signature": check.signature, "shown": check.shown,
        "command": check.command, "decision": check.decision, "target": check.target,
        "effects": [[each.kind, each.target, each.place] for each in check.effects],
        "fired": list(check.fired), "shadowed": list(check.shadowed),
        "exempted": [list(each) for each in check.exempted],
    }  # fmt: skip
    tracked = check.decision != "allow" or bool(check.exempted)
    return Draft(STREAM, CHECKED, body, tracked=tracked, session=session)


def checked_of(event: Event) -> Checked:
    """The check an event recorded.

    Raises:
        IntegrityError: its body is not that of a check.
    """
    body = event.body
    try:
        texts = {key: _text(body[key]) for key in ("action", "tool", "signature", "shown", "command", "target")}
        return Checked(
            decision=DECISIONS[DECISIONS.index(body["decision"])], effects=effects_of(body["effects"]),
            fired=_texts(body["fired"]), shadowed=_texts(body["shadowed"]),
            exempted=tuple((_text(rule), _text(by)) for rule, by in body["exempted"]), **texts,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"{event.id} is not a readable check.", remedy="`agentops-mcp show` prints it.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("a list was expected")
    return tuple(_text(each) for each in cast("list[object]", value))


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    check = checked_of(event)
    tx.execute("INSERT INTO guard_check (seq, action) VALUES (?, ?)", [seq, check.action])
    tx.execute(
        "DELETE FROM guard_check WHERE seq <= (SELECT seq FROM guard_check ORDER BY seq DESC LIMIT 1 OFFSET ?)", [KEPT]
    )
    exempted = tuple(rule for rule, _ in check.exempted)
    fired = tuple(rule for rule in check.fired if rule not in exempted)
    for used, rules in zip(USES, (fired, check.shadowed, exempted), strict=True):
        for rule in dict.fromkeys(rules):
            tx.execute(
                "INSERT INTO guard_rule_use (rule, used, n, last_at) VALUES (?, ?, 1, ?) ON CONFLICT (rule, used) "
                "DO UPDATE SET n = guard_rule_use.n + 1, last_at = CASE WHEN excluded.last_at > "
                "guard_rule_use.last_at THEN excluded.last_at ELSE guard_rule_use.last_at END",
                [rule, used, event.at],
            )


VIEW = View(schema=_SCHEMA, tables=("guard_check", "guard_rule_use"), kinds=frozenset({CHECKED}), apply=_apply)


def newest(tx: Transaction, action: str) -> tuple[Event, Checked] | None:
    """The newest check of an action, by its digest."""
    columns = ", ".join(f"e.{column}" for column in EVENT_COLUMNS.split(", "))
    query = (
        f"SELECT {columns} FROM guard_check c JOIN event e ON e.seq = c.seq WHERE c.action = ? "
        "ORDER BY c.seq DESC LIMIT 1"
    )
    rows = tx.execute(query, [action])
    if not rows:
        return None
    event = read_event(rows[0])
    return event, checked_of(event)


@dataclass(frozen=True, slots=True)
class RuleUse:
    """How often a rule was met in checks of this database: it fired, would have, or was exempted."""

    rule: str
    fired: int = 0
    shadowed: int = 0
    exempted: int = 0
    last_at: str = ""


def uses(tx: Transaction, rules: Sequence[str] = ()) -> dict[str, RuleUse]:
    """The use of these rules, or of all."""
    found: dict[str, RuleUse] = {}
    wanted = frozenset(rules)
    for rule, used, n, last_at in tx.execute("SELECT rule, used, n, last_at FROM guard_rule_use ORDER BY rule, used"):
        if wanted and rule not in wanted:
            continue
        before = found.get(rule, RuleUse(rule))
        counts = {"fired": before.fired, "shadowed": before.shadowed, "exempted": before.exempted, used: n}
        found[rule] = RuleUse(rule, **counts, last_at=max(before.last_at, last_at))
    return found
