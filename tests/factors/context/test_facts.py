"""What is known of a file from its bytes: read many at a time, as if each were read alone and line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.context.rules.facts import FileFacts, LineKind, decode, encode, read_facts
from agentops_mcp.factors.context.rules.terms import find_terms, hash_of

Plain = tuple[list[int], list[int], list[int], list[int], list[int]]

PIECES = ["import x", "getJSON(a_b)", "  # why", "\t})", "\n", "\r\n", " ", "é", "\0", "ab", "_", "#include <z>"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: "".join(pieces).encode())
CONTENTS = st.one_of(TEXTS, st.binary(max_size=60))


def plain(facts: FileFacts) -> Plain:
    return (
        facts.hashes.tolist(),
        facts.lines.tolist(),
        facts.widths.tolist(),
        facts.kinds.tolist(),
        facts.indents.tolist(),
    )


def read(content: bytes) -> FileFacts:
    (facts,) = read_facts([content])
    return facts


def kinds(text: str) -> list[LineKind]:
    return [LineKind(kind) for kind in read(text.encode()).kinds.tolist()]


def lines_of(content: bytes) -> list[bytes]:
    return [line + b"\n" for line in content.removesuffix(b"\n").split(b"\n")] if content else []


def terms_slowly(content: bytes) -> list[tuple[int, int]]:
    found = [(number, find_terms(line)) for number, line in enumerate(lines_of(content))]
    parts = [(number, term) for number, (parts, _) in found for term in parts.hashes.tolist()]
    return parts + [(number, term) for number, (_, wholes) in found for term in wholes.hashes.tolist()]


def test_a_file_has_its_terms_with_their_lines_and_what_each_line_is_like() -> None:
    assert plain(read(b"import os\n\n\n  runAll()")) == (
        [hash_of(word) for word in ("import", "os", "run", "all", "runAll")],
        [0, 0, 3, 3, 3],
        [10, 1, 1, 11],
        [LineKind.IMPORT, LineKind.BLANK, LineKind.BLANK, LineKind.CODE],
        [0, 0, 0, 2],
    )


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        (LineKind.BLANK, ["", "   ", "\t\f\v\r"]),
        (LineKind.IMPORT, ["import os", "from x import y", "  use std::io;", "using System;", "#include <a.h>",
                           "require 'set'", "Import-Module x"]),
        (LineKind.COMMENT, ["# why", "  // why", "/* why", " * why", "-- why", '"""Why."""', "'''", "#!/bin/sh"]),
        (LineKind.CLOSING, ["}", ");", "]", "  });", "})"]),
        (LineKind.CODE, ["x = 1", "})()", "/x/", "-1", "'a'", "importlib.reload(x)", "usage = 2", "é"]),
    ],
)  # fmt: skip
def test_a_line_is_of_a_kind_at_a_glance(kind: LineKind, lines: list[str]) -> None:
    assert {line: LineKind(found) for line, found in zip(lines, kinds("\n".join([*lines, ""])), strict=True)} == (
        dict.fromkeys(lines, kind)
    )


def test_an_indent_and_a_width_that_are_too_long_to_count_are_as_long_as_can_be() -> None:
    facts = read(b" " * 300 + b"x" * 70_000)
    assert (facts.indents.tolist(), facts.widths.tolist(), facts.line_count) == ([255], [65_535], 1)


def test_no_files_have_no_facts_and_an_empty_file_has_no_lines() -> None:
    assert list(read_facts([])) == []
    assert [each.line_count for each in read_facts([b"", b"", b"x", b""])] == [0, 0, 1, 0]
    assert plain(read(b"")) == ([], [], [], [], [])


def test_a_name_is_not_joined_to_the_next_files() -> None:
    first, second = read_facts([b"get_", b"json"])
    assert (first.hashes.tolist(), second.hashes.tolist()) == ([hash_of("get")], [hash_of("json")])


def test_files_of_any_size_are_read_as_each_alone() -> None:
    contents = [b"def get_json(x):\n" * count for count in (9_000, 1, 0, 15_000, 3)]
    assert [plain(each) for each in read_facts(contents)] == [plain(read(content)) for content in contents]


@given(st.lists(CONTENTS, max_size=6))
def test_many_files_together_have_the_facts_of_each_alone(contents: list[bytes]) -> None:
    assert [plain(each) for each in read_facts(contents)] == [plain(read(content)) for content in contents]


@given(CONTENTS)
def test_terms_stand_on_the_lines_a_slow_reader_finds_them_on(content: bytes) -> None:
    facts = read(content)
    assert list(zip(facts.lines.tolist(), facts.hashes.tolist(), strict=True)) == terms_slowly(content)
    assert facts.widths.tolist() == [len(line) for line in lines_of(content)]
    stripped = [line.lstrip(b" \t\r\n\v\f") for line in lines_of(content)]
    assert [kind == LineKind.BLANK for kind in facts.kinds.tolist()] == [not line for line in stripped]
    assert facts.indents.tolist() == [
        len(line) - len(rest) if rest else 0 for line, rest in zip(lines_of(content), stripped, strict=True)
    ]


@given(CONTENTS)
def test_what_is_encoded_is_decoded_as_it_was(content: bytes) -> None:
    facts = read(content)
    assert plain(decode(encode(facts))) == plain(facts)


@given(CONTENTS, st.data())
def test_stored_facts_that_were_cut_or_that_grew_are_refused(content: bytes, data: st.DataObject) -> None:
    stored = encode(read(content))
    damaged = data.draw(
        st.one_of(
            st.integers(0, len(stored) - 1).map(lambda size: stored[:size]),
            st.binary(min_size=1, max_size=12).map(lambda more: stored + more),
        )
    )
    with pytest.raises(ValueError, match=r"."):
        decode(damaged)


@given(st.binary(max_size=64))
def test_bytes_from_elsewhere_are_refused_or_are_facts(stored: bytes) -> None:
    try:
        facts = decode(stored)
    except ValueError:
        return
    assert encode(facts) == stored
