"""Several processes on one vector index, two of them killed while they write."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.storage.vectors import VectorIndex
from agentops_mcp.storage.vectors_values import VectorsUnavailableError

DIMENSION = 32
DOCUMENTS = 900
BATCH = 20


def vector_of(number: int) -> NDArray[np.float32]:
    drawn = np.random.default_rng(number).standard_normal(DIMENSION).astype(np.float32)
    return drawn / np.float32(np.linalg.norm(drawn))


def index_in(directory: Path) -> VectorIndex:
    return VectorIndex(directory / "vectors", model="m", dimension=DIMENSION)


def work(directory: Path) -> None:
    """What a server does: index if nobody else does, and search meanwhile, until everything is in."""
    index = index_in(directory)
    while (done := index.cursor()) < DOCUMENTS:
        try:
            with index.indexing() as mine:
                if mine:
                    fill(index, directory)
                else:
                    index.nearest(vector_of(done), limit=3)
                    time.sleep(0.005)
        except VectorsUnavailableError:
            continue


def fill(index: VectorIndex, directory: Path) -> None:
    (directory / "indexer").write_text(str(os.getpid()))
    done = index.cursor()
    while done < DOCUMENTS:
        upto = min(DOCUMENTS, done + BATCH)
        rows = [(f"entry/{number}", vector_of(number)) for number in range(done, upto)]
        done = index.add(rows, after=done, through=upto)


@contextmanager
def workers(directory: Path, count: int) -> Generator[dict[int, subprocess.Popen[str]]]:
    command = [sys.executable, __file__, str(directory)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(count)]
    try:
        yield {process.pid: process for process in started}
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_nothing_is_missing_or_damaged_after_two_of_four_processes_were_killed_while_they_wrote(
    tmp_path: Path,
) -> None:
    index = index_in(tmp_path)
    with workers(tmp_path, 4) as running:
        for reached in (BATCH * 4, BATCH * 24):
            while index.cursor() < reached:
                assert any(process.poll() is None for process in running.values())
            victim = running.pop(int((tmp_path / "indexer").read_text()))
            victim.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
            victim.wait()
        for process in running.values():
            _, errors = process.communicate(timeout=120)
            assert (process.returncode, errors) == (0, "")
    assert index.cursor() == DOCUMENTS
    for number in range(DOCUMENTS):
        (nearest,) = index.nearest(vector_of(number), limit=1)
        assert nearest.id == f"entry/{number}"
        assert nearest.cosine > 0.9999


if __name__ == "__main__":
    work(Path(sys.argv[1]))
