"""Stages, standing and health: from evidence alone, each at its border."""

import itertools
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.mining.rules.stages import (
    LEAST_N,
    OUTCOMES,
    REVIEW_AFTER_SESSIONS,
    STAGES,
    Evidence,
    Outcome,
    Rate,
    Stage,
    Standing,
    Use,
    Verdict,
    library_health,
    maturity,
    stage,
    standing,
)


def at(minute: int) -> str:
    return f"2026-11-22T12:{minute:02}:00.000000+00:00"


def used(session: str | None, context: str = "", outcome: Outcome = "worked", minute: int = 0) -> Evidence:
    return Evidence(session, context, at(minute), outcome)


def sessions(count: int, contexts: int, outcome: Outcome = "worked") -> list[Evidence]:
    """`count` sessions that go round `contexts` contexts."""
    return [used(f"s{n}", f"c{n % contexts}", outcome) for n in range(count)]


@pytest.mark.parametrize(
    ("evidence", "shown_in", "expected"),
    [
        ([], 0, "prototype"),
        (sessions(2, 2), 2, "prototype"),
        (sessions(3, 1), 3, "validated"),
        (sessions(30, 4), 30, "validated"),
        (sessions(5, 5), 50, "general"),
        (sessions(14, 14), 14, "general"),
        (sessions(15, 15), 15, "standard"),
        (sessions(15, 15), 18, "standard"),
        (sessions(16, 16), 20, "general"),  # exactly 80 % is not above it
        (sessions(15, 15), 100, "general"),
        (sessions(15, 15, "seen"), 0, "general"),  # nobody was shown it, so nothing is known of adoption
        (sessions(3, 3, "partly"), 3, "validated"),
        (sessions(3, 3, "failed"), 3, "prototype"),
    ],
)
def test_the_stage_is_computed_from_sessions_contexts_and_adoption(
    evidence: list[Evidence], shown_in: int, expected: Stage
) -> None:
    assert stage(evidence, shown_in=shown_in, deprecated=False) == expected


def test_a_deprecated_pattern_is_deprecated_whatever_speaks_for_it() -> None:
    assert stage(sessions(20, 20), shown_in=20, deprecated=True) == "deprecated"


def test_the_same_session_counts_once() -> None:
    evidence = [used("s1", f"c{n}", minute=n) for n in range(20)]
    found = maturity(evidence, shown_in=1, deprecated=False)
    assert (found.stage, found.sessions, found.contexts) == ("prototype", 1, 1)


@pytest.mark.parametrize(
    ("words", "worked", "failed"),
    [
        ([used("s", outcome="worked", minute=1), used("s", outcome="failed", minute=2)], 0, 1),
        ([used("s", outcome="failed", minute=1), used("s", outcome="worked", minute=2)], 1, 0),
        ([used("s", outcome="worked", minute=1), used("s", outcome="seen", minute=2)], 1, 0),
        ([used("s", outcome="worked"), used("s", outcome="failed")], 0, 1),
    ],
)
def test_a_sessions_last_report_counts(words: list[Evidence], worked: int, failed: int) -> None:
    found = maturity(words, shown_in=1, deprecated=False)
    assert (found.worked, found.failed) == (worked, failed)


def test_evidence_without_a_session_counts_once_for_each_context() -> None:
    evidence = [used(None, "api", minute=1), used(None, " API ", minute=2), used(None, "web"), used(None), used(None)]
    found = maturity(evidence, shown_in=0, deprecated=False)
    assert (found.sessions, found.contexts, found.adoption) == (3, 2, Rate(0, 0))


def test_evidence_without_a_session_adds_nothing_where_a_session_spoke() -> None:
    found = maturity([used("s", "api"), used(None, "api")], shown_in=1, deprecated=False)
    assert (found.sessions, found.contexts) == (1, 1)


def test_a_failure_without_a_session_counts_even_there() -> None:
    assert maturity([used("s", "api"), used(None, "api", "failed")], shown_in=1, deprecated=False).failed == 1


@pytest.mark.parametrize(
    ("failures", "contested", "expected"), [(0, False, "validated"), (3, False, "validated"), (4, True, "prototype")]
)
def test_more_failures_than_successes_contest_a_pattern(failures: int, *, contested: bool, expected: Stage) -> None:
    evidence = sessions(3, 1) + [used(f"f{n}", outcome="failed") for n in range(failures)]
    found = maturity(evidence, shown_in=10, deprecated=False)
    assert (found.contested, found.stage) == (contested, expected)


def test_a_failure_adds_neither_a_session_nor_a_context() -> None:
    found = maturity([*sessions(2, 2), used("f", "elsewhere", "failed")], shown_in=3, deprecated=False)
    assert (found.sessions, found.contexts, found.stage) == (2, 2, "prototype")


@pytest.mark.parametrize(
    ("evidence", "shown_in", "adoption"),
    [
        (sessions(3, 1), 4, Rate(3, 4)),
        (sessions(3, 1), 0, Rate(3, 3)),
        (sessions(3, 1, "seen"), 4, Rate(0, 4)),
        (sessions(3, 1, "failed"), 4, Rate(3, 4)),
        ([used(None, "api")], 4, Rate(0, 4)),
    ],
)
def test_adoption_is_the_share_of_sessions_that_used_what_they_were_shown(
    evidence: list[Evidence], shown_in: int, adoption: Rate
) -> None:
    assert maturity(evidence, shown_in=shown_in, deprecated=False).adoption == adoption


EVIDENCE = st.lists(
    st.builds(
        used,
        st.sampled_from([None, "s1", "s2", "s3", "s4"]),
        st.sampled_from(["", "a", "A ", "b", "c", "d", "e"]),
        st.sampled_from(OUTCOMES),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(EVIDENCE, st.randoms(use_true_random=False))
def test_order_and_repetition_of_records_change_nothing(evidence: list[Evidence], random: Random) -> None:
    again = [*evidence, *evidence]
    random.shuffle(again)
    assert maturity(again, shown_in=4, deprecated=False) == maturity(evidence, shown_in=4, deprecated=False)


@given(EVIDENCE)
def test_another_failing_session_never_raises_the_stage(evidence: list[Evidence]) -> None:
    before = stage(evidence, shown_in=9, deprecated=False)
    after = stage([*evidence, used("new", "new", "failed")], shown_in=9, deprecated=False)
    assert STAGES.index(after) <= STAGES.index(before)


N = REVIEW_AFTER_SESSIONS


@pytest.mark.parametrize(
    ("cited_ago", "saved_ago", "shown", "expected"),
    [
        (0, 100, 9, "fresh"),
        (N - 1, 100, 9, "fresh"),
        (N, 100, 9, "review"),
        (2 * N - 1, 100, 9, "review"),
        (2 * N, 100, 1, "prune-candidate"),
        (2 * N, 100, 0, "review"),
        (None, N - 1, 0, "fresh"),
        (None, N, 0, "review"),
        (None, 2 * N, 0, "review"),
        (None, 2 * N, 1, "prune-candidate"),
    ],
)
def test_what_nobody_cites_is_reviewed_and_then_pruned(
    cited_ago: int | None, saved_ago: int, shown: int, expected: Standing
) -> None:
    assert standing(cited_ago, saved_sessions_ago=saved_ago, shown=shown) == expected


def test_the_number_of_sessions_until_review_can_be_chosen() -> None:
    assert standing(5, saved_sessions_ago=9, shown=1, review_after=5) == "review"
    assert standing(10, saved_sessions_ago=10, shown=1, review_after=5) == "prune-candidate"


def library(total: int, *, shown: int, cited: int, decaying: int = 0, new: int = 0) -> list[Use]:
    return [
        Use(
            "prototype",
            standing="review" if n >= total - decaying else "fresh",
            shown=n < shown,
            cited=n < cited,
            is_new=n < new,
        )
        for n in range(total)
    ]


def test_every_figure_of_a_library_comes_with_its_n() -> None:
    health = library_health(library(20, shown=12, cited=6, decaying=3, new=4), window_days=60)
    assert (health.retrieval, health.citation, health.decay) == (Rate(12, 20), Rate(6, 12), Rate(3, 20))
    assert health.growth == Fraction(2)
    assert health.stages == (
        ("prototype", 20), ("validated", 0), ("general", 0), ("standard", 0), ("deprecated", 0)
    )  # fmt: skip


def test_deprecated_patterns_count_among_stages_only() -> None:
    gone = Use("deprecated", "prune-candidate", shown=True, cited=True, is_new=True)
    health = library_health([*library(10, shown=10, cited=5), gone], window_days=30)
    assert health.stages[-1] == ("deprecated", 1)
    assert (health.retrieval, health.citation, health.decay, health.new) == (Rate(10, 10), Rate(5, 10), Rate(0, 10), 0)


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        (library(20, shown=17, cited=12, decaying=2), "healthy"),
        (library(20, shown=10, cited=3, decaying=2), "healthy"),
        (library(20, shown=10, cited=2, decaying=2), "unhealthy"),  # equal is not above
        (library(20, shown=10, cited=0), "unhealthy"),
        (library(LEAST_N, shown=LEAST_N, cited=1), "healthy"),
        (library(LEAST_N - 1, shown=LEAST_N - 1, cited=9), "not enough data"),
        (library(20, shown=LEAST_N - 1, cited=9), "not enough data"),
        ([], "not enough data"),
    ],
)
def test_a_library_is_healthy_while_it_is_cited_more_than_it_decays(uses: list[Use], expected: Verdict) -> None:
    assert library_health(uses, window_days=30).verdict == expected


def test_a_share_of_nothing_is_none() -> None:
    health = library_health([], window_days=30)
    assert [rate.value for rate in (health.retrieval, health.citation, health.decay)] == [None, None, None]
    assert Rate(1, 4).value == Fraction(1, 4)


def test_every_pair_of_outcomes_of_one_session_counts_once() -> None:
    for first, second in itertools.product(OUTCOMES, OUTCOMES):
        found = maturity([used("s", outcome=first), used("s", outcome=second, minute=1)], shown_in=1, deprecated=False)
        assert found.worked + found.partly + found.failed <= 1
        assert found.sessions + found.failed == 1
