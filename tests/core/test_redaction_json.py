"""Documents are redacted in every string and key, and a value is judged by the key it stands under."""

import random
import string
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.core.redaction import redact_json

PASSWORD = "Tr0ub4" + "dor&3"


def drawn(length: int) -> str:
    """`length` characters, the same ones each time, some of them digits."""
    source = random.Random(length)
    return "7b2" + "".join(source.choices(string.ascii_letters + string.digits, k=length - 6)) + "4c9"


TOKEN = "gh" + "p_" + drawn(36)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=30),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=20,
    )
)
def test_a_document_without_secrets_is_equal_afterwards(document: Any) -> None:
    assert redact_json(document).document == document


def test_a_document_is_redacted_in_every_string_and_key() -> None:
    redacted = redact_json({"a": [1, None, True, f"x {TOKEN}", {"b": TOKEN}], TOKEN: {"c": 2.5}})
    assert redacted.document == {
        "a": [1, None, True, "x [redacted:github-token]", {"b": "[redacted:github-token]"}],
        "[redacted:github-token]": {"c": 2.5},
    }
    assert redacted.found == ("github-token",)


def test_a_value_is_judged_by_the_key_it_stands_under() -> None:
    document = {
        "password": PASSWORD, "apiKey": drawn(32), "next_page_token": drawn(32), "id": drawn(32),
        "credentials": [drawn(32)], "secret": {"name": "db-password-v2"}, "max_tokens": 5,
    }  # fmt: skip
    assert redact_json(document).document == document | {
        "password": "[redacted:password]", "apiKey": "[redacted:secret]", "credentials": ["[redacted:secret]"],
    }  # fmt: skip
    assert redact_json(document).found == ("password", "secret")


def test_a_forged_marker_under_a_telling_key_hides_no_secret() -> None:
    assert redact_json({"password": "[redacted:x]" + PASSWORD}).document == {"password": "[redacted:password]"}
    assert redact_json({"password": "[redacted:x]"}).document == {"password": "[redacted:x]"}


def test_keys_that_become_the_same_marker_lose_no_value() -> None:
    first, second = TOKEN, "gh" + "o" + TOKEN[3:]
    assert redact_json({first: 1, second: 2, "k": 3}).document == {
        "[redacted:github-token]": 1, "[redacted:github-token] 2": 2, "k": 3,
    }  # fmt: skip


def test_the_given_document_is_not_changed() -> None:
    document = {"password": [PASSWORD]}
    redact_json(document)
    assert document == {"password": [PASSWORD]}
