"""The files that are looked into, laid out as rows: one for each line, with its unit and its fragment."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Shape:
    """A file by itself: its units, which of them each line is in, and its fragments; lines from 0, ends exclusive.

    `units` has a row each: start, end, body, parent and whether it is open; `places` has -1 for "in no unit".
    """

    units: Numbers
    names: tuple[str, ...]
    titles: tuple[str, ...]
    places: Numbers
    fragments: Numbers


def shape_of(units: Sequence[Unit], facts: FileFacts) -> Shape:
    """The shape of a file; it stays the same from task to task."""
    rows = [
        # Without a body, a unit says what it is in its first line.
        (
            unit.start - 1, unit.end, (unit.body if unit.body <= unit.end else unit.start + 1) - 1, unit.parent,
            unit.kind in _OPEN_KINDS,
        )
        for unit in units
    ]  # fmt: skip
    places = np.full(facts.line_count, -1, np.int64)
    for index, (start, end, *_) in enumerate(rows):
        places[start:end] = index  # the outer come first
    return Shape(
        units=np.array(rows, np.int64).reshape(-1, 5),
        names=tuple(unit.name for unit in units),
        titles=tuple(qualified(units, index) for index in range(len(units))),
        places=places,
        fragments=np.array(list(_fragments(places, facts)), np.int64).reshape(-1, 2),
    )


def _fragments(places: Numbers, facts: FileFacts) -> Iterator[tuple[int, int]]:
    if not facts.line_count:
        return
    edges = np.flatnonzero(np.diff(places)) + 1
    for start, end in itertools.pairwise([0, *numbers(edges), facts.line_count]):
        yield from _pieces(facts, start, end)


def _pieces(facts: FileFacts, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a long stretch where there is a blank line, or else little indentation."""
    while end - start > _LONGEST_FRAGMENT:
        lo, hi = start + _SHORTEST_PIECE, min(start + _LONGEST_PIECE, end - _SHORTEST_REST)
        is_blank = facts.kinds[lo:hi] == LineKind.BLANK
        distance = np.abs(np.arange(lo, hi) - start - _PIECE)
        best = int(np.lexsort((distance, np.where(is_blank, 0, facts.indents[lo:hi]), ~is_blank))[0])
        yield start, lo + best + 1
        start = lo + best + 1
    yield start, end


class Layout:
    """Rows of the files looked into, file after file in order of path."""

    def __init__(
        self, corpus: Corpus, files: Sequence[int], facts: Mapping[int, FileFacts], shapes: Mapping[int, Shape]
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
        known = [facts[file] for file in self.starts]
        self.kind = _joined([each.kinds for each in known])
        self.indent = _joined([each.indents for each in known])
        self.width = _joined([each.widths for each in known])
        chosen = [shapes[file] for file in self.starts]
        self.places = _places(self.starts, chosen)
        bases = np.cumsum([0, *(len(each.names) for each in chosen)])
        last = len(self.places) - 1
        inside = [
            np.where(each.places < 0, last, each.places + base) for each, base in zip(chosen, bases, strict=False)
        ]
        self.place = _joined(inside)
        in_signature = np.arange(self.row_count) < self.places.bodies[self.place]
        self.says_what = in_signature | (self.kind == LineKind.BLANK)
        moved = [each.fragments + start for each, start in zip(chosen, self.starts.values(), strict=True)]
        self.fragments = _joined([each.ravel() for each in moved]).reshape(-1, 2)
        lengths = self.fragments[:, 1] - self.fragments[:, 0]
        self.fragment = np.repeat(np.arange(len(lengths)), lengths)

    def rows_of(self, lines: Numbers, files: Numbers) -> Numbers:
        """The rows of those lines of a corpus that are in the files looked into."""
        inside = self._is_chosen[files]
        return lines[inside] - self._shift[files[inside]]


def _joined(parts: Sequence[NDArray[Any]]) -> Numbers:
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64)


def _places(starts: Mapping[int, int], shapes: Sequence[Shape]) -> Places:
    tables: list[Numbers] = []
    base = 0
    for (file, start), shape in zip(starts.items(), shapes, strict=True):
        lines, parents = shape.units[:, :3] + start, shape.units[:, 3:4]
        parents = np.where(parents < 0, -1, parents + base)
        tables.append(np.hstack([lines, parents, np.full_like(parents, file), shape.units[:, 4:5]]))
        base += len(shape.names)
    table = np.vstack([*tables, np.array([[0, 0, 0, -1, -1, 0]], np.int64)])
    return Places(
        starts=table[:, 0],
        ends=table[:, 1],
        bodies=table[:, 2],
        parents=table[:, 3],
        files=table[:, 4],
        names=(*(name for shape in shapes for name in shape.names), ""),
        titles=(*(title for shape in shapes for title in shape.titles), ""),
        is_open=table[:, 5].astype(np.bool_),
    )
