"""Requests for tests: subjects, proposals, and services over a ledger of their own."""

from dataclasses import dataclass, replace
from typing import Any

from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules import proposals
from agentops_mcp.factors.approval.rules.proposals import Proposal
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.rules.subjects import Finding, Subject
from agentops_mcp.factors.approval.service.grants import Grants
from agentops_mcp.factors.approval.service.requests import Requests, Standing
from agentops_mcp.factors.approval.store import grants as grant_store
from agentops_mcp.factors.approval.store import requests as request_store
from agentops_mcp.storage.ledger import Ledger
from conftest import FakeClock, LedgerFactory

AGENT = Actor("claude-code 2.1.317", "anna", "mcp")
PAGE = Actor("agentops-mcp page 0.1.0", "anna", "page")
TERMINAL = Actor("agentops-mcp approve 0.1.0", "anna", "cli")
CLIENT = Actor("claude-code 2.1.317", "anna", "elicitation")
SESSION = "01a216d3-0000-7000-8000-000000000001"

ASKS = Finding("git.force-push", "ask", "high", "Commits of others could be lost.", "rewrite_history", "origin main")
CRITICAL = replace(ASKS, rule="files.outside", severity="critical", decision="deny", effect="delete", target="/srv/db")

GIVEN: dict[str, Any] = {
    "summary": "Push the rebased branch", "changes": "origin/topic is replaced", "rollback": "push the old one back",
    "impact": {"files": 3, "services": ["ci"], "cost": "none", "level": "medium"},
    "alternatives": ["merge instead: noisy"], "risks": ["a colleague pushed meanwhile"],
}  # fmt: skip


def subject(**changes: Any) -> Subject:
    """`git push --force`, as the guard found it."""
    made = Subject(
        "shell", {"command": "git push --force origin main"}, "git push --force origin main", "/project", "/project",
        "a" * 64, "policy-1", "main", {"deploy.sh": "1" * 64}, "ask", (ASKS,), ("rewrite_history: origin main",),
    )  # fmt: skip
    return replace(made, **changes)


def proposal(**changes: Any) -> Proposal:
    """What an agent says about it."""
    return proposals.checked({**GIVEN, **changes})


@dataclass
class Asked:
    """The services of a project, what its bell rang, and settings that can be changed."""

    ledger: Ledger
    requests: Requests
    grants: Grants
    rang: list[tuple[str, str]]
    settings: Settings

    def ask(self, about: Subject | None = None, *, session: str | None = SESSION, **said: Any) -> Standing:
        """A request of the agent's."""
        found = self.requests.ask(about or subject(), proposal(**said), session=session, actor=AGENT)
        assert found is not None
        return found

    def decide(
        self, standing: Standing, decision: str = "approve", *, name: str = "anna", actor: Actor = PAGE, **given: Any
    ) -> Standing:
        """A person's decision about what they were shown."""
        by = f"person {name}"
        return self.requests.decide(
            standing.request.id, decision, by=by, digest=standing.request.digest, actor=actor, **given
        )

    def ring(self, what: str, approval: str) -> None:
        """The bell."""
        self.rang.append((what, approval))

    def kinds(self) -> list[str]:
        """The kinds of every event, in order."""
        return [event.kind for event in self.ledger.events()]


def asked(open_ledger: LedgerFactory, clock: FakeClock) -> Asked:
    """The services over a ledger of this test's."""
    ledger = open_ledger(request_store.VIEW, grant_store.VIEW)
    rang: list[tuple[str, str]] = []
    made: Asked

    def settings() -> Settings:
        return made.settings

    def ring(what: str, approval: str) -> None:
        made.ring(what, approval)

    requests = Requests(ledger, settings=settings, notify=ring, clock=clock, new_id=new_id)
    grants = Grants(ledger, root="/project", settings=settings, clock=clock, new_id=new_id)
    made = Asked(ledger, requests, grants, rang, Settings())
    return made
