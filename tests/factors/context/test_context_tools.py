"""What an agent asks to load and reads of files, over the protocol."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import TextContent, TextResourceContents

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.server import build_server
from conftest import git
from contexts_in_use import FILES, TASK, indexing_ends

MODES = pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
CEILING_TOKENS = {"load_context": 500, "report_outcome": 350}

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def project(repository: Path) -> Path:
    """A repository with code worth loading, a secret and an ignored file."""
    for path, text in (FILES | {".env": "RETRY=hunter2\n", ".gitignore": "*.log\n"}).items():
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text(text, encoding="utf-8")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "Couriers carry parcels")
    (repository / "retry.log").write_text("send_with_retry failed\n", encoding="utf-8")
    (repository.parent / "outside.py").write_text("outside = True\n", encoding="utf-8")
    return repository


@asynccontextmanager
async def connected(project: Path, mode: str = "2026-07-28") -> AsyncGenerator[Client]:
    with App(project, environment={}) as app:
        async with Client(build_server(app), mode=mode) as client:
            yield client
        indexing_ends()


async def call(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert not result.is_error, content.text
    return content.text


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert result.is_error, content.text
    return content.text


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/plain"
    return content.text


@MODES
async def test_context_is_loaded_and_its_outcome_reported(project: Path, mode: str) -> None:
    async with connected(project, mode) as client:
        session = (await call(client, "start_session", goal="Carry parcels")).split()[1]
        text = await call(
            client, "load_context", task=TASK, budget_tokens=2_000, session=session, window_tokens=200_000,
            used_tokens=10_000,
        )  # fmt: skip
        assert "def send_with_retry" in text
        assert f"tokens: {tokens.count(text):,} of 2,000" in text
        assert "hunter2" not in text
        assert "of 200,000 tokens (" in text
        result = await client.call_tool("report_outcome", {"of": text.split()[-1], "outcome": "worked"})
        assert not result.is_error
        assert result.structured_content is not None
        assert result.structured_content["report"] == "none"


@MODES
async def test_what_was_loaded_is_not_loaded_again(project: Path, mode: str) -> None:
    async with connected(project, mode) as client:
        first = await call(client, "load_context", task=TASK)
        again = await call(client, "load_context", task=TASK, seen=[first.split()[-1]])
        assert "def send_with_retry" in first
        assert "def send_with_retry" not in again


@MODES
async def test_every_option_reaches_the_loader(project: Path, mode: str) -> None:
    head = git(project, "rev-parse", "HEAD")
    async with connected(project, mode) as client:
        narrow = await call(
            client, "load_context", task=TASK, paths=["src/schedule.py"], only_paths=True, include=["code"],
            rev=head[:9],
        )  # fmt: skip
        assert "## src/schedule.py" in narrow
        assert "## src/retry.py" not in narrow
        assert f"At {head[:12]}." in narrow
        brief = await call(client, "load_context", task=TASK, for_subagent=True)
        assert brief.startswith("# Brief for a sub-agent")
        full = await call(client, "load_context", task=TASK, window_tokens=10_000, used_tokens=9_000)
        assert full.startswith("Refused, nothing was loaded")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "load_context needs 'task'; it takes task, budget_tokens?"),
        ({"task": " "}, "The task is empty. Say in plain words"),
        ({"task": "x" * 20_001}, "20,000 characters"),
        ({"task": TASK, "budget_tokens": 100}, "budget_tokens: Input should be greater than or equal to 200"),
        ({"task": TASK, "budget_tokens": 10**9}, "budget_tokens: Input should be less than or equal to 200000"),
        ({"task": TASK, "include": ["tests"]}, "Input should be 'code', 'knowledge' or 'state'"),
        ({"task": TASK, "rev": "nowhere"}, "'nowhere' is not a commit of this repository"),
        ({"task": TASK, "paths": ["../outside.py"]}, "is not a path inside the project"),
        ({"task": TASK, "paths": ["nothing/here"], "only_paths": True}, "No file matches 'nothing/here'"),
        ({"task": TASK, "only_paths": True}, "only_paths needs paths"),
        ({"task": TASK, "window_tokens": 0}, "window_tokens is not between"),
        ({"task": TASK, "session": "nobody"}, "No session 'nobody' in this project. Call start_session"),
        ({"task": TASK, "budget_tokens": 200, "for_subagent": True}, "Call again with budget_tokens="),
        ({"task": TASK, "budget": 5}, "load_context has no argument 'budget'; it takes task"),
    ],
)
async def test_an_argument_that_cannot_be_used_is_answered_with_one_that_can(
    project: Path, arguments: dict[str, Any], says: str
) -> None:
    async with connected(project) as client:
        text = await refused(client, "load_context", **arguments)
        assert says in text
        assert len(text) < 500
        assert "## " not in text


@MODES
async def test_lines_of_a_file_can_be_read(project: Path, mode: str) -> None:
    lines = FILES["src/retry.py"].splitlines()
    async with connected(project, mode) as client:
        assert await read(client, "agentops://lines/3-6/src/retry.py") == "\n".join(lines[2:6])
        assert await read(client, "agentops://lines/6/src/retry.py") == lines[5]
        assert await read(client, "agentops://lines/20-9999/src/retry.py") == "\n".join(lines[19:])


@MODES
async def test_the_outline_of_a_file_can_be_read(project: Path, mode: str) -> None:
    async with connected(project, mode) as client:
        outline = (await read(client, "agentops://outline/src/schedule.py")).splitlines()
        assert [line.split()[1:] for line in outline] == [["function", "parse_schedule"], ["function", "next_midnight"]]
        assert "section Install" in await read(client, "agentops://outline/README.md")


async def test_the_places_a_load_names_can_be_read(project: Path) -> None:
    (project / "src" / "a b").mkdir()
    (project / "src" / "a b" / "é.py").write_text("def send_with_retry(): ...\n", encoding="utf-8")
    async with connected(project) as client:
        assert "## src/a b/é.py" in await call(client, "load_context", task=TASK)
        assert "send_with_retry" in await read(client, "agentops://lines/1-1/src/a%20b/%C3%A9.py")


BAD_PLACES = [
    ("lines/0-3/src/retry.py", "has lines 1 to"),
    ("lines/9-3/src/retry.py", "has lines 1 to"),
    ("lines/900-901/src/retry.py", "has lines 1 to"),
    ("lines/a-b/src/retry.py", "is not a range of lines"),
    ("lines/-5/src/retry.py", "is not a range of lines"),
    ("lines/1-2-3/src/retry.py", "is not a range of lines"),
    (f"lines/1-{'9' * 100}/src/retry.py", "is not a range of lines"),
    ("lines/1-2/src/nothing.py", "No file 'src/nothing.py' to show"),
    ("lines/1-2/src", "No file 'src' to show"),
    ("lines/1-2/.env", "No file '.env' to show (secret)"),
    ("lines/1-2/retry.log", "No file 'retry.log' to show"),
    ("lines/1-2/.git/config", "No file '.git/config' to show"),
    ("lines/1-2/../outside.py", "No resource"),
    ("lines/1-2/src/../../outside.py", "No resource"),
    ("lines/1-2/src/%2e%2e/%2e%2e/outside.py", "No resource"),
    ("lines/1-2//etc/passwd", "No resource"),
    ("lines/1-2/a%00b", "No resource"),
    ("outline/.env", "No file '.env' to show (secret)"),
    ("outline/retry.log", "No file 'retry.log' to show"),
    ("outline/../outside.py", "No resource"),
    ("outline//etc/passwd", "No resource"),
]


@pytest.mark.parametrize(("place", "says"), BAD_PLACES, ids=[place[:60] for place, _ in BAD_PLACES])
async def test_what_may_not_be_read_or_is_not_there_is_refused(project: Path, place: str, says: str) -> None:
    async with connected(project) as client:
        with pytest.raises(MCPError) as raised:
            await client.read_resource(f"agentops://{place}")
        assert says in str(raised.value)
        assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("prompt", "arguments", "said"),
    [
        ("research", {"task": "Bound the retries"}, "Research Bound the retries"),
        ("research", {}, "the task at hand"),
        ("plan", {"task": "Bound the retries"}, "Plan Bound the retries"),
        ("plan", {"task": " \n"}, "the task at hand"),
        ("plan", {"task": "x\x1b[2J\n" * 10_000}, "x\\u001b[2J"),
    ],
)
async def test_the_prompts_name_the_calls_to_make(
    project: Path, prompt: str, arguments: dict[str, str], said: str
) -> None:
    async with connected(project) as client:
        (message,) = (await client.get_prompt(prompt, arguments)).messages
        assert isinstance(message.content, TextContent)
        text = message.content.text
        for part in (said, "load_context", f"save_state with phase='{prompt}'"):
            assert part in text
        assert len(text) < 2_500
        assert "\x1b" not in text


async def test_the_tools_are_small_and_say_what_clients_rely_on(project: Path) -> None:
    async with connected(project) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        for name, ceiling in CEILING_TOKENS.items():
            assert tokens.count(tools[name].model_dump_json(by_alias=True, exclude_none=True)) <= ceiling
        hints = tools["load_context"].annotations
        assert hints is not None
        assert (hints.read_only_hint, hints.destructive_hint, hints.open_world_hint) == (True, False, False)
        assert tools["load_context"].input_schema["required"] == ["task"]
        assert tools["load_context"].output_schema is None
        templates = (await client.list_resource_templates()).resource_templates
        uris = {template.uri_template: template.mime_type for template in templates}
        assert uris["agentops://lines/{span}/{+path}"] == uris["agentops://outline/{+path}"] == "text/plain"


async def test_loading_changes_no_tracked_record_and_nothing_in_the_worktree(project: Path) -> None:
    async with connected(project) as client:
        await call(client, "load_context", task=TASK)
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
