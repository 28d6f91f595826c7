"""Which lines to send: within the budget, in order, and of the greatest value that so many tokens can have."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.packing import NOTHING, Chooser, Chosen, Overheads, joined

Stretches = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Rows:
    """Rows of files, each with a value and a cost, and what each file is worth by itself."""

    values: Sequence[float]
    costs: Sequence[float]
    files: Sequence[int]
    bonuses: Sequence[float]
    overheads: Overheads

    def chooser(self) -> Chooser:
        return Chooser(
            np.array(self.values, np.float64),
            np.array(self.costs, np.float64),
            np.array(self.files, np.int64),
            np.array([self.bonuses[file] for file in self.files], np.float64),
            self.overheads,
        )

    def choose(self, budget: float) -> Chosen:
        return self.chooser().choose(budget)

    def value(self, stretches: Stretches) -> float:
        owners = {self.files[start] for start, _ in stretches}
        return sum(sum(self.values[start:end]) for start, end in stretches) + sum(self.bonuses[file] for file in owners)

    def tokens(self, stretches: Stretches) -> float:
        owners = {self.files[start] for start, _ in stretches}
        lines = sum(self.overheads.stretch + sum(self.costs[start:end]) for start, end in stretches)
        return lines + self.overheads.file * len(owners)

    def selections(self) -> Iterator[Stretches]:
        """Every set of rows, as the stretches it consists of."""
        for chosen in itertools.product((False, True), repeat=len(self.values)):
            rows = [row for row, is_in in enumerate(chosen) if is_in]
            starts = [row for row in rows if not self.continues(row, rows)]
            ends = [row + 1 for row in rows if row + 1 not in rows or not self.continues(row + 1, rows)]
            yield tuple(zip(starts, ends, strict=True))

    def continues(self, row: int, rows: Sequence[int]) -> bool:
        return row - 1 in rows and self.files[row - 1] == self.files[row]


@st.composite
def some_rows(draw: st.DrawFn, *, most: int, bonuses: bool, fees: bool) -> Rows:
    count = draw(st.integers(1, most))
    values = draw(st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0, 5.0, 0.25]), min_size=count, max_size=count))
    costs = draw(st.lists(st.integers(1, 9).map(float), min_size=count, max_size=count))
    steps = draw(st.lists(st.booleans(), min_size=count - 1, max_size=count - 1))
    files = list(itertools.accumulate([0, *map(int, steps)]))
    worth = draw(st.lists(st.sampled_from([0.0, 0.5, 4.0]), min_size=count, max_size=count))
    fee = draw(st.integers(0, 6)) if fees else 0
    return Rows(
        values, costs, files, worth if bonuses else [0.0] * count, Overheads(float(fee), draw(st.integers(0, 6)))
    )


ANY_ROWS = some_rows(most=30, bonuses=True, fees=True)
BUDGETS = st.one_of(st.integers(-1, 60).map(float), st.just(1e6))


def lines(values: Sequence[float], *, bonus: float = 0.0, stretch: float = 2.0, file: float = 3.0) -> Rows:
    """One file, each line at ten tokens."""
    return Rows(values, [10.0] * len(values), [0] * len(values), [bonus], Overheads(stretch, file))


def test_the_lines_of_the_greatest_value_are_sent() -> None:
    assert lines([0, 1, 9, 9, 0, 1, 0]).choose(26) == Chosen(((2, 4),), 25.0)


def test_a_budget_for_everything_sends_everything_of_value() -> None:
    assert lines([0, 1, 9, 0, 0, 0, 1, 0]).choose(1_000).stretches == ((1, 3), (6, 7))


def test_a_gap_that_costs_less_than_a_heading_is_sent_along() -> None:
    assert lines([1, 0, 1], stretch=11).choose(1_000).stretches == ((0, 3),)
    assert lines([1, 0, 1], stretch=9).choose(1_000).stretches == ((0, 1), (2, 3))


def test_a_stretch_ends_where_its_file_ends() -> None:
    rows = Rows([1.0, 1.0], [10.0, 10.0], [3, 7], [0.0] * 8, Overheads(1.0, 1.0))
    assert rows.choose(100) == Chosen(((0, 1), (1, 2)), 24.0)


def test_the_best_line_of_a_file_may_be_sent_for_the_files_sake() -> None:
    chosen = lines([0.1, 0.3, 0.2], bonus=100.0, stretch=50).choose(70)
    assert chosen == Chosen(((1, 2),), 63.0)


def test_of_a_file_with_nothing_to_say_nothing_is_sent() -> None:
    assert lines([0, 0, 0]).choose(1_000) == NOTHING


def test_without_rows_or_a_budget_nothing_is_sent() -> None:
    assert lines([]).choose(1_000) == NOTHING
    assert lines([1, 1]).choose(0) == lines([1, 1]).choose(-5) == NOTHING


def test_what_costs_more_than_the_budget_is_not_sent() -> None:
    assert lines([5, 5]).choose(12) == NOTHING


@given(ANY_ROWS, st.lists(BUDGETS, min_size=1, max_size=4))
@settings(deadline=None)
def test_what_is_sent_is_never_above_the_budget_by_its_own_estimate(rows: Rows, budgets: list[float]) -> None:
    chooser = rows.chooser()
    for budget in budgets:
        chosen = chooser.choose(budget)
        assert chosen.tokens <= max(budget, 0.0)
        assert abs(chosen.tokens - rows.tokens(chosen.stretches)) < 1e-9 * max(1.0, chosen.tokens)


@given(ANY_ROWS, BUDGETS)
@settings(deadline=None)
def test_stretches_are_in_order_apart_and_each_inside_one_file(rows: Rows, budget: float) -> None:
    stretches = rows.choose(budget).stretches
    assert all(start < end for start, end in stretches)
    assert all(left[1] <= right[0] for left, right in itertools.pairwise(stretches))
    assert all(rows.files[start] == rows.files[end - 1] for start, end in stretches)
    assert all(start >= 0 and end <= len(rows.values) for start, end in stretches)


def assert_nothing_as_small_is_worth_more(rows: Rows, budget: float) -> None:
    chosen = rows.choose(budget)
    best = max(rows.value(each) for each in rows.selections() if rows.tokens(each) <= chosen.tokens + 1e-9)
    assert rows.value(chosen.stretches) >= best - 1e-9


@given(some_rows(most=7, bonuses=False, fees=True), BUDGETS)
@settings(deadline=None, max_examples=60)
def test_no_selection_of_as_few_tokens_has_more_value(rows: Rows, budget: float) -> None:
    assert_nothing_as_small_is_worth_more(rows, budget)


@given(some_rows(most=7, bonuses=True, fees=False), BUDGETS)
@settings(deadline=None, max_examples=60)
def test_nor_where_files_are_worth_something_by_themselves(rows: Rows, budget: float) -> None:
    assert_nothing_as_small_is_worth_more(rows, budget)


@given(some_rows(most=7, bonuses=True, fees=True))
@settings(deadline=None, max_examples=60)
def test_a_budget_for_everything_has_the_value_of_everything(rows: Rows) -> None:
    best = max(map(rows.value, rows.selections()))
    assert rows.value(rows.choose(1e6).stretches) >= best - 1e-9


def test_stretches_one_line_apart_are_joined_within_a_file_unless_the_line_may_not_be_sent() -> None:
    files = np.array([0] * 10 + [1] * 5)
    values = np.ones(15)
    apart = [(0, 2), (3, 5), (7, 9), (10, 12), (12, 13)]
    assert joined(apart, files, values) == [(0, 5), (7, 9), (10, 13)]
    values[2] = 0.0
    assert joined(apart, files, values) == [(0, 2), (3, 5), (7, 9), (10, 13)]
    assert joined([], files, values) == []
