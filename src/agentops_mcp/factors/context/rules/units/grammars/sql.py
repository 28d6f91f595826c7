"""SQL."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    FEW_LINES,
    Found,
    Grammar,
    Look,
    lines_of,
    looks,
    name_of,
    text_of,
)
from agentops_mcp.factors.context.rules.units.unit import short_name

if TYPE_CHECKING:
    from tree_sitter import Node


def _statement(node: "Node", content: bytes) -> Found | None:
    """What a statement creates; another one is a unit when it has more than a few lines."""
    made = next((child for child in node.named_children if child.type.startswith("create_")), None)
    if made is None:
        first_line = text_of(node, content).split(b"\n", 1)[0]
        return Found("statement", short_name(first_line)) if lines_of(node) > FEW_LINES else None
    return Found(made.type.removeprefix("create_").removeprefix("materialized_"), _created(made, content))


def _created(node: "Node", content: bytes) -> str:
    """An index is named by a field, the rest by the first reference."""
    for child in node.named_children:
        if child.type in {"object_reference", "identifier"}:
            return name_of(child, content)
    return ""


SQL = Grammar(
    "tree_sitter_sql",
    {
        "statement": _statement,
        **looks(Look.INSIDE, "transaction block"),
        **looks(Look.LEAD, "comment marginalia"),
    },
)
