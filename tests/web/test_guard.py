import pytest
from starlette.testclient import TestClient

from agentops_mcp.core.ids import new_id
from visited import ORIGIN, Pages, decide, hidden

ADDRESSES = ("/", "/r/{id}", "/history", "/grants", "/rates", "/events", "/static/page.js", "/sign-in/x", "/nowhere")

FOREIGN_HOSTS = ("evil.example", "evil.example:8765", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8766", "127.0.0.2:8765",
                 "127.0.0.1.evil.example:8765", "user@127.0.0.1:8765", "[::2]:8765", "0.0.0.0:8765", "")  # fmt: skip
FOREIGN_ORIGINS = ("http://evil.example", "null", "", "https://127.0.0.1:8765", "http://127.0.0.1", "http://localhost:8765",
                   "http://127.0.0.1:8765/", "http://127.0.0.1:87650")  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_name_that_is_not_this_machine_s_is_refused_everywhere(pages: Pages, anna: TestClient, host: str) -> None:
    assert_refused(pages, anna, 421, {"Host": host, "Origin": f"http://{host}"})


def assert_refused(pages: Pages, visitor: TestClient, status: int, headers: dict[str, str]) -> None:
    """Every address answers with this status, and shows nothing."""
    asked = pages.ask()
    for address in ADDRESSES:
        page = visitor.get(address.format(id=asked.request.id), headers=headers)
        assert page.status_code == status, address
        assert "Release" not in page.text


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "[::1]:8765"])
def test_every_name_of_this_machine_is_answered(pages: Pages, host: str) -> None:
    link = f"/sign-in/{pages.access.mint('anna')}"
    assert pages.visitor().get(link, headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_origin_is_refused_everywhere(pages: Pages, anna: TestClient, origin: str) -> None:
    assert_refused(pages, anna, 403, {"Origin": origin})


@pytest.mark.parametrize(
    "headers",
    [
        *({"Origin": each} for each in FOREIGN_ORIGINS),
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": ""},
    ],
    ids=str,
)
def test_what_is_sent_from_elsewhere_does_nothing(pages: Pages, anna: TestClient, headers: dict[str, str]) -> None:
    asked, link = pages.ask(), f"/sign-in/{pages.access.mint('bob')}"
    form = {**hidden(anna.get(f"/r/{asked.request.id}").text), "decision": "approve"}
    for address in ("/r/{id}/decide", "/grants/{id}/revoke", "/sign-out", link):
        assert anna.post(address.format(id=asked.request.id), data=form, headers=headers).status_code == 403, address
    assert anna.get("/").status_code == 200
    assert pages.standing(asked).status == "pending"
    assert anna.post(link).status_code == 303


def test_what_does_not_say_where_it_comes_from_does_nothing(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    form = {**hidden(anna.get(f"/r/{asked.request.id}").text), "decision": "approve"}
    del anna.headers["Origin"]
    assert anna.post(f"/r/{asked.request.id}/decide", data=form).status_code == 403
    assert pages.standing(asked).status == "pending"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, 403),
    ],
)
def test_another_site_leads_here_and_embeds_nothing(anna: TestClient, headers: dict[str, str], status: int) -> None:
    assert anna.get("/", headers=headers).status_code == status


@pytest.mark.parametrize("csrf", ["", "0" * 64, "\u00e4"])
def test_a_form_without_the_token_of_its_session_does_nothing(pages: Pages, anna: TestClient, csrf: str) -> None:
    asked = pages.ask()
    assert decide(anna, asked, "approve", csrf=csrf).status_code == 403
    assert pages.standing(asked).status == "pending"


def test_the_token_of_another_session_does_nothing(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    others = hidden(pages.signed_in("bob").get(f"/r/{asked.request.id}").text)["csrf"]
    assert decide(anna, asked, "approve", csrf=others).status_code == 403
    assert pages.standing(asked).status == "pending"


@pytest.mark.parametrize("address", ["/", "/nowhere", "/static/style.css", "/sign-in/x", "/sign-out"])
def test_every_answer_forbids_what_the_page_does_not_need(anna: TestClient, address: str) -> None:
    headers = anna.get(address).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"


def test_a_refusal_has_the_same_headers(pages: Pages) -> None:
    assert "frame-ancestors 'none'" in pages.visitor(Host="evil").get("/").headers["content-security-policy"]


def test_no_view_has_a_script_or_a_style_of_its_own(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask("rm -rf src")
    for address in ("/", f"/r/{asked.request.id}", "/history", "/grants", "/rates", "/nowhere"):
        page = anna.get(address).text
        assert page.count("<script") == page.count('<script src="/static/page.js" defer>')
        assert "style=" not in page
        assert "<style" not in page
        assert "http://" not in page.replace(ORIGIN, "")


def test_a_form_that_is_too_large_is_refused(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    assert decide(anna, asked, "approve", feedback="x" * 70_000).status_code == 413
    assert pages.standing(asked).status == "pending"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"decision": "approve"}', "application/json", 415),
        (b"decision=approve", "text/plain", 415),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
        (b"decision=%ff", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % each for each in range(50)), "application/x-www-form-urlencoded", 400),
        (b"", "application/x-www-form-urlencoded", 403),
    ],
)
def test_what_is_no_form_of_the_page_is_refused(
    pages: Pages, anna: TestClient, body: bytes, kind: str, status: int
) -> None:
    asked = pages.ask()
    page = anna.post(f"/r/{asked.request.id}/decide", content=body, headers={"Content-Type": kind})
    assert page.status_code == status
    assert pages.standing(asked).status == "pending"


@pytest.mark.parametrize("guess", ["{other}", "0", "{end}", "{begin}", "%2e%2e", "' OR 1=1", "x" * 3_000, "%00"])
def test_an_id_that_is_guessed_or_shortened_finds_nothing(pages: Pages, anna: TestClient, guess: str) -> None:
    asked = pages.ask()
    whole = asked.request.id
    name = guess.format(other=new_id(), end=whole[-8:], begin=whole[:20])
    pages_found = [anna.get(f"/r/{name}"), anna.get(f"/r/{name}/diff")]
    form = {**hidden(anna.get(f"/r/{whole}").text), "decision": "approve"}
    pages_found += [anna.post(f"/r/{name}/decide", data=form), anna.post(f"/grants/{name}/revoke", data=form)]
    assert {each.status_code for each in pages_found} == {404}
    assert pages.standing(asked).status == "pending"


@pytest.mark.parametrize("address", ["/r/{id}/decide", "/sign-out", "/grants/{id}/revoke"])
def test_what_changes_something_is_not_done_by_opening_an_address(pages: Pages, anna: TestClient, address: str) -> None:
    asked = pages.ask()
    assert anna.get(address.format(id=asked.request.id)).status_code == 405
    assert pages.standing(asked).status == "pending"
    assert anna.get("/").status_code == 200


@pytest.mark.parametrize("name", ["../site.py", "..%2fsite.py", "templates", "", "page.js%00"])
def test_only_the_files_of_the_page_are_served(pages: Pages, name: str) -> None:
    assert pages.visitor().get(f"/static/{name}").status_code == 404
