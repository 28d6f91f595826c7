"""Events of requests: what is asked, what is decided about it, and what else happens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.approval.rules import proposals, subjects
from agentops_mcp.factors.approval.rules.proposals import Proposal
from agentops_mcp.factors.approval.rules.settings import NEEDS, STRENGTHS, Need, Strength
from agentops_mcp.factors.approval.rules.standing import Decision
from agentops_mcp.factors.approval.rules.subjects import Subject

REQUESTED, DECIDED, USED, REFUSED = "approval.requested", "approval.decided", "approval.used", "approval.refused"
SHOWN, ESCALATED, EXPIRED = "approval.shown", "approval.escalated", "approval.expired"
VOUCHED = "approval.vouched"
"""That this database took a request or a decision itself. It is local, so nothing that came from elsewhere has it."""

FACTS = (SHOWN, ESCALATED, EXPIRED, USED, REFUSED)
LONGEST = timedelta(days=31)
"""No request waits longer, whoever made its event."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was made."""

    id: str
    subject: Subject
    proposal: Proposal
    digest: str
    """What binds a decision to the action, by `subjects.binding`."""

    floor: Strength
    need: Need
    requester: str
    session: str | None
    at: datetime
    escalates_at: datetime
    expires_at: datetime
    origin: str = ""


def stream(approval: str) -> str:
    """Where the events of a request go."""
    return f"approval/{approval}"


def requested(request: Request) -> list[Draft]:
    """The event of a request, which is named after it, and the one that vouches for it."""
    body = {
        "subject": subjects.to_body(request.subject), "proposal": proposals.to_body(request.proposal),
        "digest": request.digest, "floor": request.floor, "need": request.need, "requester": request.requester,
        "escalates_at": iso(request.escalates_at), "expires_at": iso(request.expires_at),
    }  # fmt: skip
    made = Draft(stream(request.id), REQUESTED, body, session=request.session, id=request.id)
    return [made, _vouching(request.id, request.id)]


def decided(
    approval: str, decision: Decision, *, by: str, feedback: str, shown_ms: int | None, event_id: str
) -> list[Draft]:
    """The event of a decision, and the one that vouches for it; how strong it is follows from its actor's channel."""
    body = {"approval": approval, "decision": decision, "by": by, "feedback": feedback, "shown_ms": shown_ms}
    return [Draft(stream(approval), DECIDED, body, id=event_id), _vouching(approval, event_id)]


def _vouching(approval: str, event_id: str) -> Draft:
    return Draft(f"{stream(approval)}/notes", VOUCHED, {"approval": approval, "of": event_id}, tracked=False)


def happened(approval: str, kind: str, *, who: str, note: str = "", session: str | None = None) -> Draft:
    """The event of anything else; only what ends a request is tracked, and what was refused stays out of its stream."""
    place = f"{stream(approval)}/notes" if kind in (REFUSED, SHOWN) else stream(approval)
    body = {"approval": approval, "who": who, "note": note}
    return Draft(place, kind, body, tracked=kind not in (REFUSED, SHOWN), session=session)


def request_of(event: Event) -> Request:
    """The request an event made.

    Raises:
        IntegrityError: its body is not that of a request.
    """
    try:
        body = event.body
        at, escalates, expires = (instant(each) for each in (event.at, body["escalates_at"], body["expires_at"]))
        _check_times(at, expires)
        return Request(
            event.id, subjects.of_body(body["subject"]), proposals.of_body(body["proposal"]), text(body["digest"]),
            STRENGTHS[STRENGTHS.index(body["floor"])], NEEDS[NEEDS.index(body["need"])], text(body["requester"]),
            event.session, at, escalates, expires, event.origin,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(event) from error


def _check_times(at: datetime, expires: datetime) -> None:
    if not at < expires <= at + LONGEST:
        raise ValueError("it waits too long")


def text(value: Any) -> str:
    """A value that must be text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def instant(text: str) -> datetime:
    """The instant that an event names."""
    return datetime.fromisoformat(text).astimezone(UTC)


def iso(at: datetime) -> str:
    """An instant as events and rows keep it: texts that sort like their instants."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def unreadable(event: Event) -> IntegrityError:
    """The error of an event whose body is not that of its kind."""
    return IntegrityError(f"{event.id} is not readable as {event.kind}.", remedy="`agentops-mcp show` prints it.")
