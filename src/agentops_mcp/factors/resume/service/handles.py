"""Which session handles are ours and alive."""

from datetime import datetime

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.errors import ExpiredError, NotFoundError
from agentops_mcp.factors.resume.rules.brief import is_expired
from agentops_mcp.factors.resume.store import sessions as store
from agentops_mcp.storage.ledger import Ledger

_START_AGAIN = "Call start_session for a new one."


class Handles:
    """The handles start_session has given out."""

    def __init__(self, ledger: Ledger, *, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def require(self, handle: str) -> store.SessionRow:
        """The live session with this handle.

        Raises:
            NotFoundError: no session of this project has it.
            ExpiredError: it outlived its lifetime.
        """
        with self._ledger.read() as tx:
            row = store.find(tx, handle)
        if row is None:
            raise NotFoundError(f"No session {handle[:60]!r} in this project.", remedy=_START_AGAIN)
        if is_expired(datetime.fromisoformat(row.started_at), now=self._clock()):
            raise ExpiredError(f"Session {handle} expired.", remedy=_START_AGAIN)
        return row
