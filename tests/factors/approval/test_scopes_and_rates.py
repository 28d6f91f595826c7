"""Grants in advance, the figures about decisions, and settings that only tighten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.approval.rules.rates import Taken, rates
from agentops_mcp.factors.approval.rules.scopes import Grant, check_grant, covers
from agentops_mcp.factors.approval.rules.settings import Settings, tightened
from agentops_mcp.factors.approval.rules.subjects import Finding
from conftest import NOON

HOUR = timedelta(hours=1)
GRANT = Grant("g", "files.delete", "build", 3, NOON + HOUR, "person anna", "page", "", NOON)
FOUND = Finding("files.delete", "ask", "high", "", "delete", "build/out.txt", "unkept")


@pytest.mark.parametrize(
    ("rule", "prefix", "uses", "lasts", "severity"),
    [
        ("nothing", "", 1, HOUR, "high"),
        ("a.", "", 1, HOUR, "high"),
        ("a.b c", "", 1, HOUR, "high"),
        ("a.b", "", 1, HOUR, "critical"),
        ("a.b", "", 1, timedelta(days=2), "high"),
        ("a.b", "", 1, timedelta(0), "high"),
        ("a.b", "", 0, HOUR, "high"),
        ("a.b", "", 101, HOUR, "high"),
        ("a.b", "x/../..", 1, HOUR, "high"),
        ("a.b", "x\\..\\y", 1, HOUR, "high"),
        ("a.b", "x\0", 1, HOUR, "high"),
    ],
)
def test_what_can_not_be_granted_in_advance_is_refused(
    rule: str, prefix: str, uses: int | None, lasts: timedelta, severity: str
) -> None:
    with pytest.raises(InvalidInputError):
        check_grant(rule, prefix, uses, lasts, severity)


@pytest.mark.parametrize(
    ("target", "covered"),
    [
        ("build", True),
        ("build/", True),
        ("build/a/b", True),
        ("build\\a", True),
        ("/project/build/a", True),
        ("/project/builder", False),
        ("/elsewhere/build/a", False),
        ("builder", False),
        ("build/../src", False),
        ("./src", False),
        ("", False),
        ("build/\u202efdp", False),
    ],
)
def test_a_prefix_covers_what_lies_in_it_and_nothing_that_climbs_out(target: str, covered: bool) -> None:
    assert covers(GRANT, replace(FOUND, target=target), Settings(), root="/project") is covered


@pytest.mark.parametrize(
    ("grant", "finding", "settings"),
    [
        ({"rule": "other.rule"}, {}, {}),
        ({}, {"severity": "critical"}, {}),
        ({}, {}, {"by_severity": {"high": "terminal"}}),
        ({}, {}, {"by_severity": {"high": "two_people"}}),
    ],
)
def test_a_grant_is_not_about_other_rules_nor_stronger_than_its_channel(
    grant: dict[str, Any], finding: dict[str, Any], settings: dict[str, Any]
) -> None:
    every = replace(GRANT, prefix="")
    assert covers(every, FOUND, Settings(), root="")
    assert not covers(replace(every, **grant), replace(FOUND, **finding), replace(Settings(), **settings), root="")


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"used": 3}, False),
        ({"uses": None, "used": 9}, True),
        ({"revoked": True}, False),
        ({"until": NOON}, False),
    ],
)
def test_a_grant_ends_by_uses_by_time_and_by_a_persons_word(changes: dict[str, Any], holds: bool) -> None:
    assert replace(GRANT, **changes).holds(NOON) is holds


def test_rates_carry_their_n_and_flag_what_was_hardly_read() -> None:
    taken = [Taken("approve", 1.0), *([Taken("approve", 60.0)] * 8), Taken("approve", None)]
    found = rates(taken, Settings())
    assert (found.n, found.approved, found.timed, found.hasty, found.median_s) == (10, 10, 9, 1, 60.0)
    assert "everything was approved (n = 10)" in found.flags[0]
    assert found.flags[1] == "1 of 9 decisions came within 5 s of being shown"


def test_mostly_refused_is_flagged_too() -> None:
    taken = [Taken("approve", None)] * 2 + [Taken("reject", None)] * 8
    assert "20% were approved (n = 10)" in rates(taken, Settings()).flags[0]


@pytest.mark.parametrize("taken", [[], [Taken("approve", 60.0)] * 9])
def test_few_decisions_say_nothing(taken: list[Taken]) -> None:
    assert rates(taken, Settings()).flags == ()


def test_a_project_can_only_tighten_what_a_person_fixed() -> None:
    loose = Settings(
        grant_lasts=HOUR, escalates_after=9 * HOUR, expires_after=48 * HOUR, review=timedelta(0),
        by_severity={"high": "client"}, by_effect={}, matrix={"cost.high": "none"}, accept_elsewhere=True,
    )  # fmt: skip
    strict = Settings(
        grant_lasts=HOUR / 2, by_severity={"high": "two_people"}, by_effect={"publish": "terminal"},
        matrix={"cost.high": "required"},
    )  # fmt: skip
    for found in (tightened(loose, strict), tightened(strict, loose)):
        assert (found.grant_lasts, found.expires_after, found.review) == (HOUR / 2, 24 * HOUR, timedelta(seconds=5))
        assert found.by_severity["high"] == "two_people"
        assert found.by_effect["publish"] == "terminal"
        assert found.matrix["cost.high"] == "required"
        assert not found.accept_elsewhere
