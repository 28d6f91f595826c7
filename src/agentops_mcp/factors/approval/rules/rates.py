"""How approving goes: the share that was approved, and decisions that came before anybody could have read."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentops_mcp.factors.approval.rules.settings import Settings

LEAST = 10
"""With fewer decisions a share says nothing."""

_FEW, _ALL = 0.50, 1.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One decision: what was decided, and the seconds between its being shown and decided, where that is known."""

    decision: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Rates:
    """Figures over some decisions, each with its n, and what is to be said about them."""

    n: int
    approved: int
    rejected: int
    revised: int
    timed: int
    """The decisions of which the reading time is known."""

    hasty: int
    """Of these, the ones that came sooner than a review takes."""

    median_s: float | None
    flags: tuple[str, ...]


def rates(taken: Sequence[Taken], settings: Settings) -> Rates:
    """The figures over these decisions."""
    counts = {name: sum(each.decision == name for each in taken) for name in ("approve", "reject", "revise")}
    seconds = sorted(each.seconds for each in taken if each.seconds is not None)
    hasty = sum(each < settings.review.total_seconds() for each in seconds)
    flags: list[str] = []
    if len(taken) >= LEAST:
        share = counts["approve"] / len(taken)
        if share >= _ALL:
            flags.append(f"everything was approved (n = {len(taken)}): is anything really read?")
        elif share < _FEW:
            flags.append(f"{share:.0%} were approved (n = {len(taken)}): the proposals are not what is wanted")
    if hasty:
        limit = settings.review.total_seconds()
        flags.append(f"{hasty} of {len(seconds)} decisions came within {limit:g} s of being shown")
    median = seconds[len(seconds) // 2] if seconds else None
    return Rates(
        len(taken), counts["approve"], counts["reject"], counts["revise"], len(seconds), hasty, median, tuple(flags)
    )
