"""What checks of the run itself say about an action, beside what its effects decide."""

from collections.abc import Sequence
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.verdicts import DECISIONS, Decision, Severity


class Notice(NamedTuple):
    """One thing to know before an action; with `allow` it only tells."""

    rule: str
    """`runtime.…`, by which an exemption names it."""

    decision: Decision
    severity: Severity
    reason: str
    """One sentence for the model."""

    remedy: str = ""
    """What to do instead."""

    retry_after_s: int = 0
    """Seconds until it is worth trying again; 0 when time alone changes nothing."""


def strictest(decision: Decision, notices: Sequence[Notice], *, headless: bool) -> Decision:
    """The decision on an action once these notices are heard; what would be asked with nobody there is denied."""
    decisions: list[Decision] = [decision, *(each.decision for each in notices)]
    found = max(decisions, key=DECISIONS.index)
    return "deny" if headless and found == "ask" else found
