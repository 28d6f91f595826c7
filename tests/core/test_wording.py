"""Which words of a text say something."""

from agentops_mcp.core.wording import count_informative_words, informative_words


def test_filler_is_no_information() -> None:
    assert informative_words("Fixed the bug and updated some things") == frozenset()
    assert informative_words("Fixed the Retry storm") == {"retry", "storm"}


def test_every_ideograph_counts_as_a_word() -> None:
    assert count_informative_words("数据库 lock") == 4
