"""What speaks for and against each pattern, from the ledger: its stage, its decay, and the library's health."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.ids import is_id
from agentops_mcp.core.records import Event
from agentops_mcp.factors.mining.rules import stages
from agentops_mcp.factors.mining.rules.hits import Reputation
from agentops_mcp.factors.mining.rules.library import Member
from agentops_mcp.factors.mining.rules.patterns import Pattern
from agentops_mcp.factors.mining.rules.stages import Evidence, Health, Use
from agentops_mcp.factors.mining.service.starters import Starter
from agentops_mcp.factors.mining.store import documents, patterns
from agentops_mcp.factors.mining.store.patterns import Citation, Known
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import Ledger

WINDOW_DAYS = 90
"""How far the health of the library looks back."""


class SessionTimes(Protocol):
    """What evidence asks of sessions."""

    def goals(self) -> Mapping[str, str]:
        """The goal of every session by its handle."""
        ...

    def started_after(self, at: str) -> int:
        """How many sessions began later than this time."""
        ...


@dataclass(frozen=True, slots=True)
class _Facts:
    known: Sequence[Known]
    citations: Mapping[str, Sequence[Citation]]
    shown: Mapping[str, int]
    cited_events: Mapping[str, Event]
    goals: Mapping[str, str]


class LibraryEvidence:
    """Computes stages. What it found is kept until a pattern is saved, cited or shown again."""

    def __init__(
        self, ledger: Ledger, sessions: SessionTimes, starters: Callable[[], Sequence[Starter]], *, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._starters = starters
        self._clock = clock
        self._kept: tuple[tuple[int, ...], Mapping[str, Member]] | None = None

    def members(self) -> Mapping[str, Member]:
        """Every pattern of the project and of the starter library by name; the project's own replace those."""
        with self._ledger.read() as tx:
            version = (*patterns.version(tx), self._sessions.started_after(""))
            if self._kept is not None and self._kept[0] == version:
                return self._kept[1]
            facts = self._facts(tx)
        members = {each.pattern.name: self._member(each.pattern, facts, "") for each in self._starters()}
        members |= {each.pattern.name: self._member(each.pattern, facts, each.first_at) for each in facts.known}
        self._kept = version, members
        return members

    def trial(self, pattern: Pattern) -> Member:
        """How a pattern would do that is not saved, by the evidence there is for its name."""
        with self._ledger.read() as tx:
            facts = self._facts(tx, [pattern])
        return self._member(pattern, facts, self._clock().isoformat())

    def reputations(self) -> Mapping[str, Reputation]:
        """What search asks for, by ref."""
        return {
            f"pattern/{name}": Reputation(
                stage=member.maturity.stage,
                evidence=member.maturity.sessions + member.maturity.failed,
                worked=member.maturity.worked,
                failed=member.maturity.failed,
                successor=member.pattern.successor,
                is_starter=not member.saved_at,
            )
            for name, member in self.members().items()
        }  # fmt: skip

    def health(self) -> Health:
        """The library's figures over the last `WINDOW_DAYS` days; starters count once they were shown."""
        since = (self._clock() - timedelta(days=WINDOW_DAYS)).isoformat()
        with self._ledger.read() as tx:
            shown = patterns.shown(tx, since=since)
            cited = {each.name for each in patterns.citations(tx) if each.at >= since}
        members = [each for each in self.members().values() if each.saved_at or each.shown or each.cited]
        return stages.library_health(
            [
                Use(
                    each.maturity.stage, each.decay, each.pattern.name in shown, each.pattern.name in cited,
                    is_new=each.saved_at >= since,
                )
                for each in members
            ],
            window_days=WINDOW_DAYS,
        )  # fmt: skip

    def _facts(self, tx: Transaction, more: Sequence[Pattern] = ()) -> _Facts:
        known = patterns.every(tx)
        citations: dict[str, list[Citation]] = {}
        for citation in patterns.citations(tx):
            citations.setdefault(citation.name, []).append(citation)
        every = [*(one.pattern for one in known), *more]
        ids = [each for pattern in every for each in pattern.evidence if is_id(each)]
        return _Facts(known, citations, patterns.shown(tx), documents.events_by_id(tx, ids), self._sessions.goals())

    def _member(self, pattern: Pattern, facts: _Facts, saved_at: str) -> Member:
        citations = facts.citations.get(pattern.name, ())
        shown = facts.shown.get(pattern.name, 0)
        evidence = [*_sources(pattern, facts, saved_at), *(_reported(each, facts) for each in citations)]
        last = max((each.at for each in citations if each.outcome != "unused"), default=None)
        return Member(
            pattern,
            stages.maturity(
                [each for each in evidence if each is not None], shown_in=shown,
                deprecated=pattern.status == "deprecated",
            ),
            stages.standing(
                None if last is None else self._sessions.started_after(last),
                saved_sessions_ago=self._sessions.started_after(saved_at), shown=shown,
            ),
            shown, len(citations), saved_at,
        )  # fmt: skip


def _sources(pattern: Pattern, facts: _Facts, saved_at: str) -> list[Evidence]:
    """The records a pattern was made from. A commit is a context of its own."""
    found: list[Evidence] = []
    for each in pattern.evidence:
        event = facts.cited_events.get(each)
        if event is not None:
            found.append(Evidence(event.session, facts.goals.get(event.session or "", ""), event.at, "seen"))
        elif not is_id(each):
            found.append(Evidence(None, f"commit {each}", saved_at, "seen"))
    return found


def _reported(citation: Citation, facts: _Facts) -> Evidence | None:
    if citation.outcome == "unused":
        return None
    context = facts.goals.get(citation.session or "", "") or citation.place
    return Evidence(citation.session, context, citation.at, citation.outcome)
