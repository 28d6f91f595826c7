"""Factor VIII put together: actions as the guard judged them, in the words of the factor that asks a person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.rules.subjects import PLAN, Finding, Subject
from agentops_mcp.factors.approval.service.grants import Grants
from agentops_mcp.factors.approval.service.requests import Requests
from agentops_mcp.factors.guardrails.render import effect_line
from agentops_mcp.factors.guardrails.rules import actions
from agentops_mcp.factors.guardrails.service.checks import Judged
from agentops_mcp.guarding import Guard
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.project import Project


@dataclass(frozen=True, slots=True)
class Approving:
    """The services of factor VIII."""

    requests: Requests
    grants: Grants
    settings: Callable[[], Settings]
    project: Project
    guard: Guard

    def subject(
        self, kind: str, action: str | Mapping[str, Any], *, cwd: str = "", session: str | None, actor: Actor
    ) -> Subject:
        """An action (or with kind `plan` a plan) as the guard finds it now; the check is kept like any other.

        Raises:
            InvalidInputError: it is no action.
            NotFoundError, ExpiredError: the session's handle is not usable.
        """
        judged = self.guard.checks.check(kind, actions.given(kind, action), cwd=cwd, session=session, actor=actor)
        return subject_of(judged, project=str(self.project.root))


def open_approving(
    project: Project, guard: Guard, ledger: Ledger, *, settings: Callable[[], Settings],
    notify: Callable[[str, str], None], clock: Clock, new_id: Callable[[], str],
) -> Approving:  # fmt: skip
    """Build the services for an opened project."""
    requests = Requests(ledger, settings=settings, notify=notify, clock=clock, new_id=new_id)
    grants = Grants(ledger, settings=settings, clock=clock, new_id=new_id)
    return Approving(requests, grants, settings, project, guard)


def subject_of(judged: Judged, *, project: str) -> Subject:
    """A judged action in the words of factor VIII."""
    verdict = judged.verdict
    found = [
        Finding(each.rule.id, each.decision, each.rule.severity, each.rule.reason, each.effect.kind,
                each.effect.target, each.effect.place)
        for each in verdict.findings if each.decision != "allow"
    ]  # fmt: skip
    found += [
        Finding(each.rule, each.decision, each.severity, each.reason)
        for each in judged.notices
        if each.decision != "allow"
    ]
    return Subject(
        judged.action.kind, judged.action.fields, actions.text_of(judged.action), "", project, judged.digest, "", "",
        {}, judged.decision, tuple(found), tuple(effect_line(each) for each in dict.fromkeys(verdict.effects)),
    )  # fmt: skip
