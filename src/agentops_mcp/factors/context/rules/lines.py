"""Which lines of the files looked into a task is about: the signals of each line, by name."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.corpus import Bm25, Corpus, Floats, Match, Numbers, distinct, numbers
from agentops_mcp.factors.context.rules.facts import FileFacts, LineKind
from agentops_mcp.factors.context.rules.files import FileSignals, Names, leading_test_chunks, ranks, scaled
from agentops_mcp.factors.context.rules.history import PastChanges, Place
from agentops_mcp.factors.context.rules.layout import SPACE, Layout
from agentops_mcp.factors.context.rules.terms import hash_of

ScalarT = TypeVar("ScalarT", np.int64, np.float64)

Signals = Mapping[str, NDArray[np.float32]]

_LEADING_FRAGMENTS = 6
_LEADING_PLACES = 5
_RELATED_TERMS = 40
_RARE = 0.04
_ABSENT = 0.3
_COMMON_CALL = 0.05
_FAR = 60


def line_signals(
    corpus: Corpus,
    layout: Layout,
    files: FileSignals,
    matches: Sequence[Match],
    names: Names,
    past: PastChanges,
    facts: Mapping[int, FileFacts],
    quoted: Mapping[int, Floats],
) -> Signals:
    """Every signal of every row; `facts` are those of the files looked into and of the tests that match best.

    `quoted` has, for the rows of each file looked into, how much of what the task quotes stands there.
    """
    found = _Found(layout, matches)
    fragment_rank = ranks(found.fragment_bm25)[layout.fragment]
    related = _Related(corpus, layout, files, found, matches, facts)
    own = layout.file
    quotes = scaled(np.concatenate([quoted[file] for file in layout.files.tolist()] or [np.zeros(0)]))
    signals: dict[str, Floats | NDArray[np.bool_]] = {
        "file_bm25": files.bm25[own],
        "file_path": files.path[own],
        "file_best_chunk": files.best_chunk[own],
        "file_best_chunks": files.best_chunks[own],
        "file_similar_commits": files.similar_commits[own],
        "file_touches": files.touches[own],
        "file_last_touch": files.last_touch[own],
        "file_changed_together": files.together[own],
        "file_tested": files.tested[own],
        "file_rank": ranks(files.score)[own],
        "file_score": scaled(files.score)[own],
        "file_count": np.full(layout.row_count, math.log(max(1, len(corpus.paths)))),
        "file_lines": np.log1p(corpus.line_counts[own]),
        **_of_places(corpus, layout, files, found, names, past, related, _named_in_tests(corpus, files, facts)),
        "fragment_bm25": scaled(found.fragment_bm25)[layout.fragment],
        "fragment_best_term": scaled(found.fragment_best)[layout.fragment],
        "fragment_coverage": (found.fragment_coverage / (found.weight or 1.0))[layout.fragment],
        "fragment_density": scaled(found.fragment_density)[layout.fragment],
        "fragment_identifiers": (found.fragment_identifiers / found.worth)[layout.fragment],
        "fragment_rank": fragment_rank,
        "line_terms": found.line / found.worth,
        "line_best_term": found.line_best / (found.fragment_best.max(initial=0.0) or 1.0),
        "line_near_terms": _spread(layout, found.line, 3) / found.worth,
        "line_around_terms": _spread(layout, found.line, 8) / found.worth,
        "line_identifiers": found.line_identifiers / found.worth,
        "line_related": scaled(related.line),
        "line_near_related": scaled(_spread(layout, related.line, 5)),
        "line_calls": np.minimum(related.calls, 3.0),
        "line_quoted": quotes,
        "line_near_quoted": scaled(_spread(layout, quotes, 4)),
        "file_quoted": np.bincount(own, quotes, minlength=len(corpus.paths)).clip(0, 1)[own],
        **_of_history(corpus, layout, files, past),
        **_of_position(layout, corpus),
    }
    return {name: np.asarray(values, np.float32) for name, values in signals.items()}


class _Found:
    """A task's terms in rows, fragments and units."""

    def __init__(self, layout: Layout, matches: Sequence[Match]) -> None:
        fragments, places, rows = len(layout.fragments), len(layout.places), layout.row_count
        lengths = layout.fragments[:, 1] - layout.fragments[:, 0]
        in_fragments, in_places = Bm25(lengths), Bm25(np.maximum(layout.places.sizes, 1))
        self.fragment_bm25, self.fragment_best = np.zeros(fragments), np.zeros(fragments)
        self.fragment_coverage, self.fragment_identifiers = np.zeros(fragments), np.zeros(fragments)
        self.place_bm25 = np.zeros(len(layout.places))
        self.line, self.line_best, self.line_identifiers = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.weight = sum(each.term.weight for each in matches)
        # What stands nowhere in the files cannot be found in any line: it says little about how full a match is.
        self.worth = sum(each.worth * (1.0 if len(each.lines) else _ABSENT) for each in matches) or 1.0
        for each in matches:
            found = layout.rows_of(each.lines, each.files)
            if not len(found):
                continue
            counts = np.bincount(layout.fragment[found], minlength=fragments)
            self.fragment_bm25 += in_fragments.score(counts, each.worth)
            self.place_bm25 += in_places.score(
                _with_inner(layout, np.bincount(layout.place[found], minlength=places).astype(np.int64)), each.worth
            )
            self.fragment_best = np.maximum(self.fragment_best, each.worth * (counts > 0))
            self.fragment_coverage += each.term.weight * (counts > 0)
            self.line[found] += each.worth
            self.line_best[found] = np.maximum(self.line_best[found], each.worth)
            if each.term.is_identifier:
                self.fragment_identifiers += each.worth * (counts > 0)
                self.line_identifiers[found] += each.worth
        totals = np.add.reduceat(self.line, layout.fragments[:, 0]) if fragments else np.zeros(0)
        self.fragment_density = totals / np.maximum(lengths, 1)


def _with_inner(layout: Layout, own: NDArray[ScalarT]) -> NDArray[ScalarT]:
    """Each unit's own number and those of all units in it; the last, which is no unit, has none."""
    total = own.copy()
    total[-1] = 0
    level = np.flatnonzero(total)
    weights = total[level]
    while len(level):
        above = layout.places.parents[level]
        level, weights = above[above >= 0], weights[above >= 0]
        np.add.at(total, level, weights)
    return total


def _of_inner(layout: Layout, keys: Sequence[Place], values: Mapping[Place, float]) -> Floats:
    return _with_inner(layout, np.array([values.get(key, 0.0) for key in keys]))


class _Related:
    """What the best fragments have to do with other lines: rare terms they share, units they name, who calls them."""

    def __init__(
        self,
        corpus: Corpus,
        layout: Layout,
        files: FileSignals,
        found: _Found,
        matches: Sequence[Match],
        facts: Mapping[int, FileFacts],
    ) -> None:
        is_source = np.array([corpus.kinds[file] == "source" for file in range(len(corpus.paths))], np.bool_)
        at = layout.fragments[:, 0]
        file_of = layout.file[at] if len(at) else at
        merit = found.fragment_bm25 * is_source[file_of] * scaled(files.score)[file_of]
        order = [each for each in np.argsort(-merit, kind="stable")[:_LEADING_FRAGMENTS].tolist() if merit[each] > 0]
        self.named: dict[int, float] = {}
        callees: dict[int, float] = {}
        for each in order:
            share = float(merit[each] / merit[order[0]])
            start, end = numbers(layout.fragments[each])
            for term in _terms_between(
                facts[int(layout.file[start])], int(layout.line[start]), int(layout.line[end - 1])
            ):
                self.named[term] = self.named.get(term, 0.0) + share
            name = layout.places.names[int(layout.place[start])]
            if name:
                term = hash_of(_last(name))
                callees[term] = callees.get(term, 0.0) + share
        asked = {each for match in matches for each in match.term.hashes}
        self.line = np.zeros(layout.row_count)
        self.calls = np.zeros(layout.row_count)
        self._find_related(corpus, layout, asked)
        most = int(_COMMON_CALL * len(corpus.chunk_files)) + 10
        for lines, share in zip(corpus.find([[each] for each in callees], most=most), callees.values(), strict=True):
            self.calls[layout.rows_of(lines, corpus.file_of(lines))] += share

    def _find_related(self, corpus: Corpus, layout: Layout, asked: set[int]) -> None:
        candidates = {term: share for term, share in self.named.items() if term not in asked}
        chunks = len(corpus.chunk_files)
        most = max(6, int(chunks * _RARE))
        found = corpus.find([[term] for term in candidates], most=4 * most)
        rare: list[tuple[float, int, Numbers, Numbers]] = []
        for (term, share), lines in zip(candidates.items(), found, strict=True):
            if len(lines) < 2:
                continue
            owners = corpus.file_of(lines)
            having = distinct(corpus.chunk_of(lines, owners))
            if 2 <= having <= most:
                rare.append((share * math.log(chunks / having), term, lines, owners))
        for worth, _, lines, owners in sorted(rare, key=lambda each: (-each[0], each[1]))[:_RELATED_TERMS]:
            self.line[layout.rows_of(lines, owners)] += worth


def _terms_between(facts: FileFacts, first: int, last: int) -> list[int]:
    inside = (facts.lines >= first) & (facts.lines <= last)
    return np.unique(facts.hashes[inside]).tolist()


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _of_places(
    corpus: Corpus,
    layout: Layout,
    files: FileSignals,
    found: _Found,
    names: Names,
    past: PastChanges,
    related: _Related,
    tested: Mapping[int, float],
) -> dict[str, Floats | NDArray[np.bool_]]:
    """The signals of the unit each row is in."""
    places = layout.places
    matched = [names.match(name) for name in places.names]
    paths = [corpus.paths[file] if file >= 0 else "" for file in numbers(places.files)]
    keys = [(path, _last(name)) for path, name in zip(paths, places.names, strict=True)]
    words = np.array([each.words for each in matched])
    literal = np.array([each.literal for each in matched])
    above = np.where(places.parents >= 0, (words + literal)[places.parents], 0.0)
    leading = _leading_places(corpus, layout, found)
    together = past.with_places([keys[each] for each in leading])
    hashes = [hash_of(_last(name)) if name else 0 for name in places.names]
    # A name that many units have (`get`, `run`) says little about each.
    counts = Counter(hashes)
    namesakes = np.sqrt([counts[each] for each in hashes])
    related_terms = np.bincount(layout.place, related.line, minlength=len(places))
    columns = {
        "unit_bm25": scaled(np.append(found.place_bm25[:-1], 0.0)),
        "unit_name": words,
        "unit_literal_name": literal,
        "unit_parent_name": above,
        "unit_similar_commits": scaled(_of_inner(layout, keys, files.similar.places)),
        "unit_touches": np.log1p(_of_inner(layout, keys, past.place_touches)),
        "unit_changed_together": scaled(_of_inner(layout, keys, together)),
        "unit_lines": np.log1p(places.sizes),
        "unit_rank": ranks(np.append(found.place_bm25[:-1], 0.0)),
        "unit_tested": np.minimum(np.array([tested.get(each, 0.0) for each in hashes]) / namesakes, 3.0),
        "unit_named_nearby": np.minimum(np.array([related.named.get(each, 0.0) for each in hashes]) / namesakes, 3.0),
        "unit_related": scaled(np.append(related_terms[:-1] / np.sqrt(np.maximum(places.sizes[:-1], 1)), 0.0)),
        "unit_is_open": places.is_open,
    }
    in_unit = layout.place < len(places) - 1
    return {name: np.where(in_unit, values[layout.place], 0.0) for name, values in columns.items()}


def _leading_places(corpus: Corpus, layout: Layout, found: _Found) -> list[int]:
    starts = layout.fragments[:, 0]
    is_source = np.array([corpus.kinds[file] == "source" for file in layout.file[starts]], np.bool_)
    order = np.argsort(-(found.fragment_bm25 * is_source), kind="stable")[:_LEADING_PLACES]
    places = [int(layout.place[starts[each]]) for each in order]
    return [each for each in dict.fromkeys(places) if each < len(layout.places) - 1]


def _named_in_tests(corpus: Corpus, files: FileSignals, facts: Mapping[int, FileFacts]) -> Mapping[int, float]:
    """How much the chunks of tests that match the task best name each term; `facts` are those of their files."""
    leading = leading_test_chunks(corpus, files.chunk_scores)
    named: dict[int, float] = {}
    for chunk in leading:
        share = float(files.chunk_scores[chunk] / files.chunk_scores[leading[0]])
        first, last = corpus.lines_of_chunk(chunk)
        for term in _terms_between(facts[int(corpus.chunk_files[chunk])], first, last):
            named[term] = named.get(term, 0.0) + share
    return named


def _of_history(corpus: Corpus, layout: Layout, files: FileSignals, past: PastChanges) -> dict[str, Floats]:
    """How often each row was changed, and how much by commits with a similar message."""
    touches, similar = np.zeros(layout.row_count + 1), np.zeros(layout.row_count + 1)
    weights = past.line_weights
    for file, start in layout.starts.items():
        path, count = corpus.paths[file], int(corpus.line_counts[file])
        if not count:
            continue
        changed = past.changed_lines(path, count)
        firsts = start + np.minimum(changed.firsts, count - 1)
        ends = start + np.minimum(changed.lasts + 1, count)
        for totals, each in ((touches, weights), (similar, files.similar.weights)):
            np.add.at(totals, firsts, each[changed.commits])
            np.subtract.at(totals, ends, each[changed.commits])
    touches, similar = (np.maximum(np.cumsum(totals)[:-1], 0.0) for totals in (touches, similar))
    return {
        "line_touches": np.log1p(touches),
        "line_near_touches": np.log1p(_spread(layout, touches, 4)),
        "line_around_touches": np.log1p(_spread(layout, touches, 15)),
        "line_similar_commits": scaled(similar),
        "line_near_similar_commits": scaled(_spread(layout, similar, 4)),
        "line_around_similar_commits": scaled(_spread(layout, similar, 15)),
    }


def _of_position(layout: Layout, corpus: Corpus) -> dict[str, Floats | NDArray[np.bool_]]:
    """What a row is like, and where in its unit and file it stands."""
    places, place = layout.places, layout.place
    rows = np.arange(layout.row_count)
    in_unit = place < len(places) - 1
    from_start = np.minimum(np.where(in_unit, rows - places.starts[place], layout.line), _FAR)
    to_end = np.minimum(np.where(in_unit, places.ends[place] - rows, _FAR), _FAR)
    within = np.where(in_unit, (rows - places.starts[place]) / np.maximum(places.sizes[place], 1), -1.0)
    return {
        "is_code": layout.kind == LineKind.CODE,
        "is_import": layout.kind == LineKind.IMPORT,
        "is_comment": layout.kind == LineKind.COMMENT,
        "is_closing": layout.kind == LineKind.CLOSING,
        "is_blank": layout.kind == LineKind.BLANK,
        "is_signature": in_unit & (rows < places.bodies[place]),
        "is_top_level": np.where(in_unit, places.parents[place] < 0, True),
        "lines_from_start": from_start,
        "lines_to_end": to_end,
        "share_of_unit": within,
        "share_of_file": layout.line / np.maximum(corpus.line_counts[layout.file], 1),
        "is_first_line": layout.line == 0,
        "indent": np.minimum(layout.indent, 32),
    }


def _spread(layout: Layout, values: Floats, reach: int) -> Floats:
    """Each row's value with its share of its neighbours' in the same file, the nearer the more."""
    shares = 1 - np.abs(np.arange(-reach, reach + 1)) / (reach + 1)
    # Between two files there is enough space for nothing to reach across.
    spaced = np.zeros(layout.row_count + SPACE * (len(layout.files) + 1))
    spaced[layout.spaced] = values
    return np.convolve(spaced, shares, "same")[layout.spaced]
