"""Rust."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    Found,
    Grammar,
    Look,
    constant,
    define,
    looks,
    name_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node


def _impl(node: "Node", content: bytes) -> Found:
    """An `impl` goes by its type, so that its functions are methods of that."""
    of = node.child_by_field_name("type")
    body = node.child_by_field_name("body")
    return Found("impl", name_of(of, content).split("<")[0].lstrip("&"), body, body)


def _macro(node: "Node", content: bytes) -> Found:
    return Found("macro", name_of(node.child_by_field_name("name"), content))


RUST = Grammar(
    "tree_sitter_rust",
    {
        "function_item": define("function"),
        "function_signature_item": define("function"),
        "struct_item": define("struct", open_body=False),
        "union_item": define("struct", open_body=False),
        "enum_item": define("enum", open_body=False),
        "trait_item": define("trait"),
        "type_item": define("type", open_body=False),
        "impl_item": _impl,
        "mod_item": define("module"),
        "macro_definition": _macro,
        "const_item": constant("name"),
        "static_item": constant("name"),
        **looks(Look.INSIDE, "foreign_mod_item declaration_list"),
        **looks(Look.LEAD, "line_comment block_comment attribute_item"),
    },
)
