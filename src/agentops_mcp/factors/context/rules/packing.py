"""Which lines to send: the greatest value that fits a budget, in stretches a reader can follow.

A stretch costs its lines and a heading, a file costs one more heading. For a price of a token, the best stretches of
each file are found exactly by dynamic programming; the price is then moved until what is chosen just fits
(Lagrangian relaxation of the knapsack problem; Everett, 1963).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.corpus import Floats, Numbers

_STEPS = 24
_CLOSE_ENOUGH = 0.985
_LEAST_PRICE = 1e-12


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


def choose(
    values: Floats, costs: Floats, files: Numbers, bonuses: Floats, *, budget_tokens: float, overheads: Overheads
) -> Chosen:
    """The stretches of the greatest value within a budget.

    `files` numbers the file of each row, ascending; `bonuses` is what having anything of a row's file is worth.
    """
    if not len(values) or budget_tokens <= 0:
        return NOTHING
    bounds = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), len(files)]
    best = NOTHING
    low, high = _LEAST_PRICE, float((values / costs).max()) + float(bonuses.max()) + _LEAST_PRICE
    for _ in range(_STEPS):
        price = (low * high) ** 0.5
        chosen = _at_price(values - price * costs, costs, bounds, bonuses, price, overheads)
        if chosen.tokens > budget_tokens:
            low = price
            continue
        high = price
        best = chosen
        if chosen.tokens >= _CLOSE_ENOUGH * budget_tokens:
            break
    return best


def _at_price(
    gains: Floats, costs: Floats, bounds: Sequence[int], bonuses: Floats, price: float, overheads: Overheads
) -> Chosen:
    """What is worth its price: in each file the best stretches, and the file itself if they pay for its heading."""
    runs = _runs(gains, bounds)
    spent = np.concatenate([np.zeros(1), np.cumsum(costs)])
    sums = np.concatenate([np.zeros(1), np.cumsum(gains)])[runs]
    stretches: list[tuple[int, int]] = []
    tokens = 0.0
    edges = np.searchsorted(runs, bounds)
    for number, (first, last) in enumerate(itertools.pairwise(edges.tolist())):
        gain, found = _best_stretches(runs[first : last + 1], sums[first : last + 1], price * overheads.stretch)
        if not found:  # one line may still be worth having for the sake of its file
            row = bounds[number] + int(np.argmax(gains[bounds[number] : bounds[number + 1]]))
            gain, found = float(gains[row]) - price * overheads.stretch, [(row, row + 1)]
        if gain + bonuses[bounds[number]] > price * overheads.file:
            stretches += found
            tokens += overheads.file + sum(overheads.stretch + spent[end] - spent[start] for start, end in found)
    return Chosen(tuple(stretches), float(tokens))


def _runs(gains: Floats, bounds: Sequence[int]) -> NDArray[np.int64]:
    """Where the sign of the gain changes, or the file does: no best stretch ends anywhere else."""
    turns = np.flatnonzero(np.diff(gains > 0)) + 1
    return np.union1d(turns, np.array(bounds, np.int64))


def _best_stretches(edges: NDArray[np.int64], sums: Floats, fee: float) -> tuple[float, list[tuple[int, int]]]:
    """The stretches between edges of the greatest sum, where each costs a fee."""
    starts, ends = edges[:-1].tolist(), edges[1:].tolist()
    within = np.diff(sums).tolist()
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
