"""Text becomes terms that full text can hold as they are, and code is found by its parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.mining.rules.terms import LONGEST_TEXT, as_written, terms

WRITTEN = st.text(max_size=200) | st.text(
    alphabet="aZ_9-./é ß時計ไทยआ\u0301\u0000🦀İſﬁ\u200dⅣ²٣'\"", max_size=60
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("retry_policy", ["retrypolicy", "retr", "polic"]),
        ("get_HTTPHeader", ["gethttpheader", "get", "http", "head"]),
        ("HttpClient", ["httpclient", "http", "client"]),
        ("__init__", ["init"]),
        ("src/net/retry.py", ["src", "net", "retr", "py"]),
        ("SQLSTATE 40P01", ["sqlstat", "40p01", "40", "p01"]),
        ("ERR_CONN_REFUSED", ["errconnrefused", "err", "con", "refus"]),
        ("E0308 TS2345", ["e0308", "ts2345"]),
        ("v1.24.3", ["v1", "24", "3"]),
        ("running ran", ["run", "ran"]),
        ("時計を", ["時計", "計を"]),
        ("時", ["時"]),
        ("pod時計x", ["時計", "pod", "x"]),
        ("Größe", ["gröss"]),
        ("\uff21\uff22\uff23", ["abc"]),
        ("İzmir", ["izmir"]),
        ("a\0b", ["b"]),
        ("🦀 🚀", []),
        ("", []),
        ("to be or not to be", []),
        ("x" * 500, ["x" * 64]),
    ],
)
def test_a_text_has_these_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("retryPolicy", "retry_policy"),
        ("RetryPolicy", "RETRY_POLICY"),
        ("migrations", "migration"),
        ("freezing", "freeze"),
        ("parseURL", "parse_url"),
        ("ﬁle", "file"),
    ],
)
def test_ways_of_writing_the_same_word_share_their_terms(one: str, other: str) -> None:
    assert terms(one) == terms(other)


@given(WRITTEN)
def test_a_term_is_letters_and_digits_in_lower_case_and_never_empty(text: str) -> None:
    for term in terms(text):
        assert term.isalnum()
        assert term == term.casefold()
        assert 0 < len(term) <= 64


@given(WRITTEN)
def test_every_term_comes_from_a_word_of_the_text(text: str) -> None:
    assert set(as_written(text)) == set(terms(text))


@given(WRITTEN, WRITTEN)
def test_terms_of_two_texts_are_those_of_both(one: str, other: str) -> None:
    assert terms(f"{one}\n{other}") == terms(one) + terms(other)


def test_the_word_as_it_was_written_is_known() -> None:
    assert as_written("Freezing retryPolicy") == {
        "freez": "Freezing", "retrypolicy": "retryPolicy", "retr": "retryPolicy", "polic": "retryPolicy"
    }  # fmt: skip


def test_what_stands_behind_the_limit_is_not_looked_at() -> None:
    assert terms("x" * LONGEST_TEXT + " behind") == ["x" * 64]
