"""Syntax trees of JavaScript, Ruby and PHP, read for what their calls do and what their names stand for."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts, first
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value, constant, joined
from agentops_mcp.factors.guardrails.rules.programs.script_code_acts import perform, variable
from agentops_mcp.factors.guardrails.rules.programs.script_code_tables import table_of

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_NODES = 12_000
_DEEPEST = 150
"""Levels of a tree that are read; deeper ones are not understood."""

_STRINGS = frozenset(
    "string template_string encapsed_string string_content string_fragment heredoc_body heredoc nowdoc simple_symbol "
    "bare_string chained_string nowdoc_string nowdoc_body heredoc_beginning".split()
)
_FRAGMENTS = frozenset({"string_fragment", "string_content", "nowdoc_string"})
_NAMES = frozenset(
    "identifier constant property_identifier variable_name name global_variable instance_variable qualified_name "
    "shorthand_property_identifier_pattern private_property_identifier".split()
)
_INNER = frozenset(
    "parenthesized_expression argument await_expression parenthesized_statements template_substitution interpolation "
    "spread_element splat_argument block_argument expression_statement in".split()
)
_CALLS = frozenset(
    "call_expression new_expression call function_call_expression member_call_expression scoped_call_expression "
    "object_creation_expression nullsafe_member_call_expression".split()
)
_MEMBERS = frozenset(
    {"member_expression", "scope_resolution", "member_access_expression", "class_constant_access_expression"}
)
_LISTS = frozenset({"array", "array_creation_expression", "array_element_initializer", "string_array"})
_ASSIGNMENTS = frozenset(
    {"variable_declarator", "assignment_expression", "assignment", "augmented_assignment_expression"}
)
_SHELLS = frozenset({"subshell", "shell_command_expression"})
_INCLUDES = frozenset(
    {"include_expression", "include_once_expression", "require_expression", "require_once_expression"}
)
_SIGNED = frozenset({"unary", "unary_expression", "unary_op_expression"})
_LOOPS = frozenset({"for_in_statement", "foreach_statement", "for"})
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "anonymous_function", "block", "do_block"})
_ENVIRONMENT = ("process.env.", "ENV.", "Bun.env.", "$_server.", "$_env.")
_PREFIXES = ("node:", "global.", "globalThis.", "window.", "process.mainModule.", "module.")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_RECEIVED = frozenset({"text", "body", "data", "read", "json", "recv", "gets", "responseText", "arrayBuffer"})


def walked(root: "Node", language: str, acts: Acts) -> None:
    """Gather what a tree does."""
    walker = _Walker(language, acts)
    walker.value(root, 0)
    if walker.left < 0:
        acts.effect("unresolved", f"{language} text that is too long to read")


class _Walker:
    """One tree, from its beginning to its end."""

    def __init__(self, language: str, acts: Acts) -> None:
        self.language = language
        self.acts = acts
        self.names: dict[str, Value] = {}
        self.left = _MOST_NODES
        self._table = table_of(language)
        self._kinds: tuple[tuple[frozenset[str], Callable[[Node, int], Value]], ...] = (
            (_STRINGS, self._string), (_NAMES, self._name), (_CALLS, self._call), (_MEMBERS, self._member),
            (_ASSIGNMENTS, self._assigned), (_LISTS, self._list), (_SHELLS, self._shell), (_INCLUDES, self._include),
            (_INNER, self._inner), (frozenset({"binary_expression", "binary"}), self._binary),
            (frozenset({"subscript_expression", "element_reference"}), self._part),
            (frozenset({"import_statement"}), self._import), (frozenset({"integer", "number"}), self._number),
            (_SIGNED, self._signed), (frozenset({"object", "hash"}), self._object), (_LOOPS, self._loop),
        )  # fmt: skip

    def value(self, node: "Node", depth: int) -> Value:
        """What a node stands for; what it calls on the way is done."""
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST or self.acts.is_full():
            self.left = min(self.left, -1)
            return UNKNOWN_VALUE
        for kinds, read in self._kinds:
            if node.type in kinds:
                return read(node, depth + 1)
        return self._all(node, depth + 1)

    def _all(self, node: "Node", depth: int) -> Value:
        taints = frozenset[str]()
        origin = ""
        for child in node.named_children:
            value = self.value(child, depth)
            taints |= value.taints
            origin = origin or value.origin
        return Value(taints=taints, origin=origin)

    def _inner(self, node: "Node", depth: int) -> Value:
        values = [self.value(child, depth) for child in node.named_children]
        return values[-1] if values else UNKNOWN_VALUE

    def _number(self, node: "Node", depth: int) -> Value:
        del depth
        return constant(_text(node))

    def _signed(self, node: "Node", depth: int) -> Value:
        """A number below zero; what any other sign gives is not known."""
        value = self._all(node, depth)
        text = _text(node).replace(" ", "")
        return constant(text) if text[:1] == "-" and text[1:].isdigit() else value

    def _object(self, node: "Node", depth: int) -> Value:
        """Options by name; a list of a program's arguments among them is what the whole stands for."""
        found = Value(taints=frozenset())
        for pair in node.named_children:
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            given = self.value(value if value is not None else pair, depth)
            if key is not None and _text(key).strip("'\":") == "args" and given.items is not None:
                return given
            found = found._replace(taints=found.taints | given.every_taint)
        return found

    def _loop(self, node: "Node", depth: int) -> Value:
        """A loop over a list: its name stands for all that is in the list."""
        body = node.child_by_field_name("body")
        parts = [each for each in node.named_children if each != body]
        over, name = node.child_by_field_name("right") or node.child_by_field_name("value"), parts[0] if parts else None
        if node.type == "foreach_statement":
            over, name = (parts[0] if parts else None), (parts[-1] if parts else None)
        value = self.value(over, depth) if over is not None else UNKNOWN_VALUE
        if name is not None:
            self._bind(name, value)
        return self.value(body, depth) if body is not None else UNKNOWN_VALUE

    def _bind(self, node: "Node", value: Value) -> None:
        """Let the first name in a declaration or a list of parameters stand for what a list holds."""
        while node.type not in _NAMES and node.named_children:
            node = node.named_children[-1] if node.type == "pair" else node.named_children[0]
        if node.type in _NAMES:
            self.names[_text(node)] = first(value.items)._replace(name="") if value.items else value._replace(name="")

    def _bind_parameters(self, function: "Node", value: Value) -> None:
        """What a function is called with that a list is given: `.forEach(f => …)`, `.each { |f| … }`."""
        parameters = function.child_by_field_name("parameters") or function.child_by_field_name("parameter")
        if parameters is not None and (value.text is not None or value.items):
            self._bind(parameters, value)

    def _string(self, node: "Node", depth: int) -> Value:
        if node.type in _FRAGMENTS and not node.named_children:
            return constant(_text(node))
        parts: list[Value] = []
        for child in node.named_children:
            if child.type == "escape_sequence":
                letter = _text(child)[1:2]
                parts.append(constant(_ESCAPES.get(letter, letter)))
            else:
                value = self.value(child, depth)
                parts.append(
                    value if value.text is not None else Value(text=HOLE, taints=value.taints, origin=value.origin)
                )
        if node.type == "simple_symbol":
            return constant(_text(node).lstrip(":"))
        return joined(parts) if parts else constant("")

    def _name(self, node: "Node", depth: int) -> Value:
        del depth
        name = _text(node)
        if name in {"_HOLE_", HOLE}:
            return UNKNOWN_VALUE
        return self.names.get(name, Value(name=name.lower() if self.language == "php" else name))

    def _member(self, node: "Node", depth: int) -> Value:
        parts = node.named_children
        base = self.value(parts[0], depth) if parts else UNKNOWN_VALUE
        return self._named(base, _text(parts[-1]) if len(parts) > 1 else "")

    def _named(self, base: Value, name: str) -> Value:
        between = "::" if self.language == "ruby" and name[:1].isupper() else "."
        full = _known(f"{base.name}{between}{name}") if base.name else f".{name}"
        if f"{base.name}.{name}".startswith(_ENVIRONMENT) and name.isupper():
            return variable(name, self.acts)
        return base._replace(name=full)

    def _part(self, node: "Node", depth: int) -> Value:
        values = [self.value(child, depth) for child in node.named_children]
        if len(values) > 1 and values[0].name == "Dir":  # Ruby's Dir["*.log"]
            return values[1]
        if len(values) > 1 and values[1].text is not None and values[0].name and not values[1].text.isdigit():
            return self._named(values[0], values[1].text)
        return Value(taints=values[0].every_taint if values else frozenset())

    def _binary(self, node: "Node", depth: int) -> Value:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return self._all(node, depth)
        both = (self.value(left, depth), self.value(right, depth))
        sign = node.child_by_field_name("operator")
        if sign is not None and sign.type in {"+", "."}:
            return joined(both)
        return Value(taints=both[0].taints | both[1].taints)

    def _list(self, node: "Node", depth: int) -> Value:
        values = tuple(self.value(child, depth) for child in node.named_children)
        if node.type == "array_element_initializer":
            return values[-1] if values else UNKNOWN_VALUE
        return Value(items=values)

    def _shell(self, node: "Node", depth: int) -> Value:
        parts = [self.value(child, depth) for child in node.named_children]
        self.acts.run(joined(each if each.text is not None else each._replace(text=HOLE) for each in parts), "shell")
        return Value(taints=frozenset({"local"}))

    def _include(self, node: "Node", depth: int) -> Value:
        value = self._inner(node, depth)
        return perform("eval", [value], self.acts, self.language)

    def _import(self, node: "Node", depth: int) -> Value:
        source = node.child_by_field_name("source")
        module = _known(self.value(source, depth).text or "") if source is not None else ""
        for child in node.named_children:
            if child.type == "import_clause":
                self._bind_import(child, module)
        return UNKNOWN_VALUE

    def _bind_import(self, clause: "Node", module: str) -> None:
        for each in clause.named_children:
            if each.type == "named_imports":
                for one in each.named_children:
                    names = [_text(name) for name in one.named_children]
                    if names:
                        self.names[names[-1]] = Value(name=_known(f"{module}.{names[0]}"))
            elif each.type in {"identifier", "namespace_import"}:
                self.names[_text(each).removeprefix("*").strip().removeprefix("as").strip()] = Value(name=module)

    def _assigned(self, node: "Node", depth: int) -> Value:
        left = node.child_by_field_name("name") or node.child_by_field_name("left")
        right = node.child_by_field_name("value") or node.child_by_field_name("right")
        if left is None or right is None:
            return self._all(node, depth)
        value = self.value(right, depth)
        if node.type == "augmented_assignment_expression":
            value = joined((self.value(left, depth), value))
        if left.type == "object_pattern":
            for each in left.named_children:
                names = [_text(name) for name in (each.named_children or [each])]
                self.names[names[-1]] = Value(name=_known(f"{value.name}.{names[0]}"))
        elif left.type in _NAMES:
            self.names[_text(left)] = value
        return value

    def _call(self, node: "Node", depth: int) -> Value:
        callee = self._callee(node, depth)
        arguments = node.child_by_field_name("arguments")
        block = node.child_by_field_name("block")
        for function in (*(arguments.named_children if arguments is not None else ()), *([block] if block else ())):
            inner = function.named_children[0] if function.type == "argument" and function.named_children else function
            if inner.type in _FUNCTIONS:
                self._bind_parameters(inner, callee)
        if arguments is None:
            arguments = next(
                (each for each in node.named_children if each.type in {"arguments", "argument_list"}), None
            )
        if arguments is not None and arguments.type == "template_string":  # a tag: $`rm -rf x`
            values = [self._string(arguments, depth)]
        else:
            values = [self.value(each, depth) for each in arguments.named_children] if arguments is not None else []
        if block is not None:
            self.value(block, depth)
        return self._called(callee, values)

    def _callee(self, node: "Node", depth: int) -> Value:
        function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        if function is not None:
            return self.value(function, depth)
        owner = (
            node.child_by_field_name("receiver")
            or node.child_by_field_name("object")
            or node.child_by_field_name("scope")
        )
        name = node.child_by_field_name("method") or node.child_by_field_name("name")
        text = _text(name) if name is not None else ""
        if owner is None:
            bare = text or next((_text(each) for each in node.named_children if each.type in _NAMES), "")
            return self.names.get(bare, Value(name=bare.lower() if self.language == "php" else bare))
        return self._named(self.value(owner, depth), text)

    def _called(self, callee: Value, values: list[Value]) -> Value:
        if callee.name in {"require", "import"} and self.language == "javascript" and values and values[0].text:
            return Value(name=_known(values[0].text))
        method = callee.name.rpartition(".")[2]
        act = self._table.get(callee.name)
        if act is None and self.language == "ruby" and method in {"send", "public_send", "__send__"} and values:
            act = self._table.get(values[0].text or "") or self._table.get(
                f"{callee.name.rpartition('.')[0]}.{values[0].text}"
            )
            values = values[1:]
        if act is not None:
            return perform(act, values, self.acts, self.language)
        return self._flowing(callee, method, values)

    def _flowing(self, callee: Value, method: str, values: list[Value]) -> Value:
        """What comes of a call that is not known by its name: what flows in flows on."""
        self.acts.library(callee.name, values)
        if callee.taints and any(self._table.get(each.name) == "eval" for each in values):  # .then(eval)
            self.acts.run(callee._replace(text=None), self.language)
        taints = callee.taints.union(*(each.every_taint for each in values))
        if method in {"reverse", "join", "split"}:  # text put together again from its letters
            return Value(text=None, taints=taints | ({"decoded"} if method == "reverse" else frozenset[str]()))
        if method in {"toString", "trim", "strip", "chomp", "decode", "to_s"} and callee.text is not None:
            return callee._replace(name="")
        if method in {"write", "send", "end", "puts", "pipe"} and "fetched" in callee.taints:
            if any("child_process" in each.name for each in values):
                self.acts.hand_over()
            self.acts.fetch(Value(text=callee.origin), values)
        elif method == "pipe" and "child_process" in callee.name and any("fetched" in each.taints for each in values):
            self.acts.hand_over()
        if method in _RECEIVED or taints:
            return Value(name=f"{callee.name}()", taints=taints, origin=callee.origin)
        return Value(name=f"{callee.name}()" if callee.name else "")


def _text(node: "Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _known(name: str) -> str:
    """The name under which a function is known here, whichever way it was reached."""
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name.replace("fs/promises", "fs").replace("fs.promises", "fs").replace("fs-extra.default", "fs-extra")
