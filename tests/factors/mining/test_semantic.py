"""Vectors are caught up with, shared between processes, and whatever becomes of them search answers and says so."""

import os
import shutil
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.factors.mining.rules.hits import Results
from agentops_mcp.factors.mining.service.semantic import BATCH
from agentops_mcp.factors.mining.service.starters import starters
from agentops_mcp.factors.mining.store.documents import Request
from agentops_mcp.storage.embedder_model import PACKAGED
from agentops_mcp.storage.embedders import EmbedderError
from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.vectors_values import VectorsUnavailableError
from conftest import FakeClock
from knowledge_in_use import BUDGET, CACHE, CLOCK, FREEZE, LOCK, Project, knowing, refs

BLOCKED = "database upgrade blocked by a hanging process"
PATIENCE_S = 60.0


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url) as made:
        yield made


def asked(project: Project, text: str = BLOCKED) -> Results:
    return project.search.search(Request(text), patience_s=PATIENCE_S)


def indexing_ends() -> None:
    """Wait for what goes on in the background after an answer."""
    for thread in threading.enumerate():
        if thread.name == "indexing":
            thread.join(PATIENCE_S)


# Catching up


def test_what_has_no_vector_yet_is_counted_and_caught_up_with(project: Project) -> None:
    for n in range(BATCH + 6):
        project.record(f"Pod number {n} was stuck in region {n}")
    loaded = project.semantic.ready(patience_s=PATIENCE_S)
    assert project.semantic.pending(loaded) == BATCH + 6
    left: list[int] = []
    assert project.semantic.catch_up(progress=left.append)
    assert left == [BATCH + 6, 6, 0]
    assert project.semantic.pending(loaded) == 0
    project.record(CLOCK)
    project.session()
    assert project.semantic.pending(loaded) == 1


def test_a_search_starts_to_catch_up_in_the_background(project: Project) -> None:
    kept = project.record(LOCK)
    first = asked(project, "pods")
    assert (refs(first), first.hits[0].cosine, first.pending) == ([kept], None, 1)
    assert first.lexical_only == "no record has a vector yet; they are being made"
    indexing_ends()
    assert refs(asked(project)) == [kept]
    assert asked(project).pending == 0


def test_what_was_caught_up_with_is_there_after_a_restart(project: Project) -> None:
    kept = project.record(LOCK)
    assert project.semantic.catch_up()
    project.reopen()
    results = asked(project)
    assert (refs(results), results.pending, results.lexical_only) == ([kept], 0, "")


def test_a_new_revision_has_the_vector_of_its_new_text(project: Project) -> None:
    project.save(BUDGET)
    before = project.by_meaning("sourdough bread").hits[0].cosine
    project.save(BUDGET, title="Bake sourdough bread in a hot oven for each host")
    after = project.by_meaning("sourdough bread").hits[0].cosine
    assert before is not None
    assert after is not None
    assert after > before + 0.2


def test_the_starter_library_has_vectors_once_it_was_caught_up_with(
    tmp_path: Path, clock: FakeClock, postgres_url: str | None
) -> None:
    with knowing(tmp_path, clock, postgres_url, starters=True) as project:
        assert asked(project).lexical_only
        indexing_ends()
        loaded = project.semantic.ready(patience_s=PATIENCE_S)
        assert set(loaded.vectors.cosines(loaded.embed("x"), [each.thread for each in starters()])) == {
            each.thread for each in starters()
        }
        assert project.semantic.pending(loaded) == 0
        assert asked(project, "the agent repeats the same failing call").hits[0].cosine is not None


def test_while_another_process_indexes_this_one_waits_and_then_sees_the_result(project: Project) -> None:
    kept = project.record(LOCK)
    project.semantic.ready(patience_s=PATIENCE_S)
    with project.opened() as other:
        theirs = other.knowledge().semantic.ready(patience_s=PATIENCE_S)
        with theirs.vectors.indexing() as mine:
            assert mine
            assert not project.semantic.catch_up(timeout_s=0.2)
            assert refs(asked(project, "stale pods")) == [kept]
        assert other.knowledge().semantic.catch_up()
    assert asked(project).pending == 0
    assert refs(asked(project)) == [kept]


def test_a_store_that_another_process_holds_is_said_and_words_answer(project: Project) -> None:
    kept = project.record(LOCK)
    assert project.semantic.catch_up()
    project.reopen()
    with exclusive(project.vectors.with_name("vectors.lock"), timeout_s=5):
        results = asked(project, "stale pods")
        assert (refs(results), results.hits[0].cosine) == ([kept], None)
        assert results.lexical_only == "another process is using the vector index"
    assert asked(project, "stale pods").lexical_only == ""


def test_closing_in_the_middle_of_indexing_loses_nothing(project: Project) -> None:
    kept = {project.record(f"Pod number {n} was stuck in region {n}") for n in range(3 * BATCH)}
    asked(project, "pods")
    project.reopen()
    assert project.semantic.catch_up()
    results = project.search.search(Request("stuck container", k=500), patience_s=PATIENCE_S)
    assert set(refs(results)) == kept
    assert all(hit.cosine is not None for hit in results.hits)


def test_one_damaged_record_does_not_stop_the_others(project: Project) -> None:
    damaged = [project.record("A damaged note on stale pods").partition("/")[2]]
    damaged.append(project.save(BUDGET, forces=("Stale pods",)).member.pattern.name)
    with project.app.parts.ledger.database.write() as tx:
        tx.execute("UPDATE event SET body = '{}' WHERE id = ? OR stream = ?", [damaged[0], f"pattern/{damaged[1]}"])
    project.reopen()
    assert project.semantic.catch_up()
    kept = project.record(LOCK)
    assert project.semantic.catch_up()
    assert refs(asked(project, "stale pods")) == refs(project.by_words("stale pods")) == [kept]
    assert project.app.mining().mine().considered == 1
    assert project.patterns.members() == []


# Without a model


def model_is_missing(project: Project) -> None:
    project.reopen(AGENTOPS_EMBEDDER_DIRECTORY=str(project.root / "nowhere"))


def two_embedders_are_set(project: Project) -> None:
    project.reopen(AGENTOPS_EMBEDDER_DIRECTORY=str(PACKAGED), AGENTOPS_EMBEDDER_URL="http://127.0.0.1:9/v1")


def the_endpoint_does_not_answer(project: Project) -> None:
    project.reopen(AGENTOPS_EMBEDDER_URL="http://127.0.0.1:9/v1", AGENTOPS_EMBEDDER_MODEL="m")


def the_model_is_cut_short(project: Project) -> None:
    folder = project.root / "model"
    shutil.copytree(PACKAGED, folder)
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:1_000])
    project.reopen(AGENTOPS_EMBEDDER_DIRECTORY=str(folder))


@pytest.mark.parametrize(
    "obstacle", [model_is_missing, two_embedders_are_set, the_endpoint_does_not_answer, the_model_is_cut_short]
)
def test_without_a_model_everything_works_by_words_and_the_reason_is_said(
    project: Project, obstacle: Callable[[Project], None]
) -> None:
    obstacle(project)
    kept = project.record(LOCK)
    results = asked(project, "stale pods")
    assert refs(results) == [kept]
    assert len(results.lexical_only) > 20
    assert (results.hits[0].cosine, results.pending) == (None, 0)
    assert asked(project, "stale pods") == results
    with pytest.raises(EmbedderError) as raised:
        project.semantic.catch_up(timeout_s=PATIENCE_S)
    assert raised.value.remedy
    assert project.save(BUDGET).revision == 1
    assert project.record(LOCK) != project.record(LOCK)
    assert project.app.mining().mine().lexical_only == results.lexical_only


def test_another_model_makes_the_vectors_anew(project: Project, tmp_path: Path) -> None:
    lock, clock = project.record(LOCK), project.record(CLOCK)
    assert project.semantic.catch_up()
    copy = shutil.copytree(PACKAGED, tmp_path / "model")
    with (copy / "tokenizer.json").open("a", encoding="utf-8") as file:
        file.write("\n")
    project.reopen(AGENTOPS_EMBEDDER_DIRECTORY=str(copy))
    loaded = project.semantic.ready(patience_s=PATIENCE_S)
    assert project.semantic.pending(loaded) == 2
    assert set(refs(project.by_meaning(BLOCKED))) == {lock, clock}
    assert project.by_meaning(BLOCKED).hits[0].cosine is not None


# With a broken index


def deleted(vectors: Path) -> None:
    shutil.rmtree(vectors)


def truncated(vectors: Path) -> None:
    for path in vectors.rglob("*"):
        if path.is_file():
            os.truncate(path, path.stat().st_size // 2)


def emptied(vectors: Path) -> None:
    for path in vectors.rglob("*"):
        if path.is_file():
            os.truncate(path, 0)


def scribbled(vectors: Path) -> None:
    for path in vectors.rglob("*"):
        if path.is_file():
            path.write_bytes(b"\xff" * path.stat().st_size)


def a_file(vectors: Path) -> None:
    shutil.rmtree(vectors)
    vectors.write_bytes(b"not a folder")


def a_link(vectors: Path) -> None:
    elsewhere = vectors.with_name("elsewhere")
    vectors.rename(elsewhere)
    vectors.symlink_to(elsewhere, target_is_directory=True)


def read_only(vectors: Path) -> None:
    for path in (*vectors.rglob("*"), vectors):
        path.chmod(0o500 if path.is_dir() else 0o400)


def unreadable(vectors: Path) -> None:
    vectors.chmod(0)


DAMAGES = (deleted, truncated, emptied, scribbled, a_file, a_link, read_only, unreadable)


def repair(vectors: Path) -> None:
    """What a person does who reads the reason."""
    if vectors.is_symlink() or vectors.is_file():
        vectors.unlink()
    else:
        vectors.chmod(0o700)
        for path in vectors.rglob("*"):
            path.chmod(0o700)


def reason_not_to_catch_up(project: Project) -> str:
    """What the next attempt says; empty when it brought the index up to date."""
    try:
        assert project.semantic.catch_up()
    except VectorsUnavailableError as error:
        return f"{error.problem} {error.remedy}"
    return ""


@pytest.mark.parametrize("restarted", [False, True], ids=["between two calls", "between two processes"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_broken_index_heals_or_is_said_and_search_goes_on(
    project: Project, damage: Callable[[Path], None], *, restarted: bool
) -> None:
    kept = {project.record(LOCK), project.record(CACHE)}
    assert project.semantic.catch_up()
    assert set(refs(asked(project))) == kept
    vectors = project.vectors
    if restarted:
        project.reopen()
    damage(vectors)
    late = project.record(CLOCK)
    try:
        for _ in range(2):
            assert set(refs(asked(project, "stale pods configuration clock"))) == {late, *kept}
            indexing_ends()
        if reason := reason_not_to_catch_up(project):
            assert "Nothing is lost: the index is filled again from the ledger." in reason
        else:
            assert set(refs(project.by_meaning(BLOCKED))) == {late, *kept}
    finally:
        repair(vectors)
    project.reopen()
    assert set(refs(project.by_meaning(BLOCKED))) == {late, *kept}


def test_an_index_that_cannot_be_written_is_an_error_with_a_remedy_for_a_person(project: Project) -> None:
    project.record(LOCK)
    project.vectors.write_bytes(b"not a folder")
    with pytest.raises(AgentOpsError) as raised:
        project.semantic.catch_up(timeout_s=PATIENCE_S)
    assert "directory of the vector index" in raised.value.problem
    assert raised.value.remedy


# Without waiting


def test_the_first_search_of_a_process_does_not_wait_longer_than_asked(project: Project) -> None:
    kept = project.record(LOCK)
    results = project.search.search(Request("stale pods"), patience_s=0)
    assert refs(results) == [kept]
    assert results.lexical_only.startswith(("the vectors are still being loaded", "no record has a vector"))
    project.semantic.ready(patience_s=PATIENCE_S)
    assert project.semantic.catch_up()
    assert project.search.search(Request(BLOCKED), patience_s=0).lexical_only == ""


def test_after_closing_nothing_is_started_again(project: Project) -> None:
    project.record(FREEZE.title)
    semantic = project.semantic
    semantic.close()
    with pytest.raises(VectorsUnavailableError):
        semantic.ready(patience_s=PATIENCE_S)
    semantic.catch_up_later(1)
    assert not [thread for thread in threading.enumerate() if thread.name in ("indexing", "loading vectors")]
