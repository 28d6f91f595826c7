"""The project's own records in the words of factor II."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Event
from agentops_mcp.factors.context import store as context_store
from agentops_mcp.factors.context.rules.memory import Remembered
from agentops_mcp.factors.mining.rules.patterns import Pattern
from agentops_mcp.factors.mining.store import patterns as pattern_store
from agentops_mcp.factors.resume.service.states import States
from agentops_mcp.factors.tracking import store as tracking_store
from agentops_mcp.storage.ledger import Ledger

_RECORDS = 300


@dataclass(frozen=True, slots=True)
class LedgerMemory:
    """What the ledger has that may apply to a task."""

    ledger: Ledger
    states: States

    def records(self) -> Sequence[Remembered]:
        """The newest entries, and the project's own patterns."""
        with self.ledger.read() as tx:
            events = tracking_store.newest(tx, limit=_RECORDS)
            patterns = [known.pattern for known in pattern_store.every(tx)]
        kept = [each for each in patterns if each.status == "active"]
        return [*map(_remembered, events), *map(_remembered_pattern, kept)]

    def open_work(self) -> Remembered | None:
        """The newest unfinished state."""
        try:
            found, _ = self.states.unfinished()
            bundle = self.states.load(found).bundle if found else None
        except AgentOpsError:  # a load goes on whatever one state is like
            return None
        if found is None or bundle is None:
            return None
        step = f"; next: {bundle.next_steps[0]}" if bundle.next_steps else ""
        return Remembered(f"agentops://state/{found}", "unfinished state", f"{bundle.goal}{step}", bundle.goal, ())

    def loaded(self, load_id: str) -> Sequence[str]:
        """The ids of what a load sent."""
        try:
            event = self.ledger.event(load_id)
            return (
                [item.id for item in context_store.load_of(event).items] if event.kind == context_store.LOADED else []
            )
        except AgentOpsError:
            return []


def _remembered_pattern(pattern: Pattern) -> Remembered:
    text = f"{pattern.title} {pattern.problem} {pattern.context} {pattern.solution}"
    gist = f"{pattern.title}: {pattern.solution}"
    return Remembered(f"agentops://pattern/{pattern.name}", pattern.kind, gist, text, ())


def _remembered(event: Event) -> Remembered:
    body = event.body
    gist = f"{body['action']}" + (f" Learning: {body['learning']}" if body["learning"] else "")
    text = " ".join(body[part] for part in ("action", "context", "solution", "learning"))
    files = tuple(file["path"] for file in body["files"])
    return Remembered(f"agentops://entry/{event.id}", body["kind"], gist, text, files)
