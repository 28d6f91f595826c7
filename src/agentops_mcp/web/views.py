"""What can be looked at: what waits, one request, the history, grants, and how deciding goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from starlette.responses import Response

from agentops_mcp.core.ids import is_id
from agentops_mcp.factors.approval.render import requests as words
from agentops_mcp.factors.approval.render.requests import Section
from agentops_mcp.factors.approval.render.ways import how_to_decide
from agentops_mcp.factors.approval.rules.rates import LEAST
from agentops_mcp.factors.approval.rules.settings import SPOKEN, Settings
from agentops_mcp.factors.approval.rules.standing import floor_of, suffices
from agentops_mcp.factors.approval.rules.subjects import Finding
from agentops_mcp.factors.approval.service.rates import rates_since
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.factors.approval.store import request_events as events
from agentops_mcp.web.looks import Looks
from agentops_mcp.web.visits import Visit

PER_PAGE = 50
INLINE_LINES, FOLDED_LINES = 50, 500
"""A diff shorter than the first is there at once, one shorter than the second folded; a longer one is a file."""

_WINDOWS = (7, 30, 90)
_LONGEST_SEARCH = 200
_BEYOND = {"terminal": SPOKEN["terminal"], "two_people": SPOKEN["two_people"]}
"""What it takes where one decision on the page does not do."""

_HAPPENED = {
    events.SHOWN: "shown to", events.ESCALATED: "escalated by", events.EXPIRED: "expired by", events.USED: "used by",
    events.REFUSED: "refused:",
}  # fmt: skip


_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Shown:
    """A section, and how much of it there is."""

    section: Section
    size: int
    fold: str
    """`inline`, `folded`, or `file` where it is offered as one."""


@dataclass(frozen=True, slots=True)
class Views:
    """Every view that only shows."""

    looks: Looks

    def pending(self, visit: Visit) -> Response:
        """What waits for a person, the oldest first."""
        frame = visit.frame("pending", waiting=0)
        after = visit.query.get("after", "")
        page = visit.approving.requests.open(limit=PER_PAGE + 1, after=after if is_id(after) else "")
        lines, more = _cut(page.lines)
        spoken = {line.id: _BEYOND[line.floor] for line in lines if line.floor in _BEYOND}
        titles = {line.id: words.title(visit.approving.requests.standing(line.id)) for line in lines}
        values = {"lines": lines, "titles": titles, "spoken": spoken, "total": page.total, "after": after,
                  "next": lines[-1].id if more else ""}  # fmt: skip
        return self.looks.page("pending.html", {**frame, **values, "waiting": page.total})

    def request(self, visit: Visit) -> Response:
        """One request, and that it was shown."""
        frame = visit.frame("request")
        standing = visit.approving.requests.show(visit.id, by=visit.by, actor=visit.actor)
        return self.drawn(frame, visit, standing)

    def drawn(
        self, frame: dict[str, Any], visit: Visit, standing: Standing, *, problem: str = "", status: int = 200
    ) -> Response:
        """A request as it stands, with what was wrong with a form about it."""
        request = standing.request
        settings = visit.approving.settings()
        shown = [_shown(section) for section in words.sections(standing)]
        values: dict[str, Any] = {
            "at": f"/r/{request.id}", "standing": standing, "request": request, "title": words.title(standing),
            "status_line": words.status_line(standing), "problem": problem, "form": visit.form,
            "ours": [each for each in shown if each.section.whose == "server"],
            "theirs": [each for each in shown if each.section.whose == "agent"],
            "approvable": suffices("page", request.floor), "how": how_to_decide(request.id, request.floor),
            "spoken": SPOKEN[request.floor], "grantable": grantable(standing, settings), "trail": _trail(standing),
            "mine": any(each.by == visit.by for each in standing.fold.approvals),
        }  # fmt: skip
        return self.looks.page("request.html", {**frame, **values}, status=status)

    def diff(self, visit: Visit) -> Response:
        """A diff that is too long for a page, as a file."""
        standing = visit.approving.requests.standing(visit.id)
        lines = [line for each in words.sections(standing) if each.form == "diff" for line in each.lines]
        name = f"request-{standing.request.id[-8:]}.diff"
        return Response(
            "\n".join(lines) + "\n", media_type="text/plain",
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip

    def history(self, visit: Visit) -> Response:
        """Requests of any status, the newest first."""
        frame = visit.frame("history")
        search, before = visit.query.get("q", "")[:_LONGEST_SEARCH].strip(), visit.query.get("before", "")
        found = visit.approving.requests.history(search, limit=PER_PAGE + 1, before=before if is_id(before) else "")
        rows, more = _cut(found)
        lines = [(each, words.title(each), words.status_line(each)) for each in rows]
        values = {"lines": lines, "search": search, "before": before, "next": rows[-1].request.id if more else ""}
        return self.looks.page("history.html", {**frame, **values})

    def grants(self, visit: Visit) -> Response:
        """What was granted in advance."""
        frame = visit.frame("grants")
        now = visit.app.clock()
        return self.looks.page("grants.html", {**frame, "grants": visit.approving.grants.listed(), "now": now})

    def rates(self, visit: Visit) -> Response:
        """How deciding goes."""
        frame, now = visit.frame("rates"), visit.app.clock()
        settings, ledger = visit.approving.settings(), visit.app.parts.ledger
        windows = [(days, rates_since(ledger, settings, now - timedelta(days=days))) for days in _WINDOWS]
        values = {"windows": windows, "review_s": settings.review.total_seconds(), "least": LEAST}
        return self.looks.page("rates.html", {**frame, **values})


def grantable(standing: Standing, settings: Settings) -> list[Finding]:
    """The findings that a person on the page can grant in advance, each rule once."""
    found = {
        each.rule: each for each in reversed(standing.request.subject.findings)
        if each.effect and each.severity != "critical"
        and (floor := floor_of([each], settings)) != "two_people" and suffices("page", floor)
    }  # fmt: skip
    return list(found.values())


def _shown(section: Section) -> Shown:
    size = sum(line.count("\n") + 1 for line in section.lines)
    if section.form != "diff" or size < INLINE_LINES:
        return Shown(section, size, "inline")
    return Shown(section, size, "folded" if size <= FOLDED_LINES else "file")


def _cut(rows: Sequence[_Row]) -> tuple[Sequence[_Row], bool]:
    """As many as a page has, and whether there are more."""
    return rows[:PER_PAGE], len(rows) > PER_PAGE


def _trail(standing: Standing) -> list[tuple[Any, str]]:
    """What happened to a request, in order."""
    request = standing.request
    trail: list[tuple[Any, str]] = [(request.at, f"asked by {request.requester}")]
    for each in standing.facts:
        said = f"{_HAPPENED.get(each.kind, each.kind)} {each.who}"
        trail.append((each.at, f"{said}: {each.note}" if each.note and each.kind != events.USED else said))
    for each in standing.decisions:
        said = f"{each.decision} by {each.by}, {SPOKEN[each.strength]}"
        trail.append((each.at, f"{said}: {each.feedback}" if each.feedback else said))
    return sorted(trail, key=lambda each: each[0])
