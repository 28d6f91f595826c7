"""What files and folders hold, in one short text each, by which a later look tells whether something changed.

Standard library only: a hook uses it too. Nothing raises, no device or pipe is opened, no link is followed unseen, and
bytes, entries and time are bounded. Only a file system that does not answer (a dead network mount) can not be helped.
"""

import fnmatch
import hashlib
import os
import stat
import sys
import time
from collections.abc import Collection, Iterable
from itertools import islice

from agentops_mcp.core.secret_files import is_secret_file
from agentops_mcp.storage.machine import Place

ABSENT = "absent"

HASHED_BYTES = 64 << 20
"""Of a larger file size and time stamp are all that is looked at."""

READ_BYTES = 256 << 20
"""After so many bytes in one look, the rest of its files is known by size and time stamp."""

MOST_ENTRIES = 5_000
"""Of a folder with more in it, only the first are looked at, which its text says."""

PATIENCE_S = 5.0

_CHUNK_BYTES = 1 << 20
_MOST_NAMES = 50_000
_MAGIC = frozenset("*?[")
_NOT_ENTERED = frozenset({".git", "node_modules", "__pycache__", ".venv", "venv", ".pytest_cache", ".mypy_cache",
                          ".ruff_cache"})  # fmt: skip
_OURS_IN_GIT = (("agentops",), ("objects",), ("refs", "agentops"), ("logs", "refs", "agentops"))
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def states(
    paths: Iterable[str], *, unread: Collection[str] = (), secret: Collection[str] = (), patience_s: float = PATIENCE_S
) -> dict[str, str]:
    """What is at each of these absolute paths now, in the order they are given; a path may end in a glob.

    `unread` are folders that are passed over. Of files that hold secrets, by their name or as `secret` says, there is
    no digest: one of a short secret could be guessed back.
    """
    look = _Look(
        frozenset(map(os.path.normcase, unread)), frozenset(map(os.path.normcase, secret)),
        time.monotonic() + patience_s,
    )  # fmt: skip
    return {path: look.state(path) for path in paths}


def of_the_guard(place: Place) -> list[str]:
    """What every call of ours changes, so that a look passes over it: the database, and in git the mirror."""
    of_git = [os.path.join(place.common_dir, *each) for each in _OURS_IN_GIT] if place.common_dir else []
    return [place.data_dir, *of_git]


def text_of(path: str, *, limit: int) -> str | None:
    """The text of a file of at most `limit` bytes; None when it is no text, holds secrets, or is no file."""
    if _is_elsewhere(path) or is_secret_file(path):
        return None
    try:
        real = os.path.realpath(path)
        if is_secret_file(real) or not stat.S_ISREG(os.lstat(real).st_mode):
            return None
        with os.fdopen(os.open(real, _FLAGS), "rb") as file:
            content = file.read(limit + 1) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b"\0"
        return None if len(content) > limit or b"\0" in content else content.decode("utf-8")
    except (OSError, ValueError):
        return None


class _Look:
    """One look at several paths, under one bound of bytes and time."""

    def __init__(self, unread: frozenset[str], secret: frozenset[str], until: float) -> None:
        self._unread = unread
        self._secret = secret
        self._until = until
        self._bytes_left = READ_BYTES

    def state(self, path: str) -> str:
        if _is_elsewhere(path):
            return "on another machine, not read"
        try:
            if self._is_unread(path):
                return "kept by the guard, not read"
            if _MAGIC & set(path) and not os.path.lexists(path):
                return self._matches(path)
            return self._placed(path)
        except (FileNotFoundError, NotADirectoryError):
            return ABSENT
        except (OSError, ValueError):  # not ours to read; a NUL byte or a lone surrogate
            return "not readable"

    def _placed(self, path: str) -> str:
        """The state of a path, with where it really is when a folder above is a link."""
        status = os.lstat(path)
        above, name = os.path.split(path)
        real = os.path.join(os.path.realpath(above), name) if name else path
        said = self._linked(path) if stat.S_ISLNK(status.st_mode) else self._held(path, status)
        return said if os.path.normcase(real) == os.path.normcase(path) else f"at {_printable(real)}: {said}"

    def _linked(self, path: str) -> str:
        target, real = os.readlink(path), os.path.realpath(path)
        try:
            status = os.lstat(real)
            held = "a loop of links" if stat.S_ISLNK(status.st_mode) else self._held(real, status)
        except (FileNotFoundError, NotADirectoryError):
            held = ABSENT
        return f"link to {_printable(target)}: {held}"

    def _held(self, path: str, status: os.stat_result) -> str:
        if stat.S_ISDIR(status.st_mode):
            return self._folder(path, status)
        if not stat.S_ISREG(status.st_mode):
            return "neither file nor folder, not opened"
        secret = os.path.normcase(path) in self._secret or is_secret_file(path)
        if secret or status.st_size > min(HASHED_BYTES, self._bytes_left) or self._late():
            return _facts(status)
        return self._hashed(path, status)

    def _hashed(self, path: str, status: os.stat_result) -> str:
        digest, left = hashlib.sha256(), HASHED_BYTES
        if not status.st_size:  # also what the system makes up as it is read, which may not end
            return f"sha256:{digest.hexdigest()}"
        with os.fdopen(os.open(path, _FLAGS), "rb", buffering=0) as file:
            opened = os.fstat(file.fileno())
            if not stat.S_ISREG(opened.st_mode) or (opened.st_dev, opened.st_ino) != (status.st_dev, status.st_ino):
                raise OSError("it was exchanged in this moment")
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                left -= len(chunk)
                self._bytes_left -= len(chunk)
                if left < 0 or self._late():
                    return _facts(status)
        return f"sha256:{digest.hexdigest()}"

    def _folder(self, root: str, status: os.stat_result) -> str:
        digest, count, folders = hashlib.sha256(), 0, [root]
        while folders:
            folder = folders.pop()
            for entry in _sorted_entries(folder) if folder == root else _readable_entries(folder):
                if os.path.normcase(entry.path) in self._unread:
                    continue
                if count == MOST_ENTRIES:
                    return f"folder, the first {count} inside: sha256:{digest.hexdigest()}"
                count += 1
                digest.update(_line(entry, os.path.relpath(entry.path, root)))
                if entry.is_dir(follow_symlinks=False) and entry.name not in _NOT_ENTERED:
                    folders.append(entry.path)
            if self._late():
                return f"folder, not read in time, changed {status.st_mtime_ns}"
        return f"folder, {count} inside: sha256:{digest.hexdigest()}"

    def _matches(self, pattern: str) -> str:
        """What fits a glob as a shell expands it: nothing hidden, and no `/` in a `*`."""
        known, rest = _split_glob(pattern)
        digest, count = hashlib.sha256(), 0
        found: list[str] = [known]
        parts = rest.split("/")
        for depth, part in enumerate(parts):
            above = found
            found = []
            for folder in above:
                for entry in _readable_entries(folder):
                    if count == MOST_ENTRIES or self._late():
                        return f"more than {count} fit: sha256:{digest.hexdigest()}"
                    if not _fits(entry.name, part):
                        continue
                    if depth == len(parts) - 1:
                        count += 1
                        digest.update(_line(entry, os.path.relpath(entry.path, known)))
                    elif entry.is_dir():
                        found.append(entry.path)
        return f"{count} fit: sha256:{digest.hexdigest()}" if count else ABSENT

    def _is_unread(self, path: str) -> bool:
        while path not in ("", above := os.path.dirname(path)):
            if os.path.normcase(path) in self._unread:
                return True
            path = above
        return False

    def _late(self) -> bool:
        return time.monotonic() > self._until


def _sorted_entries(folder: str) -> list["os.DirEntry[str]"]:
    """What is in a folder, by name.

    Raises:
        OSError: it can not be read.
    """
    with os.scandir(folder) as found:
        return sorted(islice(found, _MOST_NAMES), key=lambda entry: entry.name)


def _readable_entries(folder: str) -> list["os.DirEntry[str]"]:
    """The same; nothing where that can not be read."""
    try:
        return _sorted_entries(folder)
    except OSError:
        return []


def _line(entry: "os.DirEntry[str]", name: str) -> bytes:
    """One entry: what it is, its size and time; of a folder nothing but that it is there, as its entries follow."""
    try:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            facts = "folder"
        elif stat.S_ISLNK(status.st_mode):
            facts = f"link to {os.readlink(entry.path)}"
        else:
            facts = f"{stat.S_IFMT(status.st_mode)} {status.st_size} {status.st_mtime_ns}"
    except OSError:
        facts = "not readable"
    return b"\0".join((os.fsencode(name), os.fsencode(facts), b"\n"))


def _fits(name: str, part: str) -> bool:
    return (part.startswith(".") or not name.startswith(".")) and fnmatch.fnmatchcase(name, part)


def _split_glob(pattern: str) -> tuple[str, str]:
    """The folder before the first part with a glob in it, and the rest."""
    parts = pattern.replace("\\", "/").split("/") if sys.platform == "win32" else pattern.split("/")
    first = next(at for at, part in enumerate(parts) if _MAGIC & set(part))
    return "/".join(parts[:first]) or "/", "/".join(parts[first:])


def _facts(status: os.stat_result) -> str:
    return f"{status.st_size} bytes, changed {status.st_mtime_ns}"


def _is_elsewhere(path: str) -> bool:
    """Whether asking would send this person's credentials to another machine, as Windows does for `//server/share`."""
    return sys.platform == "win32" and path.replace("\\", "/").startswith("//")


def _printable(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")
