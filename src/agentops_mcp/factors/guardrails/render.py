"""Verdicts in words: few, the decision first, and what to do instead."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from agentops_mcp.core.display import gist, listed, visible
from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS, PLACES, Effect
from agentops_mcp.factors.guardrails.rules.notices import Notice
from agentops_mcp.factors.guardrails.rules.remedies import safer
from agentops_mcp.factors.guardrails.rules.verdicts import Decision, Finding, Verdict

_MOST = 6
_TARGET_CHARS = 120


def reason(verdict: Verdict) -> str:
    """Why, in one sentence for a model, with the rule and how bad it is; empty when nothing stands in the way."""
    first = next(_standing(verdict), None)
    if first is None:
        return ""
    return f"{first.rule.reason} [{first.rule.id}, {first.rule.severity}]"


def effect_line(effect: Effect, *, limit: int = _TARGET_CHARS) -> str:
    """One effect: what, to what (in at most so many characters), where, and whether it can be undone."""
    what = EFFECTS[effect.kind]
    target = gist(effect.target.replace(HOLE, "…"), limit=limit)
    where = f" ({PLACES[effect.place]})" if effect.place else ""
    undone = "; can be undone" if effect.reversible else ""
    return f"{effect.kind}: {what}: {target}{where}{undone}" if target else f"{effect.kind}: {what}{where}{undone}"


def finding_line(finding: Finding) -> str:
    """One rule that fired, and on what."""
    return f"{finding.decision} {finding.rule.id} ({finding.rule.severity}): {finding.rule.reason}"


class Told(Protocol):
    """What is rendered of a judged action."""

    @property
    def decision(self) -> Decision:
        """The strictest of the rules', the run's and the past's."""
        ...

    @property
    def digest(self) -> str:
        """What names the action."""
        ...

    @property
    def verdict(self) -> Verdict:
        """What the rules say."""
        ...

    @property
    def notices(self) -> Sequence[Notice]:
        """What the run and the past say."""
        ...

    @property
    def exempted(self) -> Sequence[tuple[str, str]]:
        """Rules that a person exempted, and by which exemption."""
        ...

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong with the policy's files."""
        ...

    @property
    def passed(self) -> Sequence[tuple[str, str]]:
        """Rules that stood in the way until a person's approval or grant let the action pass, and which."""
        ...

    @property
    def word(self) -> str:
        """By whom that was given, or why an approval does not fit."""
        ...


NEXT = {
    "allow": "Nothing forbids it.",
    "ask": "Ask a person with request_approval; silence is no yes.",
    "deny": "Do not do it, and do not reach the same end another way; a person can still approve it: request_approval.",
}
"""What to do after each decision."""


PASSED = "Do exactly this, and now: it is allowed once."
"""What to do with what a person let pass."""


def render_judged(told: Told) -> str:
    """The reply to a model: the decision, why, a safer way, what stands in the way, and what to do next."""
    lines = _passed_lines(told) or render_verdict(told.verdict._replace(decision=told.decision))
    for notice in told.notices:
        remedy = f" {notice.remedy}" if notice.remedy else ""
        retry = f" Try again in {notice.retry_after_s} s." if notice.retry_after_s else ""
        said = "note" if told.passed or notice.decision == "allow" else notice.decision
        lines.append(f"{said}: {notice.reason}{remedy}{retry}")
    lines += [f"exempted by a person: {rule}" for rule, _ in told.exempted]
    lines += [f"policy: {problem}" for problem in told.problems]
    lines += [told.word] if told.word and not told.passed else []
    then = PASSED if told.passed else NEXT[told.decision]
    lines.append(f"{then} Report with report_outcome(of='action/{told.digest}').")
    return visible("\n".join(lines))


def _passed_lines(told: Told) -> list[str]:
    """The first lines on an action that a person let pass; none for any other."""
    if not told.passed:
        return []
    standing = {each.effect for each in _standing(told.verdict)}
    effects = [f"- {effect_line(each)}" for each in dict.fromkeys(told.verdict.effects) if each in standing]
    rules = list(dict.fromkeys(rule for rule, _ in told.passed))
    return [f"ALLOW: {told.word}", *effects[:_MOST], f"stood in the way: {listed(rules, limit=_MOST)}"]


def render_verdict(verdict: Verdict) -> list[str]:
    """The lines of a verdict that a model reads."""
    why = reason(verdict)
    lines = [verdict.decision.upper() + (f": {why}" if why else "")]
    fired = {each.effect for each in _standing(verdict)}
    told = [each for each in dict.fromkeys(verdict.effects) if each in fired]
    lines += [f"- {effect_line(each)}" for each in told[:_MOST]]
    if len(told) > _MOST:
        lines.append(f"- and {len(told) - _MOST} more effects")
    rules = list(dict.fromkeys(each.rule.id for each in _standing(verdict)))
    if rules[1:]:
        lines.append(f"also: {listed(rules[1:], limit=_MOST)}")
    if better := safer(verdict):
        lines.append(f"safer: {better}")
    return lines


def _standing(verdict: Verdict) -> Iterator[Finding]:
    """What fired and was neither released nor exempted."""
    return (each for each in verdict.findings if each.decision != "allow")


def render_shadowed(findings: Sequence[Finding]) -> list[str]:
    """Rules that are only watched, for people."""
    return [f"in the shadow, not enforced: {finding_line(each)}" for each in findings]
