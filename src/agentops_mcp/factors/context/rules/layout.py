"""The files that are looked into, laid out as rows: one for each line, with its unit and its fragment."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.corpus import Corpus, Numbers, numbers
from agentops_mcp.factors.context.rules.facts import FileFacts, LineKind
from agentops_mcp.factors.context.rules.units.cut import Unit, qualified

# A fragment is what is scored as one document within a file: a unit's own lines, the long ones in pieces.
_LONGEST_FRAGMENT, _SHORTEST_PIECE, _LONGEST_PIECE, _PIECE, _SHORTEST_REST = 45, 18, 42, 30, 8

SPACE = 16
"""Rows between two files in `Layout.spaced`: more than anything spreads."""

_OPEN_KINDS = ("class", "struct", "interface", "trait", "impl", "enum", "type", "module", "record", "namespace")


@dataclass(frozen=True, slots=True)
class Places:
    """Named units of the files looked into, in rows: `ends` and `bodies` are those of `Unit`, ends exclusive.

    The last entry stands for "in no unit"; it is empty.
    """

    starts: Numbers
    ends: Numbers
    bodies: Numbers
    parents: Numbers
    files: Numbers
    names: tuple[str, ...]
    titles: tuple[str, ...]
    is_open: NDArray[np.bool_]

    def __len__(self) -> int:
        """How many units, the empty one included."""
        return len(self.starts)

    @property
    def sizes(self) -> Numbers:
        """Their lines."""
        return self.ends - self.starts


class Layout:
    """Rows of the files looked into, file after file in order of path."""

    def __init__(
        self, corpus: Corpus, files: Sequence[int], facts: Mapping[int, FileFacts], units: Mapping[int, Sequence[Unit]]
    ) -> None:
        self.files = np.array(sorted(files), np.int64)
        counts = corpus.line_counts[self.files]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        self.row_count = int(starts[-1])
        self.starts = dict(zip(numbers(self.files), numbers(starts[:-1]), strict=True))
        self._shift = np.full(len(corpus.paths), np.iinfo(np.int64).max // 2, np.int64)
        self._shift[self.files] = corpus.first_lines[self.files] - starts[:-1]
        self._is_chosen = np.zeros(len(corpus.paths), np.bool_)
        self._is_chosen[self.files] = True
        self.file = np.repeat(self.files, counts)
        self.spaced = np.arange(self.row_count) + SPACE * np.repeat(np.arange(len(self.files)), counts) + SPACE
        self.line = np.arange(self.row_count) - np.repeat(starts[:-1], counts)
        self.kind = self._column(facts, "kinds", np.uint8)
        self.indent = self._column(facts, "indents", np.uint8).astype(np.int64)
        self.width = self._column(facts, "widths", np.uint16).astype(np.int64)
        self.places = _places(numbers(self.files), self.starts, units)
        self.place = self._painted()
        self.fragments = np.array(list(self._fragments()), np.int64).reshape(-1, 2)
        lengths = self.fragments[:, 1] - self.fragments[:, 0]
        self.fragment = np.repeat(np.arange(len(lengths)), lengths)

    def rows_of(self, lines: Numbers, files: Numbers) -> Numbers:
        """The rows of those lines of a corpus that are in the files looked into."""
        inside = self._is_chosen[files]
        return lines[inside] - self._shift[files[inside]]

    def _column(self, facts: Mapping[int, FileFacts], name: str, kind: type[np.generic]) -> NDArray[np.uint8]:
        parts = [getattr(facts[file], name) for file in self.files.tolist()]
        return np.concatenate(parts) if parts else np.zeros(0, kind)  # pyright: ignore[reportReturnType]

    def _painted(self) -> Numbers:
        """The innermost unit of each row."""
        place = np.full(self.row_count, len(self.places) - 1, np.int64)
        for index, (start, end) in enumerate(zip(self.places.starts.tolist(), self.places.ends.tolist(), strict=True)):
            place[start:end] = index  # the outer come first
        return place

    def _fragments(self) -> Iterator[tuple[int, int]]:
        if not self.row_count:
            return
        edges = np.flatnonzero((np.diff(self.place) != 0) | (np.diff(self.file) != 0)) + 1
        for start, end in itertools.pairwise([0, *edges.tolist(), self.row_count]):
            yield from self._pieces(start, end)

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Cut a long stretch where there is a blank line, or else little indentation."""
        while end - start > _LONGEST_FRAGMENT:
            lo, hi = start + _SHORTEST_PIECE, min(start + _LONGEST_PIECE, end - _SHORTEST_REST)
            row = np.arange(lo, hi)
            is_blank = self.kind[lo:hi] == LineKind.BLANK
            distance = np.abs(row - start - _PIECE)
            best = int(np.lexsort((distance, np.where(is_blank, 0, self.indent[lo:hi]), ~is_blank))[0])
            yield start, lo + best + 1
            start = lo + best + 1
        yield start, end


def _places(files: Sequence[int], starts: Mapping[int, int], units: Mapping[int, Sequence[Unit]]) -> Places:
    rows: list[tuple[int, int, int, int, int, bool]] = []
    names: list[str] = []
    titles: list[str] = []
    for file in files:
        first, base = starts[file] - 1, len(rows)
        for index, unit in enumerate(units[file]):
            parent = unit.parent + base if unit.parent >= 0 else -1
            is_open = unit.kind in _OPEN_KINDS
            body = unit.body if unit.body <= unit.end else unit.start + 1  # without a body: what its first line says
            rows.append((first + unit.start, first + unit.end + 1, first + body, parent, file, is_open))
            names.append(unit.name)
            titles.append(qualified(units[file], index))
    rows.append((0, 0, 0, -1, -1, False))
    table = np.array(rows, np.int64)
    return Places(
        starts=table[:, 0],
        ends=table[:, 1],
        bodies=table[:, 2],
        parents=table[:, 3],
        files=table[:, 4],
        names=(*names, ""),
        titles=(*titles, ""),
        is_open=table[:, 5].astype(np.bool_),
    )
