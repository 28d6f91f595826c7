"""The file of MCP's reference memory server: a graph of entities and relations as JSON Lines."""

import json
from dataclasses import dataclass, field
from typing import Any, cast

from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, Skipped, clean, nothing, pieces, tags_of, title_of

SOURCE = "memory-server"

_MOST_LINES = 100_000
_MOST_ENTITIES = 20_000
_MOST_ORIGIN = 300
_SNIFFED_LINES = 5


@dataclass(slots=True)
class _Entity:
    kind: str
    observations: dict[str, None] = field(default_factory=dict[str, None])
    relations: dict[str, None] = field(default_factory=dict[str, None])


@dataclass(slots=True)
class _Graph:
    entities: dict[str, _Entity] = field(default_factory=dict[str, _Entity])
    relations: list[tuple[int, str, str, str]] = field(default_factory=list[tuple[int, str, str, str]])


def is_memory_server(text: str) -> bool:
    """Whether one of the first lines is an entity or a relation."""
    lines = [line for line in clean(text[:100_000]).split("\n") if line.strip()][:_SNIFFED_LINES]
    return any(isinstance(_read(line), dict) for line in lines)


def parse_memory_server(path: str, text: str) -> Parsed:
    """An item for each entity, with what was observed of it and how it relates to others.

    An item's origin is the entity's name.
    """
    graph, skipped = _Graph(), list[Skipped]()
    for number, line in enumerate(clean(text).split("\n"), start=1):
        if number > _MOST_LINES:
            skipped.append(Skipped(path, f"has lines beyond its first {_MOST_LINES:,}"))
            break
        if not line.strip():
            continue
        record = _read(line)
        reason = record if isinstance(record, str) else _take(graph, number, record)
        if reason:
            skipped.append(Skipped(f"{path}:{number}", reason))
    skipped += [Skipped(f"{path}:{number}", "relates entities that are not there") for number in _relate(graph)]
    notes = [note for name, entity in graph.entities.items() for note in _notes(name, entity)]
    skipped += [Skipped(name[:_MOST_ORIGIN], "has no observation and no relation") for name in _silent(graph)]
    return Parsed(tuple(notes), tuple(skipped)) if notes or skipped else nothing(path, "has no text")


def _read(line: str) -> dict[str, Any] | str:
    """The record of a line, or why it is none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return "is not JSON"
    if not isinstance(record, dict):
        return "is neither an entity nor a relation"
    fields = cast("dict[str, Any]", record)
    needed = {"entity": ("name",), "relation": ("from", "to")}.get(str(fields.get("type"))[:20])
    if needed is None:
        return "is neither an entity nor a relation"
    if not all(isinstance(fields.get(key), str) and fields[key].strip() for key in needed):
        return f"has no {' and '.join(needed)}"
    return fields


def _take(graph: _Graph, number: int, record: dict[str, Any]) -> str:
    """Put a record into the graph; why not, or ""."""
    if record["type"] == "relation":
        kind = record.get("relationType")
        name = _text(kind) if isinstance(kind, str) and kind.strip() else "relates to"
        graph.relations.append((number, _text(record["from"]), name, _text(record["to"])))
        return ""
    observed = record.get("observations", [])
    if not isinstance(observed, list):
        return "has observations that are no list"
    name, kind = _text(record["name"]), record.get("entityType")
    if name not in graph.entities and len(graph.entities) == _MOST_ENTITIES:
        return f"is beyond the first {_MOST_ENTITIES:,} entities"
    entity = graph.entities.setdefault(name, _Entity(_text(kind) if isinstance(kind, str) else ""))
    said = [each for each in cast("list[Any]", observed) if isinstance(each, str) and each.strip()]
    entity.observations.update(dict.fromkeys(clean(each).strip() for each in said))
    return ""


def _relate(graph: _Graph) -> list[int]:
    """Give each entity its relations; the lines of those that have neither end."""
    loose: list[int] = []
    for number, source, kind, target in graph.relations:
        ends = [graph.entities.get(source), graph.entities.get(target)]
        for entity in filter(None, ends):
            entity.relations[f"{source} {kind} {target}"] = None
        if ends == [None, None]:
            loose.append(number)
    return loose


def _silent(graph: _Graph) -> list[str]:
    return [name for name, entity in graph.entities.items() if not entity.observations and not entity.relations]


def _notes(name: str, entity: _Entity) -> list[Note]:
    lines = [f"- {line}" for line in (*entity.observations, *entity.relations)]
    texts = pieces("\n".join(lines))
    title = title_of(f"{name} ({entity.kind})" if entity.kind else name)
    return [
        Note(
            source=SOURCE, origin=name[:_MOST_ORIGIN] if number == 1 else f"{name[:_MOST_ORIGIN]}#{number}",
            title=title, text=text, tags=tags_of([entity.kind]),
        )
        for number, text in enumerate(texts, start=1)
    ]  # fmt: skip


def _text(value: str) -> str:
    return " ".join(clean(value).split())
