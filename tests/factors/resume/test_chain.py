"""States merged with those they continue, goals compared, and the tree drawn."""

from dataclasses import replace

import pytest

from agentops_mcp.factors.resume.rules.bundle import Bundle, Decision, Parameter
from agentops_mcp.factors.resume.rules.chain import Kept, Place, Saved, merge
from agentops_mcp.factors.resume.rules.goals import goal_words, is_same_goal
from agentops_mcp.factors.resume.rules.tree import Node, draw

OLD = Saved(
    id="old", at="2026-11-22T12:00:00+00:00", client="test-client 1.0", user="tester", session=None, parent=None,
    mission=None, tokens=50,
    bundle=Bundle(
        goal="Retries survive a slow host", phase="plan", did="Read the code.",
        decisions=(Decision("budget per host", "one slow host"), Decision("keep the pool", "it works")),
        parameters=(Parameter("RATIO", "0.1"), Parameter("LIMIT", "5")),
        findings=("the pool is shared",), next_steps=("write src/bucket.py",), open_questions=("who owns it?",),
        key_files=("a.py",),
    ),
    place=Place("main", "a" * 40, dirty=False, operation=None),
    files={"a.py": "1" * 40}, links={}, commits={}, found={}, kept=Kept(),
)  # fmt: skip
NEW = replace(
    OLD, id="new", parent="old", files={"a.py": "2" * 40},
    bundle=Bundle(
        goal="Retries survive a slow host", phase="implement",
        decisions=(Decision("Budget per host", "measured: 5.0 to 1.1 calls"),),
        parameters=(Parameter("ratio", "0.2"),), next_steps=("run tests/test_bucket.py",), key_files=("a.py", "b.py"),
    ),
)  # fmt: skip


def test_a_chain_says_each_claim_once_with_the_state_that_made_it_last() -> None:
    merged = merge([NEW, OLD])
    assert [(each.choice, saved.id) for each, saved in merged.decisions] == [
        ("Budget per host", "new"), ("keep the pool", "old"),
    ]  # fmt: skip
    assert [(each.name, each.value, saved.id) for each, saved in merged.parameters] == [
        ("ratio", "0.2", "new"), ("LIMIT", "5", "old"),
    ]  # fmt: skip
    assert [(each, saved.id) for each, saved in merged.findings] == [("the pool is shared", "old")]
    assert [(each, saved.id) for each, saved in merged.key_files] == [("a.py", "new"), ("b.py", "new")]
    assert merged.newest is NEW
    assert merged.older == (OLD,)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Retries survive a slow host", "Make the retries survive one slow host", True),
        ("Retries survive a slow host", "Migrate the queue to Redis", False),
        ("Fix the retry storm", "retry", False),
        ("重试预算移到主机上", "把重试预算移到主机", True),
        ("", "", False),
    ],
)
def test_goals_are_the_same_when_they_share_most_words(one: str, other: str, same: bool) -> None:
    assert is_same_goal(one, other) is same


def test_a_goal_is_found_by_whole_words_and_by_the_parts_of_identifiers() -> None:
    assert goal_words("Speed up parseConfig in src/load_config.py") >= {
        "speed", "parseconfig", "src/load_config.py", "load", "config", "parse",
    }  # fmt: skip
    assert goal_words("重试预算") == {"重试", "试预", "预算"}
    assert goal_words("库 x1") == {"库", "x1"}
    assert len(goal_words(" ".join(f"word{n}" for n in range(100)))) == 40


def node(identifier: str, parent: str | None) -> Node:
    return Node(identifier, parent, "2026-11-22T12:00", "plan", "goal", "client", is_tip=False)


def test_a_line_of_states_is_one_column() -> None:
    assert [marks for marks, _ in draw([node("c", "b"), node("b", "a"), node("a", None)])] == ["*", "*", "*"]


def test_a_branch_stands_in_its_own_column_until_it_meets_its_parent() -> None:
    nodes = [node("d", "b"), node("c", "b"), node("x", None), node("b", "a"), node("a", None)]
    assert [f"{marks} {each.id}" for marks, each in draw(nodes)] == ["* d", "| * c", "| | * x", "* / b", "* a"]
