"""How approvals are decided in a project: what a person fixed, and what the project tightened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

Strength = Literal["client", "page", "terminal", "two_people"]
Need = Literal["none", "optional", "required"]
Level = Literal["low", "medium", "high"]
Measure = Literal["impact", "risk", "cost", "novelty"]

STRENGTHS: tuple[Strength, ...] = ("client", "page", "terminal", "two_people")
"""From the weakest to the strongest. `client`: an answer that a client gave to an elicitation, perhaps by itself.
`page`: given by somebody signed in on the page. `terminal`: typed at a terminal with a code that was shown there.
`two_people`: two different persons, each on the page or at a terminal."""

SPOKEN: Mapping[Strength, str] = {
    "client": "the client's dialog", "page": "the page", "terminal": "the terminal", "two_people": "two people",
}  # fmt: skip
"""Each channel in words."""

NEEDS: tuple[Need, ...] = ("none", "optional", "required")
LEVELS: tuple[Level, ...] = ("low", "medium", "high")
MEASURES: tuple[Measure, ...] = ("impact", "risk", "cost", "novelty")

CRITICAL_FLOOR: Strength = "page"
"""What a critical effect needs at the least, whatever a file says."""

_MATRIX: Mapping[str, Need] = {
    f"{measure}.{level}": need for measure in MEASURES for level, need in zip(LEVELS, NEEDS, strict=True)
}
_BY_SEVERITY: Mapping[str, Strength] = {"low": "client", "medium": "client", "high": "client", "critical": "page"}
_BY_EFFECT: Mapping[str, Strength] = {
    "destroy_infrastructure": "page", "destroy_data": "page", "write_device": "page", "spend": "page",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """The knobs of factor VIII; the defaults are those of the factor's text."""

    grant_lasts: timedelta = timedelta(minutes=10)
    """How long a decision can be used."""

    escalates_after: timedelta = timedelta(hours=4)
    expires_after: timedelta = timedelta(hours=24)
    """When nobody decided: a refusal."""

    review: timedelta = timedelta(seconds=5)
    """A decision that came sooner after it was shown is flagged: it was hardly read."""

    by_severity: Mapping[str, Strength] = field(default_factory=lambda: dict(_BY_SEVERITY))
    by_effect: Mapping[str, Strength] = field(default_factory=lambda: dict(_BY_EFFECT))
    matrix: Mapping[str, Need] = field(default_factory=lambda: dict(_MATRIX))
    """`impact.high` and its like, and what each asks for."""

    accept_elsewhere: bool = False
    """Whether approvals that were given in another clone, and came by sync, are believed."""


def tightened(fixed: Settings, project: Settings) -> Settings:
    """What a person fixed, as far as the project does not ask for more: floors rise, times get shorter."""
    return Settings(
        grant_lasts=min(fixed.grant_lasts, project.grant_lasts),
        escalates_after=min(fixed.escalates_after, project.escalates_after),
        expires_after=min(fixed.expires_after, project.expires_after),
        review=max(fixed.review, project.review),
        by_severity=_stronger(fixed.by_severity, project.by_severity),
        by_effect=_stronger(fixed.by_effect, project.by_effect),
        matrix={
            key: NEEDS[max(NEEDS.index(each.matrix.get(key, "none")) for each in (fixed, project))]
            for key in fixed.matrix.keys() | project.matrix.keys()
        },
        accept_elsewhere=fixed.accept_elsewhere and project.accept_elsewhere,
    )


def _stronger(fixed: Mapping[str, Strength], project: Mapping[str, Strength]) -> dict[str, Strength]:
    return {
        key: STRENGTHS[max(STRENGTHS.index(each.get(key, "client")) for each in (fixed, project))]
        for key in fixed.keys() | project.keys()
    }
