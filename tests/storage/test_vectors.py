"""The vector index on this machine: what is kept is found, exactly, by every process that asks."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.storage.vectors import VectorIndex
from agentops_mcp.storage.vectors_memory import VectorsInMemory

DIMENSION = 16

Rows = list[tuple[str, NDArray[np.float32]]]


def rows_of(count: int, *, seed: int = 0, dimension: int = DIMENSION) -> Rows:
    drawn = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return [(f"entry/{number}", row) for number, row in enumerate(drawn)]


def index_in(directory: Path, *, model: str = "m", dimension: int = DIMENSION) -> VectorIndex:
    return VectorIndex(directory / "vectors", model=model, dimension=dimension)


def ids_of(found: Sequence[object]) -> list[str]:
    return [getattr(one, "id") for one in found]  # noqa: B009 - a test of the names as they are read by others


def test_a_new_index_knows_nothing_and_makes_nothing(tmp_path: Path) -> None:
    index = index_in(tmp_path)
    assert index.nearest(rows_of(1)[0][1], limit=5) == []
    assert index.cosines(rows_of(1)[0][1], ["entry/0"]) == {}
    assert index.cursor() == 0
    assert not (tmp_path / "vectors").exists()


def test_chroma_is_not_imported_before_there_is_something_to_read() -> None:
    code = (
        "import sys, numpy, pathlib, tempfile; from agentops_mcp.storage.vectors import VectorIndex;"
        "i = VectorIndex(pathlib.Path(tempfile.mkdtemp()) / 'v', model='m', dimension=2);"
        "i.nearest(numpy.array([1, 0], dtype='f4'), limit=1); sys.exit('chromadb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_was_added_is_nearest_to_itself(tmp_path: Path) -> None:
    rows = rows_of(50)
    index = index_in(tmp_path)
    assert index.add(rows, after=0, through=7) == 7
    found = index.nearest(rows[3][1], limit=3)
    assert found[0].id == "entry/3"
    assert found[0].cosine == pytest.approx(1.0, abs=1e-5)
    assert [one.cosine for one in found] == sorted((one.cosine for one in found), reverse=True)


def test_another_process_object_reads_what_was_added_and_how_far_it_goes(tmp_path: Path) -> None:
    rows = rows_of(50)
    index_in(tmp_path).add(rows, after=0, through=7)
    other = index_in(tmp_path)
    assert other.cursor() == 7
    assert ids_of(other.nearest(rows[9][1], limit=1)) == ["entry/9"]


def test_a_reader_sees_what_was_added_after_it_had_read(tmp_path: Path) -> None:
    rows = rows_of(50)
    writer, reader = index_in(tmp_path), index_in(tmp_path)
    writer.add(rows[:20], after=0, through=20)
    assert ids_of(reader.nearest(rows[30][1], limit=1)) != ["entry/30"]
    writer.add(rows[20:], after=20, through=50)
    assert ids_of(reader.nearest(rows[30][1], limit=1)) == ["entry/30"]


def test_a_reader_sees_what_was_added_when_the_recent_rows_went_into_the_next_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agentops_mcp.storage.vectors_files._PART_BYTES", 500)
    rows = rows_of(60)
    writer, reader = index_in(tmp_path), index_in(tmp_path)
    for start in range(0, 60, 10):
        writer.add(rows[start : start + 10], after=start, through=start + 10)
        assert ids_of(reader.nearest(rows[start + 5][1], limit=1)) == [f"entry/{start + 5}"]
    late = index_in(tmp_path)
    assert all(ids_of(late.nearest(row, limit=1)) == [name] for name, row in rows)


def test_a_later_vector_of_an_id_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    (_, old), (_, new) = rows_of(2)
    index, reader = index_in(tmp_path), index_in(tmp_path)
    index.add([("pattern/a", old)], after=0, through=1)
    assert reader.cosines(old, ["pattern/a"])["pattern/a"] == pytest.approx(1.0, abs=1e-5)
    index.add([("pattern/a", new)], after=1, through=2)
    for one in (reader, index_in(tmp_path)):
        assert one.cosines(new, ["pattern/a"])["pattern/a"] == pytest.approx(1.0, abs=1e-5)
        assert len(one.nearest(new, limit=9)) == 1


def test_an_id_twice_in_one_batch_keeps_the_last(tmp_path: Path) -> None:
    (_, first), (_, last) = rows_of(2)
    index = index_in(tmp_path)
    index.add([("entry/a", first), ("entry/a", last)], after=0, through=2)
    assert index.cosines(last, ["entry/a"])["entry/a"] == pytest.approx(1.0, abs=1e-5)


def test_the_cursor_moves_without_rows(tmp_path: Path) -> None:
    index = index_in(tmp_path)
    assert index.add([], after=0, through=12) == 12
    assert index_in(tmp_path).cursor() == 12


def test_rows_that_continue_a_lost_index_do_not_move_the_cursor_of_the_new_one(tmp_path: Path) -> None:
    index = index_in(tmp_path)
    assert index.add(rows_of(5), after=100, through=105) == 0
    assert index.cursor() == 0


def test_work_done_twice_does_not_move_the_cursor_back(tmp_path: Path) -> None:
    index = index_in(tmp_path)
    index.add(rows_of(5), after=0, through=5)
    assert index.add(rows_of(3), after=0, through=3) == 5


@pytest.mark.parametrize(("model", "dimension"), [("other", DIMENSION), ("m", 8)])
def test_another_model_or_dimension_starts_from_nothing(tmp_path: Path, model: str, dimension: int) -> None:
    index_in(tmp_path).add(rows_of(5), after=0, through=5)
    other = index_in(tmp_path, model=model, dimension=dimension)
    assert other.cursor() == 0
    assert other.nearest(rows_of(1, dimension=dimension)[0][1], limit=3) == []
    assert other.add(rows_of(2, dimension=dimension), after=0, through=2) == 2
    assert len(other.nearest(rows_of(1, dimension=dimension)[0][1], limit=9)) == 2


@pytest.mark.parametrize(
    "bad",
    [np.full(DIMENSION, np.nan), np.full(DIMENSION, np.inf), np.ones(DIMENSION - 1), np.ones((1, DIMENSION))],
)
def test_vectors_that_are_not_finite_or_of_another_shape_are_refused(tmp_path: Path, bad: NDArray[np.float32]) -> None:
    index = index_in(tmp_path)
    with pytest.raises(InvalidInputError):
        index.add([("entry/1", bad)], after=0, through=1)
    with pytest.raises(InvalidInputError):
        index.nearest(bad, limit=1)
    assert index.cursor() == 0


def test_a_vector_to_keep_must_be_of_length_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="length one"):
        index_in(tmp_path).add([("entry/1", np.ones(DIMENSION, dtype=np.float32))], after=0, through=1)


def test_a_zero_query_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="zero"):
        index_in(tmp_path).nearest(np.zeros(DIMENSION, dtype=np.float32), limit=1)


@given(
    count=st.integers(0, 60),
    limit=st.integers(-1, 80),
    among=st.none() | st.lists(st.integers(0, 90), max_size=120),
    seed=st.integers(0, 50),
)
@settings(max_examples=150, deadline=None)
def test_neighbours_are_those_that_comparing_one_by_one_finds(
    count: int, limit: int, among: list[int] | None, seed: int
) -> None:
    rows = rows_of(count, seed=seed)
    memory = VectorsInMemory(DIMENSION)
    memory.put(rows)
    query = rows_of(1, seed=seed + 100)[0][1]
    names = None if among is None else [f"entry/{number}" for number in among]
    found = memory.nearest(query, limit, names)
    allowed = [(name, float(row @ query)) for name, row in rows if names is None or name in names]
    expected = sorted(allowed, key=lambda one: -one[1])[: max(0, limit)]
    assert [one.cosine for one in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-5)
    assert {one.id for one in found} <= {name for name, _ in allowed}
    assert len({one.id for one in found}) == len(found)


def test_rows_beyond_one_block_are_found(tmp_path: Path) -> None:
    rows = rows_of(9000, dimension=4)
    memory = VectorsInMemory(4)
    memory.put(rows)
    for number in (0, 4095, 4096, 8191, 8192, 8999):
        name, row = rows[number]
        assert memory.cosines(row, [name])[name] == pytest.approx(1.0, abs=1e-5)
        assert memory.nearest(row, 1, None)[0].cosine == pytest.approx(1.0, abs=1e-5)
    assert memory.nearest(rows[0][1], 5, ["entry/8999"])[0].id == "entry/8999"


def test_equally_near_ones_come_in_the_order_of_their_ids() -> None:
    row = rows_of(1)[0][1]
    memory = VectorsInMemory(DIMENSION)
    memory.put([(f"entry/{letter}", row) for letter in "dbca"])
    assert ids_of(memory.nearest(row, 2, None)) == ["entry/a", "entry/b"]


def test_only_one_at_a_time_is_the_one_that_indexes(tmp_path: Path) -> None:
    with index_in(tmp_path).indexing() as first, index_in(tmp_path).indexing() as second:
        assert (first, second) == (True, False)
    with index_in(tmp_path).indexing() as third:
        assert third


def test_a_closed_index_reads_again_when_asked(tmp_path: Path) -> None:
    rows = rows_of(5)
    index = index_in(tmp_path)
    index.add(rows, after=0, through=5)
    assert ids_of(index.nearest(rows[2][1], limit=1)) == ["entry/2"]
    index.close()
    assert ids_of(index.nearest(rows[2][1], limit=1)) == ["entry/2"]
