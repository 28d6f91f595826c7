"""The index saves time and nothing else: the same answer without it, beside it, and while it is being made."""

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.core.errors import GitError
from agentops_mcp.factors.context.rules.facts import FORMAT
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.service import contexts as contexts_module
from agentops_mcp.factors.context.service import index as index_module
from agentops_mcp.factors.context.service import reading as reading_module
from agentops_mcp.factors.context.service.ranking import Ranked, Ranking
from agentops_mcp.storage.blob_facts import BlobFacts
from conftest import FakeClock, git
from contexts_in_use import TASK, Project, couriers, indexing_ends, paths, without_id

LOADER = """
import json, sys
from pathlib import Path
from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.context.rules.requests import Request

with App(Path(sys.argv[1]), environment={}) as app:
    sys.stdin.readline()
    loads = [app.contexts().load(Request(sys.argv[2]), actor=Actor("other", "tester", "mcp")) for _ in range(3)]
    print(json.dumps([[item.id for item in load.items] for load in loads]))
"""


@pytest.fixture
def project(own_home: Path, tmp_path: Path, clock: FakeClock) -> Generator[Project]:
    with couriers(tmp_path, clock) as made:
        yield made


def truncated(project: Project) -> None:
    content = project.index_file.read_bytes()
    project.index_file.write_bytes(content[: len(content) // 2])


def deleted(project: Project) -> None:
    for file in project.index_file.parent.glob("context-index.db*"):
        file.unlink()


def overwritten(project: Project) -> None:
    project.index_file.write_bytes(b"this is no database" * 1_000)


def a_folder(project: Project) -> None:
    deleted(project)
    project.index_file.mkdir()


def unwritable(project: Project) -> None:
    project.index_file.chmod(0o400)


DAMAGES = (truncated, deleted, overwritten, a_folder, unwritable)


@pytest.mark.parametrize("damage", DAMAGES, ids=[damage.__name__ for damage in DAMAGES])
@pytest.mark.parametrize("restarted", [True, False])
def test_whatever_happens_to_the_index_the_answer_is_the_same(
    project: Project, damage: Callable[[Project], None], restarted: bool
) -> None:
    before = project.preview().text
    assert project.index_file.is_file()
    project.app.close()
    damage(project)
    if restarted:
        project.reopen()
    assert project.preview().text == before
    project.write("src/new.py", "def send_with_retry_later(): ...\n")
    assert "src/new.py" in paths(project.load())


def test_the_same_question_has_the_same_answer_cold_and_warm(project: Project) -> None:
    cold = project.preview()
    warm = project.preview()
    project.reopen()
    assert cold.text == warm.text == project.preview().text
    first, second = project.load(), project.load()
    assert (first.items, without_id(first)) == (second.items, without_id(second))
    assert first.items == cold.items


def test_an_index_is_shared_by_branches_and_worktrees(project: Project) -> None:
    here = project.preview()
    git(project.root, "worktree", "add", "--quiet", "-b", "side", "../side")
    before = BlobFacts(project.index_file).count(FORMAT)
    with App(project.root.parent / "side", environment={}) as side:
        assert side.parts.project.data_dir == project.index_file.parent
        assert side.contexts().load(Request(TASK)).text == here.text
    assert BlobFacts(project.index_file).count(FORMAT) == before > 0


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is left for the index: what is read first is all there is."""
    monkeypatch.setattr(contexts_module, "_INDEX_S", -1.0)
    monkeypatch.setattr(reading_module, "_BATCH_FILES", 1)


@pytest.mark.usefixtures("hurried")
def test_a_first_answer_does_not_wait_for_the_index_and_says_so(project: Project) -> None:
    project.preview()
    indexing_ends()
    whole = project.preview().text
    deleted(project)
    project.reopen()
    first = project.load()
    assert len(paths(first)) <= 1
    assert "3 files are not indexed yet" in first.text
    indexing_ends()
    assert project.preview().text == whole


@pytest.mark.usefixtures("hurried")
def test_when_time_is_short_what_the_task_names_is_indexed_first(project: Project) -> None:
    loaded = project.load("Fix retry")
    assert paths(loaded) == ["src/retry.py"]
    assert "files are not indexed yet" in loaded.text


def test_a_patient_caller_gets_everything_at_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contexts_module, "_INDEX_S", -1.0)
    monkeypatch.setattr(contexts_module, "_HISTORY_S", -1.0)
    loaded = project.contexts.load(Request(TASK), patient=True)
    assert "src/retry.py" in paths(loaded)
    assert "not indexed" not in loaded.text


@pytest.mark.usefixtures("hurried")
def test_after_the_background_work_nothing_is_worked_out_again(project: Project) -> None:
    project.load()
    indexing_ends()
    first, second = project.preview(), project.preview()
    assert first.ranked is not None
    assert second.ranked is not None
    assert first.ranked.indexed is second.ranked.indexed


def test_a_failure_in_the_background_is_no_failure_of_the_next_load(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, commit: str | None) -> None:
        raise GitError("git is gone.", remedy="Bring it back.")

    with monkeypatch.context() as broken:
        broken.setattr(contexts_module, "_INDEX_S", -1.0)
        broken.setattr(reading_module, "_BATCH_FILES", 1)
        broken.setattr(Ranking, "read_history", fail)
        project.load()
        indexing_ends()  # a thread that ends in an exception fails a test
    assert "src/retry.py" in paths(project.load())


def test_a_file_edited_while_it_is_ranked_is_not_shown_by_the_lines_of_another_text(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    rank = Ranking.rank

    def rank_and_edit(self: Ranking, *given: Any, **named: Any) -> Ranked:
        ranked = rank(self, *given, **named)
        project.write("src/retry.py", "# all of it is new\n" * 40)
        return ranked

    project.write("src/retry.py", "def send_with_retry():\n    return 'edited'\n")
    monkeypatch.setattr(index_module, "_KEPT_TEXTS_BYTES", 0)
    with monkeypatch.context() as patched:
        patched.setattr(Ranking, "rank", rank_and_edit)
        assert "all of it is new" not in project.load().text
    assert "all of it is new" in project.load("all of it is new").text


def test_threads_of_one_process_get_the_same_answer(project: Project) -> None:
    with ThreadPoolExecutor(6) as pool:
        loads = list(pool.map(project.load, [TASK] * 12))
    assert len({load.items for load in loads}) == 1
    assert sorted(load.id for load in loads) == sorted(project.recorded())


def test_two_processes_index_one_repository_at_once(project: Project) -> None:
    for number in range(60):
        project.write(f"src/hosts/host{number}.py", f"def send_with_retry_to_{number}(host):\n    return host\n")
    project.commit()
    command = [sys.executable, "-c", LOADER, str(project.root), TASK]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    done = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], done
    expected = [item.id for item in project.load().items]
    assert [json.loads(out) for out, _ in done] == [[expected] * 3] * 2
    assert len(project.recorded()) == 7
