"""Refs, read and moved in-process where they are plain files, and by git otherwise."""

import os
import re
import time
from pathlib import Path

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.ref_lock import RefLock

_OID = re.compile(rb"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SETTLED_NS = 2_000_000_000
"""A file this young could change again without a new time stamp: some file systems count whole seconds, or two."""


class Refs:
    """The refs of one repository. Safe to share between threads."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._git_dir = str(git.repository.git_dir)
        self._common_dir = str(git.repository.common_dir)
        self._locks: dict[str, RefLock] = {}
        self._packed: dict[str, tuple[object, str | None]] = {}

    @property
    def are_files(self) -> bool:
        """Whether refs are kept as loose files and packed-refs, the format this class can read and write itself."""
        return not os.access(f"{self._common_dir}/reftable", os.F_OK)

    def head(self) -> tuple[str | None, str | None]:
        """The branch that is checked out and the commit it stands at; None for either that there is not.

        Raises:
            GitError: HEAD is in a form only git can read, and git failed.
        """
        content = _read(f"{self._git_dir}/HEAD")
        if content is not None and self.are_files:
            if _OID.fullmatch(content):
                return None, content.decode("ascii")
            if content.startswith(b"ref: refs/heads/"):
                name = os.fsdecode(content[5:].strip())
                return name.removeprefix("refs/heads/"), self.read(name)
        return self._head_from_git()

    def read(self, ref: str) -> str | None:
        """The object a shared ref names, None when there is no such ref.

        Raises:
            GitError: the ref is in a form only git can read, and git failed.
        """
        if self.are_files:
            content = _read(f"{self._common_dir}/{ref}")
            if content is None:  # git packs a ref before it removes the loose file, so this order misses nothing
                return self._read_packed(ref)
            if _OID.fullmatch(content):
                return content.decode("ascii")
        done = self._git.attempt("show-ref", "--verify", "--hash", "--", ref)
        return done.stdout.decode("ascii").strip() if done.status == 0 else None

    def move(self, ref: str, *, new: str, expected: str | None) -> bool:
        """Set a shared ref if it still is `expected`, by git's own locking protocol. False when it is not.

        Our own processes must not call this at the same time.

        Raises:
            GitError: the ref can not be written.
        """
        lock = self._locks.get(ref)
        if lock is None:
            lock = self._locks[ref] = RefLock(self._common_dir, ref)
        try:
            descriptor = lock.take()
            if descriptor is None:
                return False
            try:
                with os.fdopen(descriptor, "wb", buffering=0) as file:
                    unmoved = self.read(ref) == expected
                    if unmoved:
                        file.write(new.encode("ascii") + b"\n")
                        file.truncate()
                if unmoved:
                    lock.path.replace(lock.ref)
            except BaseException:
                lock.path.unlink(missing_ok=True)
                raise
            if not unmoved:
                lock.path.unlink()
        except OSError as error:
            raise GitError(
                f"The ref {ref} could not be written: {error.strerror}.",
                remedy="Make the repository's git directory writable.",
            ) from error
        return unmoved

    def _read_packed(self, ref: str) -> str | None:
        path = Path(self._common_dir, "packed-refs")
        try:
            stat = path.stat()
        except OSError:
            return None
        key = (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
        known = self._packed.get(ref)
        if known is not None and known[0] == key:
            return known[1]
        content = b"\n" + path.read_bytes()
        found = re.search(rb"\n([0-9a-f]{40,64}) " + re.escape(os.fsencode(ref)) + rb"\r?(?:\n|$)", content)
        oid = found[1].decode("ascii") if found else None
        if time.time_ns() - stat.st_mtime_ns > _SETTLED_NS:
            self._packed[ref] = (key, oid)
        return oid

    def _head_from_git(self) -> tuple[str | None, str | None]:
        symbolic = self._git.attempt("symbolic-ref", "--quiet", "HEAD")
        commit = self._git.attempt("rev-parse", "--verify", "--quiet", "HEAD")
        name = os.fsdecode(symbolic.stdout).strip() if symbolic.status == 0 else None
        oid = commit.stdout.decode("ascii").strip() if commit.status == 0 else None
        return (name.removeprefix("refs/heads/") if name else None), oid


def _read(path: str) -> bytes | None:
    """A small file's content without its line end; None when there is none, empty when it is not a plain file."""
    try:
        # A symbolic link is the oldest form of a symbolic ref: what it points at is not what HEAD says.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return b""
    try:
        return os.read(descriptor, 4096).rstrip()
    except IsADirectoryError:
        return None
    finally:
        os.close(descriptor)
