"""A request as a card, for hosts that render apps. It shows, and links to the page; nothing is decided in it.

The protocol between a card and its host is that of MCP Apps, 2026-01-26.
"""

from typing import TYPE_CHECKING, Any

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver.resources import FunctionResource

if TYPE_CHECKING:
    from agentops_mcp.factors.approval.service.requests import Standing

URI = "ui://agentops/approval"
META: dict[str, Any] = {"ui": {"resourceUri": URI}}
"""What binds a tool to the card."""

RESULT_KEY = "agentops/approval"
"""Under which a result's `_meta` has what the card shows; a model does not see it."""

_MOST_CHARS = 200_000


def extension() -> Apps:
    """The extension that serves the card; its file is read when a host asks for it."""
    apps = Apps()
    apps.add_resource(
        FunctionResource(
            uri=URI, name="approval_card", description="A request for approval as a card.", mime_type=APP_MIME_TYPE,
            fn=_html,
        )
    )  # fmt: skip
    return apps


def shown(standing: "Standing", *, page: str | None) -> dict[str, Any]:
    """What the card shows of a request: the whole of it, or where it is too large for a card, where it is whole."""
    from agentops_mcp.factors.approval.render.requests import sections, status_line, title

    parts = [
        {"heading": each.heading, "lines": list(each.lines), "whose": each.whose, "form": each.form}
        for each in sections(standing)
    ]
    if sum(len(line) for each in sections(standing) for line in each.lines) > _MOST_CHARS:
        where = f"`agentops-mcp approvals {standing.request.id[-8:]}` prints it whole, and so does the page."
        parts = [{"heading": "Too large for a card", "lines": [where], "whose": "server", "form": "text"}]
    return {"title": title(standing), "status": status_line(standing), "sections": parts, "page": page or ""}


def _html() -> str:
    from importlib.resources import files  # not on the way of a start

    return files("agentops_mcp.factors.approval.tools").joinpath("card.html").read_text(encoding="utf-8")
