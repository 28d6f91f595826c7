"""Python text: what its calls would do, with names, constants and streams followed through the text.

`ast` is the one parser that reads every Python; it is imported when the first Python text is met. Text is walked once
from top to bottom, both branches of a condition, the body of a loop for each of a few known items.
"""

import ast
import warnings
from typing import cast

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Code, Outcome, World
from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value, constant
from agentops_mcp.factors.guardrails.rules.programs.python_code_calls import called
from agentops_mcp.factors.guardrails.rules.programs.python_code_values import Evaluator
from agentops_mcp.factors.guardrails.rules.programs.script_code_scan import scanned
from agentops_mcp.factors.guardrails.rules.programs.shells_running import running

_LONGEST = 20_000
_DEEPEST = 4
"""Texts within texts, and functions within functions."""

_MOST_NODES = 4_000
_MOST_ITEMS = 8
"""Items of a known list for which the body of a loop is read."""


def code(code: Code, cwd: str, world: World) -> Outcome:
    """What Python text does."""
    return code_of(code, Call(("python", "-c", code.text.text or ""), EMPTY, cwd, traits=code.traits), world)


def code_of(code: Code, call: Call, world: World) -> Outcome:
    """What Python text does that `call` runs, whose input it may read."""
    text = code.text.text
    if text is None:
        return running(code.text, call, code.language)
    acts = Acts(call, world)
    judged(text[:_LONGEST], code.arguments, acts, 0)
    if len(text) > _LONGEST:
        acts.effect("unresolved", "Python text that is too long to read")
    return acts.outcome()


def judged(text: str, arguments: tuple[str, ...], acts: Acts, depth: int) -> None:
    """Gather what one text does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a doubtful escape in somebody's text is no matter of ours
            tree = ast.parse(text.replace(HOLE, "_"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        scanned(text, "python", acts)
        return
    try:
        _Walker(acts, arguments, depth).text(tree)
    except RecursionError:
        acts.effect("unresolved", "Python text that is nested too deeply to read")


class _Walker(Evaluator):
    """Statements of one text, in their order."""

    def __init__(self, acts: Acts, arguments: tuple[str, ...], depth: int) -> None:
        super().__init__(acts)
        self.names["sys.argv"] = Value(items=tuple(constant(each) for each in arguments) or None)
        self._depth = depth
        self._functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        self._called: set[str] = set()
        self._left = _MOST_NODES

    def text(self, tree: ast.Module) -> None:
        """All of a text, and then the functions that nothing in it called."""
        self.body(tree.body)
        for name, function in tuple(self._functions.items()):
            if name not in self._called:
                self.body(function.body)

    def body(self, statements: list[ast.stmt]) -> None:
        """Statements one after the other."""
        for statement in statements:
            self._left -= 1
            if self.acts.is_full():
                return
            if self._left < 0:
                self.acts.effect("unresolved", "Python text that is too long to read")
                return
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._functions[statement.name] = statement
            case ast.Import():
                self._import(statement)
            case ast.ImportFrom():
                for alias in statement.names:
                    module = statement.module or ""
                    self.names[alias.asname or alias.name] = Value(name=f"{module}.{alias.name}")
            case ast.Assign():
                value = self.value(statement.value)
                for target in statement.targets:
                    self.assign(target, value)
            case ast.AnnAssign() if statement.value is not None:
                self.assign(statement.target, self.value(statement.value))
            case ast.AugAssign():
                both = ast.BinOp(_as_loaded(statement.target), statement.op, statement.value)
                self.assign(statement.target, self.value(ast.copy_location(both, statement)))
            case ast.For() | ast.AsyncFor():
                self._loop(statement)
            case _:
                self._inside(statement)

    def _import(self, statement: ast.Import) -> None:
        for alias in statement.names:
            if alias.asname:
                self.names[alias.asname] = Value(name=alias.name)
            else:
                top = alias.name.partition(".")[0]
                self.names[top] = Value(name=top)

    def _loop(self, statement: "ast.For | ast.AsyncFor") -> None:
        over = self.value(statement.iter)
        items = over.items if over.items is not None else (over._replace(items=None),)
        for item in items[:_MOST_ITEMS]:
            self.assign(statement.target, item)
            self.body(statement.body)
        self.body(statement.orelse)

    def _inside(self, statement: ast.stmt) -> None:
        """Expressions and bodies of any other statement, in the order in which they stand."""
        for item in getattr(statement, "items", ()):  # with … as …
            value = self.value(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        endless = (
            isinstance(statement, ast.While) and isinstance(statement.test, ast.Constant) and bool(statement.test.value)
        )
        for _, field in ast.iter_fields(statement):
            for each in cast("list[object]", field) if isinstance(field, list) else (field,):
                if isinstance(each, ast.expr):
                    self.value(each)
                elif isinstance(each, ast.stmt):
                    self.body([each])
                elif isinstance(each, ast.ExceptHandler | ast.match_case):
                    self.body(each.body)
        if endless and any(_forks(each) for each in ast.walk(statement)):
            self.acts.effect("exhaust", "processes")

    def call(self, callee: Value, arguments: list[Value], named: dict[str, Value]) -> Value:
        """What a call does and gives: of a function of this text, or of one that is known."""
        function = self._functions.get(callee.name)
        if function is not None and self._depth < _DEEPEST:
            return self._own(function, arguments, named)
        text = arguments[0] if arguments else UNKNOWN_VALUE
        if callee.name in {"exec", "eval", "runpy.run_path"} and text.text is not None and self._depth < _DEEPEST:
            if "decoded" in text.taints or "fetched" in text.taints:
                self.acts.run(text._replace(text=None), "python")
            judged(text.text, (), self.acts, self._depth + 1)
            return UNKNOWN_VALUE
        return called(callee, arguments, named, self.acts)

    def _own(
        self, function: "ast.FunctionDef | ast.AsyncFunctionDef", arguments: list[Value], named: dict[str, Value]
    ) -> Value:
        before, self._depth = dict(self.names), self._depth + 1
        self._called.add(function.name)
        for parameter, value in zip(function.args.args, arguments, strict=False):
            self.names[parameter.arg] = value
        self.names.update(named)
        self.body(function.body)
        returned = [each.value for each in function.body if isinstance(each, ast.Return) and each.value is not None]
        result = self.value(returned[-1]) if returned else UNKNOWN_VALUE
        self.names, self._depth = before, self._depth - 1
        return result


def _as_loaded(target: ast.expr) -> ast.expr:
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else ast.Constant(None)


def _forks(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return getattr(called, "attr", getattr(called, "id", "")) in {"fork", "Process"}
