"""Where what was cited went: a file to another path, a commit to another branch or into a rewritten one."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from agentops_mcp.storage.blobs import id_of
from agentops_mcp.storage.git import Git, failure, shown

OFFLINE = ("-c", "protocol.allow=never")
"""Keeps git in a partial clone from asking a remote for what is missing."""

_EMPTY = (id_of(b"", "sha1"), id_of(b"", "sha256"))


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index has for a path; `skipped` when a sparse checkout leaves it out."""

    id: str
    skipped: bool
    is_submodule: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What git sees as renamed, and every path that is new or different, since a commit."""

    renamed: Mapping[bytes, bytes]
    arrived: frozenset[bytes]


def read_index(git: Git) -> dict[bytes, Entry]:
    """Every path in the index.

    Raises:
        GitError: git could not say.
    """
    entries: dict[bytes, Entry] = {}
    for record in git.run("ls-files", "--stage", "-t", "-z").split(b"\0")[:-1]:
        facts, _, name = record.partition(b"\t")
        tag, mode, oid, _ = facts.split(b" ")
        entries[name] = Entry(oid.decode("ascii"), tag == b"S", mode == b"160000")
    return entries


def changes_since(git: Git, commit: str) -> Changes:
    """What differs between a commit and the index: everything that was committed or staged since.

    Raises:
        GitError: git could not say.
    """
    # More pairs of files are not compared by content; the same content is found among any number.
    options = ("--cached", "--raw", "-z", "-l400")
    done = git.attempt(*OFFLINE, "diff-index", "-M", *options, commit, "--")
    if done.status != 0:  # a partial clone that lacks some content: go by ids alone
        done = git.attempt(*OFFLINE, "diff-index", "-M100%", *options, commit, "--")
    if done.status != 0:
        raise failure(("diff-index",), done)
    fields = iter(done.stdout.split(b"\0")[:-1])
    renamed: dict[bytes, bytes] = {}
    arrived: set[bytes] = set()
    for facts in fields:
        status, name = facts.rpartition(b" ")[2][:1], next(fields)
        if status == b"R":
            renamed[name] = next(fields)
            arrived.add(renamed[name])
        elif status != b"D":
            arrived.add(name)
    return Changes(renamed, frozenset(arrived))


def in_index(
    name: bytes, blob: str, *, index: Mapping[bytes, Entry], changes: Changes | None, is_there: Callable[[bytes], bool]
) -> bytes | None:
    """The path in the index where a file that is gone went, None if none is known."""
    renamed = changes.renamed.get(name) if changes else None
    if renamed is not None and is_there(renamed) and (blob not in _EMPTY or _base(renamed) == _base(name)):
        return renamed
    # A path that stands unchanged since the commit of then was a copy already; the file did not go there.
    same = (
        path for path, entry in index.items()
        if entry.id == blob and path != name and (changes is None or path in changes.arrived)
    )  # fmt: skip
    return likeliest(name, blob, (path for path in same if is_there(path)))


def likeliest(name: bytes, blob: str, paths: Iterable[bytes]) -> bytes | None:
    """Of several paths with the content that is looked for, the one with the same file name, else the first."""
    first = min(paths, key=lambda path: (_base(path) != _base(name), path), default=None)
    if first is None or (blob in _EMPTY and _base(first) != _base(name)):
        return None  # one empty file is like any other
    return first


def branch_with(git: Git, commit: str) -> str | None:
    """A branch that has the commit, a local one first.

    Raises:
        GitError: git could not say.
    """
    each = "--format=%(if)%(symref)%(then)%(else)%(refname:lstrip=2)%(end)"
    told = git.run("for-each-ref", f"--contains={commit}", each, "refs/heads", "refs/remotes")
    return next((shown(name) for name in told.split(b"\n") if name), None)


def authored(git: Git, *which: str) -> dict[str, str]:
    """Who wrote each commit, when, and its subject: what a rebase or an amend keeps.

    Raises:
        GitError: git could not say.
    """
    told = git.run("log", "--no-show-signature", "--format=%H %at %an %ae %s", *which, "--")
    lines = told.decode("utf-8", "surrogateescape").split("\n")
    return dict(line.split(" ", 1) for line in lines if line)


def _base(path: bytes) -> bytes:
    return path.rpartition(b"/")[2]
