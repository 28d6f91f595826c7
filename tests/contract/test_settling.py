"""What a tool recorded is in the git mirror before its reply, however the tool is written."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread
import pytest
from mcp import Client

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.tracking.rules import Entry
from agentops_mcp.server import build_server

ENTRY = Entry("decision", "Keep one lock for each ledger", "Two ledgers waited for each other", "A lock by name")


def recorder(app: App, *, is_async: bool) -> Callable[[], str | Awaitable[str]]:
    """A tool that records one entry."""

    def record() -> str:
        return app.entries().record(ENTRY, actor=Actor("client", "user", "mcp")).event.id

    async def record_async() -> str:
        return await anyio.to_thread.run_sync(record)

    return record_async if is_async else record


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_mirror_holds_the_record_when_the_reply_arrives(repository: Path, *, is_async: bool) -> None:
    with App(repository) as app:
        server = build_server(app)
        server.add_tool(recorder(app, is_async=is_async), name="record")
        async with Client(server) as client:
            result = await client.call_tool("record", {})
            assert not result.is_error
            mirror = app.parts.mirror
            assert mirror is not None
            assert mirror.debt() == 0
            assert app.parts.ledger.last_tracked() == 1
