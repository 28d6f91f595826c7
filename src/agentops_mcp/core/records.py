"""The shared nouns: an event, who made it, and its canonical, hashed form."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any, Literal, cast

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
    via: Literal["mcp", "cli", "page", "elicitation"]
    """By a tool call, at the command line, on the page, or as a client's answer to what it was asked."""


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
        return replace(unsealed, hash=digest(unsealed))
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
    values = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    if set(values) != set(_FIELDS):
        raise IntegrityError("This record does not have the fields of an event.", remedy=remedy)
    for name, kind in _FIELDS.items():
        if not isinstance(values[name], kind) or (kind is int and isinstance(values[name], bool)):
            raise IntegrityError(f"The field {name!r} of this record has the wrong type.", remedy=remedy)
    event = Event(**values)
    try:
        # Deep nesting, NaN and lone surrogates have no canonical form; PostgreSQL's text cannot hold NUL.
        matches = digest(event) == event.hash and "\\u0000" not in one_line(event).replace("\\\\", "")
    except (ValueError, RecursionError):
        matches = False
    if not matches:
        raise IntegrityError(f"Event {event.id[:40]!r} does not match its hash or holds NUL.", remedy=remedy)
    if not _is_plausible(event):
        raise IntegrityError(f"Event {event.id[:40]!r} has an impossible id, number, time or actor.", remedy=remedy)
    return event


def _is_plausible(event: Event) -> bool:
    try:
        at = datetime.fromisoformat(event.at)
    except ValueError:
        return False
    return (
        is_id(event.id)
        and is_id(event.origin)
        and 0 < event.n < 2**53
        and at.tzinfo is not None
        and all(isinstance(event.actor.get(name), str) for name in ("client", "user", "via"))
    )


_FIELDS: dict[str, type | tuple[type, ...]] = {
    "id": str, "origin": str, "tracked": bool, "n": int, "stream": str, "kind": str, "at": str,
    "actor": dict, "session": (str, type(None)), "body": dict, "prev": str, "hash": str,
}  # fmt: skip


def _as_dict(event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in fields(event)}
