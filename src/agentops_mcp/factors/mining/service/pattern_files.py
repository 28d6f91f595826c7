"""Patterns as files that people read, edit and review: `.agentops/patterns/<name>.md`."""

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentops_mcp.core.errors import ConflictError, StorageError
from agentops_mcp.factors.mining.rules.markdown import MOST_BYTES
from agentops_mcp.factors.mining.rules.patterns import is_name

_MOST_FILES = 2_000


@dataclass(frozen=True, slots=True)
class PatternFile:
    """A file in the folder: its text, or why it cannot be read."""

    name: str
    text: str
    problem: str = ""

    @property
    def digest(self) -> str:
        """Of its text; empty when it has none."""
        return digest(self.text) if self.text else ""


def digest(text: str) -> str:
    """What a file's text is recognised by: SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class PatternFiles:
    """The folder. Links are not followed: what is shown to agents and written to stays inside the project."""

    def __init__(self, folder: Path, *, root: Path) -> None:
        self.folder = folder
        self._root = root
        self._seen: tuple[tuple[str, int, int], ...] | None = None

    def changed(self) -> bool:
        """Whether a file was added, removed or written to since the last look."""
        seen = tuple(sorted((entry.name, info.st_mtime_ns, info.st_size) for entry, info in self._entries()))
        changed = seen != self._seen
        self._seen = seen
        return changed

    def read(self) -> list[PatternFile]:
        """Every file whose name ends in .md, by name."""
        return sorted((self._read(Path(entry.path)) for entry, _ in self._entries()), key=lambda file: file.name)

    def write(self, name: str, text: str, *, known: frozenset[str]) -> Path:
        """Write a pattern's file, whole or not at all; `known` are the digests of texts that may be replaced.

        Raises:
            ConflictError: the file holds an edit that was never taken over.
            StorageError: it cannot be written.
        """
        if self.refuse_foreign_edit(name, text, known=known):
            self._replace(self.folder / f"{name}.md", text)
        return self.folder / f"{name}.md"

    def refuse_foreign_edit(self, name: str, text: str, *, known: frozenset[str]) -> bool:
        """Whether the file has to be written at all.

        Raises:
            ConflictError: the file holds an edit that was never taken over.
        """
        path = self.folder / f"{name}.md"
        there = self._read(path) if os.path.lexists(path) else None
        if there is not None and there.digest not in known and there.text != text:
            raise ConflictError(
                f"{self.shown(path)} was edited by hand in a way that is not taken over yet.",
                remedy="`agentops-mcp patterns check` says what is in its way; correct or remove the file.",
            )
        return there is None or there.text != text

    def _replace(self, path: Path, text: str) -> None:
        if not self._is_inside():
            raise StorageError(
                f"{self.shown(self.folder)} leads out of the project.", remedy="Make it an ordinary folder."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self.folder)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                    file.write(text)
                Path(temporary).chmod(0o644)
                Path(temporary).replace(path)
            except BaseException:
                with contextlib.suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise StorageError(f"{self.shown(path)} cannot be written: {reason}.", remedy="Free it.") from error

    def _entries(self) -> Iterator[tuple["os.DirEntry[str]", os.stat_result]]:
        if not self._is_inside():
            return
        try:
            with os.scandir(self.folder) as entries:
                found = [entry for entry in entries if entry.name.endswith(".md")][:_MOST_FILES]
        except OSError:
            return
        for entry in found:
            with contextlib.suppress(OSError):
                info = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(info.st_mode):
                    yield entry, info

    def _is_inside(self) -> bool:
        real = Path(os.path.realpath(self.folder))
        return real.is_relative_to(os.path.realpath(self._root))

    def _read(self, path: Path) -> PatternFile:
        try:
            info = path.lstat()
            if not stat.S_ISREG(info.st_mode) or info.st_size > MOST_BYTES:
                return PatternFile(path.stem, "", f"it is not a file of at most {MOST_BYTES >> 10} KiB")
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            return PatternFile(path.stem, "", f"it cannot be read: {error}")
        if not is_name(path.stem):
            return PatternFile(path.stem, "", "its name is not that of a pattern: 3 to 60 of a-z, 0-9 and hyphens")
        return PatternFile(path.stem, text)

    def shown(self, path: Path) -> str:
        """A path as people write it: from the root of the project."""
        with contextlib.suppress(ValueError):
            return path.relative_to(self._root).as_posix()
        return str(path)
