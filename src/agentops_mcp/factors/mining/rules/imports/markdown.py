"""Folders of Markdown: notes, things learned today, a knowledge base."""

import re

from agentops_mcp.factors.mining.rules.imports import header
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.outline import headline, notes_of, sections
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, clean, date_in, nothing, tags_of, title_of

SOURCE = "markdown"
ENDINGS = (".md", ".markdown", ".mdx")

_DATED = re.compile(r"\d{4}-\d{2}-\d{2}[-_ ]?")
_LINK_LINE = re.compile(r"\s{0,12}(?:[-*+]|\d{1,4}[.)])\s+\[{1,2}[^\]]{1,200}\]{1,2}")
_MOST_LINK_LINE = 400
_FEWEST_LINKS = 3
_INDEX_SHARE = 0.7
_MOST_FOLDER_TAGS = 3


def parse_markdown(path: str, text: str) -> Parsed:
    """A document: titled by its front matter, its only first heading or its name, tagged by its folders."""
    fields, body = header.read(clean(text))
    title, parts = headline(sections(body))
    if is_index(body):
        return nothing(path, "is a list of other documents")
    document = Note(
        source=SOURCE, origin=path, title=title_of(header.first(fields, "title"), title, name_of(path)), text="",
        tags=tags_of([*header.items(fields, "tags", "tag", "categories", "category"), *folder_tags(path)]),
        at=date_of(fields) or date_in(path.rpartition("/")[2]),
    )  # fmt: skip
    return notes_of(document, parts)


def is_index(body: str) -> bool:
    """Whether a document is little more than links to others."""
    links = others = 0
    for line in body.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        if len(line) <= _MOST_LINK_LINE and _LINK_LINE.match(line):
            links += 1
        else:
            others += 1
    return links >= _FEWEST_LINKS and links >= _INDEX_SHARE * (links + others)


def folder_tags(path: str) -> list[str]:
    """The folders that a document is in, the nearest first."""
    return path.split("/")[-2::-1][:_MOST_FOLDER_TAGS]


def date_of(fields: header.Fields) -> str:
    """When the front matter says that a document was last written."""
    names = ("updated", "last_updated", "modified", "lastmod", "date", "created", "created_at")
    return next((found for name in names if (found := date_in(header.first(fields, name)))), "")


def name_of(path: str) -> str:
    """What a file's name says, as words."""
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return _DATED.sub("", stem, count=1).replace("-", " ").replace("_", " ").strip() or stem
