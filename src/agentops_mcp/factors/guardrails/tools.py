"""Words of factor XI: an action is judged before it is taken."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import Field

from agentops_mcp.core.records import Actor
from agentops_mcp.factors.guardrails.render import render_judged
from agentops_mcp.factors.guardrails.rules.actions import given

if TYPE_CHECKING:
    from agentops_mcp.factors.guardrails.service.checks import Checks

Kind = Literal["shell", "git", "file_write", "file_delete", "patch", "tool_call", "network", "spend"]


def register(mcp: MCPServer[Any], checks: Callable[[], "Checks"], actor: Callable[[Context[Any, Any]], Actor]) -> None:
    """Add the tool."""

    @mcp.tool(
        structured_output=False,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        ),
    )
    def check_action(
        kind: Kind,
        action: Annotated[
            str | dict[str, Any], Field(description="Command, path, diff, URL or amount; tool_call: {name, arguments}.")
        ],
        ctx: Context[Any, Any],
        cwd: str = "",
        session: str = "",
        approval: str = "",
    ) -> str:
        """Judge a risky action before you take it: allow, ask or deny, what it would do, why, and a safer way.

        ask: a person decides first; `approval` is their yes. deny: do not reach the same end another way. Says when it
        failed before. Then report_outcome with the action it names.
        """
        judged = checks().check(
            kind, given(kind, action), cwd=cwd, session=session or None, actor=actor(ctx), approval=approval.strip()
        )
        return render_judged(judged)
