"""Budgets: what a session and the project may use, and what an action is told when that is nearly or all used.

Amounts are integers: tokens; cost in millionths of a unit of the project's currency (1.25 is 1_250_000); duration in
milliseconds; runs; retries. Without a word of the project's, tokens, cost and runs stop the work, and duration and
retries only warn; a project can say that all of them stop it, or hold it until a person approved the next action. A
charge is one run of an agent or a job, unless it says how many it is.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.guardrails.rules.notices import Notice

Over = Literal["stop", "hold"] | None

MEASURES = ("tokens", "cost_micros", "duration_ms", "retries", "runs")
STOPPING = frozenset({"tokens", "cost_micros", "runs"})
WARN_PERCENT = 80
MOST = 2**50
"""The largest amount of one charge: a thousand of them still fit the database's integers."""

_UNITS = {
    "tokens": ("tokens", 1),
    "cost_micros": ("of cost", 10**6),
    "duration_ms": ("s", 1_000),
    "retries": ("retries", 1),
    "runs": ("runs", 1),
}
_SPOKEN = {
    "tokens": ("tokens", 1),
    "cost": ("cost_micros", 10**6),
    "seconds": ("duration_ms", 1_000),
    "retries": ("retries", 1),
    "runs": ("runs", 1),
}


class Amounts(NamedTuple):
    """How much of each measure; None where it is not known, or not limited."""

    tokens: int | None = None
    cost_micros: int | None = None
    duration_ms: int | None = None
    retries: int | None = None
    runs: int | None = None


class Limits(NamedTuple):
    """What may be used: by one session in all, and by the project within its last `project_days` days."""

    session: Amounts = Amounts()
    project: Amounts = Amounts()
    project_days: int = 30
    over: Over = None
    """Whether what is used up denies the next action, or asks a person about it; None: as factor XI has it."""

    @property
    def any(self) -> bool:
        """Whether anything is limited."""
        return any(each is not None for each in (*self.session, *self.project))


class Used(NamedTuple):
    """What was used so far; `unknown` names the measures of which some was not told."""

    amounts: Amounts = Amounts(0, 0, 0, 0, 0)
    unknown: frozenset[str] = frozenset()
    charges: int = 0

    def after(self, *, calls: bool) -> "Used":
        """The same, seen with whether calls were made: calls of which nothing was ever charged used something."""
        return self._replace(unknown=frozenset(MEASURES)) if calls and not self.charges else self


def check_charge(amounts: Amounts) -> None:
    """Refuse amounts that can not be.

    Raises:
        InvalidInputError: one is negative, no integer, or larger than `MOST`.
    """
    for name, value in zip(MEASURES, amounts, strict=True):
        if value is not None and not (type(value) is int and 0 <= value <= MOST):
            raise InvalidInputError(
                f"{name} can not be {value!r}.", remedy="Give a whole number from 0 on, or nothing."
            )


def amounts_of(spent: Mapping[str, float]) -> Amounts:
    """Amounts from what a caller says in units that people use: `tokens`, `cost`, `seconds` and so on.

    Raises:
        InvalidInputError: it names something else, or an amount can not be.
    """
    if unknown := [key for key in spent if key not in _SPOKEN]:
        raise InvalidInputError(
            f"There is no budget of {unknown[0][:40]!r}.", remedy=f"Known are {', '.join(_SPOKEN)}."
        )
    found: dict[str, int] = {}
    for key, value in spent.items():
        name, per = _SPOKEN[key]
        if isinstance(value, bool) or not 0 <= value <= MOST / per:  # which NaN is not either
            raise InvalidInputError(f"{key} can not be {value!r}.", remedy="Give a number from 0 on, or nothing.")
        found[name] = round(value * per)
    return Amounts(**found)


def charge_of(spent: Mapping[str, float]) -> tuple[Amounts, bool]:
    """The same, and whether these are the sums of the session so far, which `"total": 1` says."""
    rest = {key: value for key, value in spent.items() if key != "total"}
    return amounts_of(rest), bool(spent.get("total"))


def notices(scope: str, used: Used | None, limits: Amounts, over: Over = None) -> list[Notice]:
    """What a budget says about the next action; `used` is None when it is not known whose budget it is."""
    found = [
        _notice(scope, name, used, limit, over)
        for name, limit in zip(MEASURES, limits, strict=True)
        if limit is not None
    ]
    return [each for each in found if each]


def _notice(scope: str, name: str, used: Used | None, limit: int, over: Over) -> Notice | None:
    rule, stops = f"runtime.budget-{name.partition('_')[0]}", over is not None or name in STOPPING
    amount = 0 if used is None else getattr(used.amounts, name) or 0
    if amount >= limit:
        reason = f"The {scope}'s budget is used up: {_shown(name, amount)} of {_shown(name, limit)} {_UNITS[name][0]}."
        if stops and over == "hold":
            return Notice(rule, "ask", "high", reason, _HOLD)
        return Notice(rule, "deny" if stops else "allow", "critical" if stops else "medium", reason, _SAVE)
    if used is None or name in used.unknown:
        why = "the session was not named" if used is None else "part of it was never reported"
        reason = f"How much of the {scope}'s {name.partition('_')[0]} budget is used is not known: {why}."
        remedy = "Pass `session`." if used is None else "Report the session's sums with report_outcome."
        return Notice(rule, "ask" if stops else "allow", "high" if stops else "low", reason, remedy)
    if amount * 100 >= limit * WARN_PERCENT:
        share = amount * 100 // limit
        reason = f"{share} % of the {scope}'s budget of {_shown(name, limit)} {_UNITS[name][0]} is used."
        return Notice(rule, "allow", "low", reason, "Finish what matters, and save_state.")
    return None


_HOLD = "save_state, then request_approval: a person lets one action pass, or grants the rule for a while."
_SAVE = "save_state and stop; a person can raise the limit in .agentops/config.toml."


def _shown(name: str, amount: int) -> str:
    per = _UNITS[name][1]
    if per == 1:
        return str(amount)
    whole, rest = divmod(amount, per)
    digits = f"{rest:0{len(str(per)) - 1}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
