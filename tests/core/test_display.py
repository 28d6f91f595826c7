import pytest

from agentops_mcp.core.display import gist, visible

HIDDEN = {
    "an escape sequence": ("a\x1b[31mb", r"a\u001b[31mb"),
    "a carriage return": ("a\rb", r"a\u000db"),
    "a backspace": ("a\x08b", r"a\u0008b"),
    "NUL": ("a\0b", r"a\u0000b"),
    "an eight-bit control sequence": ("a\x9b2Jb", r"a\u009b2Jb"),
    "text turned around": ("a\u202eb", r"a\u202eb"),
    "an isolate": ("a\u2066b", r"a\u2066b"),
    "a space without width": ("a\u200bb", r"a\u200bb"),
    "a byte order mark": ("a\ufeffb", r"a\ufeffb"),
    "a soft hyphen": ("a\xadb", r"a\u00adb"),
    "a line separator": ("a\u2028b", r"a\u2028b"),
    "a tag character": ("a\U000e0041b", r"a\U000e0041b"),
    "half a pair": ("a\ud800b", r"a\ud800b"),
    "a private character": ("a\ue000b", r"a\ue000b"),
}


@pytest.mark.parametrize(("text", "shown"), HIDDEN.values(), ids=HIDDEN.keys())
def test_what_moves_the_cursor_or_hides_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown


@pytest.mark.parametrize("text", ["", "plain", "two\nlines", "a\ttab", "Größe 漢字 עברית", "👩\u200d🚀", "a\xa0b"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_gist_is_one_line() -> None:
    assert gist("  one\n\n two\tthree ", limit=40) == "one two three"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abcdef", "abcdef"), ("abcdefg", "abcde…"), ("abcd efgh", "abcd…"), ("a" * 10_000, "aaaaa…"), ("", "")],
)
def test_a_gist_is_never_longer_than_its_limit_and_shows_that_it_was_cut(text: str, expected: str) -> None:
    assert gist(text, limit=6) == expected


def test_a_gist_of_text_that_is_cut_before_it_ends_says_so() -> None:
    assert gist("a" + " " * 100 + "b", limit=6) == "a…"


def test_a_gist_hides_nothing_either() -> None:
    assert gist("a\x1bb", limit=20) == r"a\u001bb"
