import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentops_mcp.cli import demo, demo_client
from agentops_mcp.cli.demo import run_demo
from command_line import agentops, record, start_session
from conftest import git, working_in

pytestmark = pytest.mark.usefixtures("own_home")


def kept(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, but for loose objects, which git itself prunes, and logs a database makes and drops."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if "objects" not in path.parts and not path.name.endswith(("-wal", "-shm"))
    }


def used(repository: Path) -> Path:
    """A repository with a memory of its own, a dirty worktree and something staged."""
    start_session(repository, "Make retries survive a slow host")
    record(repository, "Cache parsed configs per process")
    (repository / "app.py").write_text("print('changed')\n", encoding="utf-8")
    (repository / "new.py").write_text("", encoding="utf-8")
    git(repository, "add", "new.py")
    return repository


def fresh(repository: Path) -> Path:
    return repository


def without_commits(repository: Path) -> Path:
    git(repository, "init", "--quiet", "empty")
    return repository / "empty"


def outside_git(repository: Path) -> Path:
    (repository.parent / "plain").mkdir()
    (repository.parent / "plain" / "notes.txt").write_text("mine", encoding="utf-8")
    return repository.parent / "plain"


def bare(repository: Path) -> Path:
    git(repository.parent, "clone", "--quiet", "--bare", str(repository), "hub.git")
    return repository.parent / "hub.git"


def linked_worktree(repository: Path) -> Path:
    git(repository, "worktree", "add", "--quiet", "--detach", str(repository.parent / "linked"))
    return repository.parent / "linked"


NOTHING_TO_LOAD = (without_commits, outside_git)

SLOW = [
    pytest.param(make, marks=pytest.mark.slow) for make in (fresh, without_commits, outside_git, bare, linked_worktree)
]


@pytest.mark.parametrize("make", [used, *SLOW])
def test_the_demo_shows_every_step_and_leaves_all_as_it_was(
    repository: Path, make: Callable[[Path], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    place = make(repository)
    before = kept(place), kept(repository)
    with working_in(place):
        code = run_demo(place)
    shown = capfd.readouterr().out
    assert code == 0, shown
    assert (kept(place), kept(repository)) == before
    steps = re.findall(r"^(\d+)\. ", shown, re.MULTILINE)
    assert steps == [str(number + 1) for number in range(31 if make is outside_git else 32)]
    assert "| refused: action is too generic to help the next reader" in shown
    assert "by first-agent" in shown
    assert re.search(r"^  \| tokens: [\d,]+ of 1,500 ", shown, re.MULTILINE)
    assert (re.search(r"^  \| ## app\.py @.*\n  \| \[1", shown, re.MULTILINE) is None) == (make in NOTHING_TO_LOAD)
    assert re.search(r"^  \| ## .* \(3 times, 3 sessions\)$", shown, re.MULTILINE)
    assert re.search(r"^  \| \d\. \[pattern, validated\] Back off with jitter", shown, re.MULTILINE)
    assert "\nWorktree, index, HEAD and your own ledger are as before.\n" in shown
    assert not [character for character in shown if not character.isprintable() and character != "\n"]


def test_a_step_that_fails_is_named_and_the_demo_fails(repository: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (repository / ".agentops").mkdir()
    (repository / ".agentops" / "config.toml").write_text("[", encoding="utf-8")
    before = kept(repository)
    assert run_demo(repository) == 1
    assert "\nStep 2 failed: start_session was refused: " in capfd.readouterr().out
    assert kept(repository) == before


@pytest.mark.slow
def test_a_command_that_fails_is_named_and_the_demo_fails(
    repository: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = subprocess.CompletedProcess([], 3, stdout="", stderr="error: broken")

    def fail(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        return failing

    monkeypatch.setattr(demo_client.subprocess, "run", fail)
    assert run_demo(repository) == 1
    assert "\nStep 8 failed: exit code 3: error: broken\n" in capfd.readouterr().out


def test_what_changes_meanwhile_is_named_and_the_demo_fails(
    repository: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interfere(*_: object) -> None:
        (repository / "new.py").write_text("", encoding="utf-8")

    monkeypatch.setattr(demo.anyio, "run", interfere)
    assert run_demo(repository) == 1
    assert "are NOT as before.\n  the worktree differs: " in capfd.readouterr().out


def test_what_an_interrupted_demo_left_is_removed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept(repository)
    monkeypatch.setenv("AGENTOPS_LEDGER", demo.LEDGER)
    record(repository, "Keep the retry budget per host")
    monkeypatch.delenv("AGENTOPS_LEDGER")
    monkeypatch.setattr(demo.anyio, "run", id)
    assert run_demo(repository) == 0
    left = {name for name in kept(repository) if name not in before}
    assert left <= {".git/agentops"}


def test_a_project_that_is_not_there_is_exit_code_3(tmp_path: Path) -> None:
    assert agentops("demo", "-C", "gone", at=tmp_path).code == 3


@pytest.mark.slow
def test_the_installed_program_shows_it_where_a_person_stands(repository: Path) -> None:
    program = Path(sys.executable).with_name("agentops-mcp")
    done = subprocess.run(
        [program, "demo"], cwd=repository, capture_output=True, text=True, timeout=120, env={**os.environ}
    )
    assert (done.returncode, done.stderr) == (0, "")
