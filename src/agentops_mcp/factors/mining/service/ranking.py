"""Candidates by words and by meaning, in one order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.factors.mining.rules import fusion
from agentops_mcp.factors.mining.rules.fusion import Lexical, Statistics
from agentops_mcp.factors.mining.rules.hits import Reputation
from agentops_mcp.factors.mining.rules.terms import terms
from agentops_mcp.factors.mining.service.semantic import Loaded
from agentops_mcp.factors.mining.service.starters import Starter
from agentops_mcp.factors.mining.store import documents
from agentops_mcp.factors.mining.store.documents import Filter, Found
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import Ledger

CANDIDATES = 200
"""How many hits of each half are looked at closely."""

_MOST_TERMS = 64
_MOST_POSTINGS = 15_000
_MOST_CHOSEN = 200_000
_MOST_TERMS_OF_BEST = 100


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with its score; either a document of the ledger or a pattern of the starter library."""

    ref: str
    score: float
    shared: tuple[str, ...]
    cosine: float | None
    found: Found | None
    starter: Starter | None


@dataclass(frozen=True, slots=True)
class _Candidate:
    ref: str
    thread: str
    words: tuple[str, ...]
    found: Found | None = None
    starter: Starter | None = None


class Ranking:
    """Ranks what the ledger has, and the starter library, against a text."""

    def __init__(self, ledger: Ledger, starters: Callable[[], Sequence[Starter]], *, clock: Clock) -> None:
        self._ledger = ledger
        self._starters = starters
        self._clock = clock

    def rank(
        self, text: str, among: Filter, loaded: Loaded | None, reputations: Mapping[str, Reputation]
    ) -> tuple[list[Ranked], str]:
        """The candidates, best first, and why vectors had no part in it, empty when they had."""
        query = list(dict.fromkeys(terms(text)))[:_MOST_TERMS]
        library = self.passing(among, reputations)
        with self._ledger.read() as tx:
            statistics = _with_library(documents.statistics(tx, query), query, library)
            lexical = self._by_words(tx, query, among, statistics)
            cosines, near, reason = self._by_meaning(tx, text, among, loaded, [*lexical, *library])
            known = {each.thread for each in lexical}
            meant = map(_of_document, documents.by_thread(tx, [each for each in near if each not in known], among))
            candidates = [*lexical, *meant, *library]
            asked = fusion.Query(query, statistics)
            scores = [asked.score(each.words) for each in candidates]
            believed = self._believed(tx, query, candidates, scores, library) if cosines else 1.0
        if loaded is not None and candidates and not cosines and not reason:
            reason = "no record has a vector yet; they are being made"
        return self._ordered(candidates, scores, cosines, believed, reputations), reason

    def passing(self, among: Filter, reputations: Mapping[str, Reputation]) -> list["_Candidate"]:
        """The patterns of the library that pass a filter and that the project has not rewritten."""
        found = (each for each in self._starters() if not _is_rewritten(each, reputations))
        return [_of_starter(each) for each in found if _passes(each, among)]

    def _by_words(
        self, tx: Transaction, query: Sequence[str], among: Filter, statistics: Statistics
    ) -> list["_Candidate"]:
        telling = fusion.most_telling(query, statistics, most_postings=_MOST_POSTINGS)
        weights = {term: statistics.idf(term) for term in telling}
        numbers = documents.candidates(tx, weights, among, limit=CANDIDATES)
        return list(map(_of_document, documents.by_number(tx, numbers)))

    def _by_meaning(
        self, tx: Transaction, text: str, among: Filter, loaded: Loaded | None, lexical: Sequence["_Candidate"]
    ) -> tuple[dict[str, float], list[str], str]:
        """Cosines by vector's id, the ids of the nearest, and why there are none."""
        if loaded is None:
            return {}, [], ""
        chosen = None if among.is_open else documents.threads(tx, among, limit=_MOST_CHOSEN)
        try:
            vector = loaded.embed(text)
            near = loaded.vectors.nearest(vector, limit=CANDIDATES, among=chosen)
            cosines = loaded.vectors.cosines(vector, [each.thread for each in lexical])
        except AgentOpsError as error:
            return {}, [], error.problem
        return cosines | {each.id: each.cosine for each in near}, [each.id for each in near], ""

    def _believed(
        self,
        tx: Transaction,
        query: Sequence[str],
        candidates: Sequence["_Candidate"],
        scores: Sequence[Lexical],
        library: Sequence["_Candidate"],
    ) -> float:
        best = max(range(len(scores)), key=lambda at: scores[at].bm25, default=None)
        if best is None or not scores[best].bm25:
            return 0.0
        words = list(dict.fromkeys(candidates[best].words))[:_MOST_TERMS_OF_BEST]
        both = list(dict.fromkeys((*query, *words)))
        return fusion.belief(query, words, _with_library(documents.statistics(tx, both), both, library))

    def _ordered(
        self,
        candidates: Sequence["_Candidate"],
        scores: Sequence[Lexical],
        cosines: Mapping[str, float],
        believed: float,
        reputations: Mapping[str, Reputation],
    ) -> list[Ranked]:
        nearness = [cosines.get(each.thread) for each in candidates]
        fused = fusion.fuse(scores, nearness if cosines else None, believed=believed)
        now = self._clock()
        rows = [
            Ranked(
                each.ref, _adjusted(score, each, reputations.get(each.ref), now), words.shared, cosine, each.found,
                each.starter,
            )
            for each, score, words, cosine in zip(candidates, fused, scores, nearness, strict=True)
            if words.bm25 or cosine is not None
        ]  # fmt: skip
        return sorted(rows, key=lambda row: (-row.score, row.ref))


def _of_document(found: Found) -> _Candidate:
    return _Candidate(found.ref, found.thread, found.words, found=found)


def _of_starter(starter: Starter) -> _Candidate:
    return _Candidate(starter.document.ref, starter.thread, starter.words, starter=starter)


def _is_rewritten(starter: Starter, reputations: Mapping[str, Reputation]) -> bool:
    return starter.document.ref in reputations and not reputations[starter.document.ref].is_starter


def _passes(starter: Starter, among: Filter) -> bool:
    document = starter.document
    return (
        not (among.since or among.path)
        and (not among.kinds or document.kind in among.kinds)
        and (not among.tag or among.tag in document.tags)
        and (among.refs is None or document.ref in among.refs)
    )


def _with_library(statistics: Statistics, words: Sequence[str], library: Sequence[_Candidate]) -> Statistics:
    """The statistics of the ledger's documents and the library's together."""
    frequencies = dict(statistics.frequencies)
    for each in library:
        for word in set(each.words).intersection(words):
            frequencies[word] = frequencies.get(word, 0) + 1
    length = sum(len(each.words) for each in library)
    return Statistics(statistics.documents + len(library), statistics.terms + length, frequencies)


def _adjusted(score: float, candidate: _Candidate, reputation: Reputation | None, now: datetime) -> float:
    age_days = 365.0
    if candidate.found is not None:
        age_days = (now - datetime.fromisoformat(candidate.found.at)).total_seconds() / 86_400
    return fusion.adjust(
        score,
        worked=reputation.worked if reputation else 0,
        failed=reputation.failed if reputation else 0,
        age_days=age_days,
        deprecated=reputation is not None and reputation.stage == "deprecated",
    )
