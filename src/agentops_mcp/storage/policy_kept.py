"""What the sources of the guard's policy came to, kept beside the database so that a hook reads one file."""

import json
import os
import stat
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from agentops_mcp.storage.machine import Place

KEPT = "guardrails.json"
"""The file's name in the data directory."""

EXEMPTED = "exemptions.json"
"""What people exempted, beside it."""

PASSES = "passes"
"""A folder of passes beside it: what a person let through, to be let through by a hook once."""

_LARGEST_BYTES = 16 << 20
_PASSES_KEPT_S = 3_600
_MOST_PASSES = 1_000


def read_kept(place: Place) -> dict[str, Any] | None:
    """What was kept, if it is whole and was written here by this person."""
    document = _read(place, KEPT)
    try:
        return document if document is not None and _is_whole(document) else None
    except (LookupError, TypeError, AttributeError):
        return None


def read_exemptions(place: Place) -> list[dict[str, Any]]:
    """What people exempted, as it was kept for hooks; nothing where that can not be believed."""
    document = _read(place, EXEMPTED) or {}
    found: Any = document.get("exemptions")
    return [each for each in cast("list[Any]", found) if isinstance(each, dict)] if isinstance(found, list) else []


def keep_exemptions(place: Place, exemptions: Sequence[Mapping[str, Any]]) -> None:
    """Keep for hooks what people exempted.

    Raises:
        OSError: it can not be written.
    """
    _write(place, EXEMPTED, lambda mine: json.dumps({"self": mine, "exemptions": list(exemptions)}))


def keep_pass(place: Place, key: str, document: Mapping[str, Any]) -> None:
    """Keep a pass for hooks, under a key that names one action; old ones nobody came for are removed.

    Raises:
        OSError: it can not be written.
    """
    folder = os.path.join(place.data_dir, PASSES)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    _sweep(folder)
    _write(place, os.path.join(PASSES, key), lambda mine: json.dumps({**document, "self": mine}))


def has_passes(place: Place) -> bool:
    """Whether there is any pass: the one question that a hook pays for when there is none."""
    try:
        return bool(os.listdir(os.path.join(place.data_dir, PASSES)))
    except OSError:
        return False


def read_pass(place: Place, key: str) -> dict[str, Any] | None:
    """The pass for an action, if it was written here by this person."""
    return _read(place, os.path.join(PASSES, key))


def take_pass(place: Place, key: str) -> bool:
    """Whether the pass is the caller's: of all that come at once, one removes it."""
    try:
        os.unlink(os.path.join(place.data_dir, PASSES, key))
    except OSError:
        return False
    return True


def _sweep(folder: str) -> None:
    old = time.time() - _PASSES_KEPT_S
    for name in os.listdir(folder)[:_MOST_PASSES]:
        path = os.path.join(folder, name)
        try:
            if os.lstat(path).st_mtime < old:
                os.unlink(path)
        except OSError:  # another process was first
            continue


def _read(place: Place, name: str) -> dict[str, Any] | None:
    """A document of ours. It names its own inode, so that one of a copied or unpacked folder is never believed."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(os.path.join(place.data_dir, name), flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not _is_ours(status) or status.st_size > _LARGEST_BYTES:
                return None
            document = read_document(file.read())
        return document if document["self"] == [status.st_dev, status.st_ino] else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def written(document: Mapping[str, Any]) -> str:
    """A policy's document as a file: all but the texts of its rules in the first line, and a line for each text.

    A hook reads the first line, and of hundreds of others only those that it needs.
    """
    data = dict(document["data"])
    texts = data.pop("texts", ())
    return "\n".join([json.dumps({**document, "data": data}, separators=(",", ":")), *texts]) + "\n"


def read_document(content: bytes) -> dict[str, Any]:
    """The document from such a file.

    Raises:
        ValueError, LookupError, TypeError: it is none.
    """
    head, *texts = content.split(b"\n")
    document = json.loads(head)
    if any(texts):
        document["data"]["texts"] = texts[:-1]
    return document


def _is_ours(status: os.stat_result) -> bool:
    if sys.platform == "win32":
        return stat.S_ISREG(status.st_mode)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o022


def _is_whole(document: dict[str, Any]) -> bool:
    kinds = {"made": list, "sources": dict, "problems": list, "version": str, "data": dict}
    return (
        all(isinstance(document[key], kind) for key, kind in kinds.items())
        and all({"seen", "fault", "good"} <= entry.keys() for entry in document["sources"].values())
        and all(len(problem) == 3 for problem in document["problems"])
    )


def keep(place: Place, document: Mapping[str, Any]) -> None:
    """Keep it, whole or not at all. Without a place to keep it, it is made anew each time."""
    try:
        # Outside git the data directory would be a new folder of the person's, made by looking.
        if place.common_dir:
            os.makedirs(place.data_dir, exist_ok=True)
        _write(place, KEPT, lambda mine: written({**document, "self": mine}))
    except OSError:
        return


def _write(place: Place, name: str, text: Callable[[list[int]], str]) -> None:
    """Write a file for this person alone, that names its own inode, in one step."""
    target = os.path.join(place.data_dir, name)
    above, last = os.path.split(target)
    temporary = os.path.join(above, f".{last}-{os.getpid()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            file.write(text([status.st_dev, status.st_ino]))
        os.replace(temporary, target)
    except OSError:
        _discard(temporary)
        raise


def _discard(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
