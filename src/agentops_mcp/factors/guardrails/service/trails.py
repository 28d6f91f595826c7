"""Steps of factor XI for who asks what became of an action: its checks around an approval, and its outcome."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Event
from agentops_mcp.factors.guardrails.store import calls, checks, incidents, trails
from agentops_mcp.storage.ledger import Ledger

_CHECKS = 2
"""An agent's own, and the one that a request makes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One event about an action, in words."""

    event: Event
    what: Literal["check", "outcome"]
    said: str


class ActionTrails:
    """What was kept about the actions of a project."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def around(
        self, action: str, *, approval: str, session: str | None, asked: str, used: tuple[str, str | None] | None
    ) -> list[Kept]:
        """The checks of an action before it was asked about, the one that used the approval, and what came of it.

        `asked` is the id of the request's event; `used` that of its use, with the session that used it.
        """
        with self._ledger.read() as tx:
            before = trails.checks_before(tx, asked, action=action, session=session, limit=_CHECKS)
            found = list(_readable(before))
            if used is None:
                return found
            event, by = used
            use = trails.check_with(tx, event, by=f"approval/{approval}")
            found += _readable([use] if use else [])
            signature = next((each.event.body["signature"] for each in reversed(found)), "")
            return [*found, *_readable(trails.outcomes_after(tx, event, signature=signature, session=by))]


def _readable(events: Iterable[Event]) -> Iterable[Kept]:
    for event in events:
        try:
            yield _kept(event)
        except IntegrityError:  # made elsewhere, by another version
            continue


def _kept(event: Event) -> Kept:
    """An event in words.

    Raises:
        IntegrityError: its body is not that of its kind.
    """
    if event.kind == checks.CHECKED:
        check = checks.checked_of(event)
        rules = ", ".join(check.fired)
        passed = f"; {', '.join(dict.fromkeys(by for _, by in check.exempted))} let it pass" if check.exempted else ""
        return Kept(event, "check", f"{check.decision}{f': {rules}' if rules else ''}{passed}")
    if event.kind == calls.CALLED:
        call = calls.call_of(event)
        return Kept(event, "outcome", "it worked" if call.ok else f"it failed: {call.error or 'no reason was given'}")
    incident = incidents.incident_of(event)
    return Kept(event, "outcome", f"an incident, {incident.how}: {incident.happened or 'no reason was given'}")
