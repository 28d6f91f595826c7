"""What a search found, as values: each hit with why it matched, where it is from and what became of its files."""

from dataclasses import dataclass
from typing import Literal

from agentops_mcp.core.documents import Document
from agentops_mcp.factors.mining.rules.stages import Stage

Freshness = Literal["FRESH", "STALE", "UNVERIFIABLE"]


@dataclass(frozen=True, slots=True)
class Reputation:
    """What is known of a pattern beside its text, with how many sessions speak of it, and how it went."""

    stage: Stage
    evidence: int
    worked: int
    failed: int
    successor: str = ""
    is_starter: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One record that was found. `shared` are the query's telling terms in it, `cosine` its nearness in meaning.

    `at` and `author` are empty for a pattern that came with the package.
    """

    document: Document
    score: float
    shared: tuple[str, ...]
    cosine: float | None
    at: str
    author: str
    freshness: Freshness
    about_files: str
    reputation: Reputation | None


@dataclass(frozen=True, slots=True)
class Results:
    """The hits, best first; `lexical_only` is why there are no vectors, empty when there are.

    `searched` counts the records that could have been found, `pending` those that have no vector yet.
    """

    hits: tuple[Hit, ...]
    searched: int
    quarantined: int
    lexical_only: str
    pending: int
