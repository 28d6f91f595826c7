"""Steps of check_action: understand the action, judge it, hear the run and the past, keep what was said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.guardrails.rules import actions
from agentops_mcp.factors.guardrails.rules.actions import Action
from agentops_mcp.factors.guardrails.rules.calls import World
from agentops_mcp.factors.guardrails.rules.notices import Notice, strictest
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.verdicts import Decision, Policy, Verdict
from agentops_mcp.factors.guardrails.service.exemptions import Exemptions
from agentops_mcp.factors.guardrails.service.incidents import Incidents
from agentops_mcp.factors.guardrails.service.runtime import Runtime
from agentops_mcp.factors.guardrails.store import checks
from agentops_mcp.storage.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Ground:
    """What a judgement stands on: the policy now, what is wrong with its files, and the machine."""

    policy: Policy
    problems: tuple[str, ...]
    world: World


class KnownSessions(Protocol):
    """What a check asks of sessions."""

    def require(self, handle: str) -> object:
        """Refuse a handle that is not usable."""
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged action."""

    action: Action
    digest: str
    """By which an approval and an outcome name this very action."""

    decision: Decision
    """The strictest of the rules', the run's and the past's."""

    verdict: Verdict
    notices: tuple[Notice, ...]
    exempted: tuple[tuple[str, str], ...]
    problems: tuple[str, ...]


class Checks:
    """Judges actions of one project."""

    def __init__(
        self,
        ledger: Ledger,
        ground: Callable[[], Ground],
        runtime: Runtime,
        incidents: Incidents,
        exemptions: Exemptions,
        sessions: KnownSessions,
        *,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._ground = ground
        self._runtime = runtime
        self._incidents = incidents
        self._exemptions = exemptions
        self._sessions = sessions
        self._clock = clock

    def check(
        self, kind: str, fields: Mapping[str, Any], *, cwd: str = "", session: str | None, actor: Actor
    ) -> Judged:
        """Judge an action and keep the verdict; it is on disk when this returns. `cwd` counts from the project's root.

        Raises:
            InvalidInputError: it is no action.
            NotFoundError, ExpiredError: the session's handle is not usable.
            ConfigError: the packs of the package can not be read.
        """
        if session is not None:
            self._sessions.require(session)
        judged = self._judge(actions.checked(kind, fields), cwd, session, actor)
        tool, arguments = actions.named(judged.action)
        kept = self._incidents.checked(
            judged.digest, tool, arguments, command=actions.shell_text(judged.action),
            decision=judged.decision, effects=judged.verdict.effects,
        )  # fmt: skip
        fired = [each.rule.id for each in judged.verdict.findings if each.decision != "allow"]
        fired += [each.rule for each in judged.notices if each.decision != "allow"]
        kept = replace(
            kept,
            fired=tuple(dict.fromkeys(fired)),
            shadowed=tuple(dict.fromkeys(each.rule.id for each in judged.verdict.shadowed)),
            exempted=judged.exempted,
        )
        self._ledger.append([checks.checked(kept, session=session)], actor=actor)
        return judged

    def _judge(self, action: Action, cwd: str, session: str | None, actor: Actor) -> Judged:
        ground = self._ground()
        world, policy = ground.world, ground.policy
        cwd = locate(cwd, world.project, world).path if cwd else world.project
        verdict = actions.check(action, policy, world, cwd, self._clock().isoformat())
        tool, arguments = actions.named(action)
        probing = verdict.decision != "deny"  # the probe of an action that is denied would never report
        run = self._runtime.before(tool, arguments, session=session, actor=actor, probing=probing)
        past = self._incidents.notices(self._incidents.similar(tool, arguments, verdict.effects))
        told = (*run, *past)
        after = self._exemptions.apply(verdict, told, headless=policy.headless)
        return Judged(
            action,
            actions.digest(action, cwd=cwd, project=world.project, version=policy.version),
            strictest(after.verdict.decision, after.notices, headless=policy.headless),
            after.verdict, after.notices, after.used, ground.problems,
        )  # fmt: skip
