"""Trees of sources to list and read, for tests."""

import time
from pathlib import Path

from agentops_mcp.storage.git import Git, discover
from agentops_mcp.storage.source_tree import Listing, SourceTree
from conftest import git

LIMIT = 1 << 20


def later_ns() -> int:
    """A clock for which every file was written long ago."""
    return time.time_ns() + 60 * 10**9


def tree_of(path: Path) -> SourceTree:
    found = discover(path)
    return SourceTree(found, Git(found) if found else None, root=path, clock_ns=later_ns)


def write(root: Path, path: str, text: str = "new\n") -> Path:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
    return place


def commit_all(path: Path, message: str = "more") -> str:
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", message)
    return git(path, "rev-parse", "HEAD")


def paths(listing: Listing) -> list[str]:
    return [file.path for file in listing.files]


def contents(tree: SourceTree, rev: str | None = None, limit: int = LIMIT) -> dict[str, bytes | None]:
    return {file.path: content for file, content in tree.read(tree.list(rev).files, limit_bytes=limit)}
