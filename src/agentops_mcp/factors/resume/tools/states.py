"""Words of factor VI: what agents send to save a state, and what they read when they resume one."""

from collections.abc import Callable
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from agentops_mcp.core.display import gist
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.resume.render.states import Detail, render_resumed, render_tree
from agentops_mcp.factors.resume.rules import bundle as rules
from agentops_mcp.factors.resume.rules.bundle import Bundle, Phase
from agentops_mcp.factors.resume.rules.resumed import Resumed
from agentops_mcp.factors.resume.service.states import States

_RESOURCE_TOKENS = 8_000
_TREE_LENGTH = 60


class Decision(BaseModel):
    """What was chosen and why."""

    choice: str
    why: str
    rejected: str = ""


class Parameter(BaseModel):
    """An exact value."""

    name: str
    value: str
    file: str = Field(default="", description="File that has it.")


class SavedState(BaseModel):
    """The reply of save_state."""

    id: str
    parent: str | None
    tokens: int
    findings: list[str]


def register(mcp: MCPServer[Any], states: Callable[[], States], actor: Callable[[Context[Any, Any]], Actor]) -> None:
    """Add the tools, resources and prompts of states."""
    _register_save(mcp, states, actor)
    _register_resume(mcp, states)
    _register_resources(mcp, states)
    _register_prompts(mcp)


def _register_save(
    mcp: MCPServer[Any], states: Callable[[], States], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    @mcp.tool(
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        )
    )
    def save_state(
        goal: str,
        phase: Phase,
        decisions: list[Decision],
        parameters: list[Parameter],
        next_steps: Annotated[list[str], Field(description="Ordered; each says what to do to what.")],
        ctx: Context[Any, Any],
        did: str = "",
        findings: list[str] = [],  # noqa: B006 - pydantic copies defaults
        open_questions: list[str] = [],  # noqa: B006
        blockers: list[str] = [],  # noqa: B006
        key_files: list[str] = [],  # noqa: B006
        confidence: Annotated[int | None, Field(ge=0, le=100)] = None,
        parent: Annotated[str, Field(description="Default: the state you continue. 'none' starts anew.")] = "",
        mission: str = "",
        session: str = "",
    ) -> SavedState:
        """Save the state of the work so that another session can go on: at each milestone, and before you stop.

        At most 2,000 tokens. Files and commits named in any text are re-checked on resume. Branch, HEAD and
        uncommitted work are added. Nothing is overwritten.
        """
        bundle = Bundle(
            goal=goal,
            phase=phase,
            did=did,
            decisions=tuple(rules.Decision(each.choice, each.why, each.rejected) for each in decisions),
            parameters=tuple(rules.Parameter(each.name, each.value, each.file) for each in parameters),
            findings=tuple(findings),
            next_steps=tuple(next_steps),
            open_questions=tuple(open_questions),
            blockers=tuple(blockers),
            key_files=tuple(key_files),
            confidence=confidence,
        )
        result = states().save(bundle, actor=actor(ctx), session=session or None, parent=parent, mission=mission)
        saved = result.saved
        return SavedState(id=saved.id, parent=saved.parent, tokens=saved.tokens, findings=list(result.findings))


def _register_resume(mcp: MCPServer[Any], states: Callable[[], States]) -> None:
    @mcp.tool(
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
        structured_output=False,
    )
    def resume_state(
        query: Annotated[
            str, Field(description="Id, words of a goal, or a handoff file's text; empty: the newest unfinished.")
        ] = "",
        detail: Detail = "work",
        budget_tokens: Annotated[int, Field(ge=100, le=8000)] = 1500,
    ) -> str:
        """Go on where an earlier session stopped: goal, next steps, exact parameters, decisions, findings.

        Every claim that cites a file or commit is looked up again: FRESH, STALE (with what changed) or
        UNVERIFIABLE. detail: summary (100 tokens), steps (how to go on), work, all; what the budget cuts is counted.
        """
        return render_resumed(states().recall(query), detail=detail, budget_tokens=budget_tokens)


def _register_resources(mcp: MCPServer[Any], states: Callable[[], States]) -> None:
    def whole(resumed: Resumed) -> str:
        return render_resumed(resumed, detail="all", budget_tokens=_RESOURCE_TOKENS)

    @mcp.resource(
        "agentops://state/current",
        name="current_state",
        description="The newest unfinished state, re-checked.",
        mime_type="text/markdown",
    )
    def current_state() -> str:
        found, notes = states().unfinished()
        if found is None:  # a listed resource can always be read
            return "\n".join(["No unfinished state. save_state makes one.", *notes])
        return whole(states().resume(found, notes=notes))

    @mcp.resource(
        "agentops://state/{state}", name="state", description="One state, re-checked.", mime_type="text/markdown"
    )
    def state(state: str) -> str:
        return whole(states().resume(state))

    @mcp.resource(
        "agentops://states", name="states", description="The tree of states, newest first.", mime_type="text/markdown"
    )
    def tree() -> str:
        return render_tree(states().newest(_TREE_LENGTH))


def _register_prompts(mcp: MCPServer[Any]) -> None:
    @mcp.prompt(name="session_start", description="Begin a session: brief, plan, first step.")
    def session_start(goal: Annotated[str, Field(description="What this session is for.")] = "") -> str:
        named = f" with goal={gist(goal, limit=300)!r}" if goal.strip() else " with the goal in one sentence"
        return (
            f"Begin this session.\n1. Call start_session{named}; keep its handle as `session`.\n"
            "2. Read the brief. For every STALE claim that matters, open what it cites before you rely on it.\n"
            "3. If the brief names a state of the same goal, go on with its first next step; do not start over.\n"
            "4. Take one thing, finish it, prove it; record_entry for each decision, learning or failure.\n"
            "5. Call save_state at each milestone, and always before the window is 40 % full or you stop."
        )

    @mcp.prompt(name="session_resume", description="Go on where an earlier session stopped.")
    def session_resume(
        query: Annotated[str, Field(description="Id of a state, or words of its goal.")] = "",
    ) -> str:
        which = f"query={gist(query, limit=300)!r}" if query.strip() else "no query: the newest unfinished state"
        return (
            f"Resume earlier work.\n1. Call start_session, then resume_state ({which}).\n"
            "2. Look at every STALE and UNVERIFIABLE claim: open what it cites, and decide whether it still holds.\n"
            "3. If uncommitted work of then is missing here, ask the person for the `agentops-mcp restore` it names.\n"
            "4. Run the cheapest check that shows whether the project is healthy now.\n"
            "5. Do the first next step; then save_state with parent set to the state you resumed."
        )

    @mcp.prompt(name="session_end", description="Leave work so that anybody can go on from it.")
    def session_end() -> str:
        return (
            "End this session so that another agent can go on in one call.\n"
            "1. record_entry for each decision, learning or failure not recorded yet: at least one learning.\n"
            "2. Commit what is finished; name what is left uncommitted, and why.\n"
            "3. save_state: did (one or two sentences), decisions with why and what was rejected, parameters with "
            "exact values and the file that has them, ordered next_steps that each name a file, test or command, "
            "open_questions, blockers, key_files. phase='done' only when nothing is left.\n"
            "4. Read its findings; if one says that something is missing, save again.\n"
            "5. Tell the person the state's id and the first next step."
        )


def completions(states: Callable[[], States]) -> dict[str, Callable[[str], list[str]]]:
    """Completers for the variables of these resource templates."""
    return {"state": lambda prefix: [node.id for node in states().newest(_TREE_LENGTH) if node.id.startswith(prefix)]}
