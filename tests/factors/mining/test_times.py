"""A time as people write it becomes the ledger's form, and nonsense is refused with what would do."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.times import since_of
from conftest import NOON


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  ", ""),
        ("2026-03-01", "2026-03-01T00:00:00.000000+00:00"),
        (" 2026-03-01 ", "2026-03-01T00:00:00.000000+00:00"),
        ("2026-03-01T10:30", "2026-03-01T10:30:00.000000+00:00"),
        ("2026-03-01T10:30:00+02:00", "2026-03-01T08:30:00.000000+00:00"),
        ("2026-03-01T10:30:00Z", "2026-03-01T10:30:00.000000+00:00"),
        ("7d", "2026-11-15T12:00:00.000000+00:00"),
        ("12h", "2026-11-22T00:00:00.000000+00:00"),
        ("90 min", "2026-11-22T10:30:00.000000+00:00"),
        ("2w", "2026-11-08T12:00:00.000000+00:00"),
        ("0d", "2026-11-22T12:00:00.000000+00:00"),
    ],
)
def test_a_time_is_understood(text: str, expected: str) -> None:
    assert since_of(text, NOON) == expected


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "7",
        "7x",
        "-7d",
        "7dd",
        "2026-13-01",
        "2026-02-30",
        "100000d",
        "\u0667d",
        "1e3d",
        "\0",
        "0001-01-01T00:00+23:00",
    ],
)
def test_nonsense_is_refused_with_a_form_that_would_do(text: str) -> None:
    with pytest.raises(InvalidInputError, match="is no time") as raised:
        since_of(text, NOON)
    assert "7d" in raised.value.remedy


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        found = since_of(text, NOON)
    except InvalidInputError:
        return
    assert not found or datetime.fromisoformat(found).tzinfo == UTC
