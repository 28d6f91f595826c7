"""git's patches read as they come, so that neither a message, a file's name nor its content is taken for a header."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from agentops_mcp.storage.blob_reader import LocalGit
from agentops_mcp.storage.blobs import unquoted

_PIPE_BYTES = 1 << 20
_LONGEST_S = 120.0
"""For reading without a deadline: it only reads local objects, so this is a dead disk."""

_RESTARTS = 3
"""git ends at an object that is missing or damaged; beyond so many, only the names of files are read."""

_MAX_FILES = 60
_MAX_CONTEXTS = 40
_MAX_COMMIT_CONTEXTS = 400
_MAX_CONTEXT = 80
_MAX_HUNKS = 200
_MAX_COMMIT_HUNKS = 2_000
_MAX_MESSAGE = 2_000
_MAX_PATCH_BYTES = 5 << 20
_MAX_LINE_BYTES = 1 << 16

_SETTINGS = ("--no-replace-objects", "-c", "core.bigFileThreshold=2m", "-c", "diff.suppressBlankEmpty=false")
# The record's first byte stands nowhere else in header position, and no message can hold one.
_FORMAT = "--format=%x00%H %ct%x00%B%x00"
_COMMAND = (
    "diff-tree", "--stdin", "--root", "--always", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv",
    "--submodule=short", "--encoding=UTF-8", _FORMAT,
)  # fmt: skip
_PATCH = (
    "-p", "--unified=0", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/", "--diff-algorithm=myers",
    "--indent-heuristic",
)  # fmt: skip
_NAMES = ("-r", "--name-only")

_DRIVERS = {
    "bash": "sh bash", "cpp": "c h cc hh cpp hpp cxx hxx", "csharp": "cs", "css": "css", "elixir": "ex exs",
    "golang": "go", "java": "java", "kotlin": "kt kts", "markdown": "md", "php": "php", "python": "py pyi",
    "ruby": "rb", "rust": "rs",
}  # fmt: skip
"""git's own rules for what a function's first line is; without one it takes any line that is not indented."""
_ATTRIBUTES = "".join(f"*.{end} diff={driver}\n" for driver, ends in _DRIVERS.items() for end in ends.split())

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)", re.DOTALL)

Hunk = tuple[int, int, int, int]
"""A changed place: old start, old count, new start, new count, as in `@@ -a,b +c,d @@` without lines around it."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A file that a commit changed, the first lines of the functions the changes are in, and the changed places.

    `is_whole`: `hunks` has every changed place. Otherwise it has none: they are too many, or were not read.
    """

    path: str
    contexts: tuple[str, ...]
    hunks: tuple[Hunk, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit and what it touched; `at` is when it was committed, in seconds, `more` counts files left out."""

    oid: str
    at: int
    message: str
    files: tuple[Touched, ...]
    more: int


def read_commits(git: LocalGit, oids: Sequence[str], *, deadline: float | None) -> Iterator[tuple[Commit, bool]]:
    """Commits in turn, each with whether all of it is here; those that can not be read are left out.

    Raises:
        GitError: git is missing.
    """
    until = time.monotonic() + _LONGEST_S if deadline is None else deadline
    failures = 0
    while oids and time.monotonic() < until:
        done, is_here = 0, False
        try:
            for commit in _run(git, oids, _PATCH, until):
                done += 1
                yield commit, True
        except _TooLargeError:
            is_here = True
        oids = oids[done:]
        failures += not is_here
        unpatched = oids[:1] if failures <= _RESTARTS else oids
        for commit in _run(git, unpatched, _NAMES, until):
            yield commit, is_here
        oids = oids[len(unpatched) :]


def _run(git: LocalGit, oids: Sequence[str], options: Sequence[str], deadline: float) -> Iterator[Commit]:
    """The commits of one process, until it ends or its time is over."""
    left_s = deadline - time.monotonic()
    if not oids or left_s <= 0:
        return
    with tempfile.TemporaryDirectory() as folder:
        names, attributes = Path(folder, "names"), Path(folder, "attributes")
        names.write_text("".join(f"{oid}\n" for oid in oids), "ascii")
        attributes.write_text(_ATTRIBUTES, "ascii")
        with names.open("rb") as stdin:
            process = git.start(
                *_SETTINGS, "-c", f"core.attributesFile={attributes}", *_COMMAND, *options,
                stdin=stdin, pipe_bytes=_PIPE_BYTES,
            )  # fmt: skip
        timer = threading.Timer(left_s, process.kill)
        timer.start()
        try:
            with closing(_Records(process).commits(has_patches=options is _PATCH)) as commits:
                for oid, commit in zip(oids, commits, strict=False):
                    if commit.oid != oid:
                        return
                    yield commit
        finally:
            timer.cancel()
            process.kill()
            with process:  # closes the pipe and waits
                pass


class _TooLargeError(Exception):
    """A patch is longer than is worth reading."""


@dataclass(slots=True)
class _DraftFile:
    """A file while its commit is read; of too many hunks, one more than may be kept."""

    contexts: dict[str, None] = field(default_factory=dict[str, None])
    hunks: list[Hunk] = field(default_factory=list[Hunk])
    is_read: bool = True


@dataclass(slots=True)
class _Draft:
    """A commit while it is read."""

    oid: str
    at: int
    message: str
    files: dict[str, _DraftFile] = field(default_factory=dict[str, _DraftFile])
    more: int = 0
    _file: _DraftFile = field(default_factory=_DraftFile)
    _contexts_left: int = _MAX_COMMIT_CONTEXTS

    def touch(self, path: bytes) -> None:
        """Add a file; the contexts and hunks that come next are in it."""
        self._file = _DraftFile()
        try:
            name = sys.intern(path.decode("utf-8"))
        except UnicodeDecodeError:
            self.more += 1
            return
        if name in self.files:  # a file that became a link: git shows that as two changes
            self._file = self.files[name]
        elif len(self.files) < _MAX_FILES:
            self.files[name] = self._file
        else:
            self.more += 1

    def add_context(self, line: bytes) -> None:
        """Add the first line of a function that has changed; git cuts it at 80 bytes, if need be inside a character."""
        context = line.decode("utf-8", "replace").strip("\ufffd \t\r")[:_MAX_CONTEXT]
        contexts = self._file.contexts
        if context and context not in contexts and len(contexts) < _MAX_CONTEXTS and self._contexts_left:
            self._contexts_left -= 1
            contexts[context] = None

    def add_hunk(self, hunk: Hunk) -> None:
        """Add a changed place."""
        if len(self._file.hunks) <= _MAX_HUNKS:
            self._file.hunks.append(hunk)

    def add_unread(self) -> None:
        """Say that the file has changed in places that can not be seen."""
        self._file.is_read = False

    def commit(self) -> Commit:
        """The result."""
        return Commit(self.oid, self.at, self.message, tuple(self._touched()), self.more)

    def _touched(self) -> Iterator[Touched]:
        """The files, with hunks up to the first file whose hunks are too many for the commit."""
        left = _MAX_COMMIT_HUNKS
        for path, file in self.files.items():
            count = len(file.hunks)
            is_whole = file.is_read and count <= _MAX_HUNKS
            if is_whole:
                is_whole = count <= left
                left = left - count if is_whole else 0
            yield Touched(path, tuple(file.contexts), tuple(file.hunks) if is_whole else (), is_whole)


class _Records:
    """What `diff-tree` prints, cut into commits."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - `Git.start` always pipes it
        self._process = process
        self._descriptor = process.stdout.fileno()
        self._data = b""
        self._position = 0
        self._passed = 0

    def commits(self, *, has_patches: bool) -> Generator[Commit]:
        """Each commit that was printed to its end."""
        body = self._patch if has_patches else self._names
        while (draft := self._head()) is not None:
            if not body(draft) and self._process.wait() != 0:
                return  # the output ended with this commit, perhaps before its own end
            yield draft.commit()

    def _head(self) -> _Draft | None:
        if self._peek() != b"\0":
            return None
        self._position += 1
        oid, _, at = self._until(b"\0", _MAX_LINE_BYTES).partition(b" ")
        message = self._until(b"\0", 4 * _MAX_MESSAGE).decode("utf-8", "replace")[:_MAX_MESSAGE].strip()
        return _Draft(oid.decode("ascii", "replace"), int(at) if at.isdigit() else 0, message)

    def _names(self, draft: _Draft) -> bool:
        """Take the names up to the next commit; False when there is none."""
        while (first := self._peek()) != b"\0":
            if not first:
                return False
            name = self._until(b"\n", _MAX_LINE_BYTES)
            if name:
                draft.touch(unquoted(name) if name.startswith(b'"') else name)
                draft.add_unread()
        return True

    def _patch(self, draft: _Draft) -> bool:
        """Take the patch up to the next commit; False when there is none."""
        start = self._passed + self._position
        while (first := self._peek()) != b"\0":
            if not first:
                return False
            if self._passed + self._position - start > _MAX_PATCH_BYTES:
                raise _TooLargeError
            line = self._until(b"\n", _MAX_LINE_BYTES)
            if line.startswith(b"@@ ") and (hunk := _HUNK.fullmatch(line)):
                old_count, new_count = int(hunk[2] or 1), int(hunk[4] or 1)
                self._skip_lines(old_count)
                self._skip_lines(new_count)
                draft.add_hunk((int(hunk[1]), old_count, int(hunk[3]), new_count))
                draft.add_context(hunk[5])
            elif line.startswith(b"diff --git "):
                draft.touch(_path_of(line))
            elif line.startswith(b"Binary files "):
                draft.add_unread()
        return True

    def _peek(self) -> bytes:
        """The next byte; empty at the end."""
        if self._position >= len(self._data):
            self._more()
        return self._data[self._position : self._position + 1]

    def _until(self, end: bytes, limit: int) -> bytes:
        """What comes before the next `end`, or the first `limit` bytes of it."""
        kept = b""
        while (found := self._data.find(end, self._position)) < 0:
            kept = (kept + self._data[self._position :])[:limit]
            if not self._more():
                return kept
        part = self._data[self._position : min(found, self._position + limit)]
        self._position = found + 1
        return (kept + part)[:limit] if kept else part

    def _skip_lines(self, count: int) -> None:
        """Pass the lines of one side of a hunk, and git's remark that the last has no end."""
        for _ in range(count):
            while (end := self._data.find(b"\n", self._position)) < 0:
                if not self._more():
                    return
            self._position = end + 1
        if count and self._peek() == b"\\":
            self._until(b"\n", _MAX_LINE_BYTES)

    def _more(self) -> bool:
        """Replace what was read, all of which was used, by what comes next."""
        self._passed += len(self._data)
        self._data, self._position = os.read(self._descriptor, _PIPE_BYTES), 0
        return bool(self._data)


def _path_of(line: bytes) -> bytes:
    """The path in `diff --git a/PATH b/PATH`, whose halves are equal because renames are not looked for."""
    both = line.removeprefix(b"diff --git ")
    half = both[: len(both) // 2]
    return unquoted(half)[2:] if half.startswith(b'"') else half[2:]
