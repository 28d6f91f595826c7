"""Encoded text is decoded when it is known, and marked as decoded in any case."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Stream
from agentops_mcp.factors.guardrails.rules.programs.filters_decode import outcome as decoded
from called import PROJECT, WORLD, call, effects, outcome

HIDDEN = "rm -rf /"
LOCAL = Stream(None, frozenset({"local"}), "f")


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("base64 -d", packed(HIDDEN)),
        ("base64 --decode", packed(HIDDEN)),
        ("base64 -D", packed(HIDDEN) + "\n"),
        ("base64 -di", packed(HIDDEN)),
        ("base64 --dec", packed(HIDDEN).rstrip("=")),
        ("base32 -d", base64.b32encode(HIDDEN.encode()).decode()),
        ("openssl base64 -d", packed(HIDDEN)),
        ("openssl enc -base64 -d -A", packed(HIDDEN)),
        ("xxd -r -p", HIDDEN.encode().hex()),
        ("xxd -ps -r", HIDDEN.encode().hex(" ")),
        ("xxd -plain -revert", HIDDEN.encode().hex()),
        ("rev", HIDDEN[::-1]),
        ("tr a-z n-za-m", "ez -es /"),
        ("tr 'A-Za-z' 'N-ZA-Mn-za-m'", "ez -es /"),
        ("rot13", "ez -es /"),
        ("caesar 13", "ez -es /"),
    ],
)
def test_known_text_is_decoded(line: str, text: str) -> None:
    assert outcome(decoded, line, text).output == Stream(HIDDEN, frozenset({"decoded"}))


@pytest.mark.parametrize(
    "line",
    [
        "base64 -d", "xxd -r", "rev", "tr a-z n-za-m", "gunzip -c", "zcat", "gzip -dc", "xz -d", "zstd -dc", "uudecode",
        "openssl enc -d -aes-256-cbc -k x", "openssl aes-256-cbc -d -k x", "gpg -d", "age --decrypt -i key",
    ],
)  # fmt: skip
def test_unknown_text_counts_as_decoded(line: str) -> None:
    assert outcome(decoded, line, LOCAL).output.taints == {"local", "decoded"}


@pytest.mark.parametrize(
    "line",
    ["base64", "xxd", "od -c", "hexdump -C", "tr a-z A-Z", "tr -d '\\r'", "tr ':' '\\n'", "gzip -c", "iconv -t utf-8"],
)
def test_other_changes_hide_nothing(line: str) -> None:
    assert "decoded" not in outcome(decoded, line, LOCAL).output.taints


@pytest.mark.parametrize(
    ("line", "text"), [("tr A-Z a-z", "RM"), ("tr '[:upper:]' '[:lower:]'", "RM"), ("tr -d x", "xrmx")]
)
def test_letters_are_translated(line: str, text: str) -> None:
    assert outcome(decoded, line, text).output == Stream("rm")


def test_a_secret_stays_one_when_it_is_encoded() -> None:
    found = outcome(decoded, "base64 .env")
    assert effects(found) == [f"read_secret {PROJECT}/.env environment"]
    assert "secret" in found.output.taints


def test_what_is_decoded_into_a_file_is_remembered() -> None:
    found = outcome(decoded, "base64 -d -o x.sh", packed(HIDDEN))
    assert effects(found) == [f"overwrite {PROJECT}/x.sh"]
    assert found.writes == ((f"{PROJECT}/x.sh", Stream(HIDDEN, frozenset({"decoded"}))),)


@pytest.mark.parametrize(
    "line", ["openssl req -new -key k", "openssl s_client -connect h:1", "gpg --list-keys", "age-keygen"]
)
def test_other_commands_of_the_same_programs_are_left_to_others(line: str) -> None:
    assert decoded(call(line), WORLD) is None


@given(st.text(max_size=60), st.sampled_from(["base64 -d", "base32 -d", "xxd -r -p", "xxd -r", "rev", "tr a-z b-za"]))
def test_any_text_is_taken(text: str, line: str) -> None:
    found = outcome(decoded, line, text)
    assert found.output.text is None or HOLE in text or isinstance(found.output.text, str)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_encoding_and_decoding_give_the_text_back(text: str) -> None:
    encoded = outcome(decoded, "base64", text).output
    assert not text or HOLE in text or outcome(decoded, "base64 -d", encoded).output.text == text
