"""Words of factor I: what agents send to record an entry, and what they read of earlier ones."""

from collections.abc import Callable
from typing import Annotated, Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

from agentops_mcp.core.display import gist
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.tracking.render import fit, render_entry, render_list
from agentops_mcp.factors.tracking.rules import Entry, Kind
from agentops_mcp.factors.tracking.service import Entries

Tag = Annotated[str, Field(max_length=60)]
Path = Annotated[str, Field(max_length=1000)]
Commit = Annotated[str, Field(max_length=100)]


class RecordedEntry(BaseModel):
    """The reply of record_entry."""

    id: str
    warnings: list[str]


def register(mcp: MCPServer[Any], entries: Callable[[], Entries], actor: Callable[[Context[Any, Any]], Actor]) -> None:
    """Add this factor's tool, resources and prompt."""
    _register_tool(mcp, entries, actor)
    _register_resources(mcp, entries)
    _register_prompt(mcp)


def _register_tool(
    mcp: MCPServer[Any], entries: Callable[[], Entries], actor: Callable[[Context[Any, Any]], Actor]
) -> None:
    @mcp.tool(
        annotations=ToolAnnotations(
            read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
        )
    )
    def record_entry(
        kind: Kind,
        action: Annotated[str, Field(max_length=500, description="What was done, in one specific sentence.")],
        context: Annotated[str, Field(max_length=4000, description="Why: what led to it.")],
        ctx: Context[Any, Any],
        solution: Annotated[str, Field(max_length=4000, description="What was chosen, and how it works.")] = "",
        learning: Annotated[str, Field(max_length=2000, description="What the next agent should know.")] = "",
        impact: Annotated[str, Field(max_length=1000, description="What changed, with a number.")] = "",
        tags: Annotated[list[Tag], Field(max_length=12)] = [],  # noqa: B006 - pydantic copies defaults
        files: Annotated[list[Path], Field(max_length=20, description="Paths it is about.")] = [],  # noqa: B006
        commits: Annotated[list[Commit], Field(max_length=20)] = [],  # noqa: B006
        session: Annotated[str | None, Field(description="Handle from start_session.")] = None,
    ) -> RecordedEntry:
        """Record a finished action, a decision, a learning or a failure in the project's durable memory.

        Call it when one happens, not at the end. Branch, commit and file hashes are added; secrets are
        replaced. Generic text is refused with an example. Warnings need no new call.
        """
        entry = Entry(kind, action, context, solution, learning, impact, tuple(tags), tuple(files), tuple(commits))
        recorded = entries().record(entry, actor=actor(ctx), session=session)
        return RecordedEntry(id=recorded.event.id, warnings=list(recorded.warnings))


def _register_resources(mcp: MCPServer[Any], entries: Callable[[], Entries]) -> None:
    @mcp.resource("agentops://entry/{id}", name="entry", description="One entry, whole.", mime_type="text/markdown")
    def entry(id: str) -> str:  # the template's variable names the parameter
        return fit(render_entry(entries().read(id)))

    @mcp.resource(
        "agentops://entries/recent", name="recent_entries", description="The newest entries.", mime_type="text/markdown"
    )
    def recent_entries() -> str:
        return render_list("Recent entries", entries().recent())

    @mcp.resource(
        "agentops://history/tag/{tag}",
        name="tag_history",
        description="Entries with a tag, newest first.",
        mime_type="text/markdown",
    )
    def tag_history(tag: str) -> str:
        return render_list(f"Entries tagged {gist(tag, limit=60)}", entries().history_of_tag(tag))

    @mcp.resource(
        "agentops://history/file/{+path}",
        name="file_history",
        description="Entries that cite a file, newest first.",
        mime_type="text/markdown",
    )
    def file_history(path: str) -> str:
        return render_list(f"Entries on {gist(path, limit=200)}", entries().history_of_file(path))


def _register_prompt(mcp: MCPServer[Any]) -> None:
    @mcp.prompt(name="write_entry", description="Turn what just happened into an entry worth keeping.")
    def write_entry(
        what: Annotated[str, Field(description="What happened, in a few words.")] = "the work just finished",
    ) -> str:
        return (
            f"Write one entry about {gist(what, limit=300)} and record it with record_entry.\n"
            "- kind: action, decision, learning or failure.\n"
            "- action: one specific sentence; name the thing, not 'fixed bug'.\n"
            "- context: why it was needed; what you saw, tried or were asked.\n"
            "- solution: what was chosen and how it works; for a failure, what stopped you.\n"
            "- learning: what you would tell the next agent before it starts; true beyond this case.\n"
            "- impact: what changed, with a number you measured; leave it out rather than invent one.\n"
            "- files, commits: what it is about, so that it can be checked later.\n"
            "Facts only: no secrets, nothing you did not see."
        )


def completions(entries: Callable[[], Entries]) -> dict[str, Callable[[str], list[str]]]:
    """Completers for the variables of this factor's resource templates."""
    return {
        "tag": lambda prefix: entries().complete_tag(prefix),
        "path": lambda prefix: entries().complete_file(prefix),
        "id": lambda prefix: [event.id for event in entries().recent() if event.id.startswith(prefix)],
    }
