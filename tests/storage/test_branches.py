"""Where the work stands is said in one line that changes when it moves, and never by an error."""

from pathlib import Path

import pytest

from agentops_mcp.storage.branches import NOT_KNOWN, files_of, standing
from conftest import git


def test_the_branch_is_named_and_with_a_commit_where_it_stands(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    assert standing(str(repository), commit=False) == "main"
    assert standing(str(repository), commit=True) == f"main at {head}"
    git(repository, "switch", "--quiet", "--detach")
    assert standing(str(repository), commit=True) == f"no branch at {head}"


@pytest.mark.parametrize("word", ["topic/x", "+topic/x:main", "refs/heads/topic/x", "v1", "stash"])
def test_refs_that_a_word_names_are_told_with_their_commits(word: str, repository: Path) -> None:
    git(repository, "branch", "topic/x")
    git(repository, "tag", "v1")
    (repository / "app.py").write_text("more", encoding="utf-8")
    git(repository, "stash", "push", "--quiet")
    git(repository, "pack-refs", "--all")
    before = standing(str(repository), commit=True, words=["push", word])
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "more")
    for ref in ("refs/heads/topic/x", "refs/tags/v1", "refs/stash"):
        git(repository, "update-ref", ref, "HEAD")
    git(repository, "update-ref", "refs/heads/main", "HEAD~1")
    assert standing(str(repository), commit=True, words=["push", word]) != before


@pytest.mark.parametrize(
    "word", ["--force", "../../HEAD", "..", "", "x" * 5_000, "\0", "\ud800", "app.py", "refs/heads"]
)
def test_a_word_that_names_no_ref_changes_nothing(word: str, repository: Path) -> None:
    assert standing(str(repository), commit=True, words=[word]) == standing(str(repository), commit=True)


def test_outside_git_there_is_none_and_what_can_not_be_is_not_known(tmp_path: Path) -> None:
    assert (standing(str(tmp_path), commit=True), files_of(str(tmp_path), commit=True)) == ("", [])
    assert standing("/a\0b", commit=True) == NOT_KNOWN
    assert files_of("/a\0b", commit=True) == []


def test_the_files_by_which_a_move_is_seen(repository: Path) -> None:
    names = [Path(each).relative_to(repository).as_posix() for each in files_of(str(repository), commit=True)]
    assert names == [".git/HEAD", ".git/refs/heads/main"]
    assert [Path(each).name for each in files_of(str(repository), commit=False)] == ["HEAD"]
