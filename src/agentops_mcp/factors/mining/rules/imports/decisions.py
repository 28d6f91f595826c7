"""Architecture decision records: the forms of Nygard (a Status section) and of MADR (front matter or a list on top)."""

import re
from collections.abc import Sequence
from dataclasses import replace

from agentops_mcp.factors.mining.rules.imports import header
from agentops_mcp.factors.mining.rules.imports.markdown import is_index, name_of
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.outline import Section, headline, notes_of, sections
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, clean, date_in, nothing, tags_of, title_of

SOURCE = "adr"
FOLDERS = (
    "docs/adr", "docs/adrs", "docs/decisions", "docs/architecture/decisions", "docs/architecture/adr",
    "docs/architecture-decisions", "doc/adr", "doc/adrs", "doc/decisions", "doc/architecture/decisions", "adr", "adrs",
    "decisions", "architecture/decisions",
)  # fmt: skip
"""Where projects keep their records, by the habits of the tools that make them."""

_NUMBER = re.compile(
    r"adr[ -]?\d{1,5}\s?[-:.\u2013\u2014]?\s?|\d{1,5}[.):]\s|\d{1,5}\s[-:\u2013\u2014]\s|0\d{1,4}\s", re.IGNORECASE
)
_META = re.compile(
    r"\s{0,3}(?:[-*+]\s+)?[*_]{0,2}(status|date|deciders|decision-makers|last updated)[*_]{0,2}\s?:[*_]{0,2}\s*(.*)",
    re.IGNORECASE,
)
_MOST_META_LINES = 40
_MOST_META_CHARS = 300
_STATUS_WORD = re.compile(
    r"(proposed|accepted|rejected|deprecated|superseded|draft|approved|done|amended)", re.IGNORECASE
)
_SECTIONS = re.compile(
    r"(context\b|decision\b|decision outcome|consequences|considered (options|alternatives)|options considered)",
    re.IGNORECASE,
)
_UNTITLED = frozenset({"status", "context", "context and problem statement", "decision", "decision outcome"})
_TEMPLATE_NAME = re.compile(r"(?:^|[-_/.])template(?:[-_.]|$)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"[{\[<][^\]}>]{0,80}(?:title|problem)", re.IGNORECASE)


def is_decision(text: str) -> bool:
    """Whether a document has the marks of a decision record: a status, and a section on what was decided."""
    fields, body = header.read(clean(text))
    parts = sections(body)
    has_status = bool(header.first(fields, "status")) or _status_of(parts)[0] != ""
    named = {found[1].casefold() for part in parts if (found := _SECTIONS.match(part.heading))}
    return len(named) >= 2 or (has_status and bool(named))


def parse_decision(path: str, text: str) -> Parsed:
    """One record; its status is in its text and among its tags. Templates and lists of records are left out."""
    fields, body = header.read(clean(text))
    title, parts = headline(sections(body))
    if title.casefold() in _UNTITLED:
        title, parts = "", sections(body)
    if _TEMPLATE_NAME.search(path.rpartition("/")[2]) or _PLACEHOLDER.match(title):
        return nothing(path, "is a template")
    if is_index(body):
        return nothing(path, "is a list of other documents")
    status, date, rest = _status_of(parts)
    status = header.first(fields, "status") or status
    word = _STATUS_WORD.search(status)
    said = header.first(fields, "title") or title
    document = Note(
        source=SOURCE, origin=path, title=title_of(_NUMBER.sub("", said, count=1), name_of(path)), text="",
        tags=tags_of(["adr", *([word[1]] if word else []), *header.items(fields, "tags")]),
        at=date_in(header.first(fields, "date", "last_updated", "updated", "created")) or date,
    )  # fmt: skip
    return notes_of(document, _with_status(rest, status))


def _with_status(parts: Sequence[Section], status: str) -> list[Section]:
    """The sections with the status above all: a rejected decision read without it is a wrong one."""
    if not status:
        return list(parts)
    first = parts[0] if parts and parts[0].level == 0 else Section(0, "", "")
    others = parts[1:] if parts and parts[0].level == 0 else parts
    text = f"Status: {status[:_MOST_META_CHARS]}\n\n{first.text.strip()}".strip()
    return [replace(first, text=f"{text}\n"), *others]


def _status_of(parts: Sequence[Section]) -> tuple[str, str, list[Section]]:
    """The status and the date where a record says them, and the sections without."""
    status = date = ""
    rest: list[Section] = []
    for number, part in enumerate(parts):
        heading = part.heading.strip().casefold()
        if heading == "status" and not status:
            status, more = _first_line(part.text)
            rest += [Section(part.level, part.heading, more)] if more else []
        elif heading == "date" and not date:
            date = date_in(part.text)
        elif number <= 1:
            found, text = _metadata(part.text)
            status, date = status or found.get("status", ""), date or date_in(found.get("date", ""))
            rest.append(replace(part, text=text))
        else:
            rest.append(part)
    return status, date, rest


def _first_line(text: str) -> tuple[str, str]:
    first, _, more = text.strip().partition("\n")
    if len(first) > _MOST_META_CHARS:
        return "", text
    return first.strip(), more.strip("\n")


def _metadata(text: str) -> tuple[dict[str, str], str]:
    """What lines like `* Status: accepted` at the top say, and the text without them."""
    found: dict[str, str] = {}
    lines = text.split("\n")
    kept: list[str] = []
    for line in lines[:_MOST_META_LINES]:
        meta = _META.match(line) if len(line) <= _MOST_META_CHARS else None
        if meta is None:
            kept.append(line)
        else:
            found.setdefault(meta[1].casefold().replace("last updated", "date"), meta[2].strip())
    return found, "\n".join([*kept, *lines[_MOST_META_LINES:]]).strip("\n")
