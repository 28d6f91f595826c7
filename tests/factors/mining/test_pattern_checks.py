"""The five checks: what passes, what is refused, what only warns, and whether the message says what to change."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from agentops_mcp.factors.mining.rules.checks import Check, check, refusals, warnings
from agentops_mcp.factors.mining.rules.patterns import Pattern, Relation

GOOD = Pattern(
    name="retry-budget-per-host",
    title="Keep the retry budget per host",
    kind="pattern",
    category="guardrails",
    problem="One slow host uses up every attempt of the caller, so calls to healthy hosts fail too",
    context="Clients that call several hosts within one request",
    solution="Give each host a token bucket and stop retrying it while its bucket is empty",
    tradeoffs=("Some calls fail that a retry would have saved",),
)


def checked(nearest: Sequence[tuple[str, float]] = (), evidence_count: int = 1, **fields: object) -> tuple[Check, ...]:
    pattern = replace(GOOD, **cast("dict[str, Any]", fields))
    return check(pattern, nearest=nearest, duplicate_from=0.9, evidence_count=evidence_count)


def failed(checks: Sequence[Check]) -> list[str]:
    return [each.name for each in checks if not each.passed]


def message(checks: Sequence[Check], name: str) -> str:
    return next(each.message for each in checks if each.name == name)


def test_a_good_pattern_passes_all_five_in_order() -> None:
    checks = checked()
    assert [each.name for each in checks] == ["generalizable", "evidenced", "complete", "unique", "clear"]
    assert failed(checks) == []
    assert refusals(checks) == warnings(checks) == ()


def test_a_good_pattern_of_another_script_passes() -> None:
    checks = checked(
        title="按主机限制重试",
        problem="一个缓慢的主机会用完调用者的所有重试次数",
        context="在一个请求中调用多个主机的客户端",
        solution="给每个主机一个令牌桶。桶空时停止重试",
    )
    assert failed(checks) == []


@pytest.mark.parametrize(
    ("name", "refuses"),
    [("complete", True), ("clear", True), ("unique", True), ("evidenced", False), ("generalizable", False)],
)
def test_what_can_be_put_right_at_once_refuses_and_the_rest_warns(name: Any, *, refuses: bool) -> None:
    checks = (Check(name, passed=False, message=""), Check("clear", passed=True, message=""))
    assert bool(refusals(checks)) is refuses
    assert bool(warnings(checks)) is not refuses


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"problem": ""}, "no problem"),
        ({"context": ""}, "no context"),
        ({"solution": ""}, "no solution"),
        ({"problem": "Hosts are slow"}, "problem has 2 informative words of at least 5"),
        ({"context": "Everything that was fixed"}, "no context"),
        ({"tradeoffs": ()}, "no consequences: name a benefit, a tradeoff or a risk"),
    ],
)
def test_a_part_that_is_missing_or_too_short_is_incomplete(fields: dict[str, Any], said: str) -> None:
    checks = checked(**fields)
    assert "complete" in failed(checks)
    assert said in message(checks, "complete")


def test_everything_that_is_missing_is_said_at_once() -> None:
    assert message(checked(problem="", context=""), "complete") == "no problem; no context."


@pytest.mark.parametrize("consequence", ["benefits", "tradeoffs", "risks"])
def test_one_consequence_of_any_kind_is_enough(consequence: str) -> None:
    fields: dict[str, Any] = {"tradeoffs": (), consequence: ("Load stays bounded",)}
    assert failed(checked(**fields)) == []


def test_without_evidence_or_known_uses_it_is_not_evidenced() -> None:
    checks = checked(evidence_count=0)
    assert failed(checks) == ["evidenced"]
    assert "stays a prototype" in message(checks, "evidenced")


def test_a_known_use_elsewhere_is_evidence() -> None:
    assert failed(checked(evidence_count=0, known_uses=("gRPC retry throttling",))) == []


def test_a_near_duplicate_is_refused_with_the_one_to_refine() -> None:
    checks = checked(nearest=[("token-bucket", 0.3), ("retry-budget", 0.95)])
    assert [each.name for each in refusals(checks)] == ["unique"]
    assert "retry-budget says nearly the same (0.95" in message(checks, "unique")


@pytest.mark.parametrize(
    "nearest", [[], [("other", 0.89)], [("retry-budget-per-host", 1.0)], [("retry-budget-per-host", 1.0), ("b", 0.1)]]
)
def test_what_is_far_enough_or_the_pattern_itself_is_no_duplicate(nearest: list[tuple[str, float]]) -> None:
    assert failed(checked(nearest=nearest)) == []


def test_a_duplicate_at_the_limit_is_one() -> None:
    assert failed(checked(nearest=[("other", 0.9)])) == ["unique"]


def test_a_pattern_may_be_near_what_it_supersedes_but_not_what_it_uses() -> None:
    assert failed(checked(nearest=[("other", 1.0)], related=(Relation("supersedes", "other"),))) == []
    assert failed(checked(nearest=[("other", 1.0)], related=(Relation("uses", "other"),))) == ["unique"]


@pytest.mark.parametrize(
    "solution",
    [
        "Use best practices",
        "Always follow best practices and proper coding standards to ensure high quality",
        "Be careful and consider the appropriate guidelines when necessary",
        "Try to avoid errors as possible",
        "Fix the problem",
        "Retry budget",
    ],
)
def test_a_solution_that_leaves_open_what_to_do_is_not_clear(solution: str) -> None:
    checks = checked(solution=solution)
    assert "clear" in failed(checks)
    assert "solution says too little" in message(checks, "clear")


def test_the_words_that_say_nothing_are_named() -> None:
    assert "without best, practices, use" in message(checked(solution="Use best practices"), "clear")


def test_a_solution_that_repeats_the_problem_is_not_clear() -> None:
    checks = checked(solution="One slow host must not use up every attempt of the caller")
    assert failed(checks) == ["clear"]
    assert "only repeats the title and the problem" in message(checks, "clear")


@pytest.mark.parametrize("title", ["Best practices", "Improve quality", "Host", "Always be careful"])
def test_a_title_that_would_fit_any_work_is_not_clear(title: str) -> None:
    checks = checked(title=title)
    assert failed(checks) == ["clear"]
    assert "title says too little" in message(checks, "clear")


@pytest.mark.parametrize(
    "solution",
    [
        "A token bucket for each host; no retries while it is empty",
        "Use `git stash create` before `git checkout`, and keep the id in the state",
        "Run the test alone, then with its neighbours, then bisect the order",
    ],
)
def test_a_short_specific_solution_is_clear(solution: str) -> None:
    assert failed(checked(solution=solution)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Fix the outage of 2026-03-04"},
        {"title": "Lessons from #412"},
        {"problem": "Commit 4fb0daf1 broke checkout on 2026-03-04, see #412 and #413"},
        {"problem": "0192f0c1-2345-7abc-8def-0123456789ab and https://tracker.example/412 failed on deploy"},
        {"context": "Host builds below /srv/builds/alpha and /srv/builds/beta"},
        {"solution": "Revert 4fb0daf1 and 9ac01be2, then close #412, #413 and #414 on 2026-03-05 again"},
        {"solution": r"Delete C:\builds\alpha and C:\builds\beta from disk by hand"},
    ],
)
def test_what_is_tied_to_one_case_warns(fields: dict[str, Any]) -> None:
    checks = checked(**fields)
    assert "generalizable" in failed(checks)
    assert next(iter(fields)) in message(checks, "generalizable")


@pytest.mark.parametrize(
    "fields",
    [
        {"problem": GOOD.problem + ", as in #412"},
        {"context": "Services behind HTTP/2 proxies on port 8080 with UTF-8 and RFC 9110 semantics"},
        {"solution": GOOD.solution + ", read from src/retry.py or and/or ~/.config/x"},
        {"solution": "Send the request to /api/v1/users with an idempotency key and let the server drop repeats"},
        {"problem": "The default deadline of 1234567 ms makes callers wait although the facade answered added work"},
    ],
)
def test_an_example_or_a_plain_number_does_not_tie_it_to_one_case(fields: dict[str, Any]) -> None:
    assert failed(checked(**fields)) == []


@pytest.mark.parametrize("text", ["a" * 8_000, "/a" * 4_000, "0" * 8_000, "/." * 4_000, "0a" * 4_000, "#1" * 4_000])
def test_hostile_text_is_checked_without_delay(text: str) -> None:
    """Each pattern looks ahead a bounded way; a quadratic one would make this test hang."""
    assert len(checked(problem=text, solution=text)) == 5
