"""The commits of a repository, as git tells them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.imports.history import MOST_FILES
from agentops_mcp.storage.blob_reader import LocalGit
from agentops_mcp.storage.git import discover

_MOST_COMMITS = 20_000
_TIMEOUT_S = 120.0
# Each field ends with NUL, which neither a message nor a file's name can hold; an empty one begins a commit.
_FORMAT = "--format=tformat:%x00%H%x00%ct%x00%B%x00"
_COMMAND = (
    "--no-replace-objects", "-c", "log.showSignature=false", "log", "-z", "--no-merges", "--name-only", "--no-renames",
    "--no-color", "--no-notes", "--no-ext-diff", "--no-mailmap", "--encoding=UTF-8",
    f"--max-count={_MOST_COMMITS}", _FORMAT,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PastCommit:
    """A commit: its time in seconds since 1970, its whole message, and the first of the files that it changed."""

    oid: str
    at: int
    message: str
    files: tuple[str, ...]


def read_history(folder: Path) -> Iterator[PastCommit]:
    """The commits behind HEAD of the repository around `folder`, newest first; no merges.

    Raises:
        InvalidInputError: there is no repository, or it has no commits.
        GitError: git is missing or failed.
    """
    repository = discover(folder)
    if repository is None:
        raise InvalidInputError(f"{folder} is in no git repository.", remedy="Name a folder of one.")
    git = LocalGit(repository)
    if git.attempt("rev-parse", "--verify", "--quiet", "HEAD^{commit}").status != 0:
        raise InvalidInputError(f"The repository of {folder} has no commits.", remedy="Commit something first.")
    printed = git.run(*_COMMAND, "HEAD", "--", timeout_s=_TIMEOUT_S)
    edge = _shallow_edge(repository.common_dir)
    for commit in _commits(printed):
        # The last commit of a shallow clone looks as if it had added every file.
        yield PastCommit(commit.oid, commit.at, commit.message, ()) if commit.oid in edge else commit


def is_same_repository(one: Path, other: Path) -> bool:
    """Whether two folders are in worktrees of one repository."""
    first, second = discover(one), discover(other)
    return first is not None and second is not None and first.common_dir.resolve() == second.common_dir.resolve()


def _shallow_edge(common_dir: Path) -> frozenset[str]:
    try:
        return frozenset((common_dir / "shallow").read_text("ascii", "replace").split())
    except OSError:
        return frozenset()


def _commits(printed: bytes) -> Iterator[PastCommit]:
    fields = printed.split(b"\0")
    index = 0
    while index + 4 < len(fields):
        oid, at, message = fields[index + 1 : index + 4]
        index += 5
        start = index
        while index < len(fields) and fields[index]:
            index += 1
        files = fields[start : min(index, start + MOST_FILES)]
        yield PastCommit(
            oid.decode("ascii", "replace"), int(at) if at.isdigit() else 0, message.decode("utf-8", "replace"),
            tuple(name.removeprefix(b"\n").decode("utf-8", "replace") for name in files),
        )  # fmt: skip
