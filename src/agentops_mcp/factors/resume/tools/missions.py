"""Words of factor VI: one tool for everything that happens to a mission, and what can be read of them."""

from collections.abc import Callable
from typing import Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.resume.render.missions import render_mission, render_missions, render_whole
from agentops_mcp.factors.resume.rules.mission_features import EVIDENCE_EXAMPLE
from agentops_mcp.factors.resume.rules.missions import Standing
from agentops_mcp.factors.resume.service.missions import Missions

Op = Literal[
    "open", "list", "show", "claim", "take_over", "release", "move", "add_features", "start_feature", "stop_feature",
    "set_feature",
]  # fmt: skip


def register(
    mcp: MCPServer[Any], missions: Callable[[], Missions], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    """Add the tool and the resources of missions."""
    _register_tool(mcp, missions, actor)
    _register_resources(mcp, missions)


def _register_tool(
    mcp: MCPServer[Any], missions: Callable[[], Missions], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    @mcp.tool(
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        ),
        structured_output=False,
    )
    def track_mission(
        op: Op,
        ctx: Context[Any, Any],
        mission: str = "",
        goal: str = "",
        features: list[str] = [],  # noqa: B006 - pydantic copies defaults
        to: str = "",
        reason: str = "",
        details: str = "",
        feature: str = "",
        passes: bool | None = None,
        evidence: str = "",
        session: str = "",
    ) -> str:
        """Track a goal that outlives one session: its state, its features, and who holds it.

        open: goal, features (one text each; steps to check it on further lines). move: to, reason; the
        reply lists the legal ones. set_feature: feature, passes, evidence (what was run, what it said).
        Changes need `session` and hold the mission for 30 minutes.
        """
        of, by = missions(), actor(ctx)
        calls: dict[Op, Callable[[], Standing]] = {
            "open": lambda: of.open(goal, features, session=session, actor=by),
            "show": lambda: of.read(mission),
            "claim": lambda: of.claim(mission, session=session, actor=by),
            "take_over": lambda: of.take_over(mission, session=session, actor=by),
            "release": lambda: of.release(mission, session=session, actor=by),
            "move": lambda: of.move(mission, to, reason, details, session=session, actor=by),
            "add_features": lambda: of.add_features(mission, features, session=session, actor=by),
            "start_feature": lambda: of.start_feature(mission, feature, session=session, actor=by),
            "stop_feature": lambda: of.stop_feature(mission, feature, session=session, actor=by),
            "set_feature": lambda: of.set_feature(
                mission, feature, passes=_given(passes), evidence=evidence, session=session, actor=by
            ),
        }
        return render_missions(of.open_ones()) if op == "list" else render_mission(calls[op]())


def _given(passes: bool | None) -> bool:
    if passes is None:
        raise InvalidInputError(
            "set_feature needs `passes`, true or false.",
            remedy=f"Say with it what was run and what it said, for example evidence={EVIDENCE_EXAMPLE!r}.",
        )
    return passes


def _register_resources(mcp: MCPServer[Any], missions: Callable[[], Missions]) -> None:
    @mcp.resource("agentops://missions", name="missions", description="The open missions.", mime_type="text/markdown")
    def open_missions() -> str:
        return render_missions(missions().open_ones())

    @mcp.resource(
        "agentops://mission/{mission}",
        name="mission",
        description="One mission: every feature, every move.",
        mime_type="text/markdown",
    )
    def whole_mission(mission: str) -> str:
        return render_whole(missions().read(mission))


def completions(missions: Callable[[], Missions]) -> dict[str, Callable[[str], list[str]]]:
    """Completers for the variables of these resource templates."""
    return {
        "mission": lambda prefix: [
            each.mission.id for each in missions().open_ones() if each.mission.id.startswith(prefix)
        ]
    }
