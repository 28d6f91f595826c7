"""The strictest rule that holds decides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.globs import fits
from agentops_mcp.factors.guardrails.rules.judge import judge
from agentops_mcp.factors.guardrails.rules.packs import compiled, policy_of
from agentops_mcp.factors.guardrails.rules.verdicts import Verdict

NOW = "2026-11-22T12:00:00+00:00"
ASK: dict[str, Any] = {
    "id": "some", "effects": ["delete"], "decision": "ask", "severity": "low", "reason": "Files are lost."
}  # fmt: skip
DENY = {**ASK, "id": "all", "traits": ["everything"], "decision": "deny", "severity": "critical"}
GONE = Effect("delete", "/p/a", "in_project", by="rm -r /p/a")
ALL = Effect("delete", "/", "root", frozenset({"everything"}), by="/bin/rm -rf /")


def verdict(*effects: Effect, rules: list[dict[str, Any]], text: str = "", **files: Any) -> Verdict:
    pack = {"name": "files", "rule": rules}
    return judge(effects, policy_of(compiled([pack], **files)), now=NOW, text=text)


def test_what_no_rule_names_is_allowed() -> None:
    assert verdict(Effect("write", "/p/a"), rules=[ASK]).decision == "allow"


def test_the_strictest_rule_comes_first() -> None:
    found = verdict(GONE, ALL, rules=[ASK, DENY])
    assert found.decision == "deny"
    assert [each.rule.id for each in found.findings] == ["files.all", "files.some", "files.some"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"places": ["root"]}, True),
        ({"places": ["home"]}, False),
        ({"traits": ["everything"]}, True),
        ({"traits": ["everything", "force"]}, False),
        ({"without": ["everything"]}, False),
        ({"without": ["force"]}, True),
        ({"programs": ["rm"]}, True),
        ({"programs": ["mv"]}, False),
        ({"targets": ["/*"]}, True),
        ({"targets": ["/home/*", "/srv"]}, False),
        ({"pattern": r"-rf\b"}, True),
        ({"pattern": "-rx"}, False),
    ],
)
def test_every_condition_must_hold(condition: dict[str, Any], holds: bool) -> None:
    assert (verdict(ALL, rules=[{**ASK, **condition}]).decision == "ask") is holds


def test_a_rule_in_the_shadow_decides_nothing_and_is_told() -> None:
    found = verdict(GONE, rules=[{**ASK, "shadow": True}])
    assert (found.decision, found.findings) == ("allow", ())
    assert [each.rule.id for each in found.shadowed] == ["files.some"]


def test_a_pattern_without_effects_looks_at_the_text() -> None:
    rule: dict[str, Any] = {**ASK, "effects": [], "pattern": "frobnicate --now"}
    assert verdict(rules=[rule], text="frobnicate --now prod").decision == "ask"
    assert verdict(rules=[rule], text="frobnicate --later").decision == "allow"


def test_what_would_be_asked_is_denied_when_nobody_is_there() -> None:
    assert verdict(GONE, rules=[ASK], project={"headless": True}).decision == "deny"


RELEASE = {"effects": ["delete"], "targets": ["/p/*"], "reason": "made again", "until": "2026-12-01"}


@pytest.mark.parametrize(
    ("effect", "release", "decision"),
    [
        (GONE, RELEASE, "allow"),
        (GONE, {**RELEASE, "until": "2026-11-22"}, "ask"),
        (GONE, {**RELEASE, "effects": ["overwrite"]}, "ask"),
        (GONE, {**RELEASE, "targets": ["/q/*"]}, "ask"),
        (GONE._replace(target=f"/p/{HOLE}"), RELEASE, "ask"),
        (ALL, {**RELEASE, "targets": ["/"]}, "allow"),
    ],
)
def test_a_release_holds_for_its_effects_and_targets_until_it_ends(
    effect: Effect, release: dict[str, Any], decision: str
) -> None:
    assert verdict(effect, rules=[ASK], person={"allow": [release]}).decision == decision


def test_a_project_cannot_release_what_a_person_fixed() -> None:
    fixed = {"switch": {"files.some": "deny"}}
    assert verdict(GONE, rules=[ASK], person=fixed, project={"allow": [RELEASE]}).decision == "deny"
    assert verdict(GONE, rules=[ASK], person={**fixed, "allow": [RELEASE]}).decision == "allow"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "", True), ("", "", True), ("", "a", False), ("a*c", "a/b/c", True), ("a?c", "abc", True),
        ("a?c", "ac", False), ("*a*b", "xaxxb", True), ("*a*b", "xaxx", False), ("**", "x", True), ("a", "ab", False),
    ],
)  # fmt: skip
def test_globs_fit_the_whole_text(pattern: str, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


@given(st.lists(st.text("ab*?", max_size=6), max_size=3), st.text("ab", max_size=12))
def test_a_glob_fits_what_a_slow_definition_says(parts: list[str], text: str) -> None:
    pattern = "*".join(parts)

    def slow(at: int, place: int) -> bool:
        if at == len(pattern):
            return place == len(text)
        if pattern[at] == "*":
            return any(slow(at + 1, each) for each in range(place, len(text) + 1))
        return place < len(text) and pattern[at] in (text[place], "?") and slow(at + 1, place + 1)

    assert fits(pattern, text) == slow(0, 0)
