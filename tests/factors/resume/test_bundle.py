"""What a bundle must say before it is saved."""

import re
from dataclasses import replace

import pytest

from agentops_mcp.core import tokens
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.resume.rules import bundle as rules
from agentops_mcp.factors.resume.rules.bundle import Bundle, Decision, Parameter

GOOD = Bundle(
    goal="Retries survive a slow host",
    phase="implement",
    did="Wrote the token bucket.",
    decisions=(Decision("budget per host", "one slow host used up every request", "per request"),),
    parameters=(Parameter("RETRY_RATIO", "0.1", "src/retry.py"),),
    next_steps=("make test_budget pass in tests/test_retry.py",),
    key_files=("src/retry.py",),
)


def check(bundle: Bundle) -> int:
    return rules.check_bundle(bundle, count=tokens.count)


def test_a_good_bundle_costs_what_its_lines_cost() -> None:
    assert 30 < check(GOOD) < 120


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"goal": "fix the bug"}, "goal is too generic", id="generic goal"),
        pytest.param({"decisions": ()}, "decisions is missing", id="no decisions"),
        pytest.param({"decisions": (Decision("x", ""),)}, "lacks choice or why", id="no why"),
        pytest.param({"parameters": ()}, "parameters is missing", id="no parameters"),
        pytest.param({"parameters": (Parameter("x", " \n"),)}, "has no value", id="blank value"),
        pytest.param({"parameters": (Parameter("x", "1"), Parameter("x", "2"))}, "has two values", id="two values"),
        pytest.param({"next_steps": ()}, "next_steps is missing", id="no next steps"),
        pytest.param({"next_steps": ("continue",)}, "too vague to act on: 'continue'", id="vague step"),
    ],
)
def test_a_bundle_without_a_required_part_is_refused_with_an_example(change: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(problem)) as caught:
        check(replace(GOOD, **change))
    assert "ike '" in caught.value.remedy or "Example:" in caught.value.remedy


def test_finished_work_needs_no_next_step() -> None:
    assert check(replace(GOOD, phase="done", next_steps=()))


@pytest.mark.parametrize(
    "step",
    ["continue", "Continue the implementation", "keep going", "finish the rest", "carry on with testing", "work on it",
     "fix remaining issues", "review", "Clean up the code", "start coding", "write tests", "debug further", "..."],
)  # fmt: skip
def test_a_step_that_names_nothing_is_vague(step: str) -> None:
    assert not rules.is_specific(step)


@pytest.mark.parametrize(
    "step",
    ["Fix src/app.py", "Run `make demo`", "continue with refill() in retry.py", "deploy v1.4.2 to staging",
     "Ask Ana whether the queue may be dropped", "把重试预算移到主机", "set --workers to 4", "fix HTTP 502 from nginx"],
)  # fmt: skip
def test_a_step_that_names_what_to_do_to_what_is_specific(step: str) -> None:
    assert rules.is_specific(step)


def test_what_is_over_the_cap_is_refused_with_the_parts_that_cost_most() -> None:
    fat = replace(GOOD, findings=tuple(f"finding {n} about host-{n} and its budget" for n in range(300)))
    with pytest.raises(InvalidInputError, match=r"costs \d+ tokens, \d+ too many; the most: findings \d+"):
        check(fat)


def test_what_is_far_over_the_cap_is_refused_without_counting() -> None:
    def never(text: str) -> int:
        raise AssertionError("counted")

    with pytest.raises(InvalidInputError, match="1000000 of them in did"):
        rules.check_bundle(replace(GOOD, did="x" * 1_000_000), count=never)


def test_tidying_puts_claims_on_one_line_and_leaves_values_alone() -> None:
    messy = replace(
        GOOD,
        did=" a\n b ",
        findings=("same", "same ", "", "x\ny"),
        parameters=(Parameter(" NAME ", "line\n  two ", " f.py "),),
        key_files=("a", "a", " "),
    )
    neat = rules.tidy(messy)
    assert (neat.did, neat.findings, neat.key_files) == ("a b", ("same", "x y"), ("a",))
    assert neat.parameters == (Parameter("NAME", "line\n  two ", "f.py"),)


def test_a_value_that_does_not_print_on_one_line_is_shown_as_json() -> None:
    assert rules.parameter_line(Parameter("KEY", "a\nb")) == 'KEY = "a\\nb"'
    assert rules.parameter_line(Parameter("N", "3", "f.py")) == "N = 3 (f.py)"


def test_a_decision_says_what_was_rejected_if_anything_was() -> None:
    assert rules.decision_line(Decision("a", "b")) == "a — b"
    assert rules.decision_line(Decision("a", "b", "c")) == "a — b (rejected: c)"


def test_a_ratio_is_named_only_where_the_source_is_large_enough_to_mean_something() -> None:
    assert rules.advise(GOOD, tokens=100, source_tokens=7_999) == []
    assert rules.advise(GOOD, tokens=1_000, source_tokens=8_000) == ["about 8:1 against its 1 key files"]
    (low,) = rules.advise(GOOD, tokens=4_000, source_tokens=8_000)
    assert "2:1" in low
    assert "leave out" in low


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        pytest.param({"key_files": ()}, "no key_files", id="no key files"),
        pytest.param({"did": ""}, "no did", id="no did"),
        pytest.param({"did": "word " * 100}, "did is long", id="long did"),
        pytest.param({"phase": "done", "open_questions": ("who?",)}, "done, but", id="premature"),
    ],
)
def test_what_is_lacking_but_not_required_is_pointed_out(change: dict[str, object], finding: str) -> None:
    (found,) = rules.advise(replace(GOOD, **change), tokens=100, source_tokens=0)
    assert finding in found
