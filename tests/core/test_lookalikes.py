# ruff: noqa: RUF001 - characters that look like others are what this file is about
"""What a person is shown before deciding: nothing hidden, and nothing that passes for something else."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.core.display import visible
from agentops_mcp.core.lookalikes import revealed


@pytest.mark.parametrize(
    "text",
    [
        "git push --force origin main\n\tdone", "привет мир, как дела", "Καλημέρα κόσμε", "你好，世界！（测试）",
        "サーバーを再起動", "한국어 test", "שלום עולם", "العربية ٣", "नमस्ते दुनिया", "Հայերեն",
        "café naïve İstanbul Straße Đà Nẵng",
        "e\u0301le\u0300ve", "🏳️‍🌈 👩‍👩‍👧 👋🏽‍♂️ ❤️ 1️⃣ ℹ️ ™️ ‼️", "क्‍ष", "“so” ‘it’ it’s — well\u2011known – 1–3",
        "tree ├── a │ b", "10 µs … ½ ² ① № §", "user_имя файл.py", "а у нас привет", "test用户name",
        "一 二", "日本語　本文",
    ],
)  # fmt: skip
def test_honest_text_stays_as_it_is(text: str) -> None:
    assert revealed(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("p\u0430ypal", "p\\u0430ypal"), ("прив\u0065т", "прив\\u0065т"), ("nam\u0435_x", "nam\\u0435_x"),
        ("\u0440\u0430\u0443\u0440\u0430l", "\\u0440\\u0430\\u0443\\u0440\\u0430l"), ("\u03bfrigin", "\\u03bfrigin"),
        ("h\u0585st", "h\\u0585st"), ("\u13aadmin", "\\u13aadmin"), ("x\u0663", "x\\u0663"),
        ("καλ\u006f", "καλ\\u006f"),
    ],
)  # fmt: skip
def test_a_letter_of_another_script_inside_a_word_is_written_out(text: str, shown: str) -> None:
    assert revealed(text) == shown


@pytest.mark.parametrize(
    "text", ["\u0430\u0440\u0440\u04cf\u0435", "rm -rf \u0441\u043e\u0440\u0443", "/srv/\u0430/x нет", "x.\u043e нет"]
)
def test_a_word_that_is_read_as_latin_throughout_is_written_out_where_nothing_else_is_of_its_script(text: str) -> None:
    assert "\\u04" in revealed(text)


def test_a_line_in_another_script_does_not_excuse_the_next_one() -> None:
    assert revealed("нет\nrm \u0441\u043e") == "нет\nrm \\u0441\\u043e"


@pytest.mark.parametrize(
    "sign",
    "\u2215 \u2044 \uff0f \u29f8 \u037e \u0589 \u2024 \u2025 \ufe52 \u2236 \u2216 \u2217 \u223c \uff5c \uff04 \uff52 "
    "\U0001d42b \U0001d7d8 \u212a \u2170 \ufb01 \u017f \u0261 \u1d00 \u01c3 \u02cb \uff0c \u30ce \u00a0 \u2003 "
    "\u3000 \u1680 \u202f "
    "\u2800 \u3164 \u115f \u034f \u180b \ufe01 \ufe0f \u200b \u200c \u200d \u2060 \ufeff \u00ad \u202e \u2066 \u061c "
    "\U000e0041 \U000e0100 \x1b \x00 \r \x7f \x85 \u2028 \ue000 \uffff \u0378 \ud800".split(" "),
)  # fmt: skip
def test_what_is_hidden_or_passes_for_ascii_is_written_out(sign: str) -> None:
    code = ord(sign)
    escape = f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    assert revealed(f"a{sign}b") == f"a{escape}b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rm \u2010rf", "rm \\u2010rf"), ("git push \u2013-force", "git push \\u2013-force"),
        ("ls \u2014all", "ls \\u2014all"), ("x --no\u2011verify", "x --no\\u2011verify"),
        ("/etc/a\u2010b", "/etc/a\\u2010b"), ('"\u2212f"', '"\\u2212f"'),
    ],
)  # fmt: skip
def test_a_dash_that_is_read_as_the_hyphen_of_a_command_is_written_out(text: str, shown: str) -> None:
    assert revealed(text) == shown


def test_marks_piled_up_on_a_letter_are_written_out_after_the_fourth() -> None:
    assert revealed("a" + "\u0316" * 6) == "a" + "\u0316" * 4 + "\\u0316" * 2


@pytest.mark.parametrize("text", ["\u200d", "\ufe0f", "x\u200d🙂", "🙂\u200dx", "🙂\u200d", "\u200d🙂"])
def test_what_joins_nothing_is_written_out(text: str) -> None:
    assert not {"\u200d", "\ufe0f"} & set(revealed(text))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_is_unchanged(text: str) -> None:
    assert revealed(text) == text


@given(st.text())
def test_no_control_is_left_but_breaks_tabs_and_the_joiner(text: str) -> None:
    assert not {c for c in revealed(text) if unicodedata.category(c) in {"Cc", "Cf"}} - set("\n\t\u200d")


@given(st.text())
def test_everything_that_is_written_out_elsewhere_is_written_out_here(text: str) -> None:
    hidden = {character for character in text if visible(character) != character}
    assert not hidden & set(revealed(text))


@given(st.text(st.sampled_from("a\u0430 -/\u2010\u03bf1\u200d\ufe0f🙂一，\u0301\n\u094d")))
@settings(max_examples=500)
def test_unescaped_the_text_is_the_one_that_was_given(text: str) -> None:
    assert revealed(text).encode("ascii", "backslashreplace").decode("unicode_escape") == text
