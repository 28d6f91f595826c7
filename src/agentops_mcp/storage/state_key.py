"""The key that seals what a client carries between two calls: one for a project on a machine, for every process."""

import json
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Any

from agentops_mcp.core.errors import StorageError
from agentops_mcp.storage.locking import exclusive

NAME = "request-state.key"
"""The file's name in the data directory."""

_KEY_BYTES = 32
_LARGEST_BYTES = 1_000
_LOCKED_S = 10.0


def read_key(data_dir: Path) -> bytes | None:
    """The key that was kept, if it is whole, was made in this place, and is this person's alone.

    The file names its own inode: one that came with a copied or unpacked folder is known to others, and is no key.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(data_dir / NAME, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not _is_mine(status) or status.st_size > _LARGEST_BYTES:
                return None
            document: Any = json.loads(file.read())
        key = bytes.fromhex(document["key"])
        return key if document["self"] == [status.st_dev, status.st_ino] and len(key) == _KEY_BYTES else None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def kept_key(data_dir: Path) -> bytes:
    """The key, made when there is none; processes that ask at once agree on one.

    Raises:
        StorageError: it can not be kept.
    """
    if (key := read_key(data_dir)) is not None:
        return key
    try:
        with exclusive(data_dir / f"{NAME}.lock", timeout_s=_LOCKED_S):
            return read_key(data_dir) or _made(data_dir)
    except (OSError, TimeoutError) as error:
        raise StorageError(
            f"The key of request states can not be kept: {error}.",
            remedy="Make the data directory writable; `agentops-mcp doctor` names it.",
        ) from error


def _made(data_dir: Path) -> bytes:
    """A new key, written whole or not at all."""
    key = secrets.token_bytes(_KEY_BYTES)
    temporary = data_dir / f".{NAME}-{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)  # of a process of this number that died
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="ascii") as file:
            status = os.fstat(file.fileno())
            file.write(json.dumps({"self": [status.st_dev, status.st_ino], "key": key.hex()}))
        temporary.replace(data_dir / NAME)
    finally:
        temporary.unlink(missing_ok=True)
    return key


def _is_mine(status: os.stat_result) -> bool:
    if not stat.S_ISREG(status.st_mode):
        return False
    return sys.platform == "win32" or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)
