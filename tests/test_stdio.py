"""Finding the id of a request that cannot be parsed, so that its sender gets the answer."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.stdio import id_in

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("id"), inner, max_size=3),
    max_leaves=8,
)
IDS = st.integers(-(10**17), 10**17) | st.text(st.characters(categories=["L", "N", "P"]), max_size=20)


@given(VALUES, IDS, VALUES, st.booleans(), st.booleans())
@settings(deadline=None, derandomize=True, database=None)
def test_the_id_is_found_wherever_it_stands_and_whatever_is_around_it(
    before: object, identifier: str | int, after: object, spaced: bool, escaped: bool
) -> None:
    document = {"params": before, "id": identifier, "method": after}
    text = json.dumps(document, separators=(" , ", " : ") if spaced else (",", ":"), ensure_ascii=escaped)

    assert id_in(text.encode("utf-8", "surrogatepass")[:-1] + b",}") == identifier


@pytest.mark.parametrize(
    "line",
    [
        b"", b"hello", b"[]", b'["id",1]', b'[{"id":1}]', b'{"params":{"id":1}}', b'{"id":null}', b'{"id":1.5}',
        b'{"id":true}', b'{"id":{"id":1}}', b'{"id":[1]}', b'{"id"', b'{"id":', b'{"id":"half', b'{"id":"\\ud800"}',
        b'{"id":"\xff"}',
        b'{"id":99999999999999999999}', b'{"a":"\\"id\\":1"}', b'{"a":"x\\\\","ID":1}', b"\xff\xfe\x00",
    ],
)  # fmt: skip
def test_what_is_no_id_is_not_taken_for_one(line: bytes) -> None:
    assert id_in(line) is None
