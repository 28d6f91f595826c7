"""Whether a claim still holds, from what became of what it cites."""

from typing import get_args

import pytest

from agentops_mcp.factors.resume.rules import verdicts
from agentops_mcp.factors.resume.rules.verdicts import FRESH, FileState, Found, stale, unverifiable

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("state", "moved_to", "said"),
    [
        ("same", None, "FRESH"),
        ("changed", None, "STALE: a.py changed"),
        ("deleted", None, "STALE: a.py deleted"),
        ("renamed", "b.py", "STALE: a.py renamed to b.py, content unchanged"),
        ("renamed and changed", "b.py", "STALE: a.py renamed to b.py and changed"),
        ("created", None, "STALE: a.py did not exist, and does now"),
        ("still missing", None, "UNVERIFIABLE: a.py never existed"),
        ("unreadable", None, "UNVERIFIABLE: a.py cannot be read here"),
    ],
)
def test_a_file_is_judged_by_what_became_of_it(state: FileState, moved_to: str | None, said: str) -> None:
    assert str(verdicts.judge_file("a.py", state, moved_to)) == said


def test_the_gravest_verdict_wins_with_every_reason_for_it() -> None:
    both = verdicts.together([FRESH, stale("a changed"), unverifiable("c unknown"), stale("b deleted"), stale("d")])
    assert both is not None
    assert str(both) == "STALE: a changed; b deleted; 1 more"
    assert verdicts.together([FRESH, unverifiable("x")]) == unverifiable("x")
    assert verdicts.together([]) is None


@pytest.mark.parametrize(
    ("then", "now", "branch", "successor", "said"),
    [
        ("in history", "in history", None, None, "FRESH"),
        ("left behind", "left behind", "other", None, "FRESH"),
        ("left behind", "in history", None, None, "FRESH"),
        ("in history", "unknown", None, None, "UNVERIFIABLE: commit 0123456789ab is not in this clone"),
        ("in history", "left behind", "other", None, "STALE: commit 0123456789ab is on other, not in HEAD's history"),
        ("in history", "left behind", None, None, "STALE: commit 0123456789ab was rewritten"),
        ("in history", "left behind", None, "f" * 40, "STALE: commit 0123456789ab was rewritten as ffffffffffff"),
    ],
)
def test_a_commit_is_judged_by_where_it_is_now(
    then: verdicts.CommitState, now: verdicts.CommitState, branch: str | None, successor: str | None, said: str
) -> None:
    assert str(verdicts.judge_commit(COMMIT, then, now, branch=branch, successor=successor)) == said


def head(**changes: object) -> str:
    facts: dict[str, object] = {
        "branch": "main", "head": "a" * 40, "now_branch": "main", "now_head": "a" * 40, "branch_exists": True,
        "known": True, "ahead": 0, "behind": 0, "touched": (),
    }  # fmt: skip
    return str(verdicts.judge_head(**{**facts, **changes}))  # pyright: ignore[reportArgumentType]


MOVED = {"now_head": "b" * 40}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "FRESH", id="nothing"),
        pytest.param({**MOVED, "ahead": 1}, "STALE: HEAD moved by 1 commit", id="one commit"),
        pytest.param(
            {**MOVED, "ahead": 3, "touched": ("a.py", "b.py")},
            "STALE: HEAD moved by 3 commits, touching key files a.py, b.py",
            id="touching",
        ),
        pytest.param(
            {**MOVED, "ahead": 9, "touched": tuple("abcdefg")},
            "STALE: HEAD moved by 9 commits, touching key files a, b, c, d, e and 2 more",
            id="touching many",
        ),
        pytest.param(
            {**MOVED, "behind": 1}, "STALE: 1 commit of then is not in it", id="reset"
        ),
        pytest.param(
            {**MOVED, "ahead": 2, "behind": 2},
            "STALE: HEAD moved by 2 commits, 2 commits of then are not in it",
            id="rebased",
        ),
        pytest.param(
            {"now_branch": "other"}, "STALE: now on branch other, then on branch main", id="switched"
        ),
        pytest.param(
            {"now_branch": None, "branch_exists": False},
            "STALE: now on a detached HEAD, then on branch main; branch main is gone",
            id="branch gone",
        ),
        pytest.param(
            {"branch": None, "branch_exists": None}, "STALE: now on branch main, then on a detached HEAD", id="attached"
        ),
        pytest.param({"head": None}, "STALE: the first commit was made since", id="first commit"),
        pytest.param({"known": False}, "UNVERIFIABLE: commit aaaaaaaaaaaa of then is not in this clone", id="unknown"),
    ],
)  # fmt: skip
def test_the_place_is_judged_by_branch_and_history(changes: dict[str, object], said: str) -> None:
    assert head(**changes) == said


@pytest.mark.parametrize(
    ("state", "moved_to", "then", "now", "said"),
    [
        ("same", None, "alone", None, "FRESH"),
        ("same", None, "no", None, "UNVERIFIABLE: N was not found in f.py when it was saved"),
        ("changed", None, "beside its name", "beside its name", "FRESH"),
        ("changed", None, "beside its name", "alone", "STALE: the value of N is no longer in f.py"),
        ("changed", None, "alone", "alone", "FRESH"),
        ("changed", None, "alone", "no", "STALE: the value of N is no longer in f.py"),
        ("changed", None, "alone", None, "STALE: f.py changed"),
        ("deleted", None, "alone", None, "STALE: f.py deleted"),
        ("renamed", "g.py", "alone", "alone", "STALE: f.py renamed to g.py, the value is still there"),
        ("renamed and changed", "g.py", "alone", "no", "STALE: the value of N is no longer in g.py"),
        ("unreadable", None, "alone", None, "UNVERIFIABLE: f.py cannot be read here"),
    ],
)
def test_a_parameter_is_judged_by_whether_its_value_is_still_there(
    state: FileState, moved_to: str | None, then: Found, now: Found | None, said: str
) -> None:
    assert str(verdicts.judge_parameter("N", "f.py", state, moved_to, then=then, now=now)) == said


@pytest.mark.parametrize(
    ("text", "value", "found"),
    [
        ("RETRY_RATIO = 0.1\n", "0.1", "beside its name"),
        ("retry_ratio: 0.1", "0.1", "beside its name"),
        ("other = 0.1\nRETRY_RATIO = 0.2", "0.1", "alone"),
        ("RETRY_RATIO = 0.15", "0.1", "no"),
        ("RETRY_RATIO = 10.1", "0.1", "no"),
        ("RETRY_RATIO = v0.1.2", "0.1", "no"),
        ("wait 0.1.", "0.1", "alone"),
        ("", "0.1", "no"),
        ("KEY = '''a\nb'''", "a\nb", "alone"),
        ("x = [a-z]+(", "[a-z]+(", "alone"),
    ],
)
def test_a_value_is_found_as_a_whole_word(text: str, value: str, found: Found) -> None:
    assert verdicts.find_value(text, "server.RETRY_RATIO", value) == found
    assert found in get_args(Found)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("see src/a.py", True), ("src/a.py:12 has it", True), ("in `src/a.py`.", True), ("/srv/x/src/a.py", True),
        ("src/a.pyc", False), ("src/a.py.orig", False), ("src/a.py-old", False), ("my-src/a.py", False),
        ("lib/src/a.py", False), ("./src/a.py", True), ("Z:/src/a.py:3", True),
        (r"in src\a.py", True),
        ("src/b.py", False), ("src/a.py, then", True),
    ],
)  # fmt: skip
def test_a_claim_names_a_file_by_its_whole_path(text: str, names: bool) -> None:
    assert verdicts.cites(text, "src/a.py") is names


def test_a_claim_names_a_commit_by_any_abbreviation() -> None:
    assert verdicts.cites_commit("since 0123456 it works", COMMIT)
    assert not verdicts.cites_commit("since 012345 and x0123456", COMMIT)
    assert not verdicts.cites_commit("since 0123457", COMMIT)
