"""Bytes of files for reading in bulk: from git's objects in one process, and from disk without being led elsewhere."""

import os
import selectors
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.blobs import open_regular
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.objects import blob_id
from agentops_mcp.storage.repository import Repository

_PIPE_BYTES = 1 << 20
_STALLED_S = 20.0
"""How long git may be silent: it only reads local objects, so this is a dead disk."""

_RESTARTS = 20
"""git ends at a damaged object; beyond so many, the rest is taken for lost as well."""

_SETTLED_NS = 2_000_000_000
"""A file this young could change again without a new time stamp: some file systems count whole seconds, or two."""

_MAX_KNOWN = 100_000
_MAX_HASHED_BYTES = 256 << 20
"""For one look at a folder: a home folder or a data set is not read through."""

_KINDS = {stat.S_IFLNK: "symbolic link", stat.S_IFDIR: "folder"}

_Stamp = tuple[int, int, int, int, int]


class LocalGit(Git):
    """git that only reads what is here: what a partial clone left at its remote is missing, not fetched."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        # The second is for versions of git that do not know the first.
        self._environment = {**self._environment, "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}


def read_blobs(git: LocalGit, oids: Sequence[str], *, limit_bytes: int) -> Iterator[bytes | None]:
    """The content of each object in turn; None where it is missing, damaged, no blob, or larger than the limit.

    Raises:
        GitError: git is missing, or has stopped answering.
    """
    left = iter(range(len(oids)))
    done = 0
    for _ in range(_RESTARTS):
        if done == len(oids):
            return
        with closing(_read_until_damage(git, oids[done:], limit_bytes)) as contents:
            for content in contents:
                done = next(left) + 1
                yield content
        if done < len(oids):  # git gave up at this one
            done = next(left) + 1
            yield None
    yield from (None for _ in left)


def sizes_of(git: LocalGit, oids: Iterable[str]) -> dict[str, int]:
    """The size of each of these blobs, which must all be here.

    Raises:
        GitError: git could not say.
    """
    names = "".join(f"{oid}\n" for oid in oids).encode("ascii")
    answers = git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer", stdin=names, timeout_s=60)
    pairs = (line.split() for line in answers.decode("ascii").splitlines())
    return {oid: int(size) for oid, size in pairs if size.isdigit()}


def _read_until_damage(git: LocalGit, oids: Sequence[str], limit_bytes: int) -> Generator[bytes | None]:
    """As `read_blobs`, but over as soon as git ends."""
    # From a file, the names can not fill a pipe while git waits for its answers to be taken.
    with tempfile.TemporaryFile() as names:
        names.write("".join(f"{oid}\n" for oid in oids).encode("ascii", "replace"))
        names.seek(0)
        process = git.start("cat-file", "--batch", "--buffer", stdin=names, pipe_bytes=_PIPE_BYTES)
    try:
        with closing(_Answers(process)) as answers:
            for _ in oids:
                head = answers.line()
                if head is None:
                    return
                if head.endswith((b" missing", b" ambiguous")):
                    yield None
                    continue
                _, kind, size = head.split(b" ")
                content = answers.take(int(size) + 1, keep=int(size) <= limit_bytes)
                if content is None:
                    return
                yield content[:-1] if kind == b"blob" and int(size) <= limit_bytes else None
    finally:
        process.kill()
        with process:  # closes the pipe and waits
            pass


class _Answers:
    """What a process prints, cut into lines and counted bytes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - `Git.start` always pipes it
        self._descriptor = process.stdout.fileno()
        self._data = b""
        self._position = 0
        self._selector = None if sys.platform == "win32" else selectors.DefaultSelector()
        if self._selector:
            self._selector.register(self._descriptor, selectors.EVENT_READ)

    def close(self) -> None:
        """Stop watching; the pipe is not this object's to close."""
        if self._selector:
            self._selector.close()

    def line(self) -> bytes | None:
        """The next line without its end; None when there is none."""
        while (end := self._data.find(b"\n", self._position)) < 0:
            more = self._more()
            if not more:
                return None
            self._data = self._data[self._position :] + more
            self._position = 0
        line = self._data[self._position : end]
        self._position = end + 1
        return line

    def take(self, count: int, *, keep: bool) -> bytes | None:
        """The next `count` bytes, or nothing of them if they are not to be kept; None when the output ends before."""
        parts = [self._data[self._position : self._position + count]]
        self._position += len(parts[0])
        count -= len(parts[0])
        while count:
            more = self._more()
            if not more:
                return None
            part = more[:count]
            if keep:
                parts.append(part)
            count -= len(part)
            self._data, self._position = more, len(part)
        return (b"".join(parts) if len(parts) > 1 else parts[0]) if keep else b""

    def _more(self) -> bytes:
        if self._selector and not self._selector.select(_STALLED_S):
            raise GitError(
                f"`git cat-file` said nothing for {_STALLED_S:g} s and was stopped.",
                remedy="Check the disk the repository is on, and try again.",
            )
        return os.read(self._descriptor, _PIPE_BYTES)


class DiskFiles:
    """Regular files below a folder, read without being led elsewhere. Safe to share between threads.

    What a file hashes to is remembered for as long as the file stands still.
    """

    def __init__(self, root: Path, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.root = os.path.realpath(root)
        self._clock_ns = clock_ns
        self._known: dict[str, tuple[_Stamp, str]] = {}

    def read(self, path: str, *, limit_bytes: int) -> bytes | None:
        """A file's bytes; None if it is not a regular file, larger than the limit, or can not be read.

        Neither a link, a pipe nor a device is opened, also when one has just been put there.
        """
        directory, _, name = path.rpartition("/")
        folder = self._folder(directory)
        return _read_regular(f"{folder}{os.sep}{name}", limit_bytes) if folder else None

    def glance(self, *, algorithm: str, limit_bytes: int) -> "Glance":
        """Look at many files; those above the limit, and those beyond a bound on bytes in all, are not hashed."""
        return Glance(self._folder, self._hashed, algorithm, limit_bytes)

    def _folder(self, directory: str) -> str | None:
        """A directory's place on disk; None if there is a link on the way."""
        expected = os.path.join(self.root, *directory.split("/")) if directory else self.root  # noqa: PTH118 - for each file
        return expected if os.path.realpath(expected) == expected else None

    def _hashed(self, place: str, stamp: "_Stamp", algorithm: str) -> tuple[str, int]:
        """A file's id, and how many bytes were read to find it."""
        known = self._known.get(place)
        if known and known[0] == stamp:
            return known[1], 0
        now_ns = self._clock_ns()
        content = _read_regular(place, stamp[0])
        if content is None:
            return "", 0
        oid = blob_id(content, algorithm=algorithm)
        if len(content) == stamp[0] and max(stamp[1:3]) < now_ns - _SETTLED_NS:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[place] = (stamp, oid)
        return oid, len(content)


@dataclass(slots=True)
class Glance:
    """One look at the files of a folder, in which no directory is checked twice."""

    _folder: Callable[[str], str | None]
    _hashed: Callable[[str, "_Stamp", str], tuple[str, int]]
    _algorithm: str
    _limit_bytes: int
    _left_bytes: int = _MAX_HASHED_BYTES
    _folders: dict[str, str | None] = field(default_factory=dict[str, "str | None"])

    def at(self, path: str) -> tuple[int, str] | str | None:
        """A regular file's size and id (empty if it was not hashed), the word for anything else, None if it is gone."""
        directory, _, name = path.rpartition("/")
        if directory not in self._folders:
            self._folders[directory] = self._folder(directory)
        folder = self._folders[directory]
        if folder is None:
            return "symbolic link"
        place = f"{folder}{os.sep}{name}"
        try:
            found = os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return "unreadable"
        if not stat.S_ISREG(found.st_mode):
            return _KINDS.get(stat.S_IFMT(found.st_mode), "not a regular file")
        return self._sized(place, found)

    def _sized(self, place: str, found: os.stat_result) -> tuple[int, str] | str:
        if not os.access(place, os.R_OK):
            return "unreadable"
        if found.st_size > min(self._limit_bytes, self._left_bytes):
            return found.st_size, ""
        stamp = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)
        oid, read_bytes = self._hashed(place, stamp, self._algorithm)
        self._left_bytes -= read_bytes
        return found.st_size, oid


def _read_regular(place: str, limit_bytes: int) -> bytes | None:
    try:
        found = os.lstat(place)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit_bytes:
            return None
        with open_regular(Path(place)) as file:
            # What is there may have been changed for something else since.
            content = file.read(limit_bytes + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None
    return content if content is not None and len(content) <= limit_bytes else None
