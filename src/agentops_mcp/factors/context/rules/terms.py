"""Words of code and of tasks: identifiers whole and in parts, found in bytes many files at a time.

A term is a 32-bit hash of its letters in lower case, underscores left out, so `get_json` and `getJSON` are one.
Two of 50,000 different terms share a hash in one repository of four: a stray match, no more.
"""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]
Ints = NDArray[np.int32]

_OTHER, _LOWER, _UPPER, _UNDERSCORE, _DIGIT = range(5)


def _classes() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[ord("a") : ord("z") + 1] = _LOWER
    table[ord("0") : ord("9") + 1] = _DIGIT
    table[128:] = _LOWER  # the bytes of other scripts make words of their own
    table[ord("A") : ord("Z") + 1] = _UPPER
    table[[ord("_"), ord("$")]] = _UNDERSCORE
    return table


_CLASS = _classes()
_FOLDED = np.arange(1, 257, dtype=np.uint64)
_FOLDED[ord("A") : ord("Z") + 1] += 32

_MASK = (1 << 64) - 1
_BASE = 0x9E3779B97F4A7C15  # odd, so it has an inverse modulo 2**64
_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = 0xFF51AFD7ED558CCD


@dataclass(frozen=True, slots=True)
class Found:
    """Terms in the order of the bytes they start at."""

    hashes: Hashes
    offsets: NDArray[np.int64]


@functools.lru_cache(maxsize=100_000)
def hash_of(word: str) -> int:
    """The term of one word."""
    total, power = 0, 1
    for byte in word.lower().replace("_", "").replace("$", "").encode():
        total = (total + (byte + 1) * power) & _MASK
        power = (power * _BASE) & _MASK
    total ^= total >> 33
    total = (total * _MIX) & _MASK
    return (total ^ (total >> 29)) & 0xFFFFFFFF


def find_terms(text: bytes) -> tuple[Found, Found]:
    """Every part of an identifier of two characters or more, and every identifier that has several parts.

    The hash of a part is a difference of two prefix sums, so no byte is looked at twice and no word becomes a string.
    """
    data = np.frombuffer(text, np.uint8)
    classes = _CLASS[data]
    at = np.flatnonzero((classes != _OTHER) & (classes != _UNDERSCORE))
    count = len(at)
    if not count:
        return _NOTHING, _NOTHING
    kinds = classes[at]
    powers, inverses = _powers(count)
    sums = np.zeros(count + 1, np.uint64)
    np.cumsum(_FOLDED[data[at]] * powers, out=sums[1:])
    gap = np.ones(count, np.bool_)
    gap[1:] = at[1:] != at[:-1] + 1
    parts = np.flatnonzero(_part_starts(kinds, gap))
    part_ends = np.append(parts[1:], count)
    whole = np.flatnonzero(_identifier_starts(classes, at, gap))
    whole_ends = np.append(whole[1:], count)
    # An identifier of one part is that part.
    several = np.searchsorted(parts, whole_ends) - np.searchsorted(parts, whole) > 1
    whole, whole_ends = whole[several], whole_ends[several]
    long = part_ends - parts > 1

    def found(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Found:
        return Found(_mixed((sums[ends] - sums[starts]) * inverses[starts]), at[starts])

    return found(parts[long], part_ends[long]), found(whole, whole_ends)


def _part_starts(kinds: NDArray[np.uint8], gap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a part of an identifier begins: after a gap, at `aB`, and before the last capital of `ABc`.

    Digits belong to what they follow: `sha256` and `HTTP2` are one part each.
    """
    upper, lower = kinds == _UPPER, kinds == _LOWER
    starts = gap.copy()
    starts[1:] |= upper[1:] & ~upper[:-1]
    starts[1:-1] |= upper[1:-1] & upper[:-2] & lower[2:] & ~gap[2:]
    return starts


def _identifier_starts(classes: NDArray[np.uint8], at: NDArray[np.int64], gap: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where an identifier begins: after a gap that is not one or two underscores."""
    starts = gap.copy()
    gaps = np.flatnonzero(gap[1:]) + 1
    before, after = at[gaps - 1] + 1, at[gaps] - 1
    inside = (after - before < 2) & (classes[before] == _UNDERSCORE) & (classes[after] == _UNDERSCORE)
    starts[gaps[inside]] = False
    return starts


def _powers(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """`_BASE**n` and `_BASE**-n` modulo 2**64, for n below `count`."""
    powers, inverses = _powers_up_to(1 << max(18, count.bit_length()))
    return powers[:count], inverses[:count]


@functools.lru_cache(maxsize=2)
def _powers_up_to(count: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    powers = np.full(count, _BASE, np.uint64)
    inverses = np.full(count, _INVERSE, np.uint64)
    powers[0] = inverses[0] = 1
    return np.multiply.accumulate(powers), np.multiply.accumulate(inverses)


def _mixed(values: NDArray[np.uint64]) -> Hashes:
    values = values ^ (values >> np.uint64(33))
    values = values * np.uint64(_MIX)
    return (values ^ (values >> np.uint64(29))).astype(np.uint32)


_NOTHING = Found(np.zeros(0, np.uint32), np.zeros(0, np.int64))
