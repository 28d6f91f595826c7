"""The card in a host that renders apps: it shows what the result brought, as text, and can do nothing but link."""

import json
from collections.abc import Generator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

pytestmark = pytest.mark.browser

HOST = """
<!doctype html><title>Host</title><iframe sandbox="allow-scripts" title="card"></iframe><script>
const frame = document.querySelector("iframe");
window.heard = [];
window.tell = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
window.addEventListener("message", ({ data, source }) => {
  if (source !== frame.contentWindow) return;
  heard.push(data);
  if (data.method === "ui/initialize") {
    tell({ id: data.id, result: { protocolVersion: "2026-01-26", hostInfo: { name: "host", version: "1" },
      hostCapabilities: { openLinks: {} }, hostContext: { theme: "dark" } } });
  }
  if (data.method === "ui/open-link") tell({ id: data.id, result: window.refuses ? { isError: true } : {} });
});
</script>
"""
PAGE = "http://127.0.0.1:8611/r/1"
HOSTILE = "<img src=x onerror=alert(1)></pre></script><script>alert(2)</script>"
CARD: dict[str, Any] = {
    "title": "npm publish",
    "status": "PENDING",
    "page": PAGE,
    "sections": [
        {"heading": "Action", "lines": [HOSTILE], "whose": "server", "form": "code"},
        {"heading": "The agent says", "lines": ["one", "two"], "whose": "agent", "form": "text"},
    ],
}


@pytest.fixture
def host(chromium: Browser) -> Generator[Page]:
    """A host's page with the card in it, greeted; anything that runs or complains in it fails the test."""
    complaints: list[str] = []
    with chromium.new_context() as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url))
        page.set_content(HOST)
        html = files("agentops_mcp.factors.approval.tools").joinpath("card.html").read_text(encoding="utf-8")
        page.evaluate("html => { document.querySelector('iframe').srcdoc = html; }", html)
        page.wait_for_function("heard.some((each) => each.method === 'ui/notifications/initialized')")
        yield page
    assert complaints == []


def card_in(host: Page) -> FrameLocator:
    return host.frame_locator("iframe")


def tell_result(host: Page, card: dict[str, Any] | None, said: str = "PENDING 1") -> None:
    result: dict[str, Any] = {"content": [{"type": "text", "text": said}]}
    if card is not None:
        result["_meta"] = {"agentops/approval": card}
    host.evaluate("params => tell({ method: 'ui/notifications/tool-result', params })", result)


def heard(host: Page, method: str) -> list[Any]:
    return [each for each in host.evaluate("heard") if each.get("method") == method]


def test_the_request_is_shown_as_text_with_the_agents_words_apart(host: Page) -> None:
    tell_result(host, CARD)
    card = card_in(host)
    expect(card.get_by_role("heading", name="npm publish")).to_be_visible()
    expect(card.locator("pre.code")).to_have_text(HOSTILE)
    expect(card.locator("section.agent pre")).to_have_text("one\ntwo")
    expect(card.locator("section:not(.agent)")).to_have_count(1)
    expect(card.locator(".label + section.agent")).to_have_count(1)
    assert heard(host, "ui/notifications/size-changed")


def test_the_link_asks_the_host_to_open_the_page(host: Page) -> None:
    tell_result(host, CARD)
    card_in(host).get_by_role("button", name="Open the page to decide").click()
    host.wait_for_function("heard.some((each) => each.method === 'ui/open-link')")
    (asked,) = heard(host, "ui/open-link")
    assert asked["params"] == {"url": PAGE}


def test_a_host_that_opens_no_links_leaves_the_address(host: Page) -> None:
    host.evaluate("window.refuses = true")
    tell_result(host, CARD)
    card_in(host).get_by_role("button").click()
    expect(card_in(host).locator("#status")).to_contain_text(PAGE)


@pytest.mark.parametrize("page", ["", "javascript:alert(1)", "file:///etc/passwd", 7, None])
def test_what_is_no_address_of_a_page_is_no_link(host: Page, page: object) -> None:
    tell_result(host, CARD | {"page": page})
    expect(card_in(host).locator("#title")).to_have_text("npm publish")
    expect(card_in(host).get_by_role("button")).to_have_count(0)


def test_without_the_request_the_reply_itself_is_shown(host: Page) -> None:
    tell_result(host, None, "PENDING 1\nIt waits for a person.")
    expect(card_in(host).locator("#status")).to_contain_text("It waits for a person.")


@pytest.mark.parametrize("card", [{"sections": "x"}, {"sections": [None, {"lines": 7}]}, {"title": {"a": 1}}, "x", 7])
def test_a_spoilt_result_breaks_nothing(host: Page, card: Any) -> None:
    tell_result(host, card)
    tell_result(host, CARD)
    expect(card_in(host).locator("#title")).to_have_text("npm publish")


def test_the_card_calls_no_tool_and_answers_what_it_is_asked(host: Page) -> None:
    tell_result(host, CARD)
    host.evaluate("tell({ id: 'a', method: 'ui/resource-teardown', params: {} })")
    host.evaluate("tell({ id: 'b', method: 'tools/call', params: {} })")
    host.wait_for_function("heard.some((each) => each.id === 'b')")
    answers = {each["id"]: each for each in host.evaluate("heard") if each.get("id") in ("a", "b")}
    assert answers["a"]["result"] == {}
    assert answers["b"]["error"]["code"] == -32601
    methods = {each.get("method") for each in host.evaluate("heard")} - {None}
    assert methods <= {"ui/initialize", "ui/notifications/initialized", "ui/notifications/size-changed"}


def test_the_hosts_theme_is_taken(host: Page) -> None:
    theme = json.dumps({"method": "ui/notifications/host-context-changed", "params": {"theme": "light"}})
    root = card_in(host).locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    host.evaluate(f"tell({theme})")
    expect(root).to_have_attribute("data-theme", "light")
