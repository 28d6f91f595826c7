"""The shared nouns: an event, who made it, and its canonical, hashed form."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from agentops_mcp.core.errors import IntegrityError, InvalidInputError
from agentops_mcp.core.ids import is_id

Json = Mapping[str, Any]
"""A JSON object: string keys; strings, integers, booleans, None, lists and objects as values."""

GENESIS = "0" * 64
"""The hash before the first event of a chain."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made an event, and through what: `client` is a program's name and version, `user` the OS account."""

    client: str
    user: str
    via: Literal["mcp", "cli"]


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before the ledger has given it an id, a time and a place in a chain.

    `tracked` events are knowledge and are mirrored to git; the others are telemetry and stay in the database.
    A draft whose stream is named after it brings its own `id`.
    """

    stream: str
    kind: str
    body: Json
    tracked: bool = True
    session: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One fact, immutable once written.

    `n` counts the events of one chain from 1: every origin (one database) has a chain of tracked events and
    one of local events. `hash` is SHA-256 over `canonical()` of all other fields, `prev` among them.
    """

    id: str
    origin: str
    tracked: bool
    n: int
    stream: str
    kind: str
    at: str
    actor: Json
    session: str | None
    body: Json
    prev: str
    hash: str


def seal(draft: Draft, *, event_id: str, origin: str, n: int, at: str, actor: Actor, prev: str) -> Event:
    """Give a draft its place in a chain and its hash.

    Raises:
        InvalidInputError: its text holds characters that are not Unicode.
    """
    unsealed = Event(
        id=event_id, origin=origin, tracked=draft.tracked, n=n, stream=draft.stream, kind=draft.kind, at=at,
        actor=asdict(actor), session=draft.session, body=draft.body, prev=prev, hash="",
    )  # fmt: skip
    try:
        return Event(**{**_as_dict(unsealed), "hash": digest(unsealed)})
    except UnicodeEncodeError as error:
        raise InvalidInputError(
            "The text holds half a surrogate pair, which is not Unicode.", remedy="Send it as valid UTF-8."
        ) from error


def digest(event: Event) -> str:
    """The hash this event must carry: SHA-256 in hex over its canonical form without the hash itself."""
    document = _as_dict(event)
    del document["hash"]
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def canonical(document: Json) -> str:
    """The one JSON text of a document: sorted keys, no white space, nothing escaped that need not be."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def readable(event: Event) -> str:
    """An event as the mirror and exports show it to people: indented JSON with a final newline."""
    return json.dumps(_as_dict(event), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def one_line(event: Event) -> str:
    """An event as one line of JSON Lines, without the line's end."""
    return canonical(_as_dict(event))


def parse_event(text: str | bytes) -> Event:
    """Read an event from JSON that may come from anywhere.

    Raises:
        IntegrityError: it is not an event, or its hash does not match its content.
    """
    remedy = "Take the record from its origin again; nothing was imported from this one."
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IntegrityError("This record is not valid JSON.", remedy=remedy) from error
    if not isinstance(document, dict) or set(document) != set(_FIELDS):
        raise IntegrityError("This record does not have the fields of an event.", remedy=remedy)
    for name, kind in _FIELDS.items():
        if not isinstance(document[name], kind) or (kind is int and isinstance(document[name], bool)):
            raise IntegrityError(f"The field {name!r} of this record has the wrong type.", remedy=remedy)
    event = Event(**document)
    if not is_id(event.id) or not is_id(event.origin):
        raise IntegrityError("The id or origin of this record is not a UUIDv7.", remedy=remedy)
    try:
        matches = digest(event) == event.hash
    except (ValueError, RecursionError):  # lone surrogates, NaN, nesting without end
        matches = False
    if not matches:
        raise IntegrityError(f"Event {event.id} does not match its hash: it was changed or damaged.", remedy=remedy)
    return event


_FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": str, "origin": str, "tracked": bool, "n": int, "stream": str, "kind": str, "at": str,
    "actor": dict, "session": (str, type(None)), "body": dict, "prev": str, "hash": str,
}  # fmt: skip


def _as_dict(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}
