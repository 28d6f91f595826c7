"""What the page refuses, asked as no browser would ask: by hand, over a plain connection."""

import http.client
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import pytest

from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.approval.service.requests import Standing
from page_in_use import Served, a_place, serving

pytestmark = pytest.mark.browser

FOREIGN = "http://evil.example"
OPEN_VIEWS = ("/", "/history", "/grants", "/rates", "/events", "/r/{id}")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    cookies: list[str]
    body: str


@dataclass
class Visitor:
    """A program that speaks HTTP and keeps cookies, and says about itself whatever it is told to."""

    site: Served
    cookies: dict[str, str] = field(default_factory=dict[str, str])

    def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str | None] = {}
    ) -> Answer:
        """One exchange. A header of None is left out; the Origin is the page's own unless said otherwise."""
        host = urlsplit(self.site.origin).netloc
        sent: dict[str, str | None] = {"Host": host}
        if form is not None:
            sent |= {"Origin": self.site.origin, "Content-Type": "application/x-www-form-urlencoded"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= headers
        connection = http.client.HTTPConnection(host, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            body = urlencode(form or {}).encode()
            sent["Content-Length"] = str(len(body)) if form is not None else None
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            connection.endheaders(body if form is not None else None)
            return self._read(connection.getresponse())
        finally:
            connection.close()

    def _read(self, response: http.client.HTTPResponse) -> Answer:
        headers = {name.lower(): value for name, value in response.getheaders()}
        cookies = response.headers.get_all("Set-Cookie") or []
        for each in cookies:
            name, _, value = each.partition(";")[0].partition("=")
            self.cookies[name] = value
        streaming = headers.get("content-type", "").startswith("text/event-stream")
        return Answer(response.status, headers, cookies, "" if streaming else response.read().decode())

    def signed_in(self, person: str = "anna") -> "Visitor":
        """The same, after using a link."""
        assert self.ask("POST", urlsplit(self.site.link(person)).path, {}).status in (302, 303)
        return self

    def form(self, asked: Standing) -> dict[str, str]:
        """The hidden fields of a request's form."""
        page = self.ask("GET", f"/r/{asked.request.id}").body
        inputs = re.findall(r"<input[^>]*type=\"?hidden[^>]*>", page)
        return {
            name[1]: value[1] for each in inputs
            if (name := re.search(r'name="([^"]*)"', each)) and (value := re.search(r'value="([^"]*)"', each))
        }  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served]:
    """One server for all: nothing that is refused changes anything."""
    with serving(a_place(tmp_path_factory.mktemp("refusing"))) as site:
        yield site


@pytest.fixture
def visitor(site: Served) -> Visitor:
    return Visitor(site).signed_in()


@pytest.fixture
def asked(site: Served) -> Standing:
    return site.ask(f"npm publish ./packages/{new_id()}")


def approve(
    visitor: Visitor, asked: Standing, headers: Mapping[str, str | None] = {}, changed: Mapping[str, str] = {}
) -> Answer:
    """Approve by hand, with something about it changed."""
    form = {**visitor.form(asked), "decision": "approve", "feedback": "", **changed}
    return visitor.ask("POST", f"/r/{asked.request.id}/decide", form, headers)


def test_approving_by_hand_works_when_nothing_is_changed(visitor: Visitor, asked: Standing, site: Served) -> None:
    assert approve(visitor, asked).status in (302, 303)
    assert site.standing(asked).status == "approved"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": FOREIGN},
        {"Origin": None},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": None, "Referer": f"{FOREIGN}/r/1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example", "Origin": FOREIGN},
        {"Cookie": None},
        {"Cookie": "session=0"},
    ],
    ids=str,
)
def test_a_decision_from_elsewhere_is_refused(
    headers: Mapping[str, str | None], visitor: Visitor, asked: Standing, site: Served
) -> None:
    answer = approve(visitor, asked, headers)
    assert 400 <= answer.status < 500
    assert site.standing(asked).status == "pending"


@pytest.mark.parametrize(
    "changed", [{"csrf": ""}, {"csrf": "0" * 43}, {"digest": "0" * 64}, {"decision": "yes"}], ids=str
)
def test_a_decision_with_a_wrong_field_is_refused(
    changed: dict[str, str], visitor: Visitor, asked: Standing, site: Served
) -> None:
    assert 400 <= approve(visitor, asked, changed=changed).status < 500
    assert site.standing(asked).status == "pending"


def test_the_token_of_another_session_is_refused(visitor: Visitor, asked: Standing, site: Served) -> None:
    others = Visitor(site).signed_in("bob").form(asked)["csrf"]
    assert 400 <= approve(visitor, asked, changed={"csrf": others}).status < 500
    assert site.standing(asked).status == "pending"


@pytest.mark.parametrize("path", [*OPEN_VIEWS, "/static/style.css", "/static/page.js", "/sign-in/x"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "[::2]", ""])
def test_a_name_that_was_rebound_to_this_machine_is_refused(
    path: str, host: str, visitor: Visitor, asked: Standing, site: Served
) -> None:
    port = str(urlsplit(site.origin).port)
    answer = visitor.ask("GET", path.format(id=asked.request.id), headers={"Host": host.format(port=port)})
    assert 400 <= answer.status < 500
    assert "Release version" not in answer.body


@pytest.mark.parametrize("path", OPEN_VIEWS)
def test_a_stranger_reads_nothing(path: str, asked: Standing, site: Served) -> None:
    answer = Visitor(site).ask("GET", path.format(id=asked.request.id))
    assert answer.status in (302, 303, 401, 403)
    assert "Release version" not in answer.body


def test_a_cookie_that_was_chosen_before_signing_in_is_not_the_session(site: Served, asked: Standing) -> None:
    anna = Visitor(site).signed_in()
    [name] = anna.cookies
    victim = Visitor(site, {name: "chosen-by-somebody-else"}).signed_in()
    assert victim.cookies[name] not in ("chosen-by-somebody-else", anna.cookies[name])
    attacker = Visitor(site, {name: "chosen-by-somebody-else"})
    assert "Release version" not in attacker.ask("GET", "/").body


def test_a_session_that_signs_in_again_gets_another_cookie(visitor: Visitor, asked: Standing, site: Served) -> None:
    [(name, before)] = visitor.cookies.items()
    visitor.signed_in()
    assert visitor.cookies[name] != before


def test_the_cookie_is_kept_from_scripts_and_other_sites(site: Served) -> None:
    [cookie] = Visitor(site).ask("POST", urlsplit(site.link("anna")).path, {}).cookies
    attributes = {each.strip().lower() for each in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= attributes


def test_a_link_signs_in_once(site: Served) -> None:
    path = urlsplit(site.link("anna")).path
    assert Visitor(site).ask("POST", path, {}).status in (302, 303)
    second = Visitor(site)
    assert 400 <= second.ask("POST", path, {}).status < 500
    assert second.cookies == {}


def test_a_link_from_another_site_signs_nobody_in(site: Served) -> None:
    path = urlsplit(site.link("anna")).path
    visitor = Visitor(site)
    assert 400 <= visitor.ask("POST", path, {}, {"Origin": FOREIGN}).status < 500
    assert visitor.cookies == {}


@pytest.mark.parametrize("token", ["", "0", "x" * 43, "../sign-in", "%00", "a" * 5_000])
def test_a_guessed_link_is_refused(token: str, site: Served) -> None:
    visitor = Visitor(site)
    assert 400 <= visitor.ask("POST", f"/sign-in/{token}", {}).status < 500
    assert visitor.cookies == {}


@pytest.mark.parametrize("guess", ["{new}", "0", "%2e%2e%2f", "' OR 1=1", "x" * 3_000])
def test_a_guessed_id_is_refused(guess: str, visitor: Visitor, asked: Standing, site: Served) -> None:
    name = guess.format(new=new_id()).replace(" ", "%20")
    assert "Release version" not in visitor.ask("GET", f"/r/{name}").body
    form = {**visitor.form(asked), "decision": "approve", "feedback": ""}
    assert 400 <= visitor.ask("POST", f"/r/{name}/decide", form).status < 500
    assert site.standing(asked).status == "pending"


@pytest.mark.parametrize("path", ["/r/{id}/decide", "/sign-out", "/grants/{id}/revoke"])
def test_what_changes_something_is_not_done_by_a_link(path: str, visitor: Visitor, asked: Standing) -> None:
    assert visitor.ask("GET", path.format(id=asked.request.id)).status in (404, 405)
    assert "Release version" in visitor.ask("GET", "/").body


def test_a_session_that_signed_out_is_refused(visitor: Visitor, asked: Standing, site: Served) -> None:
    kept = dict(visitor.cookies)
    assert visitor.ask("POST", "/sign-out", {"csrf": visitor.form(asked)["csrf"]}).status in (302, 303)
    assert "Release version" not in Visitor(site, kept).ask("GET", "/").body


@pytest.mark.parametrize("path", ["/", "/sign-in/x", "/static/page.js", "/no-such-page"])
def test_every_answer_forbids_scripts_and_frames_of_others(path: str, visitor: Visitor) -> None:
    headers = visitor.ask("GET", path).headers
    policy = {each.split()[0]: each.split()[1:] for each in headers["content-security-policy"].split(";") if each}
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("no-referrer", "same-origin")
