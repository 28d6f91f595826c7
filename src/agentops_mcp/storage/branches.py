"""Where the work around a folder stands, as far as a decision about an action depends on it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.refs import Refs
from agentops_mcp.storage.repository import discover

NOT_KNOWN = "not known"

_MOST_REFS = 20
_LONGEST_REF = 200


def standing(folder: str, *, commit: bool, words: Sequence[str] = ()) -> str:
    """The branch that is checked out around a folder; empty outside git, `NOT_KNOWN` where git can not say.

    With `commit` also where it stands, and where the refs stand that words of a git command name.
    """
    try:
        if (repository := discover(Path(folder))) is None:
            return ""
        refs = Refs(Git(repository))
        branch, head = refs.head()
        said = branch or "no branch"
        if not commit:
            return said
        names = dict.fromkeys(name for word in words for name in _refs_of(word))
        others = ((name, refs.read(name)) for name in list(names)[:_MOST_REFS])
        moved = [f"{name.removeprefix('refs/heads/')} at {oid}" for name, oid in others if oid]
        return ", ".join(dict.fromkeys([f"{said} at {head or 'no commit'}", *moved]))
    except (GitError, OSError, ValueError):  # the last for a NUL byte
        return NOT_KNOWN


def files_of(folder: str, *, commit: bool) -> list[str]:
    """The files of git by which one without git sees that the branch is another, and with `commit` that it moved."""
    try:
        if (repository := discover(Path(folder))) is None:
            return []
        branch, _ = Refs(Git(repository)).head()
    except (GitError, OSError, ValueError):
        return []
    found = [repository.git_dir / "HEAD"]
    if commit and branch:
        found.append(repository.common_dir / "refs" / "heads" / branch)
    return [str(each) for each in found]


def _refs_of(word: str) -> Iterator[str]:
    """The refs of this repository that a word may name: `old`, `+main:main`, `v1`, `stash`."""
    for name in word.lstrip("+").split(":"):
        if name == "stash":
            yield "refs/stash"
        parts = name.removeprefix("refs/heads/").removeprefix("refs/tags/").split("/")
        named = name.isprintable() and not name.startswith("-") and len(name) <= _LONGEST_REF
        if named and all(part.strip(".") for part in parts):
            yield from (f"refs/{kind}/{'/'.join(parts)}" for kind in ("heads", "tags"))
