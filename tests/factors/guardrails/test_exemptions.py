"""A person can exempt a target from a rule for a while; it ends by itself, and nobody else can grant it."""

from datetime import timedelta

import pytest

from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.records import Draft
from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.exemptions import Exemption, exempt
from agentops_mcp.factors.guardrails.rules.notices import Notice
from agentops_mcp.factors.guardrails.rules.verdicts import DECISIONS, Decision, Finding, Rule, Verdict
from agentops_mcp.factors.guardrails.store import exemptions as store
from conftest import AGENT, NOON, FakeClock, LedgerFactory
from guarded import PERSON, VIEWS, Guarded

HOUR = timedelta(hours=1)
WHY = "the cache is rebuilt from the registry"


@pytest.fixture
def guarded(open_ledger: LedgerFactory, clock: FakeClock) -> Guarded:
    return Guarded(open_ledger(*VIEWS), clock)


def found(rule: str, target: str, decision: Decision = "ask", kind: str = "delete") -> Finding:
    return Finding(Effect(kind, target), Rule(rule, frozenset({kind}), decision, "medium", "Lost."), decision)


def verdict(*findings: Finding) -> Verdict:
    decisions: list[Decision] = [each.decision for each in findings]
    decision = max(decisions, key=DECISIONS.index)
    return Verdict(decision, findings, tuple(each.effect for each in findings))


def exemption(rule: str = "", effect: str = "", target: str = "*") -> Exemption:
    return Exemption("x", rule, effect, target, WHY, "anna", "anna", NOON, NOON + HOUR)


@pytest.mark.parametrize(
    ("given", "decision"),
    [
        (exemption("files.delete"), "allow"),
        (exemption(effect="delete", target="/p/cache/*"), "allow"),
        (exemption("files.delete", target="/p/src/*"), "ask"),
        (exemption("files.other"), "ask"),
        (exemption(effect="overwrite"), "ask"),
    ],
)
def test_an_exemption_holds_for_its_rule_or_effect_and_its_targets(given: Exemption, decision: Decision) -> None:
    after = exempt(verdict(found("files.delete", "/p/cache/a")), (), [given], now=NOON)
    assert after.verdict.decision == decision
    assert bool(after.used) == (decision == "allow")


def test_what_is_not_exempted_still_decides() -> None:
    both = verdict(found("files.delete", "/p/cache/a", "deny"), found("git.force", "main", "ask", "rewrite_history"))
    after = exempt(both, (), [exemption("files.delete")], now=NOON)
    assert (after.verdict.decision, [each.decision for each in after.verdict.findings]) == ("ask", ["ask", "allow"])
    assert after.used == (("files.delete", "x"),)


def test_with_nobody_there_what_is_left_to_ask_is_denied() -> None:
    both = verdict(found("files.delete", "/p/a"), found("git.force", "main", "ask", "rewrite_history"))
    assert exempt(both, (), [exemption("files.delete")], now=NOON, headless=True).verdict.decision == "deny"


@pytest.mark.parametrize(("target", "decision"), [("*", "allow"), ("/p/*", "ask")])
def test_a_target_that_is_not_known_is_only_exempted_by_a_word_for_all(target: str, decision: Decision) -> None:
    given = exemption("files.delete", target=target)
    assert exempt(verdict(found("files.delete", f"/p/{HOLE}")), (), [given], now=NOON).verdict.decision == decision


def test_a_check_of_the_run_can_be_exempted() -> None:
    spiral = Notice("runtime.spiral-identical", "ask", "medium", "Again.")
    after = exempt(verdict(found("a.b", "x", "allow")), (spiral,), [exemption("runtime.spiral-identical")], now=NOON)
    assert [each.decision for each in after.notices] == ["allow"]


@pytest.mark.parametrize(("minutes", "decision"), [(-1, "ask"), (0, "allow"), (59, "allow"), (60, "ask")])
def test_it_holds_until_it_ends_and_no_longer(minutes: int, decision: Decision) -> None:
    now = NOON + timedelta(minutes=minutes)
    assert (
        exempt(verdict(found("files.delete", "/p/a")), (), [exemption("files.delete")], now=now).verdict.decision
        == decision
    )


def test_by_default_it_lasts_an_hour(guarded: Guarded, clock: FakeClock) -> None:
    granted = guarded.exemptions.grant("files.delete", "*/cache/*", WHY, actor=PERSON)
    assert granted.until - granted.at == HOUR
    assert guarded.exemptions.apply(verdict(found("files.delete", "/p/cache/a"))).verdict.decision == "allow"
    clock.advance(HOUR)
    assert guarded.exemptions.apply(verdict(found("files.delete", "/p/cache/a"))).verdict.decision == "ask"
    assert [each.live for each in guarded.exemptions.listed()] == [False]


def test_it_is_logged_with_who_asked_and_who_granted(guarded: Guarded) -> None:
    granted = guarded.exemptions.grant("delete", "*", WHY, requester="builder", actor=PERSON)
    event = guarded.ledger.event(granted.id)
    assert (event.tracked, event.body["requester"], event.actor["user"]) == (True, "builder", "anna")
    assert (granted.effect, granted.rule) == ("delete", "")


def test_it_can_be_taken_back(guarded: Guarded) -> None:
    granted = guarded.exemptions.grant("files.delete", "*", WHY, actor=PERSON)
    assert guarded.exemptions.revoke(f"exemption/{granted.id}", actor=PERSON).revoked
    assert guarded.exemptions.live() == []


def test_no_agent_can_grant_or_take_back(guarded: Guarded) -> None:
    granted = guarded.exemptions.grant("files.delete", "*", WHY, actor=PERSON)
    with pytest.raises(InvalidInputError, match="Only a person"):
        guarded.exemptions.grant("files.delete", "*", WHY, actor=AGENT)
    with pytest.raises(InvalidInputError, match="Only a person"):
        guarded.exemptions.revoke(granted.id, actor=AGENT)


@pytest.mark.parametrize(
    ("of", "target", "why", "lasts"),
    [
        ("no such thing", "*", WHY, HOUR),
        ("files.delete", " ", WHY, HOUR),
        ("files.delete", "*", "ok", HOUR),
        ("files.delete", "*", WHY, timedelta(days=8)),
        ("files.delete", "*", WHY, timedelta(0)),
    ],
)
def test_what_is_no_exemption_is_refused(guarded: Guarded, of: str, target: str, why: str, lasts: timedelta) -> None:
    with pytest.raises(InvalidInputError):
        guarded.exemptions.grant(of, target, why, lasts=lasts, actor=PERSON)
    assert guarded.exemptions.listed() == []


@pytest.mark.parametrize("days", [1, 400])
def test_an_event_that_nobody_could_have_granted_exempts_nothing(guarded: Guarded, days: int) -> None:
    until = (NOON + timedelta(days=days)).isoformat()
    body = {"of": "files.delete", "target": "*", "justification": WHY, "requester": "x", "until": until}
    guarded.ledger.append([Draft("exemption/x", store.GRANTED, body)], actor=AGENT if days == 1 else PERSON)
    assert guarded.exemptions.live() == []


def test_an_unknown_one_can_not_be_taken_back(guarded: Guarded) -> None:
    with pytest.raises(NotFoundError, match="No exemption"):
        guarded.exemptions.revoke("nothing", actor=PERSON)


def test_how_often_a_rule_is_exempted_is_seen_with_how_often_it_was_met(guarded: Guarded) -> None:
    guarded.check("rm a", decision="ask", fired=("files.delete",))
    guarded.check("rm b", fired=("files.delete",), exempted=(("files.delete", "x"),))
    (use,) = guarded.exemptions.used()
    assert (use.rule, use.exempted, use.fired) == ("files.delete", 1, 1)
