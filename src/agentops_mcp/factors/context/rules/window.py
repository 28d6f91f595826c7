"""How full a window is, what still fits into it, and what to do when nothing does: decisions over plain values."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from agentops_mcp.core.display import gist, listed
from agentops_mcp.core.errors import InvalidInputError

Band = Literal["optimal", "good", "warn", "blocked", "critical"]
Level = Literal["pointer", "outline", "excerpt", "full"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""How much of an item was sent, the least first."""

# Factor II: the first 20 % of a window are where a model works best; the other bounds are settings.
_OPTIMAL = 0.20

# Below this a budget buys no more than pointers; naming it as an exit would be no help.
_LEAST_BUDGET_TOKENS = 200

# Factor II: compress every 40,000 tokens, and use must not grow from task to task: the third load is the first that
# shows a direction.
GROWTH_LOADS = 3
GROWTH_TOKENS = 40_000

# Far above every window there is, and far below what a database's integers hold.
_MOST_TOKENS = 100_000_000

_RESET = "save and reset: call save_state, then start_session in a new window"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares of the window: where to warn, above which to refuse, where to stop; and what one task may take."""

    warn: float = 0.35
    block: float = 0.40
    critical: float = 0.60
    task_share: float = 0.20


@dataclass(frozen=True, slots=True)
class LoadedItem:
    """One thing that was sent; `path` is empty when it is not a file."""

    id: str
    path: str
    start: int
    end: int
    level: Level
    tokens: int


@dataclass(frozen=True, slots=True)
class Load:
    """What one call sent, and what it cost in o200k tokens.

    `used_tokens` and `window_tokens` are what the client said of its window before the load.
    """

    task: str
    budget_tokens: int
    tokens: int
    items: tuple[LoadedItem, ...]
    commit: str | None = None
    session: str | None = None
    window_tokens: int | None = None
    used_tokens: int | None = None
    for_subagent: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """A window after a load, in the tokens of the client's model.

    `used_tokens` is what it holds before the load; unless `is_exact`, that is only what this server knows of.
    `budget_tokens` is the largest load that would not be refused, in the o200k tokens a budget is counted in.
    Without a window there is no band, no limit and no share.
    """

    thresholds: Thresholds
    window_tokens: int | None
    used_tokens: int
    is_exact: bool
    loading_tokens: int
    band: Band | None
    is_refused: bool
    budget_tokens: int | None

    @property
    def share(self) -> float | None:
        """The share of the window that is full after the load."""
        return (self.used_tokens + self.loading_tokens) / self.window_tokens if self.window_tokens else None


def assess(
    window_tokens: int | None,
    used_tokens: int | None,
    loading_tokens: int,
    thresholds: Thresholds,
    *,
    known_tokens: int = 0,
    is_brief: bool = False,
    to_budget: Callable[[int], int] = int,
) -> Assessment:
    """Judge a load before it is sent.

    `known_tokens` stands in for `used_tokens` when the client does not say; `is_brief`: the load is for a sub-agent,
    and is never refused, as it is a way out; `to_budget` turns tokens of the client's model into o200k tokens.

    Raises:
        InvalidInputError: a number is not one of tokens.
    """
    check_usage(window_tokens, used_tokens)
    is_exact = used_tokens is not None
    used = used_tokens if used_tokens is not None else known_tokens
    if window_tokens is None:
        return Assessment(thresholds, None, used, is_exact, loading_tokens, None, is_refused=False, budget_tokens=None)
    limit = tokens_at(thresholds.block, window_tokens)
    return Assessment(
        thresholds=thresholds,
        window_tokens=window_tokens,
        used_tokens=used,
        is_exact=is_exact,
        loading_tokens=loading_tokens,
        band=_band(used + loading_tokens, window_tokens, thresholds),
        is_refused=loading_tokens > 0 and used + loading_tokens > limit and not is_brief,
        budget_tokens=max(0, to_budget(limit - used)),
    )


def check_usage(window_tokens: int | None, used_tokens: int | None) -> None:
    """Refuse what a client cannot mean by the size and the use of its window.

    Raises:
        InvalidInputError: with the argument that is wrong.
    """
    for name, given, least in (("window_tokens", window_tokens, 1), ("used_tokens", used_tokens, 0)):
        if given is not None and not least <= given <= _MOST_TOKENS:
            raise InvalidInputError(
                f"{name} is not between {least} and {_MOST_TOKENS:,}.", remedy="Leave it out if you do not know it."
            )


def tokens_at(share: float, window_tokens: int) -> int:
    """The whole tokens that a share of a window holds."""
    # Rounded first, so that 0.29 of 100 is 29 and not 28 by a stray binary digit.
    return math.floor(round(share * window_tokens, 6))


def _band(after: int, window: int, thresholds: Thresholds) -> Band:
    if after >= math.ceil(round(thresholds.critical * window, 6)):
        return "critical"
    if after > tokens_at(thresholds.block, window):
        return "blocked"
    if after >= math.ceil(round(thresholds.warn * window, 6)):
        return "warn"
    return "optimal" if after <= tokens_at(_OPTIMAL, window) else "good"


def sentence(assessment: Assessment) -> str:
    """Where the window stands after the load, in one line."""
    after = assessment.used_tokens + assessment.loading_tokens
    if assessment.share is None or assessment.window_tokens is None:
        at_least = "" if assessment.is_exact else "at least "
        return f"window: {at_least}{after:,} tokens after this load, no share without window_tokens"
    of = f"{after:,} of {assessment.window_tokens:,} tokens ({100 * assessment.share:.1f} %) after this load"
    if assessment.is_exact:
        return f"window: {of}, {assessment.band}"
    return f"window: at least {of}, at best {assessment.band}; used_tokens makes it exact"


def advice(assessment: Assessment) -> tuple[str, ...]:
    """What to do next about the window, the most urgent first; nothing while it is in good shape."""
    lines: list[str] = []
    if assessment.band == "critical":
        lines.append("stop adding to this window: call save_state now, then start_session in a new window")
    if assessment.is_refused:
        return (*lines, *exits(assessment))
    if assessment.band == "warn":
        lines.append("near the limit: call save_state at the next milestone, before loading more")
    if assessment.band == "blocked":
        lines.append(f"above the limit: nothing more can be loaded here; {_RESET}")
    return tuple(lines)


def exits(assessment: Assessment) -> tuple[str, str, str]:
    """The three ways on from a load that is refused, each as a call."""
    fits = assessment.budget_tokens or 0
    smaller = (
        f"call load_context with budget_tokens={fits}, which still fits"
        if fits >= _LEAST_BUDGET_TOKENS
        else "no budget fits any more; have the window compacted, then call again with its new used_tokens"
    )
    return (
        "delegate: call load_context with for_subagent=true and give its brief to a sub-agent",
        _RESET,
        f"compress: {smaller}",
    )


def refusal(assessment: Assessment) -> str:
    """What is said instead of a load that is refused: nothing was sent, why, and the ways on."""
    limit = f"{100 * assessment.thresholds.block:g} %"
    return "\n".join(
        [
            f"Refused, nothing was loaded: it would take the window above {limit}.",
            sentence(assessment),
            *(f"- {line}" for line in advice(assessment)),
        ]
    )


def repeated(asked: Sequence[LoadedItem], earlier: Mapping[str, LoadedItem]) -> str | None:
    """A warning about items that were sent before, and no less of them; a pointer is no load."""
    again = [
        f"{gist(item.path, limit=80)}:{item.start}-{item.end}" if item.path else gist(item.id, limit=80)
        for item in asked
        if (before := earlier.get(item.id))
        and before.level != "pointer"
        and LEVELS.index(before.level) >= LEVELS.index(item.level)
    ]
    if not again:
        return None
    which = "an item was" if len(again) == 1 else f"{len(again)} items were"
    return f"{which} loaded before in this session ({listed(again, limit=3)}): pass their ids in `seen`"


def growth(loads: int, tokens: int) -> str | None:
    """A warning about a session that loads and does not save."""
    if loads < GROWTH_LOADS and tokens < GROWTH_TOKENS:
        return None
    times = "load" if loads == 1 else "loads"
    return f"{loads} {times}, about {tokens:,} tokens since the last save_state of this session: call save_state"


def task_share(tokens: int, window_tokens: int | None, thresholds: Thresholds) -> str | None:
    """A warning about one task that takes more of the window than it may; none without a window."""
    if not window_tokens or tokens <= tokens_at(thresholds.task_share, window_tokens):
        return None
    share, may = 100 * tokens / window_tokens, 100 * thresholds.task_share
    return (
        f"this task alone takes {share:.1f} % of the window (limit {may:g} %): call load_context with for_subagent=true"
    )
