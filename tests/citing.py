"""Citations of a test's own repositories, and what is cited in them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agentops_mcp.storage.citations import Citations, FileNow
from agentops_mcp.storage.git import Completed, Git, discover
from agentops_mcp.storage.worktree import Worktree
from conftest import git


class CountingGit(Git):
    """git, with the number of times it was started."""

    started = 0

    def attempt(self, *args: str, stdin: bytes = b"", timeout_s: float = 20) -> Completed:
        self.started += 1
        return super().attempt(*args, stdin=stdin, timeout_s=timeout_s)


pytestmark = pytest.mark.usefixtures("own_home")


def citations(path: Path) -> Citations:
    return counted(path)[0]


def counted(path: Path) -> tuple[Citations, CountingGit]:
    found = discover(path)
    assert found is not None
    runner = CountingGit(found)
    return Citations(Worktree(found, runner, root=path), found, runner, root=path), runner


def outside_git(path: Path) -> Citations:
    return Citations(Worktree(None, None, root=path), None, None, root=path)


def head(path: Path) -> str:
    return git(path, "rev-parse", "HEAD")


def commit_all(path: Path, message: str = "more") -> str:
    git(path, "-c", "core.safecrlf=false", "add", "--all")
    git(path, "commit", "--quiet", "--allow-empty", "--message", message)
    return head(path)


def text(name: str) -> str:
    return "".join(f"{name} line {number}\n" for number in range(20))


def write(path: Path, name: str, content: str | None = None) -> None:
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes((text(name) if content is None else content).encode())


def told(now: FileNow) -> tuple[str, str | None]:
    return now.state, now.moved_to


def add(path: Path, name: str, content: str | None = None) -> None:
    write(path, name, content)
    commit_all(path)


def append(name: str) -> Callable[[Path], object]:
    return lambda path: write(path, name, (path / name).read_text(encoding="utf-8") + "one more\n")


def move(old: str, new: str) -> Callable[[Path], object]:
    def move(path: Path) -> None:
        (path / new).parent.mkdir(parents=True, exist_ok=True)
        (path / old).rename(path / new)

    return move
