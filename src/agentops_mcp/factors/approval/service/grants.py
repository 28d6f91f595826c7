"""Steps of factor VIII for scoped grants: only a person gives them, each use is counted, and they can be taken back."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import gist, visible
from agentops_mcp.core.errors import ConflictError, InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules.scopes import Grant, check_grant, covers
from agentops_mcp.factors.approval.rules.settings import Settings
from agentops_mcp.factors.approval.rules.standing import strength_of
from agentops_mcp.factors.approval.rules.subjects import Finding
from agentops_mcp.factors.approval.store import grants as rows
from agentops_mcp.storage.ledger import Ledger

_TRIES = 60


class Grants:
    """The scoped grants of one project."""

    def __init__(
        self, ledger: Ledger, *, root: str, settings: Callable[[], Settings], clock: Clock, new_id: Callable[[], str]
    ) -> None:
        """`root` is the project's folder, from which path prefixes count."""
        self._ledger = ledger
        self._root = root.replace("\\", "/").rstrip("/")
        self._settings = settings
        self._clock = clock
        self._new_id = new_id

    def give(
        self, rule: str, prefix: str, *, uses: int | None, lasts: timedelta, severity: str, reason: str, by: str,
        actor: Actor,
    ) -> Grant:  # fmt: skip
        """Grant a rule in advance; on disk when this returns. `severity` is that of the rule.

        Raises:
            InvalidInputError: it was no person who called, or this can not be granted in advance.
        """
        strength = strength_of(actor.via)
        if strength is None or strength == "client":
            raise InvalidInputError(
                "Only a person at the page or a terminal gives a grant.", remedy="`agentops-mcp approve --help`"
            )
        check_grant(rule.strip(), prefix.strip(), uses, lasts, severity)
        now = self._clock()
        grant = Grant(
            self._new_id(), rule.strip(), prefix.strip(), uses, now + lasts, by, strength,
            visible(reason.strip())[:500], now,
        )  # fmt: skip
        self._ledger.append([rows.given(grant)], actor=actor)
        return self._find(grant.id)

    def revoke(self, grant: str, *, reason: str = "", by: str, actor: Actor) -> Grant:
        """End a grant now; one that ended stays as it is.

        Raises:
            InvalidInputError: it was no person who called.
            NotFoundError: there is none of this id.
        """
        if strength_of(actor.via) in (None, "client"):
            raise InvalidInputError(
                "Only a person at the page or a terminal revokes a grant.", remedy="`agentops-mcp revoke ID`"
            )
        found = self._find(grant)
        if found.holds(self._clock()):
            self._ledger.append([rows.revoked(found.id, by=by, reason=visible(reason.strip())[:500])], actor=actor)
        return self._find(found.id)

    def listed(self, *, limit: int = 100) -> list[Grant]:
        """The newest grants, newest first, also those that ended."""
        with self._ledger.read() as tx:
            return rows.every(tx, limit=limit)

    def live(self) -> list[Grant]:
        """The grants that hold now."""
        with self._ledger.read() as tx:
            return rows.live(tx, origin=self._ledger.identity, now=self._clock())

    def last_change(self) -> tuple[str, ...]:
        """Something that differs whenever a grant was given, used or revoked."""
        with self._ledger.read() as tx:
            return rows.last_change(tx)

    def spend(self, findings: Sequence[Finding], *, action: str, session: str | None, actor: Actor) -> list[Grant]:
        """Use grants for all findings of one action, each grant once; nothing is used unless all are covered.

        Raises:
            ConflictError: others use the same grants so often that this call had no turn.
        """
        for _ in range(_TRIES):
            lasts = {each.id: self._ledger.last_in(rows.stream(each.id)) for each in self.live()}
            wanted = self._covering(findings)
            if not wanted:
                return []
            if any(each.id not in lasts for each in wanted):
                continue
            drafts = [rows.spent(each.id, action=action, session=session) for each in wanted]
            try:
                self._ledger.append(drafts, actor=actor, expected={rows.stream(x.id): lasts[x.id] for x in wanted})
            except ConflictError:
                continue
            return wanted
        raise ConflictError("Too many calls use the same grants at once.", remedy="Call again in a moment.")

    def _covering(self, findings: Sequence[Finding]) -> list[Grant]:
        """The grants that together cover every finding; none when one is left."""
        live, settings = self.live(), self._settings()
        found: dict[str, Grant] = {}
        for finding in findings:
            grant = next((each for each in live if covers(each, finding, settings, root=self._root)), None)
            if grant is None:
                return []
            found[grant.id] = grant
        return list(found.values())

    def _find(self, grant: str) -> Grant:
        with self._ledger.read() as tx:
            found = rows.find(tx, grant.strip().rpartition("/")[2])
        if found is None:
            raise NotFoundError(
                f"No grant has the id {gist(grant, limit=60)!r}.", remedy="`agentops-mcp grants` lists them."
            )
        return found
