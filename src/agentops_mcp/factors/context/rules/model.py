"""How likely each line is to be what a task needs: a log-linear model of its signals.

The logarithm of the expected share of a task's changed places that a line has is a weighted sum of columns; a column is
a signal, its logarithm, or the product of two (`file_rank * fragment_rank`). The weights are in `weights.py`.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.corpus import Floats
from agentops_mcp.factors.context.rules.lines import Signals

# Signals that are shares may be 0; a twentieth is where "a little" ends.
_LEAST_SHARE = 0.05
_MOST_EXPONENT = 20.0


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


def reason_of(name: str) -> str:
    """The reason a column belongs to; what only says what a line is like is no reason."""
    signal = name.partition(" * ")[0].rpartition(" ")[2]
    return next((reason for reason, heads in REASONS.items() if signal.startswith(heads)), "place")


def reasons(signals: Signals, weights: Mapping[str, float]) -> Mapping[str, Floats]:
    """How much each reason says for each line, against the average line: differences of the logarithm."""
    parts = {reason: np.zeros(len(next(iter(signals.values())))) for reason in REASONS}
    for name, weight in weights.items():
        if (reason := reason_of(name)) in parts:
            values = column(signals, name)
            parts[reason] += weight * (values - values.mean())
    return parts


def expected(signals: Signals, weights: Mapping[str, float], intercept: float) -> Floats:
    """The expected share of each line; all shares of a task together are about 1."""
    total = np.full(len(next(iter(signals.values()))), intercept)
    for name, weight in weights.items():
        total += weight * column(signals, name)
    return np.exp(np.clip(total, -_MOST_EXPONENT, _MOST_EXPONENT))
