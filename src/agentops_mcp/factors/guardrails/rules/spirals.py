"""Spirals: the same failing call again and again, or failure after failure, told from recent call records.

Three failures in a row and five equal ones in ten minutes are the limits of the twelve-factor text on fail-safe checks.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from agentops_mcp.core.display import gist
from agentops_mcp.factors.guardrails.rules.notices import Notice

CONSECUTIVE = 3
IDENTICAL = 5
WINDOW = timedelta(minutes=10)


class Past(NamedTuple):
    """A call that was made."""

    at: datetime
    tool: str
    signature: str
    shown: str
    ok: bool
    error: str = ""
    session: str | None = None
    n: int = 0
    """Tells it from a call at the same instant; later ones have larger numbers."""


class Spiral(NamedTuple):
    """A spiral that stands."""

    kind: Literal["consecutive", "identical"]
    failures: int
    signatures: frozenset[str]
    """Of the failed calls in it."""

    shown: str
    """The last of them."""

    error: str
    until: datetime
    """When it ends by time alone."""


def consecutive(calls: Sequence[Past], *, now: datetime) -> Spiral | None:
    """Whether the newest calls of one session all failed; `calls` are in the order in which they were made.

    A success ends it, and so do ten minutes without another failure.
    """
    failed: list[Past] = []
    for call in reversed(calls):
        if call.ok:
            break
        failed.append(call)
    return _spiral("consecutive", failed) if len(failed) >= CONSECUTIVE and _stands(failed[0], now) else None


def identical(calls: Sequence[Past], signature: str, *, now: datetime) -> Spiral | None:
    """Whether a call failed five times within ten minutes, the edge included, whatever succeeded in between.

    `calls` are in the order in which they were made.

    The window slides: it ends at the newest failure, so five failures are found wherever they lie. A success after
    that failure ends the spiral, and so do ten minutes without another.
    """
    failed = [call for call in calls if not call.ok and call.signature == signature]
    if not failed:
        return None
    newest = failed[-1]
    inside = [call for call in failed if newest.at - call.at <= WINDOW]
    if len(inside) < IDENTICAL or not _stands(newest, now):
        return None
    if any(call.ok for call in calls[calls.index(newest) + 1 :]):
        return None
    return _spiral("identical", inside[::-1])


def notices(spirals: Sequence[Spiral], signature: str) -> list[Notice]:
    """What these spirals say about a call: the same again is asked about, anything else is told of them."""
    found: list[Notice] = []
    for each in spirals:
        repeats = signature in each.signatures
        again = "this call would be the same again" if repeats else "this call is another"
        found.append(
            Notice(
                f"runtime.spiral-{each.kind}",
                "ask" if repeats else "allow",
                "medium" if repeats else "low",
                f"{_what(each)}; {again}.",
                "Stop and read the error, look for what is different from what you think, or ask a person; "
                "another way that succeeds ends this.",
            )
        )
    return found


def _what(spiral: Spiral) -> str:
    last = f"`{gist(spiral.shown, limit=80)}`" + (f": {gist(spiral.error, limit=100)}" if spiral.error else "")
    if spiral.kind == "identical":
        return f"The same call failed {spiral.failures} times within {WINDOW.seconds // 60} minutes, {last}"
    return f"The last {spiral.failures} calls failed, the latest {last}"


def _stands(newest: Past, now: datetime) -> bool:
    return now - newest.at <= WINDOW


def _spiral(kind: Literal["consecutive", "identical"], newest_first: Sequence[Past]) -> Spiral:
    last = newest_first[0]
    signatures = frozenset(call.signature for call in newest_first)
    return Spiral(kind, len(newest_first), signatures, last.shown, last.error, last.at + WINDOW)
