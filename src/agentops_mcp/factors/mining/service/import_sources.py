"""Reading files that are to be imported: text of a bearable size, from inside the folder, and no secrets."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agentops_mcp.core.display import gist, visible
from agentops_mcp.core.errors import ConfigError
from agentops_mcp.core.secret_files import holds_private_key, is_secret_file
from agentops_mcp.factors.mining.rules.imports.texts import Skipped

MOST_FILE_BYTES = 1 << 20
MOST_FILES = 20_000
_MOST_ENTRIES = 200_000
_MOST_TOTAL_BYTES = 256 << 20
_DEEPEST = 16
_SHOWN_FOLDERS = frozenset({".claude", ".codex"})
_OTHERS_WORK = frozenset(
    {"node_modules", "__pycache__", "venv", "site-packages", "vendor", "target", "dist", "worktrees"}
)
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

Wanted = Callable[[str], bool]
"""Whether a file is of interest, by its path below the folder."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file's path below the folder, with `/` between the parts, and its text."""

    path: str
    text: str


def read_folder(folder: Path, wanted: Wanted) -> Iterator[SourceFile | Skipped]:
    """The wanted files in a folder and below, in the order of their paths; no link is followed.

    Folders that begin with a dot (but for those of coding agents) and folders of installed packages are passed over.

    Raises:
        ConfigError: the folder itself cannot be read.
    """
    total = taken = 0
    for found in _walk(folder, wanted):
        if isinstance(found, Skipped):
            yield found
            continue
        if taken == MOST_FILES or total > _MOST_TOTAL_BYTES:
            yield Skipped(found, f"is beyond the first {MOST_FILES:,} files or {_MOST_TOTAL_BYTES >> 20} MiB")
            return
        content = read_file(folder / found, found)
        if isinstance(content, SourceFile):
            taken += 1
            total += len(content.text)
        yield content


def read_file(place: Path, path: str, *, most_bytes: int = MOST_FILE_BYTES) -> SourceFile | Skipped:
    """One file, told as `path`, or why it is not read."""
    if is_secret_file(path):
        return Skipped(path, "is a file for secrets by its name")
    try:
        descriptor = os.open(place, _FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Skipped(path, "is not a file")
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        return Skipped(path, f"cannot be read: {reason or 'its name is impossible'}")
    return _text(path, content, most_bytes)


def _text(path: str, content: bytes, most_bytes: int) -> SourceFile | Skipped:
    if len(content) > most_bytes:
        return Skipped(path, f"is larger than {most_bytes >> 20} MiB")
    if b"\0" in content:
        return Skipped(path, "is not text")
    if holds_private_key(content):
        return Skipped(path, "holds a private key")
    try:
        return SourceFile(path, content.decode("utf-8"))
    except UnicodeDecodeError:
        return Skipped(path, "is not UTF-8")


def _walk(folder: Path, wanted: Wanted) -> Iterator[str | Skipped]:
    """The paths of wanted files below the folder, each folder's own files first."""
    real = Path(os.path.realpath(folder))
    left: list[tuple[str, int]] = [("", 0)]
    seen = 0
    while left:
        prefix, depth = left.pop()
        place = folder / prefix if prefix else folder
        try:
            if not Path(os.path.realpath(place)).is_relative_to(real):
                continue  # a junction, or it became a link since it was listed
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                problem = f"{folder} cannot be read: {error.strerror}."
                raise ConfigError(problem, remedy="Name a folder that you may read.") from error
            yield Skipped(prefix, f"cannot be read: {error.strerror}")
            continue
        seen += len(entries)
        below: list[tuple[str, int]] = []
        for entry in entries:
            yield from _entry(entry, f"{prefix}/{entry.name}" if prefix else entry.name, depth, below, wanted)
        left += reversed(below)
        if seen > _MOST_ENTRIES:
            yield Skipped(prefix or ".", f"and what comes after it is beyond the first {_MOST_ENTRIES:,} files")
            return


def _entry(
    entry: "os.DirEntry[str]", path: str, depth: int, below: list[tuple[str, int]], wanted: Wanted
) -> Iterator[str | Skipped]:
    """The path of a wanted file; a folder goes to those that are still to be read."""
    if visible(entry.name) != entry.name or "\n" in entry.name:
        yield Skipped(gist(path, limit=200), "has a name with hidden characters")
    elif entry.is_symlink():
        if wanted(path):
            yield Skipped(path, "is a link")
    elif entry.is_dir(follow_symlinks=False):
        if _is_passed_over(entry.name):
            return
        if depth == _DEEPEST:
            yield Skipped(path, f"is more than {_DEEPEST} folders deep")
        else:
            below.append((path, depth + 1))
    elif wanted(path):
        yield path if entry.is_file(follow_symlinks=False) else Skipped(path, "is not a file")


def _is_passed_over(name: str) -> bool:
    return (name.startswith(".") and name not in _SHOWN_FOLDERS) or name in _OTHERS_WORK
