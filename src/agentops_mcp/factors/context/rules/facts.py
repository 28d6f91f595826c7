"""What is known of a file from its bytes alone: its terms and the lines they stand on, and what each line is like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.terms import Found, Hashes, Ints, find_terms, hash_of

FORMAT = "terms-2"
"""Changes with what `encode` writes, so that facts of an older version are made anew."""

# About the size at which the arrays of a batch still fit a processor's cache.
_BATCH_BYTES = 200_000


class LineKind(IntEnum):
    """What a line is like at a glance."""

    BLANK = 0
    CODE = 1
    IMPORT = 2
    COMMENT = 3
    CLOSING = 4


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The terms of a file and the lines (from 0) they stand on; and each line by itself.

    `widths` are bytes with the line's end, `indents` bytes of leading white space.
    """

    hashes: Hashes
    lines: Ints
    widths: NDArray[np.uint16]
    kinds: NDArray[np.uint8]
    indents: NDArray[np.uint8]

    @property
    def line_count(self) -> int:
        """How many lines the file has."""
        return len(self.widths)


def read_facts(contents: Sequence[bytes]) -> Iterator[FileFacts]:
    """The facts of each file in turn; many small files are read together."""
    batch: list[bytes] = []
    size = 0
    for content in contents:
        batch.append(content if content.endswith(b"\n") or not content else content + b"\n")
        size += len(content)
        if size >= _BATCH_BYTES:
            yield from _read_batch(batch)
            batch, size = [], 0
    yield from _read_batch(batch)


def _read_batch(batch: Sequence[bytes]) -> Iterator[FileFacts]:
    text = b"".join(batch)
    if not text:
        yield from (_EMPTY for _ in batch)
        return
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == ord("\n")) + 1
    starts = np.concatenate([[0], ends[:-1]])
    line_of = np.repeat(np.arange(len(ends), dtype=np.int32), ends - starts)
    parts, wholes = find_terms(text)
    kinds, indents = _kinds(data, starts, ends, parts, wholes)
    widths = np.minimum(ends - starts, 0xFFFF).astype(np.uint16)
    file_ends = np.cumsum([len(content) for content in batch])
    first_lines = np.concatenate([[0], np.searchsorted(ends, file_ends, "right")])
    cuts = [np.concatenate([[0], np.searchsorted(found.offsets, file_ends)]) for found in (parts, wholes)]
    numbers = [line_of[found.offsets] for found in (parts, wholes)]
    for index in range(len(batch)):
        own = slice(int(first_lines[index]), int(first_lines[index + 1]))
        spans = [slice(int(cut[index]), int(cut[index + 1])) for cut in cuts]
        hashes = np.concatenate([found.hashes[span] for found, span in zip((parts, wholes), spans, strict=True)])
        lines = np.concatenate([each[span] for each, span in zip(numbers, spans, strict=True)]) - np.int32(own.start)
        yield FileFacts(hashes, lines, widths[own], kinds[own], indents[own])


def _kinds(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    parts: Found,
    wholes: Found,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """What kind each line is, and how far it is indented."""
    first = _first_visible(data, starts, ends)
    initial, second = data[first], data[np.minimum(first + 1, len(data) - 1)]
    kinds = np.full(len(starts), LineKind.CODE, np.uint8)
    kinds[_comment_starts(initial, second)] = LineKind.COMMENT
    kinds[_CLOSES[initial] & (ends - first <= _CLOSING_BYTES)] = LineKind.CLOSING
    candidates = np.flatnonzero(_MAY_IMPORT[initial])
    words = first[candidates] + (initial[candidates] == ord("#"))
    kinds[candidates[_are_imports(words, parts, wholes)]] = LineKind.IMPORT
    blank = _SPACE[initial]
    kinds[blank] = LineKind.BLANK
    return kinds, np.minimum(np.where(blank, 0, first - starts), 0xFF).astype(np.uint8)


def _first_visible(data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each line's first character that is no space stands; its end when it has none."""
    first = starts.copy()
    indented = np.flatnonzero(_SPACE[data[first]] & (first < ends - 1))
    while len(indented):  # as often as the longest indentation is long, each time for fewer lines
        first[indented] += 1
        at = first[indented]
        indented = indented[_SPACE[data[at]] & (at < ends[indented] - 1)]
    return first


def _are_imports(words: NDArray[np.int64], parts: Found, wholes: Found) -> NDArray[np.bool_]:
    """Which of these places begin a word that imports; `useState` is no `use`."""
    at = np.minimum(np.searchsorted(parts.offsets, words), max(0, len(parts.offsets) - 1))
    if not len(parts.offsets):
        return np.zeros(len(words), np.bool_)
    is_word = (parts.offsets[at] == words) & np.isin(parts.hashes[at], _IMPORTS)
    is_word[is_word] = np.isin(words[is_word], wholes.offsets, invert=True)
    return is_word


def _comment_starts(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    slash = (first == ord("/")) & ((second == ord("/")) | (second == ord("*")))
    dash = (first == ord("-")) & (second == ord("-"))
    quotes = ((first == ord('"')) & (second == ord('"'))) | ((first == ord("'")) & (second == ord("'")))
    return slash | dash | quotes | (first == ord("#")) | (first == ord("*"))


_SPACE = np.zeros(256, np.bool_)
_SPACE[[9, 10, 11, 12, 13, 32]] = True
_CLOSES = np.zeros(256, np.bool_)
_CLOSES[list(b")]}")] = True
_CLOSING_BYTES = 4  # with the line's end
_MAY_IMPORT = np.zeros(256, np.bool_)
_MAY_IMPORT[list(b"iIfFuUrR#")] = True
_IMPORTS = np.array([hash_of(word) for word in ("import", "from", "use", "using", "include", "require")], np.uint32)
_EMPTY = FileFacts(
    np.zeros(0, np.uint32), np.zeros(0, np.int32), np.zeros(0, np.uint16), np.zeros(0, np.uint8), np.zeros(0, np.uint8)
)


def encode(facts: FileFacts) -> bytes:
    """Facts as bytes, for `decode`."""
    head = np.array([len(facts.hashes), facts.line_count], np.uint32)
    return b"".join(
        part.tobytes() for part in (head, facts.hashes, facts.lines, facts.widths, facts.kinds, facts.indents)
    )


def decode(stored: bytes) -> FileFacts:
    """What `encode` wrote.

    Raises:
        ValueError: it did not write this.
    """
    terms, lines = (int(each) for each in np.frombuffer(stored, np.uint32, 2))
    if len(stored) != 8 + 8 * terms + 4 * lines:
        raise ValueError("not the facts of a file")
    at = 8
    parts: list[NDArray[np.generic]] = []
    for kind, count in (
        (np.uint32, terms),
        (np.int32, terms),
        (np.uint16, lines),
        (np.uint8, lines),
        (np.uint8, lines),
    ):
        part = np.frombuffer(stored, kind, count, at)
        parts.append(part)
        at += part.nbytes
    return FileFacts(*parts)  # pyright: ignore[reportArgumentType] - each has the type of its field
