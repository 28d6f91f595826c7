"""Words of search: what agents ask for, and what they get to read."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import Field

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.documents import DocumentKind
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.render.hits import render_note, render_results
from agentops_mcp.factors.mining.rules.stages import Stage
from agentops_mcp.factors.mining.rules.times import since_of
from agentops_mcp.factors.mining.store.documents import Filter, Request

if TYPE_CHECKING:
    from agentops_mcp.factors.mining.service.search import Search

CEILING_TOKENS = 8_000
"""The hard ceiling of a reply."""


def register(
    mcp: MCPServer[Any], search: Callable[[], "Search"], actor: Callable[[Context[Any, Any]], Actor], clock: Clock
) -> None:
    """Add the tool and its resource."""
    _register_note(mcp, search)

    @mcp.tool(
        structured_output=False,
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )
    def search_knowledge(
        query: Annotated[str, Field(description="What you want to know, in your own words.")],
        ctx: Context[Any, Any],
        kinds: list[DocumentKind] = [],  # noqa: B006 - pydantic copies defaults
        since: Annotated[str, Field(max_length=40, description="A date, or 7d, 12h.")] = "",
        path: Annotated[str, Field(max_length=1000, description="Only what cites this file or folder.")] = "",
        tag: Annotated[str, Field(max_length=60)] = "",
        stage: Stage | None = None,
        k: Annotated[int, Field(ge=1, le=50)] = 8,
        budget_tokens: Annotated[int, Field(ge=100, le=CEILING_TOKENS)] = 1_500,
        detail: Literal["gist", "text"] = "gist",
        session: str | None = None,
    ) -> str:
        """Search everything this project recorded, by words and by meaning, before you solve it again.

        Entries, failures, patterns, states and imported notes; each hit says why it matched, who wrote it, whether
        the files it cites still are as they were, and the URI of its whole text.
        """
        chosen = Filter(tuple(kinds), since_of(since, clock()), path.strip(), tag.strip().casefold())
        results = search().search(Request(query, chosen, stage, k))
        search().record(results, actor=actor(ctx), session=session)
        return render_results(query, results, now=clock(), budget_tokens=budget_tokens, texts=detail == "text")


def _register_note(mcp: MCPServer[Any], search: Callable[[], "Search"]) -> None:
    @mcp.resource(
        "agentops://note/{key}", name="note", description="One imported note, whole.", mime_type="text/markdown"
    )
    def note(key: str) -> str:
        document, event = search().whole(f"note/{key}")
        return render_note(document, event.at)


def completions(search: Callable[[], "Search"]) -> dict[str, Callable[[str], list[str]]]:
    """Completers for the variables of resource templates."""
    return {
        "tag": lambda prefix: search().complete_tag(prefix),
        "key": lambda prefix: search().complete_note(prefix),
    }
