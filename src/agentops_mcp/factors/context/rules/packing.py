"""Which lines to send: the greatest value that fits a budget, in stretches a reader can follow.

A stretch costs its lines and a heading, a file costs one more heading. For a price of a token, the best stretches of
each file are found exactly by dynamic programming; the price is then moved until what is chosen just fits
(Lagrangian relaxation of the knapsack problem; Everett, 1963).
"""

import itertools
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
        highest = np.maximum.reduceat(gains, bounds[:-1])
        worthwhile = np.flatnonzero((highest > 0) | (highest + self._bonuses > fee + entry))
        sums = np.concatenate([np.zeros(1), np.cumsum(gains)])
        turns = np.flatnonzero(np.diff(gains > 0)) + 1
        stretches: list[tuple[int, int]] = []
        tokens = 0.0
        for file in worthwhile.tolist():
            first, last = int(bounds[file]), int(bounds[file + 1])
            inner = turns[np.searchsorted(turns, first, "right") : np.searchsorted(turns, last)]
            edges = [first, *inner.tolist(), last]
            gain, found = _best_stretches(edges, sums[edges].tolist(), fee)
            if not found:
                row = first + int(np.argmax(gains[first:last]))
                gain, found = float(gains[row]) - fee, [(row, row + 1)]
            if gain + self._bonuses[file] > entry:
                stretches += found
                tokens += self._overheads.file
                tokens += sum(self._overheads.stretch + self._spent[end] - self._spent[start] for start, end in found)
        return Chosen(tuple(stretches), float(tokens))


def _best_stretches(edges: Sequence[int], sums: Sequence[float], fee: float) -> tuple[float, list[tuple[int, int]]]:
    """The stretches of the greatest sum, where each costs a fee; `sums` are those up to each edge.

    The sign of the gain changes at the edges between: no best stretch ends anywhere else.
    """
    starts, ends = edges[:-1], edges[1:]
    within = [after - before for before, after in itertools.pairwise(sums)]
    outside, inside = 0.0, float("-inf")
    opened: list[int] = []  # where the stretch began, if this run is inside one
    closed: list[bool] = []  # whether being outside before this run is best reached from inside
    began = 0
    for index, gain in enumerate(within):
        closed.append(inside > outside)
        rested = max(outside, inside)
        if rested - fee >= inside:
            inside, began = rested - fee, index
        inside += gain
        outside = rested
        opened.append(began)
    return _traced(starts, ends, opened, closed, outside=outside, inside=inside)


def _traced(
    starts: Sequence[int],
    ends: Sequence[int],
    opened: Sequence[int],
    closed: Sequence[bool],
    *,
    outside: float,
    inside: float,
) -> tuple[float, list[tuple[int, int]]]:
    found: list[tuple[int, int]] = []
    index, is_inside = len(starts) - 1, inside > outside
    while index >= 0:
        if is_inside:
            first = opened[index]
            found.append((starts[first], ends[index]))
            is_inside, index = closed[first], first - 1
        else:
            is_inside, index = closed[index], index - 1
    return max(outside, inside), found[::-1]
