"""Steps of check_action: understand the action, judge it, hear the run and the past, keep what was said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.guardrails.rules import actions, judge
from agentops_mcp.factors.guardrails.rules.actions import Action
from agentops_mcp.factors.guardrails.rules.calls import Call, World
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
    cwd: str
    """The working directory, absolute."""

    world: World
    """The machine and the project that it was judged for."""

    policy: str
    """The version of the policy that judged it."""

    calls: tuple[Call, ...] = ()
    """The programs that its shell text calls."""

    passed: tuple[tuple[str, str], ...] = ()
    """Rules that stood in the way, and what a person said that let it pass: `approval/ID` or `grant/ID`."""

    word: str = ""
    """What is to be said of that, or of why an approval does not fit."""

    @property
    def in_the_way(self) -> tuple[str, ...]:
        """The rules that ask or deny, each once."""
        fired = [each.rule.id for each in self.verdict.findings if each.decision != "allow"]
        fired += [each.rule for each in self.notices if each.decision != "allow"]
        return tuple(dict.fromkeys(fired))


class Word(NamedTuple):
    """What people said about an action, as far as it can be used."""

    said: str
    """By whom it was approved or granted; or why this does not fit."""

    by: str = ""
    """`approval/ID` or `grant/ID`; empty when it does not let the action pass."""

    each: tuple[tuple[str, str], ...] = ()
    """The same for each rule, where several words did it together."""


class Approvals(Protocol):
    """What a check asks of the decisions of people."""

    def use(self, approval: str, judged: Judged, *, session: str | None, actor: Actor) -> Word:
        """Use an approval up for this very action, if it fits."""
        ...

    def cover(self, judged: Judged, *, session: str | None, actor: Actor) -> Word | None:
        """Use what was granted in advance, if it covers everything that stands in the way."""
        ...


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
        approvals: Approvals,
        *,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._ground = ground
        self._runtime = runtime
        self._incidents = incidents
        self._exemptions = exemptions
        self._sessions = sessions
        self._approvals = approvals
        self._clock = clock

    def check(
        self, kind: str, fields: Mapping[str, Any], *, cwd: str = "", session: str | None, actor: Actor,
        approval: str = "",
    ) -> Judged:  # fmt: skip
        """Judge an action and keep the verdict; it is on disk when this returns. `cwd` counts from the project's root.

        What would not be allowed is let through by the named approval, which is used up, or without one by grants.

        Raises:
            InvalidInputError: it is no action.
            NotFoundError, ExpiredError: the session's handle is not usable.
            ConfigError: the packs of the package can not be read.
        """
        judged = self._judged(kind, fields, cwd, session, actor, probing=True)
        if judged.decision != "allow":
            judged = self._with_word(judged, approval, session, actor)
        elif approval:
            judged = replace(judged, word=f"approval {approval}: not needed, so it was not used up")
        self._keep(judged, session, actor)
        return judged

    def look(self, kind: str, fields: Mapping[str, Any], *, cwd: str = "", session: str | None, actor: Actor) -> Judged:
        """The same for who asks a person about an action: nothing is used up, and no breaker's probe is taken.

        Raises:
            InvalidInputError, NotFoundError, ExpiredError, ConfigError: as for `check`.
        """
        judged = self._judged(kind, fields, cwd, session, actor, probing=False)
        self._keep(judged, session, actor)
        return judged

    def require(self, session: str | None) -> None:
        """Refuse the handle of a session that is not usable; no session is fine.

        Raises:
            NotFoundError, ExpiredError: it is not.
        """
        if session is not None:
            self._sessions.require(session)

    def _with_word(self, judged: Judged, approval: str, session: str | None, actor: Actor) -> Judged:
        """The judgement after what people said about the action."""
        if approval:
            word = self._approvals.use(approval, judged, session=session, actor=actor)
        else:
            word = self._approvals.cover(judged, session=session, actor=actor)
        if word is None or not word.by:
            return replace(judged, word=word.said if word else "")
        passed = word.each or tuple((rule, word.by) for rule in judged.in_the_way)
        return replace(judged, decision="allow", passed=passed, word=word.said)

    def _keep(self, judged: Judged, session: str | None, actor: Actor) -> None:
        tool, arguments = actions.named(judged.action)
        kept = self._incidents.checked(
            judged.digest, tool, arguments, command=actions.shell_text(judged.action),
            decision=judged.decision, effects=judged.verdict.effects,
        )  # fmt: skip
        kept = replace(
            kept,
            fired=judged.in_the_way,
            shadowed=tuple(dict.fromkeys(each.rule.id for each in judged.verdict.shadowed)),
            exempted=(*judged.exempted, *judged.passed),
        )
        self._ledger.append([checks.checked(kept, session=session)], actor=actor)

    def _judged(
        self, kind: str, fields: Mapping[str, Any], cwd: str, session: str | None, actor: Actor, *, probing: bool
    ) -> Judged:
        self.require(session)
        action, ground = actions.checked(kind, fields), self._ground()
        world, policy = ground.world, ground.policy
        cwd = locate(cwd, world.project, world).path if cwd else world.project
        understood = actions.understand(action, policy, world, cwd)
        verdict = judge.judge(understood.effects, policy, now=self._clock().isoformat(), text=actions.text_of(action))
        tool, arguments = actions.named(action)
        probing = probing and verdict.decision != "deny"  # the probe of what is denied would never report
        run = self._runtime.before(tool, arguments, session=session, actor=actor, probing=probing)
        past = self._incidents.notices(self._incidents.similar(tool, arguments, verdict.effects))
        told = (*run, *past)
        after = self._exemptions.apply(verdict, told, headless=policy.headless)
        return Judged(
            action,
            actions.digest(action, cwd=cwd, project=world.project, version=policy.version),
            strictest(after.verdict.decision, after.notices, headless=policy.headless),
            after.verdict, after.notices, after.used, ground.problems, cwd, world, policy.version,
            understood.analysis.calls if understood.analysis else (),
        )  # fmt: skip
