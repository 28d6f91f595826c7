"""A pattern's file: written for people, read back without loss, and refused by line where it is not understood."""

import contextlib
import string
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.markdown import MOST_BYTES, parse_markdown, to_markdown
from agentops_mcp.factors.mining.rules.patterns import (
    CATEGORIES,
    KINDS,
    MOST_CHARS,
    RELATION_KINDS,
    Pattern,
    Relation,
    check_limits,
)

WRITTEN = """\
---
title: 'Budget: retries per host'
kind: anti-pattern
category: guardrails
status: deprecated
reason: Replaced
successor: other-one
tags:
- ci
- 'no'
related:
- uses: token-bucket
- supersedes: retry-three-times
evidence:
- '1234567'
---

## Problem

One host
\\## Problem

## Forces

- A
- - B

## Implementation

```sh
# not a heading
```

## Consequences

### Benefits

- Less load

### Risks

- # none

## Known uses

- gRPC
"""
PATTERN = Pattern(
    name="a-pattern",
    title="Budget: retries per host",
    kind="anti-pattern",
    category="guardrails",
    problem="One host\n## Problem",
    forces=("A", "- B"),
    implementation="```sh\n# not a heading\n```",
    benefits=("Less load",),
    risks=("# none",),
    known_uses=("gRPC",),
    related=(Relation("uses", "token-bucket"), Relation("supersedes", "retry-three-times")),
    tags=("ci", "no"),
    evidence=("1234567",),
    status="deprecated",
    reason="Replaced",
    successor="other-one",
)
HEAD = "---\ntitle: T\nkind: pattern\ncategory: context\n---\n"


def test_a_pattern_is_written_as_readable_markdown() -> None:
    assert to_markdown(PATTERN) == WRITTEN


def test_what_was_written_is_read_back() -> None:
    assert parse_markdown("a-pattern", WRITTEN) == PATTERN


# Pieces that Markdown and YAML take for their own, in every combination.
_PIECES = st.sampled_from(
    [
        "## Problem", "# T", "\\## x", "\\\\# x", "##", " # x", "    # x", "#\tx", "### Benefits", "```", "```sh",
        "````", "~~~", "  ~~~ x", "---", "...", "- a", "* b", "1. c", "  - d", "\\", "", "", "\r\n", "\r", "\t", " ",
        "&a *a", "!tag", "title: x", "'", '"', "{", "[", "%", "@", "`", "|", ">", "#", "yes", "null", "1e3",
        "👩\u200d💻", "字", "\x85", "\u2028", "\ufeff", "\0", "\ud800", "\uffff", "\U0010ffff", "a: b", "a #b",
        "=", "<<",
    ]
)  # fmt: skip
_ONE_LINE = st.one_of(st.lists(_PIECES, max_size=4).map(" ".join), st.text(max_size=30))
_TEXT = st.one_of(st.lists(st.one_of(_PIECES, st.text(max_size=8)), max_size=8).map("\n".join), st.text(max_size=60))
_ITEMS = st.lists(_ONE_LINE, max_size=3).map(tuple)
_NAMES = st.from_regex(r"[a-z][a-z0-9-]{1,20}x", fullmatch=True)
_RELATIONS = st.lists(st.builds(Relation, st.sampled_from(RELATION_KINDS), _NAMES.map("z".__add__)), max_size=3)
_TAGS = st.lists(st.sampled_from(["ci", "No", "1e3", "字", "a/b", "0x1f", "12", "null"]), max_size=4).map(tuple)
_RECORDS = st.lists(st.text("0123456789abcdef", min_size=7, max_size=40), max_size=3).map(tuple)
_STATUS = st.one_of(
    st.just({"status": "active"}),
    st.fixed_dictionaries({"status": st.just("deprecated"), "reason": _ONE_LINE, "successor": st.just("z-next")}),
)


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    """Any pattern that can be made."""
    fields: dict[str, Any] = dict(draw(_STATUS))
    fields |= {name: draw(_TEXT) for name in ("problem", "context", "solution", "implementation")}
    fields |= {name: draw(_ITEMS) for name in ("forces", "benefits", "tradeoffs", "risks", "known_uses")}
    return Pattern(
        name="a-pattern",
        title=draw(_ONE_LINE.filter(str.strip)),
        kind=draw(st.sampled_from(KINDS)),
        category=draw(st.sampled_from(CATEGORIES)),
        related=tuple(draw(_RELATIONS)),
        tags=draw(_TAGS),
        evidence=draw(_RECORDS),
        **fields,
    )


@given(patterns())
@settings(deadline=None)
def test_any_pattern_survives_its_file(pattern: Pattern) -> None:
    written = to_markdown(pattern)
    read = parse_markdown("a-pattern", written)
    assert read == pattern
    assert to_markdown(read) == written
    assert parse_markdown("a-pattern", "\ufeff\n" + written.replace("\n", "\r\n")) == pattern


@given(st.lists(st.one_of(_PIECES, st.sampled_from(WRITTEN.split("\n"))), max_size=30).map("\n".join))
@settings(deadline=None)
def test_any_other_text_is_read_without_loss_or_refused(text: str) -> None:
    for given_text in (text, HEAD + text, f"---\n{text}\n---\n"):
        read = None
        with contextlib.suppress(InvalidInputError):
            read = parse_markdown("a-pattern", given_text)
        assert read is None or parse_markdown("a-pattern", to_markdown(read)) == read


def test_the_largest_pattern_fits_its_file_in_any_script() -> None:
    fields: dict[str, Any] = dict.fromkeys(("forces", "benefits", "tradeoffs", "risks"), ("𠀀" * 400,))
    largest = Pattern(
        name="a-pattern",
        title="\uffff" * 120,
        kind="pattern",
        category="context",
        solution="\U00020000" * 4_000,
        tags=tuple("\U00020000" * 38 + letter for letter in string.ascii_lowercase[:20]),
        evidence=tuple(f"{number:064x}" for number in range(50)),
        status="deprecated",
        reason="\uffff" * 400,
        related=tuple(Relation("alternative-to", f"{'x' * 57}{number}") for number in range(10, 20)),
        **fields,
    )
    check_limits(largest)
    assert parse_markdown("a-pattern", to_markdown(largest)) == largest
    assert MOST_CHARS * 4 < MOST_BYTES


@pytest.mark.parametrize(
    ("below", "fields"),
    [
        ("## problem\nx\n", {"problem": "x"}),
        ("##   SOLUTION  ##\n\n\n\nx\n\n\n", {"solution": "x"}),
        ("## Forces\n* a\n+ b\n1. c\n2) d\n", {"forces": ("a", "b", "c", "d")}),
        ("## Forces\n\n- a\n  goes on\n\n- b\nand on\n", {"forces": ("a goes on", "b and on")}),
        ("## Forces\n\nOne said in a sentence\nof two lines.\n\nAnother.\n", {
            "forces": ("One said in a sentence of two lines.", "Another.")
        }),
        ("## Forces\n\n  - a\n  - b\n\n---\n", {"forces": ("a", "b")}),
        ("## Consequences\n### trade-offs\n- a\n### RISKS ###\n- b\n", {"tradeoffs": ("a",), "risks": ("b",)}),
        ("# T\n\n## Problem\nx\n", {"problem": "x"}),
        ("## Problem\n### Own heading\n\n\\# x\n", {"problem": "### Own heading\n\n# x"}),
        ("## Known Uses\n- a\n", {"known_uses": ("a",)}),
        ("## Problem\n", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_what_a_person_wrote_is_read(below: str, fields: dict[str, Any]) -> None:
    expected = Pattern(name="abc", title="T", kind="pattern", category="context", **fields)
    assert parse_markdown("abc", HEAD + below) == expected


def test_the_title_may_be_the_heading_instead() -> None:
    read = parse_markdown("abc", "\n---\nkind: Pattern\ncategory: context\ntags:\n---\n\n# Don't: wait\n")
    assert read == Pattern(name="abc", title="Don't: wait", kind="pattern", category="context")


def test_plain_values_are_the_text_they_are_written_as() -> None:
    head = "---\ntitle: 2026-01-01\nkind: pattern\ncategory: context\ntags: [no, 010, 1e3]\nevidence: [0123456]\n---\n"
    read = parse_markdown("abc", head)
    assert (read.title, read.tags, read.evidence) == ("2026-01-01", ("010", "1e3", "no"), ("0123456",))


@pytest.mark.parametrize(
    ("added", "line", "problem"),
    [
        ("stage: standard", 5, "the stage is computed from evidence, never claimed"),
        ("name: x", 5, "named by its file"),
        ("author: me", 5, "the key 'author' is not known"),
        ("<<: x", 5, "the key '<<' is not known"),
        ("title: again", 5, "'title' is there twice"),
        ("tags: ci", 5, "tags must be a list"),
        ("tags: {a: b}", 5, "tags must be a list"),
        ("tags:\n- a\n- 'a,b'", 7, "'a,b' is not a tag"),
        ("tags:\n- [a]", 6, "a tag must be one text"),
        ("evidence:\n- soon", 6, "'soon' is no evidence"),
        ("related:\n- other", 6, "a relation must be `key: value`"),
        ("related:\n- uses: other\n- likes: other", 7, "'likes' is no relation"),
        ("related:\n- uses: No Name", 6, "'No Name' is no name for a pattern"),
        ("related:\n- uses: [a]", 6, "nested too deeply"),
        ("related:\n- uses: {a: {b: c}}", 6, "nested too deeply"),
        ("reason: [a]", 5, "reason must be one text"),
        ("? [a]\n: b", 5, "a key must be one text"),
        ("status: old", 5, "status cannot be 'old'"),
        ("reason: &a x", 5, "anchors and aliases"),
        ("reason: *a", 5, "anchors and aliases"),
        ("tags: &a []", 5, "anchors and aliases"),
        ("reason: !!python/object/apply:os.system [x]", 5, "tags of YAML"),
        ("reason: ! x", 5, "tags of YAML"),
        ("reason: a: b", 5, "this is not YAML"),
        ('reason: "x', 5, "this is not YAML"),
        ("reason: \x07", 5, "this is not YAML"),
        ('reason: "\\UFFFFFFFF"', 5, "this is not YAML"),
        ("...\n--- x", 6, "a second document begins"),
    ],
)  # fmt: skip
def test_front_matter_that_is_not_understood_is_refused_by_line(added: str, line: int, problem: str) -> None:
    head = HEAD.replace("\n---\n", f"\n{added}\n---\n")
    with pytest.raises(InvalidInputError) as caught:
        parse_markdown("abc", head)
    assert caught.value.problem.startswith(f"Line {line} of the pattern's file: ")
    assert problem in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("below", "line", "problem"),
    [
        ("text\n", 6, "this text is in no section"),
        ("\n# Another title\n", 7, "this title is not the one"),
        ("# T\n# T\n", 7, "this heading is of the first level"),
        ("## Problem\n# T\n", 7, "this heading is of the first level"),
        ("## Problems\n", 6, "there is no section 'Problems'"),
        ("##\n", 6, "there is no section ''"),
        ("## Problem\n\n## PROBLEM\n", 8, "the section Problem is there twice"),
        ("## Problem\n```\n## Solution\n", 7, "this code fence is not closed"),
        ("## Consequences\n- a\n", 7, "a benefit, a tradeoff or a risk"),
        ("## Consequences\n### Costs\n", 7, "there is no section 'Costs'"),
        ("## Consequences\n### Risks\n### risks\n", 8, "the section Risks is there twice"),
        ("## Forces\n- a\n  - b\n", 8, "a list has one level"),
        ("## Forces\n```\nx\n```\n", 7, "a list has only items"),
        ("## Forces\n### More\n", 7, "a list has only items"),
    ],
)
def test_a_section_that_is_not_understood_is_refused_by_line(below: str, line: int, problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_markdown("abc", HEAD + below)
    assert caught.value.problem.startswith(f"Line {line} of the pattern's file: ")
    assert problem in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a pattern begins with front matter"),
        ("# T\n", "a pattern begins with front matter"),
        ("---\ntitle: T\n", "the front matter has no end"),
        ("---\n---\n", "the front matter has no title"),
        ("---\n# only a comment\n---\n", "the front matter has no title"),
        ("---\ntitle: T\ncategory: context\n---\n", "the front matter has no kind"),
        ("---\ntitle: T\nkind: pattern\n---\n", "the front matter has no category"),
        ("---\n- title\n---\n", "front matter must be `key: value`"),
        (f"---\ntitle: {'x' * 17_000}\n---\n", "the front matter has 17,007 characters"),
        ("---\ntitle: ''\nkind: pattern\ncategory: context\n---\n", "title is missing"),
        (HEAD + "字" * 22_000, "larger than 64 KiB"),
        ("x" * 100_000, "larger than 64 KiB"),
        (HEAD + "## Problem\n" + "x" * 2_001, "problem: 2,001 characters, 1 too many"),
        (HEAD.replace("T", "t" * 121), "title: 121 characters, 1 too many"),
    ],
)
def test_a_file_that_is_no_pattern_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_markdown("abc", text)
    assert problem in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused_before_it_costs_anything(opening: str) -> None:
    with pytest.raises(InvalidInputError, match=r"nested too deeply|must be|not YAML"):
        parse_markdown("abc", f"---\n{opening * (16_000 // len(opening))}\n---\n")


def test_a_file_of_another_name_than_a_patterns_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="is no name for a pattern"):
        parse_markdown("README", HEAD)
