"""Which lines to send: the greatest value that fits a budget, in stretches a reader can follow.

A stretch costs its lines and a heading, a file costs one more heading. For a price of a token, the best stretches of
each file are found exactly by dynamic programming; the price is then moved until what is chosen just fits
(Lagrangian relaxation of the knapsack problem; Everett, 1963).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agentops_mcp.factors.context.rules.corpus import Floats, Numbers

_STEPS = 24
_CLOSE_ENOUGH = 0.985
_LEAST_PRICE = 1e-12
_BEGIN_AT, _AIM = 0.75, 0.993


@dataclass(frozen=True, slots=True)
class Overheads:
    """What headings cost, in tokens."""

    stretch: float
    file: float


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows to send as half-open stretches in order, and about how many tokens they cost."""

    stretches: tuple[tuple[int, int], ...]
    tokens: float


NOTHING = Chosen((), 0.0)


def joined(stretches: Sequence[tuple[int, int]], files: Numbers, values: Floats) -> list[tuple[int, int]]:
    """The stretches, with those that are one line apart as one: a heading costs what the line does, and reads worse.

    A line without value is not to be sent.
    """
    found: list[tuple[int, int]] = []
    for start, end in stretches:
        before = found[-1][1] if found else -1
        if before >= 0 and start - before <= 1 and files[start] == files[before - 1] and values[before:start].all():
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


class Chooser:
    """Chooses stretches of one text for any budget.

    `files` numbers the file of each row, ascending; `bonuses` is what having anything of a row's file is worth.
    """

    def __init__(self, values: Floats, costs: Floats, files: Numbers, bonuses: Floats, overheads: Overheads) -> None:
        self._values, self._costs, self._overheads = values, costs, overheads
        edges = np.flatnonzero(np.diff(files)) + 1
        self._bounds = np.concatenate([[0], edges, [len(files)]]) if len(files) else np.zeros(1, np.int64)
        self._bonuses = bonuses[self._bounds[:-1]]
        self._spent = np.concatenate([np.zeros(1), np.cumsum(costs)])
        densities = values / costs
        order = np.argsort(-densities, kind="stable")
        self._densities, self._filled = densities[order], np.cumsum(costs[order])
        self._highest = float(densities.max(initial=0.0)) + float(self._bonuses.max(initial=0.0))

    def choose(self, budget_tokens: float) -> Chosen:
        """The stretches of the greatest value within a budget."""
        if not len(self._values) or budget_tokens <= 0 or not self._highest:
            return NOTHING
        best = NOTHING
        low, high = _LEAST_PRICE, self._highest + _LEAST_PRICE
        price = self._density_at(_BEGIN_AT * budget_tokens)
        for _ in range(_STEPS):
            chosen = self._at_price(price)
            if chosen.tokens > budget_tokens:
                low = price
            else:
                high, best = price, chosen
                if chosen.tokens >= _CLOSE_ENOUGH * budget_tokens:
                    break
            # What is chosen halves about when the price doubles; where that leads out of the bounds, by halves.
            price *= max(chosen.tokens, 1.0) / (_AIM * budget_tokens)
            if not low < price < high:
                price = (low * high) ** 0.5
        return best

    def _density_at(self, tokens: float) -> float:
        """The value a token of the last line that would be sent, if the densest lines filled so many tokens."""
        filled = int(np.searchsorted(self._filled, tokens))
        return float(self._densities[min(filled, len(self._densities) - 1)]) + _LEAST_PRICE

    def _at_price(self, price: float) -> Chosen:
        """What is worth its price: in each file the best stretches, and the file itself if they pay for its heading.

        A file of which no stretch is worth it may still send its best line for the sake of its bonus.
        """
        gains = self._values - price * self._costs
        bounds = self._bounds
        fee, entry = price * self._overheads.stretch, price * self._overheads.file
        sums = np.concatenate([np.zeros(1), np.cumsum(gains)])
        runs = _runs(gains, bounds, sums, fee)
        of_file = np.searchsorted(runs.starts, bounds)
        highest = np.maximum.reduceat(gains, bounds[:-1])
        worthwhile = np.flatnonzero((np.diff(of_file) > 0) | (highest + self._bonuses > fee + entry))
        stretches: list[tuple[int, int]] = []
        tokens = 0.0
        for file in worthwhile.tolist():
            gain, found = _best_stretches(runs, int(of_file[file]), int(of_file[file + 1]), fee)
            if not found:
                first, last = int(bounds[file]), int(bounds[file + 1])
                row = first + int(np.argmax(gains[first:last]))
                gain, found = float(gains[row]) - fee, [(row, row + 1)]
            if gain + self._bonuses[file] > entry:
                stretches += found
                tokens += self._overheads.file
                tokens += sum(self._overheads.stretch + self._spent[end] - self._spent[start] for start, end in found)
        return Chosen(tuple(stretches), float(tokens))


@dataclass(frozen=True, slots=True)
class _Runs:
    """Stretches in which every row gains, in order; `gaps` is what is lost between each and the one before.

    The gap before the first run of a file is infinite.
    """

    starts: Numbers
    ends: Numbers
    gains: Floats
    gaps: Floats


def _runs(gains: Floats, bounds: Numbers, sums: Floats, fee: float) -> _Runs:
    """The runs of gaining rows that a best stretch can begin or end with.

    A run that is worth no fee of its own, and no more than the gap on either side, is part of a gap: at the end of a
    stretch it would not pay for the gap, alone not for the fee. Most runs are like that.
    """
    gaining = np.concatenate([np.zeros(1, np.bool_), gains > 0, np.zeros(1, np.bool_)])
    begins = gaining[1:] & ~gaining[:-1]
    begins[bounds[:-1]] |= gaining[1:][bounds[:-1]]
    finishes = gaining[:-1] & ~gaining[1:]
    finishes[bounds[1:]] |= gaining[:-1][bounds[1:]]
    starts, ends = np.flatnonzero(begins), np.flatnonzero(finishes)
    while True:
        own = sums[ends] - sums[starts]
        gaps = np.full(len(starts) + 1, np.inf)
        same = np.searchsorted(bounds, starts[1:], "right") == np.searchsorted(bounds, starts[:-1], "right")
        gaps[1:-1] = np.where(same, sums[ends[:-1]] - sums[starts[1:]], np.inf)
        small = (own <= fee) & (own <= gaps[:-1]) & (own <= gaps[1:])
        if not small.any():
            return _Runs(starts, ends, own, gaps[:-1])
        starts, ends = starts[~small], ends[~small]


def _best_stretches(runs: _Runs, first: int, last: int, fee: float) -> tuple[float, list[tuple[int, int]]]:
    """The stretches of one file, from run to run, of the greatest sum, where each costs a fee."""
    best, best_at = 0.0, -1  # of what ends before this run, and the run it ends with
    ending = float("-inf")  # of what ends with the run before
    origins: list[tuple[bool, int]] = []  # whether a run goes on with the one before, or else what was best then
    for gain, gap in zip(runs.gains[first:last].tolist(), runs.gaps[first:last].tolist(), strict=True):
        goes_on = ending - gap > best - fee
        origins.append((goes_on, best_at))
        ending = gain + (ending - gap if goes_on else best - fee)
        if ending > best:
            best, best_at = ending, len(origins) - 1
    return best, _traced(runs, first, origins, best_at)


def _traced(runs: _Runs, first: int, origins: Sequence[tuple[bool, int]], at: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while at >= 0:
        end = int(runs.ends[first + at])
        while origins[at][0]:
            at -= 1
        found.append((int(runs.starts[first + at]), end))
        at = origins[at][1]
    return found[::-1]
