"""The mirror's ref: what its tip says is mirrored, and adding to it, one writer at a time."""

import re
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from agentops_mcp.core.errors import GitError
from agentops_mcp.core.records import Event, readable
from agentops_mcp.storage.commits import Change, Committers, Content
from agentops_mcp.storage.event_files import event_path
from agentops_mcp.storage.git import Git, Repository
from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.objects import Objects
from agentops_mcp.storage.refs import Refs

BATCH = 500
_LOCK_TIMEOUT_S = 5.0
_REF_ATTEMPTS = 20
_REF_RETRY_S = 0.01
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


class MirrorRef:
    """One ref and the database it mirrors. Safe to share between threads.

    Which events are mirrored is nowhere stored but in the tip's message: `Through: <database> <number>`.
    """

    def __init__(self, repository: Repository, git: Git, events: TrackedEvents, *, name: str, lock_path: Path) -> None:
        self.name = name
        self._events = events
        self._lock_path = lock_path
        self._refs = Refs(git)
        self._objects = Objects(git)
        self._committers = Committers(repository, git, self._objects, self._refs)
        self._through: tuple[str, dict[str, int]] = ("", {})

    def tip(self) -> str | None:
        """The commit the ref is at."""
        return self._refs.read(self.name)

    def watermark(self, tip: str | None, *, last: int | None = None) -> int:
        """Up to which local number this database is mirrored in `tip`."""
        if tip is None:
            return 0
        through = self._read_through(tip).get(self._events.identity, 0)
        # A number we have not given out is from before this database was restored from a copy: trust nothing.
        return through if through <= (self._events.last_tracked() if last is None else last) else 0

    def is_settled(self) -> bool:
        """Whether nothing is owed."""
        tip, last = self.tip(), self._events.last_tracked()
        return last == 0 if tip is None else self.watermark(tip, last=last) == last

    def is_ours_alone(self, tip: str) -> bool:
        """Whether all that `tip` holds went through this database."""
        return self._read_through(tip).keys() == {self._events.identity} and self.watermark(tip) > 0

    def add(self, files: Mapping[str, Content] | None = None, *, merged: str | None = None) -> int:
        """Write what is owed, in batches; the first commit also takes `files` and the second parent `merged`.

        Raises:
            GitError: it can not be written now; what is not written stays owed.
        """
        with self._writing():
            written, batch = self._add_batch(files, merged)
            while batch == BATCH:
                more, batch = self._add_batch(None, None)
                written += more
            return written

    def _add_batch(self, files: Mapping[str, Content] | None, merged: str | None) -> tuple[int, int]:
        for _ in range(_REF_ATTEMPTS):
            tip = self.tip()
            seq, batch = self._owed(tip)
            if not batch and files is None:
                return 0, 0
            owed = {event_path(event.id): readable(event).encode() for _, event in batch}
            message = self._message(tip, len(batch), batch[-1][0] if batch else seq, joining=merged is not None)
            change = Change(tip, {**(files or {}), **owed}, message, merged)
            commit = self._committers.current().commit(self.name, change)
            if commit is not None:
                self._through = (commit, _through(message))
                return len(batch), len(batch)
            time.sleep(_REF_RETRY_S)  # another program holds or moved the ref
        raise GitError(
            f"The ref {self.name} is locked or keeps changing.",
            remedy=f"Remove {self.name}.lock from the git directory if no git command is running.",
        )

    def _owed(self, tip: str | None) -> tuple[int, list[tuple[int, Event]]]:
        """The number after which events are owed, and the first of them."""
        seq = 0 if tip is None else self._read_through(tip).get(self._events.identity, 0)
        batch = self._events.tracked_after(seq, limit=BATCH)
        if not batch and seq > (known := self.watermark(tip)):
            seq, batch = known, self._events.tracked_after(known, limit=BATCH)
        return seq, batch

    def _message(self, tip: str | None, count: int, seq: int, *, joining: bool) -> str:
        others = {} if tip is None else {**self._read_through(tip)}
        others.pop(self._events.identity, None)
        numbers = [(self._events.identity, seq), *list(others.items())[:_OTHERS_KEPT]]
        subject = "Join another clone's events" if joining else f"Record {count} event{'s' * (count != 1)}"
        return "\n".join([subject, "", *(f"Through: {identity} {number}" for identity, number in numbers), ""])

    def _read_through(self, tip: str) -> dict[str, int]:
        known, through = self._through
        if known != tip:
            message = self._objects.read(b"commit", tip).partition(b"\n\n")[2]
            through = _through(message.decode("utf-8", "replace"))
            self._through = (tip, through)
        return through

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Among all threads and processes."""
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
