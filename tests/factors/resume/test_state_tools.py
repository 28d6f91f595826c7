"""What an agent and a client read of states over the protocol."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ResourceTemplateReference, TextContent, TextResourceContents

from agentops_mcp.app import App
from agentops_mcp.server import build_server

STATE: dict[str, Any] = {
    "goal": "Retries survive a slow host",
    "phase": "implement",
    "decisions": [{"choice": "budget per host", "why": "one slow host used up every request"}],
    "parameters": [{"name": "RATIO", "value": "0.1"}],
    "next_steps": ["make test_budget pass in app.py"],
    "key_files": ["app.py"],
}


MODES = pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])


@asynccontextmanager
async def connected(repository: Path, mode: str = "2026-07-28") -> AsyncGenerator[Client]:
    with App(repository, environment={}) as app:
        async with Client(build_server(app), mode=mode) as client:
            yield client


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content.text


async def call(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@MODES
async def test_before_the_first_save_what_is_listed_can_be_read(repository: Path, mode: str) -> None:
    async with connected(repository, mode) as client:
        assert await read(client, "agentops://state/current") == "No unfinished state. save_state makes one."
        assert await read(client, "agentops://states") == "# States\nNone yet. save_state makes one."
        assert await read(client, "agentops://missions") == 'No open missions. track_mission op="open" begins one.'


@MODES
async def test_a_saved_state_is_current_in_the_tree_and_readable_by_its_id(repository: Path, mode: str) -> None:
    async with connected(repository, mode) as client:
        saved = (await client.call_tool("save_state", STATE)).structured_content
        assert saved is not None
        assert saved["parent"] is None
        assert saved["findings"] == ["no did: one sentence on what was done helps to merge states"]
        for uri in ("agentops://state/current", f"agentops://state/{saved['id']}", "agentops://states"):
            assert saved["id"] in await read(client, uri)
        assert "1. make test_budget pass in app.py [FRESH]" in await call(client, "resume_state")


async def test_a_finished_state_is_not_current(repository: Path) -> None:
    async with connected(repository) as client:
        saved = (await client.call_tool("save_state", STATE)).structured_content
        assert saved is not None
        await call(client, "save_state", **{**STATE, "phase": "done", "next_steps": [], "parent": saved["id"]})
        assert (await read(client, "agentops://state/current")).startswith("No unfinished state.")


async def test_ids_are_completed(repository: Path) -> None:
    async with connected(repository) as client:
        saved = (await client.call_tool("save_state", STATE)).structured_content
        assert saved is not None
        reference = ResourceTemplateReference(type="ref/resource", uri="agentops://state/{state}")
        found = await client.complete(reference, {"name": "state", "value": saved["id"][:8]})
        assert found.completion.values == [saved["id"]]


@pytest.mark.parametrize(
    ("prompt", "arguments", "said"),
    [
        ("session_start", {"goal": "Ship it"}, "Call start_session with goal='Ship it'"),
        ("session_start", {}, "with the goal in one sentence"),
        ("session_resume", {"query": "slow host"}, "resume_state (query='slow host')"),
        ("session_resume", {}, "no query: the newest unfinished state"),
        ("session_end", {}, "save_state: did"),
    ],
)
async def test_the_prompts_name_the_calls_to_make(
    repository: Path, prompt: str, arguments: dict[str, str], said: str
) -> None:
    async with connected(repository) as client:
        (message,) = (await client.get_prompt(prompt, arguments)).messages
        assert isinstance(message.content, TextContent)
        assert said in message.content.text
