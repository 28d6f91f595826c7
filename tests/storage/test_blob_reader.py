"""Objects are read through one process that can neither block, nor lose its place, nor go to the network."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage import blob_reader
from agentops_mcp.storage.blob_reader import LocalGit, read_blobs, sizes_of
from agentops_mcp.storage.git import discover
from conftest import git

LIMIT = 1 << 20


def local_git(path: Path) -> LocalGit:
    found = discover(path)
    assert found is not None
    return LocalGit(found)


def blob(path: Path, content: bytes) -> str:
    (path / "scratch").write_bytes(content)
    return git(path, "hash-object", "-w", "scratch")


def test_many_objects_come_in_the_order_they_were_asked_for(repository: Path) -> None:
    contents = [
        b"",
        b"\n",
        b"no end",
        b"x missing\n",
        b"\0" * 100_000,
        *(b"%d\n" % number * 50 for number in range(60)),
    ]
    oids = [blob(repository, content) for content in contents]
    assert list(read_blobs(local_git(repository), oids * 3, limit_bytes=LIMIT)) == contents * 3


def test_more_names_than_a_pipe_holds_do_not_block(repository: Path) -> None:
    oid = blob(repository, b"y" * 300)
    count = 0
    for content in read_blobs(local_git(repository), [oid] * 20_000, limit_bytes=LIMIT):
        assert content == b"y" * 300
        count += 1
    assert count == 20_000


def test_what_is_no_blob_or_not_there_is_none(repository: Path) -> None:
    oids = ["0" * 40, git(repository, "rev-parse", "HEAD"), "HEAD:nowhere", "", "é"]
    last = blob(repository, b"last")
    assert list(read_blobs(local_git(repository), [*oids, last], limit_bytes=LIMIT)) == [None] * 5 + [b"last"]


def test_an_object_above_the_limit_is_passed_without_losing_the_place(repository: Path) -> None:
    small, large = blob(repository, b"small"), blob(repository, b"z" * 3_000_000)
    contents = list(read_blobs(local_git(repository), [small, large, small], limit_bytes=1_000_000))
    assert contents == [b"small", None, b"small"]


def damage(repository: Path, oid: str) -> None:
    place = repository / ".git/objects" / oid[:2] / oid[2:]
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-20])


def test_damaged_objects_do_not_take_the_others_with_them(repository: Path) -> None:
    good = blob(repository, b"good")
    bad = [blob(repository, bytes(range(256)) * 40 + bytes([number])) for number in range(2)]
    for oid in bad:
        damage(repository, oid)
    oids = [good, bad[0], good, bad[1], good]
    assert list(read_blobs(local_git(repository), oids, limit_bytes=LIMIT)) == [b"good", None, b"good", None, b"good"]


def test_after_too_many_damaged_objects_the_rest_is_lost_too(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_reader, "_RESTARTS", 2)
    good = blob(repository, b"good")
    bad = blob(repository, bytes(range(256)) * 40)
    damage(repository, bad)
    contents = list(read_blobs(local_git(repository), [bad, good, bad, good], limit_bytes=LIMIT))
    assert contents == [None, b"good", None, None]


def test_a_reader_that_stops_early_leaves_no_process(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    runner = local_git(repository)
    start = runner.start

    def noted(*args: str, stdin: IO[bytes], pipe_bytes: int = -1) -> subprocess.Popen[bytes]:
        started.append(start(*args, stdin=stdin, pipe_bytes=pipe_bytes))
        return started[-1]

    monkeypatch.setattr(runner, "start", noted)
    contents = read_blobs(runner, [blob(repository, b"q" * 100_000)] * 1_000, limit_bytes=LIMIT)
    assert next(iter(contents)) == b"q" * 100_000
    del contents
    assert [process.returncode is not None for process in started] == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="there a silent process is waited for")
def test_a_silent_git_is_given_up(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_reader, "_STALLED_S", 0.2)
    runner = local_git(repository)
    start = runner.start

    reading, writing = os.pipe()

    def silent(*args: str, stdin: IO[bytes], pipe_bytes: int = -1) -> subprocess.Popen[bytes]:
        with os.fdopen(reading, "rb") as never:
            return start(*args, stdin=never, pipe_bytes=pipe_bytes)

    monkeypatch.setattr(runner, "start", silent)
    with pytest.raises(GitError, match="said nothing"):
        list(read_blobs(runner, ["0" * 40], limit_bytes=LIMIT))
    os.close(writing)


def test_without_git_it_is_an_error(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    runner = local_git(repository)
    monkeypatch.setenv("PATH", str(tmp_path))
    runner._environment["PATH"] = str(tmp_path)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(GitError, match="git was not found"):
        list(read_blobs(runner, ["0" * 40], limit_bytes=LIMIT))


def test_sizes_are_told_of_many(repository: Path) -> None:
    oids = {blob(repository, b"x" * size): size for size in (0, 1, 5_000)}
    assert sizes_of(local_git(repository), oids) == oids
    assert sizes_of(local_git(repository), []) == {}
