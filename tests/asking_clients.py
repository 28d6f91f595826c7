"""Clients of both eras that ask for approvals, in a project of their own, and people who answer in their dialogs."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import (
    CallToolResult,
    ElicitRequestParams,
    ElicitResult,
    Implementation,
    InputRequiredResult,
    TextContent,
)

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.factors.approval.store.request_events import DECIDED, EXPIRED, REFUSED, REQUESTED, SHOWN, USED
from agentops_mcp.factors.approval.tools import requests as tools
from agentops_mcp.server import AgentOpsServer, actor_of
from conftest import FakeClock

MODES = ("auto", "legacy")
KINDS = (REQUESTED, SHOWN, DECIDED, REFUSED, USED, EXPIRED)
PUBLISH = "npm publish"
CRITICAL = "git push --force origin main"
GIVEN: dict[str, Any] = {
    "kind": "shell", "action": PUBLISH, "summary": "Release version 2.4.0", "changes": "Everybody can install it",
    "rollback": "npm deprecate, then release 2.4.1", "impact": {"services": ["registry"], "level": "high"},
    "alternatives": ["a candidate first: nobody installs candidates"], "risks": ["two callers use the old names"],
}  # fmt: skip
ANNA = Actor("page", "anna", "page")

Asked = Callable[[ElicitRequestParams], Awaitable[ElicitResult]]


def says(action: str, **content: Any) -> Asked:
    """A client that answers at once."""

    async def answer(_: ElicitRequestParams) -> ElicitResult:
        return ElicitResult.model_validate({"action": action, "content": content or None})

    return answer


@dataclass
class Place:
    """A project, and what its clients were asked."""

    path: Path
    clock: FakeClock
    app: App
    headless: bool = False
    page: str | None = None
    longest_s: float = 20.0
    messages: list[str] = field(default_factory=list[str])
    forms: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    @asynccontextmanager
    async def client(
        self, mode: str = "auto", answer: Asked | None = None, *, name: str = "claude", **options: Any
    ) -> AsyncGenerator[Client]:
        """A client of a server of its own."""
        server = AgentOpsServer(self.app)
        around = tools.Surroundings(
            self.app.approving, actor_of, page=lambda: self.page, headless=lambda: self.headless,
            longest_s=self.longest_s,
        )  # fmt: skip
        tools.register(server, around)

        async def asked(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            assert answer is not None
            self.messages.append(params.message)
            self.forms.append(params.model_dump().get("requested_schema", {}))
            return await answer(params)

        callback = asked if answer else None
        info = Implementation(name=name, version="2.1")
        async with Client(server, mode=mode, elicitation_callback=callback, client_info=info, **options) as client:
            yield client

    def open(self) -> list[Standing]:
        return [self.app.approving().requests.standing(each.id) for each in self.app.approving().requests.open().lines]

    def only(self) -> Standing:
        (found,) = self.app.approving().requests.history()
        return found

    def decide(self, decision: str = "approve", *, feedback: str = "") -> None:
        found = self.only().request
        self.app.approving().requests.decide(
            found.id, decision, by="person anna", digest=found.digest, feedback=feedback, actor=ANNA
        )

    def kinds(self) -> list[str]:
        return [each.kind for each in self.app.parts.ledger.events() if each.kind in KINDS]


def text(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert result.structured_content is None
    return f"error: {content.text}" if result.is_error else content.text


async def request(client: Client, **changes: Any) -> str:
    return text(await client.call_tool("request_approval", GIVEN | changes))


async def first_round(client: Client, **changes: Any) -> InputRequiredResult:
    result = await client.session.call_tool("request_approval", GIVEN | changes, allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    return result


async def next_round(client: Client, state: str | None, answer: ElicitResult | None, **changes: Any) -> CallToolResult:
    result = await client.session.call_tool(
        "request_approval", GIVEN | changes, request_state=state,
        input_responses={"decision": answer} if answer else None, allow_input_required=True,
    )  # fmt: skip
    assert isinstance(result, CallToolResult)
    return result


YES = ElicitResult(action="accept", content={"decision": "approve"})


async def check(client: Client, approval: str, wait_s: float = 0) -> str:
    return text(await client.call_tool("check_approval", {"id": approval, "wait_s": wait_s}))
