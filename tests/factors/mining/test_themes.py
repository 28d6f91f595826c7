"""A theme is said in the words its members share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.mining.rules.themes import MOST_WORDS, theme

LOCKS = [
    "The ledger lock timed out while two sessions were writing",
    "Locks of the ledger time out when a session writes for long",
    "ledger: lock timed out again",
]
OTHERS = [
    "The session writes a handoff",
    "Sessions of two agents",
    "Tests of the parser fail on Windows",
    "The parser hangs on an empty file",
]


def test_the_words_that_members_share_and_others_do_not_have_are_the_theme() -> None:
    assert set(theme(LOCKS, [*LOCKS, *OTHERS]).split()) >= {"ledger", "lock", "timed"}


@pytest.mark.parametrize("common", ["session", "the", "of", "writing"])
def test_words_that_stand_everywhere_or_mean_nothing_are_left_out(common: str) -> None:
    assert common not in theme(LOCKS, [*LOCKS, *OTHERS]).casefold().split()


def test_words_are_whole_and_in_the_order_they_are_written_in() -> None:
    texts = ["Retries of flaky_tests hide bugs", "Retrying flaky_tests hides a bug", "retry: flaky_tests hiding bugs"]
    assert theme(texts, [*texts, *OTHERS]) == "Retries flaky_tests hide bugs"


def test_an_identifier_is_named_once_not_once_for_each_part() -> None:
    texts = ["getHTTPHeader returns None", "None from getHTTPHeader", "getHTTPHeader gave None"]
    assert theme(texts, [*texts, *OTHERS]).split().count("getHTTPHeader") == 1


def test_what_fewer_members_have_is_a_detail_of_theirs() -> None:
    texts = [*LOCKS, "ledger lock timed out on zanzibar"]
    assert "zanzibar" not in theme(texts, [*texts, *OTHERS])


def test_a_theme_is_no_longer_than_six_words() -> None:
    text = "alpha bravo charlie delta echo foxtrot golf hotel"
    assert len(theme([text] * 3, [text] * 3 + OTHERS).split()) == MOST_WORDS


def test_members_without_a_word_in_common_are_named_after_the_first() -> None:
    texts = ["Docker builds crawl", "images take forever", "slow containers"]
    named = theme(texts, [*texts, *OTHERS]).split()
    assert len(named) == 2
    assert set(named) < set(texts[0].split())


@pytest.mark.parametrize("texts", [[], ["", ""], ["!?", "…"], ["the", "of"]])
def test_members_without_words_have_an_empty_theme(texts: list[str]) -> None:
    assert theme(texts, texts) == ""


def test_scripts_without_spaces_are_named_too() -> None:
    texts = ["数据库锁超时", "数据库锁又超时", "数据库锁超时了"]
    assert theme(texts, [*texts, *OTHERS])


@given(st.lists(st.text(max_size=40), max_size=8), st.lists(st.text(max_size=40), max_size=8))
def test_a_theme_is_short_and_of_one_line_for_any_texts(members: list[str], others: list[str]) -> None:
    named = theme(members, [*members, *others])
    assert len(named.splitlines()) <= 1
    assert len(named) <= MOST_WORDS * 41
