"""UUIDv7 identifiers: unique across machines, sorted by time of creation; and what git's ids look like."""

import os
import re
import threading
import time
import uuid
from datetime import UTC, datetime

_COUNTER_BITS = 42
_YEAR_10000_MS = 253_402_300_800_000


class _Uuid7:
    """A monotonic UUIDv7 generator (RFC 9562 §6.2, method 1: a counter under the millisecond)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millis = 0
        self._counter = 0

    def __call__(self) -> str:
        millis = time.time_ns() // 1_000_000
        with self._lock:
            if millis > self._millis:
                # The top bit starts clear, so the counter has room to grow within the millisecond.
                self._millis, self._counter = millis, int.from_bytes(os.urandom(6)) >> 7
            else:  # same millisecond, or the clock stepped back: keep the order of creation
                self._counter += 1
                if self._counter >> _COUNTER_BITS:
                    self._millis, self._counter = self._millis + 1, 0
            millis, counter = self._millis, self._counter
        high, low = counter >> 30, counter & 0x3FFF_FFFF
        value = millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low << 32 | int.from_bytes(os.urandom(4))
        return str(uuid.UUID(int=value))


new_id = _Uuid7()
"""A new UUIDv7 as text; later calls in this process always sort after earlier ones."""


def is_id(text: str) -> bool:
    """Whether `text` is a UUIDv7 in its canonical lower-case form, of an instant that a datetime can hold."""
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return False
    return parsed.version == 7 and str(parsed) == text and parsed.int >> 80 < _YEAR_10000_MS


_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def is_oid(text: str) -> bool:
    """Whether this is the full id of a git object, and so nothing else git could take it for."""
    return bool(_OID.fullmatch(text))


def created_at(identifier: str) -> datetime:
    """The instant a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((uuid.UUID(identifier).int >> 80) / 1000, UTC)
