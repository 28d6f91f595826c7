"""Where a request stands: folded from what was decided about it, in whatever order that arrived."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agentops_mcp.factors.approval.rules.settings import CRITICAL_FLOOR, STRENGTHS, Settings, Strength
from agentops_mcp.factors.approval.rules.subjects import Finding

Decision = Literal["approve", "reject", "revise"]
Status = Literal["pending", "approved", "rejected", "revise", "expired", "used", "lapsed"]

DECISIONS: tuple[Decision, ...] = ("approve", "revise", "reject")
"""From the mildest; where two were given apart, the strictest stands."""

_BECOMES: dict[Decision, Status] = {"approve": "approved", "reject": "rejected", "revise": "revise"}
_CHANNELS: dict[str, Strength] = {"elicitation": "client", "page": "page", "cli": "terminal"}


@dataclass(frozen=True, slots=True)
class Decided:
    """One person's decision."""

    id: str
    decision: Decision
    by: str
    """Who: `person NAME`, or `client NAME` where only a client's word vouches for a person."""

    strength: Strength
    at: datetime
    feedback: str = ""
    here: bool = True
    """Whether it was given to this database, and did not come from another clone."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A request's status, and the decision that made it so."""

    status: Status
    last: Decided | None = None
    approvals: tuple[Decided, ...] = ()
    """Those that count so far, by different persons; two are needed where two people are."""


def strength_of(via: str) -> Strength | None:
    """How strong a channel is; None for one by which nobody decides (a tool call)."""
    return _CHANNELS.get(via)


def floor_of(findings: Iterable[Finding], settings: Settings) -> Strength:
    """What the findings need at the least: by severity, by effect, and never a client's word for a critical one."""
    needed: list[Strength] = ["client"]
    for finding in findings:
        needed.append(settings.by_severity.get(finding.severity, CRITICAL_FLOOR))
        needed.append(settings.by_effect.get(finding.effect, "client"))
        if finding.severity == "critical":
            needed.append(CRITICAL_FLOOR)
    return max(needed, key=STRENGTHS.index)


def suffices(given: Strength, floor: Strength) -> bool:
    """Whether one decision by this channel counts towards the floor; for two people each must be page or terminal."""
    least: Strength = "page" if floor == "two_people" else floor
    return STRENGTHS.index(given) >= STRENGTHS.index(least)


def fold(
    decisions: Sequence[Decided], *, floor: Strength, requester: str, expires_at: datetime, used: bool,
    now: datetime, lasts_s: float, accept_elsewhere: bool = False,
) -> Fold:  # fmt: skip
    """Where a request stands.

    A rejection stands whoever gave it and wherever; an approval counts only from another than the requester, by a
    channel strong enough, before the request expired, and from this database unless `accept_elsewhere`.
    """
    if used:
        gave = tuple(sorted((each for each in decisions if each.decision == "approve"), key=_order))
        return Fold("used", _newest(gave), gave)
    for decision in reversed(DECISIONS[1:]):
        if found := [each for each in decisions if each.decision == decision and each.at <= expires_at]:
            return Fold(_BECOMES[decision], _newest(found))
    counted = [
        each for each in decisions
        if each.decision == "approve" and each.by != requester and each.at <= expires_at
        and suffices(each.strength, floor) and (each.here or accept_elsewhere)
    ]  # fmt: skip
    by_person = tuple({each.by: each for each in sorted(counted, key=_order)}.values())
    if len(by_person) >= (2 if floor == "two_people" else 1):
        last = _newest(by_person)
        lapsed = last is not None and (now - last.at).total_seconds() > lasts_s
        return Fold("lapsed" if lapsed else "approved", last, by_person)
    return Fold("pending" if now <= expires_at else "expired", _newest(by_person), by_person)


def _newest(decisions: Sequence[Decided]) -> Decided | None:
    return max(decisions, key=_order, default=None)


def _order(decided: Decided) -> tuple[datetime, str]:
    return decided.at, decided.id
