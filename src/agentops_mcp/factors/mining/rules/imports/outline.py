"""A Markdown document by its headings, and cut along them into items of readable size."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from agentops_mcp.factors.mining.rules import fences
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.texts import (
    MOST_CHARS,
    MOST_ITEMS,
    Parsed,
    Skipped,
    pieces,
    slug,
    title_of,
)

_MOST_HEADING_CHARS = 500
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with the text up to the next one; level 0 is what stands above the first."""

    level: int
    heading: str
    text: str

    def whole(self) -> str:
        """The section as it was written."""
        return f"{'#' * self.level} {self.heading}\n{self.text}" if self.level else self.text


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a document: the headings it stands under, and its text."""

    headings: tuple[str, ...]
    text: str


def sections(text: str) -> list[Section]:
    """The sections of a document in its order. Lines inside code fences are no headings."""
    found: list[tuple[int, str, list[str]]] = [(0, "", [])]
    fence = ""
    for line in text.split("\n"):
        level, heading = (0, "") if fence else _heading(line)
        fence = fences.after(line, fence) if line[:4].lstrip(" ")[:1] in ("`", "~") else fence
        body = found[-1][2]
        if level:
            found.append((level, heading, []))
        elif not fence and (level := _underline(line, body)):
            found.append((level, body.pop().strip(), []))
        else:
            body.append(line)
    return [Section(level, heading, "\n".join(lines)) for level, heading, lines in found]


def headline(parts: Sequence[Section]) -> tuple[str, list[Section]]:
    """The document's title and its sections without it.

    The title is the first heading, when it is the only one of its level and none is higher. One below the first level
    has nothing above it.
    """
    levels = [part.level for part in parts if part.level]
    if not levels or levels.count(levels[0]) > 1 or min(levels) < levels[0]:
        return "", list(parts)
    index = next(number for number, part in enumerate(parts) if part.level)
    above = [part for part in parts[:index] if part.text.strip()]
    if above and levels[0] > 1:
        return "", list(parts)
    title = replace(parts[index], level=0, heading="")
    return parts[index].heading, [*above, title, *parts[index + 1 :]]


def parts_of(document: Sequence[Section], *, finest: int = 0) -> Iterator[Part]:
    """The document cut along its headings: a section stays with those below it as far as they fit together.

    Sections of a level below `finest` (0 is the whole document) are cut even when they fit.
    """
    yield from _cut(document, 0, (), finest)


def _cut(document: Sequence[Section], level: int, above: tuple[str, ...], finest: int) -> Iterator[Part]:
    """The parts of sections below `above`, of which the first ones up to `level` are its own text."""
    if level >= finest:
        whole = _body(document, level)
        if len(whole) <= MOST_CHARS:
            yield Part(above, whole)
            return
    own = next((number for number, section in enumerate(document) if section.level > level), len(document))
    for piece in pieces("\n".join(section.text for section in document[:own])):
        yield Part(above, piece)
    for group in _groups(document[own:]):
        yield from _cut(group, group[0].level, (*above, group[0].heading), finest)


def _body(document: Sequence[Section], level: int) -> str:
    """The text of sections; the heading of one up to `level` is in the title."""
    texts = (section.whole() if section.level > level else section.text for section in document)
    return "\n".join(texts)


def _groups(document: Sequence[Section]) -> Iterator[Sequence[Section]]:
    """Sections side by side, each with what is below it."""
    start = 0
    for end in range(1, len(document) + 1):
        if end == len(document) or document[end].level <= document[start].level:
            yield document[start:end]
            start = end


def _heading(line: str) -> tuple[int, str]:
    """The level and text of a heading with `#`, or 0 and ""."""
    if "#" not in line[:4] or len(line) > _MOST_HEADING_CHARS:
        return 0, ""
    bare = line.strip()
    text = bare.lstrip("#")
    level = len(bare) - len(text)
    if level > _DEEPEST or (text and not text[0].isspace()):
        return 0, ""
    closed = text.strip()
    opened = closed.rstrip("#")
    return level, (opened.rstrip() if not opened or opened[-1:].isspace() else closed)


def _underline(line: str, above: Sequence[str]) -> int:
    """The level of the heading that a line of `=` or `-` makes of the single line of text above it, or 0."""
    if not above or line[:1] not in ("=", "-") or len(line) > _MOST_HEADING_CHARS or len(set(line.rstrip())) > 1:
        return 0
    text = above[-1].strip()
    is_alone = len(above) == 1 or not above[-2].strip()
    if len(line) < 3 or not is_alone or not 0 < len(text) <= _MOST_HEADING_CHARS or text[0] in "-*+>|#`~<":
        return 0
    return 1 if line[0] == "=" else 2


@dataclass(slots=True)
class Anchors:
    """Addresses inside one document, each once."""

    _taken: set[str] = field(default_factory=set[str])

    def of(self, headings: Sequence[str]) -> str:
        """The address of what stands under these headings; "" for what stands under none."""
        name = slug(headings[-1]) if headings else ""
        count, free = 1, name
        while free in self._taken:
            count += 1
            free = f"{name}-{count}" if name else str(count)
        self._taken.add(free)
        return free


def notes_of(document: Note, parts: Sequence[Section], *, finest: int = 0) -> Parsed:
    """The items of a document; `document` says what they have in common, and has no text.

    The one of a document that fits is at its path, others at `path#heading`.
    """
    anchors = Anchors()
    notes: list[Note] = []
    left_out = 0
    for part in parts_of(parts, finest=finest):
        if not part.text.strip():
            continue
        if len(notes) == MOST_ITEMS:
            left_out += 1
            continue
        anchor = anchors.of(part.headings)
        headings = [heading for heading in part.headings if heading != document.title]
        notes.append(
            replace(
                document,
                origin=f"{document.origin}#{anchor}" if anchor else document.origin,
                title=title_of(": ".join(filter(None, (document.title, *headings))), document.origin),
                text=part.text.strip("\n"),
            )
        )
    if left_out:
        return Parsed(tuple(notes), (Skipped(document.origin, f"{left_out:,} parts beyond its first {MOST_ITEMS}"),))
    return Parsed(tuple(notes)) if notes else Parsed(skipped=(Skipped(document.origin, "has no text"),))
