"""A pattern as the Markdown file that people read and review, and such a file read back.

What `to_markdown` writes, `parse_markdown` reads without loss; what a person wrote is read as far as only one thing
can be meant, and refused with the line otherwise. The title is in the front matter, and nowhere else.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules import fences, front_matter
from agentops_mcp.factors.mining.rules.front_matter import Value, refused
from agentops_mcp.factors.mining.rules.patterns import (
    CATEGORIES,
    KINDS,
    RELATION_KINDS,
    STATUSES,
    Pattern,
    Relation,
    RelationKind,
    check_limits,
    normal_evidence,
    normal_tag,
)

MOST_BYTES = 65_536
"""The largest file that is read; the largest pattern that `check_limits` lets pass takes less, in any script."""

_TEXT_SECTIONS = {
    "Problem": "problem", "Context": "context", "Solution": "solution", "Implementation": "implementation"
}  # fmt: skip
_LIST_SECTIONS = {"Forces": "forces", "Known uses": "known_uses"}
_CONSEQUENCES = "Consequences"
_PARTS = {"Benefits": "benefits", "Tradeoffs": "tradeoffs", "Risks": "risks"}
_ORDER = ("Problem", "Context", "Forces", "Solution", "Implementation", _CONSEQUENCES, "Known uses")

_KEYS = ("title", "kind", "category", "status", "reason", "successor", "tags", "related", "evidence")
_MISPLACED = {
    "stage": ("the stage is computed from evidence, never claimed", "Leave it out; cite the pattern when you use it."),
    "name": ("a pattern is named by its file", "Leave it out; rename the file to rename the pattern."),
}

# A heading of a section's level. A text may have its own from the third level on; one of these is written with a
# backslash before it, as Markdown has it, and so is a line that already looks like that.
_HEADING = re.compile(r" {0,3}(#{1,2})(?:[ \t](.*))?")
_TO_ESCAPE = re.compile(r"( {0,3})(\\*#{1,2}(?:[ \t].*)?)")
_ESCAPED = re.compile(r"( {0,3})\\(\\*#{1,2}(?:[ \t].*)?)")
_PART = re.compile(r" {0,3}###[ \t]+(.*)")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|[0-9]{1,9}[.)])(?:[ \t]+(.*))?")
_RULE = re.compile(r" {0,3}([-*_])\1{2,}")

_Lines = list[tuple[int, str]]
_T = TypeVar("_T")


# Writing


def to_markdown(pattern: Pattern, *, to_fill: bool = False) -> str:
    """A pattern as a file; what is empty is left out, or is there `to_fill` in."""
    given = _fields(pattern)
    if to_fill:
        given |= {key: [] for key in ("tags", "evidence") if key not in given}
    blocks = ["\n".join(front_matter.write(given))]
    for title in _ORDER:
        body = _body(pattern, title)
        if to_fill and not body and title == _CONSEQUENCES:
            body = [f"### {part}" for part in _PARTS]
        blocks += [f"## {title}", *body] if body or to_fill else []
    return "\n\n".join(blocks) + "\n"


def _fields(pattern: Pattern) -> dict[str, object]:
    given: dict[str, object] = {
        "title": pattern.title,
        "kind": pattern.kind,
        "category": pattern.category,
        "status": "" if pattern.status == "active" else pattern.status,
        "reason": pattern.reason,
        "successor": pattern.successor,
        "tags": list(pattern.tags),
        "related": [{relation.kind: relation.name} for relation in pattern.related],
        "evidence": list(pattern.evidence),
    }
    return {key: value for key, value in given.items() if value}


def _body(pattern: Pattern, title: str) -> list[str]:
    if title in _TEXT_SECTIONS:
        text: str = getattr(pattern, _TEXT_SECTIONS[title])
        return [_with_headings(text, _TO_ESCAPE, r"\1\\\2")] if text else []
    if title in _LIST_SECTIONS:
        return _bullets(getattr(pattern, _LIST_SECTIONS[title]))
    parts = {part: _bullets(getattr(pattern, name)) for part, name in _PARTS.items()}
    return [block for part, bullets in parts.items() if bullets for block in (f"### {part}", *bullets)]


def _bullets(items: Iterable[str]) -> list[str]:
    bullets = "\n".join(f"- {item}" for item in items)
    return [bullets] if bullets else []


def _with_headings(text: str, pattern: re.Pattern[str], replacement: str) -> str:
    """`text` with lines outside code fences that match replaced."""
    fence, lines = "", list[str]()
    for line in text.split("\n"):
        found = None if fence else pattern.fullmatch(line)
        fence = fences.after(line, fence)
        lines.append(found.expand(replacement) if found else line)
    return "\n".join(lines)


# Reading


@dataclass(slots=True)
class _Section:
    """What stands below a heading, by the number of the line."""

    line: int
    lines: _Lines = field(default_factory=list[tuple[int, str]])


def parse_markdown(name: str, text: str) -> Pattern:
    """The pattern in a file whose stem is `name`, also when a person wrote it.

    Raises:
        InvalidInputError: it is too large, or something in it, whose line is said where there is one, is not
            understood.
    """
    if len(text) > MOST_BYTES or len(text.encode(errors="surrogatepass")) > MOST_BYTES:
        raise InvalidInputError(
            f"The pattern's file is larger than {MOST_BYTES // 1024} KiB.", remedy="Make it several patterns."
        )
    unified = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.rstrip() for line in unified.split("\n")]
    given, taken = front_matter.split(lines)
    fields = _read_fields(given)
    headline, sections = _sections(list(enumerate(lines, start=1))[taken:])
    if headline is not None:
        number, title = headline
        if fields.setdefault("title", title).split() != title.split():
            raise refused(number, "this title is not the one in the front matter", "Keep one of the two.")
    for key in ("title", "kind", "category"):
        if key not in fields:
            raise refused(1, f"the front matter has no {key}", f"Add a line `{key}: …`{_choices_of(key)}.")
    pattern = Pattern(name=name, **fields, **_contents(sections))
    check_limits(pattern)
    return pattern


def parse_sections(text: str) -> dict[str, Any]:
    """The fields that the sections of a text without front matter give, by their names.

    Raises:
        InvalidInputError: something in it, whose line is said, is not understood.
    """
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    headline, sections = _sections(list(enumerate(lines, start=1)))
    if headline is not None:
        raise refused(headline[0], "there is no title here", f"Use ## {', ## '.join(_ORDER)}.")
    return _contents(sections)


def _choices_of(key: str) -> str:
    choices = {"kind": KINDS, "category": CATEGORIES}.get(key, ())
    return f" with one of {', '.join(choices)}" if choices else ""


def _read_fields(given: Mapping[str, Value]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in given.items():
        if key in _MISPLACED:
            raise refused(value.line, *_MISPLACED[key])
        if key not in _KEYS:
            raise refused(value.line, f"the key {gist(key, limit=40)!r} is not known", f"Use {', '.join(_KEYS)}.")
        fields[key] = _field(key, value)
    return fields


def _field(key: str, value: Value) -> object:
    choices: dict[str, tuple[str, ...]] = {"kind": KINDS, "category": CATEGORIES, "status": STATUSES}
    if key in choices:
        return _chosen(value, key, choices[key])
    if key == "tags":
        return tuple(_at(each.line, normal_tag, each.text("a tag")) for each in value.items(key))
    if key == "evidence":
        return tuple(_at(each.line, normal_evidence, each.text("a record")) for each in value.items(key))
    if key == "related":
        return tuple(relation for each in value.items(key) for relation in _relations(each))
    return value.text(key)


def _chosen(value: Value, key: str, choices: tuple[str, ...]) -> str:
    given = value.text(key).strip().casefold()
    if given not in choices:
        raise refused(value.line, f"{key} cannot be {gist(given, limit=40)!r}", f"Use one of: {', '.join(choices)}.")
    return given


def _relations(value: Value) -> Iterable[Relation]:
    kinds: dict[str, RelationKind] = {kind: kind for kind in RELATION_KINDS}
    for kind, name in value.pairs("a relation").items():
        if kind not in kinds:
            problem = f"{gist(kind, limit=40)!r} is no relation"
            raise refused(name.line, problem, f"Use one of: {', '.join(kinds)}; like `- uses: name-of-a-pattern`.")
        yield _at(name.line, lambda text, kind=kinds[kind]: Relation(kind, text), name.text("a pattern's name"))


def _at(line: int, read: Callable[[str], _T], text: str) -> _T:
    """What is read from a text, with the line in the error when it cannot be."""
    try:
        return read(text)
    except InvalidInputError as error:
        raise refused(line, error.problem.rstrip("."), error.remedy) from error


def _sections(lines: _Lines) -> tuple[tuple[int, str] | None, dict[str, _Section]]:
    """The title written as a heading above all sections, if any, and the sections by name."""
    headline: tuple[int, str] | None = None
    found: dict[str, _Section] = {}
    current: _Section | None = None
    fence, opened = "", 0
    for number, line in lines:
        heading = None if fence else _HEADING.fullmatch(line)
        before, fence = fence, fences.after(line, fence)
        opened = opened if before else number
        if heading is None and current is not None:
            current.lines.append((number, line))
        elif heading is None and line:
            raise refused(number, "this text is in no section", f"Put it below one of ## {', ## '.join(_ORDER)}.")
        elif heading is not None and heading[1] == "#":
            if headline or current:
                raise refused(number, "this heading is of the first level", r"Begin it with ###, or with \#.")
            headline = (number, (heading[2] or "").strip())
        elif heading is not None:
            title = _known(number, heading[2] or "", _ORDER, found)
            current = found[title] = _Section(number)
    if fence:
        raise refused(opened, "this code fence is not closed", f"Put a line of {fence} below the code.")
    return headline, found


def _known(line: int, given: str, names: Iterable[str], found: Mapping[str, object]) -> str:
    wanted = given.strip().rstrip("#").rstrip().casefold().replace("trade-offs", "tradeoffs")
    name = next((name for name in names if name.casefold() == wanted), None)
    if name is None:
        raise refused(
            line,
            f"there is no section {gist(given, limit=40)!r} here",
            rf"Use {', '.join(names)}; a heading within a text begins with ###, or with \#.",
        )
    if name in found:
        raise refused(line, f"the section {name} is there twice", "Put what both say under one heading.")
    return name


def _contents(sections: Mapping[str, _Section]) -> dict[str, Any]:
    contents: dict[str, Any] = {}
    for title, section in sections.items():
        if title in _TEXT_SECTIONS:
            text = "\n".join(line for _, line in section.lines)
            contents[_TEXT_SECTIONS[title]] = _with_headings(text, _ESCAPED, r"\1\2")
        elif title in _LIST_SECTIONS:
            contents[_LIST_SECTIONS[title]] = _items(section.lines)
        else:
            parts = _parts(section.lines)
            contents |= {_PARTS[part]: _items(lines) for part, lines in parts.items()}
    return contents


def _parts(lines: _Lines) -> dict[str, _Lines]:
    found: dict[str, _Lines] = {}
    current: _Lines | None = None
    for number, line in lines:
        heading = _PART.fullmatch(line)
        if heading is not None:
            current = found[_known(number, heading[1], _PARTS, found)] = []
        elif current is not None:
            current.append((number, line))
        elif line:
            raise refused(
                number, "a consequence is a benefit, a tradeoff or a risk", f"Put it below ### {', ### '.join(_PARTS)}."
            )
    return found


def _items(lines: _Lines) -> tuple[str, ...]:
    """The items of a list of one level; a line that begins none goes on with the one above, as editors wrap it."""
    items: list[str] = []
    outer: int | None = None
    goes_on = False
    for number, line in lines:
        item = _ITEM.fullmatch(line)
        if _PART.fullmatch(line) or fences.after(line, ""):
            raise refused(number, "a list has only items here", "Move headings and code to ## Implementation.")
        if not line or _RULE.fullmatch(line):
            goes_on = False
        elif item is not None:
            indent = len(item[1].expandtabs(4))
            outer = indent if outer is None else outer
            if indent > outer + 1:
                raise refused(
                    number, "a list has one level here", "Make it an item of its own, or part of the one above."
                )
            items.append(item[2] or "")
            goes_on = True
        elif goes_on:
            items[-1] += f" {line.strip()}"
        else:
            items.append(line.strip())
            goes_on = True
    return tuple(items)
