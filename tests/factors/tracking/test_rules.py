"""What makes an entry worth keeping."""

from dataclasses import replace
from typing import Any, cast

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.tracking.rules import (
    SIMILAR_FROM,
    Entry,
    bands,
    check_entry,
    check_message,
    normalize_tags,
    signature_words,
    similarity,
)

GOOD = Entry(
    "decision",
    "Keep the retry budget per host",
    "One slow host used up every attempt of the caller",
    "A token bucket for each host",
    "Retries multiply along a call chain",
    "5.0 to 1.1 calls for each request",
)


def with_parts(**parts: str) -> Entry:
    return replace(GOOD, **cast("dict[str, Any]", parts))


def test_a_complete_entry_has_no_warnings() -> None:
    assert check_entry(GOOD, learning="warn") == []


@pytest.mark.parametrize("context", ["", "   \n"])
def test_a_missing_context_is_refused(context: str) -> None:
    with pytest.raises(InvalidInputError, match="context is missing"):
        check_entry(with_parts(context=context), learning="warn")


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("action", "completed action"),
        ("action", "fix bug"),
        ("action", "Fixed the issue."),
        ("action", "made various improvements"),
        ("action", "WIP"),
        ("action", "…"),
        ("action", ""),
        ("context", "it was needed"),
        ("context", "bug"),
        ("solution", "fixed it"),
        ("learning", "works now"),
    ],
)
def test_generic_text_is_refused_with_an_example(part: str, text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_entry(with_parts(**{part: text}), learning="warn")
    assert part in caught.value.problem
    assert "Example:" in caught.value.remedy


@pytest.mark.parametrize(
    "action",
    [
        "Fixed login redirect",
        "Bump urllib3 to 2.8",
        "修复登录重定向",
        "ログイン後のリダイレクトを修正",
        "Исправлен редирект после входа",
        "rm -rf guard",
    ],
)
def test_specific_text_of_any_script_is_taken(action: str) -> None:
    assert check_entry(with_parts(action=action), learning="warn") == []


def test_a_missing_learning_warns_or_refuses_by_policy() -> None:
    assert check_entry(with_parts(learning=""), learning="warn") == ["no learning: what should the next agent know?"]
    with pytest.raises(InvalidInputError, match="learning is missing"):
        check_entry(with_parts(learning=""), learning="refuse")


def test_a_learning_without_a_learning_is_always_refused() -> None:
    with pytest.raises(InvalidInputError, match="learning is missing"):
        check_entry(with_parts(kind="learning", learning=""), learning="warn")


def test_a_missing_solution_warns_except_for_a_learning() -> None:
    assert check_entry(with_parts(solution=""), learning="warn") == ["no solution: what was done, and how?"]
    assert check_entry(with_parts(solution="", kind="learning"), learning="warn") == []


@pytest.mark.parametrize(
    ("impact", "warns"), [("", True), ("much faster", True), ("2 times faster", False), ("٣ خطوات", False)]
)
def test_an_impact_without_a_number_warns(impact: str, *, warns: bool) -> None:
    assert bool(check_entry(with_parts(impact=impact), learning="warn")) is warns


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        (["CI", "ci", "#ci"], ("ci",)),
        (["flaky test", "area/db"], ("area/db", "flaky-test")),
        (["数据库"], ("数据库",)),
        ([], ()),
    ],
)
def test_tags_are_normal_unique_and_sorted(given: list[str], normal: tuple[str, ...]) -> None:
    assert normalize_tags(given) == normal


@pytest.mark.parametrize("tag", ["", "-", "a" * 41, "../../x", "a\x1bb", "a,b", "x" * 100_000])
def test_what_is_not_a_tag_is_refused(tag: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a tag"):
        normalize_tags([tag])


def test_the_same_words_always_meet_and_unrelated_ones_do_not() -> None:
    words = signature_words(GOOD)
    assert set(bands(words)) == set(bands(frozenset(sorted(words, reverse=True))))
    other = signature_words(with_parts(action="Move CI to containers", solution="One image", learning="Pin the digest"))
    assert not set(bands(words)) & set(bands(other))
    assert all(0 <= key < 2**62 for key in bands(words))


def test_keys_never_change_between_versions() -> None:
    assert bands(frozenset({"retry", "budget"}))[:2] == (2587459036041921809, 3193942639054096313)


def test_an_entry_told_again_in_nearly_the_same_words_is_similar() -> None:
    again = with_parts(action="Keep a retry budget per host", learning="Retries multiply along any call chain")
    assert similarity(signature_words(GOOD), signature_words(again)) >= SIMILAR_FROM
    assert set(bands(signature_words(GOOD))) & set(bands(signature_words(again)))


def test_an_entry_without_words_has_no_keys() -> None:
    assert bands(frozenset[str]()) == ()
    assert similarity(frozenset[str](), frozenset[str]()) == 0.0


WHOLE = (
    "fix(retry): budget per host\n\nContext: outage\nSolution: bucket\nLearning: budget at contention\nImpact: 5 to 1\n"
)


@pytest.mark.parametrize(
    ("message", "findings"),
    [
        (WHOLE, 0),
        (WHOLE.replace("Context:", "## Context").replace("Impact:", "**Impact:**"), 0),
        ("# a comment of git's\n" + WHOLE, 0),
        (WHOLE.replace("Impact:", "# ------------------------ >8 ------------------------\nImpact:"), 1),
        ("Merge branch 'x'\n", 0),
        ('Revert "y"\n', 0),
        ("fixup! fix: z\n", 0),
        ("fix stuff\n", 5),
        ("feat!: drop v1\n\nContext: old\n", 3),
        ("", 5),
    ],
)
def test_a_commit_message_is_held_to_the_same_sections(message: str, findings: int) -> None:
    assert len(check_message(message)) == findings
