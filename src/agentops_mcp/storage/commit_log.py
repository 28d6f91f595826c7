"""What past commits touched: their messages, files, and the places and functions their changes are in."""

import contextlib
import itertools
import json
import os
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, cast

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.blob_reader import LocalGit
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.patches import Commit, Hunk, Touched, read_commits

__all__ = ["Commit", "CommitLog", "History", "Hunk", "Touched"]

_KIND = "commit-2"
"""With the number of its form; what is kept in another is not found."""

_KEPT_HISTORIES = 4
_LIST_TIMEOUT_S = 20.0
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class History:
    """Commits without merges, newest first.

    `complete` is False if some that were wanted are not among them: no time was left, or they are not in this clone.
    """

    commits: tuple[Commit, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The commits that belong to a history.

    `is_listed`: git could go all the way; `is_cut`: the way ends where a shallow clone does.
    """

    oids: tuple[str, ...] = ()
    is_listed: bool = False
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class _Kept:
    """A history that was read; `final` if reading it again would give the same, `unpatched` are to be read again."""

    history: History
    final: bool
    unpatched: frozenset[str]


_Key = tuple[str, int, int]


class CommitLog:
    """The past of one repository. Safe to share between threads; nothing is fetched, and nothing raises."""

    def __init__(self, git: Git, cache: BlobFacts | None) -> None:
        self._git = LocalGit(git.repository)
        self._cache = cache
        self._shallow_path = git.repository.common_dir / "shallow"
        self._lock = Lock()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()

    def before(self, commit: str, *, limit: int = 3000, deadline: float | None = None) -> History:
        """The newest `limit` commits that `commit` has behind it, itself included, as far as read by `deadline`."""
        key = (commit, limit, self._shallow_stamp())
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                if kept.final:
                    return kept.history
        wanted = self._wanted(commit, limit, deadline)
        known = self._known(wanted.oids)
        missing = [oid for oid in wanted.oids if oid not in known]
        unpatched = self._read(missing, known, deadline)
        commits = tuple(known[oid] for oid in wanted.oids if oid in known)
        is_read = wanted.is_listed and len(commits) == len(wanted.oids)
        history = History(commits, complete=is_read and not wanted.is_cut and not unpatched)
        final = is_read and _OID.fullmatch(commit) is not None
        self._keep(key, _Kept(history, final, unpatched))
        return history

    def _wanted(self, commit: str, limit: int, deadline: float | None) -> _Wanted:
        timeout_s = _LIST_TIMEOUT_S if deadline is None else min(_LIST_TIMEOUT_S, deadline - time.monotonic())
        if timeout_s <= 0:
            return _Wanted()
        command = ("--no-replace-objects", "rev-list", "--no-merges", f"--max-count={max(limit, 0)}")
        try:
            done = self._git.attempt(*command, "--end-of-options", commit, "--", timeout_s=timeout_s)
        except GitError:
            return _Wanted()
        oids = done.stdout.decode("ascii", "replace").split()
        edge = self._shallow_edge()
        inside = tuple(oid for oid in oids if oid not in edge)
        is_listed = done.status == 0 and (bool(oids) or limit <= 0)  # a name of a file is no error, and lists nothing
        return _Wanted(inside, is_listed, is_cut=len(inside) < len(oids))

    def _shallow_edge(self) -> set[str]:
        """The commits whose parents a shallow clone lacks: to git they look as if they had added every file."""
        try:
            return set(self._shallow_path.read_text("ascii", "replace").split())
        except OSError:
            return set()

    def _shallow_stamp(self) -> int:
        try:
            return os.stat(self._shallow_path).st_mtime_ns  # noqa: PTH116 - for each call, also one from memory
        except OSError:
            return 0

    def _known(self, oids: Sequence[str]) -> dict[str, Commit]:
        """Those of the commits that this or an earlier process has read."""
        with self._lock:
            seen = {
                commit.oid: commit for kept in self._kept.values() for commit in kept.history.commits
                if commit.oid not in kept.unpatched
            }  # fmt: skip
        known = {oid: seen[oid] for oid in oids if oid in seen}
        if self._cache is not None:
            facts = self._cache.get(_KIND, [oid for oid in oids if oid not in known])
            known.update((oid, commit) for oid, fact in facts.items() if (commit := _unpacked(oid, fact)))
        return known

    def _read(self, oids: Sequence[str], known: dict[str, Commit], deadline: float | None) -> frozenset[str]:
        """Read commits from git, keep those that are all here, and return those of which only the names could be."""
        facts: list[tuple[str, bytes]] = []
        unpatched: set[str] = set()
        with contextlib.suppress(GitError, OSError):  # without git, or a place for temporary files, there is no more
            for commit, is_here in read_commits(self._git, oids, deadline=deadline):
                known[commit.oid] = commit
                if is_here:
                    facts.append((commit.oid, _packed(commit)))
                else:
                    unpatched.add(commit.oid)
        if self._cache is not None and facts:
            self._cache.put(_KIND, facts)
        return frozenset(unpatched)

    def _keep(self, key: _Key, kept: _Kept) -> None:
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT_HISTORIES:
                self._kept.popitem(last=False)


def _packed(commit: Commit) -> bytes:
    files = [[touched.path, _flat(touched), *touched.contexts] for touched in commit.files]
    fields = [commit.at, commit.more, commit.message, files]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _flat(touched: Touched) -> list[int] | None:
    """The numbers of all hunks, or None if they are not all there."""
    return list(itertools.chain.from_iterable(touched.hunks)) if touched.is_whole else None


def _unpacked(oid: str, fact: bytes) -> Commit | None:
    """The commit, or None if this is not what `_packed` made."""
    try:
        at, more, message, files = cast("tuple[Any, ...]", json.loads(fact))
        touched = tuple([
            Touched(sys.intern(path), tuple(contexts), () if flat is None else _hunks(flat), flat is not None)
            for path, flat, *contexts in files
        ])  # fmt: skip
        return Commit(oid, at, message, touched, more)
    except (ValueError, TypeError):
        return None


def _hunks(flat: list[int]) -> tuple[Hunk, ...]:
    numbers = iter(flat)
    return tuple(zip(numbers, numbers, numbers, numbers, strict=True))
