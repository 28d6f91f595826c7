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


def effect_line(effect: Effect) -> str:
    """One effect: what, to what, where, and whether it can be undone."""
    what = EFFECTS[effect.kind]
    target = gist(effect.target.replace(HOLE, "…"), limit=_TARGET_CHARS)
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


NEXT = {
    "allow": "Nothing forbids it.",
    "ask": "Ask the person before you do it; silence is no yes.",
    "deny": "Do not do it, and do not reach the same end another way; a person can exempt it.",
}
"""What to do after each decision."""


def render_judged(told: Told) -> str:
    """The reply to a model: the decision, why, a safer way, what stands in the way, and what to do next."""
    lines = render_verdict(told.verdict._replace(decision=told.decision))
    for notice in told.notices:
        remedy = f" {notice.remedy}" if notice.remedy else ""
        retry = f" Try again in {notice.retry_after_s} s." if notice.retry_after_s else ""
        lines.append(f"{notice.decision if notice.decision != 'allow' else 'note'}: {notice.reason}{remedy}{retry}")
    lines += [f"exempted by a person: {rule}" for rule, _ in told.exempted]
    lines += [f"policy: {problem}" for problem in told.problems]
    lines.append(f"{NEXT[told.decision]} Report with report_outcome(of='action/{told.digest}').")
    return visible("\n".join(lines))


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
