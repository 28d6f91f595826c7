"""Steps of factor XI for exemptions: a person grants them, they end by themselves, and their use is counted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import visible
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.guardrails.rules.exemptions import LASTS, Exempted, Exemption, check_request, exempt
from agentops_mcp.factors.guardrails.rules.notices import Notice
from agentops_mcp.factors.guardrails.rules.verdicts import Verdict
from agentops_mcp.factors.guardrails.store import checks, exemptions
from agentops_mcp.factors.guardrails.store.checks import RuleUse
from agentops_mcp.storage.ledger import Ledger

_LISTED = 100


@dataclass(frozen=True, slots=True)
class Granted:
    """An exemption, and whether it holds now."""

    exemption: Exemption
    live: bool


class Exemptions:
    """The exemptions of a project."""

    def __init__(self, ledger: Ledger, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._new_id = new_id

    def grant(
        self, of: str, target: str, justification: str, *, requester: str = "", lasts: timedelta = LASTS, actor: Actor
    ) -> Exemption:
        """Exempt targets from a rule (its id) or an effect (its kind); on disk when this returns.

        Raises:
            InvalidInputError: it was not a person who called, or what was asked for is no exemption.
        """
        require_person(actor, "grant an exemption")
        target, justification, requester = (visible(each.strip()) for each in (target, justification, requester))
        check_request(of, target, justification, lasts)
        until = (self._clock() + lasts).isoformat(timespec="microseconds")
        event_id = self._new_id()
        draft = exemptions.granted(
            of.strip(), target, justification, requester=requester or actor.user, until=until, event_id=event_id,
        )  # fmt: skip
        self._ledger.append([draft], actor=actor)
        return self._find(event_id)

    def revoke(self, exemption_id: str, *, reason: str = "", actor: Actor) -> Exemption:
        """End an exemption now; one that ended or was revoked stays as it is.

        Raises:
            InvalidInputError: it was not a person who called.
            NotFoundError: there is none of this id.
        """
        require_person(actor, "revoke an exemption")
        found = self._find(exemption_id)
        if found.holds(self._clock()):
            self._ledger.append([exemptions.revoked(found.id, visible(reason.strip()))], actor=actor)
        return self._find(exemption_id)

    def listed(self, *, limit: int = _LISTED) -> list[Granted]:
        """The newest exemptions, newest first, also those that ended."""
        now = self._clock()
        with self._ledger.read() as tx:
            return [Granted(each, each.holds(now)) for each in exemptions.every(tx, limit=limit)]

    def live(self) -> list[Exemption]:
        """The exemptions that hold now."""
        now = self._clock()
        with self._ledger.read() as tx:
            found = exemptions.until_after(tx, now.isoformat(timespec="microseconds"))
        return [each for each in found if each.holds(now)]

    def apply(self, verdict: Verdict, notices: tuple[Notice, ...] = (), *, headless: bool = False) -> Exempted:
        """A verdict, and the notices of the run, after what holds now."""
        asks = verdict.decision != "allow" or any(each.decision != "allow" for each in notices)
        live = self.live() if asks else []
        return exempt(verdict, notices, live, now=self._clock(), headless=headless)

    def uses(self) -> list[RuleUse]:
        """How often each rule fired, would have, or was exempted, by its id."""
        with self._ledger.read() as tx:
            return [use for _, use in sorted(checks.uses(tx).items())]

    def used(self) -> list[RuleUse]:
        """The rules that were exempted, the most often exempted first; each was met `fired + exempted` times."""
        found = [use for use in self.uses() if use.exempted]
        return sorted(found, key=lambda use: (-use.exempted, use.rule))

    def _find(self, exemption_id: str) -> Exemption:
        with self._ledger.read() as tx:
            found = exemptions.find(tx, exemption_id.strip().rpartition("/")[2])
        if found is None:
            raise NotFoundError(
                f"No exemption has the id {exemption_id[:60]!r}.", remedy="`agentops-mcp exempt --list` names them."
            )
        return found


def require_person(actor: Actor, what: str) -> None:
    """Refuse anybody but a person at the command line.

    Raises:
        InvalidInputError: the call came from elsewhere.
    """
    if actor.via != "cli":
        raise InvalidInputError(f"Only a person can {what}.", remedy="Ask one to do it with agentops-mcp.")
