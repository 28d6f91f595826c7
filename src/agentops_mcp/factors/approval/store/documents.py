"""Requests and decisions as search sees them."""

from agentops_mcp.core.display import gist
from agentops_mcp.core.documents import Document
from agentops_mcp.core.records import Event
from agentops_mcp.factors.approval.store.request_events import request_of, text, unreadable

_TEXT_CHARS = 4_000


def of_request(event: Event) -> Document:
    """A request: the action, and the agent's words about it.

    Raises:
        IntegrityError: the event's body is not that of one.
    """
    request = request_of(event)
    said = request.proposal
    parts = [
        request.subject.text[:_TEXT_CHARS], said.changes, f"To undo it: {said.rollback}",
        *(f"Alternative: {each}" for each in said.alternatives), *(f"Risk: {each}" for each in said.risks),
    ]  # fmt: skip
    tags = dict.fromkeys(("approval", *(each.rule for each in request.subject.findings)))
    return Document(f"approvals/{event.id}", "approval", gist(said.summary, limit=200), "\n".join(parts), tuple(tags))


def of_decision(event: Event) -> Document:
    """A decision: what a person decided, and why.

    Raises:
        IntegrityError: the event's body is not that of one.
    """
    try:
        approval, decision, by, said = (text(event.body[key]) for key in ("approval", "decision", "by", "feedback"))
    except (KeyError, TypeError) as error:
        raise unreadable(event) from error
    title = f"{decision} by {by}: {said or 'no words'}"
    return Document(f"approvals/{approval}/trail", "approval", gist(title, limit=200), said, ("approval", decision))
