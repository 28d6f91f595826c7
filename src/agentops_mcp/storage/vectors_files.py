"""The files of a local vector index: which build of it is valid, how far it goes, and the rows added last.

`state.json` names the folder of the valid build, in which `store/` is Chroma's and `recent-N` the rows added last, from
which processes that hold the vectors in memory learn of them without opening the store. The state is replaced as a
whole, so it is read without a lock; everything else, writing it included, is done under one.
"""

import errno
import json
import os
import re
import secrets
import shutil
import stat
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from agentops_mcp.storage.vectors_values import Vector

FORMAT = 1
"""Of everything in the directory; one of another format is begun anew."""

_STATE = "state.json"
_STATE_BYTES = 1 << 20
_BUILD = re.compile(r"[0-9a-f]{16}")
_PART_BYTES = 8 << 20
_HEADER = struct.Struct("<II")  # checksum of the rest, bytes of the id
_REPLACE_TRIES = 50
_REPLACE_PAUSE_S = 0.002
_NOT_A_FILE = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO}
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class State:
    """What is valid in the directory."""

    build: str
    model: str
    dimension: int
    through: int
    """The number in the ledger up to which documents are in."""

    part: int = 0
    length: int = 0
    """How many bytes of the part of the recent rows are valid."""

    busy: bool = False
    """Somebody is inside the store, or died there."""

    files: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    """Size and time of change of each of the store's files when it was closed."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has read the recent rows of a build."""

    build: str
    part: int
    length: int


class VectorFiles:
    """The directory of one index. It touches nothing outside of it and follows no links."""

    def __init__(self, directory: Path, *, model: str, dimension: int) -> None:
        self._directory = directory
        self._model = model
        self._dimension = dimension

    def state(self) -> State | None:
        """What is valid; None when nothing is, or only for another model.

        Raises:
            OSError: the directory is a link or no directory, or can not be read.
        """
        if not self._is_there():
            return None
        try:
            state = _state(json.loads(_read(self._directory / _STATE, 0, _STATE_BYTES)))
        except (ValueError, TypeError, RecursionError):
            return None
        except OSError as error:
            if error.errno in _NOT_A_FILE:
                return None
            raise
        return state if (state.model, state.dimension) == (self._model, self._dimension) else None

    def write(self, state: State) -> None:
        """Replace what is valid.

        Raises:
            OSError: the directory can not be written.
        """
        new = self._directory / f"{_STATE}.new"
        _remove(new)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            files = [(name, *times) for name, times in state.files.items()]
            json.dump({"format": FORMAT, **asdict(state), "files": files}, file)
        for attempt in range(_REPLACE_TRIES):
            try:
                os.replace(new, self._directory / _STATE)  # noqa: PTH105 - Path.replace would be the same call
                return
            except PermissionError:  # on Windows, while somebody reads it
                if attempt == _REPLACE_TRIES - 1:
                    raise
                time.sleep(_REPLACE_PAUSE_S)

    def store(self, state: State) -> Path:
        """Chroma's own folder."""
        return self._directory / state.build / "store"

    def is_intact(self, state: State) -> bool:
        """Whether the store's files are what they were when it was closed."""
        try:
            return self.files(state) == state.files
        except OSError:
            return False

    def files(self, state: State) -> dict[str, tuple[int, int]]:
        """Size and time of change of each of the store's files; a size of -1 for what is neither file nor folder.

        Raises:
            OSError: the folder is not there.
        """
        store = self.store(state)
        if not (_is_folder(store.parent) and _is_folder(store)):
            raise FileNotFoundError("the store is not there")
        return dict(_files(store, ""))

    def begin_anew(self) -> State:
        """Delete what is there of the index and make the folder of a new, empty build.

        Raises:
            OSError: the directory is a link or no directory, or can not be written.
        """
        if not self._is_there():
            self._directory.mkdir(parents=True, exist_ok=True)
        for path in list(self._directory.iterdir()):
            if _BUILD.fullmatch(path.name) or path.name.startswith(_STATE):
                _remove(path)
        state = State(secrets.token_hex(8), self._model, self._dimension, 0, busy=True)
        self.store(state).mkdir(parents=True)
        self.write(state)
        return state

    def append(self, state: State, rows: Mapping[str, "Vector"]) -> tuple[int, int]:
        """Put rows behind the valid ones; the part and its length to be written to the state.

        Raises:
            OSError: the part can not be written, or is shorter than it was.
        """
        part, length = state.part, state.length
        if length > _PART_BYTES:
            _remove(self._part(state.build, part - 1))
            part, length = part + 1, 0
            _remove(self._part(state.build, part))
        data = b"".join(_packed(identifier, vector) for identifier, vector in rows.items())
        descriptor = os.open(self._part(state.build, part), os.O_RDWR | os.O_CREAT | _NO_FOLLOW, 0o666)
        with os.fdopen(descriptor, "r+b") as file:
            if file.seek(0, os.SEEK_END) < length:
                raise OSError("the rows added last have become fewer")
            file.truncate(length)  # what a process that died here has left
            file.seek(length)
            file.write(data)
        return part, length + len(data)

    def recent(self, state: State, since: Position) -> list[tuple[str, "Vector"]] | None:
        """The rows added since; None when only the store has them all."""
        if since.build != state.build or not 0 <= state.part - since.part <= 1:
            return None
        try:
            if since.part == state.part:
                return self._rows(state.build, state.part, since.length, state.length)
            before = self._rows(state.build, since.part, since.length, None)
            return before + self._rows(state.build, state.part, 0, state.length)
        except (OSError, ValueError, struct.error):
            return None

    def _rows(self, build: str, part: int, start: int, end: int | None) -> list[tuple[str, "Vector"]]:
        data = _read(self._part(build, part), start, None if end is None else end - start)
        if end is not None and len(data) != end - start:
            raise ValueError("the part is too short")
        return list(_unpacked(data, self._dimension))

    def _part(self, build: str, part: int) -> Path:
        return self._directory / build / f"recent-{part}"

    def _is_there(self) -> bool:
        try:
            found = os.lstat(self._directory)
        except FileNotFoundError:
            return False
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError("it is a link or no directory")
        return True


def _state(found: object) -> State:
    match cast("dict[str, object]", found):
        case {
            "format": int(version), "build": str(build), "model": str(model), "dimension": int(dimension),
            "through": int(through), "part": int(part), "length": int(length), "busy": bool(busy), "files": files,
        }:  # fmt: skip
            times = {str(name): (int(size), int(at)) for name, size, at in cast("list[tuple[str, int, int]]", files)}
            state = State(build, model, dimension, through, part, length, busy, times)
        case _:
            raise ValueError("not a state")
    if version != FORMAT or not _BUILD.fullmatch(build) or min(through, part, length) < 0:
        raise ValueError("not a state of this format")
    return state


def _packed(identifier: str, vector: "Vector") -> bytes:
    name = identifier.encode()
    rest = name + vector.astype("<f4", copy=False).tobytes()
    return _HEADER.pack(zlib.crc32(rest), len(name)) + rest


def _unpacked(data: bytes, dimension: int) -> Iterator[tuple[str, "Vector"]]:
    import numpy as np

    place = 0
    while place < len(data):
        checksum, named = _HEADER.unpack_from(data, place)
        place += _HEADER.size
        rest = data[place : place + named + dimension * 4]
        if zlib.crc32(rest) != checksum or len(rest) != named + dimension * 4:
            raise ValueError("a row is damaged")
        yield rest[:named].decode(), np.frombuffer(rest, dtype="<f4", offset=named)
        place += len(rest)


def _read(path: Path, start: int, count: int | None) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _NO_FOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is not a regular file")
        file.seek(start)
        return file.read() if count is None else file.read(count)


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for entry in os.scandir(folder):
        found = os.lstat(entry.path)  # what Windows says of an entry can be old
        if stat.S_ISDIR(found.st_mode):
            yield from _files(Path(entry.path), f"{prefix}{entry.name}/")
        elif stat.S_ISREG(found.st_mode):
            yield prefix + entry.name, (found.st_size, found.st_mtime_ns)
        else:
            yield prefix + entry.name, (-1, 0)


def _is_folder(path: Path) -> bool:
    with suppress(OSError):
        return stat.S_ISDIR(os.lstat(path).st_mode)
    return False


def _remove(path: Path) -> None:
    """Delete a file, a link (not what it points to) or a folder with all that is in it; what cannot be stays."""
    with suppress(OSError):
        if _is_folder(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
