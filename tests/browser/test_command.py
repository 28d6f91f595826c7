"""The page as a new user gets it: one command, and the link that it prints."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from agentops_mcp.app import App
from page_in_use import MovedClock, Place, Served, access_of, open_request, watched

pytestmark = pytest.mark.browser

_LINK_FILE = re.compile(r"is in (.+)$")
_STOP_TIMEOUT_S = 20


def test_the_command_hands_out_a_link_and_what_it_leads_to_decides(
    place: Place, chromium: Browser, tmp_path: Path
) -> None:
    with App(place.project, environment=place.environment) as app, (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "agentops_mcp", "web", "--port", "0", "--for", "anna", "--link-file"],
            cwd=place.project, env={**os.environ, **place.environment}, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            kept = next(filter(None, map(_LINK_FILE.search, process.stdout)))
            link = Path(kept[1]).read_text(encoding="utf-8").strip()
            site = Served(link.partition("/sign-in/")[0], app, MovedClock(), access_of(place, MovedClock()))
            asked = site.ask()
            with watched(chromium, site.origin) as context:
                page = context.new_page()
                page.goto(link)
                page.get_by_role("button", name="Sign in").click()
                open_request(page, asked).get_by_role("button", name="Approve").click()
                expect(page.locator("#status")).to_contain_text("APPROVED by person anna")
        finally:
            process.terminate()
            process.communicate(timeout=_STOP_TIMEOUT_S)
        assert site.standing(asked).status == "approved"
        assert not Path(kept[1]).exists()
