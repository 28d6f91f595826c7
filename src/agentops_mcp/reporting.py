"""How things went, in the words of the factor that is told: loads, patterns, checked actions, and what was spent."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentops_mcp.core.errors import AgentOpsError, InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.context.store import Outcome
from agentops_mcp.factors.resume.store import states as state_store
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.source_tree import SourceTree

if TYPE_CHECKING:
    from agentops_mcp.factors.mining.service.patterns import Patterns
    from agentops_mcp.guarding import Guard

_COMPARED_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class SavedSessions:
    """Saved states in the words of factor II."""

    ledger: Ledger

    def last_saved_at(self, session: str) -> str | None:
        """When the session last saved a state."""
        with self.ledger.read() as tx:
            last = state_store.last_in_session(tx, session)
        return self.ledger.event(last).at if last else None


@dataclass(frozen=True, slots=True)
class LoadedTexts:
    """The files of a load, as far as they can be read; an outcome is recorded whatever git says."""

    tree: SourceTree

    def texts_of(self, paths: Sequence[str], commit: str | None) -> Iterable[str]:
        """Those of these files that can be read."""
        wanted = set(paths)
        try:
            files = [file for file in self.tree.list(commit).files if file.path in wanted]
            found = list(self.tree.read(files, limit_bytes=_COMPARED_BYTES))
        except AgentOpsError:
            return []
        return [content.decode("utf-8", "replace") for _, content in found if content]


@dataclass(frozen=True, slots=True)
class ActionOutcomes:
    """Factor XI's checked actions and incidents in the words of factor II."""

    guard: Callable[[], "Guard"]

    def accepts(self, of: str) -> bool:
        """Whether it is one of them."""
        from agentops_mcp.factors.guardrails.service.action_outcomes import ActionOutcomes as Kept

        return Kept.accepts(of)

    def keep(
        self, of: str, outcome: Outcome, *, actor: Actor, note: str, session: str | None
    ) -> tuple[str, tuple[str, ...]]:
        """Store how it went; a rule that is drafted from it is written where people review it."""
        guard = self.guard()
        kept, notes, notices = guard.outcomes.report(of, outcome, actor=actor, note=note, session=session)
        guard.write_rules()
        return kept, (*notes, *(f"{each.reason} {each.remedy}".strip() for each in notices))


@dataclass(frozen=True, slots=True)
class PatternOutcomes:
    """Factor IX's patterns in the words of factor II."""

    patterns: Callable[[], "Patterns"]

    def accepts(self, of: str) -> bool:
        """Whether it is one."""
        return "pattern/" in of

    def keep(
        self, of: str, outcome: Outcome, *, actor: Actor, note: str, session: str | None
    ) -> tuple[str, tuple[str, ...]]:
        """Store how it went."""
        if outcome == "regretted":
            raise InvalidInputError("Only an action can be regretted.", remedy="Say failed, and why in `note`.")
        return self.patterns().report(of, outcome, actor=actor, note=note, session=session).id, ()


@dataclass(frozen=True, slots=True)
class Charges:
    """Factor XI's budgets in the words of factor II."""

    guard: Callable[[], "Guard"]

    def charge(self, spent: Mapping[str, float], *, actor: Actor, session: str | None) -> tuple[str, ...]:
        """Charge what was spent and return what the budgets say now."""
        from agentops_mcp.factors.guardrails.rules.budgets import charge_of

        amounts, total = charge_of(spent)
        notices = self.guard().runtime.charge(amounts, session=session, actor=actor, total=total)
        return tuple(f"{each.reason} {each.remedy}".strip() for each in notices)
