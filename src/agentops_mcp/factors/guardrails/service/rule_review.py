"""Steps of factor XI for learned rules: drafted from incidents, tried in the shadow, and enabled by people alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentops_mcp.core.display import visible
from agentops_mcp.core.errors import ConflictError, InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor, Draft
from agentops_mcp.core.wording import count_informative_words
from agentops_mcp.factors.guardrails.rules import candidates, learned
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.incidents import Incident
from agentops_mcp.factors.guardrails.rules.learned import Learned, State
from agentops_mcp.factors.guardrails.rules.verdicts import Rule
from agentops_mcp.factors.guardrails.service.exemptions import require_person
from agentops_mcp.factors.guardrails.store import calls, checks, incidents
from agentops_mcp.factors.guardrails.store import learned as store
from agentops_mcp.factors.guardrails.store.checks import RuleUse
from agentops_mcp.storage.ledger import Ledger

Evaluate = Callable[[str], Sequence[Effect]]
"""What a command would do, in the project, with the project as the working directory."""

_HISTORY = 500
_NAMED = 5
_FEWEST_WORDS = 1
_MOVES: dict[State, tuple[State, ...]] = {
    "shadow": ("enabled", "dismissed"),
    "enabled": ("disabled",),
    "disabled": ("enabled", "dismissed"),
    "dismissed": ("enabled",),
}
"""What a person can make of a rule, by how it stands."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a rule would hit. `history` are commands that succeeded here and were no incident."""

    misses_incident: tuple[str, ...]
    everyday: tuple[str, ...]
    everyday_of: int
    history: tuple[str, ...]
    history_of: int

    @property
    def problem(self) -> str:
        """Why the rule is not fit, in a sentence; empty when it is."""
        if self.misses_incident:
            return f"it does not fire for its own incident `{self.misses_incident[0][:80]}`"
        if len(self.everyday) > candidates.allowed_hits(self.everyday_of):
            return f"it hits {len(self.everyday)} of {self.everyday_of} everyday commands, as `{self.everyday[0]}`"
        if self.history:
            return (
                f"it hits {len(self.history)} of {self.history_of} commands that succeeded here, as `{self.history[0]}`"
            )
        return ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A learned rule as it stands, and how often it was met in checks: `shadowed` while it was only recorded."""

    row: store.Row
    use: RuleUse


class RuleReview:
    """The learned rules of a project."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        evaluator: Callable[[], Evaluate],
        everyday: Callable[[], Sequence[str]],
        project: str,
        home: str,
    ) -> None:
        self._ledger = ledger
        self._evaluator = evaluator
        self._everyday = everyday
        self._everyday_effects: dict[str, Sequence[Effect]] = {}
        self._project = project
        self._home = home

    def draft(
        self, incident: Incident, incident_id: str, *, quote: bool, session: str | None, actor: Actor
    ) -> tuple[Learned | None, str]:
        """Draft a rule from an incident into the shadow; None and why where no draft passes the checks."""
        why = "its action has no effect, program or target that a rule could be about"
        for each in candidates.drafts(incident, quote=quote):
            examined = self.examine(each, incident)
            if examined.problem:
                why = examined.problem
                continue
            with self._ledger.read() as tx:
                known = store.find(tx, each.id)
            if known is None or not set(each.hits) <= set(known.learned.hits):
                self._ledger.append([store.drafted(each, incident=incident_id, session=session)], actor=actor)
            return each, ""
        return None, why

    def examine(self, rule: Learned, incident: Incident | None = None) -> Examined:
        """Try a rule on its regression examples, the everyday commands and this project's own history."""
        evaluate = self._evaluator()
        missed = [each for each in rule.hits if not learned.fires(rule, evaluate(each), each)]
        if incident is not None and not rule.hits:
            effects = candidates.absolute(incident.effects, project=self._project, home=self._home)
            missed = [] if learned.fires(rule, effects, incident.shown) else [incident.shown]
        everyday = self._everyday()
        history = self._history()
        if missed:
            return Examined(tuple(missed), (), len(everyday), (), len(history))
        # Files come and go, and with them what a command would do; for the everyday list that does not matter.
        self._everyday_effects = self._everyday_effects or {each: evaluate(each) for each in everyday}
        interrupted = [each for each, effects in self._everyday_effects.items() if learned.fires(rule, effects, each)]
        if len(interrupted) > candidates.allowed_hits(len(everyday)):
            return Examined((), tuple(interrupted), len(everyday), (), len(history))
        wrong = tuple(each for each in history if learned.fires(rule, evaluate(each), each))
        return Examined((), tuple(interrupted), len(everyday), wrong, len(history))

    def listed(self) -> list[Reviewed]:
        """Every learned rule: those in the shadow first, then the enabled, then the others."""
        with self._ledger.read() as tx:
            rows = store.every(tx)
            uses = checks.uses(tx, [row.learned.id for row in rows])
        found = [Reviewed(row, uses.get(row.learned.id, RuleUse(row.learned.id))) for row in rows]
        return sorted(found, key=lambda each: (learned.STATES.index(each.row.state), each.row.learned.id))

    def enable(self, rule: str, *, reason: str, actor: Actor) -> Reviewed:
        """Enforce a rule.

        Raises:
            InvalidInputError: it was not a person who called, there is no reason, the rule is enabled already, or it
                would now hit what it must not.
            NotFoundError: there is no such rule.
            ConflictError: somebody else decided at the same time.
        """
        row = self._find(rule)
        if problem := self.examine(row.learned).problem:
            raise InvalidInputError(
                f"{row.learned.id} is not fit to be enforced: {problem}.",
                remedy="Dismiss it, or write a narrower rule into guardrails.toml.",
            )
        return self._decide(row, "enabled", reason, actor)

    def dismiss(self, rule: str, *, reason: str, actor: Actor) -> Reviewed:
        """Let a rule that is not enforced fall; raises as `enable` does."""
        return self._decide(self._find(rule), "dismissed", reason, actor)

    def disable(self, rule: str, *, reason: str, actor: Actor) -> Reviewed:
        """Enforce a rule no longer; raises as `enable` does."""
        return self._decide(self._find(rule), "disabled", reason, actor)

    def rules(self) -> list[Rule]:
        """The rules for the policy: enabled ones, and those in the shadow."""
        with self._ledger.read() as tx:
            rows = store.every(tx)
        return [
            learned.rule_of(row.learned, shadow=row.state == "shadow")
            for row in rows
            if row.state in ("shadow", "enabled")
        ]

    def as_toml(self) -> str:
        """The same rules as a pack, with their regression examples."""
        with self._ledger.read() as tx:
            return learned.as_toml([(row.learned, row.state) for row in store.every(tx)])

    def _history(self) -> list[str]:
        with self._ledger.read() as tx:
            wrong = incidents.signatures(tx)
            past = calls.succeeded(tx, tool="shell", limit=_HISTORY)
        # What was cut can not be judged.
        return [shown for signature, shown in past if signature not in wrong and not shown.endswith("…")]

    def _decide(self, row: store.Row, state: State, reason: str, actor: Actor) -> Reviewed:
        require_person(actor, "decide about a rule")
        rule = row.learned.id
        if count_informative_words(reason) < _FEWEST_WORDS:
            raise InvalidInputError("There is no reason.", remedy="Say in a few words why.")
        if state not in _MOVES[row.state]:
            raise InvalidInputError(
                f"{rule} is {row.state}; it can be made {' or '.join(_MOVES[row.state])}.",
                remedy="`agentops-mcp rules review` lists how each stands.",
            )
        last = self._ledger.last_in(store.stream(rule))
        if self._find(rule).turn != row.turn:
            raise ConflictError(f"Somebody decided about {rule} meanwhile.", remedy="Look at it again.")
        draft: Draft = store.decided(rule, state, reason=visible(reason.strip()), turn=row.turn + 1)
        self._ledger.append([draft], actor=actor, expected={store.stream(rule): last})
        return next(each for each in self.listed() if each.row.learned.id == rule)

    def _find(self, rule: str) -> store.Row:
        wanted = rule.strip()
        wanted = wanted if wanted.startswith(f"{learned.PACK}.") else f"{learned.PACK}.{wanted}"
        with self._ledger.read() as tx:
            rows = {row.learned.id: row for row in store.every(tx)}
        if wanted not in rows:
            named = ", ".join([*rows][:_NAMED]) or "none yet"
            raise NotFoundError(f"No learned rule is called {rule[:60]!r}.", remedy=f"Known are: {named}.")
        return rows[wanted]
