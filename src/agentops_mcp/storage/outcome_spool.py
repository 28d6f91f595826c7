"""How tool calls ended, as hooks saw it: lines of JSON beside the database, until the ledger takes them.

A hook can not open the database in its time, so it leaves a line; whoever opens the database next takes them all.
"""

import json
import os
from collections.abc import Mapping
from typing import Any, cast

SPOOL = "outcomes.jsonl"
_LARGEST_BYTES = 1 << 20
_LARGEST_LINE_BYTES = 8 << 10
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)


def leave(data_dir: str, outcome: Mapping[str, Any]) -> bool:
    """Add one outcome, which holds no secret; False when it was not kept.

    At 1 MiB the spool is full and outcomes are dropped: nobody has taken any for thousands of calls.
    """
    line = json.dumps(outcome, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
    if len(line) > _LARGEST_LINE_BYTES:
        return False
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | _NO_LINK | _BINARY
        descriptor = os.open(os.path.join(data_dir, SPOOL), flags, 0o600)
    except OSError:
        return False
    try:
        if os.fstat(descriptor).st_size + len(line) > _LARGEST_BYTES:
            return False
        return os.write(descriptor, line) == len(line)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def take(data_dir: str) -> list[dict[str, Any]]:
    """Every outcome left so far, oldest first; they are gone from the spool. Lines that are damaged are passed over.

    A hook that is writing its line in this moment may lose it.
    """
    spool = os.path.join(data_dir, SPOOL)
    taken = f"{spool}.{os.getpid()}"
    try:
        os.replace(spool, taken)
        with os.fdopen(os.open(taken, os.O_RDONLY | _NO_LINK | _BINARY), "rb") as file:
            lines = file.read(_LARGEST_BYTES).splitlines()
        os.unlink(taken)
    except OSError:
        return []
    return [outcome for line in lines if (outcome := _read(line)) is not None]


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        outcome = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", outcome) if isinstance(outcome, dict) else None
