"""Several processes record, index and search in one project; killing some of them costs no record and no vector."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentops_mcp.app import READERS, App
from agentops_mcp.factors.mining.store import documents
from agentops_mcp.factors.mining.store.documents import OPEN, Request
from conftest import git
from recorded_knowledge import without_starters

WORKER = """
import sys
from pathlib import Path
from agentops_mcp.app import READERS, App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.store.documents import Request
from agentops_mcp.factors.tracking.rules import Entry

name, count = sys.argv[1], int(sys.argv[2])
actor = Actor(name, "tester", "cli")
with App(Path.cwd(), environment={}) as app:
    for number in range(count):
        word = f"{name}{number}"
        entry = Entry("learning", f"Noted {word}", "Seen by a worker", learning=f"The {word} module has its own cache")
        print(app.entries().record(entry, actor=actor).event.id, flush=True)
        results = app.search().search(Request(f"cache of {word}"), patience_s=5)
        assert any(word in hit.document.title for hit in results.hits), word
    app.knowledge().semantic.catch_up(timeout_s=60)
print("done", flush=True)
"""


def run_workers(project: Path, name: str, *, count: int, killed: int, survivors: int) -> list[str]:
    """Start them together, kill some in the middle of their work, and return the acknowledged ids of all."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, f"{name}{number}x", str(count)], cwd=project, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )
        for number in range(killed + survivors)
    ]  # fmt: skip
    acknowledged: list[str] = []
    for worker in workers[:killed]:
        assert worker.stdout is not None
        acknowledged += [worker.stdout.readline().strip() for _ in range(count // 3)]
        worker.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    for number, worker in enumerate(workers):
        out, err = worker.communicate(timeout=120)
        lines = out.split()
        if number >= killed:
            assert (worker.returncode, lines[-1]) == (0, "done"), err
            assert "Traceback" not in err
        acknowledged += [line for line in lines if line != "done"]
    return acknowledged


def assert_nothing_is_missing(project: Path, acknowledged: list[str]) -> None:
    with App(project, environment={}) as app:
        semantic = app.knowledge().semantic
        assert semantic.catch_up(timeout_s=120)
        loaded = semantic.ready(patience_s=60)
        with app.parts.ledger.read() as tx:
            rows = documents.newest(tx, OPEN, limit=10_000)
        assert {f"entry/{each}" for each in acknowledged} <= {found.ref for found, _ in rows}
        vectors = loaded.embedder.embed([documents.searchable(READERS[event.kind](event)) for _, event in rows])
        for (found, _), vector in zip(rows, vectors, strict=True):
            (nearest,) = loaded.vectors.nearest(vector, limit=1)
            assert (nearest.id, round(nearest.cosine, 3)) == (found.thread, 1.0)
        results = app.search().search(Request("which module keeps its own cache", k=50), patience_s=60)
        assert (results.lexical_only, results.pending) == ("", 0)


def test_two_of_four_processes_are_killed_while_they_index(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "--quiet")
    without_starters(project)
    acknowledged = run_workers(project, "worker", count=12, killed=2, survivors=2)
    assert len(acknowledged) >= 24
    assert_nothing_is_missing(project, acknowledged)


@pytest.mark.slow
def test_three_of_eight_processes_are_killed_while_they_index(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "--quiet")
    without_starters(project)
    acknowledged: list[str] = []
    for name in ("first", "second"):
        acknowledged += run_workers(project, name, count=20, killed=3, survivors=5)
    assert_nothing_is_missing(project, acknowledged)
