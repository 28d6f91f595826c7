"""Words of a shell: what a node of the tree expands to, as far as that is known before it runs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream
from agentops_mcp.factors.guardrails.rules.shell.braces import LITERAL, MARKED, expanded
from agentops_mcp.factors.guardrails.rules.shell.parameters import changed, is_default, parted, sliced
from agentops_mcp.factors.guardrails.rules.shell.quoting import ansi, bare, between_quotes
from agentops_mcp.factors.guardrails.rules.shell.state import State

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_SPLIT, _QUOTED, _DOLLAR = "\ue002", "\ue003", "\ue007"
_BARE = frozenset("word number variable_name special_variable_name regex extglob_pattern test_operator".split())
_NAMES = frozenset({"variable_name", "special_variable_name", "subscript"})


class Words:
    """Expands words in a state, and remembers the taints of what it met."""

    def __init__(self, walker: "Walker", state: State) -> None:
        self._walker = walker
        self._state = state
        self.taints: frozenset[str] = frozenset()
        self.origin = ""
        self.chosen = ""
        """A variable among them that is one of several values."""

    def fields(self, node: "Node") -> list[str]:
        """The words that a node becomes: none, one or several."""
        return self._fields(self._render(node, quoted=False))

    def line(self, parent: "Node", nodes: "Sequence[Node]") -> list[str]:
        """The words that several children of one node become; those that touch are parts of one word."""
        found: list[str] = []
        raw, end = "", -1
        for each in nodes:
            if end >= 0 and not _touch(parent, end, each):
                found += self._fields(raw)
                raw = ""
            raw += self._render(each, quoted=False)
            end = each.end_byte
        return found + self._fields(raw) if nodes else found

    def stream(self, node: "Node") -> Stream:
        """A node as one value: what is assigned, compared or fed to standard input."""
        before, self.taints, self.origin = (self.taints, self.origin), frozenset(), ""
        text = self._dollars(self._render(node, quoted=True), quoted=True)
        text = text.replace(_QUOTED, "").replace(_SPLIT, " ").translate(LITERAL)
        found = Stream(None if text and not text.strip(HOLE) else text, self.taints, self.origin)
        self.taints, self.origin = before[0] | self.taints, before[1] or self.origin
        return found

    def _fields(self, raw: str) -> list[str]:
        found = [
            self._home(part).replace(_QUOTED, "").translate(LITERAL)
            for alternative in expanded(self._dollars(raw, quoted=False))
            for part in alternative.split(_SPLIT)
            if part
        ]
        self._walker.limits.word(len(found) + 1)
        return found

    def _home(self, part: str) -> str:
        """A word that begins with `~` where the text itself has moved the home folder."""
        moved = self._state.variables.get("HOME")
        if moved is None or not (part == "~" or part.startswith("~/")):
            return part
        return (HOLE if moved.text is None else moved.text) + part[1:]

    def _dollars(self, raw: str, *, quoted: bool) -> str:
        """The grammar leaves the `$` of `-rf$IFS/` by itself, and the name in the word behind it."""
        if _DOLLAR not in raw:
            return raw
        first, *others = raw.split(_DOLLAR)
        out = [first]
        for each in others:
            name, _, rest = parted(each)
            if len(self._state.arguments) == 1 and _is_argument(name):
                out.append(rest)
                continue
            out.append((self._shown(self._values(name)[0], quoted=quoted) + rest) if name else "$" + each)
        return "".join(out)

    def _render(self, node: "Node", *, quoted: bool) -> str:
        kind = node.type
        if kind in _BARE:
            return bare(_text(node), None if quoted else MARKED)
        renderer = _RENDERERS.get(kind)
        if renderer is not None:
            return renderer(self, node, quoted=quoted)
        if node.named_child_count:
            return self._joined(node, quoted=quoted)
        return _DOLLAR if kind == "$" else bare(_text(node), None if quoted else MARKED)

    def string(self, node: "Node", *, quoted: bool) -> str:  # noqa: ARG002 - renderers are alike
        """`"…"` and the body of a here-document."""
        return (_QUOTED if node.type == "string" else "") + "".join(self._inside(node))

    def raw_string(self, node: "Node", *, quoted: bool) -> str:  # noqa: ARG002
        """`'…'`."""
        return _QUOTED + _text(node)[1:-1]

    def ansi_string(self, node: "Node", *, quoted: bool) -> str:  # noqa: ARG002
        """`$'…'`."""
        return _QUOTED + ansi(_text(node)[2:-1])

    def translated(self, node: "Node", *, quoted: bool) -> str:  # noqa: ARG002
        """`$"…"`."""
        return "".join(self._render(each, quoted=True) for each in node.named_children)

    def arithmetic(self, node: "Node", *, quoted: bool) -> str:  # noqa: ARG002
        """`$((…))`: a number that is not worked out; what is run inside is."""
        for each in node.named_children:
            self._render(each, quoted=True)
        return HOLE

    def braces(self, node: "Node", *, quoted: bool) -> str:
        """`{1..3}`."""
        return _text(node) if quoted else _text(node).translate(MARKED)

    def _joined(self, node: "Node", *, quoted: bool) -> str:
        """Parts that stand together; what the grammar left between them is text too."""
        parts: list[str] = []
        at = node.start_byte
        whole = node.text or b""
        for each in node.children:
            if node.type == "concatenation" and each.start_byte > at:
                between = whole[at - node.start_byte : each.start_byte - node.start_byte].decode(errors="replace")
                parts.append(bare(between))
            parts.append(self._render(each, quoted=quoted))
            at = each.end_byte
        return "".join(parts)

    def _inside(self, node: "Node") -> Iterator[str]:
        """What stands between double quotes, or in a here-document: text with expansions."""
        whole, start = node.text or b"", node.start_byte
        is_string = node.type == "string"
        quoting = '$`"\\\n' if is_string else "$`\\\n"
        at = start + (1 if is_string else 0)
        for each in node.named_children:
            if each.type in ("string_content", "heredoc_content"):
                continue
            yield between_quotes(whole[at - start : each.start_byte - start].decode(errors="replace"), quoting)
            yield self._render(each, quoted=True)
            at = each.end_byte
        last = len(whole) - (1 if is_string and whole.endswith(b'"') and len(whole) > 1 else 0)
        yield between_quotes(whole[at - start : last].decode(errors="replace"), quoting)

    def expansion(self, node: "Node", *, quoted: bool) -> str:
        """`$name` and `${name…}`."""
        whole = _text(node)
        text = whole.lstrip()
        inner = text[2:-1] if text.startswith("${") else text[1:]
        sign = inner[0] if len(inner) > 1 and inner[0] in "!#" and text.startswith("${") else ""
        name, subscript, operator = parted(inner[len(sign) :])
        if len(self._state.arguments) == 1 and not operator and _is_argument(name) and _in_a_word(node):
            return ""  # to text that is run by itself none are given
        operand = self._operand(node, operator)
        if is_default(operator) and not sign:
            found = self._with_default(name, subscript, operand, quoted=quoted)
        else:
            values, several = self._values(name, subscript)
            values = self._signed(sign, values, several=several) if sign else values
            found = self._shown(self._operated(values, operand, name, several=several), quoted=quoted)
        return whole[: len(whole) - len(text)] + found

    def _operand(self, node: "Node", operator: str) -> str:
        """The operator with its operand; what stands in a subscript or an operand is run, whatever comes of it."""
        parts: list[str] = []
        for each in node.children:
            if each.type == "subscript":
                for inner in each.named_children[1:]:
                    self._render(inner, quoted=True)
            elif each.type not in _NAMES and each.type not in ("${", "}", "$"):
                rendered = self._render(each, quoted=True)
                parts.append(rendered if each.is_named else _text(each))
        if set(operator) & set("$`\"'\\"):
            return "".join(parts).replace(_QUOTED, "")
        return operator

    def _with_default(self, name: str, subscript: str, operand: str, *, quoted: bool) -> str:
        values, _ = self._values(name, subscript)
        sign = operand.lstrip(":")[:1]
        known = values is not None and any(each not in ("", HOLE) for each in values)
        if sign == "?" or (known and sign != "+"):
            return self._shown(values, quoted=quoted)
        default = operand.removeprefix(":")[1:]
        if sign == "=" and name.isidentifier():
            self._state.set(name, Stream(default))
        return default if quoted else self._split(default)

    def _signed(self, sign: str, values: list[str] | None, *, several: bool) -> list[str] | None:
        """`${#name}` and `${!name}`."""
        if values is None or not values or HOLE in values[0]:
            return None
        if sign == "#":
            return [str(len(values) if several else len(values[0]))]
        name, subscript, _ = parted(values[0])
        return self._values(name, subscript)[0] if name and not several else None

    def _operated(self, values: list[str] | None, operator: str, name: str, *, several: bool) -> list[str] | None:
        if values is None or not operator:
            return values
        if several and operator.startswith(":"):
            return sliced([self._state.arguments[0], *values] if name in ("@", "*") else values, operator[1:])
        return [changed(each, operator) for each in values]

    def _values(self, name: str, subscript: str = "") -> tuple[list[str] | None, bool]:
        """What a parameter holds, None when that is unknown; and whether it is many words, as `$@`."""
        arguments = self._state.arguments
        if name in ("@", "*"):
            return (list(arguments[1:]) if len(arguments) > 1 else None), True
        if name.isdecimal():
            return [self._state.argument(int(name)) if len(name) < 4 else HOLE], False
        found = self._state.value(name)
        if found is None:
            return None, subscript in ("@", "*")
        self.taints |= found.taints
        self.origin = self.origin or found.origin
        if found.text is None and name in self._state.choices:
            self.chosen = name
        items = self._state.arrays.get(name)
        if subscript in ("@", "*"):
            return (list(items) if items is not None else None if found.text is None else [found.text]), True
        if subscript and items is not None:
            at = subscript.strip("\"'")
            inside = at.removeprefix("-").isdecimal() and len(at) < 5 and -len(items) <= int(at) < len(items)
            return ([items[int(at)]] if inside else None), False
        return (None if found.text is None else [found.text]), False

    def _shown(self, values: list[str] | None, *, quoted: bool) -> str:
        if values is None:
            return HOLE
        if quoted:
            return values[0] if len(values) == 1 else _SPLIT.join(_QUOTED + each for each in values)
        return _SPLIT.join(self._split(each) for each in values)

    def _split(self, value: str) -> str:
        """A value as the shell splits it where it is not quoted."""
        if "IFS" in self._state.variables:
            for each in self._state.variables["IFS"].text or "":
                value = value.replace(each, " ")
        parts = _SPLIT.join(value.split())
        return parts if value.strip() == value else f"{_SPLIT}{parts}{_SPLIT}"

    def substituted(self, node: "Node", *, quoted: bool) -> str:
        """`$(…)`, backticks, `<(…)` and `>(…)`."""
        if node.type == "process_substitution":
            return self._walker.pipe(node, self._state)
        whole = _text(node)
        lead = whole[: len(whole) - len(whole.lstrip())]
        found = self._walker.substitute(node, self._state)
        self.taints |= found.taints
        self.origin = self.origin or found.origin
        if found.text is None:
            return lead + HOLE
        text = found.text.rstrip("\n")
        return lead + (text if quoted else self._split(text))


_RENDERERS = {
    "string": Words.string, "heredoc_body": Words.string, "raw_string": Words.raw_string,
    "ansi_c_string": Words.ansi_string, "translated_string": Words.translated, "brace_expression": Words.braces,
    "simple_expansion": Words.expansion, "expansion": Words.expansion, "arithmetic_expansion": Words.arithmetic,
    "command_substitution": Words.substituted, "process_substitution": Words.substituted,
}  # fmt: skip


def _text(node: "Node") -> str:
    return (node.text or b"").decode(errors="replace")


def _is_argument(name: str) -> bool:
    return name in {"@", "*"} or (name.isdecimal() and name != "0")


def _in_a_word(node: "Node") -> bool:
    """Whether an expansion stands beside other text in one word."""
    parent = node.parent
    if parent is not None and parent.type == "string":
        if parent.named_child_count > 1:
            return True
        parent = parent.parent
    return parent is not None and parent.type == "concatenation"


def _touch(parent: "Node", end: int, node: "Node") -> bool:
    """Whether nothing stands between the end of one node and another but escaped line ends."""
    if node.start_byte == end:
        return not (node.text or b" ")[:1].isspace()
    gap = node.start_byte - end
    if gap % 2 or gap > 100:
        return False
    whole, start = parent.text or b"", parent.start_byte
    return not whole[end - start : node.start_byte - start].replace(b"\\\n", b"")
