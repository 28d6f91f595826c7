"""Missions: their states and legal moves, and who holds them; decisions over plain values, no I/O."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError

State = Literal[
    "prep", "queued", "held_approval", "held_quota", "launching", "active", "complete", "failed", "aborted"
]  # fmt: skip
Reason = Literal[
    "user_request", "scheduler", "agent_ready", "completion", "failure", "timeout", "quota_exceeded", "rate_limit",
    "approval_needed", "approval_given",
]  # fmt: skip

# The two holds wait for different things, a person and a budget: from one to the other only through the queue.
_LEGAL: dict[State, tuple[State, ...]] = {
    "prep": ("queued", "aborted"),
    "queued": ("held_approval", "held_quota", "launching", "aborted"),
    "held_approval": ("queued", "launching", "aborted", "failed"),
    "held_quota": ("queued", "launching", "aborted", "failed"),
    "launching": ("active", "queued", "failed", "aborted"),
    "active": ("held_approval", "held_quota", "complete", "failed", "aborted"),
    "complete": (),
    "failed": (),
    "aborted": (),
}
OPEN: tuple[State, ...] = tuple(state for state, moves in _LEGAL.items() if moves)

_OVERDUE_AFTER: dict[State, timedelta] = {
    "held_approval": timedelta(minutes=30),
    "held_quota": timedelta(minutes=30),
    "launching": timedelta(seconds=30),
}

LEASE = timedelta(minutes=30)
# With less than this left a holder's call renews: not every call writes, and a call a quarter of an hour is enough.
_RENEW_BELOW = timedelta(minutes=20)

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Feature:
    """A part of a mission that can be shown to work; only `passes` ever changes, with evidence."""

    id: str
    description: str
    steps: tuple[str, ...]
    passes: bool = False
    evidence: str = ""
    in_progress_by: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A move that was made, or one that came too late to be legal: `refused` says why it was not applied."""

    at: str
    client: str
    from_state: str
    to_state: str
    reason: str
    details: str
    refused: str | None


@dataclass(frozen=True, slots=True)
class Mission:
    """A goal, where work towards it stands, and how it came there (oldest move first)."""

    id: str
    goal: str
    opened_at: str
    opened_by: str
    features: tuple[Feature, ...]
    state: State = "prep"
    since: str = ""
    history: tuple[Move, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether any move is left."""
        return self.state in OPEN

    @property
    def failing(self) -> tuple[Feature, ...]:
        """The features that do not pass yet."""
        return tuple(feature for feature in self.features if not feature.passes)


@dataclass(frozen=True, slots=True)
class Lease:
    """A session's hold on a mission, until it runs out."""

    session: str
    client: str
    until: str
    took_over_from: str | None = None

    @property
    def holder(self) -> str:
        """Who it is, in words."""
        return f"{gist(self.client, limit=60)} (session {gist(self.session, limit=60)})"


@dataclass(frozen=True, slots=True)
class Standing:
    """A mission, who holds it now if anybody does, and what is worth knowing beside."""

    mission: Mission
    lease: Lease | None
    notes: tuple[str, ...] = ()


def needed_reasons(from_state: State, to_state: State) -> tuple[Reason, ...]:
    """The reasons of which such a move must give one; empty when any will do."""
    if to_state == "held_approval":
        return ("approval_needed",)
    if to_state == "held_quota":
        return ("quota_exceeded", "rate_limit")
    if from_state == "held_approval" and to_state in ("queued", "launching"):
        return ("approval_given", "user_request")
    return ()


def legal_moves(state: State) -> str:
    """The moves that are left from a state, with the reasons they need, as one sentence."""
    if state not in OPEN:
        return f'{state} is final: track_mission op="open" begins another mission.'
    ways: list[str] = []
    for to_state in _LEGAL[state]:
        needed = needed_reasons(state, to_state)
        ways.append(f"{to_state} (reason {' or '.join(needed)})" if needed else to_state)
    return f"From {state}: {', '.join(ways)}."


def check_move(mission: Mission, to_state: str, reason: str) -> State:
    """The state a legal move leads to.

    Raises:
        InvalidInputError: it is not legal from here, or not for this reason.
    """
    remedy = legal_moves(mission.state)
    legal: State | None = next((state for state in _LEGAL[mission.state] if state == to_state), None)
    if legal is None:
        raise InvalidInputError(
            f"A mission cannot move from {mission.state} to {gist(to_state, limit=40) or 'nowhere'}.", remedy=remedy
        )
    if reason not in get_args(Reason):
        raise InvalidInputError(
            f"A move needs a reason; {gist(reason, limit=40)!r} is none.", remedy=f"Use {', '.join(get_args(Reason))}."
        )
    needed = needed_reasons(mission.state, legal)
    if needed and reason not in needed:
        raise InvalidInputError(
            f"A move from {mission.state} to {legal} needs reason {' or '.join(needed)}, not {reason}.", remedy=remedy
        )
    if legal == "complete" and mission.failing:
        raise InvalidInputError(
            f"This would be a premature victory: {len(mission.failing)} of {len(mission.features)} features do not "
            f"pass: {_named(mission.failing)}.",
            remedy='Prove each with track_mission op="set_feature", passes and evidence, or move to failed or aborted.',
        )
    return legal


def overdue(mission: Mission, now: datetime) -> str | None:
    """What to say of a mission that has stood too long where it should only pass; None when it has not."""
    limit = _OVERDUE_AFTER.get(mission.state)
    waited = now - datetime.fromisoformat(mission.since)
    if limit is None or waited <= limit:
        return None
    remedy = {
        "held_approval": "ask the person again or move it on",
        "held_quota": "see whether there is quota again, or move it on",
        "launching": "see whether the agent runs; if not, move it back to queued",
    }[mission.state]
    return f"{mission.state} for {_duration(waited)}, where {_duration(limit)} is the limit: {remedy}."


def require_open(mission: Mission) -> None:
    """Accept a mission that can still change.

    Raises:
        InvalidInputError: it is complete, failed or aborted.
    """
    if not mission.is_open:
        raise InvalidInputError(f"Mission {mission.id} cannot change any more.", remedy=legal_moves(mission.state))


def is_live(lease: Lease | None, now: datetime) -> bool:
    """Whether a lease holds at this instant."""
    return lease is not None and datetime.fromisoformat(lease.until) > now


def needs_renewal(lease: Lease, now: datetime) -> bool:
    """Whether a holder's call should extend its lease."""
    return datetime.fromisoformat(lease.until) - now < _RENEW_BELOW


def id_after(fresh: str, newest: str) -> str:
    """`fresh`, or where another machine's clock runs ahead, an id like it that sorts after `newest`.

    Events of a mission are told apart in time by their ids, so what was decided knowing an event must sort after it.
    """
    if fresh > newest:
        return fresh
    millis = (uuid.UUID(newest).int >> 80) + 1
    return str(uuid.UUID(int=millis << 80 | uuid.UUID(fresh).int & (1 << 80) - 1))


def _named(features: Sequence[Feature]) -> str:
    names = [f"{feature.id} {gist(feature.description, limit=60)}" for feature in features[:_NAMED]]
    more = len(features) - len(names)
    return "; ".join([*names, f"{more} more"] if more else names)


def _duration(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
