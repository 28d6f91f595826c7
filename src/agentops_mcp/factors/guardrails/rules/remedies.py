"""The safer way that a rule names, as a command that can be pasted."""

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.verdicts import Finding, Verdict

_MARK = "{target}"
_LONGEST = 300


def safer(verdict: Verdict) -> str:
    """The safer way of the strictest rule that has one for its target; empty when none has."""
    ways = (safer_than(each) for each in verdict.findings if each.decision != "allow")
    return next((way for way in ways if way), "")


def safer_than(finding: Finding) -> str:
    """The safer way that a rule names; empty when it has none, or none for a target that is not known."""
    target = finding.effect.target
    if _MARK in finding.rule.safer and (HOLE in target or not target.isprintable() or len(target) > _LONGEST):
        return ""
    return finding.rule.safer.replace(_MARK, _quoted(target))


def _quoted(target: str) -> str:
    """A target as one word of a shell."""
    if target and all(character.isalnum() or character in "-_./:@=+,%~" for character in target):
        return target
    return "'" + target.replace("'", "'\\''") + "'"
