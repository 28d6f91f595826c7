"""Incidents: an action that failed or was regretted, what it did, and what was learned from it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple, cast, get_args

from agentops_mcp.core.display import gist
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS, PLACES, Effect
from agentops_mcp.factors.guardrails.rules.notices import Notice

How = Literal["failed", "regretted"]
HOWS: tuple[How, ...] = get_args(How)

LONGEST = 2_000
"""The most characters of each of an incident's texts."""

_MOST_EFFECTS = 40
_FIX = (
    r"(?im)(?:^|(?<=[.;!?])\s)[ \t]{0,8}(fix(?:ed)?|solution|solved|instead|learned|learnt|learning|lesson)(?: by)?"
    r"[ \t]{0,2}[:=]"
)
_LEARNINGS = frozenset({"learned", "learnt", "learning", "lesson"})


class Incident(NamedTuple):
    """What went wrong. Texts are without secrets; paths begin with `.` for the project and `~` for the home folder."""

    tool: str
    signature: str
    shown: str
    how: How
    happened: str
    command: str = ""
    """The whole shell text, where the action was one."""

    effects: tuple[Effect, ...] = ()
    rules: tuple[str, ...] = ()
    """The rules that had fired for it."""

    fix: str = ""
    learning: str = ""
    action: str = ""
    """The digest by which check_action named the action; empty when it was not checked."""


class Known(NamedTuple):
    """A recorded incident; its fix is the newest that was told."""

    id: str
    at: datetime
    incident: Incident


class Similar(NamedTuple):
    """An incident that an action looks like."""

    known: Known
    exact: bool
    """Whether it was the same tool with the same normalised arguments."""

    times: int
    """How many incidents were exactly this one."""

    open: bool
    """Whether the same call has not succeeded since, as far as this database knows."""


class Told(NamedTuple):
    """What somebody wrote about an outcome, told apart."""

    happened: str
    fix: str
    learning: str


def told(note: str) -> Told:
    """What happened, the fix and the learning, as in `It broke. Fix: pin it. Learned: never float.` of a note."""
    parts = re.split(_FIX, note[: LONGEST * 4])
    fixes: list[str] = []
    learnings: list[str] = []
    for label, text in zip(parts[1::2], parts[2::2], strict=True):
        (learnings if label.lower() in _LEARNINGS else fixes).append(text.strip())
    return Told(_cut(parts[0]), _cut(" ".join(fixes)), _cut(" ".join(learnings)))


def text_of(incident: Incident) -> str:
    """An incident as search reads it."""
    kinds = ", ".join(dict.fromkeys(EFFECTS[effect.kind] for effect in incident.effects))
    parts = (incident.shown, incident.happened, f"Fix: {incident.fix}" if incident.fix else "",
             f"Learned: {incident.learning}" if incident.learning else "", kinds)  # fmt: skip
    return "\n".join(part for part in parts if part)


def is_like(incident: Incident, tool: str, effects: Sequence[Effect], shown: str) -> bool:
    """Whether an action is of an incident's kind: the same tool, and the same effect or the same program."""
    if incident.tool != tool:
        return False
    kinds = {effect.kind for effect in incident.effects} - {"unresolved"}
    return bool(kinds & {effect.kind for effect in effects}) or (
        tool == "shell" and _program(incident.shown) == _program(shown) != ""
    )


def notice(similar: Similar) -> Notice:
    """What an earlier incident says about an action; the same action that was regretted is asked about."""
    incident = similar.known.incident
    asks = similar.exact and incident.how == "regretted"
    what = "This" if similar.exact else f"Something like this (`{gist(incident.shown, limit=80)}`)"
    times = f", {similar.times} times," if similar.times > 1 else ""
    how = "failed" if incident.how == "failed" else "was regretted"
    reason = f"{what} {how} before{times} on {similar.known.at:%Y-%m-%d}"
    if incident.happened:
        reason += f": {gist(incident.happened, limit=160)}"
    lesson = incident.fix or incident.learning
    remedy = f"The earlier {'fix' if incident.fix else 'learning'}: {gist(lesson, limit=300)}" if lesson else ""
    return Notice("runtime.incident", "ask" if asks else "allow", "medium" if asks else "low", reason, remedy)


def to_body(incident: Incident) -> dict[str, Any]:
    """An incident as the ledger keeps it."""
    effects = [[each.kind, each.target, each.place] for each in incident.effects[:_MOST_EFFECTS]]
    return {**incident._asdict(), "effects": effects, "rules": list(incident.rules)}


def from_body(body: Mapping[str, Any]) -> Incident:
    """An incident from the ledger.

    Raises:
        ValueError: the body is not that of one.
    """
    texts = {
        key: body.get(key) for key in ("tool", "signature", "shown", "happened", "command", "fix", "learning", "action")
    }
    rules = body.get("rules")
    if not all(isinstance(text, str) for text in texts.values()) or body.get("how") not in HOWS:
        raise ValueError("an incident is made of texts")
    if not isinstance(rules, list) or not all(isinstance(each, str) for each in cast("list[object]", rules)):
        raise ValueError("rules are named by their ids")
    return Incident(
        how=body["how"], effects=effects_of(body.get("effects")), rules=tuple(cast("list[str]", rules)),
        **cast("dict[str, str]", texts),
    )  # fmt: skip


def effects_of(value: object) -> tuple[Effect, ...]:
    """Effects from the lists of kind, target and place that the ledger keeps.

    Raises:
        ValueError: it is no such list.
    """
    if not isinstance(value, list):
        raise ValueError("effects are a list")  # noqa: TRY004 - one error for every unreadable body
    found: list[Effect] = []
    for each in cast("list[object]", value)[:_MOST_EFFECTS]:
        parts = cast("list[object]", each) if isinstance(each, list) else []
        if len(parts) != 3 or not all(isinstance(part, str) for part in parts):
            raise ValueError("an effect is its kind, target and place")
        kind, target, place = cast("list[str]", parts)
        if kind not in EFFECTS or (place and place not in PLACES):
            raise ValueError("no such effect or place")
        found.append(Effect(kind, target, place))
    return tuple(found)


def _program(shown: str) -> str:
    return shown.split(" ", 1)[0].rpartition("/")[2].lower()


def _cut(text: str) -> str:
    text = text.strip()
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
