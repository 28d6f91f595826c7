"""Exemptions: a person's word that one rule, or one effect, does not hold for some targets, for a while."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.wording import count_informative_words
from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS
from agentops_mcp.factors.guardrails.rules.globs import fits
from agentops_mcp.factors.guardrails.rules.notices import Notice
from agentops_mcp.factors.guardrails.rules.verdicts import DECISIONS, Finding, Verdict

LASTS = timedelta(hours=1)
"""How long an exemption holds unless said otherwise: the twelve-factor text's hour."""

LONGEST = timedelta(days=7)
"""What holds longer is no exemption: `allow` in guardrails.toml is reviewed with the code."""

_Decided = TypeVar("_Decided", Finding, Notice)

_LONGEST_TEXT = 500
_FEWEST_WORDS = 2


class Exemption(NamedTuple):
    """One exemption: of a rule (its id) or of an effect (its kind), for targets that fit a glob."""

    id: str
    rule: str
    effect: str
    target: str
    justification: str
    requester: str
    granted_by: str
    at: datetime
    until: datetime
    revoked: bool = False

    def holds(self, now: datetime) -> bool:
        """Whether it has an effect at this moment."""
        return not self.revoked and self.at <= now < self.until


def to_kept(exemption: Exemption) -> dict[str, str]:
    """An exemption as it is kept for hooks, which have no time to open the database."""
    texts = {key: getattr(exemption, key) for key in ("id", "rule", "effect", "target")}
    return {**texts, "at": exemption.at.isoformat(), "until": exemption.until.isoformat()}


def from_kept(kept: Mapping[str, Any]) -> Exemption | None:
    """The exemption that was kept; None when it is none."""
    try:
        identifier, rule, effect, target = (str(kept[key]) for key in ("id", "rule", "effect", "target"))
        at, until = (datetime.fromisoformat(kept[key]) for key in ("at", "until"))
    except (LookupError, TypeError, ValueError):
        return None
    if not (rule or effect) or at.tzinfo is None or until.tzinfo is None or until - at > LONGEST:
        return None
    return Exemption(identifier, rule, effect, target, "", "", "", at, until)


class Exempted(NamedTuple):
    """A verdict after exemptions, the notices that are left, and which exemption each rule was exempted by."""

    verdict: Verdict
    notices: tuple[Notice, ...]
    used: tuple[tuple[str, str], ...]


def check_request(of: str, target: str, justification: str, lasts: timedelta) -> tuple[str, str]:
    """The rule and the effect that `of` names, one of them empty.

    Raises:
        InvalidInputError: it names neither, the target is empty, nothing justifies it, or it would last too long.
    """
    of = of.strip()
    if of not in EFFECTS and not _is_rule(of):
        raise InvalidInputError(
            f"{of[:60]!r} is neither a rule's id nor an effect.",
            remedy="Give the id that check_action names, as git.discard-work, or one of " + ", ".join(EFFECTS) + ".",
        )
    if not target.strip() or len(target) > _LONGEST_TEXT:
        raise InvalidInputError("The target is empty or too long.", remedy="Give a glob, as '*/build/*', or '*'.")
    if count_informative_words(justification) < _FEWEST_WORDS or len(justification) > _LONGEST_TEXT:
        raise InvalidInputError(
            "The justification says too little, or too much.", remedy="Say in one sentence why this is fine now."
        )
    if not timedelta(0) < lasts <= LONGEST:
        raise InvalidInputError(
            f"An exemption lasts at most {LONGEST.days} days.", remedy="Use `allow` in guardrails.toml for longer."
        )
    return ("", of) if of in EFFECTS else (of, "")


def exempt(
    verdict: Verdict,
    notices: Sequence[Notice],
    exemptions: Sequence[Exemption],
    *,
    now: datetime,
    headless: bool = False,
) -> Exempted:
    """A verdict with what a person exempted decided as `allow`; what an exemption does not name stays as it was."""
    live = [each for each in exemptions if each.holds(now)]
    findings: list[Finding] = []
    left: list[Notice] = []
    used: dict[tuple[str, str], None] = {}
    for finding in verdict.findings:
        by = next((each for each in live if _covers(each, finding)), None)
        findings.append(_allowed(finding, finding.rule.id, by, used))
    for notice in notices:
        by = next((each for each in live if each.rule == notice.rule), None)
        left.append(_allowed(notice, notice.rule, by, used))
    if not used:
        return Exempted(verdict, tuple(notices), ())
    findings.sort(key=lambda each: DECISIONS.index(each.decision), reverse=True)
    decision = findings[0].decision if findings else DECISIONS[0]
    if headless and decision == "ask":
        decision = "deny"
    return Exempted(verdict._replace(decision=decision, findings=tuple(findings)), tuple(left), tuple(used))


def _allowed(each: _Decided, rule: str, by: Exemption | None, used: dict[tuple[str, str], None]) -> _Decided:
    if by is None or each.decision == "allow":
        return each
    used[rule, by.id] = None
    return each._replace(decision="allow")


def _covers(exemption: Exemption, finding: Finding) -> bool:
    if exemption.rule != finding.rule.id if exemption.rule else exemption.effect != finding.effect.kind:
        return False
    # Only `*` speaks of a target that nobody knows.
    return exemption.target == "*" or (
        HOLE not in finding.effect.target and fits(exemption.target, finding.effect.target)
    )


def _is_rule(of: str) -> bool:
    pack, dot, name = of.partition(".")
    return bool(dot) and all(part.replace("-", "").isalnum() for part in (pack, name))
