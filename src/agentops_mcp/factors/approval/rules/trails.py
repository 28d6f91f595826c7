"""The trail of a request: what was done about it, step by step, and whether each step is as it was written."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

What = Literal["check", "request", "shown", "decision", "refused", "escalated", "expired", "use", "outcome"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and the event that proves it."""

    what: What
    at: datetime
    who: str
    """The principal; of a check and an outcome the client's name."""

    channel: str
    """How it came, in words."""

    strength: str
    """Of a decision how strong its channel is; empty for anything else."""

    said: str
    event: str
    hash: str
    """SHA-256 in hex, as the event has it."""

    holds: bool
    """Whether the event still has that hash."""
