"""Documents cut at their headings."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentops_mcp.factors.context.rules.units.unit import Unit, short_name

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEPEST = 5
"""A heading below this many others stays in the section around it."""
_UNDERLINE = re.compile(rb"([=\-~^\"'`#*+.:_<>])\1{2,}\s*")


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading by its rows, counted from 0; `body` is the row after it."""

    row: int
    body: int
    level: int
    title: str


def markdown(root: "Node", content: bytes) -> list[Unit]:
    """The sections of a Markdown document by the nesting of its headings."""
    return _sections(list(_markdown_headings(root, content)), content.split(b"\n"))


def _markdown_headings(root: "Node", text: bytes) -> Iterator[_Heading]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        match node.type:
            case "document" | "section":
                waiting.extend(reversed(node.named_children))
            case "atx_heading" | "setext_heading":
                yield _markdown_heading(node, text)
            case _:
                pass


def _markdown_heading(node: "Node", text: bytes) -> _Heading:
    title = node.child_by_field_name("heading_content")
    level = 1
    for child in node.named_children:
        if child.type.endswith("_marker") or child.type.endswith("_underline"):
            level = next((int(letter) for letter in child.type if letter.isdigit()), 1)
    end = node.end_point.row + (1 if node.end_point.column else 0)
    return _Heading(
        node.start_point.row, end, level, short_name(text[title.start_byte : title.end_byte]) if title else ""
    )


def restructured_text(content: bytes) -> list[Unit]:
    """The sections of a reStructuredText document by its underlined titles."""
    lines = content.split(b"\n")
    styles: list[tuple[bytes, bool]] = []
    headings: list[_Heading] = []
    row = 0
    while row + 1 < len(lines):
        title, under = lines[row].rstrip(), lines[row + 1].rstrip()
        if _is_title(title, under):
            over = row > 0 and lines[row - 1].rstrip() == under
            style = (under[:1], over)
            if style not in styles:
                styles.append(style)
            headings.append(_Heading(row - over, row + 2, styles.index(style), short_name(title)))
            row += 1
        row += 1
    return _sections(headings, lines)


def _is_title(title: bytes, under: bytes) -> bool:
    if not title or not _UNDERLINE.fullmatch(under) or _UNDERLINE.fullmatch(title):
        return False
    return len(under) >= len(title.strip().decode("utf-8", "replace"))


def _sections(headings: Sequence[_Heading], lines: Sequence[bytes]) -> list[Unit]:
    units: list[Unit] = []
    around: list[tuple[int, int]] = []  # level and index of the sections a heading is in
    ends = _ends(headings, len(lines))
    for heading, end in zip(headings, ends, strict=True):
        while around and around[-1][0] >= heading.level:
            around.pop()
        if len(around) >= _DEEPEST:
            continue
        last = end
        while last > heading.body and not lines[last - 1].strip():
            last -= 1
        parent = around[-1][1] if around else -1
        around.append((heading.level, len(units)))
        units.append(Unit(heading.row + 1, last, min(heading.body, last) + 1, "section", heading.title, parent))
    return units


def _ends(headings: Sequence[_Heading], end: int) -> list[int]:
    """For each heading the row of the next that is not inside it."""
    ends = [end] * len(headings)
    is_open: list[int] = []
    for index, heading in enumerate(headings):
        while is_open and headings[is_open[-1]].level >= heading.level:
            ends[is_open.pop()] = heading.row
        is_open.append(index)
    return ends


def tables(units: Sequence[Unit], content: bytes) -> list[Unit]:
    """TOML tables with the comments above them, which its grammar gives to the table before."""
    lines = content.split(b"\n")
    moved: list[Unit] = []
    following = len(lines) + 1
    for unit in reversed(units):
        start, end = unit.start, min(unit.end, following - 1)
        while unit.parent < 0 and start > 1 and lines[start - 2].lstrip().startswith(b"#"):
            start -= 1
        while end > start and not lines[end - 1].strip():
            end -= 1
        if unit.parent < 0:
            following = start
        moved.append(Unit(start, end, min(unit.body, end + 1), unit.kind, unit.name, unit.parent))
    return moved[::-1]
