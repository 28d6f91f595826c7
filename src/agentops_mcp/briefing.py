"""What opens a session's brief, in the words of factor VI: entries, what waits for a person, patterns that fit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import gist
from agentops_mcp.factors.approval.store import requests as request_store
from agentops_mcp.factors.mining.rules.fusion import Query, Statistics
from agentops_mcp.factors.mining.rules.terms import terms
from agentops_mcp.factors.mining.store import patterns as pattern_store
from agentops_mcp.factors.resume.service.sessions import EntryLine
from agentops_mcp.factors.tracking import store as tracking_store
from agentops_mcp.storage.ledger import Ledger

_LEAST_COVERAGE = 0.25
"""Share of a goal's telling words that a pattern must have to be shown with it."""


@dataclass(frozen=True, slots=True)
class LedgerEntries:
    """Entries in the words of factor VI."""

    ledger: Ledger

    def newest(self, limit: int) -> Sequence[EntryLine]:
        """The newest entries, newest first."""
        with self.ledger.read() as tx:
            events = tracking_store.newest(tx, limit=limit)
        return [
            EntryLine(
                id=event.id,
                kind=event.body["kind"],
                action=event.body["action"],
                learning=event.body["learning"],
                at=event.at,
                client=event.actor["client"],
            )
            for event in events
        ]

    def recorded_in(self, sessions: Sequence[str]) -> frozenset[str]:
        """Those of these sessions in which something was recorded."""
        with self.ledger.read() as tx:
            return tracking_store.recorded_in(tx, sessions)


@dataclass(frozen=True, slots=True)
class LedgerApprovals:
    """What waits for a person, in the words of factor VI."""

    ledger: Ledger
    clock: Clock

    def waiting(self, limit: int) -> Sequence[str]:
        """The requests that nobody decided yet, a line each, the oldest first."""
        with self.ledger.read() as tx:
            found = request_store.open_lines(tx, now=self.clock(), limit=limit)
        return [
            f"approval of {gist(each.summary, limit=120)}, asked {each.requested_at:%Y-%m-%d %H:%M} UTC by "
            f"{gist(each.requester, limit=60)} [check_approval(id='{each.id}')]"
            for each in found
        ]


@dataclass(frozen=True, slots=True)
class LedgerPatterns:
    """The project's patterns in the words of factor VI; by words alone, for a brief loads no model."""

    ledger: Ledger

    def fitting(self, goal: str, limit: int) -> Sequence[str]:
        """The active patterns that speak of a goal, a line each, the likeliest first."""
        with self.ledger.read() as tx:
            patterns = [known.pattern for known in pattern_store.every(tx)]
        active = [each for each in patterns if each.status == "active"]
        words = [terms(f"{each.title} {each.problem} {' '.join(each.tags)}") for each in active]
        counts = Counter(word for each in words for word in set(each))
        statistics = Statistics(len(words), sum(map(len, words)), counts)
        asked = Query(dict.fromkeys(terms(goal)), statistics)
        scored = sorted(
            ((-asked.score(each).coverage, pattern.name, pattern) for each, pattern in zip(words, active, strict=True)),
            key=lambda row: row[:2],
        )
        return [
            f"{gist(pattern.title, limit=120)} [agentops://pattern/{name}]"
            for score, name, pattern in scored[:limit]
            if -score >= _LEAST_COVERAGE
        ]
