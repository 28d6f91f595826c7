"""Words of factor II: how something that was handed out went, and a sub-agent's report to check."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from agentops_mcp.core.records import Actor
from agentops_mcp.factors.context.service.outcomes import Outcomes


class ReportedOutcome(BaseModel):
    """The reply of report_outcome."""

    id: str
    report: Literal["none", "accepted", "refused"]
    report_tokens: int
    findings: list[str]


def register(
    mcp: MCPServer[Any], outcomes: Callable[[], Outcomes], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    """Add the tool."""

    @mcp.tool(
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        )
    )
    def report_outcome(
        of: Annotated[str, Field(description="Id of a load or brief, URI of a pattern, action/ID.")],
        outcome: Literal["worked", "partly", "failed", "unused", "regretted"],
        ctx: Context[Any, Any],
        note: Annotated[str, Field(max_length=2000)] = "",
        used_tokens: int | None = None,
        window_tokens: int | None = None,
        report: str = "",
        spent: Annotated[
            dict[str, float],
            Field(description="tokens, cost, seconds, runs, retries since last told; total: 1 for sums."),
        ] = {},  # noqa: B006 - pydantic copies defaults
        session: str = "",
    ) -> ReportedOutcome:
        """Say how something this server handed out went, so that it does better next time.

        report: a sub-agent's report, checked before you rely on it: refused when too long or mostly raw file
        text, with what to send instead. used_tokens, window_tokens: your own window now; later loads of this
        session are measured against them.
        """
        result = outcomes().report(
            of,
            outcome,
            actor=actor(ctx),
            note=note,
            used_tokens=used_tokens,
            window_tokens=window_tokens,
            report=report,
            spent=spent,
            session=session or None,
        )
        verdict = result.report
        return ReportedOutcome(
            id=result.id,
            report="none" if verdict is None else "accepted" if verdict.accepted else "refused",
            report_tokens=verdict.tokens if verdict else 0,
            findings=[*(verdict.findings if verdict else ()), *result.notes],
        )
