"""The trail of a request as text: each step, and below it the event that proves it."""

from collections.abc import Sequence

from agentops_mcp.core.lookalikes import revealed
from agentops_mcp.factors.approval.rules.trails import Step

_WIDEST = 9
_HASH_CHARS = 16


def trail_lines(steps: Sequence[Step]) -> list[str]:
    """Two lines for each step: what was done, by whom and how; and the event, with the beginning of its hash."""
    return [line for step in steps for line in _lines(step)]


def _lines(step: Step) -> tuple[str, str]:
    strength = f", strength {step.strength}" if step.strength else ""
    said, who = (" ".join(revealed(each).split()) for each in (step.said, step.who))
    by = ", ".join(filter(None, (who, step.channel))) + strength
    holds = "holds" if step.holds else "DOES NOT HOLD: the event was changed"
    return (
        f"- {step.at:%Y-%m-%d %H:%M:%S}  {step.what:<{_WIDEST}}  {f'{said} ({by})' if said else by}",
        f"  event {step.event}, hash {step.hash[:_HASH_CHARS]}… {holds}",
    )
