"""A diff leads from one text to the other, whatever their lines are, and at a bounded cost."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.core.text_diff import unified_diff
from conftest import git

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "d\r", "e\u2028", "-", "+x", "@@"]), max_size=30)


def text_of(lines: list[str], *, ends: bool) -> str:
    return "".join(f"{line}\n" for line in lines)[: None if ends else -1]


def applied(before: str, diff: str) -> str:
    """What a reader of unified diffs makes of it."""
    lines, made, at = before.split("\n"), [""] * 0, 0
    body = diff.split("\n")[2:-1]
    for place, line in enumerate(body):
        if line.startswith("@@ -"):
            start, _, count = line[4:].split(" ")[0].partition(",")
            upto = int(start) - (0 if count == "0" else 1)
            made += [f"{each}\n" for each in lines[at:upto]]
            at = upto
        elif line.startswith(("+", " ")):
            cut = body[place + 1 : place + 2] == ["\\ No newline at end of file"]
            made.append(line[1:] if cut else f"{line[1:]}\n")
        at += line.startswith(("-", " "))
    rest = "\n".join(lines[at:])
    return "".join(made) + rest


@settings(max_examples=200, deadline=None)
@given(before=LINES, after=LINES, ends=st.booleans(), other_ends=st.booleans())
def test_applied_to_the_old_text_a_diff_gives_the_new_one(
    before: list[str], after: list[str], *, ends: bool, other_ends: bool
) -> None:
    old, new = text_of(before, ends=ends), text_of(after, ends=other_ends)
    diff = unified_diff(old, new, "f")
    assert (diff == "") == (old == new)
    assert applied(old, diff) == new


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "one\ntwo\n"),
        ("one\ntwo\n", ""),
        ("one\ntwo", "one\ntwo\n"),
        ("\n".join(map(str, range(100))), "\n".join(map(str, [*range(40), "x", *range(41, 97), "y"]))),
        ("a\n" * 3_000 + "b\n" * 3_000, "b\n" * 3_000 + "c\n" * 3_000),
    ],
)
def test_git_takes_it_as_a_patch(before: str | None, after: str, repository: Path) -> None:
    file = repository / "f"
    if before is not None:
        file.write_text(before, encoding="utf-8", newline="")
    diff = unified_diff(before, after, "f")
    (repository / "patch").write_text(diff, encoding="utf-8", newline="")
    git(repository, "apply", "--whitespace=nowarn", "patch")
    assert file.read_text(encoding="utf-8") == after


def test_a_diff_that_lies_is_not_taken(repository: Path) -> None:
    (repository / "patch").write_text(unified_diff("other\n", "new\n", "app.py"), encoding="utf-8")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "apply", "patch")


def test_far_changes_stand_in_hunks_of_their_own() -> None:
    before = [f"{each}\n" for each in range(100)]
    after = ["x\n", *before[1:99], "y\n"]
    diff = unified_diff("".join(before), "".join(after), "f")
    assert diff.count("\n@@ ") == 2
    assert len(diff.splitlines()) < 20


def test_texts_of_many_different_lines_are_shown_as_replaced() -> None:
    before, after = (
        "".join(f"{sign} {each}\n" for each in range(3_000)) + "same\n" + sign * 3_000 for sign in ("-", "+")
    )
    diff = unified_diff(before, after, "f")
    assert " same" not in diff.split("\n")
    assert applied(before, diff) == after
