"""Rows of what was used: one for each charge, so that a budget of the last days can be added up."""

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.guardrails.rules.budgets import MEASURES, MOST, Amounts, Used
from agentops_mcp.storage.database import Transaction, Value
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

CHARGED = "budget.charged"

_SCHEMA = MigrationSet(
    "guard_charges",
    (
        Migration(
            "charges",
            (
                # A measure that was not told is NULL. A total takes the place of what its session was charged before:
                # the row holds the difference, which may be negative.
                """
                CREATE TABLE guard_charge (
                    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, session TEXT, tokens INTEGER, cost_micros INTEGER,
                    duration_ms INTEGER, retries INTEGER
                )
                """,
                "CREATE INDEX guard_charge_by_session ON guard_charge (session)",
                "CREATE INDEX guard_charge_by_time ON guard_charge (at)",
            ),
        ),
        Migration("runs", ("ALTER TABLE guard_charge ADD COLUMN runs INTEGER",)),
    ),
)


def charged(amounts: Amounts, *, session: str | None, total: bool) -> Draft:
    """The event of a charge; with `total` the amounts are those of the whole session so far."""
    body = {**amounts._asdict(), "total": total}
    return Draft(f"budget/{session or 'project'}", CHARGED, body, tracked=False, session=session)


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    amounts = _amounts_of(event)
    if event.body["total"] and event.session:
        amounts = _settled(tx, event.session, amounts)
    if amounts.runs is None:
        amounts = amounts._replace(runs=0 if event.body["total"] else 1)
    tx.execute(
        f"INSERT INTO guard_charge (seq, at, session, {', '.join(MEASURES)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [seq, event.at, event.session, *amounts],
    )


def _settled(tx: Transaction, session: str, totals: Amounts) -> Amounts:
    """The difference to what was charged before, for a measure whose total is told; its unknown parts are settled.

    A measure whose total is not told adds nothing, and what was unknown of it stays so.
    """
    before = _used(tx, "session = ?", [session]).amounts
    rest: dict[str, int | None] = {}
    for name in MEASURES:
        total = getattr(totals, name)
        if total is not None:
            tx.execute(f"UPDATE guard_charge SET {name} = 0 WHERE session = ? AND {name} IS NULL", [session])
        rest[name] = 0 if total is None else total - getattr(before, name)
    return Amounts(**rest)


def _amounts_of(event: Event) -> Amounts:
    body = event.body
    values = [body.get(name) for name in MEASURES]
    if not isinstance(body.get("total"), bool) or not all(
        value is None or (type(value) is int and 0 <= value <= MOST) for value in values
    ):
        raise IntegrityError(f"{event.id} is not a readable charge.", remedy="`agentops-mcp show` prints it.")
    return Amounts(*values)


VIEW = View(schema=_SCHEMA, tables=("guard_charge",), kinds=frozenset({CHARGED}), apply=_apply)


def of_session(tx: Transaction, session: str) -> Used:
    """What a session used."""
    return _used(tx, "session = ?", [session])


def since(tx: Transaction, at: str) -> Used:
    """What the project used since an instant."""
    return _used(tx, "at >= ?", [at])


def _used(tx: Transaction, condition: str, parameters: list[Value]) -> Used:
    # CAST: PostgreSQL adds integers up to a decimal.
    sums = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT), COUNT({name})" for name in MEASURES)
    ((rows, *found),) = tx.execute(f"SELECT COUNT(*), {sums} FROM guard_charge WHERE {condition}", parameters)
    unknown = frozenset(name for name, told in zip(MEASURES, found[1::2], strict=True) if told < rows)
    return Used(Amounts(*found[0::2]), unknown, rows)
