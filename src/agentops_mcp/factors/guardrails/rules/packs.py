"""Reading packs and people's files: tables in, one policy out, or an error that names the key.

What is read is plain data as TOML or JSON gives it. A policy is made in two steps, because a hook has no time for the
first: `compiled` checks everything and merges it into one JSON object, which `policy_of` turns into a `Policy`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, TypeVar, cast

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS, PLACES
from agentops_mcp.factors.guardrails.rules.verdicts import DECISIONS, Policy, Release, Rule

Table = Mapping[str, Any]

_SEVERITIES = ("low", "medium", "high", "critical")
_LEVELS = ("off", "shadow", *DECISIONS[1:])
"""What a rule can be switched to, from the mildest to the strictest."""

_RULE_KEYS = frozenset(
    "id effects places traits without programs targets pattern decision severity reason safer hits misses "
    "shadow".split()
)
_COMMAND_KEYS = frozenset("programs words when unless effect traits reversible valued".split())
_PACK_KEYS = frozenset({"name", "about", "command", "rule", "program"})
_FILE_KEYS = frozenset({"switch", "allow", "rule", "command", "headless"})
_ALLOW_KEYS = frozenset({"effects", "targets", "reason", "until"})
_LONGEST = 2_000


class Example(NamedTuple):
    """A command that must, or must not, fire a rule."""

    rule: str
    command: str
    fires: bool


def compiled(packs: Sequence[Table], person: Table | None = None, project: Table | None = None) -> dict[str, Any]:
    """One JSON object with everything that decides: `texts` are rules and rows, each JSON of its own.

    `packs` are built-in and learned ones; `person` and `project` are the two `guardrails.toml` files. Both can switch
    rules, add rules and allow effects. What the person's file says of a rule, and any rule whose severity is critical,
    the project's can only make stricter.

    Raises:
        ConfigError: something in them is wrong; the message names the pack or file and the key.
    """
    rules: dict[str, dict[str, Any]] = {}
    commands: list[Table] = []
    for pack in packs:
        name = _name_of(pack)
        _refuse_unknown(pack, _PACK_KEYS, name)
        _add_rules(rules, pack, name)
        commands += _commands(pack, name)
    released: list[Table] = []
    # A project's file is written by whoever can commit to it: the gravest rules are a person's alone to loosen.
    grave = [each["id"] for each in rules.values() if each["severity"] == "critical"]
    fixed: list[str] = []
    for owner, table in (("person", person or {}), ("project", project or {})):
        _refuse_unknown(table, _FILE_KEYS, owner)
        _add_rules(rules, table, owner)
        commands += _commands(table, owner)
        fixed += _switch(rules, table, owner, frozenset(fixed))
        fixed += grave if owner == "person" else []
        released += [_release(each, owner) for each in _tables(table, "allow", owner)]
    headless = any(_flag(table or {}, "headless") for table in (person, project))
    kept = [rule for rule in rules.values() if rule["decision"] != "off"]
    texts: list[str] = []
    return {
        "rules": _packed(((rule["effects"] or [""], rule) for rule in kept), texts),
        "commands": _packed(((row["programs"], {**row, "programs": []}) for row in commands), texts),
        "texts": texts, "released": released, "fixed": sorted(set(fixed)), "headless": headless,
    }  # fmt: skip


def policy_of(data: Table, *, version: str = "", headless: bool = False) -> Policy:
    """The policy that `compiled` data say; `version` is their digest, `headless` what the caller knows beyond them."""
    released = tuple(
        Release(frozenset(each["effects"]), tuple(each["targets"]), each["reason"], each["until"], each["owner"])
        for each in data["released"]
    )
    return Policy(
        Unpacked(data["rules"], data["texts"], _rule_of), released, frozenset(data["fixed"]),
        Unpacked(data["commands"], data["texts"], lambda row: row), version, headless or data["headless"],
    )  # fmt: skip


_Item = TypeVar("_Item")


class Unpacked(Mapping[str, tuple[_Item, ...]]):
    """Lists by key, each read when it is first asked for: a hook needs few of hundreds."""

    def __init__(
        self, places: Mapping[str, Sequence[int]], texts: Sequence[str | bytes], read: Callable[[Table], _Item]
    ) -> None:
        self._places = places
        self._texts = texts
        self._read = read
        self._done: dict[str, tuple[_Item, ...]] = {}

    def __getitem__(self, key: str) -> tuple[_Item, ...]:
        if key not in self._done:
            self._done[key] = tuple(self._read(json.loads(self._texts[place])) for place in self._places[key])
        return self._done[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _packed(items: Iterable[tuple[Sequence[str], Table]], texts: list[str]) -> dict[str, list[int]]:
    """Each item once, as a text of its own, and under every key the places of its items."""
    places: dict[str, list[int]] = {}
    for keys, each in items:
        for key in keys:
            places.setdefault(key, []).append(len(texts))
        said = {name: value for name, value in each.items() if value not in ([], "", False)}
        texts.append(json.dumps(said, ensure_ascii=False, separators=(",", ":")))
    return places


def examples(packs: Iterable[Table]) -> list[Example]:
    """Every example of these packs, with the full id of its rule."""
    return [example for pack in packs for example in examples_of(_name_of(pack), pack)]


def examples_of(name: str, table: Table) -> list[Example]:
    """The examples of one pack, or of a person's file."""
    return [
        Example(f"{name}.{rule['id']}", command, fires)
        for rule in _tables(table, "rule", name)
        for key, fires in (("hits", True), ("misses", False))
        for command in rule.get(key, ())
    ]


def _rule_of(each: Table) -> Rule:
    effects, places, traits, without, programs = (
        frozenset[str](each.get(key, ())) for key in ("effects", "places", "traits", "without", "programs")
    )
    return Rule(
        each["id"], effects, each["decision"], each["severity"], each["reason"], places, traits, without, programs,
        tuple(each.get("targets", ())), each.get("pattern", ""), each.get("safer", ""), each.get("shadow", False),
    )  # fmt: skip


def _name_of(pack: Table) -> str:
    name = pack.get("name")
    if not isinstance(name, str) or not name.replace("-", "").isalnum() or name in {"person", "project"}:
        raise _wrong("a pack", "name", "must be letters, digits and dashes")
    return name


def _add_rules(rules: dict[str, dict[str, Any]], table: Table, where: str) -> None:
    for each in _tables(table, "rule", where):
        rule = _checked_rule(each, where)
        if rule["id"] in rules:
            raise _wrong(where, f"rule {rule['id']}", "is there twice")
        rules[rule["id"]] = rule


def _checked_rule(each: Table, where: str) -> dict[str, Any]:
    identifier = each.get("id")
    if not isinstance(identifier, str) or not identifier.replace("-", "").isalnum():
        raise _wrong(where, "rule.id", "must be letters, digits and dashes")
    place = f"{where}: rule {identifier}"
    _refuse_unknown(each, _RULE_KEYS, place)
    rule: dict[str, Any] = {"id": f"{where}.{identifier}"}
    for key in ("effects", "places", "traits", "without", "programs", "targets"):
        rule[key] = _texts(each, key, place)
    for key in ("reason", "safer", "pattern"):
        rule[key] = _text(each, key, place)
    rule["decision"] = _one_of(each, "decision", DECISIONS[1:], place)
    rule["severity"] = _one_of(each, "severity", _SEVERITIES, place)
    rule["shadow"] = _flag(each, "shadow")
    _texts(each, "hits", place)
    _texts(each, "misses", place)
    for key, known in (("effects", EFFECTS), ("places", PLACES)):
        if unknown := [value for value in rule[key] if value not in known]:
            raise _wrong(place, key, f"does not know {unknown[0][:60]!r}; it knows {', '.join(known)}")
    if not rule["reason"]:
        raise _wrong(place, "reason", "is missing: one sentence on what would be lost")
    if not rule["effects"] and not rule["pattern"]:
        raise _wrong(place, "effects", "is missing, and there is no pattern")
    if rule["pattern"]:
        check_pattern(rule["pattern"], place)
    return rule


def check_pattern(pattern: str, where: str) -> None:
    """Refuse a pattern that the linear-time engine does not take.

    Raises:
        ConfigError: it is no RE2 pattern (which has no look-around and no back-references), or a huge one.
    """
    engine = regex_engine()
    try:
        engine.compile(pattern, regex_options())
    except engine.error as error:
        raise _wrong(where, "pattern", f"is not a regular expression as RE2 reads them ({error})") from None


def regex_engine() -> Any:
    """RE2, which takes time that grows with the text alone. It has no types, and is loaded where there is a pattern."""
    return import_module("re2")


def regex_options() -> Any:
    """How patterns of people are read: without a log of their errors, and never larger than 1 MiB."""
    options = regex_engine().Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    return options


def _commands(table: Table, where: str) -> list[Table]:
    found: list[Table] = []
    for number, each in enumerate(_tables(table, "command", where), start=1):
        place = f"{where}: command {number}"
        _refuse_unknown(each, _COMMAND_KEYS, place)
        lists = {key: _texts(each, key, place) for key in ("programs", "words", "when", "unless", "traits", "valued")}
        if not lists["programs"]:
            raise _wrong(place, "programs", "is missing")
        effect = _one_of(each, "effect", tuple(EFFECTS), place)
        found.append({**lists, "effect": effect, "reversible": _flag(each, "reversible")})
    return found


def _switch(rules: dict[str, dict[str, Any]], table: Table, owner: str, fixed: frozenset[str]) -> list[str]:
    """Apply `[switch]` and return the ids of what it named."""
    switches = table.get("switch", {})
    if not isinstance(switches, Mapping):
        raise _wrong(owner, "switch", "must be a table of rules and levels")
    named: list[str] = []
    for key, level in cast("Table", switches).items():
        chosen = [each for each in rules if each == key or each.startswith(f"{key}.")]
        if not chosen:
            raise _wrong(owner, f"switch.{key}", "names no rule and no pack; `agentops-mcp rules` lists them")
        if level not in _LEVELS:
            raise _wrong(owner, f"switch.{key}", f"must be one of {', '.join(_LEVELS)}")
        for identifier in chosen:
            _set_level(rules[identifier], level, only_stricter=identifier in fixed)
        named += chosen
    return named


def _set_level(rule: dict[str, Any], level: str, *, only_stricter: bool) -> None:
    present = "shadow" if rule["shadow"] else rule["decision"]
    if only_stricter and _LEVELS.index(level) < _LEVELS.index(present):
        return
    rule["shadow"] = level == "shadow"
    if level != "shadow":
        rule["decision"] = level


def _release(each: Table, owner: str) -> Table:
    place = f"{owner}: allow"
    _refuse_unknown(each, _ALLOW_KEYS, place)
    effects, targets = _texts(each, "effects", place), _texts(each, "targets", place)
    until = each.get("until", "")
    until = until.isoformat() if hasattr(until, "isoformat") else until
    if not effects or not targets:
        raise _wrong(place, "effects and targets", "must both say what is allowed")
    if unknown := [effect for effect in effects if effect not in EFFECTS]:
        raise _wrong(place, "effects", f"does not know {unknown[0][:60]!r}; it knows {', '.join(EFFECTS)}")
    if not (reason := _text(each, "reason", place)):
        raise _wrong(place, "reason", "is missing: why this is fine")
    if not isinstance(until, str) or not (until[:4].isdigit() and len(until) >= len("2026-01-01")):
        raise _wrong(place, "until", "must be the date on which this ends")
    return {"effects": effects, "targets": targets, "reason": reason, "until": until, "owner": owner}


def _tables(table: Table, key: str, where: str) -> list[Table]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in cast("list[object]", value)):
        raise _wrong(where, key, "must be tables")
    return cast("list[Table]", value)


def _texts(table: Table, key: str, where: str) -> list[str]:
    value = table.get(key, [])
    if isinstance(value, list) and all(isinstance(each, str) for each in cast("list[object]", value)):
        return cast("list[str]", value)
    raise _wrong(where, key, "must be a list of texts")


def _text(table: Table, key: str, where: str) -> str:
    value = table.get(key, "")
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise _wrong(where, key, f"must be a text of at most {_LONGEST} characters")
    return value


def _one_of(table: Table, key: str, known: Sequence[str], where: str) -> str:
    value = table.get(key)
    if value not in known:
        raise _wrong(where, key, f"must be one of {', '.join(known)}")
    return cast("str", value)


def _flag(table: Table, key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise _wrong("guardrails", key, "must be true or false")
    return value


def _refuse_unknown(table: Table, known: frozenset[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise _wrong(where, unknown[0][:60], f"is not known here; known are {', '.join(sorted(known))}")


def _wrong(where: str, key: str, what: str) -> ConfigError:
    return ConfigError(f"{where}: {key} {what}.", remedy="docs/reference/guardrails.md shows the form.")
