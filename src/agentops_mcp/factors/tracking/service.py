"""Steps of factor I: check an entry, add what the server knows by itself, append it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor, Draft, Event
from agentops_mcp.factors.tracking import rules, store
from agentops_mcp.factors.tracking.rules import Entry, LearningPolicy
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.worktree import FileRef, Worktree

_HISTORY_LIMIT = 20
_CANDIDATES = 3
_SIMILAR_SHOWN = 2
_MISSING_SHOWN = 5


class KnownSessions(Protocol):
    """What tracking asks of sessions: is this handle one of ours, and alive?"""

    def require(self, handle: str) -> object:
        """Accept a live session's handle.

        Raises:
            NotFoundError: no session of this project has it.
            ExpiredError: it outlived its stated lifetime.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stored entry, and what its author should know about it."""

    event: Event
    warnings: tuple[str, ...]


class Entries:
    """Records entries and reads them back."""

    def __init__(
        self,
        ledger: Ledger,
        worktree: Worktree,
        sessions: KnownSessions,
        *,
        learning: LearningPolicy,
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._worktree = worktree
        self._sessions = sessions
        self._learning: LearningPolicy = learning
        self._new_id = new_id

    def record(self, entry: Entry, *, actor: Actor, session: str | None = None) -> Recorded:
        """Store an entry; when this returns it is on disk.

        Raises:
            InvalidInputError: it breaks a rule of factor I, or cites a file outside the project or an unknown commit.
            NotFoundError, ExpiredError: the session's handle is not usable.
        """
        if session is not None:
            self._sessions.require(session)
        entry = replace(entry, tags=rules.normalize_tags(entry.tags))
        warnings = rules.check_entry(entry, learning=self._learning)
        files = self._worktree.hash_files(entry.files)
        warnings += _missing(files)
        entry = replace(entry, files=tuple(dict.fromkeys(file.path for file in files)))
        entry = replace(entry, commits=tuple(dict.fromkeys(self._full_commit(name) for name in entry.commits)))
        warnings += [f"looks like an earlier entry: {_line(event)}" for event in self._similar(entry)]
        identifier = self._new_id()
        body = {
            **asdict(entry),
            "files": [asdict(file) for file in dict.fromkeys(files)],
            "git": asdict(self._worktree.facts()),
        }
        draft = Draft(stream=f"entry/{identifier}", kind=store.RECORDED, body=body, session=session, id=identifier)
        (written,) = self._ledger.append([draft], actor=actor)
        warnings += [f"replaced a secret by a marker: {kind}" for kind in written.redacted]
        return Recorded(written.event, tuple(warnings))

    def read(self, entry_id: str) -> Event:
        """One entry.

        Raises:
            NotFoundError: this project has no such entry.
            IntegrityError: it came from elsewhere, and its body is not that of an entry.
        """
        event = self._ledger.event(entry_id)
        if event.kind != store.RECORDED:
            raise NotFoundError(f"{entry_id!r} is not an entry.", remedy="Read agentops://entries/recent for ids.")
        store.entry_of(event)
        return event

    def recent(self, limit: int = _HISTORY_LIMIT) -> list[Event]:
        """The newest entries, newest first."""
        with self._ledger.read() as tx:
            return store.newest(tx, limit=limit)

    def history_of_tag(self, tag: str, limit: int = _HISTORY_LIMIT) -> list[Event]:
        """Entries with a tag, newest first."""
        with self._ledger.read() as tx:
            return store.with_tag(tx, tag.casefold(), limit=limit)

    def history_of_file(self, path: str, limit: int = _HISTORY_LIMIT) -> list[Event]:
        """Entries that cite a file (its path in the project), newest first."""
        with self._ledger.read() as tx:
            return store.citing_file(tx, path, limit=limit)

    def complete_tag(self, prefix: str, limit: int = 20) -> list[str]:
        """Known tags that begin with `prefix`."""
        with self._ledger.read() as tx:
            return store.tags_like(tx, prefix, limit=limit)

    def complete_file(self, prefix: str, limit: int = 20) -> list[str]:
        """Cited files that begin with `prefix`."""
        with self._ledger.read() as tx:
            return store.files_like(tx, prefix, limit=limit)

    def _full_commit(self, name: str) -> str:
        full = self._worktree.resolve_commit(name)
        if full is None:
            raise InvalidInputError(f"No commit {name[:60]!r} here.", remedy="Give a hash from `git log`, or omit it.")
        return full

    def _similar(self, entry: Entry) -> Sequence[Event]:
        words = rules.signature_words(entry)
        with self._ledger.read() as tx:
            candidates = store.sharing_bands(tx, rules.bands(words), limit=_CANDIDATES)
        scored = ((rules.similarity(words, rules.signature_words(store.entry_of(each))), each) for each in candidates)
        similar = [(score, each) for score, each in scored if score >= rules.SIMILAR_FROM]
        return [each for _, each in sorted(similar, key=lambda pair: (-pair[0], pair[1].id))[:_SIMILAR_SHOWN]]


def _missing(files: Sequence[FileRef]) -> list[str]:
    paths = [file.path for file in files if file.blob is None]
    more = len(paths) - _MISSING_SHOWN
    shown = [f"file not found: {gist(path, limit=100)}" for path in paths[:_MISSING_SHOWN]]
    return [*shown, f"{more} more files not found"] if more > 0 else shown


def _line(event: Event) -> str:
    return f"{event.id} ({event.at[:10]}) {gist(event.body['action'], limit=80)}"
