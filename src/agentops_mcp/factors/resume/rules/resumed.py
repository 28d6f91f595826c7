"""A merged chain after every claim in it was looked up again."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from agentops_mcp.factors.resume.rules.chain import Kept, Place
from agentops_mcp.factors.resume.rules.verdicts import Check


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as one line; `check` is None when it cites no file and no commit."""

    text: str
    check: Check | None
    state: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """A state that the newest one continues."""

    id: str
    at: str
    phase: str
    did: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """A state and those it continues, as they stand now.

    `head` judges branch and commit; `lost` are uncommitted files of then that are not as they were; `siblings` are
    other states that continue the same parent, `children` those that continue this one; `notes` say what could not be
    read. `is_here` is false for one that this project's ledger does not have.
    """

    id: str
    at: str
    client: str
    user: str
    phase: str
    goal: str
    confidence: int | None
    mission: str | None
    place: Place
    head: Check | None
    did: Claim | None
    next_steps: tuple[Claim, ...]
    parameters: tuple[Claim, ...]
    decisions: tuple[Claim, ...]
    findings: tuple[Claim, ...]
    open_questions: tuple[Claim, ...]
    blockers: tuple[Claim, ...]
    key_files: tuple[Claim, ...]
    kept: Kept
    lost: tuple[str, ...]
    older: tuple[Earlier, ...]
    siblings: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_here: bool = True

    def claims(self) -> Iterator[Claim]:
        """Every claim but the key files, which say nothing beyond their verdict."""
        yield from (self.did,) if self.did else ()
        for part in (self.next_steps, self.parameters, self.decisions, self.findings, self.open_questions):
            yield from part
        yield from self.blockers

    def verdicts(self) -> str:
        """How many claims have which verdict, in words."""
        counts = Counter(claim.check.verdict if claim.check else "citing nothing" for claim in self.claims())
        order = ("FRESH", "STALE", "UNVERIFIABLE", "citing nothing")
        return ", ".join(f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict])
