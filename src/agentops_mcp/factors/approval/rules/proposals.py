"""What an agent says when it asks. A person can not decide without it: what is missing is refused with an example."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.approval.rules.settings import LEVELS, MEASURES, NEEDS, Level, Need, Settings

_LONGEST = 4_000
_MOST_ITEMS = 20
_PHASES = ("research", "plan", "implement", "deploy")

EXAMPLE = (
    'summary="Drop the table sessions_old", changes="12,400 rows of 2024 are deleted", '
    'rollback="restore from backup 2026-11-01", impact={"files": 0, "services": ["billing"], "cost": "none", '
    '"level": "medium"}, alternatives=["archive it: keeps the cost"], risks=["a report may still read it"]'
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """An agent's words about its request; shown as such, never believed."""

    summary: str
    changes: str
    rollback: str
    impact: Mapping[str, Any]
    """`files`, `services`, `cost` in the agent's words, and `level`."""

    alternatives: tuple[str, ...]
    risks: tuple[str, ...]
    levels: Mapping[str, Level]
    """`impact`, `risk`, `cost` and `novelty`, each low, medium or high; low where nothing was said."""

    phase: str = ""
    task: str = ""
    confidence: float | None = None
    """0 to 1, by the agent's own account."""

    questions: tuple[str, ...] = ()
    state: str = ""
    """The handle of a saved state to resume with."""


def checked(given: Mapping[str, Any]) -> Proposal:
    """A proposal from what an agent gave, texts stripped.

    Raises:
        InvalidInputError: a part is missing, unknown or too long; the remedy shows a complete one.
    """
    _refuse_unknown(given)
    missing = [name for name in ("summary", "changes", "rollback", "impact", "alternatives", "risks")
               if not _filled(given.get(name))]  # fmt: skip
    if missing:
        raise InvalidInputError(
            f"A person can not decide without {', '.join(missing)}.", remedy=f"For example: {EXAMPLE}."
        )
    impact = _impact(given["impact"])
    return Proposal(
        _text("summary", given["summary"]), _text("changes", given["changes"]), _text("rollback", given["rollback"]),
        impact, _texts("alternatives", given["alternatives"]), _texts("risks", given["risks"]), _levels(given, impact),
        _phase(given.get("phase", "")), _text("task", given.get("task", "")), _share(given.get("confidence")),
        _texts("questions", given.get("questions") or []), _text("state", given.get("state", "")),
    )  # fmt: skip


def need_of(proposal: Proposal, decision: str, severity: str, settings: Settings) -> Need:
    """Whether a person is needed, by the matrix; what the guard does not allow is required, whatever is claimed."""
    if decision != "allow":
        return "required"
    found = "high" if severity == "critical" else severity
    risk = max(LEVELS.index(cast("Level", found)), LEVELS.index(proposal.levels["risk"]))
    levels = {**proposal.levels, "risk": LEVELS[risk]}
    asked = [settings.matrix.get(f"{measure}.{level}", "none") for measure, level in levels.items()]
    return NEEDS[max(map(NEEDS.index, asked))]


def to_body(proposal: Proposal) -> dict[str, Any]:
    """A proposal as an event keeps it; numbers that are no integers as text."""
    body = asdict(proposal)
    body["confidence"] = None if proposal.confidence is None else str(proposal.confidence)
    return body


def of_body(body: Mapping[str, Any]) -> Proposal:
    """A proposal from an event.

    Raises:
        ValueError: it is none.
    """
    try:
        values = {key: value for key, value in body.items() if value not in (None, "", [], {})}
        values.update({name: level for name, level in values.pop("levels", {}).items() if name != "impact"})
        if "confidence" in values:
            values["confidence"] = float(values["confidence"])
        return checked(values)
    except (InvalidInputError, TypeError, AttributeError) as error:
        raise ValueError("this is no proposal") from error


_KNOWN = (
    "summary", "changes", "rollback", "impact", "alternatives", "risks", "phase", "task", "confidence", "questions",
    "state", *MEASURES[1:],
)  # fmt: skip


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    if unknown := [key for key in given if key not in _KNOWN]:
        raise InvalidInputError(
            f"A request has no part {unknown[0][:40]!r}.", remedy=f"Its parts are {', '.join(_KNOWN)}."
        )


def _filled(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [], {}, ())


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{name} must be text.", remedy="Send it as one string.")
    if len(value) > _LONGEST:
        raise InvalidInputError(
            f"{name} has {len(value)} characters; {_LONGEST} are read.", remedy="Shorten it: a person reads this."
        )
    return value.strip()


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        raise InvalidInputError(f"{name} must be a list of texts.", remedy=f"For example: {EXAMPLE}.")
    listed = [text for each in cast("Sequence[Any]", value) if (text := _text(name, each))]
    if len(listed) > _MOST_ITEMS:
        raise InvalidInputError(f"{name} has more than {_MOST_ITEMS} items.", remedy="Name those that matter.")
    return tuple(listed)


def _impact(value: Any) -> dict[str, Any]:
    """The impact: `files` (a number or paths), `services`, `cost` and `level`, or all of it in words."""
    if isinstance(value, str):
        return {"summary": _text("impact", value)}
    if not isinstance(value, Mapping):
        raise InvalidInputError("impact must be an object.", remedy=f"For example: {EXAMPLE}.")
    impact = cast("Mapping[Any, Any]", value)
    known = ("files", "services", "cost", "level", "summary")
    if unknown := [key for key in impact if key not in known]:
        raise InvalidInputError(
            f"impact has no part {str(unknown[0])[:40]!r}.", remedy=f"Its parts are {', '.join(known)}."
        )
    read: dict[str, Any] = {}
    for key, each in impact.items():
        if isinstance(each, int | float) and not isinstance(each, bool):
            read[key] = each if isinstance(each, int) and abs(each) < 2**53 else str(each)
        else:
            read[key] = _text(f"impact.{key}", each) if isinstance(each, str) else list(_texts(f"impact.{key}", each))
    return read


def _levels(given: Mapping[str, Any], impact: Mapping[str, Any]) -> dict[str, Level]:
    said = {"impact": impact.get("level", "low"), **{name: given.get(name, "low") for name in MEASURES[1:]}}
    for name, level in said.items():
        if level not in LEVELS:
            raise InvalidInputError(
                f"{name} can not be {str(level)[:40]!r}.", remedy=f"Give {name} as one of {', '.join(LEVELS)}."
            )
    return cast("dict[str, Level]", said)


def _phase(value: Any) -> str:
    if value not in ("", *_PHASES):
        raise InvalidInputError(f"No phase is called {str(value)[:40]!r}.", remedy=f"Give one of {', '.join(_PHASES)}.")
    return value


def _share(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInputError(f"confidence can not be {str(value)[:40]}.", remedy="Give a number from 0 to 1.")
    return float(value)
