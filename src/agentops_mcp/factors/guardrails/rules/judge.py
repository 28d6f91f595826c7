"""From effects to a verdict: the strictest rule that holds decides."""

from collections.abc import Iterable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.globs import fits_any
from agentops_mcp.factors.guardrails.rules.verdicts import DECISIONS, Decision, Finding, Policy, Release, Rule, Verdict

_SEVERITIES = ("low", "medium", "high", "critical")
_LONGEST_MATCHED = 100_000


def judge(effects: Sequence[Effect], policy: Policy, *, now: str, text: str = "") -> Verdict:
    """What is decided about an action with these effects.

    `now` is the time (UTC, ISO 8601) until which releases hold; `text` the action as written, for rules of people
    that are patterns.
    """
    released = [each for each in policy.released if each.until > now]
    found = [
        Finding(effect, rule, _after_release(rule, effect, released, policy))
        for effect in dict.fromkeys(effects)
        for rule in policy.rules.get(effect.kind, ())
        if _holds(rule, effect)
    ]
    found += _by_text(text, policy)
    fired = _strictest_first(each for each in found if not each.rule.shadow)
    decision = fired[0].decision if fired else DECISIONS[0]
    if decision == "ask" and policy.headless:
        decision = DECISIONS[-1]
    return Verdict(decision, fired, tuple(effects), _strictest_first(each for each in found if each.rule.shadow))


def _holds(rule: Rule, effect: Effect) -> bool:
    return (
        (not rule.places or effect.place in rule.places)
        and rule.traits <= effect.traits
        and not rule.without & effect.traits
        and (not rule.programs or _program(effect.by) in rule.programs)
        and (not rule.targets or fits_any(rule.targets, effect.target))
        and (not rule.pattern or _matches(rule.pattern, effect.by))
    )


def _program(command: str) -> str:
    return command.split(" ", 1)[0].rpartition("/")[2].lower().removesuffix(".exe")


def _after_release(rule: Rule, effect: Effect, released: Iterable[Release], policy: Policy) -> Decision:
    for each in released:
        heard = each.owner == "person" or rule.id not in policy.fixed
        # A target that is not known can not be among those that somebody vouched for.
        known = HOLE not in effect.target
        if heard and known and effect.kind in each.effects and fits_any(each.targets, effect.target):
            return "allow"
    return rule.decision


def _by_text(text: str, policy: Policy) -> list[Finding]:
    rules = policy.rules.get("", ()) if text else ()
    effect = Effect("unresolved", text[:200], by=text[:200])
    return [Finding(effect, rule, rule.decision) for rule in rules if _matches(rule.pattern, text)]


def _matches(pattern: str, text: str) -> bool:
    from agentops_mcp.factors.guardrails.rules.packs import regex_engine, regex_options  # only for patterns of people

    return regex_engine().search(pattern, text[:_LONGEST_MATCHED], regex_options()) is not None


def _strictest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    def strictness(each: Finding) -> tuple[int, int]:
        return DECISIONS.index(each.decision), _SEVERITIES.index(each.rule.severity)

    return tuple(sorted(findings, key=strictness, reverse=True))
