"""Which files a revision and the worktree have for reading, and their bytes. Ignored files are never among them."""

import os
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from agentops_mcp.core.errors import GitError, InvalidInputError
from agentops_mcp.storage.blob_reader import DiskFiles, Glance, LocalGit, read_blobs, sizes_of
from agentops_mcp.storage.changes import LINK, SUBMODULE, Status, Uncommitted, is_refused, read_status
from agentops_mcp.storage.git import Git, failure, shown
from agentops_mcp.storage.objects import blob_id
from agentops_mcp.storage.refs import Refs
from agentops_mcp.storage.repository import Repository

_KEPT_COMMITS = 4
_LONGEST_NAME = 1_000
_MAX_HASHED_FILE_BYTES = 2 << 20
_MAX_FILES = 50_000
"""New files, and files of a folder outside git; those of a commit are not bounded."""

_MAX_ENTRIES = 200_000
_PASSED_FOLDERS = frozenset({"node_modules", "venv", "__pycache__"})

_OID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_IN_BRACES = re.compile(r"\{[^{}]*\}")
_SUSPECT_PATH = re.compile(rb"(?:^|/)(?:\.|git~1|/|$)", re.IGNORECASE)
"""The paths that `is_refused` is asked about; asking it about all of 20,000 takes longer than listing them."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A regular file with a printable path from the repository's root, and git's id of its bytes.

    `in_worktree`: it differs from HEAD, so its bytes are those on disk; if they were too many to hash, `oid` is empty.
    """

    path: str
    oid: str
    size_bytes: int
    in_worktree: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a commit or of the worktree, ordered by path.

    `commit` is None before the first one and outside git. `unusable` counts the paths left out, by why;
    `notes` are sentences for whoever asked.
    """

    commit: str | None
    files: tuple[SourceFile, ...]
    unusable: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    """What is there at each path: a file, or why it can not be used."""

    files: dict[str, SourceFile] = field(default_factory=dict[str, SourceFile])
    unusable: dict[bytes, str] = field(default_factory=dict[bytes, str])
    notes: list[str] = field(default_factory=list[str])

    def copy(self) -> "_Found":
        """One that can be changed without changing this."""
        return _Found(self.files.copy(), self.unusable.copy(), self.notes.copy())

    def look(self, path: bytes, glance: Glance) -> None:
        """Take what is on disk at a path."""
        name = _readable(path)
        if name is None:
            self.unusable[path] = "unprintable name"
            return
        there = glance.at(name)
        if isinstance(there, tuple):
            self.files[name] = SourceFile(name, there[1], there[0], in_worktree=True)
        elif there is not None:
            self.unusable[path] = there

    def forget(self, path: bytes) -> None:
        """Take it that nothing is at a path."""
        self.unusable.pop(path, None)
        self.files.pop(path.decode("utf-8", "surrogateescape"), None)

    def listing(self, commit: str | None, notes: Iterable[str] = ()) -> Listing:
        """The result."""
        files = tuple(self.files[path] for path in sorted(self.files))
        return Listing(commit, files, Counter(self.unusable.values()), (*notes, *self.notes))


class SourceTree:
    """The files of one project. Safe to share between threads; without a repository they are those of the folder."""

    def __init__(
        self,
        repository: Repository | None,
        git: Git | None,
        *,
        root: Path,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._repository = repository if git else None
        self._git = LocalGit(git.repository) if git else None
        self._worktree = repository.worktree if repository and git else root
        self._disk = DiskFiles(self._worktree or root, clock_ns=clock_ns)
        self._commits: OrderedDict[str, tuple[_Found, Listing]] = OrderedDict()
        self._lock = Lock()

    def resolve(self, rev: str) -> str:
        """The full id of the commit that a revision stands for.

        Raises:
            InvalidInputError: there is no such commit here, or the revision is not a commit.
            GitError: git could not say.
        """
        if self._git is None:
            raise InvalidInputError("This folder is not in a git repository.", remedy="Leave the revision out.")
        if _is_name(rev):
            name = f"{rev}^{{commit}}"
            done = self._git.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", name)
            if done.status == 0 and _OID.fullmatch(oid := done.stdout.strip()):
                return oid.decode("ascii")
        given = shown(rev[:80].encode("utf-8", "backslashreplace"))
        raise InvalidInputError(
            f"{given!r} is not a commit of this repository, or could be several.",
            remedy="Name a branch, a tag or a commit that `git log --all` shows here, or leave the revision out.",
        )

    def list(self, rev: str | None) -> Listing:
        """The files of a commit, or (`rev` None) those of HEAD with the worktree's changes laid over.

        Raises:
            InvalidInputError: there is no such commit.
            GitError: git could not say.
        """
        if self._git is None:
            if rev is not None:
                self.resolve(rev)  # which says that there is none
            return self._walked()
        if rev is not None:
            return self._listed(rev if self._is_kept(rev) else self.resolve(rev))[1]
        if self._worktree is None:
            commit = Refs(self._git).head()[1]
            return self._listed(commit)[1] if commit else Listing(None, (), {}, ("This repository has no commit yet.",))
        try:
            status = read_status(self._git)
        except GitError as error:
            return self._without_changes(error)
        return self._with_changes(status)

    def read(self, files: Sequence[SourceFile], *, limit_bytes: int) -> Iterator[tuple[SourceFile, bytes | None]]:
        """Each file with its bytes in turn; None where they are missing, unreadable or more than the limit.

        A file of the worktree is read as it is now, and comes with the id and size it has now.

        Raises:
            GitError: git has stopped answering.
        """
        wanted = [file.oid for file in files if not file.in_worktree and file.size_bytes <= limit_bytes]
        blobs = read_blobs(self._git, wanted, limit_bytes=limit_bytes) if self._git and wanted else iter(())
        for file in files:
            if file.in_worktree:
                yield self._read_on_disk(file, limit_bytes)
            else:
                yield file, next(blobs, None) if file.size_bytes <= limit_bytes else None

    def _read_on_disk(self, file: SourceFile, limit_bytes: int) -> tuple[SourceFile, bytes | None]:
        content = self._disk.read(file.path, limit_bytes=limit_bytes)
        if content is None:
            return file, None
        oid = blob_id(content, algorithm=self._algorithm)
        if oid == file.oid:
            return file, content
        return SourceFile(file.path, oid, len(content), in_worktree=True), content

    @property
    def _algorithm(self) -> str:
        return self._git.algorithm if self._git else "sha1"

    def _is_kept(self, commit: str) -> bool:
        with self._lock:
            return commit in self._commits

    def _listed(self, commit: str) -> tuple[_Found, Listing]:
        with self._lock:
            if commit in self._commits:
                self._commits.move_to_end(commit)
                return self._commits[commit]
        assert self._git is not None  # noqa: S101 - without git there is no commit
        assert self._repository is not None  # noqa: S101 - as above
        found = _in_commit(self._git, commit)
        listed = found, found.listing(commit, _about_clone(self._repository, found))
        with self._lock:
            self._commits[commit] = listed
            if len(self._commits) > _KEPT_COMMITS:
                self._commits.popitem(last=False)
        return listed

    def _without_changes(self, error: GitError) -> Listing:
        """HEAD alone, when git can list a commit but not compare the worktree with it."""
        try:
            listing = self._listed(self.resolve("HEAD"))[1]
        except (InvalidInputError, GitError):
            raise error from None
        note = f"Only committed content: the worktree's changes could not be read ({error.problem.rstrip('.')})."
        return Listing(listing.commit, listing.files, listing.unusable, (*listing.notes, note))

    def _with_changes(self, status: Status) -> Listing:
        base, listing = self._listed(status.head) if status.head else (_Found(), _Found().listing(None))
        if status.head and not status.changes:
            return listing
        found = base.copy()
        glance = self._glance()
        new = 0
        for change in status.changes:
            found.forget(change.path)
            new += change.is_untracked
            if change.is_untracked and new > _MAX_FILES:
                continue
            _lay_over(found, change, glance)
        notes = [*listing.notes, *_about_changes(status, new)]
        found.notes.clear()
        return found.listing(status.head, notes)

    def _glance(self) -> Glance:
        return self._disk.glance(algorithm=self._algorithm, limit_bytes=_MAX_HASHED_FILE_BYTES)

    def _walked(self) -> Listing:
        found, glance = _Found(), self._glance()
        notes = ["This folder is not in git: there is no history, and ignored files are not told from others."]
        for count, path in enumerate(_walk(self._disk.root)):
            if count == _MAX_FILES:
                notes.append(f"Only the first {_MAX_FILES:,} files of the folder are considered.")
                break
            found.look(path, glance)
        return found.listing(None, notes)


def _is_name(rev: str) -> bool:
    """Whether a revision can name a commit: no option, no file in one, no range, nothing that is excluded."""
    if not rev.isprintable() or not 0 < len(rev) <= _LONGEST_NAME or rev[0] in "-^":
        return False
    return ":" not in _IN_BRACES.sub("", rev)


def _readable(path: bytes) -> str | None:
    """A path that can be shown as it is and given back; None for any other."""
    try:
        name = path.decode("utf-8")
    except UnicodeDecodeError:
        return None
    if not name.isprintable() or (_SUSPECT_PATH.search(path) and is_refused(path)):
        return None
    return name


def _lay_over(found: _Found, change: Uncommitted, glance: Glance) -> None:
    """Take one change of the worktree."""
    if change.code[0] == "D" and not change.is_conflict:
        return  # no longer tracked; if it is not ignored either, it is there once more as a new file
    if change.mode == SUBMODULE or change.path.endswith(b"/"):  # the second is a repository git does not know
        found.unusable[change.path] = "submodule"
        return
    found.look(change.path, glance)


def _in_commit(git: LocalGit, commit: str) -> _Found:
    done = git.attempt("ls-tree", "-r", "-l", "-z", "--full-tree", commit, timeout_s=60)
    if done.status == 0:
        return _entries(done.stdout)
    # A partial clone lacks some of the objects whose sizes were asked for.
    done = git.attempt("ls-tree", "-r", "-z", "--full-tree", commit, timeout_s=60)
    if done.status != 0 and not done.stdout:
        raise failure(("ls-tree",), done)
    found = _sized(git, commit, done.stdout)
    if done.status != 0:
        found.notes.append("Some folders of this commit are missing from the repository, and with them their files.")
    return found


def _sized(git: LocalGit, commit: str, listing: bytes) -> _Found:
    """The entries of a listing without sizes, of which not all may be here."""
    missing = git.run(
        "rev-list", "--objects", "--no-object-names", "--missing=print", f"{commit}^{{tree}}", timeout_s=60
    )
    absent = {line[1:] for line in missing.split() if line.startswith(b"?")}
    records = [record.partition(b"\t") for record in listing.split(b"\0")[:-1]]
    blobs = [facts.split(b" ") for facts, _, _ in records]
    present = {oid for _, kind, oid in blobs if kind == b"blob" and oid not in absent}
    sizes = sizes_of(git, (oid.decode("ascii") for oid in present))
    with_sizes = (
        b"%s %s\t%s" % (facts, str(sizes.get(blob[2].decode("ascii"), "BAD")).encode("ascii"), path)
        for (facts, _, path), blob in zip(records, blobs, strict=True)
    )
    return _entries(b"".join(record + b"\0" for record in with_sizes))


def _entries(listing: bytes) -> _Found:
    """What `git ls-tree -r -l -z` listed."""
    found = _Found()
    for record in listing.split(b"\0")[:-1]:
        facts, _, path = record.partition(b"\t")
        mode, _, oid, size = facts.split()
        name = _readable(path)
        if mode == SUBMODULE:
            found.unusable[path] = "submodule"
        elif mode == LINK:
            found.unusable[path] = "symbolic link"
        elif name is None:
            found.unusable[path] = "unprintable name"
        elif not size.isdigit():
            found.unusable[path] = "missing object"
        else:
            found.files[name] = SourceFile(name, oid.decode("ascii"), int(size), in_worktree=False)
    return found


def _about_clone(repository: Repository, found: _Found) -> Iterator[str]:
    if (repository.common_dir / "shallow").exists():
        yield "This is a shallow clone: the history before its edge is not here."
    missing = sum(reason == "missing object" for reason in found.unusable.values())
    if missing:
        files = "one file" if missing == 1 else f"{missing:,} files"
        yield f"The content of {files} is not in this repository (a partial clone?); nothing was fetched."


def _about_changes(status: Status, new: int) -> Iterator[str]:
    if status.head is None:
        yield "This repository has no commit yet."
    conflicts = sum(change.is_conflict for change in status.changes)
    if conflicts:
        files = "one file" if conflicts == 1 else f"{conflicts} files"
        yield f"A merge has left {files} undecided: they are read as they are on disk, with both sides."
    if new > _MAX_FILES:
        yield f"Only the first {_MAX_FILES:,} of {new:,} new files are considered; `.gitignore` could leave some out."


def _walk(root: str) -> Iterator[bytes]:
    """The files below a folder by their path, in a stable order; hidden folders and those of tools are passed."""
    folders = [""]
    entries = 0
    while folders and entries < _MAX_ENTRIES:
        folder = folders.pop()
        try:
            with os.scandir(f"{root}/{folder}") as scan:
                members = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            continue
        entries += len(members)
        inner: list[str] = []
        for entry in members:
            if not entry.is_dir(follow_symlinks=False):
                yield os.fsencode(folder + entry.name)
            elif not entry.name.startswith(".") and entry.name not in _PASSED_FOLDERS:
                inner.append(f"{folder}{entry.name}/")
        folders += reversed(inner)
