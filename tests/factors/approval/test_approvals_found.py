"""Requests and decisions where other factors show them: in search, and in a session's brief."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.store.documents import Filter, Request
from asked import AGENT, PAGE, proposal, subject
from conftest import FakeClock

WORDS = Filter(kinds=("approval",))


@pytest.fixture
def app(repository: Path, clock: FakeClock, own_home: Path) -> Generator[App]:
    with App(repository, environment={"HOME": str(own_home)}, clock=clock) as opened:
        yield opened


def ask(app: App) -> str:
    asked = app.approving().requests.ask(subject(), proposal(), session=None, actor=AGENT)
    assert asked is not None
    return asked.request.id


def reject(app: App, approval: str, *, by: Actor = PAGE) -> None:
    requests = app.approving().requests
    digest = requests.standing(approval).request.digest
    requests.decide(approval, "reject", by="person anna", digest=digest, feedback="use a lease instead", actor=by)


def found(app: App, text: str) -> list[str]:
    hits = app.search().search(Request(text, WORDS, k=5), patience_s=None).hits
    return [f"{hit.document.ref}: {hit.document.title}" for hit in hits]


def test_a_request_and_what_became_of_it_are_found(app: App) -> None:
    approval = ask(app)
    reject(app, approval)
    assert found(app, "rebased branch") == [f"approvals/{approval}: Push the rebased branch"]
    decided = f"approvals/{approval}/trail: reject by person anna: use a lease instead"
    assert found(app, "lease instead")[0] == decided


def test_a_session_opens_with_what_waits_for_a_person(app: App, clock: FakeClock) -> None:
    approval = ask(app)
    assert f"check_approval(id='{approval}')" in app.sessions().start("go on", actor=AGENT).brief
    clock.advance(timedelta(hours=25))
    assert approval not in app.sessions().start("go on", actor=AGENT).brief


def test_a_session_opens_without_what_was_decided(app: App) -> None:
    approval = ask(app)
    reject(app, approval)
    assert approval not in app.sessions().start("go on", actor=AGENT).brief
