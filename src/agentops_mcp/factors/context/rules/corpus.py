"""All files of one listing as one text of numbered lines, and where each term stands in it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.facts import FileFacts
from agentops_mcp.factors.context.rules.kinds import FileKind, kind_of
from agentops_mcp.factors.context.rules.tasks import Query, Term

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

CHUNK_LINES = 24
"""A screen of text: what is scored as one document when files are compared."""

# BM25's usual parameters (Robertson and Zaragoza, 2009).
_K1, _B = 1.2, 0.75

_CODE_WEIGHT = 1.3
"""What a task writes as code it means literally."""


class Corpus:
    """Lines count from 0 through all files in order of path."""

    def __init__(self, paths: Sequence[str], facts: Sequence[FileFacts]) -> None:
        self.paths = tuple(paths)
        self.kinds: tuple[FileKind, ...] = tuple(kind_of(path) for path in paths)
        self.line_counts = np.array([each.line_count for each in facts], np.int64)
        self.first_lines = _starts(self.line_counts)
        chunks = -(-self.line_counts // CHUNK_LINES)
        self._first_chunks = _starts(chunks)
        self.chunk_files = np.repeat(np.arange(len(facts)), chunks)
        lengths = np.minimum(CHUNK_LINES, self.line_counts[self.chunk_files] - CHUNK_LINES * _counted_up(chunks))
        self.in_chunks, self.in_files = Bm25(lengths), Bm25(self.line_counts)
        self._keys = _sorted_keys(facts, self.first_lines)

    @property
    def size_bytes(self) -> int:
        """About the memory it takes."""
        return self._keys.nbytes + 64 * len(self.paths) + 1024

    def file_of(self, lines: Numbers) -> Numbers:
        """The file each line is in."""
        return np.searchsorted(self.first_lines, lines, "right") - 1

    def chunk_of(self, lines: Numbers, files: Numbers) -> Numbers:
        """The chunk each line is in."""
        return self._first_chunks[files] + (lines - self.first_lines[files]) // CHUNK_LINES

    def lines_of_chunk(self, chunk: int) -> tuple[int, int]:
        """The first and the last line of a chunk, counted in its file."""
        first = (chunk - int(self._first_chunks[self.chunk_files[chunk]])) * CHUNK_LINES
        return first, first + CHUNK_LINES - 1

    def find(self, terms: Sequence[Sequence[int]], *, most: int | None = None) -> list[Numbers]:
        """The lines on which one of the hashes of each term stands, in order and each once.

        A term that stands on more than `most` lines has none.
        """
        wanted = np.array([each for hashes in terms for each in hashes], np.uint64) << np.uint64(32)
        starts = np.searchsorted(self._keys, wanted).tolist()
        ends = np.searchsorted(self._keys, wanted | np.uint64(0xFFFFFFFF), "right").tolist()
        found: list[Numbers] = []
        at = 0
        for hashes in terms:
            spans = [
                (start, end)
                for start, end in zip(starts[at : at + len(hashes)], ends[at:], strict=False)
                if end > start
            ]
            at += len(hashes)
            too_many = most is not None and sum(end - start for start, end in spans) > most
            found.append(_NONE if too_many or not spans else self._lines(spans))
        return found

    def _lines(self, spans: Sequence[tuple[int, int]]) -> Numbers:
        parts = [self._keys[start:end] & np.uint64(0xFFFFFFFF) for start, end in spans]
        lines = (np.sort(np.concatenate(parts)) if len(parts) > 1 else parts[0]).astype(np.int64)
        return lines[first_of_each(lines)]


_NONE = np.zeros(0, np.int64)


def first_of_each(ordered: Numbers) -> NDArray[np.bool_]:
    """Which of some ordered numbers are not the same as the one before."""
    firsts = np.ones(len(ordered), np.bool_)
    firsts[1:] = ordered[1:] != ordered[:-1]
    return firsts


def distinct(ordered: Numbers) -> int:
    """How many different ones there are among some ordered numbers."""
    return int(np.count_nonzero(first_of_each(ordered)))


def numbers(values: NDArray[np.integer[Any]]) -> list[int]:
    """An array as plain numbers."""
    return cast("list[int]", values.tolist())


def _counted_up(counts: Numbers) -> Numbers:
    """0, 1, … below each count."""
    starts = np.cumsum(counts, dtype=np.int64) - counts
    return np.arange(int(counts.sum()), dtype=np.int64) - np.repeat(starts, counts)


def _starts(counts: Numbers) -> Numbers:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _sorted_keys(facts: Sequence[FileFacts], first_lines: Numbers) -> NDArray[np.uint64]:
    """Term and line in one number each, ordered: the lines of a term are a slice.

    File by file into one array: whole arrays of every step would take five times the memory.
    """
    keys = np.empty(sum(len(each.hashes) for each in facts), np.uint64)
    at = 0
    for each, first in zip(facts, numbers(first_lines[:-1]), strict=True):
        part = keys[at : at + len(each.hashes)]
        np.left_shift(each.hashes, 32, out=part, dtype=np.uint64, casting="unsafe")
        part |= (each.lines + first).astype(np.uint64)
        at += len(part)
    keys.sort()
    return keys


@dataclass(frozen=True, slots=True)
class Match:
    """Where a term stands. `worth` is its weight in the task times how rare it is among chunks (its idf)."""

    term: Term
    lines: Numbers
    files: Numbers
    chunks: Numbers
    worth: float


def match(corpus: Corpus, query: Query) -> list[Match]:
    """Every term of a task with its lines; a term that stands nowhere has none."""
    found = corpus.find([term.hashes for term in query.terms])
    matches: list[Match] = []
    for term, lines in zip(query.terms, found, strict=True):
        files = corpus.file_of(lines)
        chunks = corpus.chunk_of(lines, files)
        weight = term.weight * (_CODE_WEIGHT if term.is_code else 1.0)
        worth = weight * idf(distinct(chunks), len(corpus.chunk_files))
        matches.append(Match(term, lines, files, chunks, worth))
    return matches


def idf(having: int, total: int) -> float:
    """How telling it is to have something that `having` of `total` have."""
    return math.log(1 + (total - having + 0.5) / (having + 0.5))


class Bm25:
    """BM25 over one set of documents, term by term."""

    def __init__(self, lengths: Numbers) -> None:
        mean = float(lengths.mean()) if len(lengths) else 1.0
        self._damping = _K1 * (1 - _B + _B * lengths / (mean or 1.0))

    def score(self, frequencies: Numbers, worth: float) -> Floats:
        """The part of each document's score that comes from one term."""
        return worth * (_K1 + 1) * frequencies / (frequencies + self._damping)
