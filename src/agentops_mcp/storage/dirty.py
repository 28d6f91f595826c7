"""Whether tracked files differ from HEAD, remembered for as long as nothing that decides it has changed."""

import os
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentops_mcp.storage.git import Git
from agentops_mcp.storage.refs import Refs
from agentops_mcp.storage.repository import discover

_MAX_TRACKED = 5_000
"""Beyond this, looking at every file costs more than asking git."""

_SETTLED_NS = 2_000_000_000
"""How old a time stamp must be before a later write is sure to give another: the coarsest are two seconds wide."""

_TIMEOUT_S = 5.0

_Stamp = tuple[int, ...] | None
"""Mode, inode, size, and the times of the last change of content and of anything; None for a missing file."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """The paths whose state decides the answer, and the index they were listed from."""

    index: _Stamp
    files: tuple[str, ...]
    directories: tuple[str, ...]
    submodules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    head: str | None
    stamps: list[_Stamp]
    dirty: bool


class DirtyCheck:
    """Answers like `git status` without untracked files, from memory while it can be proved right.

    Not watched: the user's and the system's own git configuration, which changes the answer only for files
    whose content git has to compare.
    """

    def __init__(self, git: Git, refs: Refs, worktree: Path, *, clock_ns: Callable[[], int]) -> None:
        repository = git.repository
        self._git = git
        self._refs = refs
        self._root = str(worktree)
        self._index = str(repository.git_dir / "index")
        self._settings = (
            str(repository.common_dir / "config"),
            str(repository.common_dir / "info" / "attributes"),
            str(repository.git_dir / "config.worktree"),
        )
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._watched: _Watched | None = None
        self._answer: _Answer | None = None
        self._without_attributes: dict[str, _Stamp] = {}

    def is_dirty(self, head: str | None) -> bool:
        """Whether tracked content differs from the commit `head` or from the index.

        Raises:
            GitError: git could not say.
        """
        with self._lock:
            # Taken before anything is looked at, so that a later write gets a stamp that is not older.
            settled_before = self._clock_ns() - _SETTLED_NS
            watched = self._watch(settled_before)
            if watched is None:
                return self._ask()
            stamps = self._stamps(watched, settled_before)
            known = self._answer
            if known is not None and known.head == head and known.stamps == stamps:
                return known.dirty
            self._answer = None
            dirty = self._ask()
            if all(_is_settled(stamp, settled_before) for stamp in stamps) and self._refs.head()[1] == head:
                self._answer = _Answer(head, stamps, dirty)
            return dirty

    def _ask(self) -> bool:
        options = ("--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty", "--no-renames")
        return bool(self._git.run("status", *options, timeout_s=_TIMEOUT_S))

    def _watch(self, settled_before: int) -> _Watched | None:
        """The paths to watch, listed again whenever the index was written; None when there are too many."""
        index = _stamp(self._index)
        if self._watched is not None and self._watched.index == index:
            return self._watched
        self._watched = None
        if _entry_count(self._index) > _MAX_TRACKED:
            return None
        listing = self._git.run("ls-files", "--stage", "-z", timeout_s=_TIMEOUT_S).split(b"\0")[:-1]
        if len(listing) > _MAX_TRACKED:  # a split index counts only part of its entries
            return None
        watched = _watched(self._root, index, listing)
        if _is_settled(index, settled_before):
            self._watched = watched
            self._without_attributes.clear()
        return watched

    def _stamps(self, watched: _Watched, settled_before: int) -> list[_Stamp]:
        stamps = _stamps(watched.files)
        stamps.append(watched.index)
        stamps += self._directory_stamps(watched.directories, settled_before)
        stamps += [_stamp(path) for path in self._settings]
        stamps += [_submodule_stamp(path) for path in watched.submodules]
        return stamps

    def _directory_stamps(self, directories: Sequence[str], settled_before: int) -> list[_Stamp]:
        """That each still is the same directory, and not a link; and its attributes file, which counts untracked."""
        stamps: list[_Stamp] = []
        for directory, found in zip(directories, _stamps(directories), strict=True):
            # The times change with every untracked file, so they are no part of the answer's fingerprint.
            stamps.append(found and found[:2])
            if found and self._without_attributes.get(directory) != found:
                if os.access(directory + "/.gitattributes", os.F_OK):
                    stamps.append(_stamp(directory + "/.gitattributes"))
                elif _is_settled(found, settled_before):
                    self._without_attributes[directory] = found
        return stamps


def _watched(root: str, index: _Stamp, listing: Iterable[bytes]) -> _Watched:
    """Sort the entries of `git ls-files --stage` by how each has to be looked at."""
    files: dict[str, None] = {}
    submodules: dict[str, None] = {}
    directories: dict[str, None] = {root: None}
    for entry in listing:
        facts, _, name = entry.partition(b"\t")
        path = f"{root}/{os.fsdecode(name)}"
        (submodules if facts.startswith(b"160000") else files)[path] = None
        directory = path.rpartition("/")[0]
        while directory not in directories:
            directories[directory] = None
            directory = directory.rpartition("/")[0]
    return _Watched(index, tuple(files), tuple(directories), tuple(submodules))


def _stamps(paths: Iterable[str]) -> list[_Stamp]:
    stamps: list[_Stamp] = []
    for path in paths:
        try:
            found = os.lstat(path)
        except OSError:
            stamps.append(None)
        else:
            stamps.append((found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    return stamps


def _stamp(path: str) -> _Stamp:
    return _stamps((path,))[0]


def _is_settled(stamp: _Stamp, before: int) -> bool:
    return stamp is None or all(time_ns < before for time_ns in stamp[3:])


def _submodule_stamp(path: str) -> _Stamp:
    """A submodule's directory and the commit it stands at."""
    found = _stamp(path)
    if found is None or not stat.S_ISDIR(found[0]):
        return found
    repository = discover(Path(path))
    if repository is None or repository.worktree != Path(path).resolve():
        return found[:2]  # not checked out: discovery went on to the repository around it
    head = Refs(Git(repository)).head()[1]
    return (*found[:2], int(head or "0", 16))


def _entry_count(index: str) -> int:
    """How many entries an index file says it has."""
    try:
        with Path(index).open("rb") as file:
            return int.from_bytes(file.read(12)[8:])
    except OSError:
        return 0
