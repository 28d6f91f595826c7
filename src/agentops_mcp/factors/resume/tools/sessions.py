"""Words of factor VI: the call an agent makes first."""

from collections.abc import Callable
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import Field

from agentops_mcp.core.records import Actor
from agentops_mcp.factors.resume.service.sessions import Sessions


def register(
    mcp: MCPServer[Any], sessions: Callable[[], Sessions], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    """Add this factor's tool."""

    @mcp.tool(
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        ),
        structured_output=False,
    )
    def start_session(
        goal: Annotated[str, Field(max_length=1000, description="What this session is for, in one sentence.")],
        ctx: Context[Any, Any],
    ) -> str:
        """Start work: call this first, before reading code.

        Returns a session handle (pass it to other tools; valid 7 days) and a brief: the saved state of this
        goal or the newest unfinished one, what of it still holds, its next step, what waits for a person,
        uncommitted files, the latest entries.
        """
        return sessions().start(goal, actor=actor(ctx)).brief
