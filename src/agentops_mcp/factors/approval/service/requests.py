"""Steps of factor VIII: ask a person, keep what they decide, and let a decision be used once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import visible
from agentops_mcp.core.errors import AgentOpsError, ConflictError, ExpiredError, InvalidInputError
from agentops_mcp.core.ids import is_id
from agentops_mcp.core.records import Actor, Draft
from agentops_mcp.factors.approval.render.ways import given_by, how_to_decide
from agentops_mcp.factors.approval.rules import proposals, subjects
from agentops_mcp.factors.approval.rules.principals import requester_of
from agentops_mcp.factors.approval.rules.proposals import Proposal
from agentops_mcp.factors.approval.rules.settings import SPOKEN, STRENGTHS, Settings, Strength
from agentops_mcp.factors.approval.rules.standing import (
    DECISIONS,
    Decided,
    Decision,
    Fold,
    floor_of,
    fold,
    strength_of,
    suffices,
)
from agentops_mcp.factors.approval.rules.subjects import PLAN, Subject
from agentops_mcp.factors.approval.store import request_events as events
from agentops_mcp.factors.approval.store import requests as rows
from agentops_mcp.factors.approval.store.request_events import Request
from agentops_mcp.factors.approval.store.requests import Fact, Line
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import Ledger

logger = logging.getLogger(__name__)

_TRIES = 60
_SWEPT = 100
_FEEDBACK_CHARS = 4_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A request, and where it stands now."""

    request: Request
    fold: Fold
    facts: tuple[Fact, ...] = ()
    decisions: tuple[Decided, ...] = ()
    identical: tuple[str, ...] = ()
    """Other open requests for the same action."""

    here: bool = True
    """Whether it was made in this database, and did not come from another clone."""

    @property
    def status(self) -> str:
        """`pending`, `approved`, `rejected`, `revise`, `expired`, `used` or `lapsed`."""
        return self.fold.status


@dataclass(frozen=True, slots=True)
class OpenPage:
    """Some of the requests that wait for a person, and how many there are in all."""

    lines: tuple[Line, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Used:
    """Whether an approval let an action pass, by whom it was given, or why it does not fit."""

    accepted: bool
    reason: str
    """In words: who approved it, by which channel and when; or everything that speaks against using it."""


class Requests:
    """The requests of one project."""

    def __init__(
        self, ledger: Ledger, *, settings: Callable[[], Settings], notify: Callable[[str, str], None], clock: Clock,
        new_id: Callable[[], str],
    ) -> None:  # fmt: skip
        """`notify` gets `asked` or `escalated` and the id; it neither waits nor raises."""
        self._ledger = ledger
        self._settings = settings
        self._notify = notify
        self._clock = clock
        self._new_id = new_id

    def ask(self, subject: Subject, proposal: Proposal, *, session: str | None, actor: Actor) -> Standing | None:
        """Keep a request; it is on disk when this returns. None: by the matrix nobody need be asked.

        What was asked before for the same binding, and still waits or can still be used, is returned instead.

        Raises:
            StorageError: the request could not be kept, so nobody was asked.
        """
        settings, now, who = self._settings(), self._clock(), requester_of(actor)
        need = proposals.need_of(proposal, subject.decision, subject.severity, settings)
        if need == "none" and subject.kind != PLAN:
            return None
        digest = subjects.binding(subject, requester=who, session=session)
        if (known := self._known(digest)) is not None:
            return known
        request = Request(
            self._new_id(), subject, proposal, digest, floor_of(subject.findings, settings), need, who, session, now,
            now + settings.escalates_after, now + settings.expires_after,
        )  # fmt: skip
        self._ledger.append(events.requested(request), actor=actor)
        self._tell("asked", request.id)
        return self.standing(request.id)

    def standing(self, approval: str) -> Standing:
        """Where a request stands; its id may be shortened to a beginning or an end that no other has.

        Raises:
            NotFoundError: there is none.
            InvalidInputError: the shortened id fits several.
        """
        with self._ledger.read() as tx:
            return self._standing(tx, self._whole_id(tx, approval))

    def open(self, *, limit: int = 50, after: str = "") -> OpenPage:
        """What waits for a person, the oldest first; of identical requests the first, with their number."""
        self.sweep()
        now = self._clock()
        with self._ledger.read() as tx:
            lines = tuple(rows.open_lines(tx, now=now, limit=limit, after=after))
            return OpenPage(lines, rows.count_open(tx, now=now))

    def history(self, search: str = "", *, limit: int = 50, before: str = "") -> list[Standing]:
        """Requests of any status that have all of these words, newest first."""
        with self._ledger.read() as tx:
            found = rows.history(tx, words=search.split()[:8], limit=limit, before=before)
            return [self._standing(tx, line.id) for line in found]

    def complete(self, prefix: str) -> list[str]:
        """Ids that begin or end with what was typed."""
        with self._ledger.read() as tx:
            return rows.complete(tx, prefix, limit=20)

    def last_change(self) -> tuple[str, ...]:
        """Something that differs whenever any request changed; cheap enough to be asked often."""
        with self._ledger.read() as tx:
            return rows.last_change(tx)

    def show(self, approval: str, *, by: str, actor: Actor) -> Standing:
        """The same as `standing`, and keep that it was shown to somebody for the first time."""
        found = self.standing(approval)
        shown = any(fact.kind == events.SHOWN and fact.who == by for fact in found.facts)
        if found.status == "pending" and not shown:
            self._ledger.append([events.happened(found.request.id, events.SHOWN, who=by)], actor=actor)
        return found

    def decide(
        self, approval: str, decision: str, *, by: str, digest: str, feedback: str = "", identical: bool = False,
        actor: Actor,
    ) -> Standing:  # fmt: skip
        """Keep a person's decision about what was shown; `digest` is that of the request they saw.

        The first valid one stands. With `identical` it is also about the other open requests for the same action.

        Raises:
            InvalidInputError: it is no decision, nobody decides by this channel, or not by this channel alone.
            ConflictError: it was decided before.
            ExpiredError: nobody decided in time, which is a refusal.
            NotFoundError: there is no such request.
        """
        others = self.standing(approval).identical if identical else ()
        found = self._decide_one(approval, decision, by=by, digest=digest, feedback=feedback, actor=actor)
        for other in others:
            try:
                binding = self.standing(other).request.digest
                self._decide_one(other, decision, by=by, digest=binding, feedback=feedback, actor=actor)
            except AgentOpsError as error:  # decided by somebody else meanwhile: theirs stands
                logger.info("An identical request was left: %s", error)
        return found

    def use(self, approval: str, subject: Subject, *, session: str | None, actor: Actor) -> Used:
        """Use an approval for the action as it is now: once, by whoever asked, while everything is as it was shown.

        Exactly one call is accepted, however many come at once; it is on disk when this returns.

        Raises:
            NotFoundError: there is no such request.
        """
        found = self.standing(approval)
        stream = events.stream(found.request.id)
        for _ in range(_TRIES):
            last = self._ledger.last_in(stream)
            found = self.standing(found.request.id)
            if against := self._against_use(found, subject, session, requester_of(actor)):
                return self._refused(found, "; ".join(against), session, actor)
            draft = events.happened(found.request.id, events.USED, who=requester_of(actor), note=subject.action,
                                  session=session)  # fmt: skip
            try:
                self._ledger.append([draft], actor=actor, expected={stream: last})
            except ConflictError:
                continue
            return Used(True, given_by(found.fold))
        return self._refused(found, "too many calls use it at once", session, actor)

    def sweep(self) -> int:
        """Record what time did: requests that expired, and those that nobody decided for long; returns how many."""
        now = self._clock()
        with self._ledger.read() as tx:
            expired, escalated = rows.due(tx, now=now, limit=_SWEPT)
        for approval in expired:
            self._by_time(approval, events.EXPIRED, "nobody decided in time; this is a refusal")
        for approval in escalated:
            if self._by_time(approval, events.ESCALATED, "nobody decided yet"):
                self._tell("escalated", approval)
        return len(expired) + len(escalated)

    def _known(self, digest: str) -> Standing | None:
        with self._ledger.read() as tx:
            approval = rows.newest_by_digest(tx, digest)
            found = self._standing(tx, approval) if approval else None
        return found if found and found.status in ("pending", "approved") else None

    def _standing(self, tx: Transaction, approval: str) -> Standing:
        request = rows.need(rows.find(tx, approval), approval)
        facts = tuple(rows.facts_of(tx, approval))
        decisions = tuple(rows.decisions_of(tx, approval, origin=self._ledger.identity))
        now = self._clock()
        folded = self._fold(request, decisions, facts, now, request.floor)
        others = tuple(rows.identical(tx, request, now=now)) if folded.status == "pending" else ()
        here = rows.is_vouched(tx, approval, origin=self._ledger.identity)
        return Standing(request, folded, facts, decisions, others, here)

    def _fold(
        self, request: Request, decisions: tuple[Decided, ...], facts: tuple[Fact, ...], now: datetime, floor: Strength
    ) -> Fold:
        settings = self._settings()
        used = any(fact.kind == events.USED for fact in facts)
        return fold(
            decisions, floor=floor, requester=request.requester, expires_at=request.expires_at, used=used, now=now,
            lasts_s=settings.grant_lasts.total_seconds(), accept_elsewhere=settings.accept_elsewhere,
        )  # fmt: skip

    def _whole_id(self, tx: Transaction, approval: str) -> str:
        typed = approval.strip().rpartition("/")[2].lower()
        if is_id(typed):
            return typed
        found = rows.complete(tx, typed) if len(typed) >= 4 else []
        if len(found) > 1 and typed not in found:
            raise InvalidInputError(f"{typed!r} fits several approvals.", remedy=f"Say {found[0]} or {found[1]}.")
        return typed if typed in found or not found else found[0]

    def _decide_one(
        self, approval: str, decision: str, *, by: str, digest: str, feedback: str, actor: Actor
    ) -> Standing:
        feedback = visible(feedback.strip())
        request = self.standing(approval).request
        stream = events.stream(request.id)
        for _ in range(_TRIES):
            last = self._ledger.last_in(stream)
            found = self.standing(request.id)
            try:
                drafts = self._decision(found, decision, by, digest, feedback, actor)
            except AgentOpsError as error:
                self._note(request.id, f"{decision[:20]} by {by}: {error.problem}", by, actor)
                raise
            try:
                self._ledger.append(drafts, actor=actor, expected={stream: last})
            except ConflictError:
                continue
            return self.standing(request.id)
        raise ConflictError("Too many decide about it at once.", remedy="Look at the request again.")

    def _decision(
        self, found: Standing, decision: str, by: str, digest: str, feedback: str, actor: Actor
    ) -> list[Draft]:
        request, strength = found.request, strength_of(actor.via)
        if strength is None or by == request.requester:
            raise InvalidInputError(
                "Only a person decides about a request.", remedy=how_to_decide(request.id, request.floor)
            )
        if decision not in DECISIONS:
            raise InvalidInputError(f"{decision[:20]!r} is no decision.", remedy=f"Give one of {', '.join(DECISIONS)}.")
        _refuse_ended(found)
        if digest != request.digest:
            raise ConflictError("What was shown is not this request.", remedy="Look at it again, then decide.")
        if len(feedback) > _FEEDBACK_CHARS or (decision == "revise" and not feedback):
            raise InvalidInputError(
                "Say in words what is to change, in at most 4,000 characters.", remedy="The agent gets them back."
            )
        if decision == "approve":
            self._refuse_foreign(found)
            self._refuse_weak(found, strength, by)
        chosen: Decision = DECISIONS[DECISIONS.index(decision)]
        shown_ms = self._shown_ms(found, by)
        return events.decided(request.id, chosen, by=by, feedback=feedback, shown_ms=shown_ms, event_id=self._new_id())

    def _refuse_foreign(self, found: Standing) -> None:
        if not (found.here or self._settings().accept_elsewhere):
            raise InvalidInputError(
                "It came from another clone, and nothing here vouches for what it says.",
                remedy="Approve it where it was asked; here it can be rejected or sent back.",
            )

    def _refuse_weak(self, found: Standing, strength: Strength, by: str) -> None:
        floor = found.request.floor
        if not suffices(strength, floor):
            raise InvalidInputError(
                f"This needs a decision by {SPOKEN[floor]}; {SPOKEN[strength]} does not do.",
                remedy=how_to_decide(found.request.id, floor),
            )
        if any(each.by == by for each in found.fold.approvals):
            raise InvalidInputError("You approved it already.", remedy="Another person must approve it too.")

    def _shown_ms(self, found: Standing, by: str) -> int | None:
        shown = [fact.at for fact in found.facts if fact.kind == events.SHOWN and fact.who == by]
        return max(0, round((self._clock() - min(shown)).total_seconds() * 1_000)) if shown else None

    def _against_use(self, found: Standing, now: Subject, session: str | None, who: str) -> list[str]:
        request, against = found.request, [*_NOT_USABLE.get(found.status, ())]
        if request.subject.kind == PLAN:
            against.append("it is about a plan, not about an action")
        if not (found.here or self._settings().accept_elsewhere):
            against.append("it came from another clone")
        if (request.session, request.requester) != (session, who):
            against.append("it was asked for by another session or agent")
        against += subjects.changes(request.subject, now)
        floor = STRENGTHS[
            max(STRENGTHS.index(request.floor), STRENGTHS.index(floor_of(now.findings, self._settings())))
        ]
        if not against and self._fold(request, found.decisions, found.facts, self._clock(), floor).status != "approved":
            against.append(f"it now needs a decision by {SPOKEN[floor]}")
        return against

    def _refused(self, found: Standing, why: str, session: str | None, actor: Actor) -> Used:
        self._note(found.request.id, f"use: {why}", requester_of(actor), actor, session)
        return Used(False, why)

    def _note(self, approval: str, note: str, who: str, actor: Actor, session: str | None = None) -> None:
        draft = events.happened(approval, events.REFUSED, who=who, note=visible(note[:500]), session=session)
        self._ledger.append([draft], actor=actor)

    def _by_time(self, approval: str, kind: str, note: str) -> bool:
        stream = events.stream(approval)
        last = self._ledger.last_in(stream)
        if self.standing(approval).status != ("expired" if kind == events.EXPIRED else "pending"):
            return False
        draft = events.happened(approval, kind, who="time", note=note)
        try:
            self._ledger.append([draft], actor=Actor("agentops-mcp", "time", "cli"), expected={stream: last})
        except ConflictError:  # decided, or swept by another process, in this very moment
            return False
        return True

    def _tell(self, what: str, approval: str) -> None:
        try:
            self._notify(what, approval)
        except Exception:  # a bell that does not ring is no reason to lose the request
            logger.exception("The notification of an approval failed")


_NOT_USABLE: dict[str, tuple[str, ...]] = {
    "pending": ("nobody decided yet",),
    "rejected": ("it was rejected",),
    "revise": ("it was sent back to be revised",),
    "expired": ("nobody decided in time, which is a refusal",),
    "used": ("it was used already; an approval is used once",),
    "lapsed": ("it was not used in time",),
}


def _refuse_ended(found: Standing) -> None:
    if found.status == "expired":
        raise ExpiredError("Nobody decided in time, which is a refusal.", remedy="The agent can ask again.")
    if found.status != "pending":
        last = found.fold.last
        by = f" by {last.by} at {last.at:%H:%M} UTC" if last else ""
        raise ConflictError(
            f"It was decided before: {found.status}{by}.", remedy="The first decision stands; the agent can ask again."
        )
