"""Citing files and commits when something is written down, and finding out later what became of them."""

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.ids import is_oid
from agentops_mcp.storage import blobs, renames
from agentops_mcp.storage.blobs import FileRef
from agentops_mcp.storage.git import Algorithm, Git, Repository, discover, failure, shown
from agentops_mcp.storage.refs import Refs
from agentops_mcp.storage.renames import Entry
from agentops_mcp.storage.worktree import Worktree

FileState = Literal[
    "same", "changed", "deleted", "renamed", "renamed and changed", "created", "still missing", "unreadable"
]
CommitState = Literal["in history", "left behind", "unknown"]

_MOST_WORDS = 200
_MOST_UNTRACKED = 500
_MOST_UNTRACKED_BYTES = 64 << 20
_COMMITS_SEARCHED = 1_000

_HEX_WORD = re.compile(r"(?<!\w)(?=[a-f]*\d)(?!\d{7,9}(?!\w))[0-9a-f]{7,64}(?!\w)")


@dataclass(frozen=True, slots=True)
class FileNow:
    """What became of a cited file."""

    ref: FileRef
    state: FileState
    moved_to: str | None = None


@dataclass(frozen=True, slots=True)
class CommitNow:
    """What became of a cited commit: one left behind is on `branch`, or was rewritten as `successor`, or neither."""

    id: str
    state: CommitState
    branch: str | None = None
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class HeadNow:
    """Where HEAD stands, seen from where it stood.

    `known` says whether the commit of then is in this clone; `ahead` counts the commits made since, `behind` those
    of then that HEAD's history no longer has; `touched` are the files that the commits ahead write to.
    """

    branch: str | None
    head: str | None
    branch_exists: bool | None
    known: bool
    ahead: int = 0
    behind: int = 0
    touched: tuple[str, ...] = ()


@dataclass(slots=True)
class _Look:
    """What was found for a cited file: its id now, where it is or went, and whether it could be read at all."""

    ref: FileRef
    place: Path | None
    id: str | None = None
    moved: bool = False


class Citations:
    """The files and commits of one project. Safe to share between threads; without git, raw content is compared.

    Every method raises GitError when git itself fails.
    """

    def __init__(self, worktree: Worktree, repository: Repository | None, git: Git | None, *, root: Path) -> None:
        has_files = repository is not None and repository.worktree is not None
        self._git = git
        self._file_git = git if has_files else None
        self._root = Path(os.path.realpath(worktree.root if has_files else root))

    def cite(self, paths: Sequence[str]) -> list[FileRef]:
        """Name each path from the root of the project, with the id of its content as git would store it.

        Raises:
            InvalidInputError: a path leaves the project, cannot be read, or is not a file, link or submodule.
        """
        places = [self._given(path) for path in paths]
        algorithm = self._git.algorithm if self._git else "sha1"
        ids = {place: self._raw(place, path, algorithm) for place, path in zip(places, paths, strict=True)}
        absent = [place for place in ids if ids[place] is None]
        if absent and self._file_git:
            index = renames.read_index(self._file_git)
            ids |= {place: self._left_out(place, index) for place in absent}
        for place, path in zip(places, paths, strict=True):
            if ids[place] is None and blobs.is_directory(place):
                blobs.blob_of(place, path)  # says that it is a directory
        ids |= self._stored(place for place in ids if ids[place])
        return [FileRef(self._shown(place), ids[place]) for place in places]

    def targets(self, paths: Sequence[str]) -> dict[str, str]:
        """For each of these cited paths that is a symbolic link to a file of the project, the path of that file."""
        targets: dict[str, str] = {}
        for path in paths:
            place = self._recorded(path)
            target = place and Path(os.path.realpath(place))
            if target and target != place and target.is_relative_to(self._root) and blobs.is_regular(target):
                targets[path] = self._shown(target)
        return targets

    def named_files(self, texts: Sequence[str], *, limit: int) -> list[str]:
        """The paths of existing files of the project that free text names, in its order."""
        found: dict[str, None] = {}
        for token in blobs.path_words(texts)[:_MOST_WORDS]:
            place = self._existing(token)
            if place and not blobs.is_directory(place):
                found[self._shown(place)] = None
                if len(found) == limit:
                    break
        return list(found)

    def named_commits(self, texts: Sequence[str], *, limit: int) -> list[str]:
        """The full ids of commits that free text names, in its order."""
        words = list(dict.fromkeys(word for text in texts for word in _HEX_WORD.findall(text)))[:_MOST_WORDS]
        # A branch or tag may be called like an id: what git finds for the word must begin with it.
        found = (oid for word, oid in zip(words, self._commits(words), strict=True) if oid and oid.startswith(word))
        return list(dict.fromkeys(found))[:limit]

    def files_now(self, refs: Sequence[FileRef], *, head_then: str | None) -> list[FileNow]:
        """What became of cited files; those that are gone are followed from the commit of then."""
        looks = [self._look(ref) for ref in refs]
        gone = [look for look in looks if look.place and look.id is None]
        if gone and self._file_git:
            self._follow(gone, self._file_git, head_then)
        stored = self._stored(look.place for look in looks if look.place and look.id not in (None, look.ref.blob))
        return [self._judged(look, stored) for look in looks]

    def commits_now(self, ids: Sequence[str]) -> list[CommitNow]:
        """What became of commits, given by their full ids."""
        found = dict(zip(ids, self._commits([oid if is_oid(oid) else "" for oid in ids]), strict=True))
        here = [oid for oid in found if found[oid] == oid]
        if not here or self._git is None:
            return [CommitNow(oid, "unknown") for oid in ids]
        head = Refs(self._git).head()[1]
        left = here
        if head:
            asked = "".join(f"{oid}\n" for oid in (*here, f"^{head}")).encode("ascii")
            outside = set(self._git.run("rev-list", "--stdin", stdin=asked).decode("ascii").split())
            left = [oid for oid in here if oid in outside]
        now = {oid: CommitNow(oid, "in history") for oid in here}
        now |= {oid: CommitNow(oid, "left behind", renames.branch_with(self._git, oid)) for oid in left}
        lonely = [oid for oid in left if now[oid].branch is None]
        if lonely and head:
            written = renames.authored(self._git, f"--max-count={_COMMITS_SEARCHED}", head)
            successors = {author: oid for oid, author in reversed(written.items())}
            for oid, author in renames.authored(self._git, "--no-walk", *lonely).items():
                now[oid] = CommitNow(oid, "left behind", None, successors.get(author))
        return [now.get(oid, CommitNow(oid, "unknown")) for oid in ids]

    def head_now(self, *, branch_then: str | None, head_then: str | None, files: Sequence[str]) -> HeadNow:
        """Where HEAD is, and what lies between it and the commit of then."""
        if self._git is None:
            return HeadNow(None, None, None, False)
        refs = Refs(self._git)
        branch, head = refs.head()
        exists = None if branch_then is None else _branch_exists(refs, branch_then)
        now = HeadNow(branch and shown(os.fsencode(branch)), head, exists, head_then is not None and head_then == head)
        if head_then is None or now.known or not is_oid(head_then):
            return now
        span = f"{head_then}...{head}" if head else head_then
        counted = self._git.attempt("rev-list", "--count", "--left-right", span, "--")
        if counted.status != 0:
            if not self._has_commit(head_then):
                return now
            raise failure(("rev-list",), counted)
        left, right = (int(count) for count in counted.stdout.split())
        behind, ahead = (left, right) if head else (left + right, 0)
        touched = self._touched(self._git, f"{head_then}..{head}", files) if ahead else ()
        return replace(now, known=True, ahead=ahead, behind=behind, touched=touched)

    def read_text(self, path: str, *, limit_bytes: int = 5 << 20) -> str | None:
        """The text of a file or of what a link leads to; None if it is binary, too large, or not in the project."""
        place = self._existing(path)
        place = place and Path(os.path.realpath(place))
        if place is None or not place.is_relative_to(self._root) or not blobs.is_regular(place):
            return None
        try:
            with place.open("rb") as file:
                content = file.read(limit_bytes + 1)
        except OSError:
            return None
        return None if len(content) > limit_bytes or b"\0" in content else content.decode("utf-8-sig", "replace")

    # Paths

    def _given(self, path: str) -> Path:
        """Where the file an agent names is: as it is written if that exists, else by another spelling that does."""
        place = blobs.inside(self._root, path)
        return place if os.path.lexists(place) else self._existing(path) or place

    def _existing(self, path: str) -> Path | None:
        """Where a path leads that is spelled in any way, None if there is nothing in the project."""
        if not path.isprintable():
            return None
        for spelling in blobs.spellings(path):
            place = self._place(spelling)
            if place and os.path.lexists(place):
                return place
        return None

    def _recorded(self, path: str) -> Path | None:
        """Where a file that was cited is; None when that cannot be in this project."""
        if not path.isprintable():
            return None
        literal = self._place(path)
        if literal and os.path.lexists(literal):
            return literal
        return self._place(blobs.unescaped(path))

    def _place(self, path: str) -> Path | None:
        if not path or "\0" in path:
            return None
        try:
            return blobs.place_of(self._root, path)
        except InvalidInputError:
            return None

    def _name(self, place: Path) -> bytes:
        return os.fsencode(place.relative_to(self._root).as_posix())

    def _shown(self, place: Path) -> str:
        return shown(self._name(place))

    # Content

    def _raw(self, place: Path, path: str, algorithm: Algorithm) -> str | None:
        """The id of what is on disk: a submodule's commit; None for nothing and for any other directory."""
        if not blobs.is_directory(place):
            return blobs.blob_of(place, path, algorithm)
        found = discover(place) if self._file_git and place != self._root else None
        return Refs(Git(found)).head()[1] if found and found.worktree == place else None

    def _look(self, ref: FileRef) -> _Look:
        place = self._recorded(ref.path)
        if place is None:
            return _Look(ref, None)
        try:
            # A name of 64 digits was made with SHA-256, whatever the repository uses now.
            return _Look(ref, place, self._raw(place, ref.path, "sha256" if len(ref.blob or "") == 64 else "sha1"))
        except InvalidInputError:
            return _Look(ref, None)

    def _stored(self, places: Iterable[Path]) -> dict[Path, str]:
        return blobs.stored_ids(self._file_git, self._root, places) if self._file_git else {}

    # What became of files

    def _follow(self, gone: Sequence[_Look], git: Git, head_then: str | None) -> None:
        """Find what is not on disk: left out of the checkout, in a submodule that is not here, or moved."""
        index = renames.read_index(git)
        for look in gone:
            if look.place and self._is_in_absent_submodule(look.place, index):
                look.place = None
            elif look.place:
                look.id = self._left_out(look.place, index)
        lost = [(look, self._name(look.place)) for look in gone if look.place and not look.id and look.ref.blob]
        if not lost:
            return

        def is_there(name: bytes) -> bool:
            place, entry = self._root / os.fsdecode(name), index[name]
            return entry.skipped or entry.is_submodule or (os.path.lexists(place) and not blobs.is_directory(place))

        changes = renames.changes_since(git, head_then) if head_then and self._has_commit(head_then) else None
        untracked: dict[str, list[bytes]] | None = None
        for look, name in lost:
            blob = look.ref.blob or ""
            target = renames.in_index(name, blob, index=index, changes=changes, is_there=is_there)
            if target is None:
                untracked = self._untracked(git) if untracked is None else untracked
                target = renames.likeliest(name, blob, untracked.get(blob, ()))
            if target is not None:
                there = self._look(FileRef(shown(target), blob))
                entry = index.get(target)  # has what a sparse checkout leaves out, or a submodule that is not here
                look.moved, look.place, look.id = True, there.place, there.id or (entry.id if entry else None)

    def _left_out(self, place: Path, index: Mapping[bytes, Entry]) -> str | None:
        """The id in the index of what is rightly not on disk: not in a sparse checkout, or a submodule not fetched."""
        entry = index.get(self._name(place))
        return entry.id if entry and (entry.skipped or (entry.is_submodule and blobs.is_directory(place))) else None

    def _is_in_absent_submodule(self, place: Path, index: Mapping[bytes, Entry]) -> bool:
        for parent in place.relative_to(self._root).parents:
            entry = index.get(os.fsencode(parent.as_posix()))
            if entry and entry.is_submodule:
                return not os.path.lexists(self._root / parent / ".git")
        return False

    def _untracked(self, git: Git) -> dict[str, list[bytes]]:
        """The names of untracked files by the id git would store each under; of the first, and as many as are small."""
        listing = git.run("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]
        ids: dict[Path, str] = {}
        left_bytes = _MOST_UNTRACKED_BYTES
        for name in listing[:_MOST_UNTRACKED]:
            place = self._root / os.fsdecode(name)
            with contextlib.suppress(OSError, InvalidInputError):  # gone meanwhile, or not ours to read
                size_bytes = place.lstat().st_size
                raw = self._raw(place, "", git.algorithm) if size_bytes <= left_bytes else None
                if raw:
                    left_bytes -= size_bytes
                    ids[place] = raw
        by_id: dict[str, list[bytes]] = {}
        for place, oid in (ids | self._stored(ids)).items():
            by_id.setdefault(oid, []).append(self._name(place))
        return by_id

    def _judged(self, look: _Look, stored: Mapping[Path, str]) -> FileNow:
        ref, place = look.ref, look.place
        if place is None:
            return FileNow(ref, "unreadable")
        if ref.blob is None:
            return FileNow(ref, "created" if look.id else "still missing")
        if look.id is None:
            return FileNow(ref, "deleted")
        is_same = ref.blob in (look.id, stored.get(place))
        if look.moved:
            return FileNow(ref, "renamed" if is_same else "renamed and changed", self._shown(place))
        return FileNow(ref, "same" if is_same else "changed")

    # Commits

    def _commits(self, names: Sequence[str]) -> list[str | None]:
        """The full id of the commit each name stands for, None for what is none."""
        if self._git is None or not names:
            return [None] * len(names)
        asked = "".join(f"{name}^{{commit}}\n" for name in names).encode("ascii")
        form = "--batch-check=%(objectname) %(objecttype)"
        done = self._git.attempt(*renames.OFFLINE, "cat-file", form, stdin=asked)
        if done.status != 0:
            raise failure(("cat-file",), done)
        lines = done.stdout.decode("ascii").splitlines()
        return [line.removesuffix(" commit") if line.endswith(" commit") else None for line in lines]

    def _has_commit(self, oid: str) -> bool:
        return is_oid(oid) and self._commits([oid]) != [None]

    def _touched(self, git: Git, span: str, files: Sequence[str]) -> tuple[str, ...]:
        # Of a file that is gone it cannot be told whether its name was shown as it is or escaped.
        places = [self._place(name) for file in files if file.isprintable() for name in (file, blobs.unescaped(file))]
        names = dict.fromkeys(os.fsdecode(self._name(place)) for place in places if place)
        if not names:
            return ()
        # Not simplified, history also shows what a side branch did and undid; -c adds what a merge itself did.
        options = ("--format=", "--name-only", "-z", "-c", "--no-renames", "--full-history", "--no-show-signature")
        written = {shown(name) for name in git.run("log", *options, span, "--", *names).split(b"\0")}
        return tuple(file for file in files if file in written)


def _branch_exists(refs: Refs, branch: str) -> bool:
    name = blobs.unescaped(branch)
    # Git allows no such name, and a file must not be looked for by it.
    possible = branch.isprintable() and "\0" not in name and ".." not in name
    return possible and refs.read(f"refs/heads/{name}") is not None
