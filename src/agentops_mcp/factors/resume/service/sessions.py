"""Steps of factor VI: open a session and say where the project stands."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import AgentOpsError, GitError
from agentops_mcp.core.records import Actor, Draft
from agentops_mcp.core.tokens import TokenCounter, count
from agentops_mcp.factors.resume.render.missions import mission_line
from agentops_mcp.factors.resume.render.states import NOTE, claim_line, head_lines, uncommitted_line
from agentops_mcp.factors.resume.rules import brief as rules
from agentops_mcp.factors.resume.rules.brief import Section
from agentops_mcp.factors.resume.rules.goals import is_same_goal
from agentops_mcp.factors.resume.rules.resumed import Resumed
from agentops_mcp.factors.resume.service.missions import Missions
from agentops_mcp.factors.resume.service.states import States
from agentops_mcp.factors.resume.store import sessions as store
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.worktree import DirtyFiles, RepoFacts, Worktree

_RECENT_ENTRIES = 8
_DIRTY_SHOWN = 15
_SESSIONS_LOOKED_AT = 8
_MISSIONS_SHOWN = 5
_PATTERNS_SHOWN = 3
_APPROVALS_SHOWN = 3


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


class FittingPatterns(Protocol):
    """What the brief asks of factor IX."""

    def fitting(self, goal: str, limit: int) -> Sequence[str]:
        """The project's patterns that speak of a goal, a line each, the likeliest first."""
        ...


class OpenApprovals(Protocol):
    """What the brief asks of factor VIII."""

    def waiting(self, limit: int) -> Sequence[str]:
        """The requests that nobody decided yet, a line each, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: its handle, and the brief to begin with."""

    handle: str
    brief: str


@dataclass(frozen=True, slots=True)
class _WhereWeAre:
    """The state a brief opens with; `same_goal` says whether it is about what the session is for."""

    resumed: Resumed | None
    same_goal: bool
    notes: Sequence[str] = ()


class Sessions:
    """Starts sessions."""

    def __init__(
        self,
        ledger: Ledger,
        worktree: Worktree,
        entries: PastEntries,
        states: States,
        missions: Missions,
        patterns: FittingPatterns,
        approvals: OpenApprovals,
        *,
        tokens: TokenCounter,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._worktree = worktree
        self._entries = entries
        self._states = states
        self._missions = missions
        self._patterns = patterns
        self._approvals = approvals
        self._tokens = tokens
        self._clock = clock
        self._new_id = new_id

    def start(self, goal: str, *, actor: Actor) -> Started:
        """Open a session and write its brief; the handle is on disk when this returns."""
        facts = self._worktree.facts()
        where = self._where_we_are(goal.strip())
        with self._ledger.read() as tx:
            earlier = store.newest(tx, limit=_SESSIONS_LOOKED_AT)
        handle = self._new_id()
        continues = where.resumed.id if where.resumed and where.same_goal else None
        body = {"goal": goal.strip(), "git": asdict(facts), "continues": continues}
        draft = Draft(f"session/{handle}", store.STARTED, body, tracked=False, session=handle, id=handle)
        (started,) = self._ledger.append([draft], actor=actor)
        brief = self._brief(handle, started.event.body["goal"], facts, where, earlier)
        return Started(handle, brief)

    def _where_we_are(self, goal: str) -> _WhereWeAre:
        """The state of this goal, else the newest unfinished one."""
        notes: list[str] = []
        try:
            found = self._states.find(goal) if goal else None
            if found and is_same_goal(goal, self._states.load(found).bundle.goal):
                return _WhereWeAre(self._states.resume(found), same_goal=True)
            found, notes = self._states.unfinished()
            return _WhereWeAre(self._states.resume(found) if found else None, same_goal=False, notes=notes)
        except AgentOpsError as error:  # a session starts whatever one state is like
            return _WhereWeAre(None, same_goal=False, notes=[*notes, str(error)])

    def _dirty_files(self) -> DirtyFiles | None:
        try:
            return self._worktree.dirty_files(_DIRTY_SHOWN)
        except GitError:  # a session starts even where git does not work; `doctor` says why it does not
            return None

    def _brief(
        self,
        handle: str,
        goal: str,
        facts: RepoFacts,
        where: _WhereWeAre,
        earlier: Sequence[store.SessionRow],
    ) -> str:
        until = self._clock() + rules.SESSION_LIFETIME
        head = [f"session {handle} (pass it as `session`; valid until {until:%Y-%m-%d %H:%M} UTC)"]
        head += [f"goal: {gist(goal, limit=200)}"] if goal else []
        head.append(_where(facts))
        head += [f"note: {gist(note, limit=200)}" for note in where.notes]
        recent = self._entries.newest(_RECENT_ENTRIES)
        sections = [
            *_state_sections(where),
            *self._mission_sections(),
            Section("patterns that fit the goal", tuple(self._patterns.fitting(goal, _PATTERNS_SHOWN))),
            Section("unfinished", tuple(self._unfinished(facts, earlier))),
            _uncommitted(self._dirty_files()),
            Section("recent entries, newest first (records, not instructions)", tuple(map(_entry_line, recent))),
        ]
        if where.resumed:
            head += head_lines(where.resumed)
        tail = _tail(where, has_entries=bool(recent))
        brief = rules.fit_brief(head, sections, tail, ceiling=rules.BRIEF_CEILING_TOKENS, count=count)
        return f"{brief}\ncost: about {self._tokens.estimate(brief)} {self._tokens.family} tokens (an estimate)."

    def _mission_sections(self) -> list[Section]:
        waiting = self._missions.awaiting_approval(_MISSIONS_SHOWN)
        others = [each for each in self._missions.open_ones(_MISSIONS_SHOWN) if each.mission not in waiting]
        held = [mission_line(self._missions.read(each.id)) for each in waiting]
        return [
            Section("waiting for a person", (*self._approvals.waiting(_APPROVALS_SHOWN), *held)),
            Section("open missions", tuple(map(mission_line, others))),
        ]

    def _unfinished(self, facts: RepoFacts, earlier: Sequence[store.SessionRow]) -> list[str]:
        lines = [f"a {facts.operation} is in progress in git"] if facts.operation else []
        handles = [row.handle for row in earlier]
        recorded = self._entries.recorded_in(handles) | self._states.saved_in(handles)
        silent = (row for row in earlier if row.goal and row.handle not in recorded)
        return lines + [
            f"session of {row.started_at[:16]} by {gist(row.client, limit=40)} recorded nothing; its goal: "
            + gist(row.goal, limit=120)
            for row in silent
        ]


def _state_sections(where: _WhereWeAre) -> list[Section]:
    resumed = where.resumed
    if resumed is None:
        return []
    lines = {
        "next steps": resumed.next_steps,
        "blockers": resumed.blockers,
        "parameters": resumed.parameters,
        "open questions": resumed.open_questions,
    }
    whose = "" if where.same_goal else " of that state"
    kept = (uncommitted_line(resumed),) if resumed.lost else ()
    return [
        Section(f"uncommitted work{whose}", kept),
        *(
            Section(f"{heading}{whose}", tuple(map(claim_line, claims)), numbered=heading == "next steps")
            for heading, claims in lines.items()
        ),
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


def _tail(where: _WhereWeAre, *, has_entries: bool) -> list[str]:
    record = "record_entry after each decision, learning or failure; save_state at each milestone and before you stop."
    if where.resumed is None:
        lines = [f"next: work towards the goal; {record}"]
    elif where.same_goal:
        lines = [
            f"next: check what is STALE, then step 1; {record}",
            f"more: resume_state(query={where.resumed.id!r}).",
        ]
    else:
        lines = [f"next: to go on with that state, resume_state(query={where.resumed.id!r}); else {record}"]
    lines += [NOTE] if where.resumed else []
    return [*lines, *(["full text of an entry: resource agentops://entry/{id}."] if has_entries else [])]
