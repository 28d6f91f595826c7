"""Steps of factor II: how something this server handed out went, and whether a sub-agent's report may come back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentops_mcp.core import tokens
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor, Draft, Event
from agentops_mcp.factors.context import store
from agentops_mcp.factors.context.rules import briefs, window
from agentops_mcp.factors.context.rules.briefs import Finding, ReportLimits
from agentops_mcp.factors.context.rules.window import Load
from agentops_mcp.factors.context.service.window import KnownSessions, WindowLedger
from agentops_mcp.factors.context.store import Outcome, Report, Reported
from agentops_mcp.storage.ledger import Ledger

_GIVE_AN_ID = "Give the id that a reply of load_context ends with, or the URI of a pattern."

# A report is compared with the files of one load; these many are more than any budget pays for.
_MOST_FILES = 200


class LoadedTexts(Protocol):
    """What the check of a report asks of the project: the text of the files that were loaded."""

    def texts_of(self, paths: Sequence[str], commit: str | None) -> Iterable[str]:
        """Those of these files that can be read, at a commit, or in the worktree when there is none."""
        ...


class OtherOutcomes(Protocol):
    """What another factor hands out and wants to hear about."""

    def accepts(self, of: str) -> bool:
        """Whether it is one of its own."""
        ...

    def keep(
        self, of: str, outcome: Outcome, *, actor: Actor, note: str, session: str | None
    ) -> tuple[str, tuple[str, ...]]:
        """Store how it went and return the id of the record, and what to tell the client.

        Raises:
            NotFoundError: there is nothing of this name.
        """
        ...


class Charges(Protocol):
    """What budgets hear of an outcome."""

    def charge(self, spent: Mapping[str, float], *, actor: Actor, session: str | None) -> tuple[str, ...]:
        """Charge what was spent and return what the budgets say now.

        Raises:
            InvalidInputError: it names something that has no budget, or is no amount.
        """
        ...


@dataclass(frozen=True, slots=True)
class OutcomeResult:
    """A stored outcome, the verdict on the report if there was one, and what to tell the client."""

    id: str
    report: Report | None
    notes: tuple[str, ...]


class Outcomes:
    """Records how things went."""

    def __init__(
        self,
        ledger: Ledger,
        sessions: KnownSessions,
        windows: WindowLedger,
        texts: LoadedTexts,
        *,
        limits: ReportLimits,
        others: Sequence[OtherOutcomes] = (),
        charges: Charges | None = None,
    ) -> None:
        self._ledger = ledger
        self._sessions = sessions
        self._windows = windows
        self._texts = texts
        self._limits = limits
        self._others = others
        self._charges = charges

    def report(
        self,
        of: str,
        outcome: Outcome,
        *,
        actor: Actor,
        note: str = "",
        used_tokens: int | None = None,
        window_tokens: int | None = None,
        report: str = "",
        spent: Mapping[str, float] | None = None,
        session: str | None = None,
    ) -> OutcomeResult:
        """Store an outcome; when this returns it is on disk, whatever the verdict on the report.

        Raises:
            NotFoundError: nothing that was handed out has this id, or the session is unknown.
            ExpiredError: the session's handle outlived its lifetime.
            InvalidInputError: a number is not one of tokens.
        """
        window.check_usage(window_tokens, used_tokens)
        if session:
            self._sessions.require(session)
        if other := next((each for each in self._others if each.accepts(of)), None):
            kept, notes = other.keep(of, outcome, actor=actor, note=note.strip(), session=session)
            return OutcomeResult(kept, None, (*notes, *self._charge(spent, actor=actor, session=session)))
        if outcome == "regretted":
            raise InvalidInputError("Only an action can be regretted.", remedy="Say failed, and why in `note`.")
        event = self._handed_out(of)
        load = store.load_of(event)
        verdict = self._judge(report, load) if report.strip() else None
        body = store.body_of_outcome(Reported(event.id, outcome, note.strip(), used_tokens, window_tokens, verdict))
        within = session or load.session
        draft = Draft(event.stream, store.REPORTED, body, tracked=False, session=within)
        (written,) = self._ledger.append([draft], actor=actor)
        notes = self._about_window(within, session, window_tokens, used_tokens)
        notes += [f"replaced a secret by a marker: {kind}" for kind in written.redacted]
        return OutcomeResult(written.event.id, verdict, (*notes, *self._charge(spent, actor=actor, session=within)))

    def _charge(self, spent: Mapping[str, float] | None, *, actor: Actor, session: str | None) -> tuple[str, ...]:
        if not spent or self._charges is None:
            return ()
        return self._charges.charge(spent, actor=actor, session=session)

    def _handed_out(self, of: str) -> Event:
        """The event of what was handed out; its kind decides which factor's it is."""
        identifier = of.strip().rpartition("/")[2]
        try:
            event = self._ledger.event(identifier)
        except NotFoundError as error:
            raise NotFoundError(
                f"Nothing with the id {gist(of, limit=60)!r} was handed out.", remedy=_GIVE_AN_ID
            ) from error
        if event.kind != store.LOADED:
            raise NotFoundError(f"{event.id} is {event.kind}, which has no outcome.", remedy=_GIVE_AN_ID)
        return event

    def _judge(self, report: str, load: Load) -> Report:
        paths = list(dict.fromkeys(item.path for item in load.items if item.path))[:_MOST_FILES]
        cost = tokens.count(report)
        findings = briefs.check_report(
            report,
            tokens=cost,
            source_tokens=load.tokens,
            known=briefs.telling_lines(self._texts.texts_of(paths, load.commit)),
            limits=self._limits,
        )
        return Report(cost, briefs.is_accepted(findings), tuple(map(_line, findings)))

    def _about_window(
        self, within: str | None, given: str | None, window_tokens: int | None, used_tokens: int | None
    ) -> list[str]:
        if used_tokens is None and window_tokens is None:
            return []
        # Only a session that was given is known to be alive; that of the load may have expired meanwhile.
        advice = window.advice(self._windows.assess(given, window_tokens, used_tokens, 0))
        return [*advice, *([] if within else ["without `session`, no later load is measured against used_tokens"])]


def _line(finding: Finding) -> str:
    return f"{finding.severity}: {finding}"
