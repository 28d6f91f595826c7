"""Answers that come with a later round: for the very call that was shown, once, from whichever process."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import (
    ElicitResult,
    InputRequiredResult,
)

from agentops_mcp.app import App
from agentops_mcp.factors.approval.store.request_events import DECIDED, REFUSED, REQUESTED, SHOWN
from agentops_mcp.server import build_server
from asking_clients import GIVEN, YES, Place, first_round, next_round, says, text
from conftest import FakeClock


@pytest.fixture
def place(repository: Path, own_home: Path, clock: FakeClock) -> Iterator[Place]:
    with App(repository, environment={}, clock=clock) as app:
        yield Place(repository, clock, app)


async def test_an_answered_state_decides_only_once(place: Place) -> None:
    async with place.client(answer=says("cancel")) as client:
        state = (await first_round(client)).request_state
        first = text(await next_round(client, state, YES))
        no = ElicitResult(action="accept", content={"decision": "reject"})
        again = text(await next_round(client, state, no))
    assert first == again
    assert first.startswith("APPROVED ")
    assert place.kinds() == [REQUESTED, SHOWN, DECIDED, REFUSED]


@pytest.mark.parametrize(
    "edited", [{"action": "npm publish --tag latest"}, {"cwd": "/"}, {"summary": "Something else"}]
)  # fmt: skip
async def test_an_answer_with_another_call_is_refused_and_recorded(place: Place, edited: dict[str, Any]) -> None:
    async with place.client(answer=says("cancel")) as client:
        state = (await first_round(client)).request_state
        with pytest.raises(MCPError, match="requestState"):
            await next_round(client, state, YES, **edited)
    assert place.only().status == "pending"
    assert place.kinds() == [REQUESTED, SHOWN, REFUSED]


async def test_an_answer_about_files_that_changed_meanwhile_is_refused_and_recorded(place: Place) -> None:
    about = {"kind": "file_delete", "action": "app.py"}
    async with place.client(answer=says("cancel")) as client:
        state = (await first_round(client, **about)).request_state
        (place.path / "app.py").write_text("print('something of worth')\n", encoding="utf-8")
        reply = text(await next_round(client, state, YES, **about))
    assert reply.startswith("error: The action is not the one that was shown")
    assert place.only().status == "pending"
    assert place.kinds() == [REQUESTED, SHOWN, REFUSED]


async def test_an_answer_of_another_agents_client_is_refused_and_recorded(place: Place) -> None:
    async with place.client(answer=says("cancel")) as client:
        state = (await first_round(client)).request_state
    async with place.client(answer=says("cancel"), name="codex") as other:
        reply = text(await next_round(other, state, YES))
    assert reply.startswith("error: The action is not the one that was shown")
    assert place.only().status == "pending"


@pytest.mark.parametrize("state", ["", "v1.abcd", "01a216d3-0000-7000-8000-000000000001"])
async def test_a_made_up_state_is_refused(place: Place, state: str) -> None:
    async with place.client(answer=says("cancel")) as client:
        await first_round(client)
        with pytest.raises(MCPError, match="requestState"):
            await next_round(client, state, YES)
    assert place.only().status == "pending"
    assert place.kinds() == [REQUESTED, SHOWN]


async def test_a_state_of_another_project_is_refused(place: Place, tmp_path: Path) -> None:
    async with place.client(answer=says("cancel")) as client:
        state = (await first_round(client)).request_state
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with App(elsewhere, environment={}, clock=place.clock) as app:
        async with Client(build_server(app), elicitation_callback=None) as client:
            with pytest.raises(MCPError, match="requestState"):
                await next_round(client, state, YES)


async def test_another_process_goes_on_after_a_restart(place: Place) -> None:
    async with place.client(answer=says("cancel")) as client:
        state = (await first_round(client)).request_state
    place.app.close()
    async with place.client(answer=says("cancel")) as client:
        reply = text(await next_round(client, state, YES))
    assert reply.startswith("APPROVED ")


async def test_who_comes_back_without_an_answer_is_asked_again(place: Place) -> None:
    async with place.client(answer=says("cancel")) as client:
        first = await first_round(client)
        again = await client.session.call_tool(
            "request_approval", GIVEN, request_state=first.request_state, allow_input_required=True
        )
    assert isinstance(again, InputRequiredResult)
    assert again.input_requests == first.input_requests
    assert place.kinds() == [REQUESTED, SHOWN]


async def test_an_answer_after_the_request_expired_is_a_refusal(place: Place) -> None:
    async with place.client(answer=says("cancel")) as client:
        state = (await first_round(client)).request_state
        place.clock.advance(timedelta(hours=25))
        reply = text(await next_round(client, state, YES))
    assert reply.startswith("EXPIRED ")
    assert "not a yes" in reply
