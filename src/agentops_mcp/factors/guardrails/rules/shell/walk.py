"""The walk through a tree of shell text, with what flows where, down to the programs that would be called."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, UNKNOWN, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import Located, locate
from agentops_mcp.factors.guardrails.rules.shell import builtins, running
from agentops_mcp.factors.guardrails.rules.shell.state import Limits, State, joined, through
from agentops_mcp.factors.guardrails.rules.shell.tree import parse
from agentops_mcp.factors.guardrails.rules.shell.words import Words
from agentops_mcp.factors.guardrails.rules.worlds import During

if TYPE_CHECKING:
    from tree_sitter import Node

OutcomeOf = Callable[[Call, World], Outcome]
CodeOf = Callable[[Code, str, World], Outcome]

_GROUPS = frozenset(
    "program compound_statement do_group list if_statement elif_clause else_clause case_statement case_item "
    "negated_command c_style_for_statement".split()
)
_DATA = frozenset("comment word number string raw_string concatenation variable_name heredoc_start heredoc_end".split())
_BOUND = 6
_OUT = frozenset({">", ">|", "&>", ">&"})
_APPEND = frozenset({">>", "&>>"})


class Walker:
    """Collects the effects of one text."""

    def __init__(self, world: During, outcome_of: OutcomeOf, code_of: CodeOf) -> None:
        self.world = world
        self.outcome_of = outcome_of
        self.code_of = code_of
        self.limits = Limits()
        self.effects: list[Effect] = []
        self.calls: list[Call] = []
        self.notes: list[str] = []
        self.functions: list[str] = []
        self.depth = 0
        self.traits: frozenset[str] = frozenset()
        self.stdout = ""

    def found(self, *effects: Effect) -> None:
        """Keep effects."""
        self.effects += effects

    def hidden(self, text: str) -> None:
        """Characters that nobody sees stand in words that are run."""
        if any(not word.isprintable() for call in self.calls for word in call.argv[:1]):
            self.found(Effect("unresolved", text[:100], traits=frozenset({"hidden"}), by="invisible characters"))

    def run(self, text: str, state: State, *, depth: int, stdin: Stream = EMPTY) -> Stream:
        """Walk some text in a shell, and give its output."""
        before, self.depth = self.depth, depth
        self.limits.call(depth)
        try:
            data = text.replace("\r\n", "\n").encode(errors="replace")
            root = parse(data)
            output = self.walk(root, state, stdin)
            if root.has_error:
                running.broken(self, root, data.decode(errors="replace"))
            return output
        finally:
            self.depth = before

    def walk(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """Walk one node, and give the output of what it runs."""
        kind = node.type
        if kind in _GROUPS:
            return self._group(node, state, stdin)
        if kind in _DATA:
            return EMPTY
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, node, state, stdin)
        return self._group(node, state, stdin)

    def substitute(self, node: "Node", state: State) -> Stream:
        """The output of what stands inside `$(…)`, backticks or `<(…)`."""
        self.limits.call(self.depth + 1)
        self.depth += 1
        outer, self.stdout, before = self.stdout, "", len(self.effects)
        try:
            inner = state.copy()
            if len(node.named_children) == 1 and node.named_children[0].type == "file_redirect":
                return self._redirect(node.named_children[0], state, EMPTY, [])
            return joined([self.walk(each, inner, EMPTY) for each in node.named_children])
        finally:
            self.depth -= 1
            self.stdout = outer
            if node.type == "command_substitution":  # nobody is shown what it prints
                shown = self.effects[before:]
                self.effects[before:] = [
                    each._replace(traits=each.traits | {"captured"}) if each.kind == "read_secret" else each
                    for each in shown
                ]

    def words(self, state: State) -> Words:
        """An expander of words in a state."""
        return Words(state, self.substitute, self.limits)

    def _group(self, node: "Node", state: State, stdin: Stream) -> Stream:
        outputs = [self.walk(each, state, stdin) for each in node.named_children]
        return joined([each for each in outputs if each is not EMPTY])

    def _subshell(self, node: "Node", state: State, stdin: Stream) -> Stream:
        return self._group(node, state.copy(), stdin)

    def _pipeline(self, node: "Node", state: State, stdin: Stream) -> Stream:
        flow = stdin
        stages = [each for each in node.named_children if each.type != "comment"]
        for each in stages:
            flow = self.walk(each, state, flow)
        return flow

    def _redirected(self, node: "Node", state: State, stdin: Stream) -> Stream:
        body = node.child_by_field_name("body")
        targets: list[tuple[str, bool]] = []
        later: list[Node] = []
        for each in node.named_children:
            if body is not None and each.id == body.id:
                continue
            stdin = self._any_redirect(each, state, stdin, targets, later)
        outer, self.stdout = self.stdout, targets[-1][0] if targets else self.stdout
        output = self.walk(body, state, stdin) if body is not None else EMPTY
        self.stdout = outer
        output = self._written(targets, output, state)
        for each in later:
            output = self.walk(each, state, output)
        return output

    def _any_redirect(
        self, node: "Node", state: State, stdin: Stream, targets: list[tuple[str, bool]], later: "list[Node]"
    ) -> Stream:
        if node.type == "file_redirect":
            return self._redirect(node, state, stdin, targets)
        if node.type == "herestring_redirect":
            return self.words(state).stream(node.named_children[-1])
        if node.type != "heredoc_redirect":
            return stdin
        for each in node.named_children:
            if each.type == "heredoc_body":
                stdin = self._heredoc(node, each, state)
            elif each.type in ("file_redirect", "herestring_redirect"):
                self._any_redirect(each, state, stdin, targets, later)
            elif each.type not in ("heredoc_start", "heredoc_end", "file_descriptor"):
                later.append(each)
        return stdin

    def _heredoc(self, node: "Node", body: "Node", state: State) -> Stream:
        start = next((each for each in node.children if each.type == "heredoc_start"), None)
        text = (body.text or b"").decode(errors="replace")
        quoted = start is not None and any(mark in (start.text or b"") for mark in (b"'", b'"', b"\\"))
        return Stream(text) if quoted else self.words(state).stream(body)

    def _redirect(self, node: "Node", state: State, stdin: Stream, targets: list[tuple[str, bool]]) -> Stream:
        operator = next((each.type for each in node.children if not each.is_named), "")
        destination = node.child_by_field_name("destination")
        if destination is None:
            return stdin
        words = self.words(state)
        fields = words.fields(destination) or [""]
        path = fields[0]
        if operator in ("<", "<>"):
            return running.read_file(self, path, state)
        if path.isdigit() or path == "-":
            return stdin
        if operator in _OUT or operator in _APPEND:
            targets.append((path, operator in _APPEND))
        return stdin

    def _written(self, targets: Sequence[tuple[str, bool]], output: Stream, state: State) -> Stream:
        """What flows into files does not flow on."""
        for path, append in targets:
            running.write_file(self, path, output, state, append=append)
        return EMPTY if targets else output

    def _command(self, node: "Node", state: State, stdin: Stream) -> Stream:
        words = self.words(state)
        argv: list[str] = []
        assigned: dict[str, Stream] = {}
        targets: list[tuple[str, bool]] = []
        later: list[Node] = []
        for each in node.named_children:
            if each.type == "variable_assignment":
                name, value = self._assignment(each, state)
                assigned[name] = value
            elif each.type.endswith("_redirect"):
                stdin = self._any_redirect(each, state, stdin, targets, later)
            elif each.type != "comment":
                fields = words.fields(each)
                argv += fields
        if not argv:
            for name, value in assigned.items():
                builtins.assign(self, name, value, state)
            return self._written(targets, EMPTY, state)
        output = running.call(
            self, argv, state, stdin, assigned=assigned, taints=words.taints, origin=words.origin,
            stdout=targets[-1][0] if targets else "",
        )  # fmt: skip
        output = self._written(targets, output, state)
        for each in later:
            output = self.walk(each, state, output)
        return output

    def _assignment(self, node: "Node", state: State) -> tuple[str, Stream]:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        text = (name.text or b"").decode(errors="replace") if name is not None else ""
        stream = self.words(state).stream(value) if value is not None else EMPTY
        if any(each.type == "+=" for each in node.children):
            before = state.value(text) or EMPTY
            stream = joined([before, stream])
        return text.partition("[")[0], stream

    def _assign(self, node: "Node", state: State, stdin: Stream) -> Stream:  # noqa: ARG002 - all handlers alike
        parts = [node] if node.type == "variable_assignment" else node.named_children
        for each in parts:
            if each.type == "variable_assignment":
                builtins.assign(self, *self._assignment(each, state), state)
        return EMPTY

    def _declare(self, node: "Node", state: State, stdin: Stream) -> Stream:
        keyword = node.children[0].type
        words = [keyword]
        for each in node.named_children:
            if each.type == "variable_assignment":
                name, value = self._assignment(each, state)
                if keyword in ("local", "declare", "typeset"):
                    state.own(name)
                builtins.assign(self, name, value, state, exported=keyword == "export")
                if keyword == "readonly":
                    state.fixed.add(name)
                words.append(f"{name}={HOLE if value.text is None else value.text}")
            else:
                words += self.words(state).fields(each)
        return running.program(self, words, state, stdin)

    def _unset(self, node: "Node", state: State, stdin: Stream) -> Stream:
        names = [field for each in node.named_children for field in self.words(state).fields(each)]
        for name in names:
            state.unset(name)
        return running.program(self, ["unset", *names], state, stdin)

    def _function(self, node: "Node", state: State, stdin: Stream) -> Stream:  # noqa: ARG002
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        if name is not None and body is not None:
            state.functions[(name.text or b"").decode(errors="replace")] = body
        return EMPTY

    def _for(self, node: "Node", state: State, stdin: Stream) -> Stream:
        variable, body = node.child_by_field_name("variable"), node.child_by_field_name("body")
        name = (variable.text or b"").decode(errors="replace") if variable is not None else ""
        words = self.words(state)
        values = [field for each in node.children_by_field_name("value") for field in words.fields(each)]
        if len(values) > _BOUND:
            values = [*values[: _BOUND - 1], HOLE]
        outputs: list[Stream] = []
        for value in values or [HOLE]:
            before, self.traits = self.traits, self.traits | ({"repeated"} if HOLE in value else frozenset[str]())
            text = None if HOLE in value and value == HOLE else value
            state.set(name, Stream(text if text is not None else None, words.taints, words.origin))
            if body is not None:
                outputs.append(self.walk(body, state, stdin))
            self.traits = before
        return joined(outputs)

    def _while(self, node: "Node", state: State, stdin: Stream) -> Stream:
        running.endless(self, node)
        before, self.traits = self.traits, self.traits | {"repeated"}
        try:
            return self._group(node, state, stdin)
        finally:
            self.traits = before

    def _test(self, node: "Node", state: State, stdin: Stream) -> Stream:  # noqa: ARG002
        self.words(state).stream(node)
        return EMPTY

    def code(self, code: Code, state: State, stdin: Stream = UNKNOWN) -> Stream:
        """Walk what a program runs in its turn."""
        return running.code(self, code, state, stdin)

    def through(self, stdin: Stream, output: Stream) -> Stream:
        """What comes out of a program of which little is known."""
        return through(stdin, output)

    def locate(self, path: str, state: State) -> Located:
        """A path and its place."""
        return locate(path, state.cwd, self.world)


_HANDLERS: "dict[str, Callable[[Walker, Node, State, Stream], Stream]]" = {
    "subshell": Walker._subshell, "pipeline": Walker._pipeline, "redirected_statement": Walker._redirected,
    "command": Walker._command, "variable_assignment": Walker._assign, "variable_assignments": Walker._assign,
    "declaration_command": Walker._declare, "unset_command": Walker._unset, "function_definition": Walker._function,
    "for_statement": Walker._for, "while_statement": Walker._while, "test_command": Walker._test,
}  # fmt: skip
