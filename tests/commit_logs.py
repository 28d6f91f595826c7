"""Repositories with a past, for tests of the commit log."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from agentops_mcp.storage import commit_log, patches
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.blob_reader import LocalGit
from agentops_mcp.storage.commit_log import Commit, CommitLog, History, Hunk, Touched
from agentops_mcp.storage.git import Git, discover
from conftest import git

BODY = "class Thing:\n    def first(self):\n        return 1\n\n    def second(self):\n        return 2\n"


def log_of(path: Path, cache: BlobFacts | None = None) -> CommitLog:
    found = discover(path)
    assert found is not None
    return CommitLog(Git(found), cache)


def commit(path: Path, files: Mapping[str, str | bytes], message: str = "more") -> str:
    for name, content in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message", message)
    return git(path, "rev-parse", "HEAD")


def raw_commit(path: Path, message: bytes, headers: bytes = b"") -> str:
    """A commit of HEAD's tree, byte by byte."""
    tree, parent = git(path, "rev-parse", "HEAD^{tree}"), git(path, "rev-parse", "HEAD")
    who = b"T <t@example.org> 1700000000 +0000"
    content = f"tree {tree}\nparent {parent}\n".encode()
    content += b"author " + who + b"\ncommitter " + who + b"\n" + headers + b"\n" + message
    command = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    return subprocess.run(command, cwd=path, input=content, capture_output=True, check=True).stdout.decode().strip()


def newest(path: Path) -> Commit:
    return log_of(path).before(git(path, "rev-parse", "HEAD")).commits[0]


def names(commit: Commit) -> list[str]:
    return [touched.path for touched in commit.files]


def unread(path: str) -> Touched:
    """A file of which only the name was read."""
    return Touched(path, (), (), is_whole=False)


def added(path: str, lines: int) -> Touched:
    """A file that was not there before."""
    return Touched(path, (), ((0, 0, 1, lines),), is_whole=True)


def places(commit: Commit) -> dict[str, tuple[Hunk, ...] | None]:
    """The hunks of each file; None where they are not all there."""
    assert all(touched.is_whole or touched.hunks == () for touched in commit.files)
    return {touched.path: touched.hunks if touched.is_whole else None for touched in commit.files}


def numbers(commit: Commit) -> dict[str, int | None]:
    """How many hunks each file has; None where they are not all there."""
    return {path: None if hunks is None else len(hunks) for path, hunks in places(commit).items()}


def scattered(count: int) -> str:
    """A text whose every other line differs in upper case."""
    return "".join(f"X{number}\na\n" for number in range(count))


def oids(history: History) -> list[str]:
    return [commit.oid for commit in history.commits]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commits that are read from git from now on."""
    read: list[str] = []

    def counted(git: LocalGit, oids: Sequence[str], *, deadline: float | None) -> Iterator[tuple[Commit, bool]]:
        read.extend(oids)
        return patches.read_commits(git, oids, deadline=deadline)

    monkeypatch.setattr(commit_log, "read_commits", counted)
    return read
