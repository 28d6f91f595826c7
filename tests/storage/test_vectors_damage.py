"""Whatever happens to the files of a vector index, the next call heals it or says why it can not."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.vectors import VectorIndex
from agentops_mcp.storage.vectors_values import VectorsUnavailableError

DIMENSION = 16
COUNT = 300


def vector_of(number: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(number).standard_normal(DIMENSION).astype(np.float32)
    return drawn / np.float32(np.linalg.norm(drawn))


Damage = Callable[[Path], None]

ROWS = [(f"entry/{number}", vector_of(number)) for number in range(COUNT)]


def index_in(data: Path) -> VectorIndex:
    return VectorIndex(data / "vectors", model="m", dimension=DIMENSION)


def fill(index: VectorIndex) -> None:
    while (done := index.cursor()) < COUNT:
        index.add(ROWS[done : done + 150], after=done, through=done + 150)


def is_whole(index: VectorIndex) -> bool:
    nearest = [index.nearest(vector, limit=1)[0] for _, vector in ROWS]
    return [one.id for one in nearest] == [name for name, _ in ROWS]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("filled")
    fill(index_in(directory))
    return directory


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data"))


def state_of(data: Path) -> dict[str, object]:
    return json.loads((data / "vectors" / "state.json").read_text())


def store_of(data: Path) -> Path:
    return data / "vectors" / str(state_of(data)["build"]) / "store"


def file_of(data: Path, name: str) -> Path:
    return next(store_of(data).rglob(name))


def truncate(name: str) -> Damage:
    return lambda data: os.truncate(file_of(data, name), file_of(data, name).stat().st_size // 2)


def overwrite(name: str) -> Damage:
    def damage(data: Path) -> None:
        file_of(data, name).write_bytes(b"\xff" * file_of(data, name).stat().st_size)

    return damage


def delete(name: str) -> Damage:
    return lambda data: file_of(data, name).unlink()


def write(name: str, text: str) -> Damage:
    def damage(data: Path) -> None:
        (data / "vectors" / name).write_text(text)

    return damage


def state_has(**changed: object) -> Damage:
    return lambda data: write("state.json", json.dumps(state_of(data) | changed))(data)


def index_gone(data: Path) -> None:
    shutil.rmtree(data / "vectors")


def store_gone(data: Path) -> None:
    shutil.rmtree(store_of(data))


def strange_file(data: Path) -> None:
    (store_of(data) / "notes.txt").write_text("hello")


def state_is_a_folder(data: Path) -> None:
    (data / "vectors" / "state.json").unlink()
    (data / "vectors" / "state.json").mkdir()


DAMAGES: dict[str, Damage] = {
    "the directory is gone": index_gone,
    "the store is gone": store_gone,
    "the database is cut": truncate("chroma.sqlite3"),
    "the database is other bytes": overwrite("chroma.sqlite3"),
    "the database is gone": delete("chroma.sqlite3"),
    "the vectors are cut": truncate("data_level0.bin"),
    "the vectors are other bytes": overwrite("data_level0.bin"),
    "the vectors are gone": delete("data_level0.bin"),
    "the header is cut": truncate("header.bin"),
    "a strange file lies in the store": strange_file,
    "the state is empty": write("state.json", ""),
    "the state is no JSON": write("state.json", "{"),
    "the state is deep": write("state.json", "[" * 100_000),
    "the state is a list": write("state.json", "[]"),
    "the state is a folder": state_is_a_folder,
    "the state has another format": state_has(format=99),
    "the state names a folder elsewhere": state_has(build="../../../../etc"),
    "the state counts files wrongly": state_has(files=[["chroma.sqlite3", "x", None]]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_index_is_filled_again_and_whole(data: Path, damage: Damage) -> None:
    reader = index_in(data)
    assert is_whole(reader)
    damage(data)
    fresh = index_in(data)
    assert fresh.cursor() == 0
    assert is_whole(reader)  # what was read before the damage still answers
    fill(fresh)
    for index in (fresh, reader, index_in(data)):
        assert index.cursor() == COUNT
        assert is_whole(index)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_reading_a_damaged_index_first_finds_nothing_and_raises_nothing(data: Path, damage: Damage) -> None:
    damage(data)
    index = index_in(data)
    assert index.nearest(vector_of(0), limit=1) == []
    assert index.cursor() == 0


def test_rows_that_the_thin_graph_misses_are_not_taken_for_damage(tmp_path: Path) -> None:
    drawn = np.random.default_rng(1).standard_normal((400, 384))
    alike = drawn[0] + 0.2 * drawn  # of such rows it misses one in a hundred
    unit = (alike / np.linalg.norm(alike, axis=1, keepdims=True)).astype(np.float32)
    for start in range(0, 400, 64):
        rows = [(f"entry/{number}", unit[number]) for number in range(start, min(start + 64, 400))]
        VectorIndex(tmp_path / "vectors", model="m", dimension=384).add(rows, after=start, through=start + 64)
    for _ in range(40):
        index = VectorIndex(tmp_path / "vectors", model="m", dimension=384)
        assert len(index.nearest(unit[0], limit=400)) == 400


@pytest.mark.parametrize("damage", ["the rows are gone", "the rows are cut", "the rows are other bytes"])
def test_without_the_recent_rows_a_reader_reads_the_store(data: Path, damage: str) -> None:
    reader = index_in(data)
    assert is_whole(reader)
    index_in(data).add([("entry/new", vector_of(-1 % 7919))], after=COUNT, through=COUNT + 1)
    recent = next((data / "vectors").glob("*/recent-0"))
    if damage == "the rows are gone":
        recent.unlink()
    elif damage == "the rows are cut":
        os.truncate(recent, 100)
    else:
        recent.write_bytes(b"\xff" * recent.stat().st_size)
    assert reader.nearest(vector_of(-1 % 7919), limit=1)[0].id == "entry/new"


def dies_inside(data: Path) -> None:
    """Leave the directory as a process leaves it that is killed while it has the store open."""
    code = (
        "import os, sys, numpy; from pathlib import Path; from agentops_mcp.storage.vectors import VectorIndex;"
        "from agentops_mcp.storage.vectors_files import VectorFiles;"
        "VectorFiles.append = lambda *_: os._exit(9);"
        f"v = numpy.eye({DIMENSION}, dtype='f4')[0];"
        f"i = VectorIndex(Path(sys.argv[1]), model='m', dimension={DIMENSION});"
        "i.add([('entry/late', v)], after=i.cursor(), through=i.cursor() + 1)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(data / "vectors")], check=False).returncode == 9


def test_a_process_that_dies_inside_costs_its_last_batch_only(data: Path) -> None:
    dies_inside(data)
    assert state_of(data)["busy"]
    index = index_in(data)
    assert index.cursor() == COUNT
    assert is_whole(index)
    assert index.add([("entry/late", vector_of(9999))], after=COUNT, through=COUNT + 1) == COUNT + 1
    assert index.nearest(vector_of(9999), limit=1)[0].id == "entry/late"


@pytest.mark.parametrize("name", ["chroma.sqlite3", "data_level0.bin", "header.bin"])
def test_a_process_that_dies_inside_and_leaves_damage_costs_a_rebuild(data: Path, name: str) -> None:
    dies_inside(data)
    truncate(name)(data)
    index = index_in(data)
    index.nearest(vector_of(0), limit=1)
    fill(index)
    assert is_whole(index_in(data))


def test_links_are_not_followed_and_what_they_name_is_left_alone(data: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (outside / "state.json").write_text(json.dumps(state_of(data)))
    (store_of(data) / "link").symlink_to(outside)
    (data / "vectors" / "state.json").unlink()
    (data / "vectors" / "state.json").symlink_to(outside / "state.json")
    (data / "vectors" / "state.json.new").symlink_to(outside / "kept")
    index = index_in(data)
    fill(index)
    assert is_whole(index)
    assert (outside / "kept").read_text() == "kept"
    assert not (data / "vectors" / "state.json").is_symlink()


def test_a_directory_that_is_a_link_is_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "vectors").symlink_to(tmp_path / "elsewhere")
    index = index_in(tmp_path)
    asked: list[Callable[[], object]] = [
        index.cursor,
        lambda: index.add(ROWS, after=0, through=1),
        lambda: index.nearest(vector_of(0), limit=1),
    ]
    for ask in asked:
        with pytest.raises(VectorsUnavailableError, match="link"):
            ask()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_in_place_of_the_directory_is_refused_with_words_and_kept(tmp_path: Path) -> None:
    (tmp_path / "vectors").write_text("mine")
    with pytest.raises(VectorsUnavailableError, match="no directory"):
        index_in(tmp_path).add(ROWS, after=0, through=1)
    assert (tmp_path / "vectors").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser writes everywhere")
def test_a_directory_that_can_not_be_written_is_said_with_words_until_it_can(data: Path) -> None:
    reader = index_in(data)
    (data / "vectors").chmod(0o500)
    with pytest.raises(VectorsUnavailableError, match="can not be used"):
        reader.add(ROWS[:1], after=COUNT, through=COUNT + 1)
    (data / "vectors").chmod(0o700)
    assert reader.add(ROWS[:1], after=COUNT, through=COUNT + 1) == COUNT + 1
    assert is_whole(reader)


def test_files_of_others_beside_the_builds_are_left_alone(data: Path) -> None:
    (data / "vectors" / "notes.txt").write_text("mine")
    (data / "vectors" / "state.json").write_text("")
    fill(index_in(data))
    assert (data / "vectors" / "notes.txt").read_text() == "mine"


def test_a_new_build_deletes_the_ones_before_it(data: Path) -> None:
    (data / "vectors" / "state.json").write_text("")
    fill(index_in(data))
    assert {path.name for path in (data / "vectors").iterdir()} == {str(state_of(data)["build"]), "state.json"}


def test_while_another_process_holds_the_lock_a_first_reader_is_told_and_a_later_one_answers(data: Path) -> None:
    warm, cold = index_in(data), index_in(data)
    assert is_whole(warm)
    with exclusive(data / "vectors.lock", timeout_s=1):
        with pytest.raises(VectorsUnavailableError, match="another process"):
            cold.nearest(vector_of(0), limit=1)
        assert is_whole(warm)
    assert is_whole(cold)


def test_an_index_that_breaks_again_and_again_is_given_up_with_words(data: Path) -> None:
    index = index_in(data)

    def break_and_write() -> None:
        truncate("chroma.sqlite3")(data)
        index.add(ROWS[:1], after=0, through=1)

    for _ in range(5):
        break_and_write()
    with pytest.raises(VectorsUnavailableError, match="again and again"):
        break_and_write()
