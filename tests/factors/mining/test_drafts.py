"""A pattern is made of what an agent sends, and what does not fit is named."""

from typing import Any

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.drafts import drafted
from agentops_mcp.factors.mining.rules.patterns import Pattern, Relation

SENT: dict[str, Any] = {
    "title": "Keep a retry budget for each host", "problem": "One slow host uses up every attempt.",
    "context": "Clients of several hosts.", "solution": "A token bucket for each host.", "consequences": [],
    "details": "", "evidence": [], "tags": [], "category": "domain", "kind": "pattern", "name": "", "supersedes": "",
}  # fmt: skip


def pattern(**changes: Any) -> Pattern:
    return drafted(**(SENT | changes))


def test_the_name_comes_from_the_title_unless_one_is_given() -> None:
    assert pattern().name == "keep-a-retry-budget-for-each-host"
    assert pattern(name=" retry-budget ").name == "retry-budget"


@pytest.mark.parametrize(
    ("sent", "benefits", "tradeoffs", "risks"),
    [
        (["benefit: fast"], ("fast",), (), ()),
        (["Benefits:fast", "RISK: stale: often"], ("fast",), (), ("stale: often",)),
        (["tradeoff: memory", "trade-off: code", "tradeoffs: time"], (), ("memory", "code", "time"), ()),
        (["benefit: fast", "benefit: fast", "benefit: "], ("fast",), (), ()),
    ],
)
def test_consequences_are_sorted_by_what_they_begin_with(
    sent: list[str], benefits: tuple[str, ...], tradeoffs: tuple[str, ...], risks: tuple[str, ...]
) -> None:
    made = pattern(consequences=sent)
    assert (made.benefits, made.tradeoffs, made.risks) == (benefits, tradeoffs, risks)


@pytest.mark.parametrize("sent", ["it is fast", "speed: fast", ": fast", "", "\u202e: x" * 100])
def test_a_consequence_that_does_not_say_which_it_is_is_refused(sent: str) -> None:
    with pytest.raises(InvalidInputError, match="does not say which it is") as raised:
        pattern(consequences=[sent])
    assert "'benefit:'" in raised.value.remedy
    assert len(str(raised.value)) < 300
    assert "\u202e" not in str(raised.value)


def test_details_are_read_as_sections() -> None:
    made = pattern(details="## Forces\n\n- speed\n- memory\n\n## Implementation\n\n```py\n# not a heading\n```\n")
    assert made.forces == ("speed", "memory")
    assert made.implementation == "```py\n# not a heading\n```"


@pytest.mark.parametrize(
    ("details", "says"),
    [
        ("## Problem\n\nIt is slow.", "problem"),
        ("## Consequences\n\n### Benefits\n\n- fast", "benefits"),
        ("just text", "in no section"),
        ("# A title", "no title here"),
        ("## Nonsense\n\ntext", "no section 'Nonsense'"),
        ("## Implementation\n\n```py\n", "not closed"),
    ],
)
def test_details_that_are_not_such_sections_are_refused(details: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as raised:
        pattern(details=details)
    assert raised.value.remedy


def test_what_it_supersedes_is_a_relation() -> None:
    assert pattern(supersedes=" old-pattern ").related == (Relation("supersedes", "old-pattern"),)
    assert pattern().related == ()
    with pytest.raises(InvalidInputError, match="no name for a pattern"):
        pattern(supersedes="../x")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"title": "  "}, "title is missing"),
        ({"category": "weather"}, "category cannot be"),
        ({"evidence": ["somebody said so"]}, "is no evidence"),
        ({"tags": ["a,b"]}, "is not a tag"),
        ({"name": "Not A Name"}, "no name for a pattern"),
    ],
)
def test_a_field_that_is_not_what_it_must_be_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says) as raised:
        pattern(**changes)
    assert raised.value.remedy
