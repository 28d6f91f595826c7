"""A pattern's one form, its name, its limits and its body in the ledger."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.core.errors import IntegrityError, InvalidInputError
from agentops_mcp.factors.mining.rules.patterns import (
    ITEM_CHARS,
    LIMIT_CHARS,
    LIMIT_ITEMS,
    LISTS,
    MOST_CHARS,
    TEXTS,
    Pattern,
    Relation,
    check_limits,
    from_body,
    is_name,
    slug,
    text_of,
    to_body,
)

ENTRY = "0192f0c1-2345-7abc-8def-0123456789ab"
COMMIT = "4fb0daf"
GOOD = Pattern(
    name="retry-budget-per-host",
    title="Keep the retry budget per host",
    kind="pattern",
    category="guardrails",
    problem="One slow host uses up every attempt of the caller",
    context="Clients that call several hosts within one request",
    solution="Give each host a token bucket and stop retrying it when the bucket is empty",
    forces=("Retries help with short failures", "Retries multiply along a call chain"),
    implementation="```python\n# a bucket\nbucket.take()\n```",
    benefits=("Load stays bounded",),
    tradeoffs=("Some calls fail that a retry would have saved",),
    risks=("A bucket too small hides recovery",),
    known_uses=("gRPC retry throttling",),
    related=(Relation("uses", "token-bucket"), Relation("supersedes", "retry-three-times")),
    tags=("retry", "resilience"),
    evidence=(ENTRY, COMMIT),
)


def with_fields(**fields: object) -> Pattern:
    return replace(GOOD, **cast("dict[str, Any]", fields))


def with_body(**fields: object) -> dict[str, Any]:
    return to_body(GOOD) | fields


@pytest.mark.parametrize(
    "name", ["abc", "a1-b2", "a" * 60, "con-pattern", "a--b", "console", "1st-rule", "com", "com10"]
)
def test_a_short_plain_word_is_a_name(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "ab", "a" * 61, "-abc", "abc-", "Abc", "a b", "a_b", "a.b", "../a", "café", "abc\n", "con", "nul", "lpt1"],
)
def test_what_is_no_file_name_everywhere_is_no_name(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(InvalidInputError, match="is no name for a pattern"):
        with_fields(name=name)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Keep the retry budget per host", "keep-the-retry-budget-per-host"),
        ("  Don't: retry!  ", "don-t-retry"),
        ("Café", "cafe"),
        ("CI", "ci-pattern"),
        ("NUL", "nul-pattern"),
        ("word " * 30, "-".join(["word"] * 12)),
        ("x" * 200, "x" * 60),
    ],
)
def test_a_title_gives_a_readable_name(title: str, name: str) -> None:
    assert slug(title) == name


def test_titles_that_ascii_cannot_say_get_different_names() -> None:
    assert slug("修复 CI") != slug("缓存 CI")
    assert slug("修复 CI").startswith("ci-")


@given(st.text(max_size=200))
def test_any_title_gives_a_name(title: str) -> None:
    assert is_name(slug(title))
    assert slug(title) == slug(title)


def test_text_is_brought_into_one_form() -> None:
    made = with_fields(
        title="  Two\nlines ",
        problem="\r\n\n  first \r\n\r\nsecond\rthird\t\n \n",
        forces=(" a\nb ", "", "a b", "c"),
        tags=("#Flaky Test", "flaky-test", "CI"),
        evidence=(f"agentops://entry/{ENTRY}", ENTRY, COMMIT.upper()),
        related=(Relation("uses", "other"), Relation("uses", "other")),
    )
    assert made.title == "Two lines"
    assert made.problem == "  first\n\nsecond\nthird"
    assert made.forces == ("a b", "c")
    assert made.tags == ("ci", "flaky-test")
    assert made.evidence == (ENTRY, COMMIT)
    assert made.related == (Relation("uses", "other"),)


def test_hidden_characters_are_made_visible() -> None:
    made = with_fields(title="a\u202eb", solution="x\x1b[2Jy\u2028z\0", risks=("\ufeffr",))
    assert made.title == r"a\u202eb"
    assert made.solution == r"x\u001b[2Jy\u2028z\u0000"
    assert made.risks == (r"\ufeffr",)


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        ("```\nx", "```\nx\n```"),
        ("~~~~ sh\n```\n~~~", "~~~~ sh\n```\n~~~\n~~~~"),
        ("```\nx\n```` ", "```\nx\n````"),
        ("``` a`b", "``` a`b"),
        ("    ```", "    ```"),
        ("```\n``` x", "```\n``` x\n```"),
    ],
)
def test_a_code_fence_left_open_is_closed(text: str, closed: str) -> None:
    assert with_fields(solution=text).solution == closed


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"title": " "}, "title is missing"),
        ({"kind": "idea"}, "kind cannot be 'idea'"),
        ({"category": "misc"}, "category cannot be 'misc'"),
        ({"status": "old"}, "status cannot be 'old'"),
        ({"tags": ("a,b",)}, "'a,b' is not a tag"),
        ({"evidence": ("see above",)}, "'see above' is no evidence"),
        ({"evidence": ("abc",)}, "'abc' is no evidence"),
        ({"related": (Relation("uses", GOOD.name),)}, "is related to itself"),
        ({"reason": "old"}, "Only a deprecated pattern"),
        ({"successor": "other"}, "Only a deprecated pattern"),
        ({"status": "deprecated"}, "needs a reason or a successor"),
        ({"status": "deprecated", "successor": GOOD.name}, "cannot succeed itself"),
        ({"status": "deprecated", "successor": "../x"}, "is no name"),
    ],
)
def test_a_field_that_is_not_what_it_must_be_is_refused(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        with_fields(**fields)


@pytest.mark.parametrize(("kind", "name"), [("likes", "other"), ("uses", "No Name")])
def test_a_relation_needs_a_known_kind_and_a_name(kind: Any, name: str) -> None:
    with pytest.raises(InvalidInputError):
        Relation(kind, name)


def test_a_pattern_at_its_limits_passes() -> None:
    check_limits(with_fields(title="t" * LIMIT_CHARS["title"], forces=tuple("abc"), solution="s" * 4_000))


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        *(({field: "x" * (LIMIT_CHARS[field] + 1)}, rf"{field}: .* 1 too many") for field in ("title", *TEXTS)),
        ({"status": "deprecated", "reason": "x" * 401}, "reason: 401 characters, 1 too many"),
        *(({field: tuple(map(str, range(LIMIT_ITEMS[field] + 1)))}, rf"{field}: .* 1 too many") for field in LISTS),
        ({"risks": ("x" * (ITEM_CHARS + 1),)}, "an item of risks: 401 characters, 1 too many"),
        ({"tags": tuple(f"t{n}" for n in range(21))}, "tags: 21 items"),
        ({"evidence": tuple(f"{n:07x}" for n in range(51))}, "evidence: 51 items"),
        ({"related": tuple(Relation("uses", f"other-{n}") for n in range(31))}, "related: 31 items"),
        ({"implementation": "x" * 8_000, "solution": "x" * 4_000}, f"all fields together: .* {MOST_CHARS:,}"),
    ],
)  # fmt: skip
def test_what_is_over_a_limit_is_refused_with_the_excess(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(InvalidInputError, match=problem):
        check_limits(with_fields(**fields))


def test_a_body_gives_the_same_pattern_after_json() -> None:
    assert from_body(json.loads(json.dumps(to_body(GOOD)))) == GOOD


def test_a_body_longer_than_the_limits_is_read() -> None:
    """A secret that was replaced may have made it longer."""
    assert from_body(with_body(title="x" * 200)).title == "x" * 200


def test_what_else_a_body_holds_is_left_alone() -> None:
    assert from_body(with_body(session="abc")) == GOOD


@pytest.mark.parametrize(
    "fields",
    [
        {"title": 1},
        {"title": None},
        {"kind": "idea"},
        {"kind": []},
        {"name": "../../x"},
        {"forces": "text"},
        {"forces": [1]},
        {"forces": {"a": 1}},
        {"tags": [["a"]]},
        {"evidence": ["x"]},
        {"related": ["uses other"]},
        {"related": [{"kind": "uses"}]},
        {"related": [{"kind": "likes", "name": "other"}]},
        {"related": [{"kind": ["uses"], "name": "other"}]},
        {"status": True},
    ],
)
def test_a_body_that_is_no_pattern_is_an_integrity_error(fields: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="not a readable pattern"):
        from_body(with_body(**fields))


@pytest.mark.parametrize("field", sorted(to_body(GOOD)))
def test_a_body_without_one_of_its_fields_is_an_integrity_error(field: str) -> None:
    body = to_body(GOOD)
    del body[field]
    with pytest.raises(IntegrityError):
        from_body(body)


def test_a_pattern_is_found_by_its_words_and_not_by_its_ids() -> None:
    text = "\n".join((GOOD.title, text_of(GOOD), " ".join(GOOD.tags)))
    assert text.startswith(f"{GOOD.title}\n{GOOD.problem}\n")
    assert all(part in text for part in (*GOOD.forces, *GOOD.risks, *GOOD.known_uses, "resilience"))
    assert ENTRY not in text
