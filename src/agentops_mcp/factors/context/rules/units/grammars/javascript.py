"""JavaScript and TypeScript, with and without JSX."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.grammars.grammar import (
    FEW_LINES,
    KEY_LINES,
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

_FUNCTIONS = frozenset("arrow_function function_expression generator_function function".split())
_TEST_LEAVES = frozenset("it test".split())
_TEST_CALLS = _TEST_LEAVES | frozenset("describe context suite".split())


def _valued(name: str, value: "Node | None", few_lines: int, kind: str = "constant") -> Found | None:
    """What a name stands for: a function, a class, or a value of more than a few lines."""
    if value is None:
        return None
    if value.type in _FUNCTIONS:
        body = value.child_by_field_name("body")
        return Found("function", name, body, body)
    if value.type == "class":
        body = value.child_by_field_name("body")
        return Found("class", name, body, body)
    if lines_of(value) <= few_lines:
        return None
    return Found(kind, name, None, _object_in(value))


def _object_in(value: "Node") -> "Node | None":
    """The object a value is, also behind `as const` or `satisfies T`."""
    if value.type in {"as_expression", "satisfies_expression", "parenthesized_expression"} and value.named_children:
        value = value.named_children[0]
    return value if value.type == "object" else None


def _declarator(node: "Node", content: bytes) -> Found | None:
    return _valued(name_of(node.child_by_field_name("name"), content), node.child_by_field_name("value"), FEW_LINES)


def _field(node: "Node", content: bytes) -> Found | None:
    named = node.child_by_field_name("property") or node.child_by_field_name("name")
    found = _valued(name_of(named, content), node.child_by_field_name("value"), FEW_LINES)
    return Found("method", found.name, found.body, found.inside) if found and found.kind == "function" else found


def _pair(node: "Node", content: bytes) -> Found | None:
    name = name_of(node.child_by_field_name("key"), content).strip("\"'`")
    found = _valued(name, node.child_by_field_name("value"), KEY_LINES, "key")
    return Found("method", name, found.body, found.inside) if found and found.kind == "function" else found


def _assignment(node: "Node", content: bytes) -> Found | None:
    """`app.use = function use() {}`, `exports.x = exports.y = () => {}`, `module.exports = {}`."""
    name, value = name_of(node.child_by_field_name("left"), content), node.child_by_field_name("right")
    while value is not None and value.type == "assignment_expression":
        value = value.child_by_field_name("right")
    for prefix in ("module.exports.", "exports.", "this."):
        name = name.removeprefix(prefix)
    return _valued(name, value, FEW_LINES)


def _call(node: "Node", content: bytes) -> Found | None:
    """A test block such as `describe("...", () => {})`, or a function called where it stands."""
    called, arguments = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if called is None or arguments is None:
        return None
    if called.type == "parenthesized_expression" and called.named_children:
        return _called_in_place(called.named_children[0])
    given = arguments.named_children
    if len(given) < 2 or given[-1].type not in _FUNCTIONS:
        return None
    called_name = name_of(called, content).split(".")[0]
    if called_name not in _TEST_CALLS:
        return None
    body = given[-1].child_by_field_name("body")
    return Found("test", name_of(given[0], content).strip("\"'`"), body, None if called_name in _TEST_LEAVES else body)


def _called_in_place(function: "Node") -> Found | None:
    body = function.child_by_field_name("body") if function.type in _FUNCTIONS else None
    return Found("module", "", body, body) if body else None


def _exported(node: "Node", _: bytes) -> Found | Look | None:
    """`export default` of something without a name of its own, or what a declaration has."""
    value = node.child_by_field_name("value")
    return _valued("default", value, FEW_LINES) if value else Look.WRAPPED


_COMMON = {
    **dict.fromkeys("function_declaration generator_function_declaration".split(), define("function")),
    "class_declaration": define("class"),
    "method_definition": define("method"),
    "variable_declarator": _declarator,
    "assignment_expression": _assignment,
    "call_expression": _call,
    "export_statement": _exported,
    "pair": _pair,
    **looks(Look.WRAPPED, "lexical_declaration variable_declaration expression_statement unary_expression"),
    **looks(Look.WRAPPED, "parenthesized_expression"),
    **looks(Look.INSIDE, "if_statement else_clause try_statement statement_block"),
    **looks(Look.LEAD, "comment decorator"),
}
_TYPES = {
    **_COMMON,
    "public_field_definition": _field,
    "abstract_class_declaration": define("class"),
    "interface_declaration": define("interface", open_body=False),
    "enum_declaration": define("enum", open_body=False),
    "type_alias_declaration": define("type", body="value", open_body=False),
    "internal_module": define("module"),
    "module": define("module"),
    **dict.fromkeys("function_signature".split(), define("function")),
    **dict.fromkeys("abstract_method_signature method_signature".split(), define("method")),
    **looks(Look.WRAPPED, "ambient_declaration"),
}

JAVASCRIPT = Grammar("tree_sitter_javascript", {**_COMMON, "field_definition": _field})
TYPESCRIPT = Grammar("tree_sitter_typescript", _TYPES, "language_typescript")
TSX = Grammar("tree_sitter_typescript", _TYPES, "language_tsx")
