"""A call in Python text, with what is known of its arguments."""

from collections.abc import Callable
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.programs.interpreters_acts import Acts
from agentops_mcp.factors.guardrails.rules.programs.interpreters_values import UNKNOWN_VALUE, Value


class Called(NamedTuple):
    """A call with what is known of its arguments."""

    name: str
    """The name under which the function is known here."""

    callee: Value
    arguments: list[Value]
    named: dict[str, Value]
    acts: Acts

    def argument(self, place: int, *names: str) -> Value:
        """An argument by place or name."""
        if place < len(self.arguments):
            return self.arguments[place]
        return next((self.named[name] for name in names if name in self.named), UNKNOWN_VALUE)


Act = Callable[[Called], Value]


def table(*rows: tuple[str, Act]) -> dict[str, Act]:
    """Acts by the names of the functions that do them."""
    return {name: act for names, act in rows for name in names.split()}
