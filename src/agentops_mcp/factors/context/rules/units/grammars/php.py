"""PHP."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    FEW_LINES,
    KEY_LINES,
    Found,
    Grammar,
    Look,
    Read,
    constant,
    define,
    lines_of,
    looks,
    name_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node


def _listed(kind: str, element: str) -> Read:
    """A declaration that names what it declares in its elements."""

    def read(node: "Node", content: bytes) -> Found | None:
        if lines_of(node) <= FEW_LINES:
            return None
        for child in node.named_children:
            if child.type == element and child.named_children:
                return Found(kind, name_of(child.named_children[0], content))
        return None

    return read


def _returned(node: "Node", _: bytes) -> Found | None:
    """A file that returns a table, as a configuration does."""
    value = node.named_children[0] if node.named_children else None
    if value is None or value.type != "array_creation_expression" or lines_of(node) <= FEW_LINES:
        return None
    return Found("constant", "return", None, value)


def _element(node: "Node", content: bytes) -> Found | None:
    if len(node.named_children) < 2 or lines_of(node) <= KEY_LINES:
        return None
    inside = node.named_children[-1]
    is_array = inside.type == "array_creation_expression"
    return Found("key", name_of(node.named_children[0], content).strip("\"'"), None, inside if is_array else None)


PHP = Grammar(
    "tree_sitter_php",
    {
        "function_definition": define("function"),
        "method_declaration": define("method"),
        "class_declaration": define("class"),
        "interface_declaration": define("interface"),
        "trait_declaration": define("trait"),
        "enum_declaration": define("enum"),
        "const_declaration": _listed("constant", "const_element"),
        "property_declaration": _listed("constant", "property_element"),
        "assignment_expression": constant("left"),
        "return_statement": _returned,
        "array_element_initializer": _element,
        **looks(Look.WRAPPED, "expression_statement"),
        **looks(Look.INSIDE, "namespace_definition compound_statement if_statement else_clause"),
        **looks(Look.LEAD, "comment"),
    },
    "language_php",
)
