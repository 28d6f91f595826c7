"""What is used is charged, a limit stops or warns, and what is not known counts as not allowed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentops_mcp.core.config import BudgetsSection
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.guardrails.rules.budgets import (
    MEASURES,
    MOST,
    Amounts,
    Limits,
    Used,
    amounts_of,
    charge_of,
    notices,
)
from agentops_mcp.factors.guardrails.store import charges
from agentops_mcp.guarding import limits_of
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.migrations import MigrationSet
from conftest import AGENT, FakeClock, LedgerFactory
from guarded import VIEWS, Guarded

LIMITS = Limits(
    session=Amounts(tokens=1_000, duration_ms=60_000), project=Amounts(cost_micros=5_000_000), project_days=2
)


@pytest.fixture
def guarded(open_ledger: LedgerFactory, clock: FakeClock) -> Guarded:
    return Guarded(open_ledger(*VIEWS), clock, LIMITS)


def charge(
    guarded: Guarded, session: str | None = "s", *, total: bool = False, **amounts: int
) -> list[tuple[str, str]]:
    rest = {"tokens": 0, "cost_micros": 0, "duration_ms": 0, "retries": 0}
    found = guarded.runtime.charge(Amounts(**{**rest, **amounts}), session=session, actor=AGENT, total=total)
    return [(each.rule, each.decision) for each in found]


@pytest.mark.parametrize(
    ("used", "limits", "decisions"),
    [
        (Amounts(tokens=79), Amounts(tokens=100), []),
        (Amounts(tokens=80), Amounts(tokens=100), ["allow"]),
        (Amounts(tokens=100), Amounts(tokens=100), ["deny"]),
        (Amounts(cost_micros=101), Amounts(cost_micros=100), ["deny"]),
        (Amounts(duration_ms=100), Amounts(duration_ms=100), ["allow"]),
        (Amounts(retries=3), Amounts(retries=3), ["allow"]),
        (Amounts(tokens=0), Amounts(tokens=0), ["deny"]),
        (Amounts(runs=3), Amounts(runs=3), ["deny"]),
        (Amounts(runs=4), Amounts(runs=5), ["allow"]),
        (Amounts(runs=3), Amounts(runs=5), []),
        (Amounts(tokens=10**9), Amounts(), []),
    ],
)
def test_tokens_cost_and_runs_stop_while_duration_and_retries_warn(
    used: Amounts, limits: Amounts, decisions: list[str]
) -> None:
    assert [each.decision for each in notices("session", Used(used), limits)] == decisions


@pytest.mark.parametrize(
    ("measure", "decision"),
    [("tokens", "ask"), ("cost_micros", "ask"), ("runs", "ask"), ("duration_ms", "allow"), ("retries", "allow")],
)
def test_what_is_not_known_under_a_limit_is_asked_about(measure: str, decision: str) -> None:
    used, limits = Used(unknown=frozenset({measure})), Amounts(**{measure: 100})
    assert [each.decision for each in notices("session", used, limits)] == [decision]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("over", "decision", "severity"), [("hold", "ask", "high"), ("stop", "deny", "critical")])
def test_what_is_used_up_does_what_the_project_chose(measure: str, over: Any, decision: str, severity: str) -> None:
    used = Used(Amounts(100, 100, 100, 100, 100))
    (notice,) = notices("session", used, Amounts(**{measure: 100}), over)
    assert (notice.decision, notice.severity) == (decision, severity)
    assert ("request_approval" in notice.remedy) == (decision == "ask")


def test_what_is_used_up_stops_also_when_more_is_not_known() -> None:
    used = Used(Amounts(tokens=100), frozenset({"tokens"}))
    assert [each.decision for each in notices("session", used, Amounts(tokens=100))] == ["deny"]


def test_a_cost_is_told_in_units_of_the_currency() -> None:
    (notice,) = notices("project", Used(Amounts(cost_micros=5_250_000)), Amounts(cost_micros=5_000_000))
    assert "5.25 of 5 of cost" in notice.reason


def test_what_was_spent_is_said_in_units_of_people() -> None:
    spent = {"tokens": 1200, "cost": 0.25, "seconds": 1.5, "retries": 2, "runs": 3}
    assert amounts_of(spent) == Amounts(1_200, 250_000, 1_500, 2, 3)
    assert amounts_of({"cost": 1}) == Amounts(cost_micros=1_000_000)
    assert charge_of({"tokens": 5, "total": 1}) == (Amounts(tokens=5), True)
    assert charge_of({"tokens": 5}) == (Amounts(tokens=5), False)


@pytest.mark.parametrize("spent", [{"euros": 1}, {"tokens": -1}, {"cost": float("nan")}, {"seconds": float("inf")}])
def test_what_can_not_have_been_spent_is_refused(spent: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        amounts_of(spent)


def test_a_session_is_charged_until_it_is_stopped(guarded: Guarded) -> None:
    assert charge(guarded, tokens=700) == []
    assert charge(guarded, tokens=200) == [("runtime.budget-tokens", "allow")]
    assert charge(guarded, tokens=100) == [("runtime.budget-tokens", "deny")]


def test_another_session_has_its_own_budget(guarded: Guarded) -> None:
    charge(guarded, tokens=1_000)
    assert charge(guarded, "t", tokens=1) == []


def test_all_sessions_share_the_project_s_budget_of_the_last_days(guarded: Guarded, clock: FakeClock) -> None:
    charge(guarded, cost_micros=3_000_000)
    assert charge(guarded, "t", cost_micros=2_000_000) == [("runtime.budget-cost", "deny")]
    clock.advance(timedelta(days=2, seconds=1))
    assert charge(guarded, "t") == []


def test_a_total_takes_the_place_of_what_was_charged_before(guarded: Guarded) -> None:
    charge(guarded, tokens=700, cost_micros=1)
    charge(guarded, total=True, tokens=500, cost_micros=4_100_000)
    with guarded.ledger.read() as tx:
        sums = tx.execute("SELECT CAST(SUM(tokens) AS BIGINT), CAST(SUM(cost_micros) AS BIGINT) FROM guard_charge")
    assert sums == [(500, 4_100_000)]


def test_usage_that_was_not_told_is_settled_by_a_total(guarded: Guarded) -> None:
    unknown = guarded.runtime.charge(Amounts(duration_ms=1, cost_micros=0), session="s", actor=AGENT)
    assert [(each.rule, each.decision) for each in unknown] == [("runtime.budget-tokens", "ask")]
    assert charge(guarded, tokens=10) == [("runtime.budget-tokens", "ask")]
    assert charge(guarded, total=True, tokens=10) == []


def test_without_a_session_its_budget_is_not_known(guarded: Guarded) -> None:
    found = guarded.runtime.before("shell", {"command": "ls"}, session=None, actor=AGENT)
    assert [(each.rule, each.decision) for each in found] == [
        ("runtime.budget-tokens", "ask"),
        ("runtime.budget-duration", "allow"),
    ]


def test_calls_of_which_nothing_was_charged_used_an_unknown_amount(guarded: Guarded) -> None:
    assert guarded.runtime.about_budgets("s") == []
    guarded.call("make", ok=True)
    told = [(each.rule, each.decision) for each in guarded.runtime.about_budgets("s")]
    assert ("runtime.budget-tokens", "ask") in told
    assert ("runtime.budget-cost", "ask") in told
    assert charge(guarded, tokens=10) == []


RUNS = Limits(session=Amounts(runs=3), project=Amounts(runs=5))


def runs(guarded: Guarded) -> tuple[int, int]:
    with guarded.ledger.read() as tx:
        return charges.of_session(tx, "s").amounts.runs or 0, charges.since(tx, "").amounts.runs or 0


def test_a_charge_is_one_run_unless_it_says_how_many(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    guarded = Guarded(open_ledger(*VIEWS), clock, RUNS)
    assert charge(guarded) == []
    assert charge(guarded, runs=0) == []
    assert charge(guarded, "t", runs=2) == []
    assert runs(guarded) == (1, 3)
    assert charge(guarded, runs=2) == [("runtime.budget-runs", "deny"), ("runtime.budget-runs", "deny")]
    assert runs(guarded) == (3, 5)


def test_the_sums_of_a_session_are_no_run_of_their_own(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    guarded = Guarded(open_ledger(*VIEWS), clock, RUNS)
    charge(guarded)
    charge(guarded, total=True, tokens=9)
    assert runs(guarded) == (1, 1)
    charge(guarded, total=True, runs=2)
    assert runs(guarded) == (2, 2)
    assert guarded.runtime.about_budgets("s") == []


def test_charges_of_an_older_version_are_runs_too(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    body = {"tokens": 5, "cost_micros": 0, "duration_ms": 0, "retries": 0, "total": False}
    older = MigrationSet(charges.VIEW.schema.owner, charges.VIEW.schema.migrations[:1])

    def apply(tx: Transaction, seq: int, event: Event) -> None:
        tx.execute(
            "INSERT INTO guard_charge (seq, at, session, tokens) VALUES (?, ?, ?, 5)", [seq, event.at, event.session]
        )

    before = open_ledger(replace(charges.VIEW, schema=older, apply=apply))
    before.append([Draft("budget/s", charges.CHARGED, body, tracked=False, session="s")], actor=AGENT)
    guarded = Guarded(open_ledger(*VIEWS), clock, RUNS)
    assert runs(guarded) == (1, 1)
    assert guarded.runtime.about_budgets("s") == []


def test_without_limits_nothing_is_said(open_ledger: LedgerFactory, clock: FakeClock) -> None:
    assert Guarded(open_ledger(*VIEWS), clock).runtime.about_budgets(None) == []


@pytest.mark.parametrize("amount", [-1, MOST + 1, True])
def test_an_amount_that_can_not_be_is_refused(guarded: Guarded, amount: int) -> None:
    with pytest.raises(InvalidInputError, match="tokens"):
        guarded.runtime.charge(Amounts(tokens=amount), session="s", actor=AGENT)


def test_the_configuration_limits_every_measure_in_people_s_units() -> None:
    section = BudgetsSection(
        session_tokens=1, session_cost=2.5, session_seconds=3, session_retries=4, session_runs=5, project_runs=6,
        project_days=7, over="hold",
    )  # fmt: skip
    assert limits_of(section) == Limits(Amounts(1, 2_500_000, 3_000, 4, 5), Amounts(runs=6), 7, "hold")
    assert limits_of(BudgetsSection()).over is None
