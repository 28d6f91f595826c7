"""Acknowledged means durable: servers are killed while they write, and nothing they confirmed is lost or torn."""

import json
import random
import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import VIEWS, App
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.verify import verify_chains
from conftest import git
from e2e.raw_client import TIMEOUT_S, Hangup, RawClient, entry, environment, make_project, run_command

pytestmark = pytest.mark.slow

SEED = 20261122
IN_FLIGHT = 4
KILLS = 4
ON_SQLITE, ON_POSTGRESQL = 520, 160  # acknowledged writes for each of the four settings


@dataclass
class Run:
    """What the writers were told, and what they were not."""

    wanted: int
    seed: int
    progress: threading.Condition = field(default_factory=threading.Condition)
    acknowledged: dict[str, str] = field(default_factory=dict[str, str])
    unanswered: list[str] = field(default_factory=list[str])
    refusals: list[Any] = field(default_factory=list[Any])

    @property
    def is_over(self) -> bool:
        return len(self.acknowledged) >= self.wanted or bool(self.refusals)

    def settle(self, action: str, answer: Future[dict[str, Any]]) -> None:
        """Note how a call ended."""
        with self.progress:
            if isinstance(answer.exception(), Hangup):
                self.unanswered.append(action)
            elif (result := answer.result().get("result")) and not result["isError"]:
                identifier = result["structuredContent"]["id"]
                assert identifier not in self.acknowledged, f"{identifier} was given out twice"
                self.acknowledged[identifier] = action
            else:
                self.refusals.append(answer.result())
            self.progress.notify_all()


class Writer(threading.Thread):
    """Keeps several calls in flight to a server of its own, and starts another when that one dies."""

    def __init__(self, project: Path, variables: dict[str, str], run: Run, number: int) -> None:
        super().__init__(name=f"writer-{number}")
        self._project, self._variables, self._run, self._number = project, variables, run, number
        self._random = random.Random(f"{run.seed}/{number}")
        self.client = self._start()
        self.error: BaseException | None = None

    def _start(self) -> RawClient:
        era = "2025-11-25" if self._number % 2 else "2026-07-28"
        return RawClient(self._project, environment=self._variables, era=era, name=self.name)

    def run(self) -> None:
        try:
            while not self._run.is_over:
                self._write()
                if not self._run.is_over:
                    self.client.close()
                    self.client = self._start()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.client.close()

    def _write(self) -> None:
        """Write until the server dies or the run is over; every call is waited for, or known to be unanswered."""
        flying: dict[Future[dict[str, Any]], str] = {}
        alive = True
        while flying or (alive and not self._run.is_over):
            while alive and len(flying) < IN_FLIGHT and not self._run.is_over:
                action = f"Measure run {self._random.getrandbits(64):x} of writer {self._number}"
                arguments = entry(action=action, solution="", learning="", tags=["kill", f"writer-{self._number}"])
                flying[self.client.request("tools/call", {"name": "record_entry", "arguments": arguments})] = action
            done, _ = wait(flying, timeout=TIMEOUT_S, return_when=FIRST_COMPLETED)
            assert done, "the server neither answered nor died"
            for answer in done:
                alive = alive and answer.exception() is None
                self._run.settle(flying.pop(answer), answer)


def write_and_kill(project: Path, variables: dict[str, str], run: Run, processes: int) -> int:
    """Let `processes` servers write at once and kill one of them at random moments; returns how many died."""
    chance = random.Random(run.seed)
    writers = [Writer(project, variables, run, number) for number in range(processes)]
    for writer in writers:
        writer.start()
    killed = 0
    for mark in sorted(chance.sample(range(5, run.wanted * 6 // 10), KILLS)):
        with run.progress:
            reached = run.progress.wait_for(lambda at=mark: is_due(run, at, writers), TIMEOUT_S)
            assert reached, f"seed {run.seed}: the servers stopped writing"
        threading.Event().wait(chance.uniform(0, 0.03))  # anywhere in a call, not just after an answer
        if alive := [writer for writer in writers if writer.client.is_alive]:
            chance.choice(alive).client.kill()
            killed += 1
    for writer in writers:
        writer.join(TIMEOUT_S)
        assert not writer.is_alive()
        assert writer.error is None, f"seed {run.seed}: {writer.error!r}"
    return killed


def is_due(run: Run, mark: int, writers: list[Writer]) -> bool:
    """Whether enough was written for the next kill, and somebody is there to be killed."""
    enough = len(run.acknowledged) >= mark and any(writer.client.is_alive for writer in writers)
    return enough or run.is_over


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with staged, changed and untracked files."""
    path = make_project(tmp_path / "project")
    (path / "staged.py").write_text("print(2)\n", encoding="utf-8")
    git(path, "add", "staged.py")
    (path / "app.py").write_text("print(3)\n", encoding="utf-8")
    (path / "untracked.py").write_text("print(4)\n", encoding="utf-8")
    return path


@pytest.fixture
def variables(tmp_path: Path, postgres_url: str | None) -> dict[str, str]:
    on_postgresql = {"AGENTOPS_DATABASE_URL": postgres_url} if postgres_url else {}
    return environment(tmp_path / "home", **on_postgresql)


@pytest.mark.parametrize("processes", [1, 2, 4, 8])
def test_no_acknowledged_write_is_lost_when_a_writing_server_is_killed(
    project: Path,
    variables: dict[str, str],
    processes: int,
    postgres_url: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(wanted=ON_POSTGRESQL if postgres_url else ON_SQLITE, seed=SEED + processes)
    before = state_of_git(project)

    killed = write_and_kill(project, variables, run, processes)

    assert not run.refusals, f"seed {run.seed}: {run.refusals[:3]}"
    assert len(run.acknowledged) >= run.wanted
    assert killed == KILLS, f"seed {run.seed}: the writing was over too soon"
    with capsys.disabled():
        counts = f"{len(run.acknowledged)} acknowledged, {len(run.unanswered)} cut off, {killed} kills"
        print(f"\n  {processes} processes: {counts}, seed {run.seed}")
    assert_every_entry_is_whole(project, variables, run)
    assert_the_mirror_catches_up(project, variables, run)
    assert_views_are_reproduced(project, variables)
    assert git(project, "fsck", "--strict", "--no-dangling", "--no-progress") == ""
    assert state_of_git(project) == before


def assert_every_entry_is_whole(project: Path, variables: dict[str, str], run: Run) -> None:
    """Each acknowledged entry is there once and says what was sent; an unanswered one at most once, and whole."""
    exported = run_command(project, "export", environment=variables)
    assert exported.returncode == 0, exported.stderr
    events = [json.loads(line) for line in exported.stdout.splitlines()]
    written = {event["id"]: event["body"]["action"] for event in events}
    assert len(written) == len(events), f"seed {run.seed}: an id stands twice"
    assert run.acknowledged.items() <= written.items(), f"seed {run.seed}: lost or changed"
    assert max(Counter(written.values()).values()) == 1
    unasked = set(written.values()) - {*run.acknowledged.values(), *run.unanswered}
    assert not unasked, f"seed {run.seed}: nobody sent {unasked}"
    sent = entry(solution="", learning="")
    for event in events:
        assert {part: event["body"][part] for part in ("context", "impact", "kind")}.items() <= sent.items()
    with App(project, environment=variables) as app:
        chains = verify_chains(app.parts.ledger.database)
        with app.parts.ledger.read() as tx:
            viewed = tx.execute("SELECT event.id FROM entry JOIN event ON event.seq = entry.seq ORDER BY event.seq")
    assert [chain.problems for chain in chains] == [()], f"seed {run.seed}"
    assert [identifier for (identifier,) in viewed] == [event["id"] for event in events]


def assert_the_mirror_catches_up(project: Path, variables: dict[str, str], run: Run) -> None:
    """One more call, in a new process, pays whatever the killed ones still owed."""
    with RawClient(project, environment=variables) as client:
        result = client.call("record_entry", entry(action="Look around after the storm of kills"))
        assert not result["isError"], result
    verified = run_command(project, "verify", "--json", environment=variables)
    assert verified.returncode == 0, f"seed {run.seed}: {verified.stdout}"
    assert json.loads(verified.stdout)["mirror"] == []
    with App(project, environment=variables) as app:
        assert app.parts.mirror is not None
        assert app.parts.mirror.debt() == 0
        tracked = sum(event.tracked for event in app.parts.ledger.events())
    files = git(project, "ls-tree", "-r", "--name-only", "refs/agentops/ledger").splitlines()
    assert len([name for name in files if name.endswith(".json")]) == tracked, f"seed {run.seed}"


def assert_views_are_reproduced(project: Path, variables: dict[str, str]) -> None:
    before = {table: rows_of(project, variables, view, table) for view in VIEWS for table in view.tables}
    assert before["entry"]
    rebuilt = run_command(project, "rebuild", environment=variables)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert {table: rows_of(project, variables, view, table) for view in VIEWS for table in view.tables} == before


def rows_of(project: Path, variables: dict[str, str], view: View, table: str) -> list[bytes]:
    with App(project, environment=variables) as app, app.parts.ledger.read() as tx:
        return sorted(repr(tuple(row)).encode() for row in tx.execute(f"SELECT * FROM {table}"))


def state_of_git(project: Path) -> dict[str, Any]:
    """What a person would miss: HEAD, the index and the status, every ref of theirs, every file."""
    refs = git(project, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {
        "HEAD": (project / ".git" / "HEAD").read_bytes(),
        "index": (project / ".git" / "index").read_bytes(),
        "status": git(project, "--no-optional-locks", "status", "--porcelain=v2", "--untracked-files=all"),
        "refs": [ref for ref in refs if not ref.startswith("refs/agentops/")],
        "files": {path.name: path.read_bytes() for path in project.glob("*.py")},
    }
