"""Uncommitted work is kept as a commit; HEAD, index, worktree and other refs stay as they are."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agentops_mcp.storage.git import Git
from agentops_mcp.storage.snapshots import Snapshot, Snapshots
from conftest import git
from uncommitted_work import (
    PREFIX,
    clear,
    commit,
    edited,
    kept,
    repository_at,
    staged_and_edited,
    status,
    take,
    tree,
    untouched,
)


def test_plain_git_can_apply_it_too(repository: Path) -> None:
    staged_and_edited(repository)
    before = untouched(repository)
    snapshot = take(repository)
    clear(repository)
    git(repository, "stash", "apply", "--quiet", "--index", kept(snapshot))
    assert (tree(repository), status(repository)) == (before["tree"], before["status"])


def test_a_clean_tree_keeps_nothing(repository: Path) -> None:
    assert take(repository) == Snapshot()
    assert PREFIX not in git(repository, "for-each-ref")


def test_a_bare_repository_keeps_nothing(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "hub.git")
    assert take(tmp_path / "hub.git") == Snapshot()


def test_the_same_work_is_not_kept_twice(repository: Path) -> None:
    staged_and_edited(repository)
    first = take(repository)
    assert take(repository, "two", previous=first.commit).commit == first.commit
    assert git(repository, "for-each-ref", PREFIX).count("\n") == 0
    git(repository, "add", "app.py")
    assert take(repository, "three", previous=first.commit).commit != first.commit


def test_a_previous_snapshot_that_is_gone_is_no_obstacle(repository: Path) -> None:
    edited(repository)
    assert take(repository, previous="0" * 40).commit


def test_no_program_of_the_repository_runs(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    for key in ("filter.spy.clean", "filter.spy.smudge"):
        git(repository, "config", key, f"touch '{ran}'; cat")
    (repository / ".gitattributes").write_text("*.py filter=spy\n", encoding="utf-8")
    hooks = repository / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-index-change", "post-checkout"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch '{ran}'\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    (repository / "app.py").write_text("print('more than before')\n", encoding="utf-8")
    snapshot = take(repository)
    assert snapshot.commit
    assert not ran.exists()


def test_secrets_ignored_and_large_files_are_never_kept(repository: Path) -> None:
    (repository / ".gitignore").write_text("ignored.txt\n", encoding="utf-8")
    (repository / "tracked.env").write_text("A=1\n", encoding="utf-8")
    commit(repository)
    (repository / "ignored.txt").write_text("x", encoding="utf-8")
    (repository / ".env").write_text("TOKEN=x\n", encoding="utf-8")
    (repository / "tracked.env").write_text("A=secret\n", encoding="utf-8")
    git(repository, "add", "tracked.env")
    (repository / "notes.txt").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n", encoding="utf-8")
    (repository / "staged.txt").write_text("-----BEGIN RSA PRIVATE KEY-----\n", encoding="utf-8")
    git(repository, "add", "staged.txt")
    (repository / "large.bin").write_bytes(b"\0" * ((5 << 20) + 1))
    (repository / "git~1").write_text("x", encoding="utf-8")
    (repository / "own").mkdir()
    git(repository / "own", "init", "--quiet")
    (repository / "own" / "x").write_text("x", encoding="utf-8")
    (repository / "kept.txt").write_text("kept\n", encoding="utf-8")
    snapshot = take(repository)
    assert {each.path: each.reason for each in snapshot.left_out} == {
        ".env": "a file for secrets",
        "tracked.env": "a file for secrets",
        "notes.txt": "it holds a private key",
        "staged.txt": "it holds a private key",
        "large.bin": "untracked and larger than 5 MiB",
        "own/": "a repository of its own",
        "git~1": "git takes no file of this name",
    }
    names = git(repository, "ls-tree", "-r", "--name-only", kept(snapshot)).splitlines()
    assert names == [".gitignore", "app.py", "kept.txt", "tracked.env"]
    assert git(repository, "show", f"{snapshot.commit}:tracked.env") == "A=1"
    assert git(repository, "show", f"{snapshot.commit}^2:tracked.env") == "A=1"


def test_our_own_data_in_the_worktree_is_not_work(repository: Path) -> None:
    found = repository_at(repository)
    (repository / "memory").mkdir()
    (repository / "memory" / "agentops.db").write_bytes(b"x")
    snapshots = Snapshots(found, Git(found), prefix=PREFIX, excluded=repository / "memory")
    assert snapshots.take("one") == Snapshot()


def test_what_is_beyond_the_limits_is_counted(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agentops_mcp.storage import snapshots

    monkeypatch.setattr(snapshots, "_UNTRACKED_FILES", 30)
    monkeypatch.setattr(snapshots, "_TRACKED_BYTES", 10)
    for number in range(60):
        (repository / f"{number:02}.txt").write_text("x", encoding="utf-8")
    edited(repository)
    snapshot = take(repository)
    assert (snapshot.total, len(snapshot.left_out), snapshot.left_out_total) == (61, 20, 31)
    assert snapshot.left_out[0].reason == "larger than 0 MiB"
    monkeypatch.setattr(snapshots, "_UNTRACKED_TOTAL_BYTES", 7)
    assert take(repository, "two").left_out_total == 54


def test_two_processes_keep_their_work_side_by_side(repository: Path) -> None:
    edited(repository)
    with ThreadPoolExecutor() as pool:
        calls = [pool.submit(take, repository, name) for name in ("a", "b", "c", "d")]
    found = [call.result().commit for call in calls]
    assert None not in found
    assert len(git(repository, "for-each-ref", PREFIX).splitlines()) == 4
