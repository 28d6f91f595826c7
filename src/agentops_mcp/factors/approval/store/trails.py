"""Events of one request, for its trail."""

from agentops_mcp.core.records import Event
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import EVENT_COLUMNS, read_event


def events_of(tx: Transaction, approval: str) -> list[Event]:
    """Everything that counts about a request, in the order in which it arrived here.

    By the rows and not by the stream: what another clone wrote counts by what it says, wherever it was put.
    """
    rows = tx.execute(
        f"SELECT {EVENT_COLUMNS} FROM event WHERE id = ? OR id IN (SELECT event FROM approval_decision WHERE "
        "approval = ?) OR id IN (SELECT event FROM approval_fact WHERE approval = ?) ORDER BY seq",
        [approval, approval, approval],
    )
    return [read_event(row) for row in rows]
