"""The tools as clients of both eras meet them: a person is asked, and exactly what they answered counts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import MCPError
from mcp.types import (
    ElicitRequestParams,
    ElicitResult,
)

from agentops_mcp.app import App
from agentops_mcp.factors.approval.store.request_events import DECIDED, REQUESTED, SHOWN, USED
from asking_clients import CRITICAL, GIVEN, MODES, PUBLISH, YES, Asked, Place, request, says, text
from conftest import FakeClock


@pytest.fixture
def place(repository: Path, own_home: Path, clock: FakeClock) -> Iterator[Place]:
    with App(repository, environment={}, clock=clock) as app:
        yield Place(repository, clock, app)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (says("accept", decision="approve", feedback="go on"), "APPROVED", "> go on"),
        (says("accept", decision="approve"), "APPROVED", 'approval="'),
        (says("accept", decision="reject", feedback="not on a Friday"), "REJECTED", "> not on a Friday"),
        (says("accept", decision="revise", feedback="as a candidate"), "REVISE", "> as a candidate"),
        (says("accept", decision="revise"), "REVISE", "> no words were given"),
        (says("decline"), "REJECTED", "Do not do it"),
        (says("decline", feedback="too early"), "REJECTED", "> too early"),
        (says("cancel"), "PENDING", "brought no decision"),
        (says("accept"), "REJECTED", "> answered without a decision"),
        (says("accept", feedback="yes"), "REJECTED", "> answered without a decision"),
        (says("accept", decision="maybe"), "REJECTED", "> answered without a decision"),
        (says("accept", decision=["approve"]), "REJECTED", "> answered without a decision"),
        (says("accept", decision=True), "REJECTED", "> answered without a decision"),
        (says("accept", decision="approve", feedback=7), "REJECTED", "> answered without a decision"),
    ],
)  # fmt: skip
async def test_what_the_dialog_says_is_what_counts(
    place: Place, mode: str, answer: Asked, status: str, words: str
) -> None:
    async with place.client(mode, answer) as client:
        reply = await request(client)
    assert reply.startswith(f"{status} {place.only().request.id}\n")
    assert words in reply
    assert place.only().status == status.lower()


@pytest.mark.parametrize("mode", MODES)
async def test_a_person_is_shown_the_action_and_a_form_without_a_default(place: Place, mode: str) -> None:
    async with place.client(mode, says("cancel")) as client:
        await request(client)
    assert PUBLISH in place.messages[0]
    assert GIVEN["rollback"] in place.messages[0]
    assert place.forms[0]["required"] == ["decision"]
    assert set(place.forms[0]["properties"]) == {"decision", "feedback"}
    assert "default" not in str(place.forms[0])


@pytest.mark.parametrize("mode", MODES)
async def test_it_is_recorded_which_client_showed_and_answered(place: Place, mode: str) -> None:
    async with place.client(mode, says("accept", decision="approve")) as client:
        await request(client)
    (decided,) = place.only().decisions
    assert decided.by.startswith("client claude 2.1 of ")
    assert decided.strength == "client"
    assert place.kinds() == [REQUESTED, SHOWN, DECIDED]


@pytest.mark.parametrize("mode", MODES)
async def test_the_request_is_on_disk_before_anybody_is_asked(place: Place, mode: str) -> None:
    kept: list[str] = []

    async def look(_: ElicitRequestParams) -> ElicitResult:
        kept.extend(await anyio.to_thread.run_sync(place.kinds))
        return ElicitResult(action="cancel")

    async with place.client(mode, look) as client:
        await request(client)
    assert kept == [REQUESTED, SHOWN]


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_without_forms_is_told_how_a_person_decides(place: Place, mode: str) -> None:
    async with place.client(mode) as client:
        reply = await request(client)
    assert reply.startswith("PENDING ")
    assert "agentops-mcp web" in reply
    assert "check_approval(id=" in reply
    assert place.kinds() == [REQUESTED]


@pytest.mark.parametrize("mode", MODES)
async def test_a_clients_word_is_not_asked_for_where_it_would_not_do(place: Place, mode: str) -> None:
    async with place.client(mode, says("accept", decision="approve")) as client:
        reply = await request(client, action=CRITICAL)
    assert reply.startswith("PENDING ")
    assert place.messages == []


@pytest.mark.parametrize("mode", MODES)
async def test_where_nobody_is_there_no_dialog_opens(place: Place, mode: str) -> None:
    place.headless = True
    async with place.client(mode, says("accept", decision="approve")) as client:
        reply = await request(client)
    assert reply.startswith("PENDING ")
    assert place.messages == []


@pytest.mark.parametrize("mode", MODES)
async def test_what_needs_nobody_is_not_kept(place: Place, mode: str) -> None:
    async with place.client(mode, says("decline")) as client:
        reply = await request(client, action="git status", impact={"level": "low"})
    assert reply.startswith("NOT NEEDED")
    assert (place.kinds(), place.messages) == ([], [])


@pytest.mark.parametrize("mode", MODES)
async def test_a_plan_is_approved_and_not_used_up(place: Place, mode: str) -> None:
    async with place.client(mode, says("accept", decision="approve")) as client:
        reply = await request(client, kind="plan", action="1. Freeze writes. 2. Move the table.")
        again = await request(client, kind="plan", action="1. Freeze writes. 2. Move the table.")
    assert "Go on with the plan" in reply
    assert reply == again
    assert USED not in place.kinds()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rollback": " "}, "without rollback"),
        ({"impact": {}}, "without impact"),
        ({"alternatives": [], "risks": []}, "without alternatives, risks"),
        ({"kind": "dance"}, "No kind of action"),
        ({"details": {"mood": "good"}}, "no part 'mood'"),
        ({"details": {"risk": "huge"}}, "low, medium, high"),
        ({"details": {"summary": "another"}}, "details repeats 'summary'"),
        ({"session": "01a216d3-0000-7000-8000-000000000001"}, "start_session"),
    ],
)
async def test_a_request_nobody_could_decide_about_is_refused(place: Place, given: dict[str, Any], said: str) -> None:
    async with place.client() as client:
        reply = await request(client, **given)
    assert reply.startswith("error: ")
    assert said in reply
    assert place.kinds() == []


async def test_a_request_that_lacks_a_part_is_refused_with_an_example(place: Place) -> None:
    async with place.client() as client:
        reply = text(await client.call_tool("request_approval", {"kind": "shell", "action": PUBLISH}))
    assert "needs 'summary'" in reply
    assert 'rollback="' in reply


@pytest.mark.parametrize("mode", MODES)
async def test_the_same_request_again_finds_the_decision(place: Place, mode: str) -> None:
    async with place.client(mode, says("accept", decision="approve")) as client:
        assert await request(client) == await request(client)
    assert len(place.messages) == 1


async def test_a_dialog_that_nobody_answers_is_closed_in_time(place: Place) -> None:
    place.longest_s = 2.0
    closed = anyio.Event()

    async def nobody(_: ElicitRequestParams) -> ElicitResult:
        try:
            await anyio.sleep_forever()
        finally:
            closed.set()
        raise AssertionError

    async with place.client("legacy", nobody) as client:
        reply = await request(client)
        with anyio.fail_after(10):
            await closed.wait()
    assert reply.startswith("PENDING ")
    assert "not answered in time" in reply
    assert place.only().status == "pending"


async def test_who_decides_elsewhere_first_closes_the_dialog(place: Place) -> None:
    closed = anyio.Event()

    async def elsewhere(_: ElicitRequestParams) -> ElicitResult:
        try:
            await anyio.to_thread.run_sync(place.decide)
            await anyio.sleep_forever()
        finally:
            closed.set()
        raise AssertionError

    async with place.client("legacy", elsewhere) as client:
        reply = await request(client)
        with anyio.fail_after(10):
            await closed.wait()
    assert reply.startswith("APPROVED ")
    assert "person anna, the page" in reply


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_after_somebody_elses_decision_changes_nothing(place: Place, mode: str) -> None:
    async def late(_: ElicitRequestParams) -> ElicitResult:
        await anyio.to_thread.run_sync(lambda: place.decide("reject", feedback="no"))
        return YES

    async with place.client(mode, late) as client:
        reply = await request(client)
    assert reply.startswith("REJECTED ")
    assert "By person anna" in reply
    assert place.kinds().count(DECIDED) == 1


async def test_a_client_that_can_not_show_its_dialog_leaves_the_request_to_others(place: Place) -> None:
    async def broken(_: ElicitRequestParams) -> ElicitResult:
        raise MCPError(-32000, "no window")

    async with place.client("legacy", broken) as client:
        reply = await request(client)
    assert reply.startswith("PENDING ")
    assert "The client's dialog could not be used: no window." in reply
    assert place.only().status == "pending"


async def test_a_client_that_gives_up_loses_nothing(place: Place) -> None:
    async def slow(_: ElicitRequestParams) -> ElicitResult:
        await anyio.sleep_forever()
        raise AssertionError

    async with place.client("legacy", slow, read_timeout_seconds=0.5) as client:
        with pytest.raises(MCPError):
            await request(client)
    assert place.only().status == "pending"
