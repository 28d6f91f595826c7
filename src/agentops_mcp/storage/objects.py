"""git objects: written as loose files in-process, read from there or through git."""

import hashlib
import itertools
import os
import secrets
import zlib
from bisect import bisect_left

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.git import Git

_BLOCK_BYTES = 4096
_STORED_BYTES = 0xFFFF  # the longest stored block of the deflate format

_DIRECTORY = b"40000"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def blob_id(content: bytes, *, algorithm: str) -> str:
    """The id git gives to a file with this content."""
    return _hash(_framed(b"blob", content), algorithm)


class Objects:
    """The object database of one repository."""

    def __init__(self, git: Git) -> None:
        self._git = git
        self._directory = str(git.repository.common_dir / "objects")
        self._prefix = secrets.token_hex(6)
        self._numbers = itertools.count()

    def write(self, kind: bytes, content: bytes) -> str:
        """Store one object in a SHA-1 repository and return its id.

        Raises:
            GitError: it can not be written.
        """
        framed = _framed(kind, content)
        oid = _hash(framed, "sha1")
        directory = f"{self._directory}/{oid[:2]}"
        # Here and so named, `git prune` clears what a killed process left; and some file systems create a file
        # ten times faster beside the previous one than in each of 256 directories.
        temporary = f"{self._directory}/tmp_obj_{self._prefix}{next(self._numbers)}"  # noqa: S108 - unique, made with O_EXCL
        try:
            descriptor = os.open(temporary, _CREATE, 0o444)
            try:
                with os.fdopen(descriptor, "wb", buffering=0) as file:
                    file.write(_deflated(kind, framed))
                # Done even if the object is there: it repairs a file a power cut emptied, and keeps it from pruning.
                _rename(temporary, directory, oid[2:])
            except BaseException:
                os.unlink(temporary)  # noqa: PTH108 - as in _rename
                raise
        except OSError as error:
            raise GitError(
                f"An object could not be written to the git repository: {error.strerror}.",
                remedy="Make the repository's git directory writable, or free space on its disk.",
            ) from error
        return oid

    def read(self, kind: bytes, oid: str) -> bytes:
        """The content of one object.

        Raises:
            GitError: it is missing or damaged.
        """
        content = self._read_loose(kind, oid)
        if content is not None:
            return content
        return self._git.run("cat-file", kind.decode("ascii"), oid)

    def _read_loose(self, kind: bytes, oid: str) -> bytes | None:
        """None when the object is packed, or damaged, which git then reports."""
        try:
            with open(f"{self._directory}/{oid[:2]}/{oid[2:]}", "rb") as file:  # noqa: PTH123 - as in _rename
                framed = zlib.decompress(file.read())
        except (OSError, zlib.error):
            return None
        head, _, content = framed.partition(b"\0")
        intact = head.startswith(kind + b" ") and _hash(framed, "sha1" if len(oid) == 40 else "sha256") == oid
        return content if intact else None


class Tree:
    """What a directory holds, in git's order, so that adding a file to a long one stays cheap."""

    def __init__(self, content: bytes = b"") -> None:
        self._keys: list[bytes] = []
        self._entries: list[bytes] = []
        position = 0
        while position < len(content):
            space = content.index(b" ", position)
            end = content.index(b"\0", space)
            self._keys.append(_key(content[position:space], content[space + 1 : end]))
            self._entries.append(content[position : end + 21])
            position = end + 21

    def copy(self) -> "Tree":
        """A tree that can be changed without changing this one."""
        new = Tree()
        new._keys, new._entries = self._keys.copy(), self._entries.copy()
        return new

    def directory(self, name: bytes) -> str | None:
        """The id of the subdirectory `name`."""
        key = name + b"/"
        position = bisect_left(self._keys, key)
        found = position < len(self._keys) and self._keys[position] == key
        return self._entries[position][-20:].hex() if found else None

    def put(self, mode: bytes, name: bytes, oid: str) -> bool:
        """Set what `name` is; whether that changed anything."""
        key, entry = _key(mode, name), b"%s %s\0%s" % (mode, name, bytes.fromhex(oid))
        other = name if mode == _DIRECTORY else name + b"/"
        position = bisect_left(self._keys, other)
        if position < len(self._keys) and self._keys[position] == other:  # a file where a directory was, or back
            del self._keys[position], self._entries[position]
        position = bisect_left(self._keys, key)
        if position < len(self._keys) and self._keys[position] == key:
            changed = self._entries[position] != entry
            self._entries[position] = entry
            return changed
        self._keys.insert(position, key)
        self._entries.insert(position, entry)
        return True

    def __bytes__(self) -> bytes:
        """Git's form of the directory."""
        return b"".join(self._entries)


def _key(mode: bytes, name: bytes) -> bytes:
    """What git sorts by: a directory's name counts as if it ended with `/`."""
    return name + b"/" if mode == _DIRECTORY else name


def _framed(kind: bytes, content: bytes) -> bytes:
    return b"%s %d\0%s" % (kind, len(content), content)


def _hash(framed: bytes, algorithm: str) -> str:
    return hashlib.new(algorithm, framed, usedforsecurity=False).hexdigest()


def _deflated(kind: bytes, framed: bytes) -> bytes:
    """The zlib stream of an object, compressed only where that saves a block on disk.

    Setting up a compressor takes longer than all else done for a small object, and a tree is mostly hashes.
    `git gc` compresses everything together later.
    """
    if kind != b"tree" and len(framed) > _BLOCK_BYTES:
        return zlib.compress(framed, 1)
    parts = [b"\x78\x01"]
    for start in range(0, len(framed), _STORED_BYTES):
        block = framed[start : start + _STORED_BYTES]
        is_last = start + _STORED_BYTES >= len(framed)
        size = len(block)
        parts += [bytes([is_last]), size.to_bytes(2, "little"), (size ^ _STORED_BYTES).to_bytes(2, "little"), block]
    parts.append(zlib.adler32(framed).to_bytes(4))
    return b"".join(parts)


def _rename(temporary: str, directory: str, name: str) -> None:
    try:
        os.replace(temporary, f"{directory}/{name}")  # noqa: PTH105 - five times a record, and a Path is slow
    except FileNotFoundError:
        os.makedirs(directory, exist_ok=True)  # noqa: PTH103 - as above
        os.replace(temporary, f"{directory}/{name}")  # noqa: PTH105 - as above
