"""Writing a snapshot of uncommitted work back onto a clean tree: all of it, byte for byte, or none."""

import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from agentops_mcp.core.display import listed
from agentops_mcp.core.errors import ConflictError, GitError, IntegrityError, NotFoundError
from agentops_mcp.storage.changes import (
    EXECUTABLE,
    LINK,
    SUBMODULE,
    Difference,
    Entry,
    compare_trees,
    is_refused,
    read_status,
)
from agentops_mcp.storage.commits import AUTHOR
from agentops_mcp.storage.git import Git, Repository, shown
from agentops_mcp.storage.snapshots import SUBJECT
from agentops_mcp.storage.worktree import operation_in

Action = Literal["write", "delete", "merge", "present"]

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A path of the snapshot and what is done about it; `present` stands as it was kept already."""

    path: str
    action: Action


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore does: the files, how many are staged again, and submodules, which are only named."""

    commit: str
    base: str | None
    head: str | None
    files: tuple[PlannedFile, ...]
    staged: int
    submodules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Write:
    """A path and what is to stand there: mode and bytes, or None for nothing."""

    path: bytes
    new: tuple[bytes, bytes] | None


@dataclass(slots=True)
class _Work:
    """What a plan comes to."""

    writes: list[_Write] = field(default_factory=list[_Write])
    files: list[PlannedFile] = field(default_factory=list[PlannedFile])
    conflicts: list[str] = field(default_factory=list[str])
    submodules: list[str] = field(default_factory=list[str])
    staged: list[bytes] = field(default_factory=list[bytes])


class Restorer:
    """Restores snapshots in one worktree."""

    def __init__(self, repository: Repository, git: Git) -> None:
        self._git = git
        self._git_dir = repository.git_dir
        self._has_files = repository.worktree is not None
        self._root = repository.worktree or repository.git_dir

    def plan(self, commit: str) -> RestorePlan:
        """What `restore` would do; nothing is changed.

        Raises:
            NotFoundError: the snapshot is not in this clone.
            IntegrityError: the commit is not a snapshot, or holds a path that must not be written.
            ConflictError: the tree is not clean, or something stands in the way; every path is named up to a limit.
        """
        return self._plan(commit)[0]

    def restore(self, commit: str) -> RestorePlan:
        """Write the snapshot's files and stage again what was staged where HEAD has not changed it.

        Raises:
            NotFoundError, IntegrityError, ConflictError: as of `plan`; nothing was changed.
            GitError: a file could not be written; what was written before it was put back.
        """
        plan, work = self._plan(commit)
        undo: list[_Write] = []
        # Deletions first: a file may be where a folder was.
        for write in sorted(work.writes, key=lambda each: each.new is not None):
            try:
                undo.append(_Write(write.path, _on_disk(self._place(write.path))))
                self._put(write)
            except OSError as error:
                self._put_back(undo)
                raise GitError(
                    f"{shown(write.path)} could not be written: {error.strerror}; nothing was restored.",
                    remedy="Make room or make it writable, and restore again.",
                ) from error
        if work.staged:
            try:
                self._git.run("update-index", "-z", "--index-info", stdin=b"".join(work.staged), timeout_s=60)
            except GitError:
                self._put_back(undo)
                raise
        return plan

    def _plan(self, commit: str) -> tuple[RestorePlan, _Work]:
        if not self._has_files:
            raise ConflictError("This repository has no worktree.", remedy="Restore in a clone that has one.")
        base, index = self._parents(commit)
        if operation := operation_in(self._git_dir):
            raise ConflictError(f"A {operation} is under way.", remedy="Finish or abort it, then restore again.")
        status = read_status(self._git)
        if changed := [change for change in status.changes if not change.is_untracked]:
            raise ConflictError(
                f"The tree is not clean: {listed([shown(each.path) for each in changed])}.",
                remedy="Commit it or put it away with `git stash`, then restore again.",
            )
        work = self._work(commit, base, index, status.head)
        if work.conflicts:
            place = f"`git switch --detach {base[:12]}`, then restore" if base else "move them away, then restore"
            raise ConflictError(
                f"In the way ({len(work.conflicts)} in all): {listed(work.conflicts)}; nothing was restored.",
                remedy=f"Move untracked ones away; where HEAD has changed the same lines, {place}.",
            )
        plan = RestorePlan(commit, base, status.head, tuple(work.files), len(work.staged), tuple(work.submodules))
        return plan, work

    def _parents(self, commit: str) -> tuple[str | None, str | None]:
        """The commits of HEAD and of the index in a snapshot."""
        found = self._git.attempt("log", "-1", "--format=%an <%ae>%x00%s%x00%P", "--end-of-options", commit, "--")
        if found.status != 0:
            raise NotFoundError(
                f"The snapshot {commit[:12]} is not in this clone.",
                remedy="Snapshots stay where they were made: restore there, or fetch refs/agentops/snapshots/*.",
            )
        author, subject, parents = found.stdout.decode("utf-8", "replace").strip("\n").split("\0")
        names = parents.split()
        if author != AUTHOR.decode() or not subject.startswith(SUBJECT) or len(names) not in (0, 2):
            raise IntegrityError(f"{commit[:12]} is not a snapshot.", remedy="Name a state that kept uncommitted work.")
        return (names[0], names[1]) if names else (None, None)

    def _work(self, commit: str, base: str | None, index: str | None, head: str | None) -> _Work:
        kept = compare_trees(self._git, base, commit)
        if bad := [path for path in kept if is_refused(path)]:
            raise IntegrityError(
                f"The snapshot holds {shown(bad[0])}, which must not be written.", remedy="Do not restore it."
            )
        moved = compare_trees(self._git, base, head) if head and head != base else {}
        contents = _Contents(self._git, kept, moved)
        work = _Work()
        for path, difference in kept.items():
            now = moved[path].new if path in moved else difference.old
            self._decide(path, difference, now, contents, work)
        self._refuse_what_is_in_the_way(work)
        if index is not None:
            staged = compare_trees(self._git, base, index)
            work.staged += [_index_line(path, each.new) for path, each in staged.items() if path not in moved]
        return work

    def _decide(self, path: bytes, kept: Difference, now: Entry | None, contents: "_Contents", work: _Work) -> None:
        """What to do about one path, from what it was, what was kept of it, and what HEAD has now."""
        entries = (kept.old, kept.new, now)
        if any(entry is not None and entry.mode == SUBMODULE for entry in entries):
            work.submodules.append(shown(path))
            return
        if now == kept.new:
            action: Action = "present"
        elif now == kept.old:
            action = "delete" if kept.new is None else "write"
            work.writes.append(_Write(path, kept.new and (kept.new.mode, contents.of(kept.new))))
        elif (merged := self._merged(kept, now, contents)) is not None:
            action = "merge"
            work.writes.append(_Write(path, merged))
        else:
            work.conflicts.append(shown(path))
            return
        work.files.append(PlannedFile(shown(path), action))

    def _merged(self, kept: Difference, now: Entry | None, contents: "_Contents") -> tuple[bytes, bytes] | None:
        """Both changes to a text in one, None where they touch the same lines or it is no text."""
        old, new = kept.old, kept.new
        if old is None or new is None or now is None or not (old.is_file and new.is_file and now.is_file):
            return None
        with tempfile.TemporaryDirectory(prefix="agentops-") as folder:
            names: list[str] = []
            for name, entry in (("HEAD", now), ("base", old), ("snapshot", new)):
                (Path(folder) / name).write_bytes(contents.of(entry))
                names.append(str(Path(folder) / name))
            done = self._git.attempt("merge-file", "--stdout", "--quiet", *names)
        mode = new.mode if now.mode == old.mode else now.mode
        return (mode, done.stdout) if done.status == 0 else None

    def _refuse_what_is_in_the_way(self, work: _Work) -> None:
        """Files that git does not know, or a link or file where a folder is needed, are never overwritten."""
        going = {write.path for write in work.writes if write.new is None}
        tracked = set(self._git.run("ls-files", "-z", "--full-name", timeout_s=60).split(b"\0"))
        for write in list(work.writes):
            place = self._place(write.path)
            if write.new is None:
                continue
            if write.path not in tracked and place.is_file() and _same(place, write.new):
                work.writes.remove(write)
            elif write.path not in tracked and (place.is_symlink() or place.is_file()):
                work.conflicts.append(shown(write.path))
            elif blocking := self._blocking(write.path, going):
                work.conflicts.append(shown(blocking))

    def _blocking(self, path: bytes, going: set[bytes]) -> bytes | None:
        """What stands where a folder of this path must be."""
        for parent in list(PurePosixPath(os.fsdecode(path)).parents)[:-1]:
            name = os.fsencode(str(parent))
            place = self._place(name)
            if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()) and name not in going:
                return name
        return None

    def _place(self, path: bytes) -> Path:
        return self._root / os.fsdecode(path)

    def _put(self, write: _Write) -> None:
        place = self._place(write.path)
        if write.new is None:
            place.unlink(missing_ok=True)
            self._remove_empty(place.parent)
            return
        mode, content = write.new
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.parent / f".agentops-{secrets.token_hex(8)}"
        try:
            if mode == LINK:
                temporary.symlink_to(os.fsdecode(content))
            else:
                permissions = 0o777 if mode == EXECUTABLE else 0o666  # less the umask
                with os.fdopen(os.open(temporary, _CREATE, permissions), "wb") as file:
                    file.write(content)
            if place.is_dir() and not place.is_symlink():
                place.rmdir()  # emptied by the deletions before
            temporary.replace(place)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _remove_empty(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:  # something else is in it
                return
            folder = folder.parent

    def _put_back(self, undo: Sequence[_Write]) -> None:
        for write in sorted(undo, key=lambda each: each.new is not None):
            with suppress(OSError):  # the first failure is the one to tell
                self._put(write)


class _Contents:
    """The bytes of every blob a restore may need, read in one go."""

    def __init__(self, git: Git, kept: Mapping[bytes, Difference], moved: Mapping[bytes, Difference]) -> None:
        entries = [each.new for each in kept.values()]
        for path in kept.keys() & moved.keys():
            entries += [kept[path].old, moved[path].new]
        wanted = dict.fromkeys(entry.oid for entry in entries if entry and entry.mode != SUBMODULE)
        self._by_oid = dict(zip(wanted, _blobs(git, list(wanted)), strict=True))

    def of(self, entry: Entry) -> bytes:
        """The content of one of them."""
        return self._by_oid[entry.oid]


def _blobs(git: Git, oids: Sequence[str]) -> Iterator[bytes]:
    listing = git.run("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in oids).encode("ascii"), timeout_s=60)
    position = 0
    for oid in oids:
        end = listing.index(b"\n", position)
        facts = listing[position:end].split(b" ")
        if facts[1] != b"blob":
            raise IntegrityError(
                f"The content {oid[:12]} of the snapshot is missing.", remedy="Run `git fsck`; restore another state."
            )
        size_bytes = int(facts[2])
        yield listing[end + 1 : end + 1 + size_bytes]
        position = end + 2 + size_bytes


def _on_disk(place: Path) -> tuple[bytes, bytes] | None:
    """What stands at a path, as it can be put back; None for nothing and for a folder."""
    if place.is_symlink():
        return LINK, os.fsencode(place.readlink())
    if not place.is_file():
        return None
    return (EXECUTABLE if os.access(place, os.X_OK) else b"100644"), place.read_bytes()


def _same(place: Path, new: tuple[bytes, bytes]) -> bool:
    try:
        return _on_disk(place) == new
    except OSError:
        return False


def _index_line(path: bytes, entry: Entry | None) -> bytes:
    mode, oid = (entry.mode, entry.oid) if entry else (b"0", "0" * 40)
    return b"%s %s 0\t%s\0" % (mode, oid.encode("ascii"), path)
