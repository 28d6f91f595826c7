import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from agentops_mcp.core.errors import IntegrityError, InvalidInputError
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import (
    GENESIS,
    Actor,
    Draft,
    Event,
    canonical,
    digest,
    one_line,
    parse_event,
    readable,
    seal,
)

ORIGIN = "01a2035e-4bbb-721f-8afd-65000fd1c2c2"
AGENT = Actor("agent 1.0", "ada", "mcp")


def event(body: dict[str, Any], **changes: Any) -> Event:
    """A sealed event with this body."""
    draft = Draft("entry/1", "entry.recorded", body, tracked=changes.pop("tracked", True))
    given: dict[str, Any] = {
        "event_id": "01a2035e-4daf-72c4-84cf-26677b72efac", "origin": ORIGIN, "n": 1,
        "at": "2026-11-22T12:00:00.000000+00:00", "actor": AGENT, "prev": GENESIS,
    }  # fmt: skip
    return seal(draft, **{**given, **changes})


def resealed(document: dict[str, Any]) -> str:
    """The JSON of a document with the hash it must then carry, as somebody who forges a record would write it."""
    rest = {name: value for name, value in document.items() if name != "hash"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return json.dumps({**rest, "hash": hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()})


def test_the_hash_is_sha_256_over_the_canonical_form_of_everything_else() -> None:
    """The format is fixed: another program can check it, and an older record stays valid."""
    sealed = event({"action": "Größe", "n": 1, "none": None, "list": [True, {"b": 1, "a": 2}]})
    assert sealed.hash == "6105a21302d63c483d9533b2d613d12f053b7defa7335e99724ca2a7db230e75"
    document = asdict(sealed)
    del document["hash"]
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sealed.hash == hashlib.sha256(text.encode()).hexdigest()


CHANGES: dict[str, dict[str, Any]] = {
    "id": {"event_id": new_id()}, "origin": {"origin": new_id()}, "tracked": {"tracked": False}, "n": {"n": 2},
    "time": {"at": "2026-11-22T12:00:00.000001+00:00"}, "actor": {"actor": replace(AGENT, user="eve")},
    "previous": {"prev": "1" * 64},
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_field_is_under_the_hash(change: dict[str, Any]) -> None:
    assert event({"a": 1}, **change).hash != event({"a": 1}).hash


def test_the_canonical_form_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": 1, "a": {"d": 2, "c": 3}}) == '{"a":{"c":3,"d":2},"b":1}'


def test_text_that_is_not_unicode_cannot_be_recorded() -> None:
    with pytest.raises(InvalidInputError, match="half a surrogate pair"):
        event({"action": "\ud800"})


@pytest.mark.parametrize("written", [one_line, readable])
def test_an_event_is_read_back_as_it_was_written(written: Callable[[Event], str]) -> None:
    sealed = event({"action": "Größe\n漢字 \u2028 \U0001f680", "deep": [[[{}]]], "back": "\\u0000 as text"})
    assert parse_event(written(sealed)) == sealed
    assert parse_event(written(sealed).encode()) == sealed
    assert digest(sealed) == sealed.hash


def test_one_line_is_one_line_and_the_readable_form_is_many() -> None:
    sealed = event({"action": "one\ntwo\u2028three"})
    assert "\n" not in one_line(sealed)
    assert readable(sealed).endswith('"tracked": true\n}\n')


def changed(**fields: Any) -> dict[str, Any]:
    return {**asdict(event({"a": 1})), **fields}


NO_EVENTS = {
    "nothing": "",
    "not JSON": "{",
    "another value": "[]",
    "a missing field": json.dumps({name: value for name, value in changed().items() if name != "kind"}),
    "an unknown field": json.dumps(changed(extra=1)),
    "a wrong type": json.dumps(changed(stream=1)),
    "a truth value for a number": json.dumps(changed(n=True)),
    "a changed body": json.dumps(changed(body={"a": 2})),
    "a changed hash": json.dumps(changed(hash="0" * 64)),
    "an id of another kind": resealed(changed(id="1")),
    "an origin of another kind": resealed(changed(origin="here")),
    "a number before the first": resealed(changed(n=0)),
    "a number no database can hold": resealed(changed(n=2**60)),
    "no time": resealed(changed(at="yesterday")),
    "a time without a zone": resealed(changed(at="2026-11-22T12:00:00")),
    "an actor without a user": resealed(changed(actor={"client": "x", "via": "mcp"})),
    "an actor who is a number": resealed(changed(actor={"client": 1, "user": "x", "via": "mcp"})),
    "NUL in the text": resealed(changed(body={"a": "x\0y"})),
    "half a pair in the text": resealed(changed(body={"a": "\ud800"})),
    "no number": resealed(changed(body={"a": float("nan")})),
    "nesting without end": '{"a":' * 100_000,
    "nesting inside": json.dumps(changed()).replace('{"a": 1}', '{"a": ' + "[" * 5_000 + "]" * 5_000 + "}"),
}


@pytest.mark.parametrize("text", NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_what_is_no_event_or_was_changed_is_refused(text: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        parse_event(text)
    assert refused.value.remedy == "Take the record from its origin again; nothing was imported from this one."


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(IntegrityError, match="not valid JSON"):
        parse_event(b'{"a": "\xff"}')


def test_resealing_is_how_a_record_is_forged_and_alone_proves_nothing() -> None:
    """The tables above fail for the reason they name, not because `resealed` writes a wrong hash."""
    assert parse_event(resealed(changed(body={"a": 3}))).body == {"a": 3}
