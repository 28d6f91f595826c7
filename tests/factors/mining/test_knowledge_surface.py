"""What an agent sends and reads when it searches, saves a pattern, mines and reads the library, over the protocol."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import CallToolResult, TextContent, TextResourceContents

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.server import build_server
from conftest import AGENT
from recorded_knowledge import PATTERN, record, without_starters

MODES = pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
NAME = "back-off-with-jitter-before-a-retry"


@asynccontextmanager
async def connected(project: Path, mode: str = "2026-07-28") -> AsyncGenerator[tuple[Client, App]]:
    with App(project, environment={}) as app:
        async with Client(build_server(app), mode=mode) as client:
            yield client, app


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@MODES
async def test_what_is_recorded_is_found_and_can_be_read_whole(repository: Path, mode: str) -> None:
    async with connected(repository, mode) as (client, app):
        found = record(app, "The login test failed on Tuesday", "Freeze the clock: the container's time drifts")
        text = text_of(await client.call_tool("search_knowledge", {"query": "clock drifts", "kinds": ["failure"]}))
        assert (
            f"1. [failure] The login test failed on Tuesday\n   agentops://entry/{found} | words clock, drifts" in text
        )
        (content,) = (await client.read_resource(f"agentops://entry/{found}")).contents
        assert isinstance(content, TextResourceContents)
        assert "Freeze the clock" in content.text


BAD_SEARCHES: dict[str, tuple[dict[str, Any], str]] = {
    "an empty query": ({"query": " "}, "The query is empty."),
    "no query": ({}, "search_knowledge needs 'query'"),
    "NUL": ({"query": "a\0b"}, "NUL byte"),
    "half a surrogate pair": ({"query": "a\ud800"}, "surrogate"),
    "k of 0": ({"query": "x", "k": 0}, "greater than or equal to 1"),
    "k of 10,000": ({"query": "x", "k": 10_000}, "less than or equal to 50"),
    "an unknown kind": ({"query": "x", "kinds": ["gossip"]}, "kinds"),
    "an unknown stage": ({"query": "x", "stage": "famous"}, "stage"),
    "a time that is none": ({"query": "x", "since": "lately"}, "'lately' is no time"),
    "an age beyond all time": ({"query": "x", "since": "99999w"}, ""),
    "an unknown argument": ({"query": "x", "limit": 3}, "has no argument 'limit'"),
    "a budget of nothing": ({"query": "x", "budget_tokens": 0}, "greater than or equal to 100"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD_SEARCHES.values(), ids=BAD_SEARCHES.keys())
async def test_a_search_that_cannot_be_is_a_clear_error(
    repository: Path, arguments: dict[str, Any], message: str
) -> None:
    async with connected(repository) as (client, _):
        result = await client.call_tool("search_knowledge", arguments)
        assert result.is_error or not message
        assert message in text_of(result)
        assert "Traceback" not in text_of(result)


@pytest.mark.parametrize(
    "query",
    ["x" * 100_000, '") OR NEAR/2 (*', "🦀 🦀", "テストが失敗", "\u202e\u200b", "-- ; DROP TABLE document"],
    ids=range(6),
)
async def test_a_search_for_anything_else_is_answered(repository: Path, query: str) -> None:
    async with connected(repository) as (client, app):
        record(app, "The login test failed on Tuesday", "Freeze the clock")
        result = await client.call_tool("search_knowledge", {"query": query, "budget_tokens": 800})
        assert not result.is_error, text_of(result)
        assert tokens.count(text_of(result)) <= 900


async def test_a_reply_keeps_its_budget_and_says_what_is_left(repository: Path) -> None:
    async with connected(repository) as (client, app):
        for number in range(40):
            record(app, f"Clock failure {number}", "The clock drifts in the container " * 12)
        arguments = {"query": "clock drifts", "k": 40, "detail": "text", "budget_tokens": 600}
        text = text_of(await client.call_tool("search_knowledge", arguments))
        assert tokens.count(text) <= 660
        assert "more within k did not fit in 600 tokens" in text


async def test_nothing_to_find_is_said_with_what_to_do(repository: Path) -> None:
    without_starters(repository)
    async with connected(repository) as (client, app):
        empty = text_of(await client.call_tool("search_knowledge", {"query": "clock"}))
        assert "Nothing is recorded yet: record_entry adds what you learn." in empty
        record(app, "The login test failed on Tuesday", "Freeze the clock")
        text = text_of(await client.call_tool("search_knowledge", {"query": "clock", "kinds": ["decision"]}))
        assert "Nothing matches. Try other words, or drop a filter." in text


@MODES
async def test_a_pattern_is_saved_read_cited_and_listed(repository: Path, mode: str) -> None:
    async with connected(repository, mode) as (client, _):
        saved = text_of(await client.call_tool("save_pattern", {**PATTERN, "tags": ["retries"]}))
        assert saved.startswith(f"Saved agentops://pattern/{NAME}, revision 1.")
        uri = f"agentops://pattern/{NAME}"
        cited = await client.call_tool("report_outcome", {"of": uri, "outcome": "worked", "note": "in the import job"})
        assert not cited.is_error, text_of(cited)
        (content,) = (await client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        assert "worked 1, partly 0, failed 0" in content.text
        assert "## Solution" in content.text
        (listed,) = (await client.read_resource("agentops://patterns")).contents
        assert isinstance(listed, TextResourceContents)
        assert f"- {NAME} (prototype, domain): Back off with jitter" in listed.text
        assert "Library health over 90 days: not enough data." in listed.text


BAD_PATTERNS: dict[str, tuple[dict[str, Any], str]] = {
    "vague": ({"solution": "Use best practices."}, "Not saved."),
    "a consequence of no kind": ({"consequences": ["it is faster"]}, "Begin each with 'benefit:'"),
    "a section that is an argument": ({"details": "## Solution\nother"}, "which an argument of its own gives"),
    "a section nobody knows": ({"details": "## Gossip\nother"}, "no section 'Gossip'"),
    "evidence that is none": ({"evidence": ["I saw it"]}, "is no evidence"),
    "a category nobody knows": ({"category": "gossip"}, "category"),
    "a name that is a path": ({"name": "../../etc/passwd"}, "name"),
    "a session nobody started": ({"session": "made-up"}, "session"),
    "too long": ({"problem": "word " * 2_000}, "problem"),
}


@pytest.mark.parametrize(("changes", "message"), BAD_PATTERNS.values(), ids=BAD_PATTERNS.keys())
async def test_a_pattern_that_cannot_be_kept_is_refused_with_what_to_change(
    repository: Path, changes: dict[str, Any], message: str
) -> None:
    async with connected(repository) as (client, app):
        result = await client.call_tool("save_pattern", {**PATTERN, **changes})
        assert result.is_error
        assert message in text_of(result)
        assert not (repository / ".agentops" / "patterns").exists()
        assert app.parts.ledger.newest(limit=1) == []


async def test_a_dry_run_of_a_pattern_saves_nothing(repository: Path) -> None:
    async with connected(repository) as (client, app):
        text = text_of(await client.call_tool("save_pattern", {**PATTERN, "dry_run": True}))
        assert text.startswith("Not saved: a trial.")
        assert "- complete: passed" in text
        assert app.parts.ledger.newest(limit=1) == []


async def test_mining_too_little_says_so(repository: Path) -> None:
    async with connected(repository) as (client, _):
        text = text_of(await client.call_tool("mine_patterns", {"since": "7d"}))
        assert "Not enough data: 0 learnings and failures; a theme needs 3." in text
        refused = await client.call_tool("mine_patterns", {"min_occurrences": 1})
        assert refused.is_error


@MODES
async def test_names_and_tags_are_completed(repository: Path, mode: str) -> None:
    from mcp.types import ResourceTemplateReference

    async with connected(repository, mode) as (client, app):
        record(app, "The login test failed on Tuesday", "Freeze the clock", tags=("time-zones",))
        pattern = ResourceTemplateReference(type="ref/resource", uri="agentops://pattern/{name}")
        names = await client.complete(pattern, {"name": "name", "value": "retry"})
        assert names.completion.values == ["retry-without-change"]
        history = ResourceTemplateReference(type="ref/resource", uri="agentops://history/tag/{tag}")
        tags = await client.complete(history, {"name": "tag", "value": "time"})
        assert tags.completion.values == ["time-zones"]


async def test_the_retrospective_is_a_prompt_and_an_entry_that_is_found(repository: Path) -> None:
    async with connected(repository) as (client, _):
        prompt = await client.get_prompt("retro", {})
        assert "record_entry(kind='retrospective')" in str(prompt.messages[0].content)
        kept = await client.call_tool(
            "record_entry",
            {
                "kind": "retrospective", "action": "Moved the import job to a queue",
                "context": "The queue worked; measuring the baseline was forgotten",
                "learning": "Measure the import before the change, not after",
            },
        )  # fmt: skip
        assert not kept.is_error, text_of(kept)
        found = await client.call_tool("search_knowledge", {"query": "import baseline", "kinds": ["retrospective"]})
        assert "[retrospective] Moved the import job to a queue" in text_of(found)


async def test_an_imported_note_is_read_whole_as_data(repository: Path) -> None:
    async with connected(repository) as (client, app):
        (repository / "retry.md").write_text("# Retry\nUse jitter when you retry.\n", encoding="utf-8")
        importing = app.importing()
        importing.apply(importing.plan(*importing.sources("markdown", repository / "retry.md")), actor=AGENT)
        text = text_of(await client.call_tool("search_knowledge", {"query": "jitter", "kinds": ["note"]}))
        assert "imported from markdown: retry.md" in text
        (uri,) = re.findall(r"agentops://note/[0-9a-f]+", text)
        (content,) = (await client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        assert "imported from markdown: retry.md" in content.text
        assert "> Use jitter when you retry." in content.text
        with pytest.raises(MCPError, match="can be found"):
            await client.read_resource("agentops://note/made-up")
