"""What a path holds that can be imported, told by names and by what the files look like."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.imports import decisions
from agentops_mcp.factors.mining.rules.imports.basic_memory import is_basic_memory
from agentops_mcp.factors.mining.rules.imports.markdown import ENDINGS
from agentops_mcp.factors.mining.rules.imports.memories import is_claude, is_codex, is_personal
from agentops_mcp.factors.mining.rules.imports.memory_server import is_memory_server
from agentops_mcp.factors.mining.service.import_sources import SourceFile, read_file, read_folder
from agentops_mcp.storage.git import discover

Kind = Literal["git", "adr", "markdown", "claude-code", "codex", "basic-memory", "memory-server"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Asked = Kind | Literal["auto"]
MOST_GRAPH_BYTES = 16 << 20
"""Of a memory server's file, which holds everything in one."""

_SAMPLE = 40
_GRAPH_MARK = "its lines are entities and relations"
_GRAPH_NAMES = ("memory.jsonl", "memory.json")
_SNIFFED_BYTES = 100_000
_OWN_FOLDER: tuple[Kind, ...] = ("git", "adr", "claude-code", "codex")


@dataclass(frozen=True, slots=True)
class Source:
    """Something to import: its kind, where it is, and what told the kind."""

    kind: Kind
    path: Path
    why: str


def sources_of(kind: Asked, path: Path | None, *, root: Path) -> tuple[Source, ...]:
    """What there is to import at a path, by default in the whole project.

    Raises:
        InvalidInputError: there is nothing of that kind.
    """
    if path is not None and not path.exists():
        raise InvalidInputError(f"{path} is not there.", remedy="Name a file or folder that is.")
    if kind == "auto":
        found = _detected(root if path is None else path, root)
    elif path is None and kind not in _OWN_FOLDER:
        raise InvalidInputError(f"{kind} needs a path.", remedy=f"Name it: `agentops-mcp import {kind} PATH`.")
    else:
        found = _named(kind, path or root, is_given=path is not None)
    if not found:
        raise InvalidInputError(
            f"There is nothing to import at {path or root}" + (f" as {kind}." if kind != "auto" else "."),
            remedy=f"Name what it is and where: `agentops-mcp import KIND PATH`; KIND is one of {', '.join(KINDS)}.",
        )
    return tuple(found)


def is_knowledge_file(path: Path) -> bool:
    """Whether a path is a folder or a file of one of the kinds, and not something else such as an export."""
    if path.is_dir() or is_markdown(path.name):
        return True
    if not path.is_file():  # a pipe is read once, by the one who needs it
        return False
    try:
        with path.open("rb") as file:
            return is_memory_server(file.read(_SNIFFED_BYTES).decode("utf-8", "replace"))
    except OSError:
        return False


def is_markdown(path: str) -> bool:
    """Whether a file is Markdown by its name."""
    return path.casefold().endswith(ENDINGS)


def is_memory_folder(folder: Path) -> bool:
    """Whether every Markdown file of a folder is an agent's memory, as in the folders that agents keep at home."""
    return folder.name in ("memory", "memories", "rules") or _is_file(folder / "MEMORY.md")


def _named(kind: Kind, path: Path, *, is_given: bool) -> list[Source]:
    match kind:
        case "git":
            return _git(path)
        case "adr" if folders := _decision_folders(path):
            return folders
        case "adr" if not is_given:
            return []
        case "claude-code" | "codex" if not is_given:
            return [source for source in _memories(path) if source.kind == kind]
        case "memory-server" if path.is_dir():
            return _graphs(path)
        case _:
            return [Source(kind, path, "as you said")]


def _detected(path: Path, root: Path) -> list[Source]:
    if path.is_file():
        kind = _kind_of_file(path)
        return [kind] if kind else []
    if path.resolve() == root.resolve() or os.path.lexists(path / ".git"):
        return [*_git(path), *_decision_folders(path), *_memories(path), *_graphs(path)]
    return [*(_memory_folder(path) or _documents(path) or _memories(path)), *_graphs(path)]


def _kind_of_file(path: Path) -> Source | None:
    if is_claude(path.name) or is_personal(path.name):
        return Source("claude-code", path, "its name is Claude Code's")
    if is_codex(path.name):
        return Source("codex", path, "its name is that of instructions for agents")
    content = read_file(path, path.name, most_bytes=MOST_GRAPH_BYTES)
    if not isinstance(content, SourceFile):
        raise InvalidInputError(f"{path} {content.reason}.", remedy="Name a text file.")
    if not is_markdown(path.name):
        return Source("memory-server", path, _GRAPH_MARK) if is_memory_server(content.text) else None
    if is_basic_memory(content.text):
        return Source("basic-memory", path, "it has basic-memory's front matter")
    if decisions.is_decision(content.text):
        return Source("adr", path, "it has the sections of a decision record")
    return Source("markdown", path, "it is Markdown")


def _git(path: Path) -> list[Source]:
    return [Source("git", path, "it is in a git repository")] if discover(path) else []


def _decision_folders(path: Path) -> list[Source]:
    return [
        Source("adr", path / name, "its name is that of a folder of decision records")
        for name in decisions.FOLDERS
        if _is_inside(path / name, path) and _sample(path / name)
    ]


def _memories(path: Path) -> list[Source]:
    found: list[Source] = []
    if _is_file(path / "CLAUDE.md") or _is_inside(path / ".claude", path):
        found.append(Source("claude-code", path, "there is CLAUDE.md or .claude"))
    if _is_file(path / "AGENTS.md") or _is_inside(path / ".codex", path):
        found.append(Source("codex", path, "there is AGENTS.md or .codex"))
    return found


def _memory_folder(path: Path) -> list[Source]:
    if path.name == ".claude" or (is_memory_folder(path) and ".claude" in path.resolve().parts):
        return [Source("claude-code", path, "it is in a folder of Claude Code's")]
    if path.name == ".codex" or (is_memory_folder(path) and ".codex" in path.resolve().parts):
        return [Source("codex", path, "it is in a folder of Codex's")]
    if _is_file(path / "memory_summary.md"):
        return [Source("codex", path, "there is memory_summary.md")]
    if _is_file(path / "MEMORY.md"):
        return [Source("claude-code", path, "there is MEMORY.md")]
    return []


def _graphs(path: Path) -> list[Source]:
    found = [path / name for name in _GRAPH_NAMES if _is_file(path / name) and is_knowledge_file(path / name)]
    return [Source("memory-server", each, _GRAPH_MARK) for each in found]


def _documents(path: Path) -> list[Source]:
    """A folder of Markdown, by what most of its first documents look like."""
    sample = _sample(path)
    if not sample:
        return []
    if path.name in {name.rpartition("/")[2] for name in decisions.FOLDERS}:
        return [Source("adr", path, "its name is that of a folder of decision records")]
    if _share(sample, [is_basic_memory(file.text) for file in sample]):
        return [Source("basic-memory", path, "most of its files have basic-memory's front matter")]
    if _share(sample, [decisions.is_decision(file.text) for file in sample]):
        return [Source("adr", path, "most of its files have the sections of decision records")]
    return [Source("markdown", path, "it has Markdown files")]


def _share(sample: Sequence[SourceFile], marked: Sequence[bool]) -> bool:
    return 2 * sum(marked) >= len(sample)


def _sample(path: Path) -> list[SourceFile]:
    files = (found for found in read_folder(path, is_markdown) if isinstance(found, SourceFile))
    return list(islice(files, _SAMPLE))


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_inside(path: Path, folder: Path) -> bool:
    return path.is_dir() and path.resolve().is_relative_to(folder.resolve()) and path.resolve() != folder.resolve()
