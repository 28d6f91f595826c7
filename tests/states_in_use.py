"""Sessions, states and missions over a ledger of a test's own, put together as the app does, and a state that fits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentops_mcp.core import tokens
from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.resume.rules.bundle import Bundle, Decision, Parameter
from agentops_mcp.factors.resume.rules.chain import Saved
from agentops_mcp.factors.resume.service.handles import Handles
from agentops_mcp.factors.resume.service.missions import Missions
from agentops_mcp.factors.resume.service.sessions import EntryLine, Sessions
from agentops_mcp.factors.resume.service.states import States
from agentops_mcp.factors.resume.store import missions as mission_store
from agentops_mcp.factors.resume.store import sessions as session_store
from agentops_mcp.factors.resume.store import states as state_store
from agentops_mcp.storage.citations import Citations
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.repository import discover
from agentops_mcp.storage.snapshots import Snapshots
from agentops_mcp.storage.worktree import Worktree
from conftest import AGENT, FakeClock

VIEWS = (session_store.VIEW, state_store.VIEW, mission_store.VIEW)

BUNDLE = Bundle(
    goal="Retries survive a slow host",
    phase="implement",
    did="Wrote the token bucket.",
    decisions=(Decision("budget per host", "one slow host used up every request"),),
    parameters=(Parameter("RETRY_RATIO", "0.1"),),
    next_steps=("make test_budget pass in app.py",),
    key_files=("app.py",),
)


class Entries:
    """Earlier entries, as many as a test wants."""

    def __init__(self, lines: Sequence[EntryLine] = (), recorded: frozenset[str] = frozenset()) -> None:
        self.lines, self.recorded = lines, recorded

    def newest(self, limit: int) -> Sequence[EntryLine]:
        return self.lines[:limit]

    def recorded_in(self, sessions: Sequence[str]) -> frozenset[str]:
        return self.recorded & set(sessions)


@dataclass(frozen=True, slots=True)
class Resume:
    """Factor VI of one project."""

    ledger: Ledger
    handles: Handles
    missions: Missions
    states: States
    sessions: Sessions

    def save(self, session: str | None = None, parent: str = "", mission: str = "", **changes: Any) -> Saved:
        """Save a state that fits, with changes."""
        return self.saved(session, parent, mission, **changes)[0]

    def saved(
        self, session: str | None = None, parent: str = "", mission: str = "", **changes: Any
    ) -> tuple[Saved, tuple[str, ...]]:
        """Save a state, and what its author is told."""
        bundle = replace(BUNDLE, **changes)
        result = self.states.save(bundle, actor=AGENT, session=session, parent=parent, mission=mission)
        return result.saved, result.findings


class Approvals:
    """Nothing that waits for a person."""

    def waiting(self, limit: int) -> Sequence[str]:  # noqa: ARG002 - as the protocol has it
        return []


class Patterns:
    """A library with nothing for any goal."""

    def fitting(self, goal: str, limit: int) -> Sequence[str]:  # noqa: ARG002 - as the protocol has it
        return []


def resume_of(
    ledger: Ledger, root: Path, clock: FakeClock, entries: Entries | None = None, fresh_id: Callable[[], str] = new_id
) -> Resume:
    found = discover(root)
    git = Git(found) if found else None
    worktree = Worktree(found, git, root=root)
    snapshots = None
    if found and git:
        snapshots = Snapshots(found, git, prefix="refs/agentops/snapshots/ledger", excluded=root / ".agentops")
    handles = Handles(ledger, clock=clock)
    missions = Missions(ledger, worktree, handles, clock=clock, new_id=fresh_id)
    citations = Citations(worktree, found, git, root=root)
    states = States(ledger, worktree, citations, snapshots, handles, missions, new_id=fresh_id)
    sessions = Sessions(
        ledger, worktree, entries or Entries(), states, missions, Patterns(), Approvals(),
        tokens=tokens.TokenCounter(), clock=clock, new_id=fresh_id,
    )  # fmt: skip
    return Resume(ledger, handles, missions, states, sessions)
