"""What a brief says within its ceiling."""

from datetime import timedelta

import pytest

from agentops_mcp.factors.resume.rules.brief import SESSION_LIFETIME, Section, fit_brief, is_expired
from conftest import NOON


def words(text: str) -> int:
    return len(text.split())


def test_a_session_expires_at_the_end_of_its_lifetime() -> None:
    assert not is_expired(NOON, now=NOON + SESSION_LIFETIME - timedelta(microseconds=1))
    assert is_expired(NOON, now=NOON + SESSION_LIFETIME)


def test_what_fits_is_shown_whole() -> None:
    brief = fit_brief(["head"], [Section("list", ("a", "b"))], ["tail"], ceiling=100, count=words)
    assert brief == "head\nlist:\n- a\n- b\ntail"


def test_an_empty_section_is_not_mentioned() -> None:
    assert fit_brief(["head"], [Section("list", ())], ["tail"], ceiling=100, count=words) == "head\ntail"


@pytest.mark.parametrize("ceiling", [14, 18, 30, 60, 120])
def test_the_ceiling_holds_and_what_is_left_out_is_said(ceiling: int) -> None:
    sections = [Section("one", tuple(f"line {n}" for n in range(40))), Section("two", ("only",))]
    brief = fit_brief(["head"], sections, ["tail"], ceiling=ceiling, count=words)
    assert words(brief) <= ceiling
    assert brief.startswith("head\n")
    assert brief.endswith("\ntail")
    shown = brief.count("- line")
    assert f"one ({40 - shown} more left out):" in brief


def test_no_section_crowds_out_another() -> None:
    sections = [Section("long", tuple("x" for _ in range(100))), Section("short", ("kept",))]
    assert "- kept" in fit_brief([], sections, [], ceiling=40, count=words)
