"""Times as people write them: a date, a time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError

_AGO = re.compile(r"(\d{1,5})\s*(min|h|d|w)", re.ASCII)
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def since_of(text: str, now: datetime) -> str:
    """The time in the ledger's form (UTC, ISO 8601); empty for an empty text.

    Raises:
        InvalidInputError: it is neither a date, a time nor an age such as 7d.
    """
    text = text.strip()
    if not text:
        return ""
    try:
        ago = _AGO.fullmatch(text)
        then = now - int(ago[1]) * _UNITS[ago[2]] if ago else datetime.fromisoformat(text)
        then = then.replace(tzinfo=UTC) if then.tzinfo is None else then.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInputError(
            f"since={gist(text, limit=40)!r} is no time.",
            remedy="Give a date like 2026-03-01, or an age like 7d or 12h.",
        ) from error
    return then.isoformat(timespec="microseconds")
