"""Which files of a commit and of the worktree are listed and read: never an ignored one, never one from elsewhere."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from agentops_mcp.core.errors import GitError, InvalidInputError
from agentops_mcp.storage.source_tree import Listing, SourceFile
from conftest import git
from source_trees import LIMIT, commit_all, contents, paths, tree_of, write


def test_a_clean_checkout_lists_what_git_tracks(repository: Path) -> None:
    write(repository, "src/b.py", "b\n")
    head = commit_all(repository)
    tree = tree_of(repository)
    expected = (
        SourceFile("app.py", git(repository, "rev-parse", "HEAD:app.py"), 15, in_worktree=False),
        SourceFile("src/b.py", git(repository, "rev-parse", "HEAD:src/b.py"), 2, in_worktree=False),
    )
    assert tree.list(None) == Listing(head, expected, {}, ())
    assert tree.list(head) == tree.list(None)
    assert contents(tree) == {"app.py": b"print('hello')\n", "src/b.py": b"b\n"}


def test_the_worktree_is_laid_over_head_and_a_revision_is_not(repository: Path) -> None:
    for name in ("gone.py", "moved.py", "staged.py", "untracked_again.py", "kept.py"):
        write(repository, name, name)
    head = commit_all(repository)
    (repository / "app.py").write_bytes(b"changed\r\n")
    (repository / "gone.py").unlink()
    git(repository, "mv", "moved.py", "there.py")
    write(repository, "staged.py", "staged")
    git(repository, "add", "staged.py")
    git(repository, "rm", "--quiet", "--cached", "untracked_again.py")
    write(repository, "new/file.py")
    tree = tree_of(repository)
    listing = tree.list(None)
    assert paths(listing) == [
        "app.py", "kept.py", "new/file.py", "staged.py", "there.py", "untracked_again.py"
    ]  # fmt: skip
    assert [file.path for file in listing.files if not file.in_worktree] == ["kept.py"]
    for file in listing.files:
        assert file.oid == git(repository, "hash-object", "--no-filters", file.path)
        assert file.size_bytes == (repository / file.path).stat().st_size
    assert contents(tree)["app.py"] == b"changed\r\n"
    assert paths(tree.list("HEAD")) == ["app.py", "gone.py", "kept.py", "moved.py", "staged.py", "untracked_again.py"]
    assert contents(tree, head)["app.py"] == b"print('hello')\n"


def test_ignored_files_are_never_listed(repository: Path) -> None:
    write(repository, ".gitignore", "*.log\nbuilt/\n")
    write(repository, "deep/.gitignore", "own.py\n")
    write(repository, "was_tracked.txt")
    commit_all(repository)
    write(repository, ".git/info/exclude", "private.py\nwas_tracked.txt\n")
    for name in ("a.log", "built/x.py", "deep/own.py", "deep/other.py", "private.py", "deep/b.log"):
        write(repository, name)
    git(repository, "rm", "--quiet", "--cached", "was_tracked.txt")
    assert paths(tree_of(repository).list(None)) == [".gitignore", "app.py", "deep/.gitignore", "deep/other.py"]


def test_an_earlier_revision_is_listed_as_it_was(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v1")
    write(repository, "app.py", "second\n")
    write(repository, "later.py")
    commit_all(repository)
    tree = tree_of(repository)
    assert tree.resolve("v1") == tree.resolve("HEAD~1") == tree.resolve(first[:8]) == first
    for rev in ("v1", "HEAD~1", "main^", first, "HEAD^{/first}"):
        assert contents(tree, rev) == {"app.py": b"print('hello')\n"}


@pytest.mark.parametrize(
    "rev",
    ["", "nowhere", "-x", "--all", "--output=owned", "HEAD\0", "HEAD\n", "x" * 10_000, "HEAD:app.py", ":app.py",
     ":/first", "^HEAD", "HEAD..HEAD", "HEAD^@", "HEAD^!", "@{u}", "0" * 40, "f" * 40, "\udcff", "$(touch owned)",
     ".."],
)  # fmt: skip
def test_what_is_no_commit_is_refused_with_a_remedy(repository: Path, rev: str) -> None:
    tree = tree_of(repository)
    for ask in (tree.resolve, tree.list):
        with pytest.raises(InvalidInputError) as raised:
            ask(rev)
        assert raised.value.remedy
        assert str(raised.value).isprintable()
    assert not (repository / "owned").exists()


def test_a_tree_or_a_file_is_no_revision(repository: Path) -> None:
    for name in ("HEAD^{tree}", "HEAD:app.py"):
        with pytest.raises(InvalidInputError):
            tree_of(repository).resolve(git(repository, "rev-parse", name))


def test_an_abbreviation_of_two_commits_is_refused(repository: Path) -> None:
    stream = "".join(
        f"commit refs/heads/main\ncommitter A <a@b> {10**9 + number} +0000\ndata 0\n" for number in range(1_000)
    )
    subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=repository, input=stream.encode(), check=True)
    beginnings = Counter(oid[:4] for oid in git(repository, "rev-list", "main").splitlines())
    [(short, count)] = beginnings.most_common(1)
    assert count > 1
    with pytest.raises(InvalidInputError, match="could be several"):
        tree_of(repository).resolve(short)


def test_links_are_left_out_and_never_followed(repository: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/secret.txt", "secret")
    (repository / "to_file").symlink_to(tmp_path / "outside/secret.txt")
    (repository / "to_folder").symlink_to(tmp_path / "outside")
    (repository / "loop").symlink_to(".")
    head = commit_all(repository)
    (repository / "new_loop").symlink_to("new_loop")
    (repository / "new_link").symlink_to("/etc/passwd")
    tree = tree_of(repository)
    assert (paths(tree.list(None)), tree.list(None).unusable) == (["app.py"], {"symbolic link": 5})
    assert (paths(tree.list(head)), tree.list(head).unusable) == (["app.py"], {"symbolic link": 3})


def test_a_path_swapped_for_a_link_after_the_listing_is_not_followed(repository: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside/a.py", "secret")
    write(repository, "new.py")
    write(repository, "folder/a.py")
    tree = tree_of(repository)
    listing = tree.list(None)
    (repository / "new.py").unlink()
    (repository / "new.py").symlink_to(tmp_path / "outside/a.py")
    (repository / "folder").rename(repository / "aside")
    (repository / "folder").symlink_to(tmp_path / "outside")
    read = {file.path: content for file, content in tree.read(listing.files, limit_bytes=LIMIT)}
    assert read == {"app.py": b"print('hello')\n", "folder/a.py": None, "new.py": None}


@pytest.mark.parametrize("path", ["../outside.py", "/etc/passwd", "a/../../outside.py", "..", ""])
def test_no_path_leads_out_of_the_worktree(repository: Path, path: str) -> None:
    write(repository.parent, "outside.py")
    asked = SourceFile(path, "", 1, in_worktree=True)
    assert list(tree_of(repository).read([asked], limit_bytes=LIMIT)) == [(asked, None)]


def test_a_changed_file_is_read_as_it_is_now(repository: Path) -> None:
    write(repository, "new.py", "one\n")
    tree = tree_of(repository)
    listed = tree.list(None).files[1]
    write(repository, "new.py", "three\n")
    [(now, content)] = tree.read([listed], limit_bytes=LIMIT)
    assert content == b"three\n"
    assert now == SourceFile("new.py", git(repository, "hash-object", "new.py"), 6, in_worktree=True)
    (repository / "new.py").unlink()
    assert list(tree.read([listed], limit_bytes=LIMIT)) == [(listed, None)]


def test_submodules_and_repositories_inside_are_left_out(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repository), "other")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    head = commit_all(repository)
    git(tmp_path, "clone", "--quiet", str(repository), str(repository / "nested"))
    write(repository, "sub/app.py", "changed")
    tree = tree_of(repository)
    assert (paths(tree.list(None)), tree.list(None).unusable) == ([".gitmodules", "app.py"], {"submodule": 2})
    assert tree.list(head).unusable == {"submodule": 1}


def test_a_shallow_clone_is_listed_and_said(repository: Path, tmp_path: Path) -> None:
    write(repository, "b.py")
    commit_all(repository)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    tree = tree_of(tmp_path / "shallow")
    listing = tree.list(None)
    assert paths(listing) == ["app.py", "b.py"]
    assert "shallow clone" in listing.notes[0]
    with pytest.raises(InvalidInputError):
        tree.list("HEAD~1")


def test_a_partial_clone_is_never_completed_from_its_remote(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    write(repository, "kept.py", "kept")
    commit_all(repository)
    write(repository, "app.py", "changed")
    commit_all(repository)
    git(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{repository}", "partial")
    partial = tmp_path / "partial"
    before = sorted(partial.rglob(".git/objects/**/*"))
    tree = tree_of(partial)
    assert contents(tree) == {"app.py": b"changed", "kept.py": b"kept"}
    assert tree.list(None).notes == ()
    listing = tree.list("HEAD~1")
    assert (paths(listing), listing.unusable) == (["kept.py"], {"missing object": 1})
    assert "not in this repository" in listing.notes[0]
    missing = SourceFile("app.py", git(repository, "rev-parse", "HEAD~1:app.py"), 15, in_worktree=False)
    asked = [missing, listing.files[0], missing]
    assert [content for _, content in tree.read(asked, limit_bytes=LIMIT)] == [None, b"kept", None]
    assert sorted(partial.rglob(".git/objects/**/*")) == before


def test_a_clone_without_trees_lists_what_it_has(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    write(repository, "z/old.py", "old")
    commit_all(repository)
    write(repository, "z/old.py", "new")
    commit_all(repository)
    git(tmp_path, "clone", "--quiet", "--filter=tree:0", f"file://{repository}", "treeless")
    tree = tree_of(tmp_path / "treeless")
    assert contents(tree) == {"app.py": b"print('hello')\n", "z/old.py": b"new"}
    with pytest.raises(GitError, match="ls-tree"):
        tree.list("HEAD~1")


def test_a_missing_object_is_left_out_and_said(repository: Path) -> None:
    write(repository, "b.py", "b")
    head = commit_all(repository)
    oid = git(repository, "rev-parse", "HEAD:b.py")
    (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    listing = tree_of(repository).list(head)
    assert (paths(listing), listing.unusable) == (["app.py"], {"missing object": 1})
    assert "one file" in listing.notes[0]


def test_an_object_that_goes_missing_after_the_listing_is_none(repository: Path) -> None:
    write(repository, "b.py", "b")
    head = commit_all(repository)
    tree = tree_of(repository)
    oid = tree.list(head).files[0].oid
    (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    assert contents(tree, head) == {"app.py": None, "b.py": b"b"}


def test_a_missing_folder_object_leaves_the_rest(repository: Path) -> None:
    write(repository, "z/deep.py", "b")
    head = commit_all(repository)
    oid = git(repository, "rev-parse", "HEAD:z")
    (repository / ".git/objects" / oid[:2] / oid[2:]).unlink()
    listing = tree_of(repository).list(head)
    assert paths(listing) == ["app.py"]
    assert "Some folders" in listing.notes[-1]
