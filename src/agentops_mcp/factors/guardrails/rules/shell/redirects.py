"""Redirections: what comes into a command, and where what it prints goes."""

from typing import TYPE_CHECKING, NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, UNKNOWN, Stream
from agentops_mcp.factors.guardrails.rules.shell import faults, files
from agentops_mcp.factors.guardrails.rules.shell.quoting import between_quotes
from agentops_mcp.factors.guardrails.rules.shell.state import State

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_BOTH = frozenset({"&>", "&>>", ">&"})
_APPEND = frozenset({">>", "&>>"})
_PARTS = frozenset({"heredoc_start", "heredoc_end", "heredoc_body", "file_descriptor"})
_ITSELF = frozenset({"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
_FIRST_FREE = 10


class Target(NamedTuple):
    """A file that something is written to."""

    number: str
    """The descriptor: `1` for what is printed."""

    path: str
    append: bool


class Redirects:
    """The redirections of one command, in their order."""

    def __init__(self, walker: "Walker", state: State, stdin: Stream) -> None:
        self._walker = walker
        self._state = state
        self.stdin = stdin
        self.targets: list[Target] = []
        self.arguments: list[Node] = []
        """Words behind a redirection, which are the command's."""

        self.later: list[Node] = []
        """What the grammar hangs below a here-document: the rest of its line."""

    @property
    def stdout(self) -> str:
        """The path that what is printed goes to; empty when none."""
        return next((each.path for each in reversed(self.targets) if each.number == "1"), "")

    def add(self, node: "Node", name: str = "") -> None:
        """Take in one redirection; `name` is the variable of `{name}>path`."""
        if node.type == "herestring_redirect" or faults.is_here_string(node.prev_sibling):
            self.stdin = self._walker.words(self._state).stream(node.named_children[-1])
        elif node.type == "file_redirect":
            self._file(node, name)
        elif node.type == "heredoc_redirect":
            self._document(node)

    def _document(self, node: "Node") -> None:
        self.arguments += node.children_by_field_name("argument")
        for each in node.named_children:
            if each.type == "heredoc_body":
                self.stdin = _text_of(self._walker, node, each, self._state)
            elif each.type.endswith("_redirect"):
                self.add(each)
            elif each.type not in _PARTS:
                self.later.append(each)

    def _file(self, node: "Node", name: str) -> None:
        operator = next((each.type for each in node.children if not each.is_named), "")
        destination = node.child_by_field_name("destination")
        if destination is None:
            return
        number = _number(node, name, self._state)
        more, following = node.children_by_field_name("destination")[1:], node.next_sibling
        if more and more[-1].type == "number" and following is not None and more[-1].end_byte == following.start_byte:
            more = more[:-1]  # the grammar takes the `0` of `>& path 0>&1` for a word
        self.arguments += more
        fields = self._walker.words(self._state).fields(destination) or [""]
        path = fields[0]
        if path.isdecimal() or path == "-":
            path = self._state.descriptors.get(path, "")
            if not path:
                return
        elif number and number not in ("0", "1", "2"):
            self._state.descriptors[number] = path
        if operator.startswith("<"):
            if number in ("", "0"):
                self.stdin = files.read_file(self._walker, path, self._state)
            return
        if path in _ITSELF and number in ("", "1"):
            return
        append = operator in _APPEND or destination.type == "number"
        self.targets.append(Target("1" if operator in _BOTH else number or "1", path, append))

    def written(self, output: Stream) -> Stream:
        """Write to the files, and give what still flows on."""
        for each in self.targets:
            content = output if each.number == "1" else UNKNOWN if each.number == "2" else EMPTY
            files.write_file(self._walker, each.path, content, self._state, append=each.append)
        return EMPTY if self.stdout else output

    def kept(self, before: Stream) -> None:
        """Make them those of the shell itself, as `exec` without a command does."""
        for each in self.targets:
            self._state.descriptors[each.number] = each.path
        if self.stdin is not before:
            self._state.input = self.stdin


def _number(node: "Node", name: str, state: State) -> str:
    """The descriptor of a redirection; one is taken for `{name}`, as the shell does."""
    if name:
        number = str(_FIRST_FREE + len(state.descriptors))
        state.set(name, Stream(number))
        return number
    given = next((each for each in node.children if each.type == "file_descriptor"), None)
    return (given.text or b"").decode(errors="replace") if given is not None else ""


def _text_of(walker: "Walker", node: "Node", body: "Node", state: State) -> Stream:
    """What a here-document brings in. Its backticks are no part of the tree."""
    start = next((each for each in node.children if each.type == "heredoc_start"), None)
    text = (body.text or b"").decode(errors="replace")
    if any(each.type == "<<-" for each in node.children):
        text = "\n".join(line.lstrip("\t") for line in text.split("\n"))
    if start is not None and any(mark in (start.text or b"") for mark in (b"'", b'"', b"\\")):
        return Stream(walker.document(text))
    found = walker.words(state).stream(body)
    commands = text.replace("\\`", "").split("`")[1::2]
    if not commands:
        return found
    outputs = [walker.inner(between_quotes(each), state) for each in commands]
    taints = found.taints.union(*(each.taints for each in outputs))
    return Stream(None, taints, next((each.origin for each in outputs if each.origin), found.origin))
