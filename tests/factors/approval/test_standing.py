"""Where a request stands, from decisions that arrive in any order."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.approval.rules.settings import STRENGTHS, Settings, Strength
from agentops_mcp.factors.approval.rules.standing import Decided, Fold, floor_of, fold, strength_of, suffices
from agentops_mcp.factors.approval.rules.subjects import Finding
from asked import ASKS, CRITICAL
from conftest import NOON

LATER = NOON + timedelta(minutes=1)


def decided(decision: Any = "approve", by: str = "person anna", **changes: Any) -> Decided:
    values: dict[str, Any] = {"strength": "page", "at": LATER, "id": f"{by}-{decision}", **changes}
    return Decided(decision=decision, by=by, **values)


def folded(*decisions: Decided, floor: Strength = "client", **changes: Any) -> Fold:
    values: dict[str, Any] = {
        "requester": "agent x of anna", "expires_at": NOON + timedelta(hours=24), "used": False, "now": LATER,
        "lasts_s": 600.0, **changes,
    }  # fmt: skip
    return fold(decisions, floor=floor, **values)


@pytest.mark.parametrize(
    ("decisions", "changes", "status"),
    [
        ([], {}, "pending"),
        ([], {"now": NOON + timedelta(hours=25)}, "expired"),
        ([decided()], {}, "approved"),
        ([decided()], {"now": LATER + timedelta(minutes=11)}, "lapsed"),
        ([decided()], {"used": True}, "used"),
        ([decided("reject")], {}, "rejected"),
        ([decided("revise")], {}, "revise"),
        ([decided(), decided("reject", "person ben", here=False)], {}, "rejected"),
        ([decided(), decided("revise", "person ben")], {}, "revise"),
        ([decided("revise"), decided("reject", "person ben")], {}, "rejected"),
        ([decided(at=NOON + timedelta(hours=25))], {"now": NOON + timedelta(hours=26)}, "expired"),
        ([decided("reject", at=NOON + timedelta(hours=25))], {"now": NOON + timedelta(hours=26)}, "expired"),
        ([decided(by="agent x of anna")], {}, "pending"),
        ([decided(here=False)], {}, "pending"),
        ([decided(here=False)], {"accept_elsewhere": True}, "approved"),
        ([decided(strength="client")], {"floor": "page"}, "pending"),
        ([decided(strength="page")], {"floor": "terminal"}, "pending"),
        ([decided(strength="terminal")], {"floor": "page"}, "approved"),
        ([decided()], {"floor": "two_people"}, "pending"),
        ([decided(), decided(id="again")], {"floor": "two_people"}, "pending"),
        ([decided(), decided(by="person ben")], {"floor": "two_people"}, "approved"),
        ([decided(), decided(by="client c of ben", strength="client")], {"floor": "two_people"}, "pending"),
    ],
)
def test_a_request_stands_where_its_decisions_put_it(
    decisions: list[Decided], changes: dict[str, Any], status: str
) -> None:
    assert folded(*decisions, **changes).status == status


def test_half_of_two_people_is_remembered() -> None:
    assert [each.by for each in folded(decided(), floor="two_people").approvals] == ["person anna"]


_ANY = st.lists(
    st.builds(
        Decided, st.uuids().map(str), st.sampled_from(["approve", "reject", "revise"]),
        st.sampled_from(["person a", "person b", "agent x of anna"]), st.sampled_from(STRENGTHS),
        st.integers(0, 100_000).map(lambda s: NOON + timedelta(seconds=s)), st.just(""), st.booleans(),
    ), max_size=6,
)  # fmt: skip


@given(_ANY, st.sampled_from(STRENGTHS), st.randoms())
def test_the_order_of_arrival_makes_no_difference(decisions: list[Decided], floor: Strength, random: Any) -> None:
    shuffled = decisions.copy()
    random.shuffle(shuffled)
    assert folded(*decisions, floor=floor) == folded(*shuffled, floor=floor)


@given(_ANY, st.sampled_from(STRENGTHS))
def test_without_a_valid_approval_nothing_is_approved(decisions: list[Decided], floor: Strength) -> None:
    found = folded(*decisions, floor=floor)
    if found.status == "approved":
        assert not [each for each in decisions if each.decision != "approve" and each.at <= NOON + timedelta(hours=24)]
        assert all(each.by != "agent x of anna" and each.here for each in found.approvals)
        assert all(suffices(each.strength, floor) for each in found.approvals)


@pytest.mark.parametrize(
    ("findings", "floor"),
    [
        ([], "client"),
        ([ASKS], "client"),
        ([ASKS, CRITICAL], "page"),
        ([Finding("x.y", "ask", "low", "", "spend")], "page"),
        ([Finding("x.y", "ask", "unheard-of", "", "delete")], "page"),
    ],
)
def test_the_floor_is_that_of_the_worst_finding(findings: list[Finding], floor: str) -> None:
    assert floor_of(findings, Settings()) == floor


def test_no_setting_lets_a_client_answer_for_a_critical_effect() -> None:
    weak = Settings(by_severity={"critical": "client"}, by_effect={})
    assert floor_of([CRITICAL], weak) == "page"


@pytest.mark.parametrize(
    ("via", "strength"), [("mcp", None), ("elicitation", "client"), ("page", "page"), ("cli", "terminal"), ("x", None)]
)
def test_a_tool_call_is_no_channel(via: str, strength: str | None) -> None:
    assert strength_of(via) == strength
