"""YAML and TOML."""

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


def _key(node: "Node", content: bytes) -> Found | None:
    """A key with a value below it."""
    if lines_of(node) < 2:
        return None
    value = node.child_by_field_name("value")
    return Found("key", name_of(node.child_by_field_name("key"), content).strip("\"'"), None, value)


def _item(node: "Node", content: bytes) -> Found | None:
    """An item of a list that is the whole file, named by its first line."""
    first_line = text_of(node, content).lstrip(b"- ").split(b"\n", 1)[0]
    return Found("item", short_name(first_line)) if lines_of(node) > 1 else None


def _table(node: "Node", content: bytes) -> Found:
    return Found("table", name_of(node.named_children[0], content) if node.named_children else "", None, node)


def _pair(node: "Node", content: bytes) -> Found | None:
    if lines_of(node) <= FEW_LINES:
        return None
    return Found("key", name_of(node.named_children[0], content).strip("\"'"))


YAML = Grammar(
    "tree_sitter_yaml",
    {
        "block_mapping_pair": _key,
        "block_sequence_item": _item,
        **looks(Look.INSIDE, "document block_node block_mapping block_sequence"),
        **looks(Look.LEAD, "comment"),
    },
)
TOML = Grammar(
    "tree_sitter_toml",
    {
        "table": _table,
        "table_array_element": _table,
        "pair": _pair,
        **looks(Look.LEAD, "comment"),
    },
)
