"""A snapshot is written back byte for byte, or refused with nothing changed."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from agentops_mcp.core.errors import AgentOpsError, ConflictError, GitError, IntegrityError, NotFoundError
from conftest import git
from uncommitted_work import clear, commit, edited, kept, restorer, staged_and_edited, status, take, tree, untouched


def renamed(path: Path) -> None:
    (path / "plain.txt").write_text("plain\n" * 20, encoding="utf-8")
    commit(path)
    git(path, "mv", "app.py", "main.py")
    (path / "plain.txt").rename(path / "moved.txt")


def other_modes(path: Path) -> None:
    (path / "app.py").chmod(0o755)
    (path / "tool.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (path / "tool.sh").chmod(0o755)


def binary(path: Path) -> None:
    (path / "data.bin").write_bytes(bytes(range(256)) * 50)
    commit(path)
    (path / "data.bin").write_bytes(bytes(reversed(range(256))) * 50)
    (path / "new.bin").write_bytes(os.urandom(5_000))


def line_ends(path: Path) -> None:
    (path / ".gitattributes").write_text("* text=auto\n", encoding="utf-8")
    (path / "dos.txt").write_bytes(b"one\r\ntwo\r\n")
    commit(path)
    git(path, "config", "core.autocrlf", "true")
    (path / "dos.txt").write_bytes(b"one\r\nmixed\nthree\r\n")
    (path / "new.txt").write_bytes(b"a\r\nb\n")


def staged_line_ends(path: Path) -> None:
    line_ends(path)
    git(path, "add", "--all")


def staged_in_a_sparse_checkout(path: Path) -> None:
    for name in ("in", "out"):
        (path / name).mkdir()
        (path / name / "file.txt").write_text(f"{name}\n", encoding="utf-8")
    commit(path)
    (path / "out" / "file.txt").write_text("staged\n", encoding="utf-8")
    git(path, "add", "out/file.txt")
    git(path, "update-index", "--skip-worktree", "out/file.txt")
    (path / "out" / "file.txt").unlink()


def links(path: Path) -> None:
    (path / "link").symlink_to("app.py")
    (path / "file").write_text("a file\n", encoding="utf-8")
    commit(path)
    (path / "link").unlink()
    (path / "link").write_text("no link any more\n", encoding="utf-8")
    (path / "file").unlink()
    (path / "file").symlink_to("../outside/of/it")
    (path / "dangling").symlink_to("nowhere")


def strange_names(path: Path) -> None:
    for name in (b"caf\xe9.txt", b"two\nlines", b'quo"te\\d', b" leading", b"tab\there", "字.txt".encode()):
        (path / os.fsdecode(name)).write_bytes(b"content of " + name)


def empty_and_nested(path: Path) -> None:
    (path / "a" / "b" / "c").mkdir(parents=True)
    (path / "a" / "b" / "c" / "deep.txt").write_text("deep\n", encoding="utf-8")
    (path / "a" / "empty").write_bytes(b"")


def deleted(path: Path) -> None:
    (path / "folder").mkdir()
    (path / "folder" / "only.txt").write_text("x\n", encoding="utf-8")
    (path / "staged.txt").write_text("y\n", encoding="utf-8")
    commit(path)
    (path / "folder" / "only.txt").unlink()
    git(path, "rm", "--quiet", "staged.txt")


def folder_for_a_file(path: Path) -> None:
    (path / "thing").write_text("file\n", encoding="utf-8")
    (path / "place").mkdir()
    (path / "place" / "inner.txt").write_text("inner\n", encoding="utf-8")
    commit(path)
    (path / "thing").unlink()
    (path / "thing").mkdir()
    (path / "thing" / "inside.txt").write_text("now a folder\n", encoding="utf-8")
    shutil.rmtree(path / "place")
    (path / "place").write_text("now a file\n", encoding="utf-8")


def staged_then_deleted(path: Path) -> None:
    (path / "brief.txt").write_text("staged only\n", encoding="utf-8")
    git(path, "add", "brief.txt")
    (path / "brief.txt").unlink()


def kept_out_of_the_index(path: Path) -> None:
    git(path, "rm", "--quiet", "--cached", "app.py")


WORK = [
    edited, staged_and_edited, renamed, other_modes, binary, line_ends, staged_line_ends, links, strange_names,
    empty_and_nested, deleted, folder_for_a_file, staged_then_deleted, kept_out_of_the_index,
]  # fmt: skip


@pytest.mark.parametrize("work", WORK, ids=[each.__name__ for each in WORK])
def test_work_comes_back_byte_for_byte(repository: Path, work: Callable[[Path], None]) -> None:
    work(repository)
    before = untouched(repository)
    snapshot = take(repository)
    assert untouched(repository) == before
    clear(repository)
    assert tree(repository) != before["tree"] or status(repository) != before["status"]
    plan = restorer(repository).plan(kept(snapshot))
    assert restorer(repository).restore(kept(snapshot)) == plan
    assert tree(repository) == before["tree"]
    assert status(repository) == before["status"]


def test_what_is_staged_outside_a_sparse_checkout_is_kept_from_the_index(repository: Path) -> None:
    staged_in_a_sparse_checkout(repository)
    assert git(repository, "show", f"{kept(take(repository))}:out/file.txt") == "staged"


def test_everything_at_once_comes_back(repository: Path) -> None:
    for work in (renamed, binary, links, deleted, folder_for_a_file, strange_names, empty_and_nested):
        commit(repository, "before") if status(repository) else None
        work(repository)
        if work is renamed:
            git(repository, "mv", "main.py", "app.py")
    before = untouched(repository)
    snapshot = take(repository)
    assert untouched(repository) == before
    clear(repository)
    restorer(repository).restore(kept(snapshot))
    assert (tree(repository), status(repository)) == (before["tree"], before["status"])


def test_before_the_first_commit_files_are_kept(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "new")
    path = tmp_path / "new"
    (path / "a.txt").write_text("a\n", encoding="utf-8")
    git(path, "add", "a.txt")
    (path / "b.txt").write_text("b\n", encoding="utf-8")
    before = tree(path)
    snapshot = take(path)
    git(path, "rm", "--quiet", "--cached", "a.txt")
    git(path, "clean", "--quiet", "--force")
    restorer(path).restore(kept(snapshot))
    assert tree(path) == before


def test_a_sha256_repository_is_like_any_other(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--initial-branch=main", "other")
    path = tmp_path / "other"
    (path / "app.py").write_text("x\n", encoding="utf-8")
    commit(path)
    staged_and_edited(path)
    before = untouched(path)
    snapshot = take(path)
    assert snapshot.files[0].blob == git(path, "hash-object", "--no-filters", "app.py")
    clear(path)
    restorer(path).restore(kept(snapshot))
    assert (tree(path), status(path)) == (before["tree"], before["status"])


def test_a_linked_worktree_has_work_of_its_own(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    linked = tmp_path / "linked"
    edited(linked)
    snapshot = take(linked)
    assert take(repository, "two").commit is None
    clear(linked)
    restorer(linked).restore(kept(snapshot))
    assert (linked / "app.py").read_text(encoding="utf-8") == "print('changed')\n"


@pytest.mark.parametrize("how", ["--no-sparse-index", "--sparse-index"])
def test_what_a_sparse_checkout_leaves_out_is_not_deleted(repository: Path, how: str) -> None:
    for name in ("in", "out"):
        (repository / name).mkdir()
        (repository / name / "file.txt").write_text(f"{name}\n", encoding="utf-8")
    commit(repository)
    git(repository, "sparse-checkout", "set", "--cone", how, "in")
    (repository / "in" / "file.txt").write_text("changed\n", encoding="utf-8")
    before = untouched(repository)
    snapshot = take(repository)
    assert untouched(repository) == before
    assert [file.path for file in snapshot.files] == ["in/file.txt"]
    assert git(repository, "show", f"{snapshot.commit}:out/file.txt") == "out"
    git(repository, "reset", "--quiet", "--hard")
    restorer(repository).restore(kept(snapshot))
    assert tree(repository) == before["tree"]


def test_a_submodule_is_kept_by_its_commit_and_named(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "inner")
    (tmp_path / "inner" / "x.txt").write_text("x\n", encoding="utf-8")
    commit(tmp_path / "inner")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "inner"), "sub")
    commit(repository)
    (repository / "sub" / "x.txt").write_text("y\n", encoding="utf-8")
    assert take(repository).commit is None
    commit(repository / "sub")
    edited(repository)
    snapshot = take(repository, "two")
    assert {file.path: file.status for file in snapshot.files} == {"app.py": "modified", "sub": "modified"}
    git(repository, "checkout", "--quiet", "app.py")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update")
    plan = restorer(repository).restore(kept(snapshot))
    assert plan.submodules == ("sub",)
    assert (repository / "app.py").read_text(encoding="utf-8") == "print('changed')\n"


def test_a_conflicted_tree_is_kept_with_its_markers(repository: Path) -> None:
    git(repository, "switch", "--quiet", "--create", "other")
    (repository / "app.py").write_text("print('other')\n", encoding="utf-8")
    commit(repository)
    git(repository, "switch", "--quiet", "main")
    (repository / "app.py").write_text("print('main')\n", encoding="utf-8")
    commit(repository)
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "--quiet", "other")
    before = untouched(repository)
    snapshot = take(repository)
    assert untouched(repository) == before
    assert snapshot.files[0].status == "conflicted"
    assert "<<<<<<<" in git(repository, "show", f"{snapshot.commit}:app.py")
    with pytest.raises(ConflictError, match="A merge is under way"):
        restorer(repository).plan(kept(snapshot))


def test_a_moved_head_takes_changes_that_do_not_meet(repository: Path) -> None:
    lines = [f"line {n}\n" for n in range(40)]
    (repository / "long.txt").write_text("".join(lines), encoding="utf-8")
    commit(repository)
    (repository / "long.txt").write_text("".join(["first\n", *lines[1:]]), encoding="utf-8")
    git(repository, "add", "long.txt")
    edited(repository)
    snapshot = take(repository)
    clear(repository)
    (repository / "long.txt").write_text("".join([*lines[:-1], "last\n"]), encoding="utf-8")
    commit(repository)
    plan = restorer(repository).restore(kept(snapshot))
    assert {file.path: file.action for file in plan.files} == {"long.txt": "merge", "app.py": "write"}
    assert plan.staged == 0
    assert (repository / "long.txt").read_text(encoding="utf-8") == "".join(["first\n", *lines[1:-1], "last\n"])


def test_what_was_committed_meanwhile_is_present(repository: Path) -> None:
    edited(repository)
    (repository / "new.txt").write_text("new\n", encoding="utf-8")
    snapshot = take(repository)
    commit(repository)
    plan = restorer(repository).restore(kept(snapshot))
    assert {file.action for file in plan.files} == {"present"}
    assert status(repository) == b""


def test_an_untracked_file_with_the_same_content_is_no_obstacle(repository: Path) -> None:
    (repository / "new.txt").write_text("new\n", encoding="utf-8")
    snapshot = take(repository)
    restorer(repository).restore(kept(snapshot))
    assert (repository / "new.txt").read_text(encoding="utf-8") == "new\n"


def dirty_tree(path: Path) -> None:
    (path / "app.py").write_text("something else\n", encoding="utf-8")


def a_file_in_the_way(path: Path) -> None:
    (path / "new.txt").write_text("mine\n", encoding="utf-8")


def a_link_in_the_way(path: Path) -> None:
    (path / "folder").symlink_to("/tmp")


def an_ignored_file_in_the_way(path: Path) -> None:
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "exclude").write_text("new.txt\n", encoding="utf-8")
    (path / "new.txt").write_text("mine\n", encoding="utf-8")


def the_same_lines_changed(path: Path) -> None:
    (path / "app.py").write_text("print('another change')\n", encoding="utf-8")
    commit(path)


def the_file_deleted(path: Path) -> None:
    git(path, "rm", "--quiet", "app.py")
    commit(path)


REFUSED: list[tuple[Callable[[Path], None], str]] = [
    (dirty_tree, "The tree is not clean: app.py"),
    (a_file_in_the_way, "In the way (1 in all): new.txt"),
    (a_link_in_the_way, "In the way (1 in all): folder"),
    (an_ignored_file_in_the_way, "In the way (1 in all): new.txt"),
    (the_same_lines_changed, "In the way (1 in all): app.py"),
    (the_file_deleted, "In the way (1 in all): app.py"),
]


@pytest.mark.parametrize(("obstacle", "said"), REFUSED, ids=[row[0].__name__ for row in REFUSED])
def test_what_stands_in_the_way_is_named_and_nothing_is_changed(
    repository: Path, obstacle: Callable[[Path], None], said: str
) -> None:
    edited(repository)
    (repository / "new.txt").write_text("new\n", encoding="utf-8")
    (repository / "folder").mkdir()
    (repository / "folder" / "deep.txt").write_text("deep\n", encoding="utf-8")
    snapshot = take(repository)
    clear(repository)
    obstacle(repository)
    before = untouched(repository)
    for call in (restorer(repository).plan, restorer(repository).restore):
        with pytest.raises(ConflictError, match=re.escape(said)):
            call(kept(snapshot))
    assert untouched(repository) == before


def test_a_snapshot_of_another_clone_is_not_here(repository: Path) -> None:
    with pytest.raises(NotFoundError, match="is not in this clone"):
        restorer(repository).plan("1" * 40)


@pytest.mark.parametrize("name", ["HEAD", "main"])
def test_a_commit_of_somebody_else_is_no_snapshot(repository: Path, name: str) -> None:
    with pytest.raises(IntegrityError, match="is not a snapshot"):
        restorer(repository).plan(name)


@pytest.mark.parametrize("name", ["--output=x", "-h", "", "a\nb", "HEAD^{/x"])
def test_a_name_from_elsewhere_is_never_an_option(repository: Path, name: str) -> None:
    with pytest.raises(AgentOpsError):
        restorer(repository).plan(name)
    assert sorted(path.name for path in repository.iterdir()) == [".git", "app.py"]


def test_a_hostile_tree_is_refused(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    edited(repository)
    commit(repository)
    blob = git(repository, "rev-parse", "HEAD:app.py")
    listing = f"100644 blob {blob}\tconfig\n"
    inner = subprocess.run(["git", "mktree"], cwd=repository, input=listing, capture_output=True, text=True).stdout
    outer = f"040000 tree {inner.strip()}\t.GIT\n"
    made = subprocess.run(["git", "mktree"], cwd=repository, input=outer, capture_output=True, text=True).stdout.strip()
    forged = git(
        repository, "-c", "user.name=agentops-mcp", "-c", "user.email=agentops-mcp@localhost", "commit-tree", made,
        "-p", head, "-p", "HEAD", "-m", "Uncommitted work on main",
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="must not be written"):
        restorer(repository).restore(forged)


def test_a_write_that_fails_is_undone(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edited(repository)
    (repository / "new.txt").write_text("new\n", encoding="utf-8")
    (repository / "z.txt").write_text("z\n", encoding="utf-8")
    snapshot = take(repository)
    clear(repository)
    before = untouched(repository)
    replace, calls = Path.replace, list[Path]()

    def full(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == 3:  # and not when what was written is put back
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(GitError, match="No space left on device; nothing was restored"):
        restorer(repository).restore(kept(snapshot))
    assert untouched(repository) == before
