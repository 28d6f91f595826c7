"""Uncommitted work kept as a commit of its own; HEAD, index, worktree and every other ref stay as they are."""

import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

from agentops_mcp.core.secret_files import holds_private_key, is_secret_file
from agentops_mcp.storage.blobs import id_of, open_regular, quoted
from agentops_mcp.storage.changes import EXECUTABLE, LINK, PLAIN, SUBMODULE, Uncommitted, is_refused, read_status
from agentops_mcp.storage.commits import AUTHOR
from agentops_mcp.storage.git import Git, Repository, discover, failure, shown
from agentops_mcp.storage.refs import Refs
from agentops_mcp.storage.worktree import status_word

FILES_NAMED = 100
SUBJECT = "Uncommitted work on "

_LEFT_OUT_NAMED = 20
_UNTRACKED_BYTES = 5 << 20
_UNTRACKED_TOTAL_BYTES = 50 << 20
_UNTRACKED_FILES = 2_000
_TRACKED_BYTES = 100 << 20
_IMPORT_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class DirtyContent:
    """An uncommitted path and what happened to it; `blob` is the id of its bytes, None if deleted or left out."""

    path: str
    status: str
    blob: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path that was not kept, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was kept: the commit (None: there was nothing), the first files, and the first that were left out."""

    commit: str | None = None
    files: tuple[DirtyContent, ...] = ()
    total: int = 0
    left_out: tuple[LeftOut, ...] = ()
    left_out_total: int = 0


@dataclass(slots=True)
class _Gathered:
    """The commands that make the index's and the worktree's tree out of HEAD's, and what is told about them."""

    index: list[bytes] = field(default_factory=list[bytes])
    worktree: list[bytes] = field(default_factory=list[bytes])
    files: list[DirtyContent] = field(default_factory=list[DirtyContent])
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    untracked_files: int = 0
    untracked_bytes: int = 0


class _LeftOutError(Exception):
    """A file that is not kept; the text says why."""


class Snapshots:
    """Keeps uncommitted work under one prefix of refs. Safe to share between threads and processes."""

    def __init__(self, repository: Repository, git: Git, *, prefix: str, excluded: Path) -> None:
        self._git = git
        self._refs = Refs(git)
        self._prefix = prefix
        self._root = repository.worktree
        self._excluded = excluded.resolve()

    def take(self, name: str, *, previous: str | None = None) -> Snapshot:
        """Keep what differs from HEAD as the commit `<prefix>/<name>`, or name `previous` if that has the same.

        The commit has the shape of a stash: its parents are HEAD and a commit of the index.

        Raises:
            GitError: git could not say what differs, or could not write.
        """
        if self._root is None:
            return Snapshot()
        status = read_status(self._git)
        gathered = _Gathered()
        for change in status.changes:
            if not self._is_ours(self._root, change.path):
                self._gather(self._root, change, gathered)
        commit = None
        if gathered.index or gathered.worktree:
            commit = self._write(f"{self._prefix}/{name}", status.head, gathered, previous)
        return Snapshot(
            commit,
            tuple(gathered.files[:FILES_NAMED]),
            len(gathered.files),
            tuple(gathered.left_out[:_LEFT_OUT_NAMED]),
            len(gathered.left_out),
        )

    def _is_ours(self, root: Path, path: bytes) -> bool:
        return (root / os.fsdecode(path)).is_relative_to(self._excluded)

    def _gather(self, root: Path, change: Uncommitted, gathered: _Gathered) -> None:
        path, word = shown(change.path), status_word(change.code)
        try:
            command, blob = self._command(root, change, gathered)
        except _LeftOutError as error:
            gathered.files.append(DirtyContent(path, word, None))
            gathered.left_out.append(LeftOut(path, str(error)))
            return
        if change.is_staged:
            gathered.index.append(_from_index(change))
        gathered.worktree.append(command)
        gathered.files.append(DirtyContent(path, word, blob))

    def _command(self, root: Path, change: Uncommitted, gathered: _Gathered) -> tuple[bytes, str | None]:
        """The command that puts a path into the worktree's tree, and the id of its content.

        Also what the index has unchanged is read from disk: there its line ends may be others.
        """
        place = root / os.fsdecode(change.path)
        if change.mode == SUBMODULE and place.is_dir():
            return self._submodule(place, change.path)
        found = _read(place, change, gathered)
        if found is None and change.staged and change.code[1] == ".":  # outside a sparse checkout
            return _from_index(change), change.staged.oid
        if found is None:
            return b"D %s\n" % quoted(change.path), None
        mode, content = found
        if change.is_untracked:
            gathered.untracked_files += 1
            gathered.untracked_bytes += len(content)
        head = b"M %s inline %s\ndata %d\n" % (mode, quoted(change.path), len(content))
        return head + content + b"\n", id_of(content, self._git.algorithm)

    def _submodule(self, place: Path, path: bytes) -> tuple[bytes, str | None]:
        found = discover(place)
        commit = Refs(Git(found)).head()[1] if found and found.worktree == place.resolve() else None
        if commit is None:
            raise _LeftOutError("a submodule without a commit")
        return b"M 160000 %s %s\n" % (commit.encode("ascii"), quoted(path)), commit

    def _write(self, ref: str, head: str | None, gathered: _Gathered, previous: str | None) -> str:
        stream = _stream(ref, head, gathered, self._place(head))
        args = ("fast-import", "--quiet", "--date-format=raw", "--done")
        done = self._git.attempt(*args, stdin=stream, timeout_s=_IMPORT_TIMEOUT_S)
        commit = self._refs.read(ref)
        if done.status != 0 or commit is None:
            raise failure(args, done)
        if previous is not None and self._content(previous) == self._content(commit):
            self._git.run("update-ref", "-d", ref, commit)
            return previous
        return commit

    def _place(self, head: str | None) -> str:
        branch = self._refs.head()[0]
        return branch if branch is not None else (head or "nothing")[:12]

    def _content(self, commit: str) -> list[bytes]:
        """What two snapshots of the same work have in common."""
        wanted = [f"{commit}^{{tree}}", f"{commit}^1", f"{commit}^2^{{tree}}"]
        done = self._git.attempt("cat-file", "--batch-check=%(objectname)", stdin="\n".join(wanted).encode() + b"\n")
        return [line for line in done.stdout.splitlines() if not line.endswith(b" missing")]


def _read(place: Path, change: Uncommitted, gathered: _Gathered) -> tuple[bytes, bytes] | None:
    """A path's mode and bytes as they are on disk; None when it is gone.

    Raises:
        _LeftOutError: it is not to be kept, or cannot be read.
    """
    if is_secret_file(shown(change.path)):
        raise _LeftOutError("a file for secrets")
    if is_refused(change.path.rstrip(b"/")):
        raise _LeftOutError("git takes no file of this name")
    try:
        found = place.lstat()
        if stat.S_ISLNK(found.st_mode):
            return LINK, os.fsencode(place.readlink())
        if stat.S_ISDIR(found.st_mode):
            if change.is_untracked:
                raise _LeftOutError("a repository of its own")
            return None  # files below it are listed by themselves
        if not stat.S_ISREG(found.st_mode):
            raise _LeftOutError("not a regular file")
        _check_size(found.st_size, change, gathered)
        with open_regular(place) as file:
            content = file.read(_TRACKED_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _LeftOutError(f"it cannot be read: {error.strerror}") from error
    if holds_private_key(content):
        raise _LeftOutError("it holds a private key")
    own = EXECUTABLE if found.st_mode & stat.S_IXUSR else PLAIN
    # What git says of a tracked file's mode counts where the file system knows no executable bit or links.
    known = change.mode if change.mode in (PLAIN, EXECUTABLE, LINK) else None
    return known or own, content


def _check_size(size_bytes: int, change: Uncommitted, gathered: _Gathered) -> None:
    if not change.is_untracked:
        if size_bytes > _TRACKED_BYTES:
            raise _LeftOutError(f"larger than {_TRACKED_BYTES >> 20} MiB")
        return
    if size_bytes > _UNTRACKED_BYTES:
        raise _LeftOutError(f"untracked and larger than {_UNTRACKED_BYTES >> 20} MiB")
    if gathered.untracked_files >= _UNTRACKED_FILES:
        raise _LeftOutError(f"beyond {_UNTRACKED_FILES:,} untracked files")
    if gathered.untracked_bytes + size_bytes > _UNTRACKED_TOTAL_BYTES:
        raise _LeftOutError(f"beyond {_UNTRACKED_TOTAL_BYTES >> 20} MiB of untracked files")


def _from_index(change: Uncommitted) -> bytes:
    if change.staged is None:
        return b"D %s\n" % quoted(change.path)
    return b"M %s %s %s\n" % (change.staged.mode, change.staged.oid.encode("ascii"), quoted(change.path))


def _stream(ref: str, head: str | None, gathered: _Gathered, place: str) -> bytes:
    """The two commits for `git fast-import`: the index's, then the worktree's with HEAD and the former as parents."""
    target, stamp = os.fsencode(ref), b"committer %s %d +0000\n" % (AUTHOR, time.time())
    message = os.fsencode(f"{SUBJECT}{place}\n")
    start = b"commit %s\nmark :%%d\n%sdata %d\n%s" % (target, stamp, len(message), message)
    base = b"" if head is None else b"from %s\n" % head.encode("ascii")
    parts = [b"feature done\n"]
    if head is not None:
        # The commit of the index stands on the same ref for as long as this stream is read, and is then left to it.
        parts += [start % 1, base, *sorted(gathered.index, key=_deletions_first)]
    parts += [start % 2, base, b"merge :1\n" if head is not None else b""]
    parts += [*sorted(gathered.worktree, key=_deletions_first), b"done\n"]
    return b"".join(parts)


def _deletions_first(command: bytes) -> bool:
    return not command.startswith(b"D")
