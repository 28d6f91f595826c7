"""What is said about the work is what git would say, at any moment, and cited files are named and hashed safely."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.storage import dirty
from agentops_mcp.storage.git import Completed, Git, discover
from agentops_mcp.storage.worktree import FileRef, RepoFacts, Worktree
from conftest import git


class CountingGit(Git):
    """git, with the number of times it was started."""

    started = 0
    before_status: Callable[[], object] | None = None

    def attempt(self, *args: str, stdin: bytes = b"", timeout_s: float = 20) -> Completed:
        self.started += 1
        if args[0] == "status" and self.before_status:
            self.before_status()
            self.before_status = None
        return super().attempt(*args, stdin=stdin, timeout_s=timeout_s)


def later_ns() -> int:
    """A clock for which every file was written long ago."""
    return time.time_ns() + 60 * 10**9


def worktree(path: Path, clock_ns: Callable[[], int] = later_ns) -> tuple[Worktree, CountingGit]:
    found = discover(path)
    assert found is not None
    runner = CountingGit(found)
    return Worktree(found, runner, root=path, clock_ns=clock_ns), runner


def commit(path: Path, message: str) -> None:
    git(path, "commit", "--quiet", "--allow-empty", "--message", message)


def test_a_clean_checkout_is_told_from_its_files_alone(repository: Path) -> None:
    work, runner = worktree(repository)
    head = git(repository, "rev-parse", "HEAD")
    assert work.facts() == RepoFacts("main", head, False, None)
    before = runner.started
    assert work.facts() == RepoFacts("main", head, False, None)
    assert runner.started == before


@pytest.mark.parametrize("pack", ["pack-refs", "gc"])
def test_a_packed_branch_is_read(repository: Path, pack: str) -> None:
    git(repository, pack, *(["--all"] if pack == "pack-refs" else ["--quiet"]))
    assert not (repository / ".git/refs/heads/main").exists()
    work, _ = worktree(repository)
    assert work.facts().head == git(repository, "rev-parse", "HEAD")
    commit(repository, "second")
    assert work.facts().head == git(repository, "rev-parse", "HEAD")
    git(repository, "pack-refs", "--all")
    assert work.facts().head == git(repository, "rev-parse", "HEAD")


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--detach")
    facts = worktree(repository)[0].facts()
    assert (facts.branch, facts.head) == (None, git(repository, "rev-parse", "HEAD"))


def test_a_branch_without_commits_has_no_head(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=topic/new")
    work, _ = worktree(tmp_path)
    assert work.facts() == RepoFacts("topic/new", None, False, None)
    (tmp_path / "a").write_text("a", encoding="utf-8")
    git(tmp_path, "add", "a")
    assert work.facts().dirty is True


def test_a_head_that_is_a_symbolic_link_is_left_to_git(repository: Path) -> None:
    head = repository / ".git/HEAD"
    head.unlink()
    head.symlink_to("refs/heads/main")
    facts = worktree(repository)[0].facts()
    assert (facts.branch, facts.head) == ("main", git(repository, "rev-parse", "HEAD"))


def test_a_bare_repository_has_a_head_but_is_neither_clean_nor_dirty(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    facts = worktree(tmp_path / "bare.git")[0].facts()
    assert facts == RepoFacts("main", git(repository, "rev-parse", "HEAD"), None, None)


def test_a_linked_worktree_has_its_own_branch_and_changes(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    (tmp_path / "linked" / "app.py").write_text("changed", encoding="utf-8")
    linked, main = worktree(tmp_path / "linked")[0].facts(), worktree(repository)[0].facts()
    assert (linked.branch, linked.dirty) == ("side", True)
    assert (main.branch, main.dirty) == ("main", False)


def test_without_a_repository_nothing_is_claimed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    work = Worktree(None, None, root=tmp_path)
    assert work.facts() == RepoFacts(None, None, None, None)
    assert work.dirty_files(5).total == 0
    assert work.resolve_commit("HEAD") is None
    assert work.hash_files(["a", "b"]) == [FileRef("a", "2e65efe2a145dda7ee51d1741299f848e5bf752e"), FileRef("b", None)]


def test_a_repository_that_breaks_makes_facts_unknown_not_an_error(repository: Path) -> None:
    work, _ = worktree(repository)
    (repository / ".git/index").write_bytes(b"not an index")
    assert work.facts().dirty is None
    (repository / ".git/HEAD").unlink()
    assert work.facts() == RepoFacts(None, None, None, None)


def _stage(path: Path) -> None:
    (path / "app.py").write_text("staged", encoding="utf-8")
    git(path, "add", "app.py")


def _move_aside(path: Path) -> None:
    (path / "pkg").rename(path / "moved")
    (path / "pkg").symlink_to("moved")


CHANGES: dict[str, Callable[[Path], object]] = {
    "written": lambda path: (path / "app.py").write_text("other", encoding="utf-8"),
    "same size": lambda path: (path / "app.py").write_text("print('hullo')\n", encoding="utf-8"),
    "deleted": lambda path: (path / "app.py").unlink(),
    "made executable": lambda path: (path / "app.py").chmod(0o755),
    "staged": _stage,
    "unstaged": lambda path: git(path, "rm", "--cached", "--quiet", "app.py"),
    "only in the index": lambda path: git(path, "update-index", "--chmod=+x", "app.py"),
    "reset softly": lambda path: git(path, "reset", "--quiet", "--soft", "HEAD~1"),
    "directory now a link": _move_aside,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_remembered_answer_never_outlives_a_change(repository: Path, change: str) -> None:
    (repository / "pkg").mkdir()
    (repository / "pkg/a.py").write_text("a\n", encoding="utf-8")
    git(repository, "add", ".")
    commit(repository, "second")
    work, _ = worktree(repository)
    assert work.facts().dirty is False
    assert work.facts().dirty is False
    CHANGES[change](repository)
    assert work.facts().dirty is bool(git(repository, "status", "--porcelain", "-uno"))
    assert work.facts().dirty is True
    git(repository, "reset", "--quiet", "--hard")
    assert work.facts().dirty is bool(git(repository, "status", "--porcelain", "-uno"))


def test_an_untracked_file_does_not_make_the_work_dirty(repository: Path) -> None:
    work, runner = worktree(repository)
    work.facts()
    before = runner.started
    (repository / "notes.txt").write_text("mine", encoding="utf-8")
    assert work.facts().dirty is False
    assert runner.started == before


def test_attributes_that_are_not_tracked_count(repository: Path) -> None:
    git(repository, "config", "filter.polite.clean", "sed s/hullo/hello/")
    (repository / "app.py").write_text("print('hullo')\n", encoding="utf-8")
    work, _ = worktree(repository)
    assert work.facts().dirty is True
    (repository / ".gitattributes").write_text("* filter=polite\n", encoding="utf-8")
    assert work.facts().dirty is bool(git(repository, "status", "--porcelain", "-uno")) is False
    (repository / ".gitattributes").unlink()
    assert work.facts().dirty is True


def test_an_answer_is_not_remembered_for_a_head_that_moved_while_git_was_asked(repository: Path) -> None:
    (repository / "app.py").write_text("second", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    second = git(repository, "rev-parse", "HEAD")
    git(repository, "reset", "--quiet", "--soft", "HEAD~1")
    work, runner = worktree(repository)
    runner.before_status = lambda: git(repository, "reset", "--quiet", "--soft", second)
    assert work.facts().dirty is False
    git(repository, "reset", "--quiet", "--soft", "HEAD~1")
    assert work.facts().dirty is True


def test_a_change_within_one_tick_of_the_clock_is_seen(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system that counts seconds, only that the time stamps were young tells."""

    def coarse(paths: Iterable[str]) -> list[tuple[int, ...] | None]:
        return [found and (*found[:3], *(ns // 10**9 * 10**9 for ns in found[3:])) for found in stamps_of(paths)]

    stamps_of = vars(dirty)["_stamps"]
    monkeypatch.setattr(dirty, "_stamps", coarse)
    work, _ = worktree(repository, time.time_ns)
    for number in range(10):
        (repository / "app.py").write_text("print('hello')\n", encoding="utf-8")
        assert work.facts().dirty is False, number
        (repository / "app.py").write_text("print('hullo')\n", encoding="utf-8")
        assert work.facts().dirty is True, number


def test_a_write_that_keeps_size_and_modification_time_is_seen(repository: Path) -> None:
    work, _ = worktree(repository)
    assert work.facts().dirty is False
    stat = (repository / "app.py").stat()
    (repository / "app.py").write_text("print('hullo')\n", encoding="utf-8")
    os.utime(repository / "app.py", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert work.facts().dirty is True


def test_only_the_commit_of_a_submodule_counts(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "--quiet", "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "part")
    commit(outer, "with a part")
    work, runner = worktree(outer)
    assert work.facts().dirty is False
    (outer / "part" / "app.py").write_text("inner dirt", encoding="utf-8")
    before = runner.started
    assert work.facts().dirty is False
    assert runner.started == before
    commit(outer / "part", "inner commit")
    assert work.facts().dirty is True


def test_more_files_than_are_worth_watching_are_left_to_git(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.storage.dirty._MAX_TRACKED", 0)
    work, runner = worktree(repository)
    assert work.facts().dirty is False
    assert work.facts().dirty is False
    assert runner.started == 2
    (repository / "app.py").unlink()
    assert work.facts().dirty is True


def test_a_clean_filter_of_the_repository_is_not_run_by_hashing(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    (repository / ".gitattributes").write_text("* filter=evil\n", encoding="utf-8")
    assert worktree(repository)[0].hash_files(["app.py"])[0].blob == git(repository, "rev-parse", "HEAD:app.py")
    assert not (tmp_path / "ran").exists()


def _conflict(path: Path, command: list[str]) -> None:
    git(path, "checkout", "--quiet", "-b", "side")
    (path / "app.py").write_text("side", encoding="utf-8")
    git(path, "commit", "--quiet", "--all", "--message", "side")
    git(path, "checkout", "--quiet", "main")
    (path / "app.py").write_text("main", encoding="utf-8")
    git(path, "commit", "--quiet", "--all", "--message", "main")
    with pytest.raises(subprocess.CalledProcessError):
        git(path, *command)


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        (["merge", "side"], "merge"),
        (["rebase", "side"], "rebase"),
        (["rebase", "--apply", "side"], "rebase"),
        (["cherry-pick", "side"], "cherry-pick"),
        (["revert", "HEAD~1", "side"], "revert"),
    ],
)
def test_what_is_under_way_is_named(repository: Path, command: list[str], operation: str) -> None:
    _conflict(repository, command)
    work, _ = worktree(repository)
    assert work.facts().operation == operation
    assert work.facts().dirty is True
    assert "conflicted" in [file.status for file in work.dirty_files(5).files]


def test_a_bisection_is_named(repository: Path) -> None:
    git(repository, "bisect", "start")
    assert worktree(repository)[0].facts().operation == "bisect"


def test_changed_files_are_listed_with_what_happened_to_them(repository: Path) -> None:
    for name in ("gone", "old name", "kept"):
        (repository / name).write_text(name * 50, encoding="utf-8")
    git(repository, "add", ".")
    commit(repository, "more")
    (repository / "app.py").write_text("changed", encoding="utf-8")
    (repository / "gone").unlink()
    git(repository, "mv", "old name", "new name")
    (repository / "fresh").write_text("fresh", encoding="utf-8")
    git(repository, "add", "fresh")
    os.close(os.open(os.fsencode(repository) + b"/odd\n\xff\x1b[31m", os.O_CREAT))
    work, _ = worktree(repository)
    listed = work.dirty_files(10)
    assert {file.path: file.status for file in listed.files} == {
        "app.py": "modified",
        "gone": "deleted",
        "new name": "renamed",
        "fresh": "added",
        "odd\\n\\udcff\\x1b[31m": "untracked",
    }
    assert listed.total == 5
    assert len(work.dirty_files(2).files) == 2
    assert work.dirty_files(2).total == 5


def test_files_are_named_from_the_root_and_hashed_as_git_does(repository: Path) -> None:
    (repository / "src").mkdir()
    (repository / "src/b.py").write_bytes(b"b\r\n")
    (repository / "link").symlink_to("/etc/passwd")
    (repository / "inside").symlink_to("src")
    work, _ = worktree(repository)
    asked = ["app.py", "./src/../src/b.py", str(repository / "src/b.py"), "inside/b.py", "link", "src/none", "app.py/x"]
    found = work.hash_files(asked)
    assert [ref.path for ref in found] == ["app.py", "src/b.py", "src/b.py", "src/b.py", "link", "src/none", "app.py/x"]
    expected = git(repository, "hash-object", "--no-filters", "src/b.py")
    assert [ref.blob for ref in found[1:4]] == [expected] * 3
    (repository / "target").write_text("/etc/passwd", encoding="utf-8")
    assert found[4].blob == git(repository, "hash-object", "--no-filters", "target")
    assert found[5:] == [FileRef("src/none", None), FileRef("app.py/x", None)]


def test_a_large_file_is_hashed_in_pieces(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.storage.blobs._WHOLE_BYTES", 1000)
    (repository / "large").write_bytes(os.urandom(3_000_000))
    expected = git(repository, "hash-object", "--no-filters", "large")
    assert worktree(repository)[0].hash_files(["large"]) == [FileRef("large", expected)]


@pytest.mark.parametrize(
    "path",
    [
        "../outside", "/etc/passwd", "out/secret", "out", "a/../../outside", "", ".", "sub", "sub/", "..", "x\0y",
        "x\ny", "\ud800", "pipe", "n" * 5000,
    ],
)  # fmt: skip
def test_a_path_that_leaves_the_project_or_is_no_file_is_refused(repository: Path, tmp_path: Path, path: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret").write_text("x", encoding="utf-8")
    (repository / "out").symlink_to(tmp_path / "elsewhere")
    (repository / "sub").mkdir()
    os.mkfifo(repository / "pipe")
    if path == "out":  # the link itself is a file of the project; what lies behind it is not
        assert worktree(repository)[0].hash_files([path])[0].blob
        return
    with pytest.raises(InvalidInputError) as caught:
        worktree(repository)[0].hash_files([path])
    assert caught.value.remedy


def test_a_commit_is_found_by_any_of_its_names(repository: Path) -> None:
    git(repository, "tag", "--annotate", "--message", "one", "v1")
    work, _ = worktree(repository)
    head = git(repository, "rev-parse", "HEAD")
    assert [work.resolve_commit(name) for name in ("HEAD", "main", "v1", head, head[:8])] == [head] * 5


@pytest.mark.parametrize(
    "name", ["", "none", "--all", "-h", "--git-dir", "HEAD:app.py", "main..main", "a\0b", "\ud800", "x" * 5000, "\n"]
)
def test_a_name_of_no_commit_is_no_commit(repository: Path, name: str) -> None:
    assert worktree(repository)[0].resolve_commit(name) is None
