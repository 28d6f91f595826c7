"""What can be read about requests, and how to write a good one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server import MCPServer
from pydantic import Field

from agentops_mcp.core.display import gist
from agentops_mcp.factors.approval.rules.proposals import EXAMPLE

if TYPE_CHECKING:
    from agentops_mcp.factors.approval.service.audit import Audit
    from agentops_mcp.factors.approval.service.requests import OpenPage, Requests

_LISTED = 50


def register(mcp: MCPServer[Any], requests: Callable[[], "Requests"], audit: Callable[[], "Audit"]) -> None:
    """Add the resources and the prompt."""
    _register_resources(mcp, requests)
    _register_trail(mcp, audit)
    _register_prompt(mcp)


def completions(requests: Callable[[], "Requests"]) -> dict[str, Callable[[str], list[str]]]:
    """Completers for the variables of these resource templates."""
    return {"approval": lambda prefix: requests().complete(prefix)}


def _register_resources(mcp: MCPServer[Any], requests: Callable[[], "Requests"]) -> None:
    @mcp.resource(
        "agentops://approvals",
        name="approvals",
        description="Requests that wait for a person, the oldest first.",
        mime_type="text/markdown",
    )
    def approvals() -> str:
        return _listed(requests().open(limit=_LISTED))

    @mcp.resource(
        "agentops://approvals/{approval}",
        name="approval",
        description="One request, whole, and where it stands.",
        mime_type="text/plain",
    )
    def approval(approval: str) -> str:
        from agentops_mcp.factors.approval.render.requests import message

        return message(requests().standing(approval))


def _register_trail(mcp: MCPServer[Any], audit: Callable[[], "Audit"]) -> None:
    @mcp.resource(
        "agentops://approvals/{approval}/trail",
        name="approval_trail",
        description="What became of one request, from the check to the outcome, each step with its event and hash.",
        mime_type="text/plain",
    )
    def trail(approval: str) -> str:
        from agentops_mcp.factors.approval.render.trails import trail_lines

        found = audit().trail(approval)
        proof = "Every event is as it was written; `agentops-mcp verify` proves the whole chain."
        broken = "NOT every event is as it was written: run `agentops-mcp verify`."
        return "\n".join([*trail_lines(found.steps), proof if found.holds else broken])


def _listed(page: "OpenPage") -> str:
    if not page.lines:  # a listed resource can always be read
        return "Nothing waits for a person."
    lines = [f"# {page.total} waiting for a person"]
    for each in page.lines:
        more = f" ({each.identical} of the same)" if each.identical > 1 else ""
        lines.append(
            f"- {each.id} {each.kind}, {each.severity}: {each.summary}{more}; by {each.requester}, "
            f"until {each.expires_at:%Y-%m-%d %H:%M} UTC"
        )
    if page.total > len(page.lines):
        lines.append(f"{page.total - len(page.lines)} more: `agentops-mcp approvals` lists them all.")
    return "\n".join(lines)


def _register_prompt(mcp: MCPServer[Any]) -> None:
    @mcp.prompt(name="approval_request", description="Ask a person for approval so that they can decide in a minute.")
    def approval_request(
        action: Annotated[str, Field(description="What is to be done.")] = "",
        why: Annotated[str, Field(description="What it is needed for.")] = "",
    ) -> str:
        named = f": {gist(action, limit=300)}" if action.strip() else ""
        reason = f" It is needed for this: {gist(why, limit=300)}" if why.strip() else ""
        return (
            f"Ask a person to approve this action{named}.{reason}\n"
            "1. Call check_action with the exact action. If it says allow, no request is needed; if it names a safer "
            "way that serves, take that one instead.\n"
            "2. Find out what a person has to know, by looking and not by guessing: what will be different afterwards "
            "(how many rows, which files, who notices), and how to undo it: the command, and what stays undone.\n"
            "3. Call request_approval with the same kind, action, cwd and session, and in plain words: summary (one "
            "line), changes, rollback, impact (files, services, cost, level), alternatives with why each was rejected, "
            "risks; in details confidence, questions for the reviewer, and the state to resume with.\n"
            f"   For example: {EXAMPLE}\n"
            "   Do not persuade; leave nothing out that speaks against it. The server shows its own findings first.\n"
            "4. PENDING is no yes. Tell the person the id and how they can decide, do other work, and call "
            "check_approval.\n"
            "5. APPROVED: call check_action with approval=ID right before you act, once. REVISE: change it as they "
            "say and ask again. REJECTED or EXPIRED: do not do it, nor reach the same end another way."
        )
