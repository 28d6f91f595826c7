"""Missions over a ledger of a test's own: two sessions that use them, and every call that changes one."""

from collections.abc import Callable, Sequence
from pathlib import Path

from agentops_mcp.core.errors import ExpiredError, NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.resume.rules.missions import Standing
from agentops_mcp.factors.resume.service.missions import Missions
from agentops_mcp.factors.resume.store import missions as store
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.repository import discover
from agentops_mcp.storage.worktree import Worktree
from conftest import AGENT, FakeClock

ONE, TWO, OLD = new_id(), new_id(), new_id()
OTHER = Actor(client="other-client 2.0", user="tester", via="mcp")
FEATURES = ["A failed call is tried 3 times\nStop the server\nCall it", "Each host has a retry budget"]
EVIDENCE = "pytest tests/test_retry.py: 14 passed"


class Sessions:
    """Knows two sessions that live, and one that does not any more."""

    def require(self, handle: str) -> None:
        if handle == OLD:
            raise ExpiredError("That session expired.", remedy="Start one.")
        if handle not in (ONE, TWO):
            raise NotFoundError("No such session.", remedy="Start one.")


def missions_of(ledger: Ledger, root: Path, clock: FakeClock, fresh_id: Callable[[], str] = new_id) -> Missions:
    found = discover(root)
    worktree = Worktree(found, Git(found) if found else None, root=root)
    return Missions(ledger, worktree, Sessions(), clock=clock, new_id=fresh_id)


def opened(missions: Missions, features: Sequence[str] = FEATURES, *, session: str = ONE) -> str:
    return missions.open("Retries stop after 3 attempts", features, session=session, actor=AGENT).mission.id


def move(missions: Missions, mission: str, *states: str, reason: str = "user_request", session: str = ONE) -> Standing:
    for state in states:
        missions.move(mission, state, reason, "", session=session, actor=AGENT)
    return missions.read(mission)


def prove(missions: Missions, mission: str, feature: str, *, passes: bool = True, session: str = ONE) -> Standing:
    return missions.set_feature(mission, feature, passes=passes, evidence=EVIDENCE, session=session, actor=AGENT)


def kinds_in(ledger: Ledger) -> list[str]:
    return [event.kind.removeprefix("mission.") for event in ledger.events()]


def rows(ledger: Ledger) -> list[list[tuple[object, ...]]]:
    with ledger.read() as tx:
        return [tx.execute(f"SELECT * FROM {table} ORDER BY 1") for table in store.VIEW.tables]


CALLS: dict[str, Callable[[Missions, str, str], object]] = {
    "claim": lambda missions, mission, session: missions.claim(mission, session=session, actor=OTHER),
    "release": lambda missions, mission, session: missions.release(mission, session=session, actor=OTHER),
    "move": lambda missions, mission, session: move(missions, mission, "queued", session=session),
    "add_features": lambda missions, mission, session: missions.add_features(
        mission, ["Logs name the host"], session=session, actor=OTHER
    ),
    "start_feature": lambda missions, mission, session: missions.start_feature(
        mission, "f1", session=session, actor=OTHER
    ),
    "stop_feature": lambda missions, mission, session: missions.stop_feature(
        mission, "f1", session=session, actor=OTHER
    ),
    "set_feature": lambda missions, mission, session: prove(missions, mission, "f1", session=session),
    "take_over": lambda missions, mission, session: missions.take_over(mission, session=session, actor=OTHER),
}
