"""Packs and people's files become one policy, or an error that names the key."""

from typing import Any

import pytest

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.factors.guardrails.rules.packs import Example, compiled, examples, policy_of
from agentops_mcp.factors.guardrails.rules.verdicts import Rule

RULE: dict[str, Any] = {
    "id": "wipe", "effects": ["delete"], "decision": "ask", "severity": "high", "reason": "Files are lost.",
    "hits": ["rm x"], "misses": ["ls"],
}  # fmt: skip
PACK: dict[str, Any] = {"name": "files", "about": "Files.", "rule": [RULE]}
ALLOW: dict[str, Any] = {"effects": ["delete"], "targets": ["*/x"], "reason": "it is made again", "until": "2027-01-01"}


def with_rule(**changes: Any) -> dict[str, Any]:
    return {**PACK, "rule": [{**RULE, **changes}]}


def only_rule(person: dict[str, Any] | None = None, project: dict[str, Any] | None = None) -> Rule | None:
    policy = policy_of(compiled([PACK], person, project))
    return next(iter(policy.rules.get("delete", ())), None)


def test_a_rule_is_known_by_its_pack_and_id() -> None:
    rule = only_rule()
    assert rule is not None
    assert (rule.id, rule.decision, rule.effects) == ("files.wipe", "ask", frozenset({"delete"}))


def test_examples_carry_the_full_id_of_their_rule() -> None:
    assert examples([PACK]) == [Example("files.wipe", "rm x", True), Example("files.wipe", "ls", False)]


@pytest.mark.parametrize(
    ("pack", "says"),
    [
        ({"about": "no name"}, "name"),
        ({"name": "person"}, "name"),
        ({**PACK, "rules": []}, "rules"),
        ({**PACK, "rule": [RULE, RULE]}, "twice"),
        ({**PACK, "rule": "x"}, "must be tables"),
        (with_rule(id=""), "rule.id"),
        (with_rule(id=7), "rule.id"),
        (with_rule(effects=["explode"]), "'explode'"),
        (with_rule(places=["moon"]), "'moon'"),
        (with_rule(effects="delete"), "list of texts"),
        (with_rule(effects=[]), "effects"),
        (with_rule(decision="allow"), "decision"),
        (with_rule(severity="huge"), "severity"),
        (with_rule(reason=""), "reason"),
        (with_rule(reason="x" * 2001), "at most 2000"),
        (with_rule(shadow="yes"), "true or false"),
        (with_rule(severty="high"), "severty"),
        (with_rule(pattern="(?=x)"), "RE2"),
        (with_rule(pattern="(" * 1000), "RE2"),
        (with_rule(hits="rm"), "hits"),
        ({**PACK, "command": [{"effect": "delete"}]}, "programs"),
        ({**PACK, "command": [{"programs": ["x"], "effect": "explode"}]}, "effect"),
    ],
)
def test_a_wrong_pack_is_refused_by_the_name_of_what_is_wrong(pack: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=r"must|not|missing|twice") as refused:
        compiled([pack])
    assert says in refused.value.problem


WRONG_FILES: list[tuple[dict[str, Any], str]] = [
    ({"switch": {"files.unknown": "ask"}}, "files.unknown"),
    ({"switch": {"files.wipe": "allow"}}, "one of off, shadow, ask, deny"),
    ({"switch": ["files.wipe"]}, "table"),
    ({"allow": [{**ALLOW, "reason": ""}]}, "reason"),
    ({"allow": [{**ALLOW, "until": ""}]}, "until"),
    ({"allow": [{**ALLOW, "until": "soon"}]}, "until"),
    ({"allow": [{**ALLOW, "targets": []}]}, "targets"),
    ({"allow": [{**ALLOW, "effects": ["explode"]}]}, "'explode'"),
    ({"headless": 1}, "true or false"),
    ({"swich": {}}, "swich"),
]


@pytest.mark.parametrize(("table", "says"), WRONG_FILES)
def test_a_wrong_file_of_a_person_is_refused(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compiled([PACK], table)
    assert says in refused.value.problem


@pytest.mark.parametrize(
    ("person", "project", "decision"),
    [
        ({}, {}, "ask"),
        ({}, {"switch": {"files.wipe": "deny"}}, "deny"),
        ({}, {"switch": {"files": "deny"}}, "deny"),
        ({}, {"switch": {"files.wipe": "off"}}, None),
        ({"switch": {"files.wipe": "off"}}, {}, None),
        ({"switch": {"files.wipe": "deny"}}, {"switch": {"files.wipe": "ask"}}, "deny"),
        ({"switch": {"files.wipe": "deny"}}, {"switch": {"files.wipe": "off"}}, "deny"),
        ({"switch": {"files.wipe": "deny"}}, {"switch": {"files": "shadow"}}, "deny"),
        ({"switch": {"files.wipe": "off"}}, {"switch": {"files.wipe": "ask"}}, "ask"),
        ({"switch": {"files.wipe": "ask"}}, {"switch": {"files.wipe": "deny"}}, "deny"),
    ],
)
def test_what_a_person_fixed_a_project_can_only_tighten(
    person: dict[str, Any], project: dict[str, Any], decision: str | None
) -> None:
    rule = only_rule(person, project)
    assert (rule.decision if rule else None) == decision


def test_the_gravest_rules_are_a_persons_to_loosen() -> None:
    grave = with_rule(severity="critical")
    off = {"switch": {"files.wipe": "off"}}
    assert "delete" in policy_of(compiled([grave], None, off)).rules
    assert "delete" not in policy_of(compiled([grave], off)).rules


def test_a_rule_in_the_shadow_is_kept_but_not_enforced() -> None:
    rule = only_rule(project={"switch": {"files.wipe": "shadow"}})
    assert rule is not None
    assert rule.shadow


def test_a_project_can_add_rules_and_programs() -> None:
    extra = {"rule": [{**RULE, "id": "own"}], "command": [{"programs": ["zap"], "effect": "delete"}]}
    policy = policy_of(compiled([PACK], None, extra))
    assert [rule.id for rule in policy.rules["delete"]] == ["files.wipe", "project.own"]
    assert policy.commands["zap"][0]["effect"] == "delete"


def test_either_file_can_say_that_nobody_is_there() -> None:
    assert policy_of(compiled([PACK], {}, {"headless": True})).headless
    assert not policy_of(compiled([PACK])).headless
