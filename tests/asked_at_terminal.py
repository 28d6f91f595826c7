"""Requests of agents in a project, and a person who decides about them at a terminal, with a code that is known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from agentops_mcp.app import App
from agentops_mcp.core.clock import utc_now
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.factors.guardrails.service.checks import Judged
from asked import proposal
from command_line import AGENT, Done, agentops

CODE = "A" * 4
RELEASES, DELETES = "npm publish", "rm -rf notes"
GRANT = ("--grant", "publishing.release")
OTHER_AGENT = replace(AGENT, client="other-client 2.0")
PAGE = Actor("agentops-mcp page 0.1.0", "ben", "page")


def ask(
    at: Path, action: str | Mapping[str, Any] = RELEASES, *, kind: str = "shell", ago: timedelta = timedelta(),
    actor: Actor = AGENT, **said: Any,
) -> str:  # fmt: skip
    """Ask a person, some time ago, as an agent does through the server; the request's id."""
    with App(at, clock=lambda: utc_now() - ago) as app:
        approving = app.approving()
        subject = approving.subject(kind, action, cwd="", session=None, actor=actor)
        asked = approving.requests.ask(subject, proposal(**said), session=None, actor=actor)
        assert asked is not None
        return asked.request.id


def standing(at: Path, approval: str) -> Standing:
    with App(at) as app:
        return app.approving().requests.standing(approval)


def use(at: Path, approval: str, action: str = RELEASES) -> Judged:
    with App(at) as app:
        return app.checks().check("shell", {"command": action}, session=None, actor=AGENT, approval=approval)


def decide_on_page(at: Path, approval: str, decision: str = "approve", name: str = "ben") -> None:
    with App(at) as app:
        requests = app.approving().requests
        digest = requests.standing(approval).request.digest
        requests.decide(approval, decision, by=f"person {name}", digest=digest, actor=PAGE)


def at_terminal(*arguments: str, at: Path, typed: str = CODE) -> Done:
    return agentops(*arguments, at=at, terminal=True, stdin=f"{typed}\n".encode())


def flat(done: Done) -> str:
    """What was printed, without the breaks of a terminal's lines."""
    return " ".join(done.out.split())


def need_two(at: Path) -> None:
    (at / ".agentops").mkdir(exist_ok=True)
    (at / ".agentops" / "config.toml").write_text('[approval.effect]\npublish = "two_people"\n', encoding="utf-8")
