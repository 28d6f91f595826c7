"""Learned rules: what a candidate says, which can only tighten, and how it is written into a pack."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast, get_args

from agentops_mcp.factors.guardrails.rules import judge
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS, PLACES, Effect
from agentops_mcp.factors.guardrails.rules.verdicts import Policy, Rule

State = Literal["shadow", "enabled", "dismissed", "disabled"]
STATES: tuple[State, ...] = get_args(State)

PACK = "learned"
LONGEST = 1_000
_MOST = 20
_FOREVER = "9999"
_CONDITIONS = ("effects", "places", "programs", "targets")


class Learned(NamedTuple):
    """A rule that was drafted from an incident. It asks; nothing in it can allow."""

    effects: frozenset[str]
    places: frozenset[str]
    programs: frozenset[str]
    targets: tuple[str, ...]
    pattern: str
    reason: str
    hits: tuple[str, ...]
    """Commands that must fire it: the incident's own."""

    @property
    def name(self) -> str:
        """Its id in the pack, made from what it decides about, so that two clones draft the same rule once."""
        said = repr((sorted(self.effects), sorted(self.places), sorted(self.programs), self.targets, self.pattern))
        first = min(self.effects, default="pattern").replace("_", "-")
        return f"{first}-{hashlib.sha256(said.encode()).hexdigest()[:10]}"

    @property
    def id(self) -> str:
        """Its id among all rules."""
        return f"{PACK}.{self.name}"


def rule_of(learned: Learned, *, shadow: bool) -> Rule:
    """The rule as the judge takes it."""
    return Rule(
        learned.id, learned.effects, "ask", "medium", learned.reason, places=learned.places,
        programs=learned.programs, targets=learned.targets, pattern=learned.pattern, shadow=shadow,
    )  # fmt: skip


def fires(learned: Learned, effects: Sequence[Effect], text: str) -> bool:
    """Whether a rule speaks of an action with these effects and this text."""
    rule = rule_of(learned, shadow=False)
    policy = Policy(dict.fromkeys(learned.effects or {""}, (rule,)))
    return bool(judge.judge(effects, policy, now=_FOREVER, text=text).findings)


def to_body(learned: Learned) -> dict[str, Any]:
    """A rule as the ledger keeps it."""
    lists = {key: _listed(learned, key) for key in (*_CONDITIONS, "hits")}
    return {**lists, "pattern": learned.pattern, "reason": learned.reason}


def from_body(body: Mapping[str, Any]) -> Learned:
    """A rule from the ledger.

    Raises:
        ValueError: the body is not that of one.
    """
    lists = {key: _texts(body.get(key)) for key in ("effects", "places", "programs", "targets", "hits")}
    pattern, reason = body.get("pattern"), body.get("reason")
    if not isinstance(pattern, str) or not isinstance(reason, str) or not reason or len(pattern + reason) > LONGEST:
        raise ValueError("a rule has a reason, and its pattern is a text")
    if not set(lists["effects"]) <= set(EFFECTS) or not set(lists["places"]) <= set(PLACES):
        raise ValueError("no such effect or place")
    if not lists["effects"] and not pattern:
        raise ValueError("a rule speaks of effects or of a text")
    return Learned(
        frozenset(lists["effects"]), frozenset(lists["places"]), frozenset(lists["programs"]),
        tuple(lists["targets"]), pattern, reason, tuple(lists["hits"]),
    )  # fmt: skip


def as_toml(rules: Sequence[tuple[Learned, State]]) -> str:
    """A pack file of the rules that were drafted or enabled, in the order of their names; the others are left out."""
    lines = [
        f'name = "{PACK}"',
        'about = "Rules drafted from incidents of this project, and enabled by people."',
    ]
    for learned, state in sorted(rules, key=lambda each: each[0].name):
        if state not in ("shadow", "enabled"):
            continue
        lines += ["", "[[rule]]", f"id = {quoted(learned.name)}"]
        for key in _CONDITIONS:
            if values := _listed(learned, key):
                lines.append(f"{key} = [{', '.join(map(quoted, values))}]")
        lines += [f"pattern = {quoted(learned.pattern)}"] if learned.pattern else []
        lines += ['decision = "ask"', 'severity = "medium"', f"reason = {quoted(learned.reason)}"]
        lines += ["shadow = true"] if state == "shadow" else []
        lines.append(f"hits = [{', '.join(map(quoted, learned.hits))}]")
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    r"""A basic string of TOML: control characters as `\uXXXX`."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(
        escapes.get(each) or (f"\\u{ord(each):04x}" if ord(each) < 0x20 or ord(each) == 0x7F else each)
        for each in text.encode(errors="replace").decode()
    ) + '"'  # fmt: skip


def _listed(learned: Learned, key: str) -> list[str]:
    """One of a rule's lists; sets in order, so that a text of them is the same each time."""
    values: frozenset[str] | tuple[str, ...] = getattr(learned, key)
    return sorted(values) if isinstance(values, frozenset) else list(values)


def _texts(value: object) -> list[str]:
    if not isinstance(value, list) or len(cast("list[object]", value)) > _MOST:
        raise ValueError("a list of texts was expected")
    texts = [each for each in cast("list[object]", value) if isinstance(each, str) and len(each) <= LONGEST * 4]
    if len(texts) != len(cast("list[object]", value)):
        raise ValueError("a list of texts was expected")
    return texts
