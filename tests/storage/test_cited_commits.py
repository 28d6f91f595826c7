"""What became of HEAD and of cited commits."""

from pathlib import Path

import pytest

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.citations import CommitNow, HeadNow
from agentops_mcp.storage.worktree import FileRef
from citing import add, append, citations, commit_all, counted, head, told, write
from conftest import git


def test_a_bare_repository_has_commits_and_raw_files(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    work, first = citations(tmp_path / "bare.git"), head(repository)
    assert work.cite(["description", "none"])[1] == FileRef("none", None)
    assert work.files_now([FileRef("none", "1" * 40)], head_then=first)[0].state == "deleted"
    assert work.commits_now([first])[0].state == "in history"
    assert work.head_now(branch_then="main", head_then=first, files=[]) == HeadNow("main", first, True, True)


def test_a_branch_without_commits_has_no_history(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    write(tmp_path, "a")
    work = citations(tmp_path)
    refs = work.cite(["a"])
    (tmp_path / "a").rename(tmp_path / "b")
    assert told(work.files_now(refs, head_then=None)[0]) == ("renamed", "b")
    assert work.head_now(branch_then="main", head_then=None, files=["a"]) == HeadNow("main", None, False, False)
    assert work.head_now(branch_then=None, head_then="1" * 40, files=[]) == HeadNow("main", None, None, False)


def test_on_an_orphan_branch_everything_of_then_is_behind(repository: Path) -> None:
    then = commit_all(repository)
    git(repository, "checkout", "--quiet", "--orphan", "fresh")
    work = citations(repository)
    now = work.head_now(branch_then="main", head_then=then, files=["app.py"])
    assert now == HeadNow("fresh", None, True, True, ahead=0, behind=2)
    assert work.commits_now([then]) == [CommitNow(then, "left behind", "main")]


def test_head_is_seen_from_where_it_stood(repository: Path) -> None:
    write(repository, "a.py")
    then = commit_all(repository)
    work, runner = counted(repository)
    assert work.head_now(branch_then="main", head_then=then, files=["a.py"]) == HeadNow("main", then, True, True)
    assert runner.started == 0
    append("a.py")(repository)
    commit_all(repository)
    git(repository, "revert", "--no-edit", "HEAD")
    (repository / "app.py").rename(repository / "main.py")
    now = commit_all(repository)
    assert work.head_now(branch_then="main", head_then=then, files=["a.py", "app.py", "main.py", "b.py", "../x"]) == (
        HeadNow("main", now, True, True, ahead=3, behind=0, touched=("a.py", "app.py", "main.py"))
    )
    git(repository, "checkout", "--quiet", "--detach", then)
    git(repository, "branch", "--quiet", "-D", "main")
    assert work.head_now(branch_then="main", head_then=now, files=["a.py"]) == (
        HeadNow(None, then, False, True, ahead=0, behind=3)
    )


def test_what_a_side_branch_undid_and_what_a_merge_wrote_is_touched(repository: Path) -> None:
    for name in ("undone", "merged"):
        write(repository, name)
    then = commit_all(repository)
    git(repository, "checkout", "--quiet", "-b", "side")
    append("undone")(repository)
    commit_all(repository)
    git(repository, "revert", "--no-edit", "HEAD")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--no-commit", "side")
    append("merged")(repository)
    commit_all(repository, "merge")
    now = citations(repository).head_now(branch_then="main", head_then=then, files=["undone", "merged", "app.py"])
    assert (now.ahead, now.touched) == (3, ("undone", "merged"))


@pytest.mark.parametrize("how", ["rebase", "amend"])
def test_a_rewritten_commit_is_left_behind_for_its_successor(repository: Path, how: str) -> None:
    git(repository, "checkout", "--quiet", "-b", "topic")
    write(repository, "a.py")
    cited = commit_all(repository, "the one")
    if how == "amend":
        append("a.py")(repository)
        git(repository, "commit", "--quiet", "--all", "--amend", "--no-edit")
        new = head(repository)
    else:
        commit_all(repository, "another")
        git(repository, "checkout", "--quiet", "main")
        add(repository, "upstream.py")
        git(repository, "rebase", "--quiet", "main", "topic")
        new = git(repository, "rev-parse", "HEAD~1")
    assert citations(repository).commits_now([cited, new]) == [
        CommitNow(cited, "left behind", None, new),
        CommitNow(new, "in history"),
    ]


def test_a_commit_on_another_branch_is_named_with_it(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "side")
    cited = commit_all(repository)
    git(repository, "checkout", "--quiet", "main")
    commit_all(repository, "on main")
    assert citations(repository).commits_now([cited]) == [CommitNow(cited, "left behind", "side")]
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    assert citations(tmp_path / "clone").commits_now([cited]) == [CommitNow(cited, "left behind", "origin/side")]
    git(repository, "branch", "--quiet", "-D", "side")
    unknown = ["1" * 40, "HEAD", "--all", "", git(repository, "rev-parse", "HEAD:app.py")]
    assert citations(repository).commits_now([cited, *unknown]) == [
        CommitNow(cited, "left behind"),
        *(CommitNow(name, "unknown") for name in unknown),
    ]


def test_what_a_shallow_clone_lacks_is_unknown(repository: Path, tmp_path: Path) -> None:
    then = head(repository)
    write(repository, "a.py")
    commit_all(repository)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    work = citations(tmp_path / "shallow")
    assert work.commits_now([then]) == [CommitNow(then, "unknown")]
    assert work.head_now(branch_then="main", head_then=then, files=["a.py"]).known is False
    blob = git(repository, "rev-parse", "HEAD:a.py")
    assert told(work.files_now([FileRef("old.py", blob)], head_then=then)[0]) == ("renamed", "a.py")


def test_a_partial_clone_is_not_filled_up_by_looking(repository: Path, tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        write(repository, name)
    then = commit_all(repository)
    git(repository, "config", "uploadpack.allowFilter", "true")
    refs = citations(repository).cite(["a.py", "b.py"])
    git(repository, "mv", "a.py", "moved.py")
    git(repository, "mv", "b.py", "changed.py")
    append("changed.py")(repository)
    commit_all(repository)
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{repository}", "partial")
    missing = ("rev-list", "--objects", "--all", "--missing=print")
    before = git(tmp_path / "partial", *missing)
    work = citations(tmp_path / "partial")
    assert [told(now) for now in work.files_now(refs, head_then=then)] == [("renamed", "moved.py"), ("deleted", None)]
    assert work.commits_now(["1" * 40]) == [CommitNow("1" * 40, "unknown")]
    assert f"?{refs[1].blob}" in before
    assert git(tmp_path / "partial", *missing) == before


def test_commits_are_found_in_text_by_what_looks_like_an_id(repository: Path) -> None:
    ids = [head(repository), *(commit_all(repository, str(number)) for number in range(40))]
    wordy = next(oid for oid in ids if any(c.isdigit() for c in oid[:8]) and not oid[:8].isdigit())
    other = next(oid for oid in ids if oid != wordy)
    git(repository, "branch", "abc1234")
    git(repository, "tag", "--annotate", "--message", "x", "v1")
    tag, blob = git(repository, "rev-parse", "v1"), git(repository, "rev-parse", "HEAD:app.py")
    work = citations(repository)
    texts = [f"abc1234 deadbeef 1234567 {tag} {blob} {'1' * 40} x{other} {wordy[:8]}, ({other}).", f"again {wordy}"]
    assert work.named_commits(texts, limit=5) == [wordy, other]
    assert work.named_commits(texts, limit=1) == [wordy]
    assert work.named_commits(["no id"], limit=5) == []


def test_what_git_cannot_do_is_an_error(repository: Path) -> None:
    work, then = citations(repository), head(repository)
    refs = work.cite(["app.py"])
    later = commit_all(repository)
    (repository / ".git/index").write_bytes(b"not an index")
    (repository / "app.py").unlink()
    with pytest.raises(GitError):
        work.files_now(refs, head_then=then)
    (repository / "app.py").write_text("changed", encoding="utf-8")
    (repository / ".git/config").write_text("[broken", encoding="utf-8")
    with pytest.raises(GitError):
        work.files_now(refs, head_then=then)
    with pytest.raises(GitError):
        work.commits_now([later])
    with pytest.raises(GitError):
        work.head_now(branch_then=None, head_then=then, files=[])


def test_looking_up_unchanged_files_starts_git_rarely(repository: Path) -> None:
    names = [f"src/{number}.py" for number in range(20)]
    for name in names:
        write(repository, name)
    then = commit_all(repository)
    work, runner = counted(repository)
    refs = work.cite(names)
    before = runner.started
    assert {now.state for now in work.files_now(refs, head_then=then)} == {"same"}
    work.head_now(branch_then="main", head_then=then, files=names)
    assert runner.started == before
    commit_all(repository)
    work.files_now(refs, head_then=then)
    work.head_now(branch_then="main", head_then=then, files=names)
    assert runner.started == before + 2
