"""What an agent reads about its request: where it stands, the person's words, and what to do next."""

from datetime import timedelta

from agentops_mcp.factors.approval.render.ways import given_by, how_to_decide
from agentops_mcp.factors.approval.rules.subjects import PLAN
from agentops_mcp.factors.approval.service.requests import Standing

NOT_NEEDED = (
    "NOT NEEDED: the project's settings want no person asked about this.\n"
    "Go on: call check_action right before you act, and report_outcome afterwards."
)


def reply(standing: Standing, *, page: str | None, lasts: timedelta, note: str = "") -> str:
    """A request as its agent reads it: `page` is its address on a page that runs, `note` what happened just now."""
    lines = [f"{standing.status.upper()} {standing.request.id}", _what(standing), note, *_words(standing)]
    lines.append(_next(standing, page, lasts))
    return "\n".join(filter(None, lines))


def _what(standing: Standing) -> str:
    request, last = standing.request, standing.fold.last
    by = f"By {last.by} at {last.at:%Y-%m-%d %H:%M} UTC" if last else ""
    match standing.status:
        case "pending":
            one = f"One of two people approved ({given_by(standing.fold)}). " if standing.fold.approvals else ""
            return f"{one}It waits for a person until {request.expires_at:%Y-%m-%d %H:%M} UTC."
        case "approved" | "used" | "lapsed":
            return f"Approved by {given_by(standing.fold) or 'a person'}."
        case "expired":
            return "Nobody decided in time. That is a refusal, not a yes."
        case _:
            return f"{by}."


def _words(standing: Standing) -> list[str]:
    last = standing.fold.last
    if last is None or not last.feedback or standing.status == "pending":
        return []
    return ["Their words:", *(f"> {line}" for line in last.feedback.splitlines())]


def _next(standing: Standing, page: str | None, lasts: timedelta) -> str:
    request = standing.request
    match standing.status:
        case "pending":
            address = f" The page runs: {page}" if page else ""
            return (
                f"Do not do it yet. {how_to_decide(request.id, request.floor)}{address}\n"
                f'Tell them, do other work meanwhile, or call check_approval(id="{request.id}", wait_s=45).'
            )
        case "approved":
            return _go(standing, lasts)
        case "revise":
            return "Not as it is: change it as they say, and call request_approval again."
        case "rejected":
            return "Do not do it, and do not reach the same end another way."
        case "expired":
            return "Do not do it, nor reach the same end another way. Ask again only if it is still needed."
        case "used":
            return "An approval is used once. To do it again, call request_approval again."
        case _:
            return "It was not used in time and is void. Call request_approval again if it is still needed."


def _go(standing: Standing, lasts: timedelta) -> str:
    request, last = standing.request, standing.fold.last
    if request.subject.kind == PLAN:
        return "Go on with the plan as it was shown; call check_action before each risky step all the same."
    until = f" (until {last.at + lasts:%H:%M} UTC)" if last else ""
    minutes = f"{lasts.total_seconds() / 60:g}"
    return (
        f"Right before you act, call check_action with the same kind, action, cwd and session, and "
        f'approval="{request.id}": once, within {minutes} minutes{until}. Any change voids it.'
    )
