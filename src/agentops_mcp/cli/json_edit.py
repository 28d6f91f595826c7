"""Change one value or list in a JSON text that may hold comments and trailing commas; leave every other byte alone."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, cast

from agentops_mcp.core.errors import InvalidInputError

JsonValue = str | int | float | bool | list["JsonValue"] | dict[str, "JsonValue"] | None

BY_HAND: Final = "Run `agentops-mcp init` again with --print and add the entry by hand."

_dumps = partial(json.dumps, ensure_ascii=False)

# Deeper than any real configuration, and far from Python's own recursion limit.
_MAX_DEPTH: Final = 100
# No possessive quantifiers: before Python 3.11.5 they match wrongly around a part that backtracks.
_GAP = re.compile(r"[ \t\r\n]*(?:(?://[^\r\n]*|/\*.*?\*/)[ \t\r\n]*)*", re.DOTALL)
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"')
# Python refuses to read integers of more than 4,300 digits; no configuration needs a thousand.
_BARE = re.compile(r"true|false|null|-?(?:0|[1-9][0-9]{0,999})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class _Scalar:
    start: int
    end: int
    literal: str


@dataclass(frozen=True, slots=True)
class _Array:
    start: int
    end: int
    items: tuple["_Node", ...]


@dataclass(frozen=True, slots=True)
class _Object:
    start: int
    end: int
    members: tuple["_Member", ...]
    trailing_comma: bool


_Node = _Scalar | _Array | _Object
_Edit = tuple[int, int, str]  # start, end, what stands there afterwards


@dataclass(frozen=True, slots=True)
class _Member:
    key: str
    start: int
    value: _Node


def object_at(text: str, path: Sequence[str], *, file: str) -> dict[str, JsonValue] | None:
    """The object under `path`, or None when nothing is there; `file` only names the text in errors.

    Raises:
        InvalidInputError: not JSON, a key on the path is there twice, or what stands there is no object.
    """
    _, found = _walk(text, _Reader(text, file).document(), path, file)
    if found is None:
        return None
    if not isinstance(found, _Object):
        what = f'"{path[-1]}"' if path else "the outermost value"
        raise _refusal(f"{what} is not an object", text, found.start, file)
    return {member.key: _plain(member.value) for member in found.members}


def set_value(text: str, path: Sequence[str], value: JsonValue, *, file: str) -> str:
    """`text` with `value` under `path` (one key or more); objects missing on the way are made.

    Raises:
        InvalidInputError: not JSON, a key on the path is there twice, or a value on the way is no object.
    """
    root = _Reader(text, file).document()
    chain, found = _walk(text, root, path, file)
    style = _style_of(text, root, chain)
    if found is not None:
        edits = [(found.start, found.end, style.render(value, _indent_at(text, found.start)))]
    else:
        reached = max(len(chain), 1)
        for key in reversed(path[reached:]):
            value = {key: value}
        if chain:
            edits = _insert(chain[-1], path[reached - 1], value, style)
        else:
            edits = [(len(text), len(text), _whole({path[0]: value}, style))]
    return _edited(text, edits)


def list_at(text: str, path: Sequence[str], *, file: str) -> list[JsonValue] | None:
    """The list under `path`, or None when nothing is there.

    Raises:
        InvalidInputError: not JSON, a key on the path is there twice, or what stands there is no list.
    """
    _, found = _walk(text, _Reader(text, file).document(), path, file)
    if found is not None and not isinstance(found, _Array):
        raise _refusal(f'"{path[-1]}" is not a list', text, found.start, file)
    return None if found is None else [_plain(item) for item in found.items]


def add_item(text: str, path: Sequence[str], value: JsonValue, *, file: str) -> str:
    """`text` with `value` as the last item of the list under `path`, which is made when it is missing.

    Raises:
        InvalidInputError: as `list_at`.
    """
    if not list_at(text, path, file=file):
        return set_value(text, path, [value], file=file)
    root = _Reader(text, file).document()
    chain, found = _walk(text, root, path, file)
    array = cast("_Array", found)
    last, close = array.items[-1].end, array.end - 1
    tail = len(text[:close].rstrip(" \t\r\n"))
    style = _style_of(text, root, chain)
    indent = _own_indent(text, array.items[-1].start)
    # After a comment that runs to the end of its line, the item needs a line of its own.
    alone = indent is not None or "//" in text[last:tail]
    lead = style.eol + (indent if indent is not None else _indent_at(text, array.start) + style.unit) if alone else " "
    item = lead + replace(style, inline=not alone).render(value, lead.lstrip("\r\n"))
    trailing = _comma_at(text, last) is not None
    edits = [(tail, tail, f"{item},")] if trailing else [(last, last, ","), (tail, tail, item)]
    return _edited(text, edits)


def change_items(text: str, path: Sequence[str], change: Callable[[JsonValue], JsonValue | None], *, file: str) -> str:
    """`text` with each item of the list under `path` as `change` returns it, and without those it returns None for.

    A list that is left empty goes, and each object on the way to it.

    Raises:
        InvalidInputError: as `list_at`.
    """
    for at, item in reversed(list(enumerate(list_at(text, path, file=file) or []))):
        root = _Reader(text, file).document()
        chain, found = _walk(text, root, path, file)
        node = cast("_Array", found).items[at]
        after = change(item)
        if after is None:
            text = _without(text, [(each.start, each.end) for each in cast("_Array", found).items], at)
        elif after != item:
            rendered = _style_of(text, root, chain).render(after, _indent_at(text, node.start))
            text = _edited(text, [(node.start, node.end, rendered)])
    return _without_empty(text, path, file)


def _without_empty(text: str, path: Sequence[str], file: str) -> str:
    """`text` without the value under `path` if it is empty, and without each object that is empty then."""
    for depth in range(len(path), 0, -1):
        chain, found = _walk(text, _Reader(text, file).document(), path[:depth], file)
        if found is None or _plain(found) not in ([], {}):
            break
        members = chain[-1].members
        at = next(place for place, member in enumerate(members) if member.value is found)
        text = _without(text, [(member.start, member.value.end) for member in members], at)
    return text


def _without(text: str, spans: Sequence[tuple[int, int]], at: int) -> str:
    """`text` without one of these neighbours, the white space before it and the comma that parted it from another."""
    start, end = spans[at]
    head = len(text[:start].rstrip(" \t\r\n"))
    if "//" in text[text.rfind("\n", 0, head) + 1 : head] and text[end : text.find("\n", end)].strip(" \t\r,"):
        head = text.find("\n", head) + 1  # what follows must not become part of that comment
    comma = _comma_at(text, end)
    if comma is None and at > 0:
        comma = _comma_at(text, spans[at - 1][1])
    cuts = [(head, end, "")] if comma is None else [(head, end, ""), (comma, comma + 1, "")]
    return _edited(text, sorted(cuts))


def _comma_at(text: str, position: int) -> int | None:
    """Where the comma after `position` is, if it comes next."""
    gap = _GAP.match(text, position)
    end = gap.end() if gap else position
    return end if text.startswith(",", end) else None


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    for start, end, replacement in reversed(edits):
        text = text[:start] + replacement + text[end:]
    return text


def _walk(text: str, root: _Node | None, path: Sequence[str], file: str) -> tuple[list[_Object], _Node | None]:
    """The objects from the root along `path`, and the value the path ends at (None when it ends earlier)."""
    chain: list[_Object] = []
    node = root
    for depth, key in enumerate(path):
        if node is None:
            break
        if not isinstance(node, _Object):
            what = f'"{path[depth - 1]}"' if depth else "the outermost value"
            raise _refusal(f"{what} is not an object", text, node.start, file)
        chain.append(node)
        members = [member for member in node.members if member.key == key]
        if len(members) > 1:
            raise _refusal(f'"{key}" is there twice', text, members[1].start, file)
        node = members[0].value if members else None
    return chain, node


def _insert(into: _Object, key: str, value: JsonValue, style: "_Style") -> list[_Edit]:
    """What to write where, in order, so that `into` gains a last member."""
    close = into.end - 1
    # Comments after the last member belong to what stands before them, so the new one follows them.
    tail = len(style.text[:close].rstrip(" \t\r\n"))
    indent = style.member_indent(into)
    member = f"{_dumps(key)}: {style.render(value, indent)}"
    lead = style.eol + indent
    if style.inline:
        lead = " " if into.members else ""
    if into.trailing_comma:
        return [(tail, tail, f"{lead}{member},")]
    if into.members:
        last = into.members[-1].value.end
        return [(last, last, ","), (tail, tail, lead + member)]
    if style.inline or "\n" in style.text[tail:close]:
        return [(tail, tail, lead + member)]
    return [(tail, close, lead + member + style.eol + _indent_at(style.text, into.start))]


def _whole(value: JsonValue, style: "_Style") -> str:
    """A first value for a text that has none: to its readers a file of nothing but comments is an empty object."""
    on_new_line = style.text in ("", "\ufeff") or style.text.endswith("\n")
    return ("" if on_new_line else style.eol) + style.render(value, "") + style.eol


@dataclass(frozen=True, slots=True)
class _Style:
    """How the text is laid out around the place that changes."""

    text: str
    unit: str
    eol: str
    inline: bool

    def member_indent(self, node: _Object) -> str:
        """The indentation of a member that stands on its own line."""
        own = [indent for member in node.members if (indent := _own_indent(self.text, member.start)) is not None]
        return own[-1] if own else _indent_at(self.text, node.start) + self.unit

    def render(self, value: JsonValue, indent: str) -> str:
        """`value` for a line indented by `indent`; lists of no objects stay on one line, as people write them."""
        inner = self.eol + indent + self.unit
        if self.inline or not value:
            return _dumps(value)
        if isinstance(value, dict):
            members = (f"{inner}{_dumps(key)}: {self.render(item, indent + self.unit)}" for key, item in value.items())
            return "{" + ",".join(members) + self.eol + indent + "}"
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            items = (inner + self.render(item, indent + self.unit) for item in value)
            return "[" + ",".join(items) + self.eol + indent + "]"
        return _dumps(value)


def _style_of(text: str, root: _Node | None, chain: Sequence[_Object]) -> _Style:
    """The line ending of the first line, the first indentation seen, and the layout of the nearest object."""
    break_at = text.find("\n")
    eol = "\r\n" if text[max(break_at - 1, 0) : break_at + 1] == "\r\n" else "\n"
    units = (unit for node in _objects(root) if (unit := _unit_of(text, node)))
    layouts = [_spans_lines(text, node) for node in chain if node.members or _spans_lines(text, node)]
    return _Style(text, next(units, "  "), eol, inline=layouts[-1:] == [False])


def _objects(node: _Node | None) -> Iterator[_Object]:
    """Every object below and including `node`, in the order of the text."""
    if isinstance(node, _Object):
        yield node
        for member in node.members:
            yield from _objects(member.value)
    elif isinstance(node, _Array):
        for item in node.items:
            yield from _objects(item)


def _unit_of(text: str, node: _Object) -> str:
    """One level of indentation as `node` shows it, or nothing."""
    own = next((indent for member in node.members if (indent := _own_indent(text, member.start))), "")
    outer = _indent_at(text, node.start) if own else ""
    return own[len(outer) :] if own.startswith(outer) else ""


def _own_indent(text: str, position: int) -> str | None:
    """What stands before a value or member that begins its line, else None."""
    start = position
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    return text[start:position] if text[start - 1 : start] in ("", "\n") else None


def _indent_at(text: str, position: int) -> str:
    """The white space that begins the line of `position`."""
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _spans_lines(text: str, node: _Object) -> bool:
    """Whether the braces of `node` stand on other lines than its members."""
    first, last = (node.members[0].start, node.members[-1].value.end) if node.members else (node.end, node.end)
    return not {"\n", "\r"}.isdisjoint(text[node.start : first] + text[last : node.end])


def _plain(node: _Node) -> JsonValue:
    match node:
        case _Scalar():
            return json.loads(node.literal)
        case _Array():
            return [_plain(item) for item in node.items]
        case _Object():
            return {member.key: _plain(member.value) for member in node.members}


def _refusal(problem: str, text: str, position: int, file: str) -> InvalidInputError:
    line = text.count("\n", 0, position) + 1
    return InvalidInputError(f"{file}, line {line}: {problem}.", remedy=BY_HAND)


class _Reader:
    """Reads a whole text, so that nothing is written into a file its own program could not read."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._at = 1 if text.startswith("\ufeff") else 0

    def document(self) -> _Node | None:
        """The one value of the text, or None when there is nothing but white space and comments."""
        self._match(_GAP)
        if self._at == len(self._text):
            return None
        node = self._value(0)
        self._match(_GAP)
        if self._at != len(self._text):
            raise self._invalid()
        return node

    def _value(self, depth: int) -> _Node:
        if depth > _MAX_DEPTH:
            raise _refusal(f"nested deeper than {_MAX_DEPTH} levels", self._text, self._at, self._file)
        self._match(_GAP)
        start = self._at
        if self._take("{"):
            members, comma = self._members(depth + 1)
            return _Object(start, self._at, members, trailing_comma=comma)
        if self._take("["):
            items = self._items(depth + 1)
            return _Array(start, self._at, items)
        literal = self._match(_STRING if self._text.startswith('"', start) else _BARE)
        return _Scalar(start, self._at, literal)

    def _members(self, depth: int) -> tuple[tuple[_Member, ...], bool]:
        members: list[_Member] = []
        more = True
        while not self._take("}"):
            start = self._at
            key: str = json.loads(self._match(_STRING))
            if not more or not self._take(":"):
                raise self._invalid()
            members.append(_Member(key, start, self._value(depth)))
            more = self._take(",")
        return tuple(members), more and bool(members)

    def _items(self, depth: int) -> tuple[_Node, ...]:
        items: list[_Node] = []
        more = True
        while not self._take("]"):
            if not more:
                raise self._invalid()
            items.append(self._value(depth))
            more = self._take(",")
        return tuple(items)

    def _take(self, character: str) -> bool:
        """Skip what means nothing, then `character` if it comes next."""
        self._match(_GAP)
        taken = self._text.startswith(character, self._at)
        self._at += taken
        return taken

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._invalid()
        self._at = found.end()
        return found.group()

    def _invalid(self) -> InvalidInputError:
        return _refusal("not valid JSON", self._text, self._at, self._file)
