"""What else a client finds about requests: resources, a prompt, completion, and a card for hosts that render apps."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import (
    CallToolResult,
    ClientCapabilities,
    ElicitationCapability,
    FormElicitationCapability,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
    UrlElicitationCapability,
)

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules.settings import Strength
from agentops_mcp.factors.approval.tools import card, dialog
from agentops_mcp.server import build_server
from conftest import FakeClock

GIVEN: dict[str, Any] = {
    "kind": "shell", "action": "npm publish </script>", "summary": "Release version 2.4.0", "changes": "It is public",
    "rollback": "npm deprecate", "impact": {"level": "high"}, "alternatives": ["a candidate"], "risks": ["old callers"],
}  # fmt: skip
APPS = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
ANNA = Actor("page", "anna", "page")


@pytest.fixture
def app(repository: Path, own_home: Path, clock: FakeClock) -> Any:
    with App(repository, environment={}, clock=clock) as app:
        yield app


@asynccontextmanager
async def asking(app: App, mode: str = "auto", **options: Any) -> AsyncGenerator[Client]:
    async with Client(build_server(app), mode=mode, **options) as client:
        yield client


async def requested(client: Client, **changes: Any) -> CallToolResult:
    result = await client.call_tool("request_approval", GIVEN | changes)
    assert not result.is_error
    return result


async def read(client: Client, uri: str) -> str:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content.text


def id_in(result: CallToolResult) -> str:
    content = result.content[0]
    assert isinstance(content, TextContent)
    return content.text.split()[1]


async def test_the_list_says_that_nothing_waits(app: App) -> None:
    async with asking(app) as client:
        assert await read(client, "agentops://approvals") == "Nothing waits for a person."


async def test_the_list_has_what_waits_and_counts_the_same_once(app: App) -> None:
    async with asking(app) as client:
        first = id_in(await requested(client))
        session = json.loads((await client.call_tool("start_session", {"goal": "Release"})).model_dump_json())
        handle = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", session["content"][0]["text"])
        assert handle
        await requested(client, session=handle[0])
        other = id_in(await requested(client, action="npm publish --tag next"))
        listed = await read(client, "agentops://approvals")
    assert listed.startswith("# 3 waiting for a person\n")
    assert f"{first} shell, high: Release version 2.4.0 (2 of the same)" in listed
    assert listed.index(first) < listed.index(other)


async def test_one_request_is_read_whole_with_its_status(app: App) -> None:
    async with asking(app) as client:
        approval = id_in(await requested(client))
        found = app.approving().requests.standing(approval).request
        app.approving().requests.decide(approval, "reject", by="person anna", digest=found.digest, actor=ANNA)
        whole = await read(client, f"agentops://approvals/{approval}")
    for part in ("REJECTED by person anna", "npm publish </script>", "npm deprecate", "a candidate", "old callers"):
        assert part in whole


async def test_the_trail_of_a_request_says_what_became_of_it(app: App) -> None:
    async with asking(app) as client:
        approval = id_in(await requested(client))
        found = app.approving().requests.standing(approval).request
        app.approving().requests.decide(
            approval, "reject", by="person anna", digest=found.digest, feedback="too early", actor=ANNA
        )
        trail = await read(client, f"agentops://approvals/{approval}/trail")
    assert trail.index("request") < trail.index("person anna") < trail.index("Every event is as it was written")
    assert "too early" in trail


@pytest.mark.parametrize("uri", ["agentops://approvals/nothing", "agentops://approvals/nothing/trail"])
async def test_a_request_that_is_not_there_is_said(app: App, uri: str) -> None:
    async with asking(app) as client:
        with pytest.raises(MCPError, match="No approval has the id"):
            await client.read_resource(uri)


async def test_ids_are_completed(app: App) -> None:
    async with asking(app) as client:
        approval = id_in(await requested(client))
        ref = ResourceTemplateReference(uri="agentops://approvals/{approval}")
        found = await client.complete(ref, {"name": "approval", "value": approval[:6]})
    assert found.completion.values == [approval]


async def test_the_prompt_walks_through_a_request(app: App) -> None:
    async with asking(app) as client:
        prompt = await client.get_prompt("approval_request", {"action": "drop the table", "why": "a migration"})
    content = prompt.messages[0].content
    assert isinstance(content, TextContent)
    for part in ("drop the table", "a migration", "rollback", "request_approval", "check_approval", "REJECTED"):
        assert part in content.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_clients_that_show_text_get_text_alone(app: App, mode: str) -> None:
    async with asking(app, mode) as client:
        result = await requested(client)
    assert card.RESULT_KEY not in (result.meta or {})


async def test_a_host_that_renders_apps_gets_the_whole_request_beside_the_same_text(app: App) -> None:
    async with asking(app, extensions=APPS) as client:
        result = await requested(client)
        again = await client.call_tool("check_approval", {"id": id_in(result)})
    async with asking(app) as client:
        plain = await requested(client)
    assert result.content == plain.content
    for each in (result, again):
        shown = (each.meta or {})[card.RESULT_KEY]
        assert shown["page"] == ""
        assert "npm publish </script>" in str(shown["sections"])
        assert {part["whose"] for part in shown["sections"]} == {"server", "agent"}


async def test_what_is_too_large_for_a_card_is_not_cut(app: App) -> None:
    large = {"kind": "file_write", "action": {"path": "notes.txt", "content": "x" * 300_000}, "risk": "high"}
    async with asking(app, extensions=APPS) as client:
        result = await requested(client, kind=large["kind"], action=large["action"])
    (part,) = (result.meta or {})[card.RESULT_KEY]["sections"]
    assert part["heading"] == "Too large for a card"


async def test_both_tools_name_the_card_which_can_be_read(app: App) -> None:
    async with asking(app) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        (content,) = (await client.read_resource(card.URI)).contents
    for name in ("request_approval", "check_approval"):
        assert (tools[name].meta or {})["ui"]["resourceUri"] == card.URI
    assert content.mime_type == APP_MIME_TYPE


async def test_the_card_only_shows_and_links(app: App) -> None:
    async with asking(app) as client:
        html = await read(client, card.URI)
    for dangerous in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "tools/call",
        "src=",
        "fetch(",
    ):
        assert dangerous not in html
    assert set(re.findall(r'"(ui/[a-z/-]+)"', html)) == {
        "ui/initialize", "ui/notifications/initialized", "ui/notifications/size-changed", "ui/open-link",
        "ui/notifications/tool-result", "ui/notifications/tool-cancelled", "ui/notifications/host-context-changed",
        "ui/resource-teardown",
    }  # fmt: skip


FORM, URL = FormElicitationCapability(), UrlElicitationCapability()


class Declared:
    """As much of a call's context as says what the client can do."""

    def __init__(self, capabilities: ClientCapabilities | None) -> None:
        self.client_capabilities = capabilities


@pytest.mark.parametrize(
    ("elicitation", "floor", "asked"),
    [
        (ElicitationCapability(), "client", True),
        (ElicitationCapability(form=FORM), "client", True),
        (ElicitationCapability(form=FORM, url=URL), "client", True),
        (ElicitationCapability(url=URL), "client", False),
        (None, "client", False),
        (ElicitationCapability(), "page", False),
        (ElicitationCapability(), "terminal", False),
        (ElicitationCapability(), "two_people", False),
    ],
)
def test_a_dialog_is_for_clients_that_declared_forms_and_where_their_word_is_enough(
    elicitation: ElicitationCapability | None, floor: Strength, asked: bool
) -> None:
    context: Any = Declared(ClientCapabilities(elicitation=elicitation))
    assert dialog.can_ask(context, floor) is asked


def test_a_client_that_declared_nothing_is_not_asked() -> None:
    context: Any = Declared(None)
    assert not dialog.can_ask(context, "client")


def test_long_words_are_cut_to_what_is_kept() -> None:
    answer = dialog.answer_in(dialog.result_of({"action": "decline", "content": {"feedback": "\u202e" * 4_000}}))
    assert answer is not None
    assert len(answer.feedback) == 4_000
    assert answer.feedback.endswith("…")


@pytest.mark.parametrize("sent", [None, {}, [], "accept", {"action": "later"}, {"action": "accept", "content": []}])
def test_what_is_no_answer_is_a_refusal(sent: object) -> None:
    answer = dialog.answer_in(dialog.result_of(sent))
    assert answer == dialog.Answer("reject", dialog.NO_DECISION)


@pytest.mark.parametrize("sent", ["approve", {}, {"action": "accept", "content": {"decision": {"x": 1}}}, 7])
def test_an_answer_that_is_none_reaches_the_tool_as_one_without_a_decision(sent: object) -> None:
    call = {"name": "request_approval", "requestState": "sealed", "inputResponses": {"decision": sent, "other": 1}}
    assert dialog.readable(call) == call | {"inputResponses": {"decision": {"action": "accept"}, "other": 1}}


@pytest.mark.parametrize("responses", [None, [], "x", {}, {"decision": None}, {"decision": {"action": "cancel"}}])
def test_what_needs_no_mending_is_passed_on_as_it_came(responses: object) -> None:
    call = {"name": "request_approval", "requestState": "sealed", "inputResponses": responses}
    assert dialog.readable(call) is call
