"""What an agent sends and reads when it says how something went, over the protocol."""

import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.tokens import TokenCounter
from agentops_mcp.factors.context import store
from agentops_mcp.factors.context.rules.briefs import ReportLimits
from agentops_mcp.factors.context.rules.window import Load, LoadedItem, Thresholds
from agentops_mcp.factors.context.service.outcomes import Outcomes
from agentops_mcp.factors.context.service.window import WindowLedger
from agentops_mcp.factors.context.tools import outcomes as outcome_tools
from agentops_mcp.factors.resume.service.handles import Handles
from agentops_mcp.factors.resume.store import sessions as session_store
from agentops_mcp.server import AgentOpsServer, actor_of
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, FakeClock, LedgerFactory

MODES = pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
ITEM = LoadedItem("a", "src/retry.py", 1, 9, "full", 300)
LOAD = Load(task="Find where retries multiply", budget_tokens=6_000, tokens=5_500, items=(ITEM,))
TOOL_CEILING_TOKENS = 350


class Elsewhere:
    """Other factors, of which no session ever saved a state and no file can be read any more."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def last_saved_at(self, session: str) -> str | None:
        self.asked.append(session)

    def texts_of(self, paths: Sequence[str], commit: str | None) -> Iterable[str]:
        self.asked.append((paths, commit))
        return []


class Project:
    """Factor II over a ledger of its own, as the app will put it together."""

    def __init__(self, ledger: Ledger, clock: FakeClock) -> None:
        handles, elsewhere = Handles(ledger, clock=clock), Elsewhere()
        self.windows = WindowLedger(
            ledger, handles, elsewhere, tokens=TokenCounter(), thresholds=Thresholds(), new_id=new_id
        )
        self.outcomes = Outcomes(ledger, handles, self.windows, elsewhere, limits=ReportLimits())

    def load(self) -> str:
        return self.windows.record(LOAD, actor=AGENT)


@pytest.fixture
def project(open_ledger: LedgerFactory, clock: FakeClock) -> Project:
    return Project(open_ledger(session_store.VIEW, store.VIEW), clock)


@asynccontextmanager
async def connected(project: Project, folder: Path, mode: str = "2026-07-28") -> AsyncGenerator[Client]:
    with App(folder, environment={}) as app:
        server = AgentOpsServer(app)
        outcome_tools.register(server, lambda: project.outcomes, actor_of)
        async with Client(server, mode=mode) as client:
            yield client


async def reported(client: Client, of: str, **given: Any) -> dict[str, Any]:
    result = await client.call_tool("report_outcome", {"of": of, "outcome": "worked", **given})
    assert not result.is_error
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, **given: Any) -> str:
    result = await client.call_tool("report_outcome", given)
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


@MODES
async def test_an_outcome_is_answered_in_a_few_words(project: Project, tmp_path: Path, mode: str) -> None:
    async with connected(project, tmp_path, mode) as client:
        reply = await reported(client, project.load(), note="Found it")
        assert reply == {"id": reply["id"], "report": "none", "report_tokens": 0, "findings": []}


@MODES
async def test_a_report_that_is_too_long_is_refused_with_what_to_send(
    project: Project, tmp_path: Path, mode: str
) -> None:
    async with connected(project, tmp_path, mode) as client:
        reply = await reported(client, project.load(), report="Summary: it loops.\n" + "more words here\n" * 3_000)
        assert reply["report"] == "refused"
        assert reply["report_tokens"] > 5_000
        assert "above the hard limit of 5,000: send at most 2,000" in reply["findings"][0]
        assert tokens.count(json.dumps(reply)) < 400


@MODES
async def test_an_id_nobody_handed_out_is_an_error_that_says_where_ids_come_from(
    project: Project, tmp_path: Path, mode: str
) -> None:
    async with connected(project, tmp_path, mode) as client:
        text = await refused(client, of="made-up", outcome="worked")
        assert text == (
            "Nothing with the id 'made-up' was handed out. "
            "Give the id that a reply of load_context ends with, or the URI of a pattern."
        )


@MODES
async def test_an_unknown_outcome_is_an_error(project: Project, tmp_path: Path, mode: str) -> None:
    async with connected(project, tmp_path, mode) as client:
        told = await refused(client, of="x", outcome="splendid")
        assert "'worked', 'partly', 'failed', 'unused' or 'regretted'" in told


async def test_a_session_nobody_started_is_an_error(project: Project, tmp_path: Path) -> None:
    async with connected(project, tmp_path) as client:
        assert "start_session" in await refused(client, of=project.load(), outcome="worked", session="made-up")


async def test_a_short_report_is_accepted_with_advice_on_what_is_missing(project: Project, tmp_path: Path) -> None:
    async with connected(project, tmp_path) as client:
        reply = await reported(client, project.load(), report="Summary: it loops.")
        assert reply["report"] == "accepted"
        assert reply["findings"][0].startswith("warn: without key_files, recommendations, open questions: add")


async def test_the_reply_says_when_the_reported_window_is_nearly_full(project: Project, tmp_path: Path) -> None:
    async with connected(project, tmp_path) as client:
        reply = await reported(client, project.load(), used_tokens=90_000, window_tokens=200_000)
        assert reply["findings"][0].startswith("above the limit: nothing more can be loaded here")


async def test_the_tool_is_small_and_says_what_clients_rely_on(project: Project, tmp_path: Path) -> None:
    async with connected(project, tmp_path) as client:
        (tool,) = (await client.list_tools()).tools
        assert tokens.count(tool.model_dump_json(by_alias=True, exclude_none=True)) <= TOOL_CEILING_TOKENS
        assert tool.description
        assert len(tool.description.split()) < 60
        assert tool.annotations is not None
        assert (tool.annotations.read_only_hint, tool.annotations.destructive_hint) == (False, False)
        assert tool.input_schema["required"] == ["of", "outcome"]


async def test_what_the_brief_of_a_subagent_knows_itself_by_is_accepted(project: Project, tmp_path: Path) -> None:
    brief = project.windows.record(replace(LOAD, for_subagent=True), actor=AGENT)
    async with connected(project, tmp_path) as client:
        assert (await reported(client, brief, report="Summary: it loops."))["report"] == "accepted"
