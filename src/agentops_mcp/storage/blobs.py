"""Which bytes a cited file had: git's own blob id, computed from what is on disk."""

import errno
import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentops_mcp.core.errors import InvalidInputError

_CHUNK_BYTES = 1 << 20
_WHOLE_BYTES = 50 << 20


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file of the project and the SHA-1 blob id of its bytes; `blob` is None when there is no such file."""

    path: str
    blob: str | None


def hash_files(root: Path, paths: Sequence[str]) -> list[FileRef]:
    """Name each path from `root`, with `/`, and hash the file there.

    Raises:
        InvalidInputError: a path leaves `root`, or is not a file or a symbolic link.
    """
    real_root = Path(os.path.realpath(root))
    return [_file_ref(real_root, path) for path in paths]


def _file_ref(root: Path, path: str) -> FileRef:
    place = _inside(root, path)
    return FileRef(place.relative_to(root).as_posix(), _blob(place, path))


def _inside(root: Path, path: str) -> Path:
    """Where `path` is once links on the way are followed; the last component itself is not followed."""
    if not path or not path.isprintable():  # this also refuses NUL and what no file system can encode
        raise InvalidInputError(
            f"{path[:80]!r} is not a file path.", remedy="Name files by their path from the project's root."
        )
    directory, name = os.path.split(f"{root / path}")
    resolved = Path(os.path.realpath(directory))
    place = resolved.parent if name == ".." else resolved / name
    if not place.is_relative_to(root):
        raise InvalidInputError(
            f"{path[:200]!r} is outside the project.", remedy="Name files by their path from the project's root."
        )
    return place


def _blob(place: Path, path: str) -> str | None:
    """Git's id for the bytes as they are on disk, or None.

    Clean filters and line-end conversion are left out on purpose: a filter is a program that the repository
    configures, and naming a file must not run one.
    """
    try:
        mode = os.lstat(place).st_mode
        if stat.S_ISLNK(mode):
            return _id_of(os.fsencode(place.readlink()))
        if stat.S_ISREG(mode):
            return _hash_file(place)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = "its path is too long" if error.errno == errno.ENAMETOOLONG else (error.strerror or "unknown error")
        raise InvalidInputError(
            f"{path[:200]!r} could not be read: {reason}.", remedy="Make it readable, or leave it out."
        ) from error
    kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    raise InvalidInputError(f"{path[:200]!r} is {kind}.", remedy="Name the files in it that matter.")


def _hash_file(place: Path) -> str:
    # A file that was swapped for a link or a pipe since it was looked at is neither followed nor waited for.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(place, flags), "rb") as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes <= _WHOLE_BYTES:
            return _id_of(file.read())
        hasher = hashlib.sha1(_header(size_bytes), usedforsecurity=False)
        left = size_bytes
        while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
            hasher.update(chunk)
            left -= len(chunk)
    if left:
        raise OSError(errno.EBUSY, "it shrank while it was read")
    return hasher.hexdigest()


def _id_of(content: bytes) -> str:
    return hashlib.sha1(_header(len(content)) + content, usedforsecurity=False).hexdigest()


def _header(size_bytes: int) -> bytes:
    return b"blob %d\0" % size_bytes
