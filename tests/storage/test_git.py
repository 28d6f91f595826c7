"""git is found without starting it, and run so that nothing from outside can bend what it does."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from agentops_mcp.core.errors import GitError, InvalidInputError
from agentops_mcp.storage.git import Git, Repository, discover
from conftest import git


def bound(path: Path) -> Git:
    found = discover(path)
    assert found is not None
    return Git(found)


def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """Put a program of ours before all others."""
    program = tmp_path / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize("inside", [".", "sub/deeper", ".git", ".git/objects"])
def test_a_repository_is_found_from_anywhere_inside_it(repository: Path, inside: str) -> None:
    (repository / "sub" / "deeper").mkdir(parents=True)
    assert discover(repository / inside) == Repository(repository / ".git", repository / ".git", repository)


def test_a_bare_repository_has_no_worktree(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "store.git")
    bare = tmp_path / "store.git"
    assert discover(bare / "refs") == Repository(bare, bare, None)


def test_a_git_directory_marked_bare_has_no_worktree(repository: Path) -> None:
    git(repository, "config", "core.bare", "true")
    found = discover(repository)
    assert found is not None
    assert found.worktree is None


def test_a_linked_worktree_shares_the_common_directory(repository: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "--quiet", str(linked))
    own = repository / ".git" / "worktrees" / "linked"
    assert discover(linked) == Repository(own, repository / ".git", linked)
    assert discover(own) == discover(linked)


def test_a_submodule_is_a_repository_of_its_own(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "--quiet", "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "part")
    modules = outer / ".git" / "modules" / "part"
    assert discover(outer / "part") == Repository(modules, modules, outer / "part")
    assert discover(modules) == discover(outer / "part")


def test_no_repository_is_found_outside_one(tmp_path: Path) -> None:
    assert discover(tmp_path) is None


def test_a_broken_link_to_a_git_directory_ends_the_search(repository: Path) -> None:
    lost = repository / "lost"
    lost.mkdir()
    (lost / ".git").write_text("gitdir: ../nowhere\n", encoding="utf-8")
    assert discover(lost) is None


def test_a_hook_that_names_another_repository_is_not_followed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / "index"))
    assert bound(repository).run("rev-parse", "--absolute-git-dir").decode().strip() == str(repository / ".git")
    assert bound(repository).run("ls-files") == b"app.py\n"


def test_a_failure_says_what_git_said(repository: Path) -> None:
    with pytest.raises(GitError) as caught:
        bound(repository).run("cat-file", "-t", "0" * 40)
    assert "cat-file" in caught.value.problem
    assert caught.value.remedy


def test_an_error_shows_no_password_of_a_url(repository: Path) -> None:
    url = "http://deploy:s3cr3t@127.0.0.1:9/path?token=abc123"
    git(repository, "remote", "add", "origin", url)
    with pytest.raises(GitError) as caught:
        bound(repository).run("fetch", "origin")
    assert "127.0.0.1:9/path" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert "abc123" not in str(caught.value)


def test_a_command_that_takes_too_long_is_stopped_with_its_children(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path(tmp_path, monkeypatch, "git", f"sleep 60 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(GitError, match="longer than"):
        bound(repository).run("status", timeout_s=1)
    child = int((tmp_path / "child").read_text(encoding="utf-8"))
    # A killed process may stay for a moment as a zombie that nobody has collected yet.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True).stdout.strip()
    assert not state or state.startswith("Z")


def test_a_missing_git_is_named(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = bound(repository)
    monkeypatch.setenv("PATH", str(repository))
    runner = Git(runner.repository)
    with pytest.raises(GitError, match="not found"):
        runner.run("status")


def test_a_directory_that_went_away_is_not_taken_for_a_missing_git(repository: Path, tmp_path: Path) -> None:
    runner = bound(repository)
    repository.rename(tmp_path / "moved")
    with pytest.raises(GitError, match="gone"):
        runner.run("status")


def test_an_impossible_argument_is_an_error_of_ours(repository: Path) -> None:
    with pytest.raises(GitError, match="impossible character"):
        bound(repository).run("rev-parse", "a\0b")


def test_hooks_and_monitors_of_the_repository_do_not_run(repository: Path, tmp_path: Path) -> None:
    hook = repository / ".git" / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    hook.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(hook))
    runner = bound(repository)
    runner.run("update-ref", "refs/agentops/probe", "HEAD")
    runner.run("status", "--porcelain")
    assert not (tmp_path / "ran").exists()


def test_a_remote_that_is_a_command_is_refused(repository: Path, tmp_path: Path) -> None:
    git(repository, "remote", "add", "origin", f"ext::sh -c touch% {tmp_path}/ran")
    with pytest.raises(GitError):
        bound(repository).run("fetch", "origin")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "orig", "origin ", "origin\norigin", "", "\ud800", "*"])
def test_only_the_exact_name_of_a_remote_is_taken(repository: Path, name: str) -> None:
    git(repository, "remote", "add", "origin", "somewhere")
    runner = bound(repository)
    assert runner.require_remote("origin") == "origin"
    with pytest.raises(InvalidInputError, match="no remote named"):
        runner.require_remote(name)


@pytest.mark.parametrize(
    ("variables", "setting", "expected"),
    [
        ({}, None, "ssh -oBatchMode=yes"),
        ({"GIT_SSH_COMMAND": "my-ssh"}, None, "my-ssh"),
        ({}, "configured-ssh", "by configuration"),
    ],
)
def test_ssh_asks_nothing_unless_the_user_chose_another_ssh(
    repository: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], setting: str | None, expected: str
) -> None:
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    monkeypatch.delenv("GIT_SSH", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    if setting:
        git(repository, "config", "core.sshCommand", setting)
    told = bound(repository).attempt_network("-c", "alias.told=!echo ${GIT_SSH_COMMAND:-by configuration}", "told")
    assert told.stdout.decode().strip() == expected


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_another_user_is_left_to_gits_own_rules(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(GitError, match="dubious ownership"):
        bound(repository).run("status")


def test_discovery_is_quicker_than_starting_git(repository: Path) -> None:
    def seconds(action: object) -> float:
        assert callable(action)
        started = time.perf_counter()
        action()
        return time.perf_counter() - started

    runner = bound(repository)
    found = sorted(seconds(lambda: discover(repository)) for _ in range(9))[4]
    started = sorted(seconds(lambda: runner.run("rev-parse", "--git-dir")) for _ in range(9))[4]
    assert found < started
