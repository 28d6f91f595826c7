"""How full a window is, and what to do about it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.context.rules.window import (
    GROWTH_LOADS,
    GROWTH_TOKENS,
    Assessment,
    Level,
    LoadedItem,
    Thresholds,
    advice,
    assess,
    exits,
    growth,
    refusal,
    repeated,
    sentence,
    task_share,
    tokens_at,
)

DEFAULT = Thresholds()
WINDOW = 200_000
RESET = "save and reset: call save_state, then start_session in a new window"
TOKENS = st.integers(0, 2_000_000)
WINDOWS = st.integers(1, 2_000_000)


def after(used: int | None, loading: int = 0, window: int | None = WINDOW) -> Assessment:
    return assess(window, used, loading, DEFAULT)


@pytest.mark.parametrize(
    ("used", "band"),
    [
        (0, "optimal"), (40_000, "optimal"), (40_001, "good"), (69_999, "good"), (70_000, "warn"), (80_000, "warn"),
        (80_001, "blocked"), (119_999, "blocked"), (120_000, "critical"), (250_000, "critical"),
    ],
)  # fmt: skip
def test_each_share_has_its_band(used: int, band: str) -> None:
    assert after(used).band == band
    assert after(used - 1_000 if used else 0, 1_000 if used else 0).band == band


def test_a_load_up_to_the_limit_is_taken_and_one_token_more_is_refused() -> None:
    assert not after(70_000, 10_000).is_refused
    assert after(70_000, 10_001).is_refused


def test_nothing_to_load_is_never_refused() -> None:
    assert not after(150_000, 0).is_refused


def test_a_brief_for_a_subagent_is_never_refused_as_it_is_a_way_out() -> None:
    assert not assess(WINDOW, 90_000, 5_000, DEFAULT, is_brief=True).is_refused


def test_without_a_window_no_share_is_claimed_and_nothing_refused() -> None:
    unknown = after(900_000, 6_000, window=None)
    assert (unknown.share, unknown.band, unknown.budget_tokens, unknown.is_refused) == (None, None, None, False)
    assert advice(unknown) == ()
    assert sentence(unknown) == "window: 906,000 tokens after this load, no share without window_tokens"


def test_what_the_client_does_not_say_is_said_as_at_least() -> None:
    known = assess(WINDOW, None, 2_000, DEFAULT, known_tokens=4_000)
    assert sentence(known) == (
        "window: at least 6,000 of 200,000 tokens (3.0 %) after this load, at best optimal; used_tokens makes it exact"
    )
    assert "at least 6,000 tokens" in sentence(assess(None, None, 2_000, DEFAULT, known_tokens=4_000))


def test_what_the_client_says_wins_over_what_is_known() -> None:
    said = assess(WINDOW, 10_000, 2_000, DEFAULT, known_tokens=50_000)
    assert said.share == 0.06
    assert sentence(said) == "window: 12,000 of 200,000 tokens (6.0 %) after this load, optimal"


def test_a_refusal_says_that_nothing_was_sent_and_names_three_calls() -> None:
    assert refusal(after(72_000, 9_000)).splitlines() == [
        "Refused, nothing was loaded: it would take the window above 40 %.",
        "window: 81,000 of 200,000 tokens (40.5 %) after this load, blocked",
        "- delegate: call load_context with for_subagent=true and give its brief to a sub-agent",
        "- save and reset: call save_state, then start_session in a new window",
        "- compress: call load_context with budget_tokens=8000, which still fits",
    ]


@pytest.mark.parametrize("used", [79_801, 80_000, 90_000])
def test_no_budget_is_named_when_none_worth_having_fits(used: int) -> None:
    assert exits(after(used, 6_000))[2].startswith("compress: no budget fits any more; have the window compacted")


def test_the_smallest_budget_worth_having_is_named() -> None:
    assert "budget_tokens=200," in exits(after(79_800, 6_000))[2]


def test_a_critical_window_is_told_to_stop_and_save_before_anything_else() -> None:
    lines = advice(after(118_000, 6_000))
    assert lines[0] == "stop adding to this window: call save_state now, then start_session in a new window"
    assert len(lines) == 4
    assert advice(after(130_000)) == lines[:1]


@pytest.mark.parametrize(
    ("used", "said"),
    [
        (20_000, ()),
        (60_000, ()),
        (70_000, ("near the limit: call save_state at the next milestone, before loading more",)),
        (90_000, (f"above the limit: nothing more can be loaded here; {RESET}",)),
    ],
)
def test_the_advice_follows_the_band(used: int, said: tuple[str, ...]) -> None:
    assert advice(after(used)) == said


@pytest.mark.parametrize(
    ("window", "used", "argument"),
    [(0, None, "window_tokens"), (-1, 5, "window_tokens"), (10**9, None, "window_tokens"), (None, -1, "used_tokens"),
     (WINDOW, 10**30, "used_tokens")],
)  # fmt: skip
def test_numbers_that_are_none_of_tokens_are_refused_by_name(
    window: int | None, used: int | None, argument: str
) -> None:
    with pytest.raises(InvalidInputError, match=f"^{argument} is not between"):
        assess(window, used, 0, DEFAULT)


@given(WINDOWS, TOKENS, TOKENS)
def test_the_budget_that_is_named_fits_and_a_larger_one_does_not(window: int, used: int, loading: int) -> None:
    budget = assess(window, used, loading, DEFAULT).budget_tokens
    assert budget is not None
    assert not assess(window, used, budget, DEFAULT).is_refused
    assert assess(window, used, budget + 1, DEFAULT).is_refused


ORDER = ("optimal", "good", "warn", "blocked", "critical")
SHARES = st.floats(0.01, 1)


@given(WINDOWS, TOKENS, TOKENS, TOKENS, st.tuples(SHARES, SHARES, SHARES).map(sorted))
def test_a_fuller_window_never_has_a_better_band_whatever_the_thresholds(
    window: int, used: int, less: int, more: int, shares: list[float]
) -> None:
    thresholds = Thresholds(*shares)
    less, more = sorted((less, more))
    one, other = (assess(window, used, loading, thresholds).band for loading in (less, more))
    assert one is not None
    assert other is not None
    assert ORDER.index(one) <= ORDER.index(other)


@given(st.integers(0, 100), WINDOWS)
def test_whole_shares_are_cut_without_stray_binary_digits(percent: int, window: int) -> None:
    assert tokens_at(percent / 100, window) == percent * window // 100


def item(key: str = "a", level: Level = "full", path: str = "src/app.py") -> LoadedItem:
    return LoadedItem(key, path, 3, 9, level, 40)


def test_an_item_asked_twice_is_pointed_out_with_what_to_pass() -> None:
    assert (
        repeated([item("a"), item("b")], {"a": item("a")})
        == "an item was loaded before in this session (src/app.py:3-9): pass their ids in `seen`"
    )


def test_many_items_asked_twice_are_counted_and_shown_on_one_line() -> None:
    items = [item(str(number), path=f"{number}\n{'x' * 90}.py" if number else "") for number in range(5)]
    said = repeated(items, {each.id: each for each in items})
    assert said is not None
    assert said.startswith("5 items were loaded before in this session (0, 1 xxx")
    assert "and 2 more" in said
    assert "\n" not in said
    assert len(said) < 400


@pytest.mark.parametrize(
    ("before", "now", "is_repeated"),
    [
        ("full", "excerpt", True),
        ("outline", "outline", True),
        ("outline", "full", False),
        ("pointer", "pointer", False),
    ],
)
def test_more_of_an_item_than_before_is_no_repetition_and_a_pointer_is_no_load(
    before: Level, now: Level, is_repeated: bool
) -> None:
    assert (repeated([item(level=now)], {"a": item(level=before)}) is not None) is is_repeated


@pytest.mark.parametrize(
    ("loads", "tokens", "said"),
    [
        (GROWTH_LOADS - 1, GROWTH_TOKENS - 1, None),
        (3, 9_000, "3 loads, about 9,000 tokens since the last save_state of this session: call save_state"),
        (1, 40_000, "1 load, about 40,000 tokens since the last save_state of this session: call save_state"),
    ],
)
def test_growth_without_a_save_is_pointed_out(loads: int, tokens: int, said: str | None) -> None:
    assert growth(loads, tokens) == said


@pytest.mark.parametrize(
    ("tokens", "window", "said"),
    [
        (40_000, WINDOW, None),
        (900_000, None, None),
        (
            42_000,
            WINDOW,
            "this task alone takes 21.0 % of the window (limit 20 %): call load_context with for_subagent=true",
        ),
    ],
)
def test_one_task_above_its_share_is_pointed_out(tokens: int, window: int | None, said: str | None) -> None:
    assert task_share(tokens, window, DEFAULT) == said
