"""How likely each line is to be what a task needs: a log-linear model of its signals.

The logarithm of the expected share of a task's changed places that a line has is a weighted sum of columns; a column is
a signal, its logarithm, or the product of two (`file_rank * fragment_rank`). The weights are in `weights.py`.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.corpus import Floats
from agentops_mcp.factors.context.rules.lines import Signals

# Signals that are shares may be 0; a twentieth is where "a little" ends.
_LEAST_SHARE = 0.05
_MOST_EXPONENT = 20.0
_NO_REASON = "place"


def column(signals: Signals, name: str) -> NDArray[np.float32]:
    """The column of a name: `signal`, `log signal`, `log1p signal`, `has signal`, or a product of such.

    Raises:
        KeyError: there is no such signal.
    """
    factors = [_factor(signals, each) for each in name.split(" * ")]
    product = factors[0]
    for each in factors[1:]:
        product = product * each
    return product


def _factor(signals: Signals, name: str) -> NDArray[np.float32]:
    how, _, signal = name.rpartition(" ")
    values = signals[signal]
    if how == "log":
        return np.log(values + np.float32(_LEAST_SHARE))
    if how == "log1p":
        return np.log1p(values)
    return (values > 0).astype(np.float32) if how == "has" else values


REASONS: Mapping[str, tuple[str, ...]] = {
    "name": (
        "file_path", "unit_name", "unit_literal", "unit_parent", "line_identifiers", "fragment_identifiers",
        "line_quoted", "line_near_quoted", "file_quoted",
    ),
    "history": (
        "file_similar", "file_touches", "file_last", "file_changed", "unit_similar", "unit_touches", "unit_changed",
        "line_touches", "line_similar", "line_near_touches", "line_near_similar", "line_around_touches",
        "line_around_similar",
    ),
    "related": ("line_related", "line_near_related", "line_calls", "unit_named_nearby", "unit_related"),
    "tests": ("file_tested", "unit_tested"),
    "words": ("file_", "unit_bm25", "unit_rank", "fragment_", "line_"),
}  # fmt: skip
"""Why a line is chosen, by the beginnings of the signals that say so; the first that fits counts."""


@functools.cache
def reason_of(name: str) -> str:
    """The reason a column belongs to; what only says what a line is like is no reason."""
    signal = name.partition(" * ")[0].rpartition(" ")[2]
    return next((reason for reason, heads in REASONS.items() if signal.startswith(heads)), _NO_REASON)


@dataclass(frozen=True, slots=True)
class Weighed:
    """The expected share of each line, and how much each reason says for it against the average line.

    All shares of a task together are about 1; reasons are differences of the logarithm.
    """

    expected: Floats
    reasons: Mapping[str, Floats]


def weigh(signals: Signals, weights: Mapping[str, float], intercept: float) -> Weighed:
    """Judge every line."""
    count = len(next(iter(signals.values())))
    parts = {reason: np.zeros(count) for reason in (*REASONS, _NO_REASON)}
    for name, weight in weights.items():
        parts[reason_of(name)] += weight * column(signals, name)
    total = intercept + sum(parts.values(), np.zeros(count))
    del parts[_NO_REASON]
    return Weighed(
        np.exp(np.clip(total, -_MOST_EXPONENT, _MOST_EXPONENT)),
        {reason: part - part.mean() for reason, part in parts.items()} if count else parts,
    )
