"""What git says differs: between HEAD, index and worktree, and between two trees."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from agentops_mcp.storage.git import Git

SUBMODULE, LINK, EXECUTABLE, PLAIN = b"160000", b"120000", b"100755", b"100644"


def is_refused(path: bytes) -> bool:
    """Whether git keeps no file at such a path: it leads elsewhere, or a file system may take it for `.git`."""
    parts = os.fsdecode(path).replace("\\", "/").split("/") if os.name == "nt" else os.fsdecode(path).split("/")
    return any(
        part in ("", ".", "..") or part.casefold().partition(":")[0].rstrip(" .") in (".git", "git~1") for part in parts
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """What a tree or the index has at a path."""

    mode: bytes
    oid: str

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.mode in (PLAIN, EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Uncommitted:
    """A path that differs from HEAD.

    `code` is git's two letters, index before worktree; `staged` what the index has (None: nothing, or a conflict);
    `mode` is the file's in the worktree, None where git gives none.
    """

    path: bytes
    code: str
    staged: Entry | None
    mode: bytes | None

    @property
    def is_untracked(self) -> bool:
        """Whether git does not know it."""
        return self.code == "??"

    @property
    def is_staged(self) -> bool:
        """Whether the index differs from HEAD here, without a conflict."""
        return self.code[0] in "MTADRC" and not self.is_conflict

    @property
    def is_conflict(self) -> bool:
        """Whether a merge left it undecided."""
        return "U" in self.code or self.code in ("AA", "DD")


@dataclass(frozen=True, slots=True)
class Status:
    """The commit that is checked out (None before the first) and every path that differs from it."""

    head: str | None
    changes: tuple[Uncommitted, ...]


def read_status(git: Git) -> Status:
    """Everything uncommitted, each untracked file by itself.

    Raises:
        GitError: git could not say.
    """
    options = ("--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty")
    records = git.run("status", *options, timeout_s=60).split(b"\0")[:-1]
    prefix = b"# branch.oid "
    oid = next(record.removeprefix(prefix) for record in records if record.startswith(prefix)).decode("ascii")
    changes = tuple(_uncommitted(record) for record in records if not record.startswith(b"#"))
    return Status(None if oid == "(initial)" else oid, changes)


def _uncommitted(record: bytes) -> Uncommitted:
    if record.startswith(b"?"):
        return Uncommitted(record[2:], "??", None, None)
    if record.startswith(b"u"):
        fields = record.split(b" ", 10)
        return Uncommitted(fields[10], fields[1].decode("ascii"), None, fields[6])
    fields = record.split(b" ", 8)
    code, in_index, in_worktree, oid = fields[1].decode("ascii"), fields[4], fields[5], fields[7].decode("ascii")
    staged = Entry(in_index, oid) if oid.strip("0") else None
    return Uncommitted(fields[8], code, staged, in_worktree)


@dataclass(frozen=True, slots=True)
class Difference:
    """What two trees have at one path."""

    old: Entry | None
    new: Entry | None


def compare_trees(git: Git, old: str | None, new: str) -> dict[bytes, Difference]:
    """Every path at which two commits differ; `old` None stands for an empty tree.

    Raises:
        GitError: one of them is not there.
    """
    if old is None:
        listing = git.run("ls-tree", "-r", "-z", "--full-tree", new, timeout_s=60)
        return {path: Difference(None, entry) for path, entry in _listed(listing)}
    options = ("-r", "-z", "--raw", "--no-renames", "--full-index", "--no-abbrev")
    fields = iter(git.run("diff-tree", *options, old, new, timeout_s=60).split(b"\0")[:-1])
    return {path: _difference(facts) for facts, path in zip(fields, fields, strict=True)}


def _listed(listing: bytes) -> Iterator[tuple[bytes, Entry]]:
    for record in listing.split(b"\0")[:-1]:
        facts, _, path = record.partition(b"\t")
        mode, _, oid = facts.split(b" ")
        yield path, Entry(mode, oid.decode("ascii"))


def _difference(facts: bytes) -> Difference:
    old_mode, new_mode, old, new, _ = facts.lstrip(b":").split(b" ")
    return Difference(_entry(old_mode, old), _entry(new_mode, new))


def _entry(mode: bytes, oid: bytes) -> Entry | None:
    return Entry(mode, oid.decode("ascii")) if mode.strip(b"0") else None
