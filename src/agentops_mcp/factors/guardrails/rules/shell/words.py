"""Words of a shell: what a node of the tree expands to, as far as that is known before it runs."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream
from agentops_mcp.factors.guardrails.rules.shell.state import Limits, State, TooMuchError

if TYPE_CHECKING:
    from tree_sitter import Node

_SPLIT, _QUOTED, _OPEN, _COMMA, _CLOSE = "\ue002", "\ue003", "\ue004", "\ue005", "\ue006"
_BRACES = str.maketrans({"{": _OPEN, ",": _COMMA, "}": _CLOSE})
_LITERAL = str.maketrans({_OPEN: "{", _COMMA: ",", _CLOSE: "}"})
_ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_HEX = "0123456789abcdefABCDEF"
_MOST_ALTERNATIVES = 64

Substitute = Callable[["Node", State], Stream]
"""Walks a command or process substitution and gives its output."""


class Words:
    """Expands words in a state, and remembers the taints of what it met."""

    def __init__(self, state: State, substitute: Substitute, limits: Limits) -> None:
        self._state = state
        self._substitute = substitute
        self._limits = limits
        self.taints: frozenset[str] = frozenset()
        self.origin = ""

    def fields(self, node: "Node") -> list[str]:
        """The words that a node becomes: none, one or several."""
        raw = self._render(node, quoted=False)
        found: list[str] = []
        for alternative in _braces(raw):
            for part in alternative.split(_SPLIT):
                if part:
                    found.append(part.replace(_QUOTED, "").translate(_LITERAL))
        self._limits.word(len(found) + 1)
        return found

    def stream(self, node: "Node") -> Stream:
        """A node as one value: what is assigned, compared or fed to standard input."""
        before, self.taints, self.origin = (self.taints, self.origin), frozenset(), ""
        text = self._render(node, quoted=True).replace(_QUOTED, "").translate(_LITERAL)
        found = Stream(None if HOLE in text else text, self.taints, self.origin)
        if HOLE in text and text != HOLE:
            found = Stream(text, self.taints, self.origin)
        self.taints, self.origin = before[0] | self.taints, before[1] or self.origin
        return found

    def _render(self, node: "Node", *, quoted: bool) -> str:
        match node.type:
            case "word" | "number" | "variable_name" | "special_variable_name" | "regex" | "extglob_pattern":
                return _unescaped(_text(node), quoted=quoted)
            case "string":
                return _QUOTED + "".join(self._inside(node))
            case "raw_string":
                return _QUOTED + _text(node)[1:-1]
            case "ansi_c_string":
                return _QUOTED + _ansi(_text(node)[2:-1])
            case "translated_string":
                return "".join(self._render(each, quoted=True) for each in node.named_children)
            case "simple_expansion" | "expansion":
                return self._expansion(node, quoted=quoted)
            case "concatenation" | "command_name" | "array":
                return self._joined(node, quoted=quoted)
            case "command_substitution" | "process_substitution":
                return self._substituted(node, quoted=quoted)
            case "arithmetic_expansion":
                for each in node.named_children:
                    self._render(each, quoted=True)
                return HOLE
            case "brace_expression":
                return _text(node).translate(_BRACES)
            case "heredoc_body":
                return "".join(self._inside(node))
            case _:
                return self._joined(node, quoted=quoted) if node.named_child_count else _unescaped(_text(node), quoted=quoted)

    def _joined(self, node: "Node", *, quoted: bool) -> str:
        """Parts that stand together; what the grammar left between them is text too."""
        parts: list[str] = []
        at = node.start_byte
        whole = node.text or b""
        for each in node.children:
            if node.type == "concatenation" and each.start_byte > at:
                parts.append(whole[at - node.start_byte : each.start_byte - node.start_byte].decode(errors="replace"))
            parts.append(self._render(each, quoted=quoted))
            at = each.end_byte
        return (_SPLIT if node.type == "array" else "").join(parts)

    def _inside(self, node: "Node") -> Iterator[str]:
        """What stands between double quotes, or in a here-document: text with expansions."""
        whole, start = node.text or b"", node.start_byte
        end_quote = node.type == "string"
        at = start + (1 if end_quote else 0)
        for each in node.named_children:
            if each.type in ("string_content", "heredoc_content"):
                continue
            yield _unquoted(whole[at - start : each.start_byte - start].decode(errors="replace"))
            yield self._render(each, quoted=True)
            at = each.end_byte
        last = len(whole) - (1 if end_quote and whole.endswith(b'"') and len(whole) > 1 else 0)
        yield _unquoted(whole[at - start : last].decode(errors="replace"))

    def _expansion(self, node: "Node", *, quoted: bool) -> str:
        text = _text(node)
        inner = text[2:-1] if text.startswith("${") else text[1:]
        name, rest = _name(inner)
        for each in node.named_children:  # substitutions inside are run, whatever comes of them
            if each.type not in ("variable_name", "special_variable_name", "subscript"):
                default = self._render(each, quoted=quoted)
                if rest[:2] in (":-", ":=", ":+") or rest[:1] in ("-", "=", "+"):
                    return self._with_default(name, rest, default, quoted=quoted)
        if rest[:1] in ("-", "=", "+", ":") and rest[:2] in (":-", ":=", "-", "="):
            return self._with_default(name, rest, "", quoted=quoted)
        if name in ("@", "*"):
            return (" " if quoted and name == "*" else _SPLIT).join(self._state.arguments[1:]) or (
                HOLE if len(self._state.arguments) == 1 else ""
            )
        value = self._value(name)
        if rest or value is None or inner.startswith(("!", "#")):
            return HOLE
        return value if quoted else _split(value)

    def _with_default(self, name: str, operator: str, default: str, *, quoted: bool) -> str:
        value = self._value(name) if self._state.value(name) is not None or name.isdigit() else None
        if "+" in operator[:2]:
            return default
        if not value or value == HOLE:
            return default
        return value if quoted else _split(value)

    def _value(self, name: str) -> str | None:
        if name.isdigit():
            return self._state.argument(int(name))
        found = self._state.value(name)
        if found is None:
            return None
        self.taints |= found.taints
        self.origin = self.origin or found.origin
        return found.text

    def _substituted(self, node: "Node", *, quoted: bool) -> str:
        found = self._substitute(node, self._state)
        if node.type == "process_substitution":
            path = f"/dev/fd/{63 + len(self._state.world.files)}"
            self._state.world.files[path] = found
            return path
        self.taints |= found.taints
        self.origin = self.origin or found.origin
        if found.text is None:
            return HOLE
        text = found.text.rstrip("\n")
        return text if quoted else _split(text)


def _text(node: "Node") -> str:
    return (node.text or b"").decode(errors="replace")


def _name(inner: str) -> tuple[str, str]:
    """A variable's name and what follows it in braces."""
    if inner[:1] in "@*#?$!-_" and inner[:1] and not inner[1:2].isalnum():
        return inner[:1], inner[1:]
    end = 0
    while end < len(inner) and (inner[end].isalnum() or inner[end] == "_"):
        end += 1
    return inner[:end], inner[end:]


def _split(value: str) -> str:
    """A value as the shell splits it where it is not quoted."""
    return _SPLIT.join(value.split()) if value.strip() == value else f"{_SPLIT}{_SPLIT.join(value.split())}{_SPLIT}"


def _unescaped(text: str, *, quoted: bool) -> str:
    """A word as it stands, without the backslashes that quote its characters."""
    out: list[str] = []
    characters = iter(text)
    for each in characters:
        if each == "\\":
            following = next(characters, "")
            out.append("" if following == "\n" else following)
        else:
            out.append(each if quoted else each.translate(_BRACES))
    return "".join(out)


def _unquoted(text: str) -> str:
    """The text between double quotes, where a backslash quotes only five characters."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\", "\n"):
            out.append("" if text[at + 1] == "\n" else text[at + 1])
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def _ansi(text: str) -> str:
    r"""The text of `$'…'`."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "\\" or at + 1 == len(text):
            out.append(text[at])
            at += 1
            continue
        letter = text[at + 1]
        if letter in "xuU":
            most = {"x": 2, "u": 4, "U": 8}[letter]
            digits = _while(text[at + 2 : at + 2 + most], _HEX)
            code = int(digits, 16) if digits else 0
            out.append(chr(code) if digits and code < 0x110000 else "")  # noqa: PLR2004
            at += 2 + len(digits)
        elif letter in "01234567":
            digits = _while(text[at + 1 : at + 4], "01234567")
            out.append(chr(int(digits, 8)))
            at += 1 + len(digits)
        else:
            out.append(_ESCAPES.get(letter, letter))
            at += 2
    return "".join(out)


def _while(text: str, allowed: str) -> str:
    end = 0
    while end < len(text) and text[end] in allowed:
        end += 1
    return text[:end]


def _braces(text: str) -> list[str]:
    """Brace expansion of `{a,b}` and `{1..3}` outside quotes, up to a number of alternatives."""
    done: list[str] = []
    open_ones = [text]
    while open_ones:
        if len(done) + len(open_ones) > _MOST_ALTERNATIVES:
            raise TooMuchError
        current = open_ones.pop(0)
        found = _first_group(current)
        if found is None:
            done.append(current)
            continue
        start, end, options = found
        open_ones[:0] = [current[:start] + option + current[end + 1 :] for option in options]
    return done


def _first_group(text: str) -> tuple[int, int, list[str]] | None:
    start = text.find(_OPEN)
    while start >= 0:
        depth, cuts = 0, [start]
        for at in range(start, len(text)):
            if text[at] == _OPEN:
                depth += 1
            elif text[at] == _COMMA and depth == 1:
                cuts.append(at)
            elif text[at] == _CLOSE:
                depth -= 1
                if depth == 0:
                    options = [text[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], at], strict=True)]
                    if len(options) == 1:
                        options = _range(options[0])
                    if options:
                        return start, at, options
                    break
        start = text.find(_OPEN, start + 1)
    return None


def _range(text: str) -> list[str]:
    first, dots, last = text.partition("..")
    if not dots:
        return []
    if first.isdigit() and last.isdigit() and abs(int(last) - int(first)) < _MOST_ALTERNATIVES:
        low, high = sorted((int(first), int(last)))
        return [str(each) for each in range(low, high + 1)]
    if len(first) == len(last) == 1:
        low, high = sorted((ord(first), ord(last)))
        return [chr(each) for each in range(low, high + 1)]
    return [HOLE]
