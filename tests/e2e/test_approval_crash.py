"""Decisions under force: servers killed between ask, decide and use, and many who decide or use at the same moment."""

import contextlib
import json
import random
import subprocess
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.factors.approval.store import request_events
from agentops_mcp.storage.verify import verify_chains
from e2e import approval_racer
from e2e.approval_client import AskedClient, Ledger, accepted, ledger_of, request_of
from e2e.raw_client import ERAS, OLDEST, TIMEOUT_S, Era, Hangup, environment, make_project, text_of

pytestmark = pytest.mark.slow

SEEDS = (20261126, 8)
WORKERS: tuple[Era, ...] = (*ERAS, OLDEST)
CYCLES, KILLS = 120, 8
ANSWERS = ("approve", "approve", "reject", "revise")
PROCESSES = 5


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return environment(tmp_path / "home")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


@pytest.fixture
def ledger(project: Path, variables: dict[str, str]) -> Iterator[Ledger]:
    """The requests as this process, which nobody kills, finds them."""
    with App(project, environment=variables) as app:
        yield ledger_of(app)


def new_action() -> str:
    return f"npm publish --tag next ./packages/{uuid.uuid4().hex}"


@dataclass
class Story:
    """What a client was told about one action, and what it answered itself."""

    action: str
    answers: str
    shown: bool = False
    answered: bool = False
    decided: str = ""
    """The status that the server confirmed."""

    allowed: int = 0


@dataclass
class Storm:
    """What all clients were told."""

    wanted: int
    stories: list[Story] = field(default_factory=list[Story])
    progress: threading.Condition = field(default_factory=threading.Condition)
    errors: list[BaseException] = field(default_factory=list[BaseException])

    def begin(self, answers: str) -> Story | None:
        """One more story, while more are wanted."""
        with self.progress:
            if len(self.stories) >= self.wanted or self.errors:
                return None
            self.stories.append(Story(new_action(), answers))
            return self.stories[-1]

    def moved(self) -> None:
        """Something was confirmed."""
        with self.progress:
            self.progress.notify_all()

    @property
    def confirmed(self) -> int:
        """How much the servers confirmed so far."""
        return sum(story.shown + bool(story.decided) + story.allowed for story in self.stories)

    def is_due(self, mark: int, working: Sequence["Worker"]) -> bool:
        """Whether enough was confirmed for the next kill, and somebody is there to be killed; or all is over."""
        return len(self.stories) >= self.wanted or bool(self.errors) or (self.confirmed >= mark and bool(working))


class Worker(threading.Thread):
    """A client that asks, decides in its dialog and uses the approval, and starts another server when its own dies."""

    def __init__(self, storm: Storm, start: Callable[[], AskedClient], seed: str) -> None:
        super().__init__(name=seed)
        self._storm, self._start, self._random = storm, start, random.Random(seed)
        self.client = start()

    def run(self) -> None:
        try:
            while (
                story := self._storm.begin(self._random.choice(["approve", "approve", "reject", "revise"]))
            ) is not None:
                try:
                    self._live(story)
                except Hangup:
                    self.client.close()
                    self.client = self._start()
        except BaseException as error:
            self._storm.errors.append(error)
            raise
        finally:
            self.client.close()
            self._storm.moved()

    def _live(self, story: Story) -> None:
        call = self.client.start("request_approval", request_of(story.action))
        dialog = call.dialog(story.action)
        story.shown = True
        self._storm.moved()
        story.answered = True
        said = call.answer(dialog, accepted(story.answers))
        story.decided = said.split()[0].rstrip(":").lower()
        self._storm.moved()
        approval = said.split()[1].rstrip(":")
        for _ in range(2):
            said = self.client.say("check_action", {"kind": "shell", "action": story.action, "approval": approval})
            story.allowed += said.startswith("ALLOW")
            self._storm.moved()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_killed_between_ask_decide_and_use_loses_nothing_and_grants_nothing_twice(
    project: Path, variables: dict[str, str], ledger: Ledger, seed: int
) -> None:
    storm = Storm(CYCLES)
    killed = rage(storm, project, variables, seed)
    assert killed == KILLS
    assert len(storm.stories) == CYCLES
    with AskedClient(project, variables, OLDEST) as survivor:
        for story in storm.stories:
            assert_kept(story, ledger, survivor, seed)
    with App(project, environment=variables) as app:
        assert not [chain.problems for chain in verify_chains(app.parts.ledger.database) if chain.problems]


def rage(storm: Storm, project: Path, variables: dict[str, str], seed: int) -> int:
    """Let the clients work and kill their servers at random moments; returns how many died."""
    chance = random.Random(seed)
    workers = [
        Worker(storm, lambda era=era: AskedClient(project, variables, era), f"{seed}/{number}")
        for number, era in enumerate(WORKERS)
    ]
    for worker in workers:
        worker.start()
    killed = 0
    for mark in sorted(chance.sample(range(3, CYCLES), KILLS)):
        with storm.progress:
            due = storm.progress.wait_for(lambda at=mark: storm.is_due(at, working(workers)), TIMEOUT_S)
        assert due, f"seed {seed}: the servers stopped"
        threading.Event().wait(chance.uniform(0, 0.05))  # anywhere in a call, not just after an answer
        if alive := working(workers):
            chance.choice(alive).client.kill()
            killed += 1
    for worker in workers:
        worker.join(TIMEOUT_S)
        assert not worker.is_alive()
    assert not storm.errors, f"seed {seed}: {storm.errors}"
    return killed


def working(workers: list[Worker]) -> list[Worker]:
    """Those whose server lives."""
    return [worker for worker in workers if worker.is_alive() and worker.client.is_alive]


def assert_kept(story: Story, ledger: Ledger, survivor: AskedClient, seed: int) -> None:
    """What was confirmed stands, what was not is whole or absent, and one approval lets one action pass."""
    told = f"seed {seed}: {story}"
    found = ledger.requests.history(story.action.rpartition("/")[2])
    assert len(found) == 1 if story.shown else len(found) <= 1, told
    for standing in found:
        becomes = {"approve": "approved", "reject": "rejected", "revise": "revise"}[story.answers]
        possible = {becomes, "used"} if story.answers == "approve" else {becomes}
        decided = [each.decision for each in standing.decisions]
        assert decided == [story.answers] if story.decided else decided in ([], [story.answers]), told
        assert standing.status in (possible if decided else {"pending"}), told
        if story.decided:
            assert story.decided == becomes, told
        if not story.answered:
            assert not decided, f"{told} approved itself"
        uses = ledger.uses(standing.request.id)
        assert story.allowed <= uses <= 1, told
        left = 1 if becomes == "approved" and decided and not uses else 0
        asked = {"kind": "shell", "action": story.action, "approval": standing.request.id}
        passed = sum(survivor.say("check_action", asked).startswith("ALLOW") for _ in range(2))
        assert passed == left, told
        assert ledger.uses(standing.request.id) == uses + left, told


def pending(client: AskedClient) -> tuple[str, str]:
    """A request that waits, made without a dialog: its action and its id."""
    action = new_action()
    said = client.start("request_approval", request_of(action)).reply()
    assert said.startswith("PENDING"), said
    return action, said.split()[1].rstrip(":")


def raced(what: str, project: Path, variables: dict[str, str], approval: str) -> list[dict[str, Any]]:
    """What fifty threads of five processes did at the same moment."""
    command = [sys.executable, approval_racer.__file__, what, str(project), approval]
    racers = [
        subprocess.Popen(
            [*command, str(number * approval_racer.THREADS)], env=variables, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )
        for number in range(PROCESSES)
    ]  # fmt: skip
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        told = [json.loads(line) for racer in racers for line in racer.communicate(timeout=TIMEOUT_S)[0].splitlines()]
    finally:
        for racer in racers:
            racer.kill()
    assert len(told) == PROCESSES * approval_racer.THREADS
    return told


def test_of_fifty_decisions_at_once_from_five_processes_one_stands_and_the_others_are_kept(
    project: Path, variables: dict[str, str], ledger: Ledger
) -> None:
    with AskedClient(project, variables, OLDEST, shows=False) as client:
        _, approval = pending(client)
    told = raced("decide", project, variables, approval)
    (won,) = [each for each in told if each["refused"] is None]
    (stands,) = ledger.standing(approval).decisions
    assert (stands.by, stands.decision) == (won["by"], won["did"])
    assert ledger.count(approval, request_events.REFUSED) == len(told) - 1


def test_of_fifty_uses_at_once_from_five_processes_one_passes_and_the_others_are_kept(
    project: Path, variables: dict[str, str], ledger: Ledger
) -> None:
    with AskedClient(project, variables, OLDEST, shows=False) as client:
        _, approval = pending(client)
    ledger.decide(approval, "approve")
    told = raced("use", project, variables, approval)
    assert [each["refused"] for each in told].count(None) == 1
    assert ledger.uses(approval) == 1
    assert ledger.standing(approval).status == "used"
    assert ledger.count(approval, request_events.REFUSED) == len(told) - 1


def test_of_fifty_uses_at_once_in_five_servers_one_passes_and_the_others_are_kept(
    project: Path, variables: dict[str, str], ledger: Ledger
) -> None:
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(AskedClient(project, variables, WORKERS[number % 3], shows=False))
            for number in range(PROCESSES)
        ]
        action, approval = pending(clients[0])
        ledger.decide(approval, "approve")
        asked = {"name": "check_action", "arguments": {"kind": "shell", "action": action, "approval": approval}}
        for client in clients:  # each has opened the project
            client.say("check_approval", {"id": approval})
        flying = [client.request("tools/call", asked) for _ in range(10) for client in clients]
        said = [text_of(each.result(TIMEOUT_S)["result"]).split(":")[0] for each in flying]
    assert Counter(said) == {"ALLOW": 1, "ASK": len(flying) - 1}
    assert ledger.uses(approval) == 1
    assert ledger.standing(approval).status == "used"
    assert ledger.count(approval, request_events.REFUSED) == len(flying) - 1
