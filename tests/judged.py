"""Shell text judged by the real packs, on a machine of which nothing is known."""

from functools import cache

from agentops_mcp.factors.guardrails.rules.actions import Action, check, understand
from agentops_mcp.factors.guardrails.rules.calls import Analysis
from agentops_mcp.factors.guardrails.rules.packs import compiled, policy_of
from agentops_mcp.factors.guardrails.rules.verdicts import Policy
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere
from agentops_mcp.storage.policy_files import builtin_tables

WORLD = Anywhere()
NOW = "2026-01-01T00:00:00+00:00"
STRICTNESS = ("allow", "ask", "deny")


@cache
def policy() -> Policy:
    """What the packs of the package come to."""
    return policy_of(compiled(builtin_tables()))


def decision(text: str) -> str:
    """`allow`, `ask` or `deny`."""
    return check(Action("shell", {"command": text}), policy(), WORLD, WORLD.project, NOW).decision


def rules(text: str) -> set[str]:
    """The ids of the rules that fire."""
    verdict = check(Action("shell", {"command": text}), policy(), WORLD, WORLD.project, NOW)
    return {each.rule.id for each in verdict.findings}


def analysis(text: str) -> Analysis:
    """What was found in it."""
    found = understand(Action("shell", {"command": text}), policy(), WORLD, WORLD.project).analysis
    assert found is not None
    return found


def effects(text: str) -> set[str]:
    """Its effects as `kind target`."""
    return {f"{each.kind} {each.target}" for each in analysis(text).effects}


def traits(text: str) -> set[str]:
    """All traits of its effects; `error` among them when the guard itself failed."""
    found = understand(Action("shell", {"command": text}), policy(), WORLD, WORLD.project)
    return {trait for each in found.effects for trait in each.traits}


def words(text: str) -> tuple[str, ...]:
    """The words of the last program that it calls."""
    return analysis(text).calls[-1].argv
