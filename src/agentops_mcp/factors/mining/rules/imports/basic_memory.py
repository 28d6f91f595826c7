"""Notes of basic-memory: Markdown with observations (`- [category] text #tag (context)`) and relations."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentops_mcp.factors.mining.rules.imports import header
from agentops_mcp.factors.mining.rules.imports.markdown import date_of, name_of
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.outline import headline, notes_of, sections
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, clean, tags_of, title_of

SOURCE = "basic-memory"

_MOST_LINE = 4_000
_OBSERVATION = re.compile(r"\s{0,12}[-*+] \[(?![ xX/-]\])([^\]\[]{1,60})\](?!\() (.*)")
_RELATION = re.compile(r"\s{0,12}[-*+] ([^\[\]]{0,80})\[\[([^\[\]]{1,200})\]\]")
_HASHTAG = re.compile(r"(?<!\S)#([^\W_][\w/-]{0,39})")


@dataclass(frozen=True, slots=True)
class Observation:
    """One fact of a note."""

    category: str
    text: str


@dataclass(frozen=True, slots=True)
class Relation:
    """What a note has to do with another."""

    kind: str
    target: str


def observations(text: str) -> Iterator[Observation]:
    """The observations in a note, wherever they stand; a task (`- [ ]`) or a link is none."""
    for line in text.split("\n"):
        if len(line) <= _MOST_LINE and (found := _OBSERVATION.match(line)):
            yield Observation(found[1].strip(), found[2].strip())


def relations(text: str) -> Iterator[Relation]:
    """The relations in a note, wherever they stand in a list."""
    for line in text.split("\n"):
        if len(line) <= _MOST_LINE and (found := _RELATION.match(line)):
            yield Relation(found[1].strip() or "relates_to", found[2].strip())


def is_basic_memory(text: str) -> bool:
    """Whether a document has the marks of a note: a permalink, or a type beside observations or relations."""
    fields, body = header.read(clean(text))
    if header.first(fields, "permalink"):
        return True
    is_typed = bool(header.first(fields, "type") and header.first(fields, "title"))
    return is_typed and (next(observations(body), None) or next(relations(body), None)) is not None


def parse_basic_memory(path: str, text: str) -> Parsed:
    """A note; its type, the categories of its observations and their hashtags are tags besides its own."""
    fields, body = header.read(clean(text))
    title, parts = headline(sections(body))
    facts = list(observations(body))
    kind = header.first(fields, "type")
    document = Note(
        source=SOURCE, origin=path, title=title_of(header.first(fields, "title"), title, name_of(path)), text="",
        tags=tags_of([
            *header.items(fields, "tags"), *([kind] if kind.casefold() != "note" else []),
            *(fact.category for fact in facts), *(tag for fact in facts for tag in _HASHTAG.findall(fact.text)),
        ]),
        at=date_of(fields),
    )  # fmt: skip
    return notes_of(document, parts)
