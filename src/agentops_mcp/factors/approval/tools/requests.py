"""Words of factor VIII: an agent asks a person before it acts, and hears what was decided. No tool decides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

import anyio
import anyio.to_thread
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.apps import client_supports_apps
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import Field

from agentops_mcp.core.errors import AgentOpsError, ConflictError, ExpiredError, InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules import proposals, subjects
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.rules.subjects import Subject
from agentops_mcp.factors.approval.tools import card, dialog
from agentops_mcp.factors.approval.tools.dialog import Answer
from agentops_mcp.factors.approval.tools.waiting import LONGEST_S, show_life, until_decided

if TYPE_CHECKING:
    from agentops_mcp.factors.approval.service.requests import Requests, Standing

_CLOSED = "The client's dialog brought no decision."
_UNANSWERED = "The client's dialog was not answered in time, and was closed."
_SAME_ACTION = "An answer counts for the action that was shown; call request_approval again to ask about this one."


class Asking(Protocol):
    """What the tools need of a project's approvals."""

    @property
    def requests(self) -> "Requests":
        """The requests of the project."""
        ...

    @property
    def settings(self) -> Callable[[], Settings]:
        """How approvals are decided now."""
        ...

    def subject(
        self, kind: str, action: str | Mapping[str, Any], *, cwd: str = "", session: str | None, actor: Actor
    ) -> Subject:
        """An action, or with kind `plan` a plan, as the server finds it now."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the tools ask about their server."""

    approving: Callable[[], Asking]
    actor: Callable[[Context[Any, Any]], Actor]
    page: Callable[[], str | None]
    """The address of a page that runs for this project."""

    headless: Callable[[], bool]
    """Whether nobody is there to be asked."""

    longest_s: float = LONGEST_S
    """How long a call waits at the most."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of request_approval."""

    kind: str
    action: str | dict[str, Any]
    cwd: str
    session: str | None
    proposal: Mapping[str, Any]
    actor: Actor

    def subject(self, asking: Asking) -> Subject:
        return asking.subject(self.kind, self.action, cwd=self.cwd, session=self.session, actor=self.actor)

    def digest(self, asking: Asking) -> str:
        from agentops_mcp.factors.approval.rules.principals import requester_of

        return subjects.binding(self.subject(asking), requester=requester_of(self.actor), session=self.session)


def register(mcp: MCPServer[Any], around: Surroundings) -> None:
    """Add the tools."""
    _register_request(mcp, around)
    _register_check(mcp, around)


def refuse_state(asking: Asking, approval: str, call: Mapping[str, Any], actor: Actor) -> None:
    """Record that an answer came with another call than the one that was shown; `call` is what the client sent.

    Raises:
        AgentOpsError: always: it is refused.
    """
    from agentops_mcp.factors.approval.rules.principals import person_of

    answers = cast("dict[str, Any]", call.get("inputResponses") or {})
    answer = dialog.answer_in(dialog.result_of(answers.get(dialog.KEY))) or Answer("reject")
    by = replace(actor, via="elicitation")
    asking.requests.decide(approval, answer.decision, by=person_of(by), digest="another call", actor=by)


def _register_request(mcp: MCPServer[Any], around: Surroundings) -> None:
    @mcp.tool(
        structured_output=False,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        meta=card.META,
    )
    async def request_approval(
        kind: Annotated[str, Field(description="check_action's, or plan")],
        action: str | dict[str, Any],
        summary: str,
        changes: str,
        rollback: str,
        impact: Annotated[dict[str, Any], Field(description="files, services, cost, level")],
        alternatives: list[str],
        risks: list[str],
        ctx: Context[Any, Any],
        details: Annotated[
            dict[str, Any],
            Field(description="phase, task, confidence, questions, state, risk, cost, novelty"),
        ] = {},  # noqa: B006 - pydantic copies defaults
        cwd: str = "",
        session: str = "",
    ) -> CallToolResult | InputRequiredResult:
        """Ask a human for permission before a risky action or plan, as when check_action does not allow it.

        They confirm, reject or send it back; PENDING is no yes.
        """
        said = {"summary": summary, "changes": changes, "rollback": rollback, "impact": impact,
                "alternatives": alternatives, "risks": risks}  # fmt: skip
        if twice := sorted(said.keys() & details.keys()):
            raise InvalidInputError(f"details repeats {twice[0]!r}.", remedy="Give it once, as the tool's argument.")
        call = _Call(kind, action, cwd, session or None, {**said, **details}, around.actor(ctx))
        answer = (ctx.input_responses or {}).get(dialog.KEY)
        if ctx.request_state is None or answer is None:  # who comes back without an answer is asked again
            return await _requested(call, around, ctx)
        return await _answered(call, dialog.answer_in(answer), around, ctx)


def _register_check(mcp: MCPServer[Any], around: Surroundings) -> None:
    longest = f"{around.longest_s:g}"

    @mcp.tool(
        structured_output=False,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        meta=card.META,
    )
    async def check_approval(id: str, ctx: Context[Any, Any], wait_s: float = 0) -> CallToolResult:  # noqa: A002 - its name
        """What a human decided about your request_approval. Waits up to 45 s."""
        if not 0 <= wait_s <= around.longest_s:
            raise InvalidInputError(
                f"wait_s can not be {wait_s:g}: a call waits at most {longest} s, because clients give up after 60.",
                remedy=f"Call check_approval with wait_s={longest}, and again while it is PENDING.",
            )
        until = anyio.current_time() + wait_s
        asking = await anyio.to_thread.run_sync(around.approving)
        found = await anyio.to_thread.run_sync(_looked_up, asking, id)
        if found.status == "pending" and wait_s:
            with anyio.CancelScope(deadline=until):
                async with anyio.create_task_group() as group:
                    group.start_soon(show_life, ctx, until)
                    await until_decided(asking.requests, found.request.id)
                    group.cancel_scope.cancel()
        return await _told(ctx, around, asking, found.request.id)


async def _requested(call: _Call, around: Surroundings, ctx: Context[Any, Any]) -> CallToolResult | InputRequiredResult:
    """The first round: the request is on disk before anybody is asked."""
    until = anyio.current_time() + around.longest_s
    asking = await anyio.to_thread.run_sync(around.approving)
    found = await anyio.to_thread.run_sync(_kept, call, asking)
    if found is None:
        from agentops_mcp.factors.approval.tools.replies import NOT_NEEDED

        return _text(NOT_NEEDED)
    approval = found.request.id
    if found.status != "pending" or not dialog.can_ask(ctx, found.request.floor):
        return await _told(ctx, around, asking, approval)
    if await anyio.to_thread.run_sync(around.headless):
        return await _told(ctx, around, asking, approval)
    message = await anyio.to_thread.run_sync(_shown, asking, approval, call.actor)
    if dialog.asks_in_rounds(ctx):
        return dialog.question(message, approval)
    return await _told(ctx, around, asking, approval, note=await _raced(found, message, call, asking, ctx, until))


async def _answered(call: _Call, answer: Answer | None, around: Surroundings, ctx: Context[Any, Any]) -> CallToolResult:
    """A later round: what was answered counts for the very action that was shown, and once.

    The state is only the request's id, sealed with the call's arguments; the ledger holds the truth.
    """
    asking = await anyio.to_thread.run_sync(around.approving)
    found = await anyio.to_thread.run_sync(_looked_up, asking, ctx.request_state or "")
    if answer is None:
        return await _told(ctx, around, asking, found.request.id, note=_CLOSED)
    digest = await anyio.to_thread.run_sync(call.digest, asking)
    refused = await _record(answer, found, digest, call, asking)
    if refused is not None and digest != found.request.digest:
        raise ConflictError("The action is not the one that was shown; nothing was decided.", remedy=_SAME_ACTION)
    return await _told(ctx, around, asking, found.request.id)


async def _raced(
    found: "Standing", message: str, call: _Call, asking: Asking, ctx: Context[Any, Any], until: float
) -> str:
    """Ask in the client's dialog while others may decide elsewhere; returns what is to be said about the dialog."""
    note = _UNANSWERED
    with anyio.CancelScope(deadline=until):
        async with anyio.create_task_group() as group:

            async def put() -> None:
                nonlocal note
                try:
                    answer = await dialog.put(ctx, message)
                except MCPError as error:
                    note = f"The client's dialog could not be used: {error.message[:200]}."
                else:
                    with anyio.CancelScope(shield=True):
                        note = "" if answer else _CLOSED
                        if answer is not None:
                            await _record(answer, found, found.request.digest, call, asking)
                group.cancel_scope.cancel()

            async def watch() -> None:
                nonlocal note
                await until_decided(asking.requests, found.request.id)
                note = ""
                group.cancel_scope.cancel()

            group.start_soon(put)
            group.start_soon(watch)
            group.start_soon(show_life, ctx, until)
    return note


async def _record(answer: Answer, found: "Standing", digest: str, call: _Call, asking: Asking) -> AgentOpsError | None:
    """Record an answer of the client's; returns why it was refused, which is recorded, too."""
    return await anyio.to_thread.run_sync(_decided, answer, found, digest, call.actor, asking)


def _decided(answer: Answer, found: "Standing", digest: str, actor: Actor, asking: Asking) -> AgentOpsError | None:
    from agentops_mcp.factors.approval.rules.principals import person_of

    by = replace(actor, via="elicitation")
    try:
        asking.requests.decide(
            found.request.id, answer.decision, by=person_of(by), digest=digest, feedback=answer.feedback, actor=by
        )
    except (ConflictError, ExpiredError, InvalidInputError) as error:
        return error
    return None


def _kept(call: _Call, asking: Asking) -> "Standing | None":
    proposal = proposals.checked(call.proposal)
    return asking.requests.ask(call.subject(asking), proposal, session=call.session, actor=call.actor)


def _shown(asking: Asking, approval: str, actor: Actor) -> str:
    from agentops_mcp.factors.approval.render.requests import message
    from agentops_mcp.factors.approval.rules.principals import person_of

    by = replace(actor, via="elicitation")
    return message(asking.requests.show(approval, by=person_of(by), actor=by))


def _looked_up(asking: Asking, approval: str) -> "Standing":
    asking.requests.sweep()
    return asking.requests.standing(approval)


async def _told(
    ctx: Context[Any, Any], around: Surroundings, asking: Asking, approval: str, *, note: str = ""
) -> CallToolResult:
    with_card = client_supports_apps(ctx)
    return await anyio.to_thread.run_sync(_reply, around, asking, approval, note, with_card)


def _reply(around: Surroundings, asking: Asking, approval: str, note: str, with_card: bool) -> CallToolResult:
    from agentops_mcp.factors.approval.tools.replies import reply

    found = _looked_up(asking, approval)
    pending = found.status == "pending"
    page = around.page() if pending else None
    address = f"{page.rstrip('/')}/r/{found.request.id}" if page else None
    text = reply(found, page=address, lasts=asking.settings().grant_lasts, note=note if pending else "")
    meta = {card.RESULT_KEY: card.shown(found, page=address)} if with_card else None
    return CallToolResult(content=[TextContent(type="text", text=text)], _meta=meta)


def _text(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)])
