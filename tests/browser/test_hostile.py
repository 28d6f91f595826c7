"""Whatever an agent writes is text: it is shown, made visible, and nothing of it happens."""

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from page_in_use import CLAUDE, PHONE, PUBLISH, OpenWindow, Served, open_request

pytestmark = pytest.mark.browser

TEXTS = (
    "</script><script>window.hostile = 1</script>",
    "<img src=x onerror='window.hostile = 1'>",
    "</textarea></pre></form><form action='/sign-out' method=post><button>Approve</button></form>",
    "' autofocus onfocus='window.hostile = 1",
    '" autofocus onfocus="window.hostile = 1',
    "javascript:window.hostile=1",
    "<style>button { display: none }</style><base href='//evil.example/'>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<iframe srcdoc='<script>parent.hostile = 1</script>'></iframe><svg onload='window.hostile = 1'>",
    "{{ 7 * 7 }}{% if %}&lt;b&gt;",
    "right to left: safe\u202egpj.exe\u202c, isolated \u2066inside\u2069",
    "zero width: ad\u200bm\u200din\ufeff\u2060",
    "terminal: \x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x08\x7f\x9b31m",
    "look-alike: p\u0430yp\u0430l",
    "Zalgo: h\u0335\u0327\u0489e\u0336\u0328l\u0337p",
    "unbroken " + "W" * 400,
)
HIDDEN = ("\u202e", "\u2066", "\u2069", "\u200b", "\u2060", "\ufeff", "\x1b", "\x07", "\x08", "\x7f", "\x9b")
ALL = " ".join(TEXTS)
PARTS = ("command", "summary", "changes", "rollback", "impact", "alternatives", "risks", "task", "questions", "state")
_FORBIDDEN = (
    "img, iframe, base, main style, meta[http-equiv=refresh], script:not([src]), svg[onload], "
    "[onerror], [onfocus], [onload], a[href^='javascript']"
)


@pytest.mark.parametrize("part", PARTS)
def test_hostile_text_in_any_part_is_only_shown(part: str, sign_in: OpenWindow, site: Served) -> None:
    words: dict[str, Any] = (
        {} if part == "command" else {part: [ALL] if part in ("alternatives", "risks", "questions") else ALL}
    )
    asked = site.ask(f"{PUBLISH} --tag '{ALL.replace(chr(39), '')}'" if part == "command" else PUBLISH, **words)
    page = sign_in(viewport=PHONE)
    expect(page.locator("li.request")).to_have_count(1)
    assert_harmless(page)
    open_request(page, asked)
    assert_harmless(page)
    assert "zero width: ad\\u200bm" in page.inner_text("main")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#status")).to_contain_text("APPROVED")
    page.goto("/history")
    assert_harmless(page)


def test_a_hostile_client_name_is_only_shown(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask(actor=replace(CLAUDE, client=f"{ALL} 1.0"))
    page = sign_in()
    assert_harmless(page)
    open_request(page, asked)
    assert_harmless(page)
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


def test_hostile_words_of_a_person_are_only_shown(sign_in: OpenWindow, site: Served) -> None:
    asked = site.ask()
    site.decide(asked, "revise", feedback=ALL)
    page = open_request(sign_in(), asked)
    expect(page.locator("#status")).to_contain_text("REVISE")
    assert_harmless(page)


def test_a_hostile_search_is_only_shown(sign_in: OpenWindow, site: Served) -> None:
    page = sign_in()
    page.goto("/history")
    box = page.get_by_role("searchbox")
    box.fill(ALL)
    box.press("Enter")
    page.wait_for_url("**/history?q=*")
    assert_harmless(page)


def test_a_diff_of_a_megabyte_leaves_the_page_usable(sign_in: OpenWindow, site: Served) -> None:
    line = f"+{ALL[:1_000].replace(chr(10), ' ')}\n"
    diff = "--- a/app.py\n+++ b/app.py\n@@ -0,0 +1,1100 @@\n" + line * (1_000_000 // len(line.encode()) + 1)
    asked = site.ask(diff=diff)
    page = open_request(sign_in(), asked)
    assert_harmless(page)
    expect(page.get_by_role("button", name="Deny")).to_be_focused()
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("#status")).to_contain_text("REJECTED")


def test_a_patch_of_a_megabyte_can_be_read_whole(sign_in: OpenWindow, site: Served) -> None:
    lines = "".join(f"+line {number} {'<b>' * 20}\n" for number in range(14_000))
    asked = site.ask(f"--- a/app.py\n+++ b/app.py\n@@ -1,1 +1,14001 @@\n print('hello')\n{lines}", kind="patch")
    page = open_request(sign_in(), asked)
    assert_harmless(page)
    with page.expect_download() as offered:
        page.get_by_role("link", name="read it as a file").click()
    assert lines in offered.value.path().read_text(encoding="utf-8")
    expect(page.get_by_role("button", name="Deny")).to_be_visible()


def assert_harmless(page: Page) -> None:
    """Nothing was executed or added, nothing hidden is left, and nothing is wider than the window."""
    assert page.evaluate("window.hostile") is None
    assert page.locator(_FORBIDDEN).count() == 0
    text = page.inner_text("body")
    assert [f"{ord(each):04x}" for each in HIDDEN if each in text or each in page.title()] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    names = page.get_by_role("button").all_inner_texts()
    assert len(names) == len(set(names)), names
