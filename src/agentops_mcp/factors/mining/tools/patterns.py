"""Words of patterns: saving one, mining for more, and reading the library."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import Field

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.render.patterns import render_library, render_member, render_mined, render_saved
from agentops_mcp.factors.mining.rules.drafts import drafted
from agentops_mcp.factors.mining.rules.times import since_of

if TYPE_CHECKING:
    from agentops_mcp.factors.mining.service.evidence import LibraryEvidence
    from agentops_mcp.factors.mining.service.mining import Mining
    from agentops_mcp.factors.mining.service.patterns import Patterns

_MINED_TOKENS = 2_000


def register(
    mcp: MCPServer[Any],
    patterns: Callable[[], "Patterns"],
    mining: Callable[[], "Mining"],
    evidence: Callable[[], "LibraryEvidence"],
    actor: Callable[[Context[Any, Any]], Actor],
    clock: Clock,
) -> None:
    """Add the tools, resources and the prompt."""
    _register_save(mcp, patterns, actor)
    _register_mine(mcp, mining, clock)
    _register_resources(mcp, patterns, evidence)
    _register_retro(mcp)


def _register_save(
    mcp: MCPServer[Any], patterns: Callable[[], "Patterns"], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    @mcp.tool(
        structured_output=False,
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        ),
    )
    def save_pattern(
        title: Annotated[str, Field(max_length=200, description="What to do, in one line.")],
        problem: str,
        context: Annotated[str, Field(description="Where it applies, and where not.")],
        solution: str,
        ctx: Context[Any, Any],
        consequences: Annotated[list[str], Field(description="Each 'benefit: ...', 'tradeoff: ...' or 'risk: ...'.")],
        details: Annotated[str, Field(description="Markdown: ## Forces, ## Implementation, ## Known uses.")] = "",
        evidence: Annotated[list[str], Field(description="Ids of entries, or commits.")] = [],  # noqa: B006
        tags: list[str] = [],  # noqa: B006 - pydantic copies defaults
        category: Annotated[str, Field(description="Like context, validation, workflow.")] = "domain",
        kind: Literal["pattern", "anti-pattern"] = "pattern",
        name: Annotated[str, Field(description="Of the pattern to revise.")] = "",
        supersedes: Annotated[str, Field(description="Name of the pattern this one replaces.")] = "",
        dry_run: bool = False,
        session: str | None = None,
    ) -> str:
        """Keep a proven way of working (or a trap to avoid) as a pattern the whole project finds again.

        Five checks: complete, clear and unique are required; a near-duplicate is refused with the one to refine. The
        stage is computed from evidence, never claimed.
        """
        pattern = drafted(
            title=title, problem=problem, context=context, solution=solution, consequences=consequences,
            details=details, evidence=evidence, tags=tags, category=category, kind=kind, name=name,
            supersedes=supersedes,
        )  # fmt: skip
        return render_saved(patterns().save(pattern, actor=actor(ctx), session=session, trial=dry_run))


def _register_mine(mcp: MCPServer[Any], mining: Callable[[], "Mining"], clock: Clock) -> None:
    @mcp.tool(
        structured_output=False,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )
    def mine_patterns(
        since: Annotated[str, Field(max_length=40, description="A date, or 30d.")] = "",
        min_occurrences: Annotated[int, Field(ge=2, le=100)] = 3,
    ) -> str:
        """Find what recurs in the learnings and failures of all sessions, each theme with a draft for save_pattern."""
        mined = mining().mine(since=since_of(since, clock()), min_occurrences=min_occurrences)
        return render_mined(mined, budget_tokens=_MINED_TOKENS)


def _register_resources(
    mcp: MCPServer[Any], patterns: Callable[[], "Patterns"], evidence: Callable[[], "LibraryEvidence"]
) -> None:
    @mcp.resource(
        "agentops://pattern/{name}", name="pattern", description="One pattern, whole.", mime_type="text/markdown"
    )
    def pattern(name: str) -> str:
        return render_member(patterns().member(name))

    @mcp.resource(
        "agentops://patterns",
        name="patterns",
        description="The pattern library: every name, stage and title, and how the library does.",
        mime_type="text/markdown",
    )
    def library() -> str:
        return render_library(patterns().members(), evidence().health())


def _register_retro(mcp: MCPServer[Any]) -> None:
    @mcp.prompt(name="retro", description="Look back on a session and keep what it taught.")
    def retro() -> str:
        return (
            "Look back on this session before it ends. Facts only, from what you did and saw.\n"
            "1. record_entry(kind='retrospective'): action = what was accomplished; context = what worked and what did "
            "not; solution = what you would change; learning = what the next agent should know; impact = the numbers.\n"
            "2. For each single thing learned that is true beyond this case: record_entry(kind='learning'). For each "
            "failure not yet recorded: record_entry(kind='failure').\n"
            "3. report_outcome for every pattern and load you used, also when it did not help.\n"
            "4. mine_patterns(): for a theme that recurs, complete its draft and save_pattern. One occurrence is a "
            "learning, not a pattern.\n"
            "5. save_state if work is left."
        )


def completions(patterns: Callable[[], "Patterns"]) -> dict[str, Callable[[str], list[str]]]:
    """Completers for the variables of this factor's resource templates."""
    return {"name": lambda prefix: patterns().complete_name(prefix)}
