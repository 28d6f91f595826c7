"""The walk through a tree of shell text, with what flows where, down to the programs that would be called."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, UNKNOWN, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.shell import faults, files, loops, mending, running, ways
from agentops_mcp.factors.guardrails.rules.shell.documents import Documents
from agentops_mcp.factors.guardrails.rules.shell.redirects import Redirects
from agentops_mcp.factors.guardrails.rules.shell.repairs import repaired
from agentops_mcp.factors.guardrails.rules.shell.state import Limits, State, joined
from agentops_mcp.factors.guardrails.rules.shell.words import Words
from agentops_mcp.factors.guardrails.rules.worlds import During

if TYPE_CHECKING:
    from tree_sitter import Node

OutcomeOf = Callable[[Call, World], Outcome]
CodeOf = Callable[[Code, str, World], Outcome]

_DATA = frozenset("comment word number raw_string variable_name heredoc_start heredoc_end".split())
_MOST_CHOICES = 2
_EXPANDED = frozenset({"string", "concatenation", "expansion", "process_substitution"})


class Walker:
    """Collects the effects of one text."""

    def __init__(self, world: During, outcome_of: OutcomeOf, code_of: CodeOf, documents: Documents) -> None:
        self.world = world
        self.outcome_of = outcome_of
        self.code_of = code_of
        self.limits = Limits()
        self.effects: list[Effect] = []
        self.calls: list[Call] = []
        self.notes: list[str] = []
        self.functions: list[tuple[int, tuple[str, ...], int]] = []
        """The functions that are being run: which definition, with which words, and the `forks` at that moment."""

        self.forks = 0
        """How many pipes and background jobs stand around."""

        self.opened: dict[str, str] = {}
        """Files of secrets that became somebody's input, with what kind each is."""

        self.unknown = UNKNOWN
        """Where the unknown parts of the words of a builtin come from."""

        self.behind: list[Node] = []
        """Words of the next command that the grammar hangs below its redirections."""

        self.depth = 0
        self.traits: frozenset[str] = frozenset()
        self.stdout = ""
        self._documents = documents
        self._pipes: dict[str, tuple[Node, State]] = {}
        self._fed: set[str] = set()

    def found(self, *effects: Effect) -> None:
        """Keep effects."""
        self.effects += effects

    def document(self, text: str) -> str:
        """The body of a here-document, which may have been taken out before the text was parsed."""
        return self._documents.body(text)

    def run(self, text: str, state: State, *, depth: int, stdin: Stream = EMPTY) -> Stream:
        """Walk some text in a shell, and give its output."""
        before, self.depth = self.depth, depth
        self.limits.call(depth)
        try:
            data = text.replace("\r\n", "\n").encode(errors="replace")
            root = repaired(data)
            roots = mending.readable(data, root) if root.has_error else [root]
            output = joined([self.walk(each, state, stdin) for each in roots])
            if roots[0].has_error:
                faults.broken(self, root, data.decode(errors="replace"))
            if (path := state.descriptors.get("1", "")) and output != EMPTY:
                files.write_file(self, path, output, state, append=True)
            return output
        finally:
            self.depth = before

    def end(self) -> None:
        """What stands in `>(…)` and was written to by nothing that is known runs all the same."""
        for path in list(self._pipes):
            if path not in self._fed:
                self.feed(path, UNKNOWN)

    def walk(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """Walk one node, and give the output of what it runs."""
        kind = node.type
        if kind in _DATA:
            return EMPTY
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, node, state, stdin)
        if kind in _EXPANDED:
            self.words(state).stream(node)
            return EMPTY
        return self.group(node, state, stdin)

    def substitute(self, node: "Node", state: State) -> Stream:
        """The output of what stands inside `$(…)`, backticks or `<(…)`."""
        self.limits.call(self.depth + 1)
        self.depth += 1
        outer, self.stdout, before = self.stdout, "", len(self.effects)
        try:
            inner = state.copy()
            inner.descriptors.pop("1", None)
            if len(node.named_children) == 1 and node.named_children[0].type == "file_redirect":
                redirects = Redirects(self, state, EMPTY)
                redirects.add(node.named_children[0])
                return redirects.stdin
            return joined([self.walk(each, inner, EMPTY) for each in node.named_children])
        finally:
            self.depth -= 1
            self.stdout = outer
            if node.type == "command_substitution":
                self._capture(before)

    def _capture(self, first: int) -> None:
        """Nobody is shown what a substitution prints."""
        self.effects[first:] = [
            each._replace(traits=each.traits | {"captured"}) if each.kind == "read_secret" else each
            for each in self.effects[first:]
        ]

    def inner(self, text: str, state: State) -> Stream:
        """The output of text between backticks that are no part of the tree."""
        before = len(self.effects)
        output = self.run(text, state.copy(), depth=self.depth + 1)
        self._capture(before)
        return output

    def pipe(self, node: "Node", state: State) -> str:
        """The path that `<(…)` or `>(…)` stands for."""
        path = f"/dev/fd/{63 + len(self.world.files) + len(self._pipes)}"
        if (node.text or b"").lstrip().startswith(b">"):
            self._pipes[path] = node, state.copy()
        else:
            self.world.files[path] = self.substitute(node, state)
        return path

    def feed(self, path: str, content: Stream) -> bool:
        """Run what stands in `>(…)` with what is written to it; False when the path is none of those."""
        if path not in self._pipes:
            return False
        self._fed.add(path)
        node, state = self._pipes[path]
        self.limits.call(self.depth + 1)
        self.depth += 1
        outer, self.stdout = self.stdout, ""
        try:
            self.group(node, state.copy(), content)
        finally:
            self.depth -= 1
            self.stdout = outer
        return True

    def words(self, state: State) -> Words:
        """An expander of words in a state."""
        return Words(self, state)

    def group(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """Walk what stands in a node, one after another."""
        outputs: list[Stream] = []
        for each in node.named_children:
            following = each.next_sibling
            walk = ways.behind if following is not None and following.type == "&" else Walker.walk
            outputs.append(walk(self, each, state, stdin))
        return joined([each for each in outputs if each is not EMPTY])

    def subshell(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """`(…)`."""
        return self.group(node, state.copy(), stdin)

    def redirected(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """A command, group or loop with redirections."""
        return self._redirected(node, node.child_by_field_name("body"), state, stdin)

    def body(self, function: "Node", state: State, stdin: Stream) -> Stream:
        """Run a function that was defined: its body with its redirections."""
        return self._redirected(function, function.child_by_field_name("body"), state, stdin)

    def _redirected(self, node: "Node", body: "Node | None", state: State, stdin: Stream) -> Stream:
        redirects = Redirects(self, state, stdin)
        name = _descriptor_name(body)
        for each in node.named_children:
            if body is None or each.id != body.id:
                redirects.add(each, name if _touches(body, each) else "")
        if body is not None and body.type == "command" and _is_bare_exec(body):
            redirects.kept(stdin)
        self.behind = redirects.arguments if body is not None and body.type == "command" else []
        outer, self.stdout = self.stdout, redirects.stdout or self.stdout
        output = self.walk(body, state, redirects.stdin) if body is not None else EMPTY
        self.stdout = outer
        return self._after(redirects, output, state)

    def _after(self, redirects: Redirects, output: Stream, state: State) -> Stream:
        output = redirects.written(output)
        for each in redirects.later:
            output = self.walk(each, state, output)
        return output

    def command(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """One command: assignments, words and redirections."""
        words = self.words(state)
        assigned: dict[str, Stream] = {}
        redirects = Redirects(self, state, state.input if stdin is EMPTY and state.input is not None else stdin)
        parts: list[Node] = []
        for each in node.named_children:
            if each.type == "variable_assignment":
                assigned.update([self._assignment(each, state)])
            elif each.type.endswith("_redirect"):
                redirects.add(each)
            elif each.type != "comment":
                parts.append(each)
        name = _descriptor_name(node)
        argv = words.line(node, parts[:-1] if name and _is_before_redirect(node) else parts)
        more, self.behind = [*redirects.arguments, *self.behind], []
        for each in more:
            argv += words.fields(each)
        if words.chosen and len(state.chosen) < _MOST_CHOICES:
            self.behind = more
            return ways.each_choice(self, node, state, stdin, words.chosen)
        if not argv:
            for key, value in assigned.items():
                self.assign(key, value, state)
            return redirects.written(EMPTY)
        if HOLE not in argv[0] and (parts[0].text or b"").lstrip(b'"').startswith((b"$(", b"`")):
            made = Call(tuple(argv), traits=self.traits, depth=self.depth)
            running.from_elsewhere(self, Stream(None, words.taints, words.origin), made)
        output = running.call(
            self, argv, state, redirects.stdin, assigned=assigned, taints=words.taints, origin=words.origin,
            stdout=redirects.stdout,
        )  # fmt: skip
        return self._after(redirects, output, state)

    def _assignment(self, node: "Node", state: State) -> tuple[str, Stream]:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is not None and name.type == "subscript":
            self.words(state).stream(name)
        text = ((name.text or b"") if name is not None else b"").decode(errors="replace").partition("[")[0]
        adds = any(each.type == "+=" for each in node.children)
        if value is not None and value.type == "array":
            return text, self._array(text, value, state, adds=adds)
        stream = self.words(state).stream(value) if value is not None else EMPTY
        return text, joined([state.value(text) or EMPTY, stream]) if adds else stream

    def _array(self, name: str, node: "Node", state: State, *, adds: bool) -> Stream:
        words = self.words(state)
        items = [*(state.arrays.get(name, ()) if adds else ()), *words.line(node, node.named_children)]
        state.set_array(name, items, words.taints, words.origin)
        return state.variables.get(name, EMPTY)

    def assign(self, name: str, value: Stream, state: State, *, exported: bool = False) -> None:
        """Give a variable a value."""
        if name == "PATH":
            state.renamed.clear()
        if state.variables.get(name) is not value:
            state.set(name, value)
        if exported:
            state.environment[name] = HOLE if value.text is None else value.text
        running.dangerous(self, name, value, state)

    def assignments(self, node: "Node", state: State, stdin: Stream) -> Stream:  # noqa: ARG002 - all handlers alike
        """`name=value`, once or more."""
        for each in [node] if node.type == "variable_assignment" else node.named_children:
            if each.type == "variable_assignment":
                self.assign(*self._assignment(each, state), state)
        return EMPTY

    def declaration(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """`export`, `declare`, `local`, `readonly`, `typeset`."""
        keyword = node.children[0].type
        words = [keyword]
        for each in node.named_children:
            if each.type != "variable_assignment":
                words += self.words(state).fields(each)
                continue
            name = ((each.named_children[0].text or b"").decode(errors="replace")).partition("[")[0]
            if keyword in ("local", "declare", "typeset"):
                state.own(name)
            name, value = self._assignment(each, state)
            value = UNKNOWN if "-n" in words else value  # a name for another variable
            self.assign(name, value, state, exported=keyword == "export" or "-x" in words)
            if keyword == "readonly" or "-r" in words:
                state.fixed.add(name)
            words.append(f"{name}={HOLE if value.text is None else value.text}")
        return running.program(self, words, state, stdin)

    def unset(self, node: "Node", state: State, stdin: Stream) -> Stream:
        """`unset`."""
        names = [field for each in node.named_children for field in self.words(state).fields(each)]
        for name in names:
            state.unset(name)
        return running.program(self, ["unset", *names], state, stdin)

    def function(self, node: "Node", state: State, stdin: Stream) -> Stream:  # noqa: ARG002
        """The definition of a function."""
        name = node.child_by_field_name("name")
        if name is not None and node.child_by_field_name("body") is not None:
            state.functions[(name.text or b"").decode(errors="replace")] = node
        return EMPTY

    def test(self, node: "Node", state: State, stdin: Stream) -> Stream:  # noqa: ARG002
        """`[[ … ]]`: nothing but what is substituted in it."""
        self.words(state).stream(node)
        return EMPTY


def _is_bare_exec(command: "Node") -> bool:
    words = [each for each in command.named_children if not each.type.endswith("_redirect")]
    return words[0].text == b"exec" and len(words) == (2 if _descriptor_name(command) else 1)


def _descriptor_name(command: "Node | None") -> str:
    """The name in a last word `{name}`, which before a redirection stands for a descriptor."""
    last = command.named_children[-1] if command is not None and command.type == "command" else None
    text = ((last.text or b"") if last is not None else b"").decode(errors="replace")
    return text[1:-1] if text[:1] == "{" and text[-1:] == "}" and text[1:-1].isidentifier() else ""


def _touches(body: "Node | None", redirect: "Node") -> bool:
    return body is not None and body.end_byte == redirect.start_byte


def _is_before_redirect(command: "Node") -> bool:
    following = command.next_sibling
    return following is not None and following.type == "file_redirect" and _touches(command, following)


_HANDLERS: "dict[str, Callable[[Walker, Node, State, Stream], Stream]]" = {
    "subshell": Walker.subshell, "pipeline": ways.piped, "redirected_statement": Walker.redirected,
    "command": Walker.command, "variable_assignment": Walker.assignments, "variable_assignments": Walker.assignments,
    "list": ways.either, "if_statement": ways.branches, "case_statement": ways.cases,
    "c_style_for_statement": loops.repeated, "declaration_command": Walker.declaration, "unset_command": Walker.unset,
    "test_command": Walker.test,
    "function_definition": Walker.function, "for_statement": loops.each_word, "while_statement": loops.repeated,
}  # fmt: skip
