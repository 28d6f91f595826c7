"""The git mirror: every tracked event as a small file under a private ref, a view that can always be made again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agentops_mcp.core.errors import GitError
from agentops_mcp.core.records import readable
from agentops_mcp.storage.event_files import EventFiles, Refusal, event_id_of, event_path
from agentops_mcp.storage.exchange import Exchange
from agentops_mcp.storage.git import Git, Repository, shown
from agentops_mcp.storage.mirror_ref import BATCH, MirrorRef, TrackedEvents
from agentops_mcp.storage.objects import blob_id

__all__ = ["Mirror", "Refusal", "SyncReport", "TrackedEvents"]

_SYNC_ROUNDS = 3
_REFUSALS_NAMED = 20


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did, or with `dry_run` would do.

    `fetched` counts files that only the remote had, `merged` events of theirs that were new to the ledger, `restored`
    events that only our own mirror had, `pushed` files the remote lacked, `refused_total` files that were not taken,
    of which `refused` names the first.
    """

    remote: str
    fetched: int = 0
    merged: int = 0
    restored: int = 0
    pushed: int = 0
    refused: tuple[Refusal, ...] = ()
    refused_total: int = 0
    dry_run: bool = False

    def plus(
        self, *, fetched: int = 0, merged: int = 0, restored: int = 0, refused: Sequence[Refusal] = ()
    ) -> "SyncReport":
        """This report after some more was done."""
        return replace(
            self,
            fetched=self.fetched + fetched,
            merged=self.merged + merged,
            restored=self.restored + restored,
            refused=(*self.refused, *refused)[:_REFUSALS_NAMED],
            refused_total=self.refused_total + len(refused),
        )


class Mirror:
    """The mirror of one ledger in one repository. Safe to share between threads."""

    def __init__(self, repository: Repository, git: Git, events: TrackedEvents, *, ref: str, lock_path: Path) -> None:
        self._git = git
        self._events = events
        self._ref = MirrorRef(repository, git, events, name=ref, lock_path=lock_path)
        self._files = EventFiles(git)
        self.last_error: str | None = None
        """Why the last flush failed; None when it did not."""

    def flush(self) -> int:
        """Mirror every event that is owed, of whichever process, and return how many were written.

        Raises:
            GitError: the mirror can not be written now; what is owed stays owed.
        """
        try:
            written = 0 if self._ref.is_settled() else self._ref.add()
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
        seq, owed = self._ref.watermark(self._ref.tip()), 0
        while batch := self._events.tracked_after(seq, limit=BATCH):
            seq, owed = batch[-1][0], owed + len(batch)
        return owed

    def verify(self) -> list[str]:
        """Compare every mirrored file with its event; one sentence for each that is missing, different or unknown.

        Raises:
            GitError: the mirror can not be read.
        """
        tip = self._ref.tip()
        if tip is None:
            return []
        mirrored = {file.path: file.blob for file in self._files.compare(None, tip).new}
        algorithm = "sha1" if len(tip) == 40 else "sha256"
        through, seq = self._ref.watermark(tip), 0
        problems: list[str] = []
        while batch := self._events.tracked_after(seq, limit=BATCH):
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
        exchange = Exchange(self._git, remote, self._ref.name)
        report = self._restore(SyncReport(remote, dry_run=dry_run))
        if dry_run:
            return self._foresee(exchange, report)
        self.flush()
        for _ in range(_SYNC_ROUNDS):
            theirs = exchange.fetch()
            found = report if theirs is None else self._take(theirs, report)
            lacking = self._lacking(theirs)
            if not lacking:
                return found
            refusal = exchange.push(self._joined(theirs))
            if refusal is None:
                return replace(found, pushed=lacking)
            if exchange.tip() == theirs:  # it did not move, so it refused for another reason
                raise refusal
            report = replace(found, refused=report.refused, refused_total=report.refused_total)
        raise GitError(f"The remote {remote!r} kept changing.", remedy="Sync again; what it had is merged here.")

    def restore(self) -> SyncReport:
        """Merge into the ledger what only our own mirror has; needs no remote.

        Raises:
            GitError: the mirror can not be read.
        """
        return self._restore(SyncReport(""))

    def _restore(self, report: SyncReport) -> SyncReport:
        """Take back what a database that was lost, or another one, has put into our mirror."""
        tip = self._ref.tip()
        if tip is None or self._ref.is_ours_alone(tip):
            return report
        known, seq = set[str](), 0
        while batch := self._events.tracked_after(seq, limit=BATCH):
            seq = batch[-1][0]
            known.update(event.id for _, event in batch)
        unknown = [file for file in self._files.compare(None, tip).new if event_id_of(file) not in known]
        for chunk in self._files.read(unknown):
            count = len(chunk.events) if report.dry_run else self._events.merge(chunk.events)
            report = report.plus(restored=count, refused=chunk.refused)
        return report

    def _foresee(self, exchange: Exchange, report: SyncReport) -> SyncReport:
        theirs = exchange.fetch()
        if theirs is None:
            return replace(report, pushed=self._lacking(None) + self.debt())
        difference = self._files.compare(self._ref.tip(), theirs)
        for chunk in self._files.read(difference.new):
            report = report.plus(fetched=len(chunk.files), refused=chunk.refused)
        pushed = difference.missing + len(difference.changed) + self.debt()
        return replace(report.plus(refused=difference.refusals()), pushed=pushed)

    def _take(self, theirs: str, report: SyncReport) -> SyncReport:
        """Merge the remote's events into the ledger and its files into the mirror."""
        difference = self._files.compare(self._ref.tip(), theirs)
        files: dict[str, str] = {}
        for chunk in self._files.read(difference.new):
            merged = self._events.merge(chunk.events)
            files |= chunk.files
            report = report.plus(fetched=len(chunk.files), merged=merged, refused=chunk.refused)
        if files:
            self._ref.add(files, merged=theirs)
        return report.plus(refused=difference.refusals())

    def _joined(self, theirs: str | None) -> str:
        """Our commit, made to follow the remote's first if it does not yet."""
        tip = self._ref.tip()
        if theirs is not None and tip is not None and not self._files.follows(tip, theirs):
            self._ref.add({}, merged=theirs)
            tip = self._ref.tip()
        if tip is None:
            raise GitError(f"The ref {self._ref.name} was deleted during the sync.", remedy="Sync again.")
        return tip

    def _lacking(self, theirs: str | None) -> int:
        """How many of our files the remote does not have."""
        ours = self._ref.tip()
        if ours is None:
            return 0
        if theirs is None:
            return len(self._files.compare(None, ours).new)
        difference = self._files.compare(ours, theirs)
        return difference.missing + len(difference.changed)
