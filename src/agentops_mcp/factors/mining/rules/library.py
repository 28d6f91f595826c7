"""The pattern library as values: its members, what came of saving one, and what was mined for it."""

from dataclasses import dataclass

from agentops_mcp.factors.mining.rules.checks import Check
from agentops_mcp.factors.mining.rules.patterns import Pattern
from agentops_mcp.factors.mining.rules.stages import Maturity, Standing


@dataclass(frozen=True, slots=True)
class Member:
    """One pattern of the library and how it does; `saved_at` is empty for one that came with the package."""

    pattern: Pattern
    maturity: Maturity
    decay: Standing
    shown: int
    cited: int
    saved_at: str


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of saving: the five checks, the nearest others by name and likeness, and where the file is.

    `revision` counts from 1; it is 0 when nothing was saved, because a check refused it or because it was a trial.
    """

    member: Member
    checks: tuple[Check, ...]
    nearest: tuple[tuple[str, float], ...]
    revision: int
    file: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileFinding:
    """What is to be said about one pattern file; nothing is in its way when there are no problems."""

    name: str
    problems: tuple[str, ...]
    hints: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Lesson:
    """Something that was learned: the record, its kind, what it says, and the parts a draft is made of."""

    ref: str
    kind: str
    at: str
    session: str | None
    text: str
    title: str
    context: str
    solution: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A theme that recurs: its members, the most typical first, and the pattern it could become.

    `sessions` counts the sessions the members are from, each record without one for itself. `known` is a pattern of
    the library that says it already, with how alike they are.
    """

    theme: str
    members: tuple[Lesson, ...]
    sessions: int
    draft: Pattern
    known: tuple[str, float] | None


@dataclass(frozen=True, slots=True)
class Mined:
    """What recurs at least `least` times among lessons; `lexical_only` is why vectors had no part."""

    candidates: tuple[Candidate, ...]
    considered: int
    sessions: int
    least: int
    lexical_only: str
