"""A target that keeps failing is left alone, and one probe at a time finds out whether it works again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from agentops_mcp.factors.guardrails.rules.breakers import PROBE_TIMEOUT, Breaker, standing, target_of
from agentops_mcp.factors.guardrails.rules.notices import Notice
from conftest import AGENT, NOON, FakeClock, LedgerFactory
from guarded import VIEWS, Guarded

URL = {"url": "https://api.example.org/items"}
SECOND = timedelta(seconds=1)


@pytest.fixture
def guarded(open_ledger: LedgerFactory, clock: FakeClock) -> Guarded:
    return Guarded(open_ledger(*VIEWS), clock)


@pytest.fixture
def another(open_ledger: LedgerFactory, clock: FakeClock) -> Callable[[], Guarded]:
    return lambda: Guarded(open_ledger(*VIEWS), clock)


def call(guarded: Guarded, *, ok: bool, times: int = 1) -> None:
    for n in range(times):
        guarded.record("fetch", {**URL, "page": f"p{n}"}, ok=ok, session=f"{n}", actor=AGENT)


def check(guarded: Guarded, **more: bool) -> list[Notice]:
    notices = guarded.runtime.before("fetch", URL, session="x", actor=AGENT, **more)
    return [each for each in notices if each.rule == "runtime.breaker"]


@pytest.mark.parametrize(
    ("breaker", "after_s", "state", "retry_after_s"),
    [
        (Breaker(), 0, "closed", 0),
        (Breaker(4, NOON), 0, "closed", 0),
        (Breaker(5, NOON), 0, "open", 60),
        (Breaker(5, NOON), 59.5, "open", 1),
        (Breaker(5, NOON), 60, "half_open", 0),
        (Breaker(5, NOON, NOON + 60 * SECOND), 61, "probing", 119),
        (Breaker(5, NOON, NOON + 60 * SECOND), 180, "half_open", 0),
        (Breaker(6, NOON + 61 * SECOND, NOON + 60 * SECOND), 62, "open", 59),
    ],
)
def test_how_a_breaker_stands(breaker: Breaker, after_s: float, state: str, retry_after_s: int) -> None:
    assert standing(breaker, now=NOON + after_s * SECOND) == (state, retry_after_s)


@pytest.mark.parametrize(
    ("tool", "arguments", "target"),
    [
        ("WebFetch", {"url": "https://user:pw@API.example.org:8443/x"}, "host:api.example.org"),
        ("Bash", {"command": "curl -s http://localhost:3000/a"}, "host:localhost"),
        ("Bash", {"command": "make"}, ""),
        ("Write", {"file_path": "a", "content": "see https://example.org"}, ""),
        ("Edit", {"file_path": "a"}, ""),
        ("mcp__jira__search", {"q": "x"}, "service:jira"),
        ("translate", {"text": "a"}, "tool:translate"),
        ("shell", "curl https://a.example/x", "host:a.example"),
    ],
)
def test_whom_a_call_depends_on(tool: str, arguments: object, target: str) -> None:
    assert target_of(tool, arguments) == target


def test_five_failures_in_a_row_open_it_and_say_when_to_try_again(guarded: Guarded) -> None:
    call(guarded, ok=False, times=4)
    assert check(guarded) == []
    call(guarded, ok=False)
    (notice,) = check(guarded)
    assert (notice.decision, notice.retry_after_s) == ("deny", 60)


def test_a_success_resets_it(guarded: Guarded) -> None:
    call(guarded, ok=False, times=4)
    call(guarded, ok=True)
    call(guarded, ok=False, times=4)
    assert check(guarded) == []


def test_another_target_is_not_held_back(guarded: Guarded) -> None:
    call(guarded, ok=False, times=5)
    assert guarded.runtime.standing("host:other.example").state == "closed"


def test_after_a_minute_one_check_is_the_probe(guarded: Guarded, clock: FakeClock) -> None:
    call(guarded, ok=False, times=5)
    clock.advance(60 * SECOND)
    assert [check(guarded)[0].decision for _ in range(3)] == ["allow", "deny", "deny"]


def test_a_check_that_is_denied_anyway_takes_no_probe(guarded: Guarded, clock: FakeClock) -> None:
    call(guarded, ok=False, times=5)
    clock.advance(60 * SECOND)
    check(guarded, probing=False)
    assert check(guarded)[0].decision == "allow"


def test_a_probe_that_succeeds_closes_it(guarded: Guarded, clock: FakeClock) -> None:
    call(guarded, ok=False, times=5)
    clock.advance(60 * SECOND)
    check(guarded)
    call(guarded, ok=True)
    assert check(guarded) == []


def test_a_probe_that_fails_opens_it_for_another_minute(guarded: Guarded, clock: FakeClock) -> None:
    call(guarded, ok=False, times=5)
    clock.advance(60 * SECOND)
    check(guarded)
    call(guarded, ok=False)
    assert check(guarded)[0].retry_after_s == 60
    clock.advance(60 * SECOND)
    assert check(guarded)[0].decision == "allow"


def test_a_probe_that_never_reports_is_given_up(guarded: Guarded, clock: FakeClock) -> None:
    call(guarded, ok=False, times=5)
    clock.advance(60 * SECOND)
    check(guarded)
    clock.advance(PROBE_TIMEOUT)
    assert [check(guarded)[0].decision for _ in range(2)] == ["allow", "deny"]


def test_of_many_processes_exactly_one_gets_the_probe(
    guarded: Guarded, another: Callable[[], Guarded], clock: FakeClock
) -> None:
    call(guarded, ok=False, times=5)
    clock.advance(60 * SECOND)
    processes = [another() for _ in range(6)]
    with ThreadPoolExecutor(len(processes)) as pool:
        decisions = [found[0].decision for found in pool.map(check, processes)]
    assert sorted(decisions) == ["allow", *["deny"] * 5]


def test_a_success_that_is_reported_late_does_not_close_it(guarded: Guarded, clock: FakeClock) -> None:
    before = clock().isoformat()
    clock.advance(10 * SECOND)
    call(guarded, ok=False, times=5)
    late = {"at": before, "tool": "fetch", "arguments": URL, "ok": True}
    guarded.runtime.record_calls([late], actor=AGENT)
    assert check(guarded)[0].decision == "deny"
