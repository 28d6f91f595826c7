"""The page in process: requests that agents made, and visitors who may be signed in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from starlette.testclient import TestClient

from agentops_mcp.app import App
from agentops_mcp.approving import Approving
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules import proposals
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.storage.page_access import PageAccess
from agentops_mcp.web.site import Site
from conftest import FakeClock

ORIGIN = "http://127.0.0.1:8765"
CLAUDE = Actor("claude-code 2.1", "anna", "mcp")
WORDS: Mapping[str, Any] = {
    "summary": "Release version 2.4.0", "changes": "It can be installed", "rollback": "Deprecate it",
    "impact": {"files": 0, "level": "high"}, "alternatives": ["A candidate first"], "risks": ["Old callers break"],
}  # fmt: skip
PUBLISH, DELETE, FORCE = "npm publish", "rm -rf src", "git push --force origin main"


@dataclass
class Pages:
    """A page, and the project behind it."""

    app: App
    access: PageAccess
    clock: FakeClock
    site: Site

    @property
    def approving(self) -> Approving:
        return self.app.approving()

    def ask(self, action: str = PUBLISH, *, session: str | None = None, diff: str = "", **words: Any) -> Standing:
        """An agent asks for an approval."""
        subject = self.approving.subject("shell", action, session=None, actor=CLAUDE)
        subject = replace(subject, diff=diff)
        asked = self.approving.requests.ask(
            subject, proposals.checked({**WORDS, **words}), session=session, actor=CLAUDE
        )
        assert asked is not None
        return asked

    def standing(self, asked: Standing) -> Standing:
        return self.approving.requests.standing(asked.request.id)

    def visitor(self, **headers: str) -> TestClient:
        """A browser that has not signed in; it says where its forms come from."""
        return TestClient(
            self.site, base_url=ORIGIN, follow_redirects=False, headers={"Origin": ORIGIN, **headers},
            raise_server_exceptions=False,
        )  # fmt: skip

    def signed_in(self, person: str = "anna") -> TestClient:
        visitor = self.visitor()
        assert visitor.post(f"/sign-in/{self.access.mint(person)}").status_code == 303
        return visitor


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the last form on a page that has any."""
    inputs = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in inputs}


def decide(visitor: TestClient, asked: Standing, decision: str, **fields: str) -> Any:
    """Open a request, and send its form."""
    address = f"/r/{asked.request.id}"
    form = {**hidden(visitor.get(address).text), "decision": decision, **fields}
    return visitor.post(f"{address}/decide", data=form)


def main_of(page: str) -> str:
    """What a person reads in the middle of a page, without its markup."""
    found = re.search(r"<main.*</main>", page, re.DOTALL)
    assert found
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", found[0])).split())
