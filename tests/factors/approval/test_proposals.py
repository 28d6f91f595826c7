"""What an agent must say when it asks, and when a person is needed."""

from typing import Any

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.approval.rules import proposals
from agentops_mcp.factors.approval.rules.settings import Settings
from asked import GIVEN, proposal


@pytest.mark.parametrize("part", ["summary", "changes", "rollback", "impact", "alternatives", "risks"])
@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_a_request_without_a_part_is_refused_with_a_whole_example(part: str, value: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        proposals.checked({**GIVEN, part: value})
    assert part in refused.value.problem
    assert "rollback=" in refused.value.remedy


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"colour": "red"}, "no part 'colour'"),
        ({"summary": ["a"]}, "summary must be text"),
        ({"summary": "x" * 4_001}, "4001 characters"),
        ({"risks": 5}, "risks must be a list"),
        ({"risks": ["x"] * 21}, "more than 20"),
        ({"risks": [5]}, "risks must be text"),
        ({"impact": 5}, "impact must be an object"),
        ({"impact": {"colour": 1}}, "no part 'colour'"),
        ({"impact": {"level": "huge"}}, "impact can not be 'huge'"),
        ({"novelty": "huge"}, "novelty can not be 'huge'"),
        ({"phase": "party"}, "No phase"),
        ({"confidence": 1.5}, "confidence can not be 1.5"),
        ({"confidence": True}, "confidence can not be True"),
        ({"confidence": float("nan")}, "confidence can not be nan"),
        ({"confidence": "sure"}, "confidence can not be sure"),
    ],
)
def test_what_is_no_part_of_a_request_is_refused_by_name(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        proposals.checked({**GIVEN, **given})


def test_an_example_in_the_remedy_is_a_request_itself() -> None:
    assert proposals.checked(eval(f"dict({proposals.EXAMPLE})")).rollback


def test_impact_in_words_alone_is_kept_as_words() -> None:
    assert proposal(impact="two services restart").impact == {"summary": "two services restart"}


@pytest.mark.parametrize("impact", [{"files": 2**60}, {"files": 1.5}, {"files": ["a", "b"]}, {"cost": "3 EUR"}])
def test_a_proposal_survives_its_event(impact: dict[str, Any]) -> None:
    made = proposal(impact=impact, confidence=0.9, phase="deploy", risk="high", questions=["why now?"], state="s-1")
    assert proposals.of_body(proposals.to_body(made)) == made


@pytest.mark.parametrize("body", [{}, {"summary": "x"}, {**GIVEN, "confidence": "much"}, {**GIVEN, "levels": 5}])
def test_an_event_that_holds_no_proposal_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no proposal|could not convert"):
        proposals.of_body(body)


@pytest.mark.parametrize(
    ("said", "decision", "severity", "need"),
    [
        ({"impact": {"level": "low"}}, "allow", "low", "none"),
        ({"impact": {"level": "medium"}}, "allow", "low", "optional"),
        ({"impact": {"level": "low"}, "novelty": "high"}, "allow", "low", "required"),
        ({"impact": {"level": "low"}, "cost": "medium"}, "allow", "low", "optional"),
        ({"impact": {"level": "low"}}, "allow", "critical", "required"),
        ({"impact": {"level": "low"}}, "ask", "low", "required"),
        ({"impact": {"level": "low"}}, "deny", "low", "required"),
    ],
)
def test_the_matrix_says_who_is_needed_and_the_guard_can_only_raise_it(
    said: dict[str, Any], decision: str, severity: str, need: str
) -> None:
    assert proposals.need_of(proposal(**said), decision, severity, Settings()) == need
