"""What was read of the past is kept, read in time, and read as far as it is there."""

import itertools
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from agentops_mcp.storage import commit_log, patches
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.blob_reader import LocalGit
from agentops_mcp.storage.commit_log import Commit, History
from commit_logs import BODY, commit, count_reads, log_of, names, oids
from conftest import git


def test_a_later_process_reads_only_what_is_new(
    repository: Path, cache: BlobFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, head = [commit(repository, {"a.py": f"{number}\n"}) for number in range(5)]
    before = log_of(repository, cache).before(head)
    read = count_reads(monkeypatch)
    log = log_of(repository, cache)
    assert log.before(head) == before == log_of(repository).before(head)
    del read[:]
    assert log.before(head) is log.before(head)
    newer = commit(repository, {"a.py": "new\n"})
    assert log.before(newer).commits[1:] == before.commits
    assert read == [newer]


def test_without_a_cache_what_was_read_is_remembered_for_a_few_commits(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = [commit(repository, {"a.py": f"{number}\n"}) for number in range(6)]
    log = log_of(repository)
    read = count_reads(monkeypatch)
    for head in heads:
        log.before(head)
    assert sorted(read) == sorted([*heads, git(repository, "rev-parse", f"{heads[0]}^")])
    del read[:]
    for head in heads[-4:]:
        assert log.before(head) is log.before(head)
    assert read == []


def test_a_name_that_moves_is_not_remembered(repository: Path) -> None:
    log = log_of(repository)
    assert len(log.before("HEAD").commits) == 1
    commit(repository, {})
    assert len(log.before("HEAD").commits) == 2


def test_facts_that_make_no_sense_are_read_again(repository: Path, cache: BlobFacts) -> None:
    head = git(repository, "rev-parse", "HEAD")
    expected = log_of(repository).before(head)
    files = ("[]", '["a"]', '["a",7]', '["a",[1,1,1]]')
    for nonsense in (b"", b"{}", b"[1]", b"\xff", *(f'[1,0,"m",[{file}]]'.encode() for file in files)):
        cache.put("commit-2", [(head, nonsense)])
        assert log_of(repository, cache).before(head) == expected


def test_at_the_deadline_it_ends_with_what_was_read_and_goes_on_from_there(
    repository: Path, cache: BlobFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, head = [commit(repository, {"a.py": f"{number}\n"}) for number in range(6)]
    log = log_of(repository, cache)
    assert log.before(head, deadline=time.monotonic() - 1) == History((), complete=False)

    def two(git: LocalGit, oids: Sequence[str], *, deadline: float | None) -> Iterator[tuple[Commit, bool]]:
        return itertools.islice(patches.read_commits(git, oids, deadline=deadline), 2)

    with monkeypatch.context() as patch:
        patch.setattr(commit_log, "read_commits", two)
        history = log.before(head, deadline=time.monotonic() + 60)
    assert not history.complete
    assert len(history.commits) == 2
    assert cache.count("commit-2") == 2
    read = count_reads(monkeypatch)
    assert log.before(head).commits[:2] == history.commits
    assert len(read) == 5
    assert log.before(head).complete


def test_git_is_ended_at_the_deadline(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git waits for the names of commits from a pipe that nobody writes to."""
    head = git(repository, "rev-parse", "HEAD")
    log = log_of(repository)
    pipe = subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE)
    start = LocalGit.start

    def waiting(self: LocalGit, *args: str, stdin: IO[bytes], pipe_bytes: int = -1) -> subprocess.Popen[bytes]:
        assert pipe.stdout is not None
        return start(self, *args, stdin=pipe.stdout, pipe_bytes=pipe_bytes)

    monkeypatch.setattr(LocalGit, "start", waiting)
    try:
        assert log.before(head, deadline=time.monotonic() + 0.5) == History((), complete=False)
    finally:
        pipe.kill()
        with pipe:
            pass


def test_of_a_shallow_clone_the_last_commit_is_not_taken_for_the_first(repository: Path, tmp_path: Path) -> None:
    *_, head = [commit(repository, {f"{number}.py": "x\n"}) for number in range(4)]
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=3", f"file://{repository}", str(clone))
    log = log_of(clone)
    history = log.before(head)
    assert not history.complete
    assert [names(found) for found in history.commits] == [["3.py"], ["2.py"]]
    assert log.before(head) is history
    assert log.before(head, limit=2).complete
    git(clone, "fetch", "--quiet", "--unshallow")
    assert log.before(head) == log_of(repository).before(head)


def test_of_a_partial_clone_the_names_are_read_without_the_network(
    repository: Path, tmp_path: Path, cache: BlobFacts
) -> None:
    *_, head = [commit(repository, {"a.py": f"{number}\n", f"{number}.py": "x\n"}) for number in range(8)]
    git(repository, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--bare", "--filter=blob:none", f"file://{repository}", str(clone))
    history = log_of(clone, cache).before(head)
    assert not history.complete
    assert [names(found) for found in history.commits[:2]] == [["7.py", "a.py"], ["6.py", "a.py"]]
    assert len(history.commits) == 9
    assert cache.count("commit-2") == 0
    assert "?" in git(clone, "rev-list", "--objects", "--missing=print", head)  # nothing was fetched


def test_around_a_damaged_object_everything_else_is_read(repository: Path, cache: BlobFacts) -> None:
    *_, head = [
        commit(repository, {"a.py": BODY + f"    x = {number}\n", f"{number}.py": f"{number}\n"}) for number in range(5)
    ]
    blob = git(repository, "rev-parse", "HEAD~2:a.py")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    history = log_of(repository, cache).before(head)
    assert not history.complete
    assert [names(found) for found in history.commits[:5]] == [[f"{number}.py", "a.py"] for number in (4, 3, 2, 1, 0)]
    assert [len(found.files[1].contexts) for found in history.commits[:4]] == [1, 0, 0, 1]
    assert cache.count("commit-2") == 4
    tree = git(repository, "rev-parse", "HEAD~2^{tree}")
    (repository / ".git/objects" / tree[:2] / tree[2:]).unlink()
    history = log_of(repository).before(head)
    assert not history.complete
    assert [names(found)[0] for found in history.commits] == ["4.py", "1.py", "0.py", "app.py"]


def test_what_can_not_be_read_is_an_empty_history(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(repository)
    nothing = History((), complete=False)
    for name in ("0" * 40, "nowhere", "", "--all", "a\0b", "\udcff", "HEAD:app.py"):
        assert log.before(name) == nothing
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "/nowhere")
    assert log_of(repository).before(head) == nothing


def test_threads_share_one_log(repository: Path, cache: BlobFacts) -> None:
    heads = [commit(repository, {"a.py": f"{number}\n"}) for number in range(6)]
    log = log_of(repository, cache)
    with ThreadPoolExecutor(4) as pool:
        lengths = [len(history.commits) for history in pool.map(log.before, heads * 4)]
    assert lengths == [2, 3, 4, 5, 6, 7] * 4


def test_a_sha256_repository_is_read(tmp_path: Path, cache: BlobFacts) -> None:
    path = tmp_path / "long"
    path.mkdir()
    git(path, "init", "--quiet", "--object-format=sha256")
    head = commit(path, {"a.py": "a\n"})
    for _ in range(2):
        assert oids(log_of(path, cache).before(head)) == [head]
