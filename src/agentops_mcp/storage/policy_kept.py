"""What the sources of the guard's policy came to, kept beside the database so that a hook reads one file."""

import json
import os
import stat
import sys
from collections.abc import Mapping
from typing import Any

from agentops_mcp.storage.machine import Place

KEPT = "guardrails.json"
"""The file's name in the data directory."""

_LARGEST_BYTES = 16 << 20


def read_kept(place: Place) -> dict[str, Any] | None:
    """What was kept, if it is whole and was written here by this person.

    The file names its own inode, so that one which came with a copied or unpacked folder is never believed.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(os.path.join(place.data_dir, KEPT), flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not _is_ours(status) or status.st_size > _LARGEST_BYTES:
                return None
            document = read_document(file.read())
        whole = document["self"] == [status.st_dev, status.st_ino] and _is_whole(document)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return document if whole else None


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
    if texts[:-1]:
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
    temporary = os.path.join(place.data_dir, f".guardrails-{os.getpid()}.tmp")
    try:
        # Outside git the data directory would be a new folder of the person's, made by looking.
        if place.common_dir:
            os.makedirs(place.data_dir, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            file.write(written({**document, "self": [status.st_dev, status.st_ino]}))
        os.replace(temporary, os.path.join(place.data_dir, KEPT))
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            return
