"""Words of factor II: what agents ask to load, and what they read of a file."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import Field

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.context.rules.requests import DEFAULT_BUDGET, LEAST_BUDGET, MOST_BUDGET, PARTS, Part, Request

if TYPE_CHECKING:
    from agentops_mcp.factors.context.service.contexts import Contexts


def register(
    mcp: MCPServer[Any], contexts: Callable[[], "Contexts"], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    """Add this factor's tool, resources and prompts."""
    _register_tool(mcp, contexts, actor)
    _register_resources(mcp, contexts)
    _register_prompts(mcp)


def _register_tool(
    mcp: MCPServer[Any], contexts: Callable[[], "Contexts"], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    @mcp.tool(
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        ),
        structured_output=False,
    )
    def load_context(
        task: Annotated[str, Field(description="What you are about to do, in plain words; quote names and errors.")],
        ctx: Context[Any, Any],
        budget_tokens: Annotated[int, Field(ge=LEAST_BUDGET, le=MOST_BUDGET)] = DEFAULT_BUDGET,
        window_tokens: Annotated[int | None, Field(description="Size of your window, if known.")] = None,
        used_tokens: Annotated[int | None, Field(description="How much of it is used.")] = None,
        include: list[Part] = [*PARTS],  # noqa: B006 - pydantic copies defaults
        paths: Annotated[list[str], Field(description="Files or folders to favour.")] = [],  # noqa: B006
        only_paths: Annotated[bool, Field(description="Look at nothing but paths.")] = False,
        seen: Annotated[list[str], Field(description="Ids of loads or items never to send again.")] = [],  # noqa: B006
        rev: Annotated[str, Field(description="Commit or branch; default: the worktree.")] = "",
        for_subagent: Annotated[bool, Field(description="Make a self-contained brief to delegate.")] = False,
        session: str = "",
    ) -> str:
        """Find and load the code and knowledge a task needs, within a token budget: call it before opening files.

        Returns the places that matter (path, lines, why), what was left out and how to get it, the tokens spent
        and your window's share. Past 40 % of the window it refuses and says how to go on.
        """
        request = Request(
            task=task,
            budget_tokens=budget_tokens,
            window_tokens=window_tokens,
            used_tokens=used_tokens,
            include=tuple(include),
            paths=tuple(paths),
            only_paths=only_paths,
            seen=tuple(seen),
            rev=rev,
            for_subagent=for_subagent,
            session=session or None,
        )
        return contexts().load(request, actor=actor(ctx)).text


def _register_resources(mcp: MCPServer[Any], contexts: Callable[[], "Contexts"]) -> None:
    @mcp.resource(
        "agentops://lines/{span}/{+path}",
        name="file_lines",
        description="Lines of a file, such as agentops://lines/10-40/src/app.py.",
        mime_type="text/plain",
    )
    def file_lines(span: str, path: str) -> str:
        start, _, end = span.partition("-")
        if not (start.isdecimal() and (end or start).isdecimal() and len(span) <= 20):
            raise InvalidInputError(f"{span[:20]!r} is not a range of lines.", remedy="Use one such as 10-40.")
        return contexts().lines(path, int(start), int(end or start))

    @mcp.resource(
        "agentops://outline/{+path}",
        name="file_outline",
        description="Functions, classes and sections of a file, with their lines.",
        mime_type="text/plain",
    )
    def file_outline(path: str) -> str:
        return contexts().outline(path)


def _register_prompts(mcp: MCPServer[Any]) -> None:
    @mcp.prompt(name="research", description="Find out what a task needs before planning it.")
    def research(task: Annotated[str, Field(description="What is to be done.")] = "") -> str:
        about = gist(task, limit=300) if task.strip() else "the task at hand"
        return (
            f"Research {about}; change nothing yet.\n"
            "1. Call load_context with the task in plain words; add window_tokens and used_tokens if you know them.\n"
            "2. Read what it chose; open further places only by path and lines, and pass what you have as `seen`.\n"
            "3. If a part needs much reading, call load_context with for_subagent=true and give its brief to a "
            "sub-agent; check its report with report_outcome.\n"
            "4. Write down: the problem in one sentence, what decides success, constraints, two or three options with "
            "their costs, your recommendation, open questions for the person.\n"
            "5. record_entry for what you learned; save_state with phase='research' before you plan."
        )

    @mcp.prompt(name="plan", description="Plan a task step by step, each with its check.")
    def plan(task: Annotated[str, Field(description="What is to be done.")] = "") -> str:
        about = gist(task, limit=300) if task.strip() else "the task at hand"
        return (
            f"Plan {about}.\n"
            "1. Call resume_state for the research, if there was any; load_context for the places that will change.\n"
            "2. List the steps in order; for each the files and functions it changes, and the command that proves it.\n"
            "3. Mark the steps a person must approve: what cannot be undone, what others depend on.\n"
            "4. Name what you assume and what would make you stop and plan again.\n"
            "5. Keep each step small enough for a fifth of a window; delegate what is larger.\n"
            "6. save_state with phase='plan' and the steps as next_steps; ask the person before you start."
        )


def completions(contexts: Callable[[], "Contexts"]) -> dict[str, Callable[[str], list[str]]]:
    """Completers for the variables of these resource templates."""
    return {"path": lambda prefix: contexts().complete_path(prefix)}
