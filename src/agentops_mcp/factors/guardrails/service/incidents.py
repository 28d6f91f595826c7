"""Steps of factor XI for incidents: what failed is kept, recognised when it comes back, and made into a rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agentops_mcp.core.display import visible
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor
from agentops_mcp.core.redaction import redact
from agentops_mcp.factors.guardrails.rules import incidents as rules
from agentops_mcp.factors.guardrails.rules.breakers import target_of
from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.incidents import How, Incident, Known, Similar
from agentops_mcp.factors.guardrails.rules.learned import Learned
from agentops_mcp.factors.guardrails.rules.notices import Notice
from agentops_mcp.factors.guardrails.rules.signatures import Signature, portable, signature
from agentops_mcp.factors.guardrails.rules.verdicts import Decision
from agentops_mcp.factors.guardrails.service.rule_review import RuleReview
from agentops_mcp.factors.guardrails.store import calls
from agentops_mcp.factors.guardrails.store import incidents as store
from agentops_mcp.factors.guardrails.store.checks import Checked
from agentops_mcp.storage.ledger import Ledger

FindLike = Callable[[str], Sequence[str]]
"""Ids, or refs (`incident/<id>`), of recorded incidents whose text is like a text, the likeliest first."""

_LIKE = 3
_LISTED = 100
_READ_CHARS = 4 * rules.LONGEST
_WITHHELD = "(withheld: the recorded text tries to instruct its reader)"


@dataclass(frozen=True, slots=True)
class Report:
    """A kept incident, the rule that was drafted from it, and otherwise why there is none."""

    id: str
    incident: Incident
    rule: Learned | None
    notes: tuple[str, ...]


class Incidents:
    """The incidents of a project."""

    def __init__(
        self,
        ledger: Ledger,
        review: RuleReview,
        *,
        find_like: FindLike,
        project: str,
        home: str,
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._review = review
        self._find_like = find_like
        self._project = project
        self._home = home
        self._new_id = new_id

    def checked(
        self, action: str, tool: str, arguments: object, *, command: str, decision: Decision, effects: Sequence[Effect]
    ) -> Checked:
        """An action as checks and incidents keep it: without secrets, with `.` and `~` for this machine's folders.

        `command` is its shell text where it is one. The rules that fired, would have, and were exempted are added with
        `dataclasses.replace`.
        """
        found = self._signature(tool, arguments)
        return Checked(
            action, found.tool, found.digest, found.shown, self._kept(command), decision,
            self._portable(effects), target_of(tool, arguments),
        )  # fmt: skip

    def report(self, of: Checked, how: How, note: str, *, session: str | None, actor: Actor) -> Report:
        """Keep that an action failed or was regretted, and draft a rule from it; on disk when this returns.

        `note` says what happened, and after `Fix:` and `Learned:` what helped and what is known now.
        """
        told = rules.told(visible(redact(note[:_READ_CHARS]).text))
        incident = Incident(
            of.tool, of.signature, of.shown, how, told.happened, of.command, of.effects, of.fired, told.fix,
            told.learning, of.action,
        )  # fmt: skip
        event_id = self._new_id()
        (written,) = self._ledger.append([store.recorded(incident, event_id=event_id, session=session)], actor=actor)
        incident = store.incident_of(written.event)
        quote = not _instructs(incident.happened)
        rule, why = self._review.draft(incident, event_id, quote=quote, session=session, actor=actor)
        note = f"drafted {rule.id}, in the shadow until a person enables it" if rule else f"no rule was drafted: {why}"
        return Report(event_id, incident, rule, (note,))

    def fix(self, incident_id: str, note: str, *, session: str | None, actor: Actor) -> str:
        """Keep what helped against an incident, and return the record's id. Without labels the whole note is the fix.

        Raises:
            NotFoundError: there is no such incident.
            InvalidInputError: the note is empty.
        """
        known = self.find(incident_id)
        told = rules.told(visible(redact(note[:_READ_CHARS]).text))
        fix, learning = told.fix, told.learning
        fix = fix or told.happened
        if not fix and not learning:
            raise InvalidInputError("The note is empty.", remedy="Say in `note` what helped.")
        (written,) = self._ledger.append(
            [store.fixed(known.id, fix=fix, learning=learning, session=session)], actor=actor
        )
        return written.event.id

    def find(self, incident_id: str) -> Known:
        """One incident.

        Raises:
            NotFoundError: there is none of this id.
        """
        identifier = incident_id.strip().rpartition("/")[2]
        with self._ledger.read() as tx:
            found = store.find(tx, [identifier])
        if not found:
            raise NotFoundError(
                f"No incident has the id {incident_id[:60]!r}.", remedy="Use an id that check_action or search named."
            )
        return found[0]

    def listed(self, *, limit: int = _LISTED) -> list[Known]:
        """The newest incidents, newest first."""
        with self._ledger.read() as tx:
            return store.newest(tx, limit=limit)

    def similar(self, tool: str, arguments: object, effects: Sequence[Effect]) -> list[Similar]:
        """Earlier incidents that an action looks like: the same call first, then calls of the same kind by search."""
        found = self._signature(tool, arguments)
        with self._ledger.read() as tx:
            if not store.newest(tx, limit=1):
                return []
            exact = store.of_signature(tx, found.digest, limit=1)
            times = store.count(tx, found.digest) if exact else 0
        known = [self._similar(each, exact=True, times=times) for each in exact]
        return known or [self._similar(each, exact=False, times=1) for each in self._like(found, effects)]

    def notices(self, similar: Sequence[Similar]) -> list[Notice]:
        """What earlier incidents say about an action; a failure that was followed by a success is done with."""
        told = [each for each in similar if each.open or each.known.incident.how == "regretted"]
        return [rules.notice(each) for each in told]

    def _like(self, found: Signature, effects: Sequence[Effect]) -> list[Known]:
        kinds = " ".join(dict.fromkeys(effect.kind.replace("_", " ") for effect in effects))
        refs = self._find_like(f"{found.shown}\n{kinds}".strip())
        ids = list(dict.fromkeys(ref.rpartition("/")[2] for ref in refs))
        with self._ledger.read() as tx:
            by_id = {each.id: each for each in store.find(tx, ids)}
        ranked = [by_id[each] for each in ids if each in by_id]
        return [each for each in ranked if rules.is_like(each.incident, found.tool, effects, found.shown)][:_LIKE]

    def _similar(self, known: Known, *, exact: bool, times: int) -> Similar:
        incident = known.incident
        at = known.at.isoformat(timespec="microseconds")
        with self._ledger.read() as tx:
            is_open = not calls.succeeded_since(tx, incident.signature, at)
        texts = {name: getattr(incident, name) for name in ("happened", "fix", "learning")}
        shown = {name: _WITHHELD if text and _instructs(text) else text for name, text in texts.items()}
        return Similar(known._replace(incident=incident._replace(**shown)), exact, times, is_open)

    def _signature(self, tool: str, arguments: object) -> Signature:
        return signature(tool, arguments, project=self._project, home=self._home)

    def _portable(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        # What is not known fits anything, which is how a glob of a learned rule says it.
        kept = ((each.kind, self._kept(each.target.replace(HOLE, "*")), each.place) for each in effects)
        return tuple(Effect(*each) for each in dict.fromkeys(kept))

    def _kept(self, text: str) -> str:
        cut = portable(redact(text[:_READ_CHARS]).text, project=self._project, home=self._home)
        return visible(cut[: rules.LONGEST])


def _instructs(text: str) -> bool:
    from agentops_mcp.core.screening import suspicions  # its grammar is only needed here

    return bool(suspicions(text))
