"""Reports of a client's hook as they come from its spool: checked one by one, since anybody could have written them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

_LONGEST_NAME = 200
_OLDEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Spooled:
    """A report that can be read; `once` tells it from every other."""

    at: str
    tool: str
    arguments: object
    ok: bool
    error: str
    session: str | None
    once: str


def read_rows(rows: Sequence[Mapping[str, Any]], *, now: datetime) -> tuple[list[Spooled], int]:
    """The reports that can be read, and how many can not."""
    read = [row for row in (_read(each, now) for each in rows) if row is not None]
    return read, len(rows) - len(read)


def _read(row: object, now: datetime) -> Spooled | None:
    if not isinstance(row, Mapping):
        return None
    given = cast("Mapping[str, Any]", row)
    tool, ok, error, session = (given.get(key) for key in ("tool", "ok", "error", "session"))
    error = "" if error is None else error
    if not _is_name(tool) or not isinstance(ok, bool) or not isinstance(error, str):
        return None
    if not (session is None or session == "" or _is_name(session)):
        return None
    at = _instant(given.get("at"), now)
    if at is None:
        return None
    try:
        text = json.dumps(dict(given), sort_keys=True, default=str)
    except (ValueError, TypeError, RecursionError):
        return None
    once = hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:32]
    return Spooled(at, cast("str", tool), given.get("arguments"), ok, error, cast("str", session) or None, once)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def _instant(value: object, now: datetime) -> str | None:
    """The instant in UTC: not in the future, where a clock was set back, and not so old that it says nothing."""
    try:
        found = datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or now - found > _OLDEST:
        return None
    return min(found, now.astimezone(UTC)).isoformat(timespec="microseconds")
