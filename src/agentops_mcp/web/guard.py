"""What every request to the page must satisfy before anything looks at it, and what every answer carries.

A page on loopback can be reached by every program on the machine and, through a browser, by every site a person
visits. Host names one of this machine, or a site's own name was pointed here (DNS rebinding). Origin and Sec-Fetch-Site
name this page, or another one sends the form. Only then do the session and the form's own token count.
"""

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agentops_mcp.core.loopback import LOOPBACK_HOSTS, address

_HEADERS = tuple(
    (name.encode(), value.encode())
    for name, value in {
        "content-security-policy": (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        # Not no-referrer: with it browsers send `Origin: null` with a form.
        "referrer-policy": "same-origin",
        "cache-control": "no-store",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }.items()
)
_READING = frozenset({"GET", "HEAD"})
_HTTP_PORT = 80


class Guarded:
    """An application behind these checks."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in _HEADERS}
                kept = [each for each in message.get("headers", ()) if each[0].lower() not in given]
                message = {**message, "headers": [*kept, *_HEADERS]}
            await send(message)

        if found := refusal(scope):
            await _say(send_guarded, *found)
        else:
            await self._inner(scope, receive, send_guarded)


def refusal(scope: Scope) -> tuple[int, str] | None:
    """Why a request is refused whoever made it: a status and a sentence; None when it is not."""
    host = _only(scope, b"host")
    if host is None or host not in _names(scope):
        return 421, "This page answers only to this machine's own name."
    origins = _all(scope, b"origin")
    if origins and origins != [f"http://{host}"]:
        return 403, "This came from another site; nothing was done."
    if scope["method"] not in _READING and not origins:
        return 403, "It is not known from where this came; nothing was done."
    return _refuse_fetch(scope)


def _refuse_fetch(scope: Scope) -> tuple[int, str] | None:
    """What a browser says about who asks: others may only lead here, neither send nor embed."""
    site = _only(scope, b"sec-fetch-site")
    if site is None or site == "same-origin":
        return None
    leads_here = scope["method"] in _READING and _only(scope, b"sec-fetch-mode") in {None, "navigate"}
    if leads_here and (site == "none" or _only(scope, b"sec-fetch-dest") in {None, "document"}):
        return None
    return 403, "Another site asked for this; nothing was done."


def _names(scope: Scope) -> Iterable[str]:
    server = scope.get("server") or ("", 0)
    port = server[1] or 0
    for host in LOOPBACK_HOSTS:
        name = address(host, port).removeprefix("http://")
        yield name
        if port == _HTTP_PORT:
            yield name.removesuffix(f":{port}")


def _all(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _only(scope: Scope, name: bytes) -> str | None:
    """The value of a header that is there once; anything else names nobody."""
    found = _all(scope, name)
    return found[0] if len(found) == 1 else ("" if found else None)


async def _say(send: Send, status: int, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
