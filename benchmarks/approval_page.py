"""A person's browser, as far as a benchmark needs one: it signs in, reads pages, sends their forms, and listens."""

import http.client
import re
import subprocess
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from measuring import Place, our_server

_FIELD = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'\b(name|value|type)="([^"]*)"')
_KEPT = re.compile(r"is in (.+)")
_FOUND = (200, 303)
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Browser:
    """A signed-in session on one page."""

    host: str
    cookie: str

    def get(self, path: str) -> str:
        """A page as HTML."""
        return _ask(self.host, "GET", path, cookie=self.cookie)[1]

    def send(self, path: str, fields: Mapping[str, str]) -> None:
        """Send a form."""
        _ask(self.host, "POST", path, fields=fields, cookie=self.cookie)


class Listener:
    """The stream of changes that an open page listens to; `changed` is set at every one."""

    def __init__(self, browser: Browser) -> None:
        self.changed = threading.Event()
        self._connection = http.client.HTTPConnection(browser.host, timeout=_PATIENCE_S)
        self._connection.request("GET", "/events", headers={"Cookie": browser.cookie, "Accept": "text/event-stream"})
        self._stream = self._connection.getresponse()
        if self._stream.status != http.client.OK:
            raise RuntimeError(f"/events answered {self._stream.status}")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while line := self._stream.readline():
            if line.startswith(b"event: changed"):
                self.changed.set()


@contextmanager
def open_page(place: Place) -> Generator[Browser]:
    """The page as `agentops-mcp web` serves it, and a browser that has signed in by the link it keeps in a file."""
    printed = place.project.parent / "web.txt"
    with printed.open("wb") as out:
        server = subprocess.Popen(
            (our_server()[0], "web", "--port", "0", "--link-file"), cwd=place.project,
            env={**place.environment, "PYTHONUNBUFFERED": "1"}, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        yield sign_in(_link(server, printed))
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def sign_in(link: str) -> Browser:
    """Follow a sign-in link and press its button."""
    parts = urlsplit(link)
    headers, page = _ask(parts.netloc, "GET", parts.path)
    cookie = _cookie(headers)
    headers, _ = _ask(parts.netloc, "POST", parts.path, fields=hidden_fields(page), cookie=cookie)
    return Browser(parts.netloc, _cookie(headers) or cookie)


def hidden_fields(page: str) -> dict[str, str]:
    """The values that a page's forms send without being asked."""
    inputs = [dict(_ATTRIBUTE.findall(tag)) for tag in _FIELD.findall(page)]
    return {each["name"]: unescape(each.get("value", "")) for each in inputs if each.get("type") == "hidden"}


def _link(server: subprocess.Popen[bytes], printed: Path) -> str:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and server.poll() is None:
        if found := _KEPT.search(printed.read_text(encoding="utf-8", errors="replace")):
            return Path(found[1].strip()).read_text(encoding="utf-8").strip()
        time.sleep(0.05)
    raise SystemExit(f"agentops-mcp web kept no link: {printed.read_text(encoding='utf-8', errors='replace')}")


def _ask(
    host: str, method: str, path: str, *, fields: Mapping[str, str] | None = None, cookie: str = ""
) -> tuple[http.client.HTTPMessage, str]:
    connection = http.client.HTTPConnection(host, timeout=_PATIENCE_S)
    headers = {"Cookie": cookie} if cookie else {}
    if fields is not None:
        headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{host}"}
    connection.request(method, path, body=None if fields is None else urlencode(fields), headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8")
    connection.close()
    if answer.status not in _FOUND:
        raise RuntimeError(f"{method} {path} answered {answer.status}: {text[:500]}")
    return answer.headers, text


def _cookie(headers: http.client.HTTPMessage) -> str:
    return "; ".join(each.partition(";")[0] for each in headers.get_all("Set-Cookie") or [])
