"""Waiting for a person: bounded, with signs of life, and ended by whoever decides first."""

from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from mcp.server.mcpserver import Context

if TYPE_CHECKING:
    from agentops_mcp.factors.approval.service.requests import Requests

LONGEST_S = 45.0
"""Hosts give up on a call after 60 s."""

_POLL_S = 0.1
_LOOKS_ANYWAY = 10
"""Polls after which a request is looked at though nothing changed: time alone ends one."""

_BEATS_S = 5.0


async def until_decided(requests: "Requests", approval: str) -> None:
    """Return as soon as a request waits for nobody any more, whoever decided, in whichever process."""
    seen: tuple[str, ...] = ()
    polls = 0
    while True:
        change = await anyio.to_thread.run_sync(requests.last_change)
        if change != seen or polls % _LOOKS_ANYWAY == 0:
            found = await anyio.to_thread.run_sync(requests.standing, approval)
            if found.status != "pending":
                return
            seen = change
        polls += 1
        await anyio.sleep(_POLL_S)


async def show_life(context: Context[Any, Any], until: float) -> None:
    """Tell the client every few seconds that the call is alive; it is told nothing unless it asked for progress."""
    started = anyio.current_time()
    while True:
        waited = anyio.current_time() - started
        await context.report_progress(waited, until - started, "A person is asked; nothing was decided yet.")
        await anyio.sleep(_BEATS_S)
