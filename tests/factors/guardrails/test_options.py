"""Options and operands as getopt reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules.options import parse


@pytest.mark.parametrize(
    ("line", "valued", "options", "operands"),
    [
        ("-rf a", "", {"r": "", "f": ""}, "a"),
        ("a -r", "", {"r": ""}, "a"),
        ("-o out a", "o", {"o": "out"}, "a"),
        ("-oout a", "o", {"o": "out"}, "a"),
        ("-vo out a", "o", {"v": "", "o": "out"}, "a"),
        ("-o", "o", {"o": ""}, ""),
        ("--output=x a", "output", {"output": "x"}, "a"),
        ("--output x a", "output", {"output": "x"}, "a"),
        ("--force a", "output", {"force": ""}, "a"),
        ("-- -r a", "", {}, "-r a"),
        ("a -- -r", "", {}, "a -r"),
        ("-", "", {}, "-"),
        ("--output -r", "output", {"output": "-r"}, ""),
        ("--out -r", "output", {"out": "", "r": ""}, ""),
        ("--out x", "output", {"out": "x"}, "x"),
    ],
)
def test_options_and_operands_are_told_apart(line: str, valued: str, options: dict[str, str], operands: str) -> None:
    found = parse(line.split(), valued)
    assert dict(found.given) == options
    assert list(found.operands) == operands.split()


def test_long_options_may_be_short_for_others() -> None:
    found = parse(["--rec", "--f"])
    assert found.has("recursive")
    assert not found.has("force", "r")
    assert parse(["--fo"]).has("force")


def test_what_a_wrapper_runs_keeps_its_options() -> None:
    found = parse(["-n", "5", "rm", "-rf", "--", "x"], "n", operands_last=True)
    assert found.operands == ("rm", "-rf", "--", "x")
    assert found.values("n") == ("5",)


def test_long_options_may_begin_with_one_dash() -> None:
    found = parse(["-Path", "x", "-Recurse", "y"], "Path", single_dash=True)
    assert found.values("Path") == ("x",)
    assert found.operands == ("y",)


def test_values_come_in_order() -> None:
    assert parse(["-e", "1", "--expr=2", "-e3"], "e expr").values("e", "expr") == ("1", "2", "3")


@given(st.lists(st.text("-ab=", max_size=4), max_size=8))
def test_no_word_is_lost(words: list[str]) -> None:
    found = parse(words, "a bb")
    known = {part for name, value in found.given for part in (*name, *value)} | set("".join(found.operands))
    assert set("".join(words)) - set("-=") <= known
