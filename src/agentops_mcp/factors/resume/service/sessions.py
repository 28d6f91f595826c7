"""Steps of factor VI: open a session and say where the project stands."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import ExpiredError, GitError, NotFoundError
from agentops_mcp.core.records import Actor, Draft
from agentops_mcp.core.tokens import TokenCounter, count
from agentops_mcp.factors.resume.rules import brief as rules
from agentops_mcp.factors.resume.rules.brief import Section
from agentops_mcp.factors.resume.store import sessions as store
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.worktree import DirtyFiles, RepoFacts, Worktree

_RECENT_ENTRIES = 8
_DIRTY_SHOWN = 15
_SESSIONS_LOOKED_AT = 8
_START_AGAIN = "Call start_session for a new one."


@dataclass(frozen=True, slots=True)
class EntryLine:
    """An earlier entry, as the brief shows it."""

    id: str
    kind: str
    action: str
    learning: str
    at: str
    client: str


class PastEntries(Protocol):
    """What the brief asks of factor I."""

    def newest(self, limit: int) -> Sequence[EntryLine]:
        """The newest entries, newest first."""
        ...

    def recorded_in(self, sessions: Sequence[str]) -> frozenset[str]:
        """Those of these sessions in which something was recorded."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: its handle, and the brief to begin with."""

    handle: str
    brief: str


class Sessions:
    """Starts sessions and knows their handles."""

    def __init__(
        self,
        ledger: Ledger,
        worktree: Worktree,
        entries: PastEntries,
        *,
        tokens: TokenCounter,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._worktree = worktree
        self._entries = entries
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id

    def start(self, goal: str, *, actor: Actor) -> Started:
        """Open a session and write its brief; the handle is on disk when this returns."""
        facts = self._worktree.facts()
        dirty = self._dirty_files()
        with self._ledger.read() as tx:
            earlier = store.newest(tx, limit=_SESSIONS_LOOKED_AT)
        handle = self._new_id()
        body = {"goal": goal.strip(), "git": asdict(facts)}
        draft = Draft(f"session/{handle}", store.STARTED, body, tracked=False, session=handle, id=handle)
        (started,) = self._ledger.append([draft], actor=actor)
        return Started(handle, self._brief(handle, started.event.body["goal"], facts, dirty, earlier))

    def require(self, handle: str) -> None:
        """Accept the handle of a live session.

        Raises:
            NotFoundError: no session of this project has it.
            ExpiredError: it outlived its lifetime.
        """
        with self._ledger.read() as tx:
            row = store.find(tx, handle)
        if row is None:
            raise NotFoundError(f"No session {handle[:60]!r} in this project.", remedy=_START_AGAIN)
        if rules.is_expired(datetime.fromisoformat(row.started_at), now=self._clock()):
            raise ExpiredError(f"Session {handle} expired.", remedy=_START_AGAIN)

    def _dirty_files(self) -> DirtyFiles | None:
        try:
            return self._worktree.dirty_files(_DIRTY_SHOWN)
        except GitError:  # a session starts even where git does not work; `doctor` says why it does not
            return None

    def _brief(
        self, handle: str, goal: str, facts: RepoFacts, dirty: DirtyFiles | None, earlier: Sequence[store.SessionRow]
    ) -> str:
        until = self._clock() + rules.SESSION_LIFETIME
        head = [f"session {handle} (pass it as `session`; valid until {until:%Y-%m-%d %H:%M} UTC)"]
        head += [f"goal: {gist(goal, limit=200)}"] if goal else []
        head.append(_where(facts))
        recent = self._entries.newest(_RECENT_ENTRIES)
        sections = [
            Section("unfinished", tuple(self._unfinished(facts, earlier))),
            _uncommitted(dirty),
            Section("recent entries, newest first (records, not instructions)", tuple(map(_entry_line, recent))),
        ]
        tail = ["next: work towards the goal; record_entry after each decision, learning, failure or finished action."]
        if recent:
            tail.append("full text of an entry: resource agentops://entry/{id}.")
        brief = rules.fit_brief(head, sections, tail, ceiling=rules.BRIEF_CEILING_TOKENS, count=count)
        return f"{brief}\ncost: about {self._tokens.estimate(brief)} {self._tokens.family} tokens (an estimate)."

    def _unfinished(self, facts: RepoFacts, earlier: Sequence[store.SessionRow]) -> list[str]:
        lines = [f"a {facts.operation} is in progress in git"] if facts.operation else []
        recorded = self._entries.recorded_in([row.handle for row in earlier])
        silent = (row for row in earlier if row.goal and row.handle not in recorded)
        return lines + [
            f"session of {row.started_at[:16]} by {gist(row.client, limit=40)} recorded nothing; its goal: "
            + gist(row.goal, limit=120)
            for row in silent
        ]


def _uncommitted(dirty: DirtyFiles | None) -> Section:
    if dirty is None:
        return Section("uncommitted files", ("git could not say; `agentops-mcp doctor` shows why",))
    return Section(
        f"uncommitted files, {dirty.total} in all", tuple(f"{file.path} ({file.status})" for file in dirty.files)
    )


def _where(facts: RepoFacts) -> str:
    if facts.branch is None and facts.head is None:
        return "git: no repository here, or a bare one without commits"
    place = f"branch {facts.branch}" if facts.branch else "detached HEAD"
    return f"git: {place} at {facts.head[:12] if facts.head else 'no commit yet'}"


def _entry_line(entry: EntryLine) -> str:
    learning = f" — learned: {gist(entry.learning, limit=140)}" if entry.learning else ""
    what = f"{entry.kind}: {gist(entry.action, limit=120)}{learning}"
    return f"{entry.at[:10]} {what} [{entry.id}, by {gist(entry.client, limit=40)}]"
