"""Java and C#."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    FEW_LINES,
    Found,
    Grammar,
    Look,
    define,
    lines_of,
    looks,
    name_of,
)

if TYPE_CHECKING:
    from tree_sitter import Node


def _java_field(node: "Node", content: bytes) -> Found | None:
    declarator = node.child_by_field_name("declarator")
    if declarator is None or lines_of(node) <= FEW_LINES:
        return None
    return Found("constant", name_of(declarator.child_by_field_name("name"), content))


def _csharp_field(node: "Node", content: bytes) -> Found | None:
    if lines_of(node) <= FEW_LINES:
        return None
    for declaration in node.named_children:
        if declaration.type == "variable_declaration":
            return Found("constant", name_of(declaration.named_children[-1].child_by_field_name("name"), content))
    return None


def _operator(node: "Node", content: bytes) -> Found:
    body = node.child_by_field_name("body")
    return Found("method", f"operator {name_of(node.child_by_field_name('operator'), content)}".strip(), body, body)


def _indexer(node: "Node", _: bytes) -> Found:
    return Found("method", "this", node.child_by_field_name("accessors"))


def _property(node: "Node", content: bytes) -> Found | None:
    if lines_of(node) <= FEW_LINES:
        return None
    return Found("property", name_of(node.child_by_field_name("name"), content), node.child_by_field_name("accessors"))


def _destructor(node: "Node", content: bytes) -> Found:
    return Found("method", f"~{name_of(node.child_by_field_name('name'), content)}", node.child_by_field_name("body"))


_TYPES = {
    "class_declaration": define("class"),
    "interface_declaration": define("interface"),
    "enum_declaration": define("enum"),
    "record_declaration": define("record"),
    "method_declaration": define("method"),
    "constructor_declaration": define("method"),
}

JAVA = Grammar(
    "tree_sitter_java",
    {
        **_TYPES,
        "annotation_type_declaration": define("interface"),
        "compact_constructor_declaration": define("method"),
        "field_declaration": _java_field,
        **looks(Look.INSIDE, "enum_body_declarations"),
        **looks(Look.LEAD, "line_comment block_comment"),
    },
)
CSHARP = Grammar(
    "tree_sitter_c_sharp",
    {
        **_TYPES,
        "struct_declaration": define("struct"),
        "destructor_declaration": _destructor,
        "operator_declaration": _operator,
        "indexer_declaration": _indexer,
        "property_declaration": _property,
        "event_declaration": _property,
        "delegate_declaration": define("type"),
        "field_declaration": _csharp_field,
        "local_function_statement": define("function"),
        **looks(Look.WRAPPED, "global_statement"),
        **looks(Look.INSIDE, "namespace_declaration declaration_list preproc_if preproc_else preproc_elif"),
        **looks(Look.LEAD, "comment"),
    },
)
