"""Words of code: identifiers whole and in parts, in bytes and in text alike."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.core.words import parts_of, words_of
from agentops_mcp.factors.context.rules.terms import Found, find_terms, hash_of

# Each letter here is of another kind to the cutter, so that short texts meet every rule.
CODE = st.text(alphabet="abcABC019__$$ .\n-", max_size=60)
ASCII = st.text(alphabet=st.characters(max_codepoint=127), max_size=120)


def pairs(found: Found) -> list[tuple[int, int]]:
    return list(zip(found.offsets.tolist(), found.hashes.tolist(), strict=True))


def identifiers(text: str) -> Iterator[tuple[int, str]]:
    """Runs of letters and digits, joined by one or two underscores."""
    for match in re.finditer(r"[A-Za-z0-9]+(?:[_$]{1,2}[A-Za-z0-9]+)*", text):
        yield match.start(), match[0]


def parts_at(start: int, identifier: str) -> Iterator[tuple[int, str]]:
    at = 0
    for part in parts_of(identifier):
        at = identifier.lower().index(part, at)
        yield start + at, part
        at += len(part)


def slowly(text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """What `find_terms` is to find, one identifier at a time."""
    parts = [
        (at, hash_of(part))
        for start, identifier in identifiers(text)
        for at, part in parts_at(start, identifier)
        if len(part) > 1
    ]
    wholes = [(start, hash_of(identifier)) for start, identifier in identifiers(text) if len(parts_of(identifier)) > 1]
    return parts, wholes


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("getHTTPHeader", ["get", "http", "header"]),
        ("get_json", ["get", "json"]),
        ("__init__", ["init"]),
        ("MAX_SIZE", ["max", "size"]),
        ("sha256Sum", ["sha256", "sum"]),
        ("HTTP2Server", ["http2", "server"]),
        ("utf8", ["utf8"]),
        ("aB", ["a", "b"]),
        ("ABc", ["a", "bc"]),
        ("$scope", ["scope"]),
        ("Größe", ["größe"]),
        ("___", []),
        ("", []),
    ],
)  # fmt: skip
def test_an_identifier_is_cut_where_a_reader_would_cut_it(identifier: str, parts: list[str]) -> None:
    assert parts_of(identifier) == parts


def test_one_identifier_in_two_spellings_is_one_term() -> None:
    assert hash_of("get_json") == hash_of("getJSON") == hash_of("GetJson") == hash_of("$getJson_")
    assert hash_of("get_json") != hash_of("set_json")


def test_parts_and_whole_identifiers_are_found_where_they_start() -> None:
    parts, wholes = find_terms(b"x = get_json(self.httpHeader)")
    assert pairs(parts) == [
        (4, hash_of("get")),
        (8, hash_of("json")),
        (13, hash_of("self")),
        (18, hash_of("http")),
        (22, hash_of("header")),
    ]
    assert pairs(wholes) == [(4, hash_of("get_json")), (18, hash_of("httpHeader"))]


@pytest.mark.parametrize("text", [b"", b"   \n\t(){};", b"___$$$__", b"a b c\n"])
def test_where_there_is_no_word_of_two_letters_nothing_is_found(text: bytes) -> None:
    parts, wholes = find_terms(text)
    assert (pairs(parts), pairs(wholes)) == ([], [])


def test_three_underscores_part_two_identifiers() -> None:
    _, wholes = find_terms(b"ab__cd ab___cd")
    assert pairs(wholes) == [(0, hash_of("abcd"))]


def test_words_of_other_scripts_are_terms_too() -> None:
    parts, wholes = find_terms("größe = 数据_cache".encode())
    assert pairs(parts) == [(0, hash_of("größe")), (10, hash_of("数据")), (17, hash_of("cache"))]
    assert pairs(wholes) == [(10, hash_of("数据_cache"))]


@given(CODE)
def test_every_part_and_every_identifier_of_code_is_found_at_its_offset(text: str) -> None:
    parts, wholes = find_terms(text.encode())
    assert (pairs(parts), pairs(wholes)) == slowly(text)


@given(ASCII)
def test_every_part_and_every_identifier_of_any_ascii_text_is_found_at_its_offset(text: str) -> None:
    parts, wholes = find_terms(text.encode())
    assert (pairs(parts), pairs(wholes)) == slowly(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_and_offsets_ascend_inside_them(data: bytes) -> None:
    for found in find_terms(data):
        offsets = found.offsets.tolist()
        assert len(offsets) == len(found.hashes)
        assert offsets == sorted(set(offsets))
        assert all(0 <= offset < len(data) for offset in offsets)


def test_a_long_text_is_read_as_its_beginning_is() -> None:
    line = b"parse_header(rawBytes)\n"
    parts, wholes = find_terms(line * 20_000)
    assert pairs(parts)[-4:] == [(19_999 * len(line) + at, term) for at, term in pairs(find_terms(line)[0])]
    assert len(wholes.hashes) == 40_000


def test_words_are_identifiers_and_numbers_of_two_digits() -> None:
    text = "Fix HTTP2Server.run(x, 404) in 3 days: $scope, größe"
    assert [word[0] for word in words_of(text)] == [
        "Fix", "HTTP2Server", "run", "x", "404", "in", "days", "scope", "größe"
    ]  # fmt: skip


@given(st.text(max_size=80))
def test_each_part_of_a_word_has_the_hash_by_which_it_is_found(text: str) -> None:
    for word in words_of(text):
        if word[0].isascii():
            parts, _ = find_terms(word[0].encode())
            assert {hash_of(part) for part in parts_of(word[0]) if len(part) > 1} == set(parts.hashes.tolist())
