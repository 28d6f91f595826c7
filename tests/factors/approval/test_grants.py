"""Grants in advance, over a real ledger."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules.scopes import Grant
from asked import AGENT, ASKS, CLIENT, CRITICAL, PAGE, TERMINAL, Asked, asked
from conftest import FakeClock, LedgerFactory

HOUR = timedelta(hours=1)


@pytest.fixture
def approvals(open_ledger: LedgerFactory, clock: FakeClock) -> Asked:
    return asked(open_ledger, clock)


def give(approvals: Asked, **changes: Any) -> Grant:
    given: dict[str, Any] = {
        "rule": ASKS.rule, "prefix": "", "uses": 2, "lasts": HOUR, "severity": "high", "reason": "the rebase",
        "by": "person anna", "actor": PAGE, **changes,
    }  # fmt: skip
    return approvals.grants.give(given.pop("rule"), given.pop("prefix"), **given)


def spend(approvals: Asked, *findings: Any) -> list[Grant]:
    return approvals.grants.spend(findings or (ASKS,), action="a" * 64, session=None, actor=AGENT)


@pytest.mark.parametrize("actor", [AGENT, CLIENT])
def test_only_a_person_gives_and_revokes(approvals: Asked, actor: Actor) -> None:
    with pytest.raises(InvalidInputError, match="Only a person"):
        give(approvals, actor=actor)
    made = give(approvals)
    with pytest.raises(InvalidInputError, match="Only a person"):
        approvals.grants.revoke(made.id, by="x", actor=actor)
    assert approvals.grants.live() == [made]


def test_a_grant_is_used_as_often_as_it_says(approvals: Asked) -> None:
    made = give(approvals, actor=TERMINAL)
    assert [len(spend(approvals)) for _ in range(3)] == [1, 1, 0]
    assert approvals.grants.listed()[0] == replace(made, used=2)
    assert approvals.grants.live() == []


def test_a_grant_ends_with_its_time(approvals: Asked, clock: FakeClock) -> None:
    give(approvals, uses=None)
    clock.advance(HOUR)
    assert spend(approvals) == []


def test_a_revoked_grant_is_used_no_more(approvals: Asked) -> None:
    made = give(approvals)
    assert approvals.grants.revoke(f"grant/{made.id}", by="person anna", actor=PAGE).revoked
    assert approvals.grants.revoke(made.id, by="person anna", actor=PAGE).revoked
    assert spend(approvals) == []
    assert [event.kind for event in approvals.ledger.events()] == ["grant.given", "grant.revoked"]


def test_nothing_is_used_unless_all_is_covered(approvals: Asked) -> None:
    give(approvals)
    assert spend(approvals, ASKS, replace(ASKS, rule="other.rule")) == []
    assert spend(approvals, ASKS, CRITICAL) == []
    assert approvals.grants.live()[0].used == 0


def test_several_grants_cover_together(approvals: Asked) -> None:
    give(approvals)
    give(approvals, rule="other.rule")
    assert len(spend(approvals, ASKS, replace(ASKS, rule="other.rule"), ASKS)) == 2
    assert [each.used for each in approvals.grants.live()] == [1, 1]


def test_a_prefix_counts_from_the_project(approvals: Asked) -> None:
    give(approvals, prefix="build")
    assert spend(approvals, replace(ASKS, target="/project/src")) == []
    assert len(spend(approvals, replace(ASKS, target="/project/build/a"))) == 1


def test_what_happens_to_grants_shows(approvals: Asked) -> None:
    seen = {approvals.grants.last_change()}
    made = give(approvals)
    seen.add(approvals.grants.last_change())
    spend(approvals)
    seen.add(approvals.grants.last_change())
    approvals.grants.revoke(made.id, by="person anna", actor=PAGE)
    assert len({*seen, approvals.grants.last_change()}) == 4


def test_no_event_of_a_grant_travels(approvals: Asked) -> None:
    made = give(approvals)
    spend(approvals)
    approvals.grants.revoke(made.id, by="person anna", actor=PAGE)
    assert [event.tracked for event in approvals.ledger.events()] == [False] * 3


def test_a_grant_that_is_none_is_not_found(approvals: Asked) -> None:
    with pytest.raises(NotFoundError, match="No grant"):
        approvals.grants.revoke("nothing", by="person anna", actor=PAGE)


def test_the_views_are_the_same_after_a_rebuild(approvals: Asked) -> None:
    give(approvals)
    spend(approvals)
    approvals.grants.revoke(give(approvals).id, by="person anna", actor=PAGE)
    before = approvals.grants.listed()
    approvals.ledger.rebuild()
    assert approvals.grants.listed() == before
