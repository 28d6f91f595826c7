"""What Python expressions stand for, as far as a text says."""

import ast
from collections.abc import Callable
from typing import Any

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value, constant, joined

_NAMESPACES = frozenset({"globals()", "locals()", "vars()", "__builtins__", "builtins", "sys.modules"})
_SECRET_NAMES = ("key", "token", "secret", "pass", "credential")
_MOST_REPEATED = 1000


class Evaluator:
    """Values of expressions, with what names stand for so far. Calls are the business of whoever derives from it."""

    def __init__(self, acts: Acts) -> None:
        """Begin without any name known."""
        self.acts = acts
        self.names: dict[str, Value] = {}
        self._readers: dict[type[ast.expr], Callable[[Any], Value]] = {
            ast.Constant: lambda node: _constant(node.value),
            ast.Name: lambda node: self.names.get(node.id, Value(name=node.id)),
            ast.Attribute: lambda node: self._attribute(self.value(node.value), node.attr),
            ast.Call: self._call,
            ast.JoinedStr: lambda node: joined(self.value(each) for each in node.values),
            ast.BinOp: self._operation,
            ast.Subscript: self._part,
            ast.UnaryOp: self._signed,
            ast.NamedExpr: self._walrus,
            ast.IfExp: self._chosen,
            ast.Lambda: lambda node: self.value(node.body),
            **dict.fromkeys((ast.FormattedValue, ast.Await, ast.Starred), lambda node: self.value(node.value)),
            **dict.fromkeys(
                (ast.List, ast.Tuple, ast.Set),
                lambda node: Value(items=tuple(self.value(each) for each in node.elts)),
            ),
            **dict.fromkeys((ast.ListComp, ast.GeneratorExp, ast.SetComp), self._comprehension),
        }

    def call(self, callee: Value, arguments: list[Value], named: dict[str, Value]) -> Value:  # noqa: ARG002
        """What a call gives; here nothing is known of it."""
        return UNKNOWN_VALUE

    def assign(self, target: ast.expr, value: Value) -> None:
        """Let a name, or several, stand for a value."""
        if isinstance(target, ast.Name):
            self.names[target.id] = value
        elif isinstance(target, ast.Tuple | ast.List):
            items = value.items or (value._replace(items=None),) * len(target.elts)
            for each, item in zip(target.elts, items, strict=False):
                self.assign(each, item)
        elif isinstance(target, ast.Attribute | ast.Subscript):
            self.value(target)

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for; what it calls on the way is done."""
        read = self._readers.get(type(node))
        return read(node) if read else self._other(node)

    def _walrus(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        self.assign(node.target, value)
        return value

    def _chosen(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        chosen, other = self.value(node.body), self.value(node.orelse)
        return chosen if chosen.text is not None or chosen.name else other

    def _other(self, node: ast.expr) -> Value:
        values = [self.value(each) for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        taints = frozenset[str]().union(*(each.taints for each in values))
        return next(
            (each for each in values if isinstance(node, ast.BoolOp) and each.text is not None), Value(taints=taints)
        )

    def _attribute(self, base: Value, name: str) -> Value:
        if base.name and base.text is None:
            found = self.names.get(f"{base.name}.{name}")
            return found or Value(name=f"{base.name}.{name}", taints=base.taints, origin=base.origin)
        return base._replace(name=f"{base.name}.{name}" if base.name else f".{name}")

    def _call(self, node: ast.Call) -> Value:
        callee = self.value(node.func)
        arguments = [self.value(each) for each in node.args]
        named = {each.arg or "": self.value(each.value) for each in node.keywords}
        match callee.name.rpartition(".")[2], arguments:
            case "getattr", [base, Value(text=str(name)), *_]:
                return self._attribute(base, name)
            case (("__import__" | "import_module"), [Value(text=str(name)), *_]):
                return Value(name=name)
            case (("globals" | "locals" | "vars"), []):
                return Value(name=f"{callee.name}()")
            case _:
                return self.call(callee, arguments, named)

    def _operation(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        match node.op:
            case ast.Add() if left.items is not None and right.items is not None:
                return Value(items=left.items + right.items)
            case ast.Add():
                return joined((left, right))
            case ast.Div() if left.name == "pathlib.Path()":  # Path("a") / "b"
                return joined((left, right), "/")._replace(name="pathlib.Path()")
            case ast.Mod() if left.text is not None:
                return _filled(left.text, right)
            case ast.Mult() if left.text is not None and isinstance(node.right, ast.Constant):
                times = node.right.value
                return left._replace(text=left.text * min(times, _MOST_REPEATED)) if isinstance(times, int) else left
            case ast.BitXor():
                return Value(taints=left.taints | right.taints | {"decoded"})
            case _:
                return Value(taints=left.taints | right.taints)

    def _signed(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        number = isinstance(node.op, ast.USub) and value.text is not None and value.text.isdigit()
        return constant(f"-{value.text}") if number else Value(taints=value.taints)

    def _part(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        if isinstance(node.slice, ast.Slice):
            return _sliced(base, node.slice)
        key = self.value(node.slice)
        if base.name in _NAMESPACES and key.text is not None:
            return self.names.get(key.text, Value(name=key.text))
        if base.name == "os.environ" and key.text is not None:
            return self._environment(key.text)
        if base.items is not None and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
            return base.items[node.slice.value] if node.slice.value < len(base.items) else UNKNOWN_VALUE
        if base.items is not None and base.items:
            return Value(taints=base.every_taint)
        return Value(taints=base.taints | key.taints, origin=base.origin)

    def _environment(self, name: str) -> Value:
        known = self.acts.world.home if name == "HOME" else self.acts.call.env.get(name)
        secret = any(each in name.lower() for each in _SECRET_NAMES)
        return Value(text=known, taints=frozenset({"secret"}) if secret else frozenset())

    def _comprehension(self, node: "ast.ListComp | ast.GeneratorExp | ast.SetComp") -> Value:
        taints = frozenset[str]()
        before = dict(self.names)
        items: tuple[Value, ...] = (UNKNOWN_VALUE,)
        for each in node.generators:
            over = self.value(each.iter)
            taints |= over.every_taint
            items = over.items if over.items is not None and len(node.generators) == 1 else (over._replace(items=None),)
            self.assign(each.target, items[0] if items else UNKNOWN_VALUE)
        found: list[Value] = []
        for item in items[:100]:
            self.assign(node.generators[-1].target, item)
            found.append(self.value(node.elt))
        self.names = before
        hides = any(isinstance(each, ast.Call) and getattr(each.func, "id", "") == "chr" for each in ast.walk(node.elt))
        extra = frozenset({"decoded"}) if hides else frozenset[str]()
        return Value(items=tuple(each._replace(taints=each.taints | extra) for each in found), taints=taints | extra)


def _constant(value: object) -> Value:
    if isinstance(value, str):
        return constant(value)
    if isinstance(value, bytes):
        return constant(value.decode("utf-8", "replace"))
    if isinstance(value, bool) or value is None:
        return Value(name=str(value))
    return constant(str(value)) if isinstance(value, int) else UNKNOWN_VALUE


def _filled(pattern: str, value: Value) -> Value:
    """`"rm %s" % name`."""
    parts = pattern.replace("%d", "%s").replace("%r", "%s").split("%s")
    values = [*(value.items or (value,)), *(UNKNOWN_VALUE for _ in parts)]
    text = parts[0] + "".join(
        (HOLE if each.text is None else each.text) + part for part, each in zip(parts[1:], values, strict=False)
    )
    return Value(text=text, taints=value.every_taint)


def _sliced(base: Value, part: ast.Slice) -> Value:
    step = part.step
    back = isinstance(step, ast.UnaryOp) and isinstance(step.op, ast.USub)
    if part.lower is None and part.upper is None and back and base.text is not None:
        return base._replace(text=base.text[::-1], taints=base.taints | {"decoded"})
    if base.items is not None:
        return base
    return Value(text=None, taints=base.taints, origin=base.origin)
