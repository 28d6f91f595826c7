"""A spiral is seen when it stands, wherever its window lies, and is over when something works."""

from datetime import timedelta

import pytest

from agentops_mcp.factors.guardrails.rules.spirals import Past, consecutive, identical, notices
from conftest import AGENT, NOON, FakeClock, LedgerFactory
from guarded import VIEWS, Guarded


def made(*steps: tuple[float, str, bool]) -> list[Past]:
    """Calls as (minute, signature, whether it succeeded)."""
    return [
        Past(NOON + timedelta(minutes=minute), "shell", name, name, ok, n=n)
        for n, (minute, name, ok) in enumerate(steps)
    ]


def failing(name: str, *minutes: float) -> list[tuple[float, str, bool]]:
    return [(minute, name, False) for minute in minutes]


@pytest.mark.parametrize(
    ("outcomes", "stands"),
    [("FFF", True), ("FF", False), ("FFSF", False), ("SFFF", True), ("FFFS", False), ("FFFFF", True)],
)
def test_three_failures_in_a_row_are_a_spiral(outcomes: str, stands: bool) -> None:
    calls = made(*((n, f"call {n}", letter == "S") for n, letter in enumerate(outcomes)))
    assert (consecutive(calls, now=NOON + timedelta(minutes=8)) is not None) == stands


@pytest.mark.parametrize(
    ("minutes", "stands"),
    [
        ((0, 1, 2, 3, 4), True),
        ((0, 2.5, 5, 7.5, 10), True),  # exactly at the edge
        ((0, 2.5, 5, 7.5, 10.01), False),
        ((0, 9, 10, 11, 12, 13), True),  # five of the last six
        ((0, 1, 2, 3), False),
    ],
)
def test_five_equal_failures_within_ten_minutes_are_a_spiral(minutes: tuple[float, ...], stands: bool) -> None:
    calls = made(*failing("a", *minutes))
    assert (identical(calls, "a", now=calls[-1].at) is not None) == stands


def test_successes_between_do_not_hide_a_spiral() -> None:
    calls = made((0, "a", False), (1, "b", True), (2, "a", False), (3, "a", True), *failing("a", 4, 5, 6))
    found = identical(calls, "a", now=calls[-1].at)
    assert found is not None
    assert found.failures == 5


@pytest.mark.parametrize("name", ["a", "b"])
def test_a_success_afterwards_ends_a_spiral(name: str) -> None:
    calls = made(*failing("a", 0, 1, 2, 3, 4), (5, name, True))
    assert identical(calls, "a", now=calls[-1].at) is None


def test_one_more_equal_failure_after_that_begins_it_again() -> None:
    calls = made(*failing("a", 0, 1, 2, 3, 4), (5, "b", True), (6, "a", False))
    assert identical(calls, "a", now=calls[-1].at) is not None


@pytest.mark.parametrize(("minutes", "stands"), [(10, True), (10.01, False)])
def test_time_alone_ends_a_spiral(minutes: float, stands: bool) -> None:
    calls = made(*failing("a", 0, 0, 0, 0, 0))
    now = NOON + timedelta(minutes=minutes)
    assert (identical(calls, "a", now=now) is not None) == stands
    assert (consecutive(calls, now=now) is not None) == stands


def test_the_same_again_is_asked_about_and_something_else_only_told() -> None:
    spiral = identical(made(*failing("a", 0, 1, 2, 3, 4)), "a", now=NOON + timedelta(minutes=4))
    assert spiral is not None
    (same,), (other,) = notices([spiral], "a"), notices([spiral], "b")
    assert (same.decision, other.decision) == ("ask", "allow")
    assert "5 times" in same.reason
    assert same.remedy


def test_a_check_asks_while_a_spiral_stands(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    guarded = Guarded(open_ledger(*VIEWS), clock)
    for _ in range(3):
        guarded.call("npm test", ok=False)
    decisions = [
        each.decision for each in guarded.runtime.before("shell", {"command": "npm  test"}, session="s", actor=AGENT)
    ]
    assert decisions == ["ask"]
    guarded.call("npm run lint", ok=True)
    assert guarded.runtime.before("shell", {"command": "npm test"}, session="s", actor=AGENT) == ()


def test_equal_failures_of_several_sessions_are_counted_together(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    guarded = Guarded(open_ledger(*VIEWS), clock)
    for number in range(5):
        clock.advance(timedelta(minutes=2))
        guarded.call(f"cat /tmp/run-{number}/log", ok=False, session=f"session {number}")
        guarded.call("ls", ok=True, session="other")
    found = guarded.runtime.before("shell", {"command": "cat /tmp/run-9/log"}, session="new", actor=AGENT)
    assert [each.rule for each in found] == ["runtime.spiral-identical"]


def test_the_failures_of_another_session_are_not_in_a_row(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    guarded = Guarded(open_ledger(*VIEWS), clock)
    for session in ("s", "t", "s"):
        guarded.call(f"make {session}", ok=False, session=session)
    assert guarded.runtime.spirals("s", "") == []
