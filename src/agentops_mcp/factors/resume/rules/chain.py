"""A state and those it continues, merged: each claim once, with the state that made it last."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agentops_mcp.factors.resume.rules.bundle import Bundle, Decision, Parameter
from agentops_mcp.factors.resume.rules.verdicts import Found

Claim = TypeVar("Claim")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the work stood: None is what did not apply or could not be found out."""

    branch: str | None
    head: str | None
    dirty: bool | None
    operation: str | None


@dataclass(frozen=True, slots=True)
class DirtyFile:
    """An uncommitted file, and the id of its bytes where it was kept."""

    path: str
    status: str
    blob: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """Uncommitted work at the time of a save: how many files, the first of them, and the commit that keeps them."""

    total: int = 0
    files: tuple[DirtyFile, ...] = ()
    commit: str | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """One saved state: what its author said, and what the server added.

    `files` maps each cited path to the id of its content, None for a file that was not there; `links` maps cited
    symbolic links to the cited files they led to; `commits` says of each cited commit whether HEAD had it;
    `found` says how the values of parameters were found in their files.
    """

    id: str
    at: str
    client: str
    user: str
    session: str | None
    parent: str | None
    mission: str | None
    tokens: int
    bundle: Bundle
    place: Place
    files: Mapping[str, str | None]
    links: Mapping[str, str]
    commits: Mapping[str, bool]
    found: Mapping[str, Found]
    kept: Kept


@dataclass(frozen=True, slots=True)
class Merged:
    """A chain as one: goal, steps, questions and blockers of the newest; the rest from every state, newest first.

    Each claim comes with the state that made it, whose hashes it is judged by.
    """

    newest: Saved
    older: tuple[Saved, ...]
    parameters: tuple[tuple[Parameter, Saved], ...]
    decisions: tuple[tuple[Decision, Saved], ...]
    findings: tuple[tuple[str, Saved], ...]
    key_files: tuple[tuple[str, Saved], ...]


def merge(chain: Sequence[Saved]) -> Merged:
    """Merge a state and its ancestors, newest first."""
    return Merged(
        newest=chain[0],
        older=tuple(chain[1:]),
        parameters=_claims(chain, lambda bundle: bundle.parameters, lambda each: each.name.casefold()),
        decisions=_claims(chain, lambda bundle: bundle.decisions, lambda each: each.choice.casefold()),
        findings=_claims(chain, lambda bundle: bundle.findings, str.casefold),
        key_files=_claims(chain, lambda bundle: bundle.key_files, str),
    )


def _claims(
    chain: Sequence[Saved], part: Callable[[Bundle], Sequence[Claim]], key: Callable[[Claim], str]
) -> tuple[tuple[Claim, Saved], ...]:
    """The claims of one kind; of those with the same key the newest."""
    found: dict[str, tuple[Claim, Saved]] = {}
    for saved in chain:
        for claim in part(saved.bundle):
            found.setdefault(key(claim), (claim, saved))
    return tuple(found.values())
