"""Which texts say the same thing: groups of three and more, and everything else in none.

A fixed similarity does not serve every library: in one about a single tool every text resembles every other, in a
mixed one two that belong together may share little. So the measure is learned from the texts themselves, without
labels. Pairs of mutual nearest neighbours show how texts of one meaning differ; the directions of that difference
count less (the two-covariance model of speaker recognition: Ioffe, "Probabilistic Linear Discriminant Analysis",
2006). Then the bulk of the pairs, which are strangers, tells how alike strangers get by chance, and the threshold is
put where a text has fewer than one such neighbour. Groups grow by linkage, nearest first.

Constants were chosen on the two mining development sets together and on random halves of them
(docs/explanation/knowledge.md). NumPy only; a library of 5,000 texts takes seconds and about 300 MB.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.mining.rules.terms import terms

MOST_TEXTS = 5_000
"""Texts of one call: the table of all pairs grows with the square (100 MB at this number)."""
FEWEST_FOR_LEARNING = 48
"""Different texts from which the measure is learned from them; fewer hold too few pairs to learn from."""

_MOST_WORDS = 4_000
"""Terms that are compared: the most frequent, of those in two texts or more. Others join nothing."""

_PLAIN_COSINE = 0.5
"""Mean cosine of a group where there are too few texts to learn from: mixed topics want .4, one narrow topic .6."""
_PLAIN_WORDS = 0.3
"""The same, of word weights, for texts without vectors. Words are too few to learn a measure from."""

_WORDS_IN_SPACE = 0.45
"""Length of the word part of a text beside its vector of length 1: names and numbers that a vector blurs."""
_WORDS_FOR_NEIGHBOURS = 0.7
"""The same where the pairs to learn from are looked up: two sources agreeing make purer pairs."""
_DIMENSIONS = 120
"""Principal directions kept; more hold noise, fewer lose the difference between neighbouring topics."""
_TEXTS_PER_DIMENSION = 3
"""A direction is kept for every so many texts: covariances of more directions than that are not estimated well."""
_NEAREST, _NEAR = 2, 10
"""Ranks of mutual neighbours: groups of three have two others each, larger ones more."""
_NEAR_FROM = 3.4
"""Standard deviations over strangers from which a neighbour of the second kind is believed: one in 3,000 is chance."""
_SHARE_OF_NEAR = 1 / 3
"""Weight of the pairs of the second kind: most groups are small."""
_EVEN = 0.65
"""Share of a covariance without directions in the learned one (shrinkage): the pairs are few and partly wrong."""
_SHARE_OF_SECOND = 0.5
"""Weight of the pairs found with the learned measure beside those found without: purer, but they repeat its errors."""
_CHANCE_NEIGHBOURS = 0.6
"""Strangers over the threshold that a text may have, on average."""
_BULK = 0.9
"""Strangers' similarities are read between their median and this quantile: few true pairs are among these."""
_SOFTNESS = 1.0
"""Standard deviations by which a pair must fall short to weigh e times as much: towards 0 one bad pair forbids a
merger (complete linkage), upwards only the mean counts (average linkage)."""

_LEAST_COHESION = 0.35
"""Mean cosine of a group by vectors below which it is chance: in a library where nothing recurs, the threshold alone
would still find neighbours."""

_SAMPLE = 1_000
_SEED = 0
_SWEEPS = 4
_SPARE = 20
_TINY = 1e-9

_Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Group:
    """Texts of one meaning.

    Attributes:
        members: Their places in what was given, the most typical first.
        cohesion: Mean cosine of two members, 0 to 1: of vectors, or of word weights where there are none.
    """

    members: tuple[int, ...]
    cohesion: float


def cluster(texts: Sequence[str], vectors: _Matrix | None, *, min_size: int = 3) -> list[Group]:
    """Group what says the same thing; the largest group first, then by its first member.

    Texts that differ in case and spaces alone are one text that occurred several times, and count as often. The same
    input gives the same groups.

    Args:
        texts: At most `MOST_TEXTS`.
        vectors: A row for each text, of length 1. None groups by words alone, which finds much less.
        min_size: Texts of the smallest group, at least 2.

    Raises:
        ValueError: More texts than `MOST_TEXTS`, or vectors that are not one row of numbers for each text.
    """
    _check(texts, vectors)
    first: dict[str, int] = {}
    same = [first.setdefault(" ".join(text.casefold().split()), at) for at, text in enumerate(texts)]
    kept = list(first.values())
    words = _word_weights([texts[at] for at in kept])
    meaning = None if vectors is None else _unit(vectors[kept].astype(np.float32))
    labels = dict(zip(kept, _labels(words, meaning).tolist(), strict=True))
    found: dict[int, list[int]] = {}
    for at, original in enumerate(same):
        found.setdefault(labels[original], []).append(at)
    row = {original: place for place, original in enumerate(kept)}
    features = words if meaning is None else meaning
    groups = [
        _group(members, features[[row[same[at]] for at in members]])
        for members in found.values()
        if len(members) >= max(2, min_size)
    ]
    least = 0.0 if meaning is None else _LEAST_COHESION
    groups = [group for group in groups if group.cohesion >= least]
    return sorted(groups, key=lambda group: (-len(group.members), min(group.members)))


def _check(texts: Sequence[str], vectors: _Matrix | None) -> None:
    if len(texts) > MOST_TEXTS:
        raise ValueError(f"{len(texts)} texts; at most {MOST_TEXTS} are grouped at once")
    if vectors is not None and (vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all()):
        raise ValueError(f"vectors of shape {vectors.shape} are not one row of numbers for each of {len(texts)} texts")


def _group(members: list[int], features: _Matrix) -> Group:
    alike = features @ features.T
    cohesion = float((alike.sum() - np.trace(alike)) / (len(members) * (len(members) - 1)))
    # Rounded, so that members equally typical stay in their order on any machine.
    totals: list[float] = alike.sum(axis=1).round(4).tolist()
    typical = sorted(range(len(members)), key=lambda at: -totals[at])
    return Group(tuple(members[at] for at in typical), min(1.0, max(0.0, cohesion)))


def _labels(words: _Matrix, meaning: _Matrix | None) -> NDArray[np.intp]:
    """The group of each text; texts of the same number are together."""
    if meaning is None:
        return _link(1 - words @ words.T, 1 - _PLAIN_WORDS)
    if len(words) >= FEWEST_FOR_LEARNING:
        reduced = _reduced(words, meaning)
        if reduced.shape[1]:
            return _link(_distances(_learned(reduced, words, meaning)), 1.0)
    return _link(1 - meaning @ meaning.T, 1 - _PLAIN_COSINE)


def _distances(scores: _Matrix) -> _Matrix:
    """Scores as distances, 1 at the threshold; in place."""
    n = len(scores)
    middle, spread = _strangers(scores[:: _step(n), :: _step(n)])
    threshold = middle + spread * NormalDist().inv_cdf(1 - _CHANCE_NEIGHBOURS / n)
    scores -= np.float32(threshold)
    scores /= np.float32(-_SOFTNESS * max(spread, _TINY))
    return np.exp(np.clip(scores, -40, 40, out=scores), out=scores)


def _reduced(words: _Matrix, meaning: _Matrix) -> NDArray[np.float64]:
    """Meaning and words in their common principal directions; none where all texts are the same in both."""
    space = np.hstack([meaning - meaning.mean(axis=0), np.float32(_WORDS_IN_SPACE) * (words - words.mean(axis=0))])
    return _principal(space, min(_DIMENSIONS, len(words) // _TEXTS_PER_DIMENSION))


def _learned(reduced: NDArray[np.float64], words: _Matrix, meaning: _Matrix) -> _Matrix:
    """How much likelier each pair is if it is of one meaning than if it is not (logarithm)."""
    neighbours = np.hstack([_unit(meaning - meaning.mean(axis=0)), np.float32(_WORDS_FOR_NEIGHBOURS) * words])
    first = _within(reduced, *_pairs(neighbours @ neighbours.T))
    second = _within(reduced, *_pairs(_ratios(reduced, first)))
    second *= np.trace(first) / np.trace(second)
    return _ratios(reduced, (1 - _SHARE_OF_SECOND) * first + _SHARE_OF_SECOND * second)


def _principal(space: _Matrix, dimensions: int) -> NDArray[np.float64]:
    """The rows in their principal directions, by subspace iteration (Halko, Martinsson and Tropp, 2011)."""
    width = min(dimensions + _SPARE, *space.shape)
    basis = np.random.default_rng(_SEED).standard_normal((space.shape[1], width)).astype(np.float32)
    for _ in range(_SWEEPS):
        basis = np.linalg.qr(space.T @ (space @ basis))[0]
    shown = (space @ basis).astype(np.float64)
    values, turned = np.linalg.eigh(shown.T @ shown)
    kept = values > max(float(values[-1]) * 1e-6, _TINY)
    return shown @ turned[:, kept][:, ::-1][:, :dimensions]


def _pairs(alike: _Matrix) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Mutual neighbours of rank `_NEAREST`, and those of rank `_NEAR` that are closer than strangers get."""
    n = len(alike)
    middle, spread = _strangers(alike[:: _step(n), :: _step(n)])
    np.fill_diagonal(alike, -np.inf)
    near = np.vstack([_best(alike[start : start + _SAMPLE]) for start in range(0, n, _SAMPLE)])
    close = np.take_along_axis(alike, near, axis=1) >= middle + _NEAR_FROM * spread
    owners = np.arange(n)[:, None]
    back = near[near] == owners[:, :, None]
    rank = np.where(back.any(axis=2), back.argmax(axis=2), _NEAR)
    once = near > owners

    def chosen(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
        rows, places = np.nonzero(mask & once)
        return np.stack([rows, near[rows, places]], axis=1)

    nearest = (rank < _NEAREST) & (np.arange(_NEAR) < _NEAREST)
    return chosen(nearest), chosen((rank < _NEAR) & close)


def _best(rows: _Matrix) -> NDArray[np.intp]:
    """The places of the highest in each row, in order."""
    best = np.argpartition(rows, -_NEAR, axis=1)[:, -_NEAR:]
    order = np.argsort(-np.take_along_axis(rows, best, axis=1), axis=1, kind="stable")
    return np.take_along_axis(best, order, axis=1)


def _within(reduced: NDArray[np.float64], nearest: NDArray[np.intp], near: NDArray[np.intp]) -> NDArray[np.float64]:
    """The covariance of texts of one meaning around it, from pairs, shrunk."""
    learned = _difference(reduced, nearest)
    if len(near):
        learned = (1 - _SHARE_OF_NEAR) * learned + _SHARE_OF_NEAR * _difference(reduced, near)
    size = len(learned)
    even = np.eye(size) * max(float(np.trace(learned)) / size, _TINY)
    return (1 - _EVEN) * learned + _EVEN * even


def _difference(reduced: NDArray[np.float64], pairs: NDArray[np.intp]) -> NDArray[np.float64]:
    apart = reduced[pairs[:, 0]] - reduced[pairs[:, 1]]
    return apart.T @ apart / (2 * max(1, len(pairs)))


def _model(
    reduced: NDArray[np.float64], within: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions in which the covariance within is 1, and the variance of meanings in each of them."""
    values, turned = np.linalg.eigh(within)
    whitening = turned / np.sqrt(values)
    total = whitening.T @ (reduced.T @ reduced / len(reduced)) @ whitening
    variances, rotated = np.linalg.eigh(total)
    return whitening @ rotated, np.maximum(variances - 1, 1e-3)


def _ratios(reduced: NDArray[np.float64], within: NDArray[np.float64]) -> _Matrix:
    """The log likelihood ratio of every pair: a shared meaning against one each."""
    directions, between = _model(reduced, within)
    placed = reduced @ directions
    total = 1 + between
    determinant = total**2 - between**2
    own = (placed**2) @ (total / determinant - 1 / total) / 2
    constant = -0.5 * float(np.sum(np.log(determinant) - 2 * np.log(total)))
    scores = (placed * (between / determinant)).astype(np.float32) @ placed.astype(np.float32).T
    scores += (constant - own[:, None]).astype(np.float32)
    scores -= own[None, :].astype(np.float32)
    return scores


def _strangers(similarities: _Matrix) -> tuple[float, float]:
    """Median and standard deviation of chance similarity, from the bulk of a sample of all pairs."""
    pairs = similarities[np.triu_indices(len(similarities), 1)]
    middle, upper = (float(value) for value in np.quantile(pairs, [0.5, _BULK]))
    return middle, (upper - middle) / NormalDist().inv_cdf(_BULK)


def _step(n: int) -> int:
    return math.ceil(n / _SAMPLE)


def _link(distances: _Matrix, limit: float) -> NDArray[np.intp]:
    """Average linkage up to a mean distance, by chains of nearest neighbours (Murtagh, 1983); uses the table up."""
    n = len(distances)
    labels, sizes, waiting = np.arange(n), np.ones(n), np.ones(n, bool)
    np.fill_diagonal(distances, np.inf)
    chain: list[int] = []
    start = 0
    while True:
        while not chain:
            if start == n:
                return labels
            if waiting[start]:
                chain.append(start)
            start += 1
        tip = chain[-1]
        nearest = int(distances[tip].argmin())
        before = chain[-2] if len(chain) > 1 else tip
        if distances[tip, nearest] > limit:
            # Distances along a chain only shrink: none of its clusters will find a nearer one.
            waiting[chain] = False
            chain.clear()
        elif distances[tip, before] <= distances[tip, nearest]:
            del chain[-2:]
            _merge(distances, sizes, before, tip)
            labels[labels == tip] = before
            waiting[tip] = False
            start = min(start, before)
        else:
            chain.append(nearest)


def _merge(distances: _Matrix, sizes: NDArray[np.float64], into: int, gone: int) -> None:
    share = np.float32(sizes[gone] / (sizes[into] + sizes[gone]))
    merged = (1 - share) * distances[into] + share * distances[gone]
    sizes[into] += sizes[gone]
    merged[[into, gone]] = np.inf
    distances[into], distances[:, into] = merged, merged
    distances[gone], distances[:, gone] = np.inf, np.inf


def _word_weights(texts: Sequence[str]) -> _Matrix:
    """Terms of each text by how often it has them and how few texts do, each row of length 1 at most."""
    counts = [Counter(terms(text)) for text in texts]
    held = Counter(term for found in counts for term in found)
    shared = sorted((term for term, n in held.items() if n > 1), key=lambda term: (-held[term], term))[:_MOST_WORDS]
    column = {term: at for at, term in enumerate(shared)}
    weights = np.zeros((len(texts), max(1, len(shared))), np.float32)
    for at, found in enumerate(counts):
        total = 0.0
        for term, n in found.items():
            weight = (1 + math.log(n)) * math.log((len(texts) + 1) / (held[term] + 0.5))
            total += weight**2
            if term in column:
                weights[at, column[term]] = weight
        weights[at] /= max(math.sqrt(total), _TINY)
    return weights


def _unit(rows: _Matrix) -> _Matrix:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(_TINY))
