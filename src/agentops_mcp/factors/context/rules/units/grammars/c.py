"""C and C++."""

import re
from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    FEW_LINES,
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

_TEMPLATE_ARGUMENTS = re.compile(r"<[^<>]*>")


def _declared(node: "Node", content: bytes) -> str:
    """The name in a declarator such as `*(name)(int)`, `Owner.name` for one defined outside of its class."""
    inner: Node | None = node.child_by_field_name("declarator")
    last = inner
    while inner is not None:
        last = inner
        inner = inner.child_by_field_name("declarator")
        if inner is None and last.type in {"reference_declarator", "parenthesized_declarator"}:
            inner = last.named_children[0] if last.named_children else None
    name = name_of(last, content)
    if "::" in name and "operator" not in name:
        name = _TEMPLATE_ARGUMENTS.sub("", name)
    return name.replace("::", ".")


def _function(node: "Node", content: bytes) -> Found | None:
    body = node.child_by_field_name("body")
    name = _declared(node, content)
    return Found("method" if "." in name else "function", name, body, body) if name else None


def _shape(kind: str) -> Read:
    """A struct, class or enum where it is defined, not where it is used."""

    def read(node: "Node", content: bytes) -> Found | None:
        body, named = node.child_by_field_name("body"), node.child_by_field_name("name")
        return Found(kind, name_of(named, content), body, body) if body and named else None

    return read


def _typedef(node: "Node", content: bytes) -> Found:
    """`typedef struct { ... } Name;`, and any other."""
    of = node.child_by_field_name("type")
    body = of.child_by_field_name("body") if of else None
    kind = "type" if of is None or body is None else of.type.removesuffix("_specifier").replace("union", "struct")
    return Found(kind, _declared(node, content), body, None)


def _declaration(node: "Node", content: bytes) -> Found | Look | None:
    """A table with its values, or a type defined along with a variable."""
    declarator = node.child_by_field_name("declarator")
    if declarator is None or declarator.type != "init_declarator":
        return Look.WRAPPED
    return Found("constant", _declared(declarator, content)) if lines_of(node) > FEW_LINES else None


_COMMON = {
    "function_definition": _function,
    "struct_specifier": _shape("struct"),
    "union_specifier": _shape("struct"),
    "enum_specifier": _shape("enum"),
    "type_definition": _typedef,
    "declaration": _declaration,
    "preproc_def": constant("name", "macro"),
    "preproc_function_def": constant("name", "macro"),
    **looks(Look.INSIDE, "preproc_if preproc_ifdef preproc_else preproc_elif linkage_specification declaration_list"),
    **looks(Look.LEAD, "comment"),
}

C = Grammar("tree_sitter_c", _COMMON)
CPP = Grammar(
    "tree_sitter_cpp",
    {
        **_COMMON,
        "class_specifier": _shape("class"),
        "alias_declaration": define("type", body="type", open_body=False),
        "concept_definition": define("type"),
        **looks(Look.WRAPPED, "template_declaration field_declaration"),
        **looks(Look.INSIDE, "namespace_definition"),
    },
)
