"""What git knows about the work right now: branch, commit, changes, and the bytes of cited files."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.blobs import FileRef, hash_files
from agentops_mcp.storage.dirty import DirtyCheck
from agentops_mcp.storage.git import Git, shown
from agentops_mcp.storage.refs import Refs
from agentops_mcp.storage.repository import Repository

__all__ = ["DirtyFile", "DirtyFiles", "FileRef", "RepoFacts", "Worktree"]

Operation = Literal["merge", "rebase", "cherry-pick", "revert", "bisect"]

_LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class RepoFacts:
    """Where the work stands. None is what does not apply or could not be found out.

    `dirty` says whether tracked content differs from HEAD; untracked files do not count.
    """

    branch: str | None
    head: str | None
    dirty: bool | None
    operation: Operation | None


@dataclass(frozen=True, slots=True)
class DirtyFile:
    """A changed or untracked path, with anything unprintable escaped, and what happened to it in one word."""

    path: str
    status: str


@dataclass(frozen=True, slots=True)
class DirtyFiles:
    """The first changed files and how many there are in all."""

    files: tuple[DirtyFile, ...]
    total: int


class Worktree:
    """The files of one project. Safe to share between threads; without a repository it knows files only."""

    def __init__(
        self,
        repository: Repository | None,
        git: Git | None,
        *,
        root: Path,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        worktree = repository.worktree if repository else None
        self.root = worktree or root
        self._git = git
        self._refs = Refs(git) if git else None
        self._git_dir = repository.git_dir if repository else root
        self._dirty = DirtyCheck(git, Refs(git), worktree, clock_ns=clock_ns) if git and worktree else None

    def facts(self) -> RepoFacts:
        """Where the work stands now; never an error, as no record may wait for git to be well."""
        if self._refs is None:
            return RepoFacts(None, None, None, None)
        try:
            branch, head = self._refs.head()
        except GitError:
            return RepoFacts(None, None, None, operation_in(self._git_dir))
        try:
            dirty = self._dirty.is_dirty(head) if self._dirty else None
        except GitError:
            dirty = None
        return RepoFacts(branch and shown(os.fsencode(branch)), head, dirty, operation_in(self._git_dir))

    def dirty_files(self, limit: int) -> DirtyFiles:
        """The first `limit` changed or untracked paths; a directory without tracked files is one path.

        Raises:
            GitError: git could not say.
        """
        if self._git is None or self._dirty is None:
            return DirtyFiles((), 0)
        options = ("--porcelain=v1", "-z", "--untracked-files=normal", "--ignore-submodules=dirty", "--renames")
        changes = list(_changes(self._git.run("status", *options)))
        first = tuple(DirtyFile(shown(path), status_word(code)) for code, path in changes[:limit])
        return DirtyFiles(first, len(changes))

    def hash_files(self, paths: Sequence[str]) -> list[FileRef]:
        """Name each path from the root of the project and hash its bytes, as `git hash-object --no-filters` would.

        Raises:
            InvalidInputError: a path leaves the project, or is not a file or a symbolic link.
        """
        return hash_files(self.root, paths)

    def resolve_commit(self, name: str) -> str | None:
        """The full id of the commit that `name` stands for, None if there is none.

        Raises:
            GitError: git could not say.
        """
        if self._git is None or not name.isprintable() or not 0 < len(name) <= _LONGEST_NAME:
            return None
        options = ("--verify", "--quiet", "--end-of-options")
        done = self._git.attempt("rev-parse", *options, name + "^{commit}")
        return done.stdout.decode("ascii").strip() if done.status == 0 else None


def operation_in(git_dir: Path) -> Operation | None:
    """What is under way in a git directory, by the files git itself goes by."""
    try:
        with os.scandir(git_dir) as entries:
            names = {entry.name for entry in entries}
    except OSError:
        return None
    if "rebase-merge" in names:
        return "rebase"
    if "rebase-apply" in names and not (git_dir / "rebase-apply" / "applying").exists():
        return "rebase"
    by_file: tuple[tuple[str, Operation], ...] = (
        ("MERGE_HEAD", "merge"), ("CHERRY_PICK_HEAD", "cherry-pick"), ("REVERT_HEAD", "revert"),
    )  # fmt: skip
    for name, operation in by_file:
        if name in names:
            return operation
    if "sequencer" in names:  # between two commits of a series
        return _sequence(git_dir / "sequencer" / "todo")
    return "bisect" if "BISECT_LOG" in names else None


def _sequence(todo: Path) -> Operation | None:
    try:
        with todo.open("rb") as file:
            first = file.readline()
    except OSError:
        return None
    return "revert" if first.startswith(b"revert") else "cherry-pick" if first.startswith(b"pick") else None


def _changes(listing: bytes) -> Iterator[tuple[str, bytes]]:
    """The two-letter code and the path of each record of `git status --porcelain=v1 -z`."""
    records = iter(listing.split(b"\0")[:-1])
    for record in records:
        code = record[:2].decode("ascii")
        if code[0] in "RC" or code[1] in "RC":
            next(records, b"")  # where it came from
        yield code, record[3:]


_WORDS = {
    "??": "untracked", "M": "modified", "T": "type changed", "A": "added", "D": "deleted", "R": "renamed",
    "C": "copied",
}  # fmt: skip


def status_word(code: str) -> str:
    """What the two letters of `git status` say happened, in a word."""
    if code in ("DD", "AA") or "U" in code:
        return "conflicted"
    return _WORDS.get(code) or _WORDS.get(code[0]) or _WORDS.get(code[1]) or "changed"
