"""`approvals`, `grants` and `revoke`: what waits for a person, what became of it, and what was granted in advance."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agentops_mcp.cli.marked import say_marked
from agentops_mcp.cli.opening import JsonOption, ProjectOption, reading
from agentops_mcp.cli.output import EXIT_FOUND, counted, say, say_json, say_table
from agentops_mcp.cli.person import person
from agentops_mcp.core.errors import AgentOpsError, InvalidInputError, NotFoundError
from agentops_mcp.core.lookalikes import revealed
from agentops_mcp.factors.approval.render.requests import message, status_line, title
from agentops_mcp.factors.approval.render.trails import trail_lines
from agentops_mcp.factors.approval.rules import proposals, subjects
from agentops_mcp.factors.approval.rules.principals import person_of
from agentops_mcp.factors.approval.rules.rates import Rates
from agentops_mcp.factors.approval.rules.scopes import Grant
from agentops_mcp.factors.approval.service.audit import Trail
from agentops_mcp.factors.approval.service.rates import rates_since
from agentops_mcp.factors.approval.service.requests import OpenPage, Standing
from agentops_mcp.factors.approval.store.requests import Line

if TYPE_CHECKING:
    from agentops_mcp.approving import Approving

SHORT = 8
"""How many of the last characters of an id are printed; they are enough to name it."""

_LEAST = 4
_WINDOW = timedelta(days=30)
_CHANNELS = {
    "client": "any channel", "page": "page or terminal", "terminal": "terminal", "two_people": "two people",
}  # fmt: skip


def pending_ids(context: typer.Context, incomplete: str) -> list[str]:
    """What the shell offers where the id of a waiting request goes."""
    with suppress(AgentOpsError), reading(context.params.get("project")) as app:
        ids = [line.id for line in app.approving().requests.open(limit=50).lines]
        return [each for whole in ids for each in (whole[-SHORT:], whole) if each.startswith(incomplete)]
    return []


def _grant_ids(context: typer.Context, incomplete: str) -> list[str]:
    with suppress(AgentOpsError), reading(context.params.get("project")) as app:
        ids = [grant.id for grant in app.approving().grants.live()]
        return [each for whole in ids for each in (whole[-SHORT:], whole) if each.startswith(incomplete)]
    return []


def approvals(
    approval: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help="Show this request whole; the end of its id is enough.", autocompletion=pending_ids
        ),
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Those of any status, newest first.")] = False,
    search: Annotated[str, typer.Option("--search", metavar="WORDS", help="The history that has all words.")] = "",
    audit: Annotated[bool, typer.Option("--audit", help="Every step of it, and the event that proves each.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, metavar="NUMBER", help="How many.")] = 50,
    json: JsonOption = False,
    project: ProjectOption = None,
) -> None:
    """List what waits for a person, or show one request.

    Deciding is `approve`, `reject` and `revise`. With --audit the exit code is 1 when an event is not as it was
    written; `verify` proves the whole chain.
    """
    if approval and (history or search):
        raise InvalidInputError("An id names one request.", remedy="Leave out --history and --search, or the id.")
    with reading(project) as app:
        approving = app.approving()
        if audit:
            _audit(_wanted(approving, approval, search, limit), whole=approval is not None, json=json)
        elif approval:
            _show(approving, approval, json=json)
        elif history or search:
            _say_history(approving.requests.history(search, limit=limit), json=json)
        else:
            rates = rates_since(app.parts.ledger, approving.settings(), app.clock() - _WINDOW)
            _say_pending(approving.requests.open(limit=limit), rates, now=app.clock(), json=json)
        app.settle()


def grants(json: JsonOption = False, project: ProjectOption = None) -> None:
    """List what people granted in advance, newest first."""
    with reading(project) as app:
        found, now = app.approving().grants.listed(), app.clock()
    if json:
        say_json([{**asdict(grant), "until": grant.until.isoformat(), "at": grant.at.isoformat(),
                   "holds": grant.holds(now)} for grant in found])  # fmt: skip
        return
    if not found:
        say("No grants. `agentops-mcp approve ID --grant RULE` gives one.")
        return
    say_table(_grant_row(grant, now) for grant in found)


def revoke(
    grant: Annotated[
        str, typer.Argument(metavar="ID", help="A grant; the end of its id is enough.", autocompletion=_grant_ids)
    ],
    because: Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; kept with it.")] = "",
    project: ProjectOption = None,
) -> None:
    """End a grant before its time.

    It needs no code, as it lets nothing pass.
    """
    with reading(project) as app:
        granted, actor = app.approving().grants, person("revoke")
        known = _grant_of(granted.listed(limit=1_000), grant)
        held = known.holds(app.clock())
        ended = granted.revoke(known.id, reason=because, by=person_of(actor), actor=actor)
        app.settle()
    say(f"{ended.id[-SHORT:]}, for {_scope(ended)}, {'holds no longer' if held else 'had ended before'}.")


def _wanted(approving: "Approving", approval: str | None, search: str, limit: int) -> list[Trail]:
    """The trails that are asked for: of one request, or of the newest."""
    if approval:
        return [approving.audit.trail(approval)]
    return [approving.audit.trail(each.request.id) for each in approving.requests.history(search, limit=limit)]


def _audit(trails: Sequence[Trail], *, whole: bool, json: bool) -> None:
    if json:
        documents = [_trail_document(each) for each in trails]
        say_json(documents[0] if whole else documents)
    elif not trails:
        say("No agent asked for anything yet.")
    for number, each in enumerate(() if json else trails):
        if number:
            say()
        say_marked("\n".join((*_head(each.standing), "", *trail_lines(each.steps))))
    if not all(each.holds for each in trails):
        raise typer.Exit(EXIT_FOUND)


def _head(standing: Standing) -> tuple[str, str, str]:
    return title(standing), status_line(standing), f"Request {standing.request.id}"


def _trail_document(trail: Trail) -> dict[str, Any]:
    steps = [{**asdict(step), "at": step.at.isoformat()} for step in trail.steps]
    request = trail.standing.request
    return {"id": request.id, "status": trail.standing.status, "steps": steps, "holds": trail.holds}


def _show(approving: "Approving", approval: str, *, json: bool) -> None:
    standing = approving.requests.standing(approval)
    if json:
        say_json(request_document(standing))
        return
    if sys.stdout.isatty():  # in a pipe nobody may have seen it
        actor = person("approvals")
        standing = approving.requests.show(standing.request.id, by=person_of(actor), actor=actor)
    say_marked(message(standing))


def request_document(standing: Standing) -> dict[str, Any]:
    """A request for programs."""
    request = standing.request
    times = {name: getattr(request, name).isoformat() for name in ("at", "escalates_at", "expires_at")}
    return {
        "id": request.id, "status": standing.status, "status_line": status_line(standing), "title": title(standing),
        "floor": request.floor, "need": request.need, "requester": request.requester, "session": request.session,
        "digest": request.digest, **times, "identical": list(standing.identical),
        "decisions": [{**asdict(each), "at": each.at.isoformat()} for each in standing.decisions],
        "subject": subjects.to_body(request.subject), "proposal": proposals.to_body(request.proposal),
    }  # fmt: skip


def _say_history(found: Sequence[Standing], *, json: bool) -> None:
    if json:
        say_json([request_document(each) for each in found])
    elif found:
        say_table(
            (each.request.id[-SHORT:], f"{each.request.at:%Y-%m-%d %H:%M}", f"{title(each)}: {status_line(each)}")
            for each in found
        )
    else:
        say("No request is like that.")


def _say_pending(page: OpenPage, rates: Rates, *, now: datetime, json: bool) -> None:
    if json:
        say_json(
            {"pending": [_line_document(line) for line in page.lines], "total": page.total,
             "rates": {**asdict(rates), "days": _WINDOW.days}}
        )  # fmt: skip
        return
    if page.lines:
        say_table(_pending_row(line, now) for line in page.lines)
        shown = sum(line.identical for line in page.lines)
        more = f"; {page.total - shown} of them not listed, see --limit" if page.total > shown else ""
        say(f"{counted(page.total, 'request')} waiting for a person{more}.")
        if sys.stdout.isatty():
            say("Read one whole: agentops-mcp approvals ID")
            say("Decide: agentops-mcp approve ID, reject ID, revise ID --because TEXT")
    else:
        say("Nothing waits for a person.")
    for line in _rates_lines(rates):
        say(line)


def _pending_row(line: Line, now: datetime) -> tuple[str, ...]:
    same = f" ({line.identical} of the same)" if line.identical > 1 else ""
    words = f'{line.kind.replace("_", " ")}, "{revealed(line.summary)}"{same}'
    return line.id[-SHORT:], _age(now - line.requested_at), line.severity, _CHANNELS[line.floor], words


def _line_document(line: Line) -> dict[str, Any]:
    times = {name: getattr(line, name).isoformat() for name in ("requested_at", "expires_at")}
    return {**asdict(line), **times}


def _rates_lines(rates: Rates) -> list[str]:
    if not rates.n:
        return []
    median = f", median {rates.median_s:.0f} s from shown to decided (n = {rates.timed})" if rates.timed else ""
    said = f"In {_WINDOW.days} days {rates.approved / rates.n:.0%} approved (n = {rates.n}){median}."
    return [said, *(f"Look at this: {flag}" for flag in rates.flags)]


def _age(age: timedelta) -> str:
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def _grant_row(grant: Grant, now: datetime) -> tuple[str, ...]:
    state = "holds" if grant.holds(now) else "revoked" if grant.revoked else "ended"
    uses = f"{grant.used} of {grant.uses} uses" if grant.uses else f"{grant.used} uses"
    reason = f": {revealed(grant.reason)}" if grant.reason else ""
    return (
        grant.id[-SHORT:], state, uses, f"until {grant.until:%Y-%m-%d %H:%M} UTC",
        f"{_scope(grant)}, by {revealed(grant.given_by)}{reason}",
    )  # fmt: skip


def _scope(grant: Grant) -> str:
    return f"{grant.rule} in {revealed(grant.prefix)}" if grant.prefix else f"{grant.rule} everywhere"


def _grant_of(known: Sequence[Grant], typed: str) -> Grant:
    """The grant whose id begins or ends with what was typed.

    Raises:
        NotFoundError, InvalidInputError: none does, or several do.
    """
    wanted = typed.strip().rpartition("/")[2].lower()
    found = [each for each in known if each.id == wanted] or [
        each for each in known if len(wanted) >= _LEAST and (each.id.startswith(wanted) or each.id.endswith(wanted))
    ]
    if not found:
        raise NotFoundError(f"No grant has the id {typed[:60]!r}.", remedy="`agentops-mcp grants` lists them.")
    if found[1:]:
        raise InvalidInputError(f"{wanted!r} fits several grants.", remedy=f"Say {found[0].id} or {found[1].id}.")
    return found[0]
