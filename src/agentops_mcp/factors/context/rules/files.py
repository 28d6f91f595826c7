"""Which files a task is about: signals for every file, and the files worth a closer look."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.core.words import stem
from agentops_mcp.factors.context.rules.corpus import Corpus, Floats, Match, idf
from agentops_mcp.factors.context.rules.history import PastChanges, Similar
from agentops_mcp.factors.context.rules.kinds import subject_of
from agentops_mcp.factors.context.rules.tasks import Query, folded, stems_of

LOOKED_AT = 60
"""So many files are looked at line by line: 99 % of the changed places of the development set are in them."""

_CHUNKS_LOOKED_AT = 600
_BEST_CHUNKS = 3
_LEADING_FILES = 4
_LEADING_TEST_CHUNKS = 6
_NEVER = 5_000

# What a file that is not source counts for, unless the task or the caller names it.
_OTHER_KINDS = 0.3


@dataclass(frozen=True, slots=True)
class NameMatch:
    """How much of a task is in a name: the share of the words' worth, and whether the name itself is written there."""

    words: float
    literal: float


_NO_MATCH = NameMatch(0.0, 0.0)


class Names:
    """Compares names with a task."""

    def __init__(self, query: Query, matches: Sequence[Match]) -> None:
        self._worth = {each.term.text: each.worth for each in matches if not each.term.is_identifier}
        self._code = {each.term.text for each in matches if each.term.is_code and not each.term.is_identifier}
        self._identifiers = query.identifiers
        self._total = sum(self._worth.values()) or 1.0
        self._known: dict[str, NameMatch] = {}

    def match(self, name: str) -> NameMatch:
        """How much of the task is in a name."""
        if name not in self._known:
            self._known[name] = self._match(name)
        return self._known[name]

    def _match(self, name: str) -> NameMatch:
        stems, last = stems_of(name), folded(name.rpartition(".")[2])
        if not stems or (last not in self._identifiers and self._worth.keys().isdisjoint(stems)):
            return _NO_MATCH
        shared = [each for each in stems if each in self._worth]
        words = sum(self._worth[each] for each in shared) / self._total * (len(shared) / len(stems)) ** 0.5
        found = self._identifiers.get(last)
        literal = (1.0 if found.is_code else 0.6) if found else 0.0
        if len(stems) == 1 and stem(last) in self._code:
            literal += 0.5
        return NameMatch(words, literal)


@dataclass(frozen=True, slots=True)
class FileSignals:
    """A number for each file and signal; those that compare files with each other go from 0 to 1."""

    bm25: Floats
    best_chunk: Floats
    best_chunks: Floats
    path: Floats
    similar_commits: Floats
    touches: Floats
    last_touch: Floats
    together: Floats
    tested: Floats
    score: Floats
    chosen: tuple[int, ...]
    similar: Similar
    chunk_scores: Floats


def file_signals(
    corpus: Corpus,
    query: Query,
    matches: Sequence[Match],
    names: Names,
    past: PastChanges,
    *,
    favoured: NDArray[np.bool_],
) -> FileSignals:
    """Compare every file with a task and choose those to look into; `favoured` ones come first."""
    chunk_scores = np.zeros(len(corpus.chunk_files))
    whole = np.zeros(len(corpus.paths))
    for each in matches:
        if not len(each.lines):
            continue
        in_chunks = np.bincount(each.chunks, minlength=len(chunk_scores))
        in_files = np.bincount(each.files, minlength=len(whole))
        chunk_scores += corpus.in_chunks.score(in_chunks, each.worth)
        rarity = idf(int((in_files > 0).sum()), len(whole)) / (
            idf(int((in_chunks > 0).sum()), len(chunk_scores)) or 1.0
        )
        whole += corpus.in_files.score(in_files, each.worth * rarity)
    best, several = _best_chunks(corpus, chunk_scores)
    path = np.array([_path_match(names, each) for each in corpus.paths])
    similar = past.similar([term.text for term in query.terms if not term.is_identifier])
    commits = _by_path(corpus, similar.files)
    touches = np.log1p(_by_path(corpus, past.touches))
    score = scaled(whole) + scaled(best) + 0.5 * scaled(several) + 0.7 * scaled(commits) + 1.5 * path + 0.05 * touches
    score *= np.where(np.array([kind == "source" for kind in corpus.kinds], np.bool_), 1.0, _OTHER_KINDS)
    score = np.where(favoured, score + score.max(initial=0.0), score)
    order = np.lexsort((np.arange(len(score)), -score))
    chosen = tuple(int(each) for each in order[:LOOKED_AT])
    leading = [each for each in chosen if corpus.kinds[each] == "source"][:_LEADING_FILES]
    together = past.with_files({corpus.paths[each]: float(scaled(score)[each]) for each in leading})
    return FileSignals(
        bm25=scaled(whole),
        best_chunk=scaled(best),
        best_chunks=scaled(several),
        path=path,
        similar_commits=scaled(commits),
        touches=touches,
        last_touch=np.log1p(_by_path(corpus, past.last_touch, default=_NEVER)),
        together=scaled(_by_path(corpus, together)),
        tested=_tested(corpus, chunk_scores),
        score=score,
        chosen=chosen,
        similar=similar,
        chunk_scores=chunk_scores,
    )


def scaled(values: Floats) -> Floats:
    """Values as shares of the greatest."""
    return values / (values.max(initial=0.0) or 1.0)


def ranks(values: Floats) -> Floats:
    """The logarithm of each value's rank, the greatest first and 0."""
    order = np.empty(len(values))
    order[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return np.log1p(order)


def _by_path(corpus: Corpus, values: Mapping[str, float], default: float = 0.0) -> Floats:
    return np.array([values.get(path, default) for path in corpus.paths], np.float64)


def _path_match(names: Names, path: str) -> float:
    folders, _, name = path.rpartition("/")
    above = max((names.match(folder).words for folder in folders.split("/")), default=0.0)
    return names.match(name.partition(".")[0] or name).words + 0.5 * above


def _best_chunks(corpus: Corpus, scores: Floats) -> tuple[Floats, Floats]:
    """For each file its best chunk's score, and the sum of its best three."""
    best, several = np.zeros(len(corpus.paths)), np.zeros(len(corpus.paths))
    counts: dict[int, int] = defaultdict(int)
    for chunk in np.argsort(-scores, kind="stable")[:_CHUNKS_LOOKED_AT].tolist():
        file = int(corpus.chunk_files[chunk])
        if not counts[file]:
            best[file] = scores[chunk]
        if counts[file] < _BEST_CHUNKS:
            several[file] += scores[chunk]
        counts[file] += 1
    return best, several


def leading_test_chunks(corpus: Corpus, scores: Floats) -> list[int]:
    """The chunks of tests that match a task best."""
    is_test = np.array([kind == "test" for kind in corpus.kinds], np.bool_)[corpus.chunk_files]
    order = np.argsort(-(scores * is_test), kind="stable")[:_LEADING_TEST_CHUNKS]
    return [int(chunk) for chunk in order if is_test[chunk] and scores[chunk] > 0]


def _tested(corpus: Corpus, scores: Floats) -> Floats:
    """Files whose own tests match the task, told by their name."""
    most = scores.max(initial=0.0) or 1.0
    subjects: dict[str, float] = {}
    for chunk in leading_test_chunks(corpus, scores):
        subject = subject_of(corpus.paths[int(corpus.chunk_files[chunk])])
        subjects[subject] = max(subjects.get(subject, 0.0), float(scores[chunk]) / most)
    return np.array(
        [
            0.0 if kind == "test" else subjects.get(subject_of(path), 0.0)
            for path, kind in zip(corpus.paths, corpus.kinds, strict=True)
        ]
    )
