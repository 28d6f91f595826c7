"""The git mirror: every tracked event as a small file under a private ref, a view that can always be made again."""

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from agentops_mcp.core.errors import GitError
from agentops_mcp.core.records import Event, readable
from agentops_mcp.storage.commits import Change, Committers, Content
from agentops_mcp.storage.exchange import Exchange, Refusal, SyncReport, event_path
from agentops_mcp.storage.git import Git, Repository, shown
from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.objects import Objects, blob_id
from agentops_mcp.storage.refs import Refs

__all__ = ["Mirror", "Refusal", "SyncReport", "TrackedEvents"]

_BATCH = 500
_LOCK_TIMEOUT_S = 5.0
_LIST_TIMEOUT_S = 120.0
_REF_ATTEMPTS = 20
_REF_RETRY_S = 0.01
_SYNC_ROUNDS = 3
_THROUGH = re.compile(r"^Through: (\S+) (\d+)$", re.MULTILINE)
_OTHERS_KEPT = 15


class TrackedEvents(Protocol):
    """What the mirror needs of the ledger. A number once seen is final: no smaller one appears after it."""

    @property
    def identity(self) -> str:
        """Which database this is: a UUIDv7."""
        ...

    def tracked_after(self, seq: int, *, limit: int) -> list[tuple[int, Event]]:
        """Tracked events above a local number, oldest first."""
        ...

    def last_tracked(self) -> int:
        """The local number of the newest tracked event, 0 when there is none."""
        ...

    def merge(self, events: Iterable[Event]) -> int:
        """Add the events that are not here yet and return how many those were."""
        ...


class Mirror:
    """The mirror of one ledger in one repository. Safe to share between threads."""

    def __init__(
        self, repository: Repository, git: Git, events: TrackedEvents, *, ref: str, lock_path: Path
    ) -> None:
        self._git = git
        self._events = events
        self._ref = ref
        self._lock_path = lock_path
        self._refs = Refs(git)
        self._objects = Objects(git)
        self._through: tuple[str, dict[str, int]] = ("", {})
        self._committers = Committers(repository, git, self._objects, self._refs)
        self.last_error: str | None = None
        """Why the last flush failed; None when it did not."""

    def flush(self) -> int:
        """Mirror every event that is owed, of whichever process, and return how many were written.

        Raises:
            GitError: the mirror can not be written now; what is owed stays owed.
        """
        try:
            if self._is_settled():
                written = 0
            else:
                with self._writing():
                    written = self._pay()
        except GitError as error:
            self.last_error = str(error)
            raise
        self.last_error = None
        return written

    def debt(self) -> int:
        """How many tracked events are not mirrored yet.

        Raises:
            GitError: the mirror can not be read.
        """
        seq, owed = self._watermark(self._refs.read(self._ref)), 0
        while batch := self._events.tracked_after(seq, limit=_BATCH):
            seq, owed = batch[-1][0], owed + len(batch)
        return owed

    def verify(self) -> list[str]:
        """Compare every mirrored file with its event; one sentence for each that is missing, different or unknown.

        Raises:
            GitError: the mirror can not be read.
        """
        tip = self._refs.read(self._ref)
        if tip is None:
            return []
        options = ("-r", "-z", "--full-tree", "--end-of-options")
        listing = self._git.run("ls-tree", *options, tip, timeout_s=_LIST_TIMEOUT_S)
        entries = (entry.partition(b"\t") for entry in listing.split(b"\0")[:-1])
        mirrored = {path: facts.split(b" ")[2].decode("ascii") for facts, _, path in entries}
        algorithm = "sha1" if len(tip) == 40 else "sha256"
        through, seq = self._watermark(tip), 0
        problems: list[str] = []
        while batch := self._events.tracked_after(seq, limit=_BATCH):
            for seq, event in batch:
                path = event_path(event.id)
                found = mirrored.pop(path.encode(), None)
                if found is None and seq <= through:
                    problems.append(f"{path} is missing from the mirror.")
                if found is not None and found != blob_id(readable(event).encode(), algorithm=algorithm):
                    problems.append(f"{path} differs from its event.")
        problems += [f"{shown(path)} is not an event of this ledger." for path in mirrored]
        return problems

    def sync(self, remote: str, *, dry_run: bool = False) -> SyncReport:
        """Take over what the remote's ledger has and give it what it lacks, never by force.

        Raises:
            InvalidInputError: there is no remote of this name.
            GitError: the remote can not be reached or does not take ours; what was merged before stays merged.
        """
        exchange = Exchange(self._git, remote, self._ref)
        report = SyncReport(remote, dry_run=dry_run)
        if dry_run:
            return self._foresee(exchange, report)
        self.flush()
        for _ in range(_SYNC_ROUNDS):
            theirs = exchange.fetch()
            if theirs is not None:
                report = self._take(exchange, theirs, report)
            lacking = self._lacking(exchange, theirs)
            if not lacking:
                return report
            tip = self._joined(exchange, theirs)
            refusal = exchange.push(tip)
            if refusal is None:
                return replace(report, pushed=lacking)
            if exchange.tip() == theirs:  # it did not move, so it refused for another reason
                raise refusal
        raise GitError(f"The remote {remote!r} kept changing.", remedy="Sync again; what it had is merged here.")

    def _foresee(self, exchange: Exchange, report: SyncReport) -> SyncReport:
        theirs, ours = exchange.fetch(), self._refs.read(self._ref)
        if theirs is None:
            return replace(report, pushed=self._lacking(exchange, None) + self.debt())
        difference = exchange.compare(ours, theirs)
        for chunk in exchange.read(difference.new):
            report = report.plus(fetched=len(chunk.files), refused=chunk.refused)
        report = report.plus(refused=difference.refusals())
        return replace(report, pushed=difference.missing + len(difference.changed) + self.debt())

    def _take(self, exchange: Exchange, theirs: str, report: SyncReport) -> SyncReport:
        """Merge the remote's events into the ledger and its files into the mirror."""
        difference = exchange.compare(self._refs.read(self._ref), theirs)
        report = replace(report, refused=(), refused_total=0)  # an earlier round met the same files
        files: dict[str, Content] = {}
        for chunk in exchange.read(difference.new):
            merged = self._events.merge(chunk.events) if chunk.events else 0
            files |= chunk.files
            report = report.plus(fetched=len(chunk.files), merged=merged, refused=chunk.refused)
        if files:
            with self._writing():
                self._pay(files, merged=theirs)
        return report.plus(refused=difference.refusals())

    def _joined(self, exchange: Exchange, theirs: str | None) -> str:
        """Our commit, made to follow the remote's first if it does not yet."""
        tip = self._refs.read(self._ref)
        if theirs is not None and not exchange.contains(tip, theirs):
            with self._writing():
                self._pay({}, merged=theirs)
            tip = self._refs.read(self._ref)
        if tip is None:
            raise GitError(f"The ref {self._ref} was deleted during the sync.", remedy="Sync again.")
        return tip

    def _lacking(self, exchange: Exchange, theirs: str | None) -> int:
        """How many of our files the remote does not have."""
        ours = self._refs.read(self._ref)
        if ours is None:
            return 0
        if theirs is None:
            return len(exchange.compare(None, ours).new)
        difference = exchange.compare(ours, theirs)
        return difference.missing + len(difference.changed)

    def _is_settled(self) -> bool:
        tip = self._refs.read(self._ref)
        last = self._events.last_tracked()
        return last == 0 if tip is None else self._watermark(tip, last=last) == last

    def _pay(self, files: dict[str, Content] | None = None, *, merged: str | None = None) -> int:
        """Write what is owed, in batches; the first commit also takes `files` and the parent `merged`."""
        written = moved = 0
        while True:
            tip = self._refs.read(self._ref)
            seq = self._watermark(tip)
            batch = self._events.tracked_after(seq, limit=_BATCH)
            if not batch and files is None:
                return written
            owed: dict[str, Content] = {event_path(event.id): readable(event).encode() for _, event in batch}
            message = self._message(tip, len(batch), batch[-1][0] if batch else seq, joining=merged is not None)
            change = Change(tip, {**(files or {}), **owed}, message, merged)
            commit = self._committers.current().commit(self._ref, change)
            if commit is not None:
                self._through = (commit, _through(message))
                written, files, merged = written + len(batch), None, None
                if len(batch) < _BATCH:
                    return written
                continue
            moved += 1
            if moved == _REF_ATTEMPTS:
                raise GitError(
                    f"The ref {self._ref} is locked or keeps changing.",
                    remedy=f"Remove {self._ref}.lock from the git directory if no git command is running.",
                )
            time.sleep(_REF_RETRY_S)

    def _message(self, tip: str | None, count: int, seq: int, *, joining: bool) -> str:
        others = {} if tip is None else {**self._read_through(tip)}
        others.pop(self._events.identity, None)
        kept = list(others.items())[:_OTHERS_KEPT]
        lines = [f"Through: {identity} {number}" for identity, number in [(self._events.identity, seq), *kept]]
        subject = "Join another clone's events" if joining else f"Record {count} event{'s' * (count != 1)}"
        return "\n".join([subject, "", *lines, ""])

    def _watermark(self, tip: str | None, *, last: int | None = None) -> int:
        """Up to which local number this database is mirrored in `tip`."""
        if tip is None:
            return 0
        through = self._read_through(tip).get(self._events.identity, 0)
        # A number we have not given out is from before this database was restored from a copy: trust nothing.
        return through if through <= (self._events.last_tracked() if last is None else last) else 0

    def _read_through(self, tip: str) -> dict[str, int]:
        known, through = self._through
        if known != tip:
            message = self._objects.read(b"commit", tip).partition(b"\n\n")[2]
            through = _through(message.decode("utf-8", "replace"))
            self._through = (tip, through)
        return through

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The one place that writes the mirror at a time, among all threads and processes."""
        try:
            with exclusive(self._lock_path, timeout_s=_LOCK_TIMEOUT_S):
                yield
        except TimeoutError as error:
            raise GitError("Another process holds the git mirror.", remedy="Try again in a moment.") from error
        except OSError as error:
            raise GitError(
                f"The git mirror could not be written: {error.strerror}.",
                remedy="Make the repository's git directory writable.",
            ) from error


def _through(message: str) -> dict[str, int]:
    """Up to which number each database is mirrored, by a commit's message."""
    return {identity: int(seq) for identity, seq in _THROUGH.findall(message)}
