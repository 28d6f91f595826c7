"""A page of a project of its own, and somebody who is signed in to it."""

from collections.abc import Generator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from agentops_mcp.app import App
from agentops_mcp.storage.page_access import PageAccess
from agentops_mcp.web.site import Site
from visited import FakeClock, Pages


@pytest.fixture
def pages(repository: Path, tmp_path: Path, clock: FakeClock, own_home: Path) -> Generator[Pages]:
    access = PageAccess(tmp_path / "state" / "agentops" / "0123456789abcdef", clock=clock)
    with App(repository, environment={}, clock=clock) as app:
        yield Pages(app, access, clock, Site(app, access))


@pytest.fixture
def anna(pages: Pages) -> TestClient:
    return pages.signed_in()
