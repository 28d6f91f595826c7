"""One order out of two: what the words say (BM25) and what the vectors say (cosine), and neither drowns the other.

Ranks are not summed: a list of chance matches would have as much of a vote as a list of true ones. Instead the
lexical score counts as much as its best hit is worth believing, which is the share of telling words that this hit and
the query have in common. Constants were chosen on the retrieval development sets (docs/explanation/knowledge.md).
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with its usual constants.
_K1, _B = 1.2, 0.75

LEXICAL_WEIGHT = 0.5
"""How much the best lexical hit can add to a cosine."""
BELIEVED_FROM = 0.6
"""The share of telling words in common from which the lexical half has its full weight."""
COVERAGE_WEIGHT = 0.2
"""How much a document gains that has every telling word of the query."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What BM25 knows of a collection: its documents, the terms in all of them, and in how many each term stands."""

    documents: int
    terms: int
    frequencies: Mapping[str, int]

    def idf(self, term: str) -> float:
        """How telling a term is, in nats: never negative."""
        n = self.frequencies.get(term, 0)
        return math.log(1 + (max(self.documents, n) - n + 0.5) / (n + 0.5))

    @property
    def mean_length(self) -> float:
        """Terms of a document, at least 1."""
        return max(1.0, self.terms / max(1, self.documents))


@dataclass(frozen=True, slots=True)
class Lexical:
    """A candidate's lexical score: BM25, the share of the query's telling words it has, and which these are."""

    bm25: float
    coverage: float
    shared: tuple[str, ...]


class Query:
    """The terms of a query with their worth in a collection, to score many documents by."""

    def __init__(self, terms: Iterable[str], statistics: Statistics) -> None:
        self._idf = {term: statistics.idf(term) for term in terms}
        self._mass = sum(self._idf.values()) or 1.0
        self._mean_length = statistics.mean_length

    def score(self, document: Sequence[str]) -> Lexical:
        """BM25 and IDF-weighted coverage of one document; the shared terms come the most telling first."""
        idf = self._idf
        counts = Counter(filter(idf.__contains__, document))
        length = _K1 * (1 - _B + _B * len(document) / self._mean_length)
        bm25 = sum(idf[term] * n * (_K1 + 1) / (n + length) for term, n in counts.items())
        shared = sorted(counts, key=lambda term: (-idf[term], term))
        return Lexical(bm25, sum(map(idf.__getitem__, counts)) / self._mass, tuple(shared))


def belief(query: Sequence[str], best: Sequence[str], statistics: Statistics) -> float:
    """How far the lexical half is to be believed, 0 to 1, from the query and its best hit.

    The telling words in common as a share of the geometric mean of both sides' telling words: a long question whose
    short answer is all in it is believed, and so is a short question wholly in a note; a stray word is not.
    """
    ours, theirs = set(query), set(best)
    mass = math.sqrt(sum(map(statistics.idf, ours)) * sum(map(statistics.idf, theirs)))
    common = sum(map(statistics.idf, ours & theirs))
    return min(1.0, common / mass / BELIEVED_FROM) if mass else 0.0


def fuse(lexical: Sequence[Lexical], cosines: Sequence[float | None] | None, *, believed: float) -> list[float]:
    """The score of each candidate. Without any vectors it is lexical alone, in 0 to `LEXICAL_WEIGHT` and coverage.

    A candidate whose vector is not there yet is taken to be like the middle one of those that are.
    """
    best = max((each.bm25 for each in lexical), default=0.0)
    known = sorted(value for value in cosines or () if value is not None)
    middle = known[len(known) // 2] if known else 0.0
    weight = LEXICAL_WEIGHT * (believed if known else 1.0)
    return [
        (weight * each.bm25 / best if best else 0.0)
        + COVERAGE_WEIGHT * each.coverage**2
        + (middle if cosine is None else cosine)
        for each, cosine in zip(lexical, cosines or [None] * len(lexical), strict=True)
    ]


def adjust(score: float, *, worked: int, failed: int, age_days: float, deprecated: bool) -> float:
    """A fused score after evidence, recency and standing: enough to order near-equals, too little to hide the best.

    One thousandth of a cosine is noise and a tenth is another meaning, so each of the three moves a few hundredths.
    """
    evidence = 0.01 * min(4.0, math.log2(1 + worked)) - 0.02 * min(2.0, math.log2(1 + failed))
    recency = 0.02 * 0.5 ** (max(0.0, age_days) / 90)
    return score + evidence + recency - (0.15 if deprecated else 0.0)


def most_telling(query: Sequence[str], statistics: Statistics, *, most_postings: int) -> list[str]:
    """The terms worth looking up: the rarest first, until those found so far stand in `most_postings` documents.

    The order of what is found is decided later by all terms; a word of every second record would only cost time.
    """
    known = sorted({term for term in query if statistics.frequencies.get(term)}, key=lambda term: (
        statistics.frequencies[term], term,
    ))  # fmt: skip
    chosen: list[str] = []
    total = 0
    for term in known:
        total += statistics.frequencies[term]
        if chosen and total > most_postings:
            break
        chosen.append(term)
    return chosen
