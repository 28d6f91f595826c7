"""Events about one action around an approval: its checks, and what came of it.

They are found by their place in the ledger and not by the tables, which keep only the newest.
"""

from contextlib import suppress

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Event
from agentops_mcp.factors.guardrails.store import calls, checks, incidents
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import EVENT_COLUMNS, read_event

_LOOKED_AT = 500
"""How many checks or calls around an event are looked at; what is sought is a few away."""


def checks_before(tx: Transaction, event: str, *, action: str, session: str | None, limit: int) -> list[Event]:
    """The last checks of an action in a session before an event, in order."""
    found = [
        each for each in _around(tx, checks.STREAM, event, "<", "DESC")
        if each.body.get("action") == action and each.session == session
    ]  # fmt: skip
    return found[:limit][::-1]


def check_with(tx: Transaction, event: str, *, by: str) -> Event | None:
    """The check after an event that what a person said let pass; `by` is `approval/ID`."""
    for each in _around(tx, checks.STREAM, event, ">", "ASC"):
        with suppress(IntegrityError):  # made elsewhere, by another version
            if any(word == by for _, word in checks.checked_of(each).exempted):
                return each
    return None


def outcomes_after(tx: Transaction, event: str, *, signature: str, session: str | None) -> list[Event]:
    """The first call of a signature that was reported after an event, and the first incident of it."""
    reported = (
        each for each in _around(tx, calls.STREAM, event, ">", "ASC")
        if each.body.get("signature") == signature and each.session in (None, session)
    )  # fmt: skip
    rows = tx.execute(
        f"SELECT {EVENT_COLUMNS} FROM event WHERE kind = ? AND id = (SELECT MIN(id) FROM incident WHERE "
        "signature = ? AND id > ?)",
        [incidents.RECORDED, signature, event],
    )
    return [*[each for each in [next(reported, None)] if each], *map(read_event, rows)]


def _around(tx: Transaction, stream: str, event: str, side: str, order: str) -> list[Event]:
    rows = tx.execute(
        f"SELECT {EVENT_COLUMNS} FROM event WHERE stream = ? AND seq {side} (SELECT seq FROM event WHERE id = ?) "
        f"ORDER BY seq {order} LIMIT ?",
        [stream, event, _LOOKED_AT],
    )
    return [read_event(row) for row in rows]
