"""Steps of factor VIII: how deciding goes."""

from datetime import datetime

from agentops_mcp.factors.approval.rules.rates import Rates, Taken, rates
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.store import requests as rows
from agentops_mcp.storage.ledger import Ledger


def rates_since(ledger: Ledger, settings: Settings, since: datetime) -> Rates:
    """The figures over the decisions that were taken since an instant."""
    with ledger.read() as tx:
        found = rows.taken(tx, since=since)
    return rates([Taken(decision, None if ms is None else ms / 1_000) for decision, ms in found], settings)
