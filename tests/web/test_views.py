import re
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from visited import DELETE, FORCE, Pages, decide, main_of

HOSTILE = (
    "</script><script>alert(1)</script> <img src=x onerror=alert(1)> \" autofocus onfocus='x' {{ 271 * 43 }} "
    "</textarea></pre></form> rtl \u202egpj zero \u200bwidth \x1b[31mred\x1b[0m p\u0430ypal"
)
LISTED = re.compile(r'<li class="request">')


def test_what_waits_is_listed_with_who_asks_and_how_bad_it_may_be(pages: Pages, anna: TestClient) -> None:
    pages.ask(FORCE, summary="Push the rebased branch")
    page = anna.get("/")
    assert len(LISTED.findall(page.text)) == 1
    said = main_of(page.text)
    for part in ("Push the rebased branch", "critical", "claude-code of anna", "24 h left"):
        assert part in said


def test_with_nothing_to_decide_the_page_says_so(anna: TestClient) -> None:
    assert "Nothing waits" in main_of(anna.get("/").text)


def test_identical_requests_are_one_line(pages: Pages, anna: TestClient) -> None:
    for session in ("one", "two", "three"):
        pages.ask(session=session)
    page = anna.get("/").text
    assert len(LISTED.findall(page)) == 1
    assert "3 identical" in main_of(page)
    assert "3 requests wait" in main_of(page)


def test_many_requests_come_in_pages_and_each_is_on_one(pages: Pages, anna: TestClient) -> None:
    asked = [pages.ask(f"npm publish ./{number}").request.id for number in range(103)]
    found: list[list[str]] = []
    address: str | None = "/"
    while address:
        page = anna.get(address).text
        assert "103 requests wait" in main_of(page)
        found.append(re.findall(r'<a id="r-[^"]*" href="/r/([^"]*)"', page))
        more = re.search(r'rel="next" href="([^"]*)"', page)
        address = more[1] if more else None
    assert [len(each) for each in found] == [50, 50, 3]
    assert [each for some in found for each in some] == asked


@pytest.mark.parametrize("after", ["x", "' OR 1=1", "%00", "\u00e4" * 1_000])
def test_a_place_to_go_on_from_that_is_none_is_the_beginning(pages: Pages, anna: TestClient, after: str) -> None:
    pages.ask()
    assert len(LISTED.findall(anna.get("/", params={"after": after}).text)) == 1


def test_the_server_s_findings_come_before_the_agent_s_words(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask(DELETE, changes="Only old files go")
    said = main_of(anna.get(f"/r/{asked.request.id}").text)
    parts = (
        "What the server found", f"(shell) {DELETE}", "files.delete-tree", "What the agent says",
        "Nobody checked them", "Only old files go", "Your answer",
    )  # fmt: skip
    places = [said.index(part) for part in parts]
    assert places == sorted(places)


def test_deny_is_the_first_button_and_has_the_focus(pages: Pages, anna: TestClient) -> None:
    page = anna.get(f"/r/{pages.ask().request.id}").text
    buttons = re.findall(r'<button name="decision" value="(\w+)"[^>]*?( autofocus)?>', page)
    assert buttons == [("reject", " autofocus"), ("approve", ""), ("revise", "")]


def test_a_long_action_is_there_in_full(pages: Pages, anna: TestClient) -> None:
    action = "echo " + " ".join(f"word{number}" for number in range(20_000)) + " && npm publish"
    page = main_of(anna.get(f"/r/{pages.ask(action).request.id}").text)
    assert "word19999 && npm publish" in page


def diff_of(lines: int) -> str:
    return "--- a/app.py\n+++ b/app.py\n@@ -0,0 +1 @@\n" + "".join(f"+line {number}\n" for number in range(lines - 3))


@pytest.mark.parametrize(
    ("lines", "folded", "there"), [(49, False, True), (50, True, True), (500, True, True), (501, False, False)]
)
def test_a_diff_is_there_folded_or_a_file(
    pages: Pages, anna: TestClient, lines: int, folded: bool, there: bool
) -> None:
    page = anna.get(f"/r/{pages.ask(diff=diff_of(lines)).request.id}").text
    assert (f"Show its {lines} lines" in page) == folded
    assert (f"+line {lines - 4}\n" in page) == there
    assert ("read it as a file" in page) != there


def test_a_diff_of_a_megabyte_is_a_file_for_those_who_are_signed_in(pages: Pages, anna: TestClient) -> None:
    diff = diff_of(3) + f"+{HOSTILE}\n" * (1_000_000 // len(HOSTILE))
    address = f"/r/{pages.ask(diff=diff).request.id}"
    assert len(anna.get(address).text) < 100_000
    file = anna.get(f"{address}/diff")
    assert file.headers["content-type"] == "text/plain; charset=utf-8"
    assert file.headers["content-disposition"].startswith('attachment; filename="request-')
    assert file.text.count("alert(1)") == diff.count("alert(1)")
    assert "\x1b" not in file.text
    assert pages.visitor().get(f"{address}/diff").status_code == 401


PARTS = ("summary", "changes", "rollback", "impact", "alternatives", "risks", "task", "questions", "state")


@pytest.mark.parametrize("part", PARTS)
def test_hostile_text_is_escaped_and_made_visible(pages: Pages, anna: TestClient, part: str) -> None:
    words: dict[str, Any] = {part: [HOSTILE] if part in ("alternatives", "risks", "questions") else HOSTILE}
    asked = pages.ask(**words)
    for address in ("/", f"/r/{asked.request.id}", "/history"):
        assert_harmless(anna.get(address).text)
    assert "zero \\u200bwidth" in anna.get(f"/r/{asked.request.id}").text


def test_hostile_words_of_a_person_and_hostile_searches_are_harmless(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    page = decide(anna, asked, "approve", feedback=HOSTILE, grant_rule=HOSTILE, grant_prefix=HOSTILE)
    assert page.status_code == 400
    assert_harmless(page.text)
    decide(anna, asked, "revise", feedback=HOSTILE)
    for address in (f"/r/{asked.request.id}", "/history"):
        assert_harmless(anna.get(address).text)
    assert_harmless(anna.get("/history", params={"q": HOSTILE}).text)


def assert_harmless(page: str) -> None:
    assert "<script>" not in page
    assert "<img" not in page
    assert page.count("</form>") == page.count("<form")
    assert '" autofocus onfocus' not in page
    assert "11653" not in page
    assert not {"\u202e", "\u200b", "\x1b"} & set(page)


def test_the_history_has_what_was_decided_newest_first_and_is_searched_by_words(pages: Pages, anna: TestClient) -> None:
    first = pages.ask("npm publish ./one", summary="Release the first")
    pages.ask("npm publish ./two", summary="Release the second")
    decide(anna, first, "reject", feedback="Not on a Friday")
    said = main_of(anna.get("/history").text)
    assert said.index("Release the second") < said.index("Release the first")
    assert "REJECTED by person anna" in said
    found = main_of(anna.get("/history", params={"q": "RELEASE first"}).text)
    assert "Release the first" in found
    assert "Release the second" not in found
    assert "No request has all of these words: gone" in main_of(anna.get("/history", params={"q": "gone"}).text)


def test_a_long_history_comes_in_pages(pages: Pages, anna: TestClient) -> None:
    for number in range(51):
        pages.ask(f"npm publish ./{number}", summary=f"Release {number}")
    first = anna.get("/history", params={"q": "release"}).text
    more = re.search(r'rel="next" href="([^"]*)"', first)
    assert more
    second = anna.get(more[1].replace("&amp;", "&")).text
    assert (len(LISTED.findall(first)), len(LISTED.findall(second))) == (50, 1)
    assert "Release 0" in main_of(second)


def test_rates_flag_what_was_decided_unread_and_that_everything_was_approved(pages: Pages, anna: TestClient) -> None:
    for number in range(10):
        asked = pages.ask(f"npm publish ./{number}")
        anna.get(f"/r/{asked.request.id}")
        pages.clock.advance(timedelta(seconds=1 if number < 3 else 60))
        decide(anna, asked, "approve")
    said = main_of(anna.get("/rates").text)
    assert "everything was approved (n = 10)" in said
    assert "3 of 10 decisions came within 5 s of being shown" in said


def test_rates_of_few_decisions_are_no_share(pages: Pages, anna: TestClient) -> None:
    decide(anna, pages.ask(), "approve")
    said = main_of(anna.get("/rates").text)
    assert "%" not in said
    assert "With fewer than 10 decisions" in said


def test_what_expires_says_so(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    pages.clock.advance(timedelta(hours=24, seconds=1))
    bob = pages.signed_in("bob")
    page = bob.get(f"/r/{asked.request.id}").text
    assert "EXPIRED" in main_of(page)
    assert 'name="decision"' not in page
    assert "Nothing waits" in main_of(bob.get("/").text)


def test_showing_a_request_is_kept_once_for_each_person(pages: Pages, anna: TestClient) -> None:
    asked = pages.ask()
    bob = pages.signed_in("bob")
    for visitor in (anna, anna, bob):
        visitor.get(f"/r/{asked.request.id}")
    shown = [each.who for each in pages.standing(asked).facts if each.kind == "approval.shown"]
    assert shown == ["person anna", "person bob"]


def test_without_a_script_the_page_says_to_reload_it(anna: TestClient) -> None:
    assert "reload" in anna.get("/").text.partition("<noscript>")[2].partition("</noscript>")[0]
