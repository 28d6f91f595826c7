"""A project of which an agent asks a person about actions and then takes them, all services in one process."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules import proposals
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.factors.guardrails.rules.actions import given
from agentops_mcp.factors.guardrails.service.checks import Judged
from conftest import AGENT, FakeClock, git

PAGE = Actor("agentops-mcp page", "anna", "page")
TERMINAL = Actor("agentops-mcp", "anna", "cli")
OTHER_AGENT = Actor("other-client 2.0", "tester", "mcp")
RELEASE = "bash deploy.sh && npm publish"
WORDS = {
    "summary": "Release the package", "changes": "version 2 can be installed", "rollback": "npm deprecate",
    "impact": {"files": 0, "services": ["registry"], "cost": "none", "level": "medium"},
    "alternatives": ["wait for Monday"], "risks": ["a client may break"],
}  # fmt: skip


def make_project(repository: Path) -> None:
    """Files that a release reads, and some that it does not."""
    (repository / "deploy.sh").write_text("echo deploy\n", encoding="utf-8")
    (repository / "package.json").write_text("{}\n", encoding="utf-8")
    (repository / "data").mkdir()
    (repository / "data" / "rows.csv").write_text("1,2\n", encoding="utf-8")
    (repository / "sub").mkdir()
    (repository / "sub" / "deploy.sh").write_text("echo other\n", encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message", "files")


@dataclass(frozen=True, slots=True)
class Bound:
    """The project, its services, and a clock."""

    path: Path
    app: App
    clock: FakeClock

    def ask(
        self, action: str | Mapping[str, Any] = RELEASE, *, kind: str = "shell", cwd: str = "",
        session: str | None = None, actor: Actor = AGENT,
    ) -> Standing:  # fmt: skip
        """Ask a person about an action as it is now."""
        approving = self.app.approving()
        subject = approving.subject(kind, action, cwd=cwd, session=session, actor=actor)
        asked = approving.requests.ask(subject, proposals.checked(WORDS), session=session, actor=actor)
        assert asked is not None
        return asked

    def decide(self, asked: Standing, decision: str = "approve", *, by: str = "person anna") -> Standing:
        """Decide on the page."""
        requests = self.app.approving().requests
        feedback = "Say when." if decision == "revise" else ""
        return requests.decide(
            asked.request.id, decision, by=by, digest=asked.request.digest, feedback=feedback, actor=PAGE
        )

    def approved(self, action: str | Mapping[str, Any] = RELEASE, **more: Any) -> str:
        """Ask and approve; the id."""
        return self.decide(self.ask(action, **more)).request.id

    def check(
        self, action: str | Mapping[str, Any] = RELEASE, approval: str = "", *, kind: str = "shell", cwd: str = "",
        session: str | None = None, actor: Actor = AGENT,
    ) -> Judged:  # fmt: skip
        """Check an action right before it is taken."""
        return self.app.checks().check(
            kind, given(kind, action), cwd=cwd, session=session, actor=actor, approval=approval
        )

    def refusals(self, approval: str) -> list[str]:
        """What was refused about a request, and kept."""
        facts = self.app.approving().requests.standing(approval).facts
        return [fact.note for fact in facts if fact.kind == "approval.refused"]
