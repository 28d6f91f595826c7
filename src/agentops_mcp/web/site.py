"""The page as an application: its addresses, who is let in, and what an error looks like."""

import functools
import hmac
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from agentops_mcp.app import App
from agentops_mcp.core.errors import AgentOpsError, NotFoundError
from agentops_mcp.core.ids import is_id
from agentops_mcp.storage.page_access import LINK_LASTS, SESSION_LASTS, PageAccess, Session
from agentops_mcp.web import looks as drawn
from agentops_mcp.web.changes import Changes, EventStream
from agentops_mcp.web.deciding import Deciding, status_of
from agentops_mcp.web.forms import read_form
from agentops_mcp.web.guard import Guarded
from agentops_mcp.web.looks import Looks
from agentops_mcp.web.views import Views
from agentops_mcp.web.visits import Visit, version

_UNKNOWN, _FORBIDDEN, _GONE, _FOUND, _BUSY = 401, 403, 410, 303, 503
_MEANINGS = {404: "There is nothing here.", 405: "Nothing is done by opening this address."}

View = Callable[[Visit], Response]


class Site:
    """The page of one project, to be served on a loopback address."""

    def __init__(self, app: App, access: PageAccess) -> None:
        """`app` is opened by the first visit; whoever made it closes it."""
        self._app = app
        self._access = access
        self._looks = Looks(app.clock)
        self._changes = Changes(functools.partial(version, app), functools.partial(_tidy, app))
        self._cookie = f"agentops-{access.folder.name[:16]}"
        views = Views(self._looks)
        deciding = Deciding(views)
        routed = Starlette(
            routes=[
                Route("/", self._reading(views.pending)),
                Route("/r/{id}", self._reading(views.request, of_one=True)),
                Route("/r/{id}/diff", self._reading(views.diff, of_one=True)),
                Route("/r/{id}/decide", self._changing(deciding.decide, of_one=True), methods=["POST"]),
                Route("/history", self._reading(views.history)),
                Route("/grants", self._reading(views.grants)),
                Route("/grants/{id}/revoke", self._changing(deciding.revoke, of_one=True), methods=["POST"]),
                Route("/rates", self._reading(views.rates)),
                Route("/events", self._events),
                Route("/sign-in/{token}", self._sign_in, methods=["GET", "POST"]),
                Route("/sign-out", self._changing(self._sign_out), methods=["POST"]),
                Route("/static/{name}", _static),
            ],
            exception_handlers={
                HTTPException: self._http_error, AgentOpsError: self._error, Exception: self._failure,
            },
        )  # fmt: skip
        routed.router.redirect_slashes = False
        self._asgi: ASGIApp = Guarded(routed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._asgi(scope, receive, send)

    def close(self) -> None:
        """Let every open window go, so that the server can stop."""
        self._changes.close()

    def _reading(self, view: View, *, of_one: bool = False) -> Callable[[Request], Any]:
        async def read(request: Request) -> Response:
            session = await self._session(request)
            if session is None:
                return self._stranger(request)
            visit = Visit(session, self._app, _id_of(request, of_one), dict(request.query_params))
            return await run_in_threadpool(view, visit)

        return read

    def _changing(self, view: View, *, of_one: bool = False) -> Callable[[Request], Any]:
        async def change(request: Request) -> Response:
            session = await self._session(request)
            if session is None:
                return self._stranger(request)
            form = await read_form(request)
            if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
                raise HTTPException(_FORBIDDEN, "This form is not of your session; nothing was done.")
            visit = Visit(session, self._app, _id_of(request, of_one), form=form)
            response = await run_in_threadpool(view, visit)
            response.background = BackgroundTask(self._app.settle)
            return response

        return change

    async def _events(self, request: Request) -> Any:
        session = await self._session(request)
        if session is None:
            return self._stranger(request)
        if self._changes.full:
            raise HTTPException(_BUSY, "Too many windows are open.")
        seen = request.headers.get("last-event-id") or request.query_params.get("seen")
        seen = seen or await run_in_threadpool(version, self._app)
        return EventStream(self._changes, seen, lambda: self._access.session(session.cookie) is not None)

    async def _sign_in(self, request: Request) -> Response:
        token = request.path_params["token"]
        person = await run_in_threadpool(self._access.invited, token)
        if request.method != "POST" and person is not None:
            values = {"invited": person, "hours": SESSION_LASTS.total_seconds() // 3_600}
            return self._looks.page("sign_in.html", values)
        session = await run_in_threadpool(self._access.sign_in, token) if request.method == "POST" else None
        if session is None:
            return self._outside("This link signs nobody in: it was used, or its time is over.", _GONE)
        if before := request.cookies.get(self._cookie):
            await run_in_threadpool(self._access.sign_out, before)
        response = RedirectResponse("/", _FOUND)
        response.set_cookie(
            self._cookie, session.cookie, max_age=int(SESSION_LASTS.total_seconds()), path="/", httponly=True,
            samesite="strict",
        )  # fmt: skip
        return response

    def _sign_out(self, visit: Visit) -> Response:
        self._access.sign_out(visit.session.cookie)
        response = RedirectResponse("/", _FOUND)
        response.delete_cookie(self._cookie, path="/", httponly=True, samesite="strict")
        return response

    async def _session(self, request: Request) -> Session | None:
        cookie = request.cookies.get(self._cookie, "")
        return await run_in_threadpool(self._access.session, cookie) if cookie else None

    def _stranger(self, request: Request) -> Response:
        response = self._outside("You are not signed in.", _UNKNOWN, again=request.method == "GET")
        response.headers["www-authenticate"] = 'Link realm="agentops-mcp web"'
        return response

    def _outside(self, problem: str, status: int, *, again: bool = False) -> Response:
        minutes = LINK_LASTS.total_seconds() // 60
        return self._looks.page("outside.html", {"problem": problem, "minutes": minutes, "again": again}, status=status)

    def _http_error(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - starlette passes it
        status = error.status_code if isinstance(error, HTTPException) else 500
        said = _MEANINGS.get(status) or (error.detail if isinstance(error, HTTPException) else "")
        return self._looks.page("error.html", {"problem": said, "remedy": ""}, status=status)

    def _error(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - starlette passes it
        if not isinstance(error, AgentOpsError):
            raise error
        values = {"problem": error.problem, "remedy": error.remedy}
        return self._looks.page("error.html", values, status=status_of(error))

    def _failure(self, request: Request, error: Exception) -> Response:  # noqa: ARG002 - starlette passes it
        values = {"problem": "This failed, and nothing is known to be done.", "remedy": "The terminal has the details."}
        return self._looks.page("error.html", values, status=500)


def _tidy(app: App) -> None:
    """Record what time alone changed: an open window shall say that a request expired."""
    app.approving().requests.sweep()


def _id_of(request: Request, wanted: bool) -> str:
    """The id in an address, which must be whole: a beginning would let ids be guessed.

    Raises:
        NotFoundError: it is none.
    """
    if not wanted:
        return ""
    given = request.path_params["id"]
    if not is_id(given):
        raise NotFoundError("There is nothing here.", remedy="What waits is on the first page.")
    return given


async def _static(request: Request) -> Response:
    found = await run_in_threadpool(drawn.static, request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return Response(found[0], media_type=found[1])
