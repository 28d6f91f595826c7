"""What searches delete, write and run."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.programs import find
from called import PROJECT, effects, outcome, runs

OF_ALL, OF_SOME = "[recursive,repeated]", "[filtered,recursive,repeated]"


@pytest.mark.parametrize(
    ("line", "paths", "filtered"),
    [
        ("find -delete", [PROJECT], False), ("find . -delete", [PROJECT], False),
        ("find src -type f -delete", ["src"], False),
        ("find / -name x -delete", ["/x"], True), ("find . -name '*.log' -delete", ["*.log"], True),
        ("find . -delete -name '*.log'", [PROJECT], False), ("find a b -delete", ["a", "b"], False),
        ("find . -name '*' -delete", [PROJECT], False), ("find . ! -name keep -delete", [PROJECT], False),
        ("find . -not -path './x' -delete", [PROJECT], False), ("find . -mtime +7 -delete", [HOLE], True),
        ("find . -name a -o -delete", [PROJECT], False), ("find . -name a -prune -o -type f -delete", [PROJECT], False),
        ("find . \\( -name '*.a' -o -name '*.b' \\) -delete", ["*.a", "*.b"], True),
        ("find . ! \\( -name a -o -name b \\) -delete", [PROJECT], False),
        ("find . \\( -name a -o -type f \\) -delete", [PROJECT], False),
        ("find -L -O3 -D tree src -delete", ["src"], False), ("find -f src -delete", ["src"], False),
        ("find -name --help -delete", ["--help"], True), ("find . -exec echo --help ';' -delete", [PROJECT], False),
        ("find . -newermt 2024-01-01 -delete", [HOLE], True), ("find -files0-from list -delete", [HOLE], False),
        ("find . -maxdepth 1 -regextype posix-egrep -delete", [PROJECT], False),
        ("find . -path './dist/*' -delete", ["dist"], True),
    ],
)  # fmt: skip
def test_what_a_search_deletes_is_told(line: str, paths: list[str], filtered: bool) -> None:
    found = outcome(find.outcome, line)
    expected = [
        each if each.startswith("/") or line.startswith("find -files0") else f"{PROJECT}/{each}" for each in paths
    ]
    assert [each.target for each in found.effects] == expected
    assert all(each.kind == "delete" and ("filtered" in each.traits) is filtered for each in found.effects)


@pytest.mark.parametrize(
    "line",
    ["find . -inum -delete -print", "find . -name -delete", "find . -exec echo -delete ';'", "find --help -delete",
     "find . -print",
     "find . -newer -delete", "find . -printf -delete", "find -name x -version -delete"],
)  # fmt: skip
def test_a_word_that_belongs_to_another_is_no_deletion(line: str) -> None:
    assert effects(outcome(find.outcome, line)) == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("find . -exec rm -rf {} +", [f"rm -rf . {OF_ALL}"]), ("find src -type f -exec rm {} ;", [f"rm src {OF_ALL}"]),
        ("find . -name '*.log' -exec rm {} ;", [f"rm ./*.log {OF_SOME}"]),
        ("find / -mtime +1 -execdir rm {} +", [f"rm /{HOLE} {OF_SOME}"]),
        ("find . -exec sh -c 'rm {}' ;", [f"sh -c rm . {OF_ALL}"]), ("find . -exec true ;", [f"true {OF_ALL}"]),
        ("find a b -exec rm {} +", [f"rm a {OF_ALL}", f"rm b {OF_ALL}"]),
        ("find . -exec echo {} + x ;", [f"echo . {OF_ALL}"]),
        ("find . -exec a ; -exec b ;", [f"a {OF_ALL}", f"b {OF_ALL}"]),
        ("fd -x rm", [f"rm . {OF_ALL}"]), ("fd x src -x rm", [f"rm src/{HOLE} {OF_SOME}"]),
        ("fd -e pyc -X rm -f", [f"rm -f ./*.pyc {OF_SOME}"]),
        ("fd . src -x rm {//}", [f"rm src {OF_ALL}"]), ("fd . --search-path src -x rm", [f"rm src {OF_ALL}"]),
    ],
)  # fmt: skip
def test_what_is_run_gets_what_is_found(line: str, expected: list[str]) -> None:
    assert runs(outcome(find.outcome, line)) == expected


def test_what_asks_first_is_marked() -> None:
    assert "interactive" in outcome(find.outcome, "find . -ok rm {} ;").runs[0].traits


@pytest.mark.parametrize("word", ["-fprint", "-fprint0", "-fls"])
def test_a_search_writes_its_list(word: str) -> None:
    assert effects(outcome(find.outcome, f"find . {word} list -print")) == [f"overwrite {PROJECT}/list"]


def test_what_is_printed_stands_for_what_is_found() -> None:
    assert outcome(find.outcome, "find src -type f").output.text == "src/*\n"
    assert outcome(find.outcome, "find / -name x -print0").output.text == "/x\0"
    assert outcome(find.outcome, "find . -printf 'rm %p'").output.text is None
    assert outcome(find.outcome, "fd -e py").output.text == "./*.py\n"


def test_many_folders_are_not_all_looked_at() -> None:
    found = outcome(find.outcome, "find " + " ".join(f"d{each}" for each in range(30)) + " -delete")
    assert found.effects[-1].kind == "unresolved"


@pytest.mark.parametrize(
    ("line", "hollow"),
    [
        ("find . -type d -empty -delete", True),
        ("find . -empty -type d -exec rmdir {} +", True),
        ("find . -type f -empty -delete", False),
        ("find . -type d -delete", False),
        ("find . -type d -empty -o -type f -delete", False),
        ("find . ! -empty -type d -delete", False),
    ],
)
def test_folders_with_nothing_in_them_are_told_from_others(line: str, hollow: bool) -> None:
    found = outcome(find.outcome, line)
    assert all(("empty" in each.traits) is hollow for each in (*found.effects, *found.runs))
