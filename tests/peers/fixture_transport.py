"""What the conformance suite expects of the connection: progress, logs, headers, changing lists, resumed streams."""

from typing import Annotated, Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    EmptyResult,
    JSONRPCMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)
from pydantic import Field

_PAUSE_S = 0.05

# SEP-1613 and SEP-2106: every one of these keywords must reach the client as it stands here.
_SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


class MemoryEvents(EventStore):
    """The events of every stream, so that a client can resume one."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep one message; its place in the list is its id."""
        self._events.append((stream_id, message))
        return str(len(self._events) - 1)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what the stream of this event got after it."""
        last = int(last_event_id) if last_event_id.isdecimal() else len(self._events)
        if last >= len(self._events):
            return None
        stream = self._events[last][0]
        for number, (stream_id, message) in enumerate(self._events):
            if number > last and stream_id == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


async def test_tool_with_progress(ctx: Context) -> str:
    """Report progress three times."""
    for percent in (0, 50, 100):
        await ctx.report_progress(percent, 100)
        await anyio.sleep(_PAUSE_S)
    return "Done in three steps."


# Logging to the client is deprecated in 2026-07-28 and still part of the protocol before it.
async def _log(ctx: Context, message: str) -> None:
    await ctx.info(message)  # pyright: ignore[reportDeprecated]


async def test_tool_with_logging(ctx: Context) -> str:
    """Log three messages."""
    for message in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await _log(ctx, message)
        await anyio.sleep(_PAUSE_S)
    return "Logged three messages."


async def test_logging_tool(ctx: Context) -> str:
    """Log one message."""
    await _log(ctx, "One message.")
    return "Logged one message."


async def test_reconnection(ctx: Context) -> str:
    """Close the stream of this call and answer on the one the client opens next."""
    await ctx.close_sse_stream()
    await anyio.sleep(4 * _PAUSE_S)
    return "Answered after the stream was closed."


def test_x_mcp_header(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Take an argument that is repeated in a header."""
    return f"region={region}"


def test_missing_capability(ctx: Context) -> str:
    """Refuse a client that cannot sample."""
    if ctx.client_capabilities is None or ctx.client_capabilities.sampling is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs sampling.", needed)
    return "The client can sample."


def json_schema_2020_12_tool() -> str:
    """Carry a schema that uses all of JSON Schema 2020-12."""
    return "ok"


def _passing() -> str:
    return "Here for a moment."


def _add_list_changes(mcp: MCPServer) -> None:
    async def test_trigger_tool_change(ctx: Context) -> str:
        """Change the list of tools."""
        mcp.add_tool(_passing, name="test_passing_tool")
        mcp.remove_tool("test_passing_tool")
        await ctx.notify_tools_changed()
        return "The list of tools has changed."

    async def test_trigger_prompt_change(ctx: Context) -> str:
        """Change the list of prompts."""
        mcp.add_prompt(Prompt.from_function(_passing, name="test_passing_prompt"))
        mcp.remove_prompt("test_passing_prompt")
        await ctx.notify_prompts_changed()
        return "The list of prompts has changed."

    mcp.add_tool(test_trigger_tool_change, structured_output=False)
    mcp.add_tool(test_trigger_prompt_change, structured_output=False)


async def _accept(ctx: ServerRequestContext[Any, Any], params: Any) -> EmptyResult:
    return EmptyResult()


def _add_requests_of_2025(mcp: MCPServer) -> None:
    # MCPServer has no public way to serve the requests that 2026-07-28 removed.
    lowlevel = mcp._lowlevel_server  # pyright: ignore[reportPrivateUsage]
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, _accept)
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, _accept)
    lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, _accept)


def add_transport(mcp: MCPServer) -> None:
    """Add the fixtures that exercise the connection."""
    for tool in (
        test_tool_with_progress,
        test_tool_with_logging,
        test_logging_tool,
        test_reconnection,
        test_x_mcp_header,
        test_missing_capability,
        json_schema_2020_12_tool,
    ):
        mcp.add_tool(tool, structured_output=False)
    # Nor a public way to give a tool a schema that is not made from its signature.
    tools = mcp._tool_manager  # pyright: ignore[reportPrivateUsage]
    schema_tool = tools.get_tool(json_schema_2020_12_tool.__name__)
    if schema_tool is not None:
        schema_tool.parameters = _SCHEMA_2020_12
    _add_list_changes(mcp)
    _add_requests_of_2025(mcp)
