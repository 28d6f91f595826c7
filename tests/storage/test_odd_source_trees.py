"""What a checkout may be like besides ordinary: bare, broken, huge, outside git; each is listed, or said."""

import os
import sys
import time
from pathlib import Path

import pytest

from agentops_mcp.core.errors import GitError, InvalidInputError
from agentops_mcp.storage import blob_reader, source_tree
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.source_tree import Listing, SourceFile, SourceTree
from conftest import git
from source_trees import LIMIT, commit_all, contents, paths, tree_of, write


def test_before_the_first_commit_there_are_new_files_only(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    tree = tree_of(tmp_path)
    assert tree.list(None) == Listing(None, (), {}, ("This repository has no commit yet.",))
    write(tmp_path, "a.py", "a")
    write(tmp_path, "b.py", "b")
    git(tmp_path, "add", "a.py")
    assert contents(tree) == {"a.py": b"a", "b.py": b"b"}
    with pytest.raises(InvalidInputError):
        tree.list("HEAD")


def test_a_bare_repository_lists_its_head(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    write(tmp_path / "bare.git", "not_a_source_file.py")
    tree = tree_of(tmp_path / "bare.git")
    assert contents(tree) == contents(tree, "main") == {"app.py": b"print('hello')\n"}
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    assert tree_of(tmp_path / "empty.git").list(None).files == ()


def test_a_sha256_repository_is_read(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    write(tmp_path, "a.py", "a")
    head = commit_all(tmp_path)
    write(tmp_path, "b.py", "b")
    tree = tree_of(tmp_path)
    assert contents(tree) == {"a.py": b"a", "b.py": b"b"}
    assert tree.resolve("HEAD") == head
    assert [file.oid for file in tree.list(None).files] == [
        git(tmp_path, "hash-object", name) for name in ("a.py", "b.py")
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("name", [b"caf\xe9.py", b"two\nlines.py", b"\x1b[31m.py", "\u202eevil.py".encode()])
def test_a_name_that_can_not_be_shown_is_left_out(repository: Path, name: bytes) -> None:
    place = repository / os.fsdecode(name)
    place.write_bytes(b"x")
    tree = tree_of(repository)
    assert (paths(tree.list(None)), tree.list(None).unusable) == (["app.py"], {"unprintable name": 1})
    head = commit_all(repository)
    assert (paths(tree.list(head)), tree.list(head).unusable) == (["app.py"], {"unprintable name": 1})
    place.write_bytes(b"y")
    assert (paths(tree.list(None)), tree.list(None).unusable) == (["app.py"], {"unprintable name": 1})


def test_names_in_other_scripts_and_with_spaces_are_listed(repository: Path) -> None:
    write(repository, "größe/файл один.py")
    commit_all(repository)
    write(repository, "größe/二.py")
    assert paths(tree_of(repository).list(None)) == ["app.py", "größe/二.py", "größe/файл один.py"][:1] + sorted(
        ["größe/二.py", "größe/файл один.py"]
    )


def test_a_huge_file_costs_nothing(repository: Path) -> None:
    with (repository / "huge.bin").open("wb") as file:
        file.truncate(200 << 20)
    tree = tree_of(repository)
    started = time.perf_counter()
    listing = tree.list(None)
    assert listing.files[1] == SourceFile("huge.bin", "", 200 << 20, in_worktree=True)
    assert contents(tree)["huge.bin"] is None
    assert time.perf_counter() - started < 5


def test_files_above_the_limit_are_not_read(repository: Path) -> None:
    write(repository, "big.py", "x" * 2_000)
    head = commit_all(repository)
    write(repository, "new.py", "y" * 2_000)
    tree = tree_of(repository)
    assert contents(tree, None, 1_999) == {"app.py": b"print('hello')\n", "big.py": None, "new.py": None}
    assert contents(tree, head, 2_000)["big.py"] == b"x" * 2_000


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with a name")
def test_pipes_are_neither_listed_nor_waited_for(repository: Path) -> None:
    write(repository, "late.py")
    tree = tree_of(repository)
    listing = tree.list(None)
    (repository / "app.py").unlink()
    (repository / "late.py").unlink()
    for name in ("app.py", "late.py"):
        os.mkfifo(repository / name)
    late = listing.files[1]
    assert list(tree.read([late], limit_bytes=LIMIT)) == [(late, None)]
    assert paths(tree.list(None)) == []


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything is readable")
def test_a_file_without_permission_is_left_out(repository: Path) -> None:
    (repository / "app.py").write_text("changed", encoding="utf-8")
    (repository / "app.py").chmod(0)
    write(repository, "b.py")
    assert tree_of(repository).list(None).unusable == {"unreadable": 1}


def test_an_undecided_merge_is_read_from_disk_and_said(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "side")
    write(repository, "app.py", "side\n")
    commit_all(repository)
    git(repository, "checkout", "--quiet", "main")
    write(repository, "app.py", "main\n")
    commit_all(repository)
    with pytest.raises(Exception, match="merge"):
        git(repository, "merge", "side")
    tree = tree_of(repository)
    listing = tree.list(None)
    assert "one file undecided" in listing.notes[0]
    assert b"<<<<<<<" in (contents(tree)["app.py"] or b"")


def test_when_the_index_is_broken_head_is_listed_and_it_is_said(repository: Path) -> None:
    (repository / ".git/index").write_bytes(b"not an index")
    listing = tree_of(repository).list(None)
    assert paths(listing) == ["app.py"]
    assert "Only committed content" in listing.notes[0]


def test_a_repository_that_has_gone_is_an_error(repository: Path) -> None:
    tree = tree_of(repository)
    (repository / ".git").rename(repository / "aside")
    with pytest.raises(GitError):
        tree.list(None)


def test_a_commit_is_listed_once(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tree_of(repository)
    head = tree.resolve("HEAD")
    first = tree.list(head)
    monkeypatch.setattr(Git, "attempt", None)
    assert tree.list(head) is first


def test_only_the_latest_commits_are_remembered(repository: Path) -> None:
    commits: list[str] = []
    for number in range(8):
        write(repository, "app.py", str(number))
        commits.append(commit_all(repository))
    tree = tree_of(repository)
    for number, commit in enumerate(commits):
        assert contents(tree, commit) == {"app.py": str(number).encode()}
    assert len(tree._commits) == source_tree._KEPT_COMMITS  # pyright: ignore[reportPrivateUsage]


def test_a_changed_file_is_hashed_again_only_when_it_has_changed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[int] = []
    real = blob_reader.blob_id

    def counted(content: bytes, *, algorithm: str) -> str:
        hashed.append(len(content))
        return real(content, algorithm=algorithm)

    monkeypatch.setattr(blob_reader, "blob_id", counted)
    tree = tree_of(repository)
    write(repository, "new.py", "1")
    assert tree.list(None) == tree.list(None)
    assert hashed == [1]
    write(repository, "new.py", "22")
    assert tree.list(None).files[1].oid == git(repository, "hash-object", "new.py")
    assert hashed == [1, 2]


def test_a_flood_of_new_files_is_bounded_and_said(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_tree, "_MAX_FILES", 3)
    for number in range(5):
        write(repository, f"new_{number}.py")
    listing = tree_of(repository).list(None)
    assert len(listing.files) == 4
    assert "3 of 5 new files" in listing.notes[0]


def test_outside_git_the_folder_is_walked(tmp_path: Path) -> None:
    for name in ("b.py", "a/c.py", "a/d/e.py", ".hidden/x.py", "node_modules/x.js", "venv/x.py", "a/__pycache__/x.pyc"):
        write(tmp_path, name, name)
    write(tmp_path.parent, "outside.py", "secret")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "out.py").symlink_to(tmp_path.parent / "outside.py")
    tree = tree_of(tmp_path)
    listing = tree.list(None)
    assert listing.commit is None
    assert (paths(listing), listing.unusable) == (["a/c.py", "a/d/e.py", "b.py"], {"symbolic link": 2})
    assert "not in git" in listing.notes[0]
    assert contents(tree) == {name: name.encode() for name in paths(listing)}
    assert listing.files[2].oid == git(tmp_path, "hash-object", "b.py")
    with pytest.raises(InvalidInputError, match="not in a git repository"):
        tree.resolve("HEAD")


def test_outside_git_a_large_folder_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_tree, "_MAX_FILES", 3)
    for number in range(5):
        write(tmp_path, f"{number}.py")
    listing = tree_of(tmp_path).list(None)
    assert paths(listing) == ["0.py", "1.py", "2.py"]
    assert "first 3 files" in listing.notes[1]


def test_outside_git_a_folder_that_can_not_be_entered_is_passed(tmp_path: Path) -> None:
    write(tmp_path, "a.py")
    assert paths(tree_of(tmp_path).list(None)) == ["a.py"]
    assert SourceTree(None, None, root=tmp_path / "nowhere").list(None).files == ()
