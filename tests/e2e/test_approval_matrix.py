"""Every way a request can go: in three protocol versions, with every kind of client, to every decision."""

import contextlib
import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.factors.approval.store import request_events
from e2e.approval_client import BOUND_S, AskedClient, Call, Ledger, accepted, ledger_of, request_of
from e2e.raw_client import LEGACY, MODERN, OLDEST, Era, environment, make_project

pytestmark = pytest.mark.slow

CLIENT_TIMEOUT_S = 1.0
SOON_H = 2 / 3600
"""In hours: the time until a request expires in a project where the person has no patience."""

BECOMES = {"approve": "approved", "reject": "rejected", "revise": "revise", "expire": "expired"}

MALFORMED: dict[str, dict[str, Any]] = {
    "approve": {"action": "accept"},
    "reject": {"action": "accept", "content": {"decision": "APPROVE it"}},
    "revise": {"action": "accept", "content": {"decision": 1, "feedback": "approve"}},
    "expire": {"action": "accept", "content": {}},
}
"""Answers that a client accepts with, and that hold no decision."""


@dataclass
class Site:
    """A project, the servers that run in it, and its ledger as this process reads it."""

    project: Path
    variables: Mapping[str, str]
    era: Era
    ledger: Ledger
    running: dict[tuple[bool, int], AskedClient] = field(default_factory=dict[tuple[bool, int], AskedClient])

    def client(self, *, shows: bool = True, number: int = 0) -> AskedClient:
        """A server that other cells use too; another one when that was killed."""
        found = self.running.get((shows, number))
        if found is None or not found.is_alive:
            found = self.running[shows, number] = self.start(shows=shows)
        return found

    def start(self, *, shows: bool = True) -> AskedClient:
        """A server of the cell's own, which it may kill."""
        return AskedClient(self.project, self.variables, self.era, shows=shows)


@contextlib.contextmanager
def site(root: Path, era: Era, config: str = "") -> Generator[Site]:
    """A project with these settings."""
    variables = environment(root / "home")
    project = make_project(root / "project")
    with (project / ".agentops" / "config.toml").open("a", encoding="utf-8") as file:
        file.write(config)
    with App(project, environment=variables) as app:
        found = Site(project, variables, era, ledger_of(app))
        try:
            yield found
        finally:
            for client in found.running.values():
                client.close()


@dataclass(frozen=True, slots=True)
class Place:
    """Two projects: in one requests wait for a day, in the other they expire soon."""

    patient: Site
    hasty: Site


@pytest.fixture(scope="module", params=[OLDEST, LEGACY, MODERN])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Servers of one protocol version."""
    root = tmp_path_factory.mktemp(request.param)
    soon = f"\n[approval]\nexpire_hours = {SOON_H:.6f}\nescalate_hours = {SOON_H / 2:.6f}\n"
    with site(root / "patient", request.param) as patient, site(root / "hasty", request.param, soon) as hasty:
        yield Place(patient, hasty)


class Cell:
    """One request of its own, on its way to one decision."""

    def __init__(self, site: Site, decision: str) -> None:
        self.site = site
        self.decision = decision
        self.expires = decision == "expire"
        self.modern = site.era == MODERN
        self.action = f"npm publish --tag next ./packages/{uuid.uuid4().hex}"

    @property
    def id(self) -> str:
        """The request's id, from the ledger."""
        return self.site.ledger.id_of(self.action)

    @property
    def answer(self) -> dict[str, object]:
        """What a client sends when its person decides; too late, where the request is to expire first."""
        return accepted("approve" if self.expires else self.decision)

    def ask(self, client: AskedClient | None = None) -> Call:
        """Send the request."""
        return (client or self.site.client()).start("request_approval", request_of(self.action))

    def look(self, client: AskedClient | None = None, wait_s: int = 0) -> str:
        """What check_approval says."""
        return (client or self.site.client()).say("check_approval", {"id": self.id, "wait_s": wait_s})

    def let_time_pass(self) -> None:
        """Wait until the request expired, where it is to."""
        if self.expires:
            self.site.ledger.wait_until(self.id, "expired")

    def decide_on_the_page(self) -> None:
        """Decide from this process, or let the request expire."""
        self.let_time_pass()
        if not self.expires:
            self.site.ledger.decide(self.id, self.decision)


def answered_at_once(cell: Cell) -> str:
    call = cell.ask()
    dialog = call.dialog(cell.action)
    cell.let_time_pass()
    return call.answer(dialog, cell.answer)


def never_declared(cell: Cell) -> str:
    client = cell.site.client(shows=False)
    assert cell.ask(client).reply().startswith("PENDING")
    cell.decide_on_the_page()
    assert not client.dialogs(cell.action)
    return cell.look(client)


def never_answered(cell: Cell) -> str:
    call = cell.ask()
    call.dialog(cell.action)
    cell.decide_on_the_page()
    return cell.look() if cell.modern else call.reply()


def answered_malformed(cell: Cell) -> str:
    call = cell.ask()
    dialog = call.dialog(cell.action)
    cell.let_time_pass()
    return call.answer(dialog, MALFORMED[cell.decision])


def dismissed(cell: Cell) -> str:
    call = cell.ask()
    said = call.answer(call.dialog(cell.action), {"action": "cancel"})
    assert said.startswith("PENDING")
    cell.decide_on_the_page()
    return cell.look(wait_s=5)


def given_up_by_the_client(cell: Cell) -> str:
    call = cell.ask()
    call.dialog(cell.action)
    if cell.modern:
        call = call.client.start("check_approval", {"id": cell.id, "wait_s": 40})
    wait([call.pending], CLIENT_TIMEOUT_S)
    call.client.give_up(call.identifier)
    assert "result" in call.client.ask("tools/list")
    cell.decide_on_the_page()
    return cell.look(wait_s=5)


def killed_between_rounds(cell: Cell) -> str:
    first = cell.site.client(number=2)
    call = cell.ask(first)
    dialog = call.dialog(cell.action)
    first.kill()
    first.close()
    second = cell.site.client(number=2)
    cell.let_time_pass()
    if cell.modern:
        return call.answer(dialog, cell.answer, to=second)
    if cell.expires:
        return cell.look(second)
    again = cell.ask(second)
    return again.answer(again.dialog(cell.action), cell.answer)


def answered_in_another_process(cell: Cell) -> str:
    first, second = cell.site.client(), cell.site.client(number=1)
    call = cell.ask(first)
    dialog = call.dialog(cell.action)
    if cell.modern:
        cell.let_time_pass()
        there, here = call.answer(dialog, cell.answer, to=second), cell.look(first)
    else:
        again = cell.ask(second)
        other = again.dialog(cell.action)
        cell.let_time_pass()
        there, here = again.answer(other, cell.answer), call.reply()
    assert there.split()[:2] == here.split()[:2]
    return here


WAYS: dict[str, Callable[[Cell], str]] = {
    "declared": answered_at_once,
    "absent": never_declared,
    "never-answered": never_answered,
    "malformed": answered_malformed,
    "cancelled": dismissed,
    "client-timeout": given_up_by_the_client,
    "server-killed": killed_between_rounds,
    "second-process": answered_in_another_process,
}

BY_CLIENT = ("declared", "malformed", "server-killed", "second-process")


@pytest.mark.parametrize("decision", BECOMES)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_ends_as_it_was_decided_and_an_approval_is_used_once(place: Place, way: str, decision: str) -> None:
    cell = Cell(place.hasty if decision == "expire" else place.patient, decision)
    becomes = "rejected" if way == "malformed" and not cell.expires else BECOMES[decision]

    said = WAYS[way](cell)

    assert said.split()[0].rstrip(":") == becomes.upper(), said
    assert cell.id in said
    standing = cell.site.ledger.standing(cell.id)
    assert standing.status == becomes
    channel = "client" if way in BY_CLIENT else "page"
    assert [each.strength for each in standing.decisions] == ([] if cell.expires else [channel])
    assert_used_once(cell, approved=becomes == "approved")


def assert_used_once(cell: Cell, *, approved: bool) -> None:
    """An approved action is allowed by its approval once; any other is not, and that is kept."""
    said = [
        cell.site.client().say("check_action", {"kind": "shell", "action": cell.action, "approval": cell.id})
        for _ in range(2)
    ]
    assert said[0].startswith("ALLOW") == approved, said[0]
    assert said[1].startswith("ASK"), said[1]
    ledger, uses = cell.site.ledger, int(approved)
    assert ledger.uses(cell.id) == uses
    assert ledger.count(cell.id, request_events.REFUSED) >= 2 - uses


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_was_decided_is_returned_when_the_same_is_asked_again(place: Place, decision: str) -> None:
    cell = Cell(place.patient, decision)
    call = cell.ask()
    first = call.answer(call.dialog(cell.action), cell.answer)
    again = cell.ask(cell.site.client(shows=False)).reply()
    if decision == "approve":
        assert again.split()[:2] == first.split()[:2]
    else:
        assert again.startswith("PENDING")


def test_a_dialog_that_is_declined_rejects(place: Place) -> None:
    cell = Cell(place.patient, "reject")
    call = cell.ask()
    assert call.answer(call.dialog(cell.action), {"action": "decline"}).startswith("REJECTED")
    assert cell.site.ledger.standing(cell.id).status == "rejected"


@pytest.mark.parametrize(
    "result",
    [{"decision": "approve"}, {"action": "approve"}, {"action": "accept", "content": {"decision": {"is": "approve"}}},
     {"action": "accept", "content": "approve"}, [], "approve"],
)  # fmt: skip
def test_what_is_no_answer_approves_nothing_and_the_server_goes_on(place: Place, result: object) -> None:
    cell = Cell(place.patient, "approve")
    with cell.site.start() as client:
        call = cell.ask(client)
        dialog = call.dialog(cell.action)
        if cell.modern:
            call = client.start(
                "request_approval", call.arguments, inputResponses={dialog.key: result}, requestState=dialog.state
            )
        else:
            client.respond(dialog, result)
            wait([call.pending], 1)
        if call.pending.done():
            assert "APPROVED" not in str(call.pending.result())
        assert cell.look(client).split()[0].rstrip(":") in ("PENDING", "REJECTED")
        assert cell.site.ledger.standing(cell.id).status in ("pending", "rejected")


def test_what_a_client_can_not_decide_is_never_put_to_its_dialog(place: Place) -> None:
    client, action = place.patient.client(), f"psql shop -c 'DROP TABLE t_{uuid.uuid4().hex}'"
    assert client.start("request_approval", request_of(action)).reply().startswith("PENDING")
    assert not client.dialogs(action)
    place.patient.ledger.decide(place.patient.ledger.id_of(action), "approve")
    asked = {"kind": "shell", "action": action, "approval": place.patient.ledger.id_of(action)}
    assert client.say("check_action", asked).startswith("ALLOW")


def test_nobody_waits_longer_than_45_s_and_the_request_still_stands(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        sites = [stack.enter_context(site(tmp_path / era, era)) for era in (OLDEST, LEGACY, MODERN)]
        cells = [Cell(each, "approve") for each in sites]
        waiting: list[Call] = []
        for cell in cells:
            call = cell.ask()
            call.dialog(cell.action)
            looking = call.client.start("check_approval", {"id": cell.id, "wait_s": 45})
            waiting += [looking] if cell.modern else [looking, call]
        said = [call.reply(45 + BOUND_S).split()[0] for call in waiting]
        assert said == ["PENDING"] * len(waiting)
        for cell in cells:
            cell.decide_on_the_page()
            assert cell.look().startswith("APPROVED")
