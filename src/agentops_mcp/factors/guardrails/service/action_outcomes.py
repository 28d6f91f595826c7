"""Steps of factor XI for report_outcome: how a checked action went, and what helped against an incident."""

from typing import Literal

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.guardrails.rules.notices import Notice
from agentops_mcp.factors.guardrails.rules.signatures import Signature
from agentops_mcp.factors.guardrails.service.incidents import Incidents, Report
from agentops_mcp.factors.guardrails.service.runtime import Runtime
from agentops_mcp.factors.guardrails.store import checks
from agentops_mcp.factors.guardrails.store.checks import Checked
from agentops_mcp.storage.ledger import Ledger

Outcome = Literal["worked", "partly", "failed", "unused", "regretted"]

_DIGEST_CHARS = 64


class ActionOutcomes:
    """Takes the outcomes of actions (`action/<digest>`, or the digest alone) and of incidents (`incident/<id>`)."""

    def __init__(self, ledger: Ledger, runtime: Runtime, incidents: Incidents) -> None:
        self._ledger = ledger
        self._runtime = runtime
        self._incidents = incidents

    @staticmethod
    def accepts(of: str) -> bool:
        """Whether this names a checked action or an incident."""
        return "action/" in of or "incident/" in of or _is_digest(of.strip())

    def report(
        self, of: str, outcome: Outcome, *, actor: Actor, note: str, session: str | None
    ) -> tuple[str, tuple[str, ...], tuple[Notice, ...]]:
        """Keep an outcome; returns the id of its record, or of the incident, notes on it, and what stands now.

        An action that failed or was regretted is an incident. Regret says nothing of its call, which did what was
        asked; an action that was not taken is no call.
        """
        if "incident/" in of:
            if outcome not in ("worked", "partly"):
                raise InvalidInputError(
                    "Only what helped can be told of an incident.",
                    remedy='Report the action itself when it failed again, or outcome "worked" with the fix in `note`.',
                )
            return self._incidents.fix(of, note, session=session, actor=actor), (), ()
        check = self.action(of)
        kept, notices = "", ()
        if outcome in ("worked", "partly", "failed"):
            recorded = self._runtime.record_signed(
                Signature(check.tool, check.signature, check.shown), ok=outcome != "failed",
                error=note if outcome == "failed" else "", target=check.target, session=session, actor=actor,
            )  # fmt: skip
            kept, notices = recorded.id, recorded.notices
        if outcome in ("failed", "regretted"):
            report: Report = self._incidents.report(check, outcome, note, session=session, actor=actor)
            return report.id, report.notes, notices
        return kept or _digest_of(of), (), notices

    def action(self, of: str) -> Checked:
        """The newest check of an action.

        Raises:
            NotFoundError: no check of this project named it.
        """
        with self._ledger.read() as tx:
            found = checks.newest(tx, _digest_of(of))
        if found is None:
            raise NotFoundError(
                f"No check named the action {gist(of, limit=80)!r}.", remedy="Give the digest in check_action's reply."
            )
        return found[1]


def _digest_of(of: str) -> str:
    return of.strip().rpartition("/")[2].lower()


def _is_digest(text: str) -> bool:
    return len(text) == _DIGEST_CHARS and not set(text.lower()) - set("0123456789abcdef")
