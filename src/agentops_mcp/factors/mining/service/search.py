"""Steps of search: rank, then say of each hit where it came from and what became of the files it cites."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from agentops_mcp.core.display import gist
from agentops_mcp.core.documents import CitedFile, Document, Reader
from agentops_mcp.core.errors import AgentOpsError, IntegrityError, InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor, Draft, Event
from agentops_mcp.factors.mining.rules.hits import Freshness, Hit, Reputation, Results
from agentops_mcp.factors.mining.rules.terms import LONGEST_QUERY, as_written
from agentops_mcp.factors.mining.service.patterns import KnownSessions
from agentops_mcp.factors.mining.service.ranking import Ranked, Ranking
from agentops_mcp.factors.mining.service.semantic import Loaded, Semantic
from agentops_mcp.factors.mining.store import documents
from agentops_mcp.factors.mining.store.documents import OPEN, Filter, Request
from agentops_mcp.storage.ledger import Ledger

PATIENCE_S = 1.5
"""How long a search waits for the vectors before it answers by words alone."""


class Reputations(Protocol):
    """What search asks of patterns."""

    def reputations(self) -> Mapping[str, Reputation]:
        """The reputation of every pattern by its ref."""
        ...


class Freshnesses(Protocol):
    """What search asks of the worktree."""

    def judge(self, files: Sequence[CitedFile], head: str | None) -> tuple[Freshness, str]:
        """Whether the cited files are as they were, and in a few words what is not."""
        ...


class Search:
    """Finds what the project recorded."""

    def __init__(
        self,
        ledger: Ledger,
        ranking: Ranking,
        semantic: Semantic,
        freshnesses: Freshnesses,
        reputations: Reputations,
        sessions: KnownSessions,
        *,
        readers: Mapping[str, Reader],
        refresh: Callable[[], object],
    ) -> None:
        self._ledger = ledger
        self._ranking = ranking
        self._semantic = semantic
        self._freshnesses = freshnesses
        self._reputations = reputations
        self._sessions = sessions
        self._readers = readers
        self._refresh = refresh

    def search(self, request: Request, *, patience_s: float | None = PATIENCE_S) -> Results:
        """The best hits, by words alone without any patience. What has no vector yet is caught up with later.

        Raises:
            InvalidInputError: the query is empty.
        """
        text = request.text[:LONGEST_QUERY].strip()
        if not text:
            raise InvalidInputError("The query is empty.", remedy="Say in a few words what you want to know.")
        self._refresh()
        reputations = self._reputations.reputations()
        among = _narrowed(request, reputations)
        loaded, reason = self._loaded(patience_s)
        pending = self._behind(loaded) if loaded else 0  # before: what is caught up with meanwhile had no part in it
        ranked, failed = self._ranking.rank(text, among, loaded, reputations)
        reason = reason or failed
        if loaded is not None:
            self._semantic.catch_up_later(pending)  # only now: who indexes holds the index for a moment
        hits = self._hits(ranked[: request.k], reputations, as_written(text))
        with self._ledger.read() as tx:
            total, quarantined = documents.count(tx)
        searched = total - quarantined + len(self._ranking.passing(OPEN, reputations))
        return Results(hits, searched, quarantined, reason, pending)

    def record(self, results: Results, *, actor: Actor, session: str | None) -> None:
        """Keep which patterns were shown, for the health of the library; the query is not kept.

        Raises:
            NotFoundError, ExpiredError: the session's handle is not usable.
        """
        if session is not None:
            self._sessions.require(session)
        shown = [hit.document.ref.partition("/")[2] for hit in results.hits if hit.reputation is not None]
        body = {"hits": len(results.hits), "patterns": shown, "lexical_only": bool(results.lexical_only)}
        draft = Draft(stream="searches", kind=documents.SEARCHED, body=body, tracked=False, session=session)
        self._ledger.append([draft], actor=actor)

    def whole(self, ref: str) -> tuple[Document, Event]:
        """A record as it is found, with its event.

        Raises:
            NotFoundError: there is none of this ref, or it is quarantined.
        """
        with self._ledger.read() as tx:
            found = documents.by_ref(tx, [ref])
            events = documents.events_of(tx, [each.seq for each in found])
        if not found:
            raise NotFoundError(
                f"No record {gist(ref, limit=80)!r} can be found.", remedy="Use a URI that search_knowledge returned."
            )
        event = events[found[0].seq]
        return self._readers[event.kind](event), event

    def complete_note(self, prefix: str, limit: int = 20) -> list[str]:
        """Keys of the newest notes that begin with `prefix`."""
        with self._ledger.read() as tx:
            newest = documents.newest(tx, Filter(kinds=("note",)), limit=200)
        keys = (found.ref.partition("/")[2] for found, _ in newest)
        return [key for key in keys if key.startswith(prefix)][:limit]

    def quarantined(self, *, limit: int = 50) -> list[tuple[str, str, str]]:
        """What is kept from readers: ref, title, and what it looks like."""
        with self._ledger.read() as tx:
            return documents.quarantined(tx, limit=limit)

    def release(self, ref: str, *, actor: Actor) -> None:
        """A person's word that a quarantined record is harmless.

        Raises:
            NotFoundError: nothing of this ref is quarantined.
        """
        with self._ledger.read() as tx:
            hidden = documents.is_quarantined(tx, ref)
        if not hidden:
            raise NotFoundError(
                f"{gist(ref, limit=80)!r} is not quarantined.", remedy="`agentops-mcp search --quarantined` lists it."
            )
        self._ledger.append([documents.release(ref)], actor=actor)

    def complete_tag(self, prefix: str, limit: int = 20) -> list[str]:
        """Known tags that begin with `prefix`."""
        with self._ledger.read() as tx:
            return documents.tags_like(tx, prefix, limit=limit)

    def _loaded(self, patience_s: float | None) -> tuple[Loaded | None, str]:
        if patience_s is None:
            return None, "as was asked"
        try:
            return self._semantic.ready(patience_s=patience_s), ""
        except AgentOpsError as error:
            return None, error.problem

    def _behind(self, loaded: Loaded) -> int:
        try:
            return self._semantic.pending(loaded)
        except AgentOpsError:
            return 0

    def _hits(
        self, ranked: Sequence[Ranked], reputations: Mapping[str, Reputation], words: Mapping[str, str]
    ) -> tuple[Hit, ...]:
        with self._ledger.read() as tx:
            events = documents.events_of(tx, [each.found.seq for each in ranked if each.found])
        found: list[Hit] = []
        for each in ranked:
            with suppress(IntegrityError):  # damaged since it was recorded: `agentops-mcp verify` names it
                found.append(self._hit(each, events, reputations.get(each.ref), words))
        return tuple(found)

    def _hit(
        self, ranked: Ranked, events: Mapping[int, Event], reputation: Reputation | None, words: Mapping[str, str]
    ) -> Hit:
        if ranked.starter is not None:
            document, at, author = ranked.starter.document, "", ""
        else:
            event = events[ranked.found.seq] if ranked.found else None
            assert event is not None  # noqa: S101 - a candidate is one or the other
            document, at = self._readers[event.kind](event), event.at
            author = f"{event.actor['client']} ({event.actor['user']})"
        shared = tuple(dict.fromkeys(words.get(term, term) for term in ranked.shared))
        freshness, about = self._freshnesses.judge(() if document.origin else document.files, document.head)
        return Hit(document, ranked.score, shared, ranked.cosine, at, author, freshness, about, reputation)


def _narrowed(request: Request, reputations: Mapping[str, Reputation]) -> Filter:
    """The filter with the stage resolved to the patterns that have it."""
    if request.stage is None:
        return request.among
    refs = tuple(ref for ref, reputation in reputations.items() if reputation.stage == request.stage)
    return replace(request.among, refs=refs)
