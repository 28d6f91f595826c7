"""The documents of a source, read and parsed one after another."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from agentops_mcp.factors.mining.rules.imports.basic_memory import parse_basic_memory
from agentops_mcp.factors.mining.rules.imports.decisions import parse_decision
from agentops_mcp.factors.mining.rules.imports.markdown import parse_markdown
from agentops_mcp.factors.mining.rules.imports.memories import (
    is_claude,
    is_codex,
    is_personal,
    parse_claude,
    parse_codex,
)
from agentops_mcp.factors.mining.rules.imports.memory_server import parse_memory_server
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, Skipped, nothing
from agentops_mcp.factors.mining.service.import_detection import (
    MOST_GRAPH_BYTES,
    Kind,
    is_markdown,
    is_memory_folder,
)
from agentops_mcp.factors.mining.service.import_sources import (
    MOST_FILE_BYTES,
    SourceFile,
    Wanted,
    read_file,
    read_folder,
)

_PARSERS: Mapping[Kind, Callable[[str, str], Parsed]] = {
    "adr": parse_decision, "markdown": parse_markdown, "claude-code": parse_claude, "codex": parse_codex,
    "basic-memory": parse_basic_memory,
}  # fmt: skip


def read_documents(kind: Kind, path: Path, *, root: Path) -> Iterator[Parsed]:
    """What each document at `path` gives; origins are paths from the project's `root`, outside it from `path`.

    Raises:
        ConfigError: the folder cannot be read.
    """
    prefix = _prefix(path, root)
    is_empty = True
    for content in _contents(kind, path):
        is_empty = False
        if isinstance(content, Skipped):
            yield Parsed(skipped=(replace(content, origin=prefix + content.origin),))
        elif kind == "memory-server":  # its items are named by what they are about
            yield parse_memory_server(prefix + content.path, content.text)
        else:
            yield _relocated(_PARSERS[kind](content.path, content.text), prefix)
    if is_empty:
        yield nothing(prefix or ".", "has no file of this kind")


def _contents(kind: Kind, path: Path) -> Iterator[SourceFile | Skipped]:
    if path.is_file():
        most_bytes = MOST_GRAPH_BYTES if kind == "memory-server" else MOST_FILE_BYTES
        yield read_file(path.resolve(), path.name, most_bytes=most_bytes)
        return
    for content in read_folder(path, _wanted(kind, path)):
        if kind == "claude-code" and isinstance(content, SourceFile) and is_personal(content.path):
            yield Skipped(content.path, "is one person's own; name the file to import it")
        else:
            yield content


def _wanted(kind: Kind, folder: Path) -> Wanted:
    if kind not in ("claude-code", "codex") or is_memory_folder(folder):
        return is_markdown
    above = folder.resolve().as_posix()
    if kind == "codex":
        return lambda path: is_codex(f"{above}/{path}")
    return lambda path: is_claude(f"{above}/{path}") or is_personal(f"{above}/{path}")


def _prefix(path: Path, root: Path) -> str:
    """What stands before the paths below `path`: its own from the root, or its name when it is elsewhere."""
    real, home = path.resolve(), root.resolve()
    folder = real.parent if real.is_file() else real
    if real.is_relative_to(home):
        inside = folder.relative_to(home).as_posix()
        return "" if inside == "." else f"{inside}/"
    return f"{folder.name}/"


def _relocated(parsed: Parsed, prefix: str) -> Parsed:
    return Parsed(
        tuple(replace(note, origin=prefix + note.origin) for note in parsed.notes),
        tuple(replace(each, origin=prefix + each.origin) for each in parsed.skipped),
    )
