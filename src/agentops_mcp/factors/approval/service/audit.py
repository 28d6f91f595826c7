"""Steps of factor VIII: the trail of one request, from the check to the outcome, each with the event that proves it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from agentops_mcp.core.records import Event, digest
from agentops_mcp.factors.approval.render.actions import headline
from agentops_mcp.factors.approval.rules.settings import SPOKEN
from agentops_mcp.factors.approval.rules.standing import strength_of
from agentops_mcp.factors.approval.rules.trails import Step, What
from agentops_mcp.factors.approval.service.requests import Requests, Standing
from agentops_mcp.factors.approval.store import request_events as events
from agentops_mcp.factors.approval.store import trails as rows
from agentops_mcp.storage.ledger import Ledger

_WHAT: dict[str, What] = {
    events.REQUESTED: "request", events.SHOWN: "shown", events.DECIDED: "decision", events.REFUSED: "refused",
    events.ESCALATED: "escalated", events.EXPIRED: "expired", events.USED: "use",
}  # fmt: skip
_ELSEWHERE = "it came from another clone, and counts here only where the settings say so"


class Kept(Protocol):
    """Something that the guard kept about an action."""

    @property
    def event(self) -> Event:
        """The event itself."""
        ...

    @property
    def what(self) -> Literal["check", "outcome"]:
        """What it is."""
        ...

    @property
    def said(self) -> str:
        """It in words."""
        ...


class ActionTrails(Protocol):
    """What a trail asks of the guard."""

    def around(
        self, action: str, *, approval: str, session: str | None, asked: str, used: tuple[str, str | None] | None
    ) -> Sequence[Kept]:
        """The checks of an action around an approval, and what came of it, in order.

        `asked` is the id of the request's event; `used` that of its use, with the session that used it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Trail:
    """A request as it stands, and every step of it."""

    standing: Standing
    steps: tuple[Step, ...]

    @property
    def holds(self) -> bool:
        """Whether every event of it is as it was written."""
        return all(step.holds for step in self.steps)


class Audit:
    """The trails of one project's requests."""

    def __init__(self, ledger: Ledger, requests: Requests, actions: ActionTrails) -> None:
        self._ledger = ledger
        self._requests = requests
        self._actions = actions

    def trail(self, approval: str) -> Trail:
        """Everything that was done about a request, in order; its id may be shortened.

        Raises:
            NotFoundError: there is none.
            InvalidInputError: the shortened id fits several.
        """
        standing = self._requests.standing(approval)
        request = standing.request
        with self._ledger.read() as tx:
            own = rows.events_of(tx, request.id)
        used = next(((each.id, each.session) for each in own if each.kind == events.USED), None)
        around = self._actions.around(
            request.subject.action, approval=request.id, session=request.session, asked=request.id, used=used
        )
        steps = [*_of_request(standing, own), *map(_of_guard, around)]
        return Trail(standing, tuple(sorted(steps, key=lambda step: (step.at, step.event))))


def _of_request(standing: Standing, own: Sequence[Event]) -> Iterator[Step]:
    elsewhere = {each.id for each in standing.decisions if not each.here}
    for event in own:
        body = event.body
        who, said = str(body.get("who", "")), str(body.get("note", ""))
        match event.kind:
            case events.REQUESTED:
                who, said = standing.request.requester, headline(standing.request.subject)
            case events.DECIDED:
                who, said = str(body.get("by", "")), _decision(event, elsewhere=event.id in elsewhere)
            case events.USED:
                said = "for the action with this digest, once"
            case _:
                pass
        yield _step(event, _WHAT[event.kind], who, said)


def _decision(event: Event, *, elsewhere: bool) -> str:
    body = event.body
    shown_ms, words = body.get("shown_ms"), str(body.get("feedback", ""))
    after = f", {shown_ms / 1_000:.1f} s after it was shown" if isinstance(shown_ms, int) else ""
    return "; ".join(filter(None, (f"{body.get('decision')}{after}", words, _ELSEWHERE if elsewhere else "")))


def _of_guard(kept: Kept) -> Step:
    return _step(kept.event, kept.what, str(kept.event.actor.get("client", "")), kept.said)


def _step(event: Event, what: What, who: str, said: str) -> Step:
    via = str(event.actor.get("via", ""))
    strength = strength_of(via)
    channel = SPOKEN[strength] if strength else "a tool call"
    if what in ("escalated", "expired"):
        channel = "the clock"
    return Step(
        what, events.instant(event.at), who, channel, strength or "" if what == "decision" else "", said, event.id,
        event.hash, _holds(event),
    )  # fmt: skip


def _holds(event: Event) -> bool:
    try:
        return digest(event) == event.hash
    except (ValueError, RecursionError):  # what can not be written canonically was never hashed
        return False
