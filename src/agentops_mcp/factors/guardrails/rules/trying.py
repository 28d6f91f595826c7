"""Rules tried on the commands beside them: those that must fire them, and those that must not. Nothing is run."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.factors.guardrails.rules import actions, judge, packs
from agentops_mcp.factors.guardrails.rules.learned import PACK
from agentops_mcp.factors.guardrails.rules.packs import Example, Table
from agentops_mcp.factors.guardrails.rules.verdicts import Policy
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere

_NEVER = "0000"


def compiled(
    tables: Sequence[Table], person: Table | None = None, project: Table | None = None, *,
    builtin: Callable[[], Collection[str]],
) -> dict[str, Any]:  # fmt: skip
    """What `packs.compiled` gives, once the rules of people do what their examples say.

    The packs of the package are tried by its tests, and learned rules when they are drafted and enabled.

    Raises:
        ConfigError: something is wrong, or a rule does not do what its examples say.
    """
    data = packs.compiled(tables, person, project)
    policy = packs.policy_of(data)
    known = {*builtin(), PACK}
    named = [(str(table["name"]), table) for table in tables if table["name"] not in known]
    for name, table in (*named, ("person", person or {}), ("project", project or {})):
        for example in packs.examples_of(name, table):
            if is_there(example, policy) and fires(example, policy) != example.fires:
                how = "does not fire" if example.fires else "fires"
                raise ConfigError(
                    f"{example.rule} {how} for {example.command[:200]!r}.",
                    remedy="Correct the rule or its examples; `agentops-mcp check --explain` shows what is found.",
                )
    return data


def is_there(example: Example, policy: Policy) -> bool:
    """Whether an example's rule holds; one that was switched off does not."""
    return any(rule.id == example.rule for rules in policy.rules.values() for rule in rules)


def fires(example: Example, policy: Policy) -> bool:
    """Whether an example's rule fires for its command, in a project of which nothing is known."""
    world = Anywhere()
    action = actions.checked("shell", {"command": example.command})
    effects = actions.understand(action, policy, world, world.project).effects
    verdict = judge.judge(effects, policy, now=_NEVER, text=example.command)
    return any(each.rule.id == example.rule for each in (*verdict.findings, *verdict.shadowed))
