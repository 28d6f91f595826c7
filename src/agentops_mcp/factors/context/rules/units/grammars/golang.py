"""Go."""

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

_KINDS = {"struct_type": "struct", "interface_type": "interface"}


def _method(node: "Node", content: bytes) -> Found:
    receiver = node.child_by_field_name("receiver")
    declared = receiver.named_children[-1].child_by_field_name("type") if receiver and receiver.named_children else None
    name = name_of(node.child_by_field_name("name"), content)
    # `func (c *Command) Run`, `func (s Set[T]) Add`
    owner = name_of(declared, content).lstrip("*( ").split("[")[0].rstrip(") ")
    return Found("method", f"{owner}.{name}" if owner else name, node.child_by_field_name("body"))


def _type(node: "Node", content: bytes) -> Found:
    shape = node.child_by_field_name("type")
    kind = _KINDS.get(shape.type, "type") if shape else "type"
    # The list of fields begins with the brace that ends the signature.
    body = shape.named_children[0] if kind == "struct" and shape and shape.named_children else None
    return Found(kind, name_of(node.child_by_field_name("name"), content), body)


def _values(node: "Node", content: bytes) -> Found | None:
    if lines_of(node) <= FEW_LINES:
        return None
    specs = [child for child in node.named_children if child.type != "comment"]
    if specs and specs[0].type == "var_spec_list":
        specs = [child for child in specs[0].named_children if child.type != "comment"]
    return Found("constant", name_of(specs[0].child_by_field_name("name"), content)) if specs else None


GO = Grammar(
    "tree_sitter_go",
    {
        "function_declaration": define("function"),
        "method_declaration": _method,
        "type_spec": _type,
        "type_alias": _type,
        "const_declaration": _values,
        "var_declaration": _values,
        **looks(Look.WRAPPED, "type_declaration"),
        **looks(Look.LEAD, "comment"),
    },
)
