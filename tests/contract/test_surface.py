"""The agent's surface is small, fixed and the same in both protocol eras."""

import json
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import Tool

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.server import INSTRUCTIONS, build_server
from conftest import working_in

SNAPSHOT = Path(__file__).parent / "tools_list.json"

# design: the whole surface of all twelve factors may cost 4,000 tokens (o200k); what is there now stays far below.
SURFACE_CEILING_TOKENS = 3_650


async def listed(path: Path, mode: str) -> list[Tool]:
    with working_in(path), App(path) as app:
        async with Client(build_server(app), mode=mode) as client:
            return (await client.list_tools()).tools


def as_json(tools: list[Tool]) -> str:
    documents = [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in tools]
    return json.dumps(documents, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_the_tools_are_exactly_those_of_the_snapshot(tmp_path: Path, mode: str) -> None:
    """After a wanted change: `python tests/contract/test_surface.py` writes the snapshot."""
    assert as_json(await listed(tmp_path, mode)) == SNAPSHOT.read_text(encoding="utf-8")


async def test_the_surface_stays_under_its_token_ceiling(tmp_path: Path) -> None:
    tools = await listed(tmp_path, "2026-07-28")
    hidden = {"meta"}  # hosts keep it to themselves
    cost = sum(tokens.count(tool.model_dump_json(by_alias=True, exclude_none=True, exclude=hidden)) for tool in tools)
    assert 0 < cost <= SURFACE_CEILING_TOKENS


async def test_every_tool_tells_clients_what_they_rely_on(tmp_path: Path) -> None:
    for tool in await listed(tmp_path, "2026-07-28"):
        assert len(tool.name) <= 40
        assert tool.name.replace("_", "").islower()
        assert tool.annotations is not None
        hints = tool.annotations
        assert None not in (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert tool.description
        assert len(tool.description.encode()) <= 2048
        assert len(tool.description.split()) < 60
        assert tool.description == tool.description.strip()
        assert "\n    " not in tool.description
        assert tool.input_schema["additionalProperties"] is False


def test_the_instructions_survive_the_smallest_client() -> None:
    assert len(INSTRUCTIONS.encode()) <= 2048


def test_listing_the_tools_creates_nothing(tmp_path: Path) -> None:
    import anyio

    anyio.run(listed, tmp_path, "2026-07-28")
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    import anyio

    SNAPSHOT.write_text(as_json(anyio.run(listed, Path.cwd(), "2026-07-28")), encoding="utf-8")
