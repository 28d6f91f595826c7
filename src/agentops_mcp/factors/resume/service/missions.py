"""Steps of factor VI: open missions, move them, prove their features, and know who holds which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Protocol

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.errors import (
    AgentOpsError,
    ConflictError,
    IntegrityError,
    InvalidInputError,
    NewerSchemaError,
    NotFoundError,
)
from agentops_mcp.core.records import Actor, Draft, Json
from agentops_mcp.factors.resume.rules import mission_features as features_rules
from agentops_mcp.factors.resume.rules import mission_fold as kinds
from agentops_mcp.factors.resume.rules import missions as rules
from agentops_mcp.factors.resume.rules.missions import Lease, Mission, Standing
from agentops_mcp.factors.resume.store import missions as store
from agentops_mcp.factors.resume.store.missions import Found
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.worktree import Worktree

OPEN_LIMIT = 20
_LIST_THEM = 'track_mission op="list" names the open ones.'


class KnownSessions(Protocol):
    """What missions ask of sessions: is this handle one of ours, and alive?"""

    def require(self, handle: str) -> object:
        """Accept a live session's handle.

        Raises:
            NotFoundError: no session of this project has it.
            ExpiredError: it outlived its stated lifetime.
        """
        ...


class Missions:
    """Every change reads, decides and appends on what it read; a mission is changed only by the session holding it.

    Each operation that takes a session raises NotFoundError or ExpiredError for a handle that is not usable,
    NotFoundError for an unknown mission, and ConflictError when another session holds the mission or was quicker.
    """

    def __init__(
        self,
        ledger: Ledger,
        worktree: Worktree,
        sessions: KnownSessions,
        *,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._worktree = worktree
        self._sessions = sessions
        self._clock = clock
        self._new_id = new_id

    def open(self, goal: str, features: Sequence[str], *, session: str, actor: Actor) -> Standing:
        """Begin a mission, held by this session.

        Raises:
            InvalidInputError: the goal or a feature says too little, or there are too many.
        """
        self._sessions.require(session)
        goal = features_rules.check_goal(goal)
        body = {"format": kinds.FORMAT, "goal": goal, "features": features_rules.new_features(features)}
        identifier = self._new_id()
        stream = store.mission_stream(identifier)
        opened = Draft(stream, kinds.OPENED, body, session=session, id=identifier)
        claimed = self._claimed(identifier, session, actor, event_id=self._new_id(), last=None)
        return self._append(identifier, [opened, claimed], actor, expected={})

    def read(self, mission_id: str) -> Standing:
        """A mission as it stands, and who holds it.

        Raises:
            NotFoundError: this project has no such mission.
            NewerSchemaError: a newer version wrote it.
            IntegrityError: it came from elsewhere, and its opening is not readable.
        """
        found = self._find(mission_id)
        return self._standing(found.mission, found.lease)

    def open_ones(self, limit: int = OPEN_LIMIT) -> list[Standing]:
        """The missions that can still change, newest first."""
        with self._ledger.read() as tx:
            missions = store.newest_open(tx, limit=limit)
            return [self._standing(each, store.lease_of(tx, each.id)) for each in missions]

    def awaiting_approval(self, limit: int = OPEN_LIMIT) -> list[Mission]:
        """The missions that wait for a person, newest first."""
        with self._ledger.read() as tx:
            return store.in_state(tx, "held_approval", limit=limit)

    def held_by(self, session: str) -> list[str]:
        """The ids of the open missions a session holds, newest first."""
        with self._ledger.read() as tx:
            return [mission.id for mission in store.held_by(tx, session, now=self._clock())]

    def claim(self, mission_id: str, *, session: str, actor: Actor) -> Standing:
        """Hold a mission that nobody holds, or hold it longer."""

        def plan(found: Found) -> list[Draft]:
            rules.require_open(found.mission)
            self._require_free(found, session)
            return [self._reclaimed(found, session, actor)]

        return self._write(mission_id, plan, session, actor)

    def take_over(self, mission_id: str, *, session: str, actor: Actor) -> Standing:
        """Hold a mission, also when another session does; the reply says from whom it was taken."""

        def plan(found: Found) -> list[Draft]:
            rules.require_open(found.mission)
            return [self._reclaimed(found, session, actor)]

        return self._write(mission_id, plan, session, actor)

    def release(self, mission_id: str, *, session: str, actor: Actor) -> Standing:
        """Give a mission back, so that another session need not wait for the lease to run out."""

        def plan(found: Found) -> list[Draft]:
            self._require_free(found, session)
            if found.lease is None or found.lease.session != session:
                return []
            event_id = rules.id_after(self._new_id(), found.newest_lease_id)
            body = {"session": session}
            stream = store.lease_stream(mission_id)
            return [Draft(stream, store.RELEASED, body, tracked=False, session=session, id=event_id)]

        return self._write(mission_id, plan, session, actor)

    def renew(self, mission_id: str, *, session: str, actor: Actor) -> None:
        """Hold a mission longer if this session holds it and the lease runs low; otherwise nothing happens."""
        with self._ledger.read() as tx:
            found = store.find(tx, mission_id)
        now = self._clock()
        lease = found.lease if found else None
        if found is None or lease is None or lease.session != session or not rules.is_live(lease, now):
            return
        if rules.needs_renewal(lease, now):
            stream = store.lease_stream(mission_id)
            expected = {stream: found.expected[stream]}
            try:
                self._ledger.append([self._reclaimed(found, session, actor)], actor=actor, expected=expected)
            except ConflictError:  # it was renewed, released or taken over meanwhile, which is the last word
                return

    def move(self, mission_id: str, to: str, reason: str, details: str, *, session: str, actor: Actor) -> Standing:
        """Bring a mission into another state.

        Raises:
            InvalidInputError: the move is not legal from here or not for this reason; the remedy lists what is.
        """

        def decide(mission: Mission) -> tuple[str, Json]:
            to_state = rules.check_move(mission, to, reason)
            said = features_rules.limited("details", details)
            return kinds.MOVED, {"from": mission.state, "to": to_state, "reason": reason, "details": said}

        return self._change(mission_id, decide, session, actor)

    def add_features(self, mission_id: str, features: Sequence[str], *, session: str, actor: Actor) -> Standing:
        """Add features; those that are there stay as they are.

        Raises:
            InvalidInputError: one says too little or is there already, there are too many, or the mission is closed.
        """

        def decide(mission: Mission) -> tuple[str, Json]:
            rules.require_open(mission)
            if not features:
                raise InvalidInputError("There are no features to add.", remedy="Give each as one text in `features`.")
            return kinds.FEATURES_ADDED, {"features": features_rules.new_features(features, mission.features)}

        return self._change(mission_id, decide, session, actor)

    def start_feature(self, mission_id: str, feature: str, *, session: str, actor: Actor) -> Standing:
        """Say that this session now works on a feature.

        Raises:
            NotFoundError: there is no such feature.
            InvalidInputError: this session has another in progress, or the mission is closed.
        """

        def decide(mission: Mission) -> tuple[str, Json]:
            with self._ledger.read() as tx:
                held = store.held_by(tx, session, now=self._clock())
            wanted = features_rules.feature_to_start(mission, feature, session=session, held=held)
            return kinds.FEATURE_STARTED, {"feature": wanted.description}

        return self._change(mission_id, decide, session, actor)

    def stop_feature(self, mission_id: str, feature: str, *, session: str, actor: Actor) -> Standing:
        """Put a feature down without saying whether it passes.

        Raises:
            NotFoundError: there is no such feature.
            InvalidInputError: the mission is closed.
        """

        def decide(mission: Mission) -> tuple[str, Json]:
            return kinds.FEATURE_STOPPED, {"feature": features_rules.feature_of(mission, feature).description}

        return self._change(mission_id, decide, session, actor)

    def set_feature(
        self, mission_id: str, feature: str, *, passes: bool, evidence: str, session: str, actor: Actor
    ) -> Standing:
        """Say whether a feature passes, with evidence; the commit it was seen at is added.

        Raises:
            NotFoundError: there is no such feature.
            InvalidInputError: the evidence cannot be checked, or the mission is closed.
        """
        evidence = features_rules.check_evidence(evidence)
        git = asdict(self._worktree.facts())

        def decide(mission: Mission) -> tuple[str, Json]:
            wanted = features_rules.feature_of(mission, feature)
            return kinds.FEATURE_SET, {
                "feature": wanted.description, "passes": passes, "evidence": evidence, "git": git,
            }  # fmt: skip

        return self._change(mission_id, decide, session, actor)

    def _change(
        self, mission_id: str, decide: Callable[[Mission], tuple[str, Json]], session: str, actor: Actor
    ) -> Standing:
        """A tracked event, and the claim or renewal that goes with it, in one write."""

        def plan(found: Found) -> list[Draft]:
            self._require_free(found, session)
            kind, body = decide(found.mission)
            event_id = rules.id_after(self._new_id(), found.newest_id)
            changed = Draft(store.mission_stream(mission_id), kind, body, session=session, id=event_id)
            lease = self._live(found.lease)
            if lease is not None and not rules.needs_renewal(lease, self._clock()):
                return [changed]
            return [changed, self._reclaimed(found, session, actor)]

        return self._write(mission_id, plan, session, actor)

    def _write(self, mission_id: str, plan: Callable[[Found], list[Draft]], session: str, actor: Actor) -> Standing:
        self._sessions.require(session)
        found = self._find(mission_id)
        while True:
            drafts = plan(found)
            try:
                return self._append(mission_id, drafts, actor, expected=found.expected)
            except ConflictError:
                again = self._find(mission_id)
            self._require_free(again, session)
            if again.newest_id != found.newest_id:
                raise ConflictError(
                    f"Mission {mission_id} changed while this call was under way; {_state_now(again.mission)}.",
                    remedy='Decide again on what track_mission op="show" says.',
                )
            found = again  # only this session's own lease moved, by a renewal: that must not undo a decision

    def _append(
        self, mission_id: str, drafts: Sequence[Draft], actor: Actor, *, expected: Mapping[str, str | None]
    ) -> Standing:
        written = self._ledger.append(drafts, actor=actor, expected=expected)
        secrets = [f"replaced a secret by a marker: {kind}" for each in written for kind in each.redacted]
        found = self._find(mission_id)
        return self._standing(found.mission, found.lease, secrets)

    def _require_free(self, found: Found, session: str) -> None:
        lease = self._live(found.lease)
        if lease is not None and lease.session != session:
            raise ConflictError(
                f"Mission {found.mission.id} is held by {lease.holder} until {lease.until[:16]} UTC; "
                f"{_state_now(found.mission)}.",
                remedy='Wait until then, or track_mission op="take_over" if that session is gone.',
            )

    def _reclaimed(self, found: Found, session: str, actor: Actor) -> Draft:
        event_id = rules.id_after(self._new_id(), found.newest_lease_id)
        return self._claimed(found.mission.id, session, actor, event_id=event_id, last=found.lease)

    def _claimed(self, mission_id: str, session: str, actor: Actor, *, event_id: str, last: Lease | None) -> Draft:
        body = {
            "session": session,
            "client": actor.client,
            "until": (self._clock() + rules.LEASE).isoformat(timespec="microseconds"),
            "took_over_from": last.holder if last and last.session != session else None,
        }
        stream = store.lease_stream(mission_id)
        return Draft(stream, store.CLAIMED, body, tracked=False, session=session, id=event_id)

    def _live(self, lease: Lease | None) -> Lease | None:
        return lease if rules.is_live(lease, self._clock()) else None

    def _standing(self, mission: Mission, lease: Lease | None, notes: Sequence[str] = ()) -> Standing:
        late = rules.overdue(mission, self._clock())
        held = self._live(lease) if mission.is_open else None
        return Standing(mission, held, (*notes, late) if late else tuple(notes))

    def _find(self, mission_id: str) -> Found:
        with self._ledger.read() as tx:
            found = store.find(tx, mission_id)
        if found is None:
            raise self._why_not(mission_id)
        return found

    def _why_not(self, mission_id: str) -> AgentOpsError:
        try:
            event = self._ledger.event(mission_id)
        except NotFoundError:
            return NotFoundError(f"No mission {mission_id[:60]!r} in this project.", remedy=_LIST_THEM)
        if event.kind != kinds.OPENED:
            return NotFoundError(f"{mission_id!r} is not a mission.", remedy=_LIST_THEM)
        written_as = event.body.get("format")
        if isinstance(written_as, int) and written_as > kinds.FORMAT:
            return NewerSchemaError(
                f"Mission {mission_id} was written by a newer version of agentops-mcp.",
                remedy="Update agentops-mcp here to read or change it.",
            )
        return IntegrityError(
            f"{mission_id} is not a readable mission.", remedy="`agentops-mcp show` prints it as it is."
        )


def _state_now(mission: Mission) -> str:
    passing = len(mission.features) - len(mission.failing)
    return f"its state is now {mission.state}, {passing} of {len(mission.features)} features pass"
