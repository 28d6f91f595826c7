"""A ledger in memory, as the mirror sees one, mirrors over it, and what git finds in them."""

from collections.abc import Iterable
from pathlib import Path

from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import GENESIS, Actor, Draft, Event, readable, seal
from agentops_mcp.storage.event_files import event_path
from agentops_mcp.storage.git import Git, discover
from agentops_mcp.storage.mirror import Mirror
from conftest import git

REF = "refs/agentops/ledger"


class MemoryEvents:
    """Tracked events in a list; every second number is a local event's, as in a real ledger."""

    def __init__(self) -> None:
        self.identity = new_id()
        self.rows: list[tuple[int, Event]] = []

    def add(self, text: str = "something was done") -> Event:
        """Record one event of this database's own."""
        draft = Draft("notes", "note.taken", {"text": text})
        own = [event for _, event in self.rows if event.origin == self.identity]
        event = seal(
            draft, event_id=new_id(), origin=self.identity, n=len(own) + 1, at="2026-11-22T12:00:00.000000+00:00",
            actor=Actor("test-client 1.0", "tester", "mcp"), prev=own[-1].hash if own else GENESIS,
        )  # fmt: skip
        self.merge([event])
        return event

    def tracked_after(self, seq: int, *, limit: int) -> list[tuple[int, Event]]:
        return [row for row in self.rows if row[0] > seq][:limit]

    def last_tracked(self) -> int:
        return self.rows[-1][0] if self.rows else 0

    def merge(self, events: Iterable[Event]) -> int:
        known = {event.id for _, event in self.rows}
        new = [event for event in events if event.id not in known]
        for event in new:
            self.rows.append((self.last_tracked() + 2, event))
        return len(new)

    def ids(self) -> set[str]:
        """Which events are here."""
        return {event.id for _, event in self.rows}


def mirror_of(path: Path, events: MemoryEvents | None = None) -> tuple[Mirror, MemoryEvents]:
    """The mirror of a ledger in the repository at `path`, as a new process would open it."""
    found = discover(path)
    assert found is not None
    events = events or MemoryEvents()
    lock = found.common_dir / "agentops" / "mirror.lock"
    return Mirror(found, Git(found), events, ref=REF, lock_path=lock), events


def files(path: Path, ref: str = REF) -> dict[str, str]:
    """What the mirror holds, by git's own reading."""
    names = git(path, "ls-tree", "-r", "--name-only", ref).splitlines()
    return {name: git(path, "cat-file", "blob", f"{ref}:{name}") + "\n" for name in names}


def expected(events: MemoryEvents) -> dict[str, str]:
    """What the mirror of these events must hold."""
    return {event_path(event.id): readable(event) for _, event in events.rows}


def is_sound(path: Path) -> bool:
    """Whether git finds nothing wrong with the repository."""
    git(path, "fsck", "--strict", "--no-dangling")
    return True


def git_of(path: Path) -> Git:
    """The git of the repository at `path`."""
    found = discover(path)
    assert found is not None
    return Git(found)
