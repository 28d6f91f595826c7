"""What every kind of source needs of text from elsewhere: made storable, cut to size, read for tags and dates."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.patterns import normal_tag

MOST_CHARS = 4_000
"""Of an item's text; a longer document becomes several."""
MOST_TAGS = 20
MOST_ITEMS = 500
"""Of one document."""

_MOST_TITLE = 200
_MOST_RAW_TAG = 60
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
_ALNUM_RUN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is not imported: where it is, and why."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a document or commit gave."""

    notes: tuple[Note, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def nothing(origin: str, reason: str) -> Parsed:
    """What gave no item, and why."""
    return Parsed(skipped=(Skipped(origin, reason),))


def clean(text: str) -> str:
    """`text` with one kind of line end, and without what no database and no UTF-8 can hold."""
    unified = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return _UNSTORABLE.sub("\ufffd", unified)


def title_of(*candidates: str) -> str:
    """The first of these that says something, on one line."""
    return next((line for text in candidates if (line := gist(clean(text), limit=_MOST_TITLE))), "untitled")


def tags_of(words: Iterable[str]) -> tuple[str, ...]:
    """The words that are tags, each once; the others are left out."""
    found: dict[str, None] = {}
    for word in words:
        if len(found) == MOST_TAGS:
            break
        try:
            found[normal_tag(word[:_MOST_RAW_TAG])] = None
        except InvalidInputError:
            continue
    return tuple(found)


def date_in(text: str) -> str:
    """The first ISO date at the beginning of a text, or ""."""
    found = _DATE.match(text.strip()[:32].lstrip("\"'"))
    if found is None:
        return ""
    try:
        date.fromisoformat(found[0])
    except ValueError:
        return ""
    return found[0]


def slug(heading: str) -> str:
    """A heading as it stands behind the `#` of an address."""
    return "-".join(_ALNUM_RUN.findall(heading[:200].casefold()))[:60] or "section"


def pieces(text: str, limit: int = MOST_CHARS) -> list[str]:
    """`text` in pieces of at most `limit` characters, cut between paragraphs, else lines, else anywhere."""
    if len(text) <= limit:
        return [text] if text.strip() else []
    return [piece for piece in (each.strip("\n") for each in _joined(_units(text, limit), limit)) if piece.strip()]


def _units(text: str, limit: int) -> Iterator[str]:
    """Paragraphs with the blank lines after them; of those that are too long the lines, and of lines the parts."""
    for paragraph in _kept_split(text, "\n\n"):
        if len(paragraph) <= limit:
            yield paragraph
            continue
        for line in _kept_split(paragraph, "\n"):
            for start in range(0, len(line), limit):
                yield line[start : start + limit]


def _kept_split(text: str, separator: str) -> Sequence[str]:
    *parts, last = text.split(separator)
    return [*(part + separator for part in parts), last]


def _joined(units: Iterable[str], limit: int) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for unit in units:
        if held and size + len(unit) > limit:
            yield "".join(held)
            held, size = [], 0
        held.append(unit)
        size += len(unit)
    yield "".join(held)
