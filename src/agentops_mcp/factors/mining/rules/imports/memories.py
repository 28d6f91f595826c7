"""What coding agents keep in files: Claude Code's CLAUDE.md, rules and memory; Codex's AGENTS.md and memories."""

import re
from collections.abc import Iterator

from agentops_mcp.factors.mining.rules.imports import header
from agentops_mcp.factors.mining.rules.imports.markdown import ENDINGS, date_of, is_index
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.outline import Section, headline, notes_of, sections
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, Skipped, clean, nothing, tags_of

CLAUDE = "claude-code"
CODEX = "codex"

_CLAUDE_FILE = "CLAUDE.md"
_CLAUDE_FOLDERS = (".claude/rules/", ".claude/memory/", ".claude/memories/", ".claude/agent-memory/")
_CODEX_FILES = ("AGENTS.md", "AGENTS.override.md")
_CODEX_FOLDERS = (".codex/memories/", ".codex/memory/")
_PERSONAL = ("CLAUDE.local.md", ".claude/agent-memory-local/")
_RAW = "raw_memories.md"
_FINEST = 2  # what stands under a heading of the second level is one thing to know

# What agentops-mcp itself writes into these files says how to use it; it is no knowledge of the project's.
_OWN_BLOCK = re.compile(r"<!-- agentops-mcp:begin -->.*?(?:<!-- agentops-mcp:end -->|\Z)", re.DOTALL)
_BOOKKEEPING = frozenset({"rollout_summary_files", "keywords"})
_MOST_BLOCKS = 2_000


def is_claude(path: str) -> bool:
    """Whether Claude Code keeps what a project shares at this place in it."""
    return _is_at(path, (_CLAUDE_FILE,), _CLAUDE_FOLDERS)


def is_codex(path: str) -> bool:
    """Whether Codex keeps what a project shares at this place in it."""
    return _is_at(path, _CODEX_FILES, _CODEX_FOLDERS)


def is_personal(path: str) -> bool:
    """Whether a file of Claude Code's is kept out of what a project shares, so that only its owner can name it."""
    return _is_at(path, _PERSONAL[:1], _PERSONAL[1:])


def _is_at(path: str, names: tuple[str, ...], folders: tuple[str, ...]) -> bool:
    if path.rpartition("/")[2] in names:
        return True
    return path.casefold().endswith(ENDINGS) and any(f"/{folder}" in f"/{path}" for folder in folders)


def parse_claude(path: str, text: str) -> Parsed:
    """The sections of a memory file; one of a single thing (with a name and description on top) is one item."""
    fields, body = header.read(_OWN_BLOCK.sub("", clean(text)))
    if is_index(body):
        return nothing(path, "is a list of other documents")
    title, parts = headline(sections(body.lstrip("\n")))
    name = header.first(fields, "name", "title")
    described = header.first(fields, "description")
    if described:
        parts = [Section(0, "", f"{described}\n"), *parts]
    kinds = [header.first(fields, "type", "metadata.type")]
    document = Note(
        source=CLAUDE, origin=path, title=name or title, text="", tags=tags_of([*kinds, *header.items(fields, "tags")]),
        at=date_of(fields),
    )  # fmt: skip
    return notes_of(document, parts, finest=0 if name else _FINEST)


def parse_codex(path: str, text: str) -> Parsed:
    """The sections of a memory file, or its blocks, each with a description and keywords on top."""
    if path.rpartition("/")[2] == _RAW:
        return nothing(path, "is the raw material of the other files")
    body = _OWN_BLOCK.sub("", clean(text))
    blocks = list(_blocks(body))
    if not blocks:
        return _sections_of(path, *header.read(body))
    found = [_sections_of(path, fields, text) for fields, text in blocks]
    return _readdressed(path, found)


def _sections_of(path: str, fields: header.Fields, body: str) -> Parsed:
    title, parts = headline(sections(body))
    said = [part for part in parts if part.heading.strip().casefold() not in _BOOKKEEPING]
    document = Note(
        source=CODEX, origin=path, title=header.first(fields, "title", "description", "name") or title, text="",
        tags=tags_of(header.items(fields, "keywords", "tags")), at=date_of(fields),
    )  # fmt: skip
    return notes_of(document, said, finest=0 if fields else _FINEST)


def _blocks(body: str) -> Iterator[tuple[header.Fields, str]]:
    """Blocks of one file that each begin with front matter of their own; none when there are not several."""
    lines = body.split("\n")
    marks = [number for number, line in enumerate(lines) if line.rstrip() == "---"]
    heads: list[tuple[int, int, header.Fields]] = []
    index = 0
    while index + 1 < len(marks) and len(heads) < _MOST_BLOCKS:
        start, end = marks[index], marks[index + 1]
        fields = header.fields(lines[start + 1 : end]) if end - start < 300 else {}
        is_head = "description" in fields or "rollout_summary_files" in fields
        if is_head:
            heads.append((start, end, fields))
        index += 2 if is_head else 1
    if len(heads) < 2:
        return
    for number, (_, end, fields) in enumerate(heads):
        until = heads[number + 1][0] if number + 1 < len(heads) else len(lines)
        yield fields, "\n".join(lines[end + 1 : until])


def _readdressed(path: str, found: list[Parsed]) -> Parsed:
    """The items of all blocks, each at an address of its own."""
    notes: list[Note] = []
    skipped: list[Skipped] = []
    for number, each in enumerate(found, start=1):
        skipped += each.skipped
        for note in each.notes:
            anchor = note.origin.partition("#")[2]
            origin = f"{path}#block-{number}" + (f"-{anchor}" if anchor else "")
            notes.append(Note(note.source, origin, note.title, note.text, note.tags, note.files, note.at))
    return Parsed(tuple(notes), tuple(skipped))
