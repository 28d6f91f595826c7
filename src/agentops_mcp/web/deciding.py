"""What can be done on the page: decide, give a grant with an approval, take one back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import RedirectResponse, Response

from agentops_mcp.core.errors import (
    AgentOpsError,
    ConflictError,
    ExpiredError,
    InvalidInputError,
    NotFoundError,
)
from agentops_mcp.factors.approval.rules.scopes import check_grant
from agentops_mcp.factors.approval.rules.standing import suffices
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.web.views import Views, grantable
from agentops_mcp.web.visits import Visit

_STATUS: tuple[tuple[type[AgentOpsError], int], ...] = (
    (NotFoundError, 404), (ConflictError, 409), (ExpiredError, 410), (InvalidInputError, 400),
)  # fmt: skip
_FORBIDDEN, _BROKEN = 403, 500
_FOUND = 303
_MOST_DIGITS = 4
_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """A grant that a form asks for."""

    rule: str
    prefix: str
    uses: int | None
    lasts: timedelta
    severity: str
    reason: str


@dataclass(frozen=True, slots=True)
class Deciding:
    """Every view that changes something."""

    views: Views

    def decide(self, visit: Visit) -> Response:
        """Keep a decision about the request as it was shown, and a grant when one comes with an approval."""
        requests, form = visit.approving.requests, visit.form
        standing = requests.standing(visit.id)
        decision = form.get("decision", "")
        try:
            if not decision:
                raise InvalidInputError("Nothing was decided.", remedy="Press Deny, Approve or Send back.")
            wanted = _wanted(visit, standing) if decision == "approve" else None
            requests.decide(
                visit.id, decision, by=visit.by, digest=form.get("digest", ""), feedback=form.get("feedback", ""),
                identical=form.get("identical") == "on", actor=visit.actor,
            )  # fmt: skip
            if wanted:
                _give(visit, wanted)
        except AgentOpsError as error:
            return self._refused(visit, error, decision)
        return RedirectResponse(f"/r/{standing.request.id}", _FOUND)

    def revoke(self, visit: Visit) -> Response:
        """End a grant."""
        visit.approving.grants.revoke(visit.id, by=visit.by, actor=visit.actor)
        return RedirectResponse("/grants", _FOUND)

    def _refused(self, visit: Visit, error: AgentOpsError, decision: str) -> Response:
        """The request as it stands now, with what was wrong."""
        frame = visit.frame("request")
        standing = visit.approving.requests.show(visit.id, by=visit.by, actor=visit.actor)
        status = status_of(error)
        if decision == "approve" and not suffices("page", standing.request.floor):
            status = _FORBIDDEN
        return self.views.drawn(frame, visit, standing, problem=f"{error.problem} {error.remedy}", status=status)


def status_of(error: AgentOpsError) -> int:
    """The HTTP status that says what kind of error it is."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _BROKEN)


def _wanted(visit: Visit, standing: Standing) -> Wanted | None:
    """The grant that a form asks for, if any; it is checked before anything is decided.

    Raises:
        InvalidInputError: it can not be given.
    """
    form = visit.form
    rule = form.get("grant_rule", "")
    if not rule:
        return None
    severity = next(
        (each.severity for each in grantable(standing, visit.approving.settings()) if each.rule == rule), None
    )
    if severity is None:
        raise InvalidInputError(
            "This rule can not be granted in advance.", remedy="Approve the one request, without a grant."
        )
    uses = _number(form, "grant_uses", "uses")
    minutes = _number(form, "grant_minutes", "minutes")
    if uses is None and minutes is None:
        raise InvalidInputError("A grant needs an end.", remedy="Say for how many uses or minutes it is.")
    lasts = timedelta(minutes=_MINUTES if minutes is None else minutes)
    prefix = form.get("grant_prefix", "").strip()
    check_grant(rule, prefix, uses, lasts, severity)
    return Wanted(rule, prefix, uses, lasts, severity, form.get("feedback", ""))


def _number(form: Mapping[str, str], name: str, noun: str) -> int | None:
    text = form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise InvalidInputError(f"That is no number of {noun}.", remedy="Write it in digits.")
    return int(text)


def _give(visit: Visit, wanted: Wanted) -> None:
    visit.approving.grants.give(
        wanted.rule, wanted.prefix, uses=wanted.uses, lasts=wanted.lasts, severity=wanted.severity,
        reason=wanted.reason, by=visit.by, actor=visit.actor,
    )  # fmt: skip
