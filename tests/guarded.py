"""A project's guardrails over the one database of a test, and what stands in for judging commands."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.guardrails.rules.breakers import target_of
from agentops_mcp.factors.guardrails.rules.budgets import Limits
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.service.action_outcomes import ActionOutcomes, Outcome
from agentops_mcp.factors.guardrails.service.exemptions import Exemptions
from agentops_mcp.factors.guardrails.service.incidents import Incidents
from agentops_mcp.factors.guardrails.service.rule_review import RuleReview
from agentops_mcp.factors.guardrails.service.runtime import Recorded, Runtime
from agentops_mcp.factors.guardrails.store import calls, charges, checks, exemptions, incidents, learned
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, FakeClock

VIEWS = (calls.VIEW, charges.VIEW, checks.VIEW, exemptions.VIEW, incidents.VIEW, learned.VIEW)
PERSON = Actor(client="agentops-mcp", user="anna", via="cli")
PROJECT, HOME = "/srv/shop", "/home/anna"
EVERYDAY = ("ls -la", "git push origin main", "make", "npm run build", "rm -rf dist")


def effects_of(command: str) -> Sequence[Effect]:
    """What `rm` and a forced push would do, in the project; nothing for any other command."""
    words = command.split()
    if words[:1] == ["rm"]:
        paths = [word.removeprefix("./") for word in words[1:] if not word.startswith("-")]
        return [Effect("delete", f"{PROJECT}/{path}", "kept", by=command) for path in paths]
    if words[:2] == ["git", "push"] and "--force" in words:
        return [Effect("rewrite_history", words[-1], by=command)]
    return []


@dataclass
class Search:
    """Finds what it is told to, and remembers what it was asked."""

    finds: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])

    def __call__(self, text: str) -> Sequence[str]:
        self.asked.append(text)
        return self.finds


class Guarded:
    """Every service of the learning and the run, as one process has them."""

    def __init__(
        self, ledger: Ledger, clock: FakeClock, limits: Limits | None = None, everyday: Sequence[str] = EVERYDAY
    ) -> None:
        self.ledger = ledger
        self.search = Search()
        self.runtime = Runtime(ledger, project=PROJECT, home=HOME, limits=limits or Limits(), clock=clock)
        self.review = RuleReview(
            ledger, evaluator=lambda: effects_of, everyday=lambda: everyday, project=PROJECT, home=HOME
        )
        self.incidents = Incidents(
            ledger, self.review, find_like=self.search, project=PROJECT, home=HOME, new_id=new_id
        )
        self.exemptions = Exemptions(ledger, clock=clock, new_id=new_id)
        self.outcomes = ActionOutcomes(ledger, self.runtime, self.incidents)

    def record(
        self, tool: str, arguments: object, *, ok: bool, error: str = "", session: str | None = None, actor: Actor
    ) -> Recorded:
        """Keep how a call went."""
        signed, target = self.runtime.signature(tool, arguments), target_of(tool, arguments)
        return self.runtime.record_signed(signed, ok=ok, error=error, target=target, session=session, actor=actor)

    def keep(self, of: str, outcome: Outcome, *, actor: Actor, note: str, session: str | None) -> str:
        """Report an outcome; the id of its record."""
        return self.outcomes.report(of, outcome, actor=actor, note=note, session=session)[0]

    def call(self, command: str, *, ok: bool, session: str | None = "s") -> None:
        """Keep how a command went."""
        error = "" if ok else "Error: it broke"
        self.record("Bash", {"command": command}, ok=ok, error=error, session=session, actor=AGENT)

    def check(self, command: str, **more: Any) -> str:
        """Keep a check of a command; the digest of its action."""
        digest = hashlib.sha256(command.encode()).hexdigest()
        check = self.incidents.checked(
            digest, "shell", {"command": command}, command=command, decision="allow", effects=effects_of(command)
        )
        self.ledger.append([checks.checked(replace(check, **more), session=None)], actor=AGENT)
        return digest

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything in the tables, in an order of its own."""
        with self.ledger.read() as tx:
            return {
                table: sorted(tx.execute(f"SELECT * FROM {table}"), key=repr) for view in VIEWS for table in view.tables
            }
