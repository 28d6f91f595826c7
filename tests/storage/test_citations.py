"""What is cited is found again: the same, changed, moved or gone, whatever happened to the repository meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.storage.citations import CommitNow, HeadNow
from agentops_mcp.storage.worktree import FileRef
from citing import add, append, citations, commit_all, head, move, outside_git, text, told, write
from conftest import git


def after(path: Path, name: str, change: Callable[[Path], object]) -> tuple[str, str | None]:
    """What is said about a file that was cited before a change."""
    then = head(path)
    refs = citations(path).cite([name])
    change(path)
    return told(citations(path).files_now(refs, head_then=then)[0])


def _in_turn(*changes: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        for each in changes:
            each(path)

    return change


def _nothing(_: Path) -> None:
    pass


def _to_directory(path: Path) -> None:
    (path / "a.py").unlink()
    write(path, "a.py/inner.py", "inner\n")


def _behind_a_link_out(path: Path) -> None:
    (path / "pkg").rename(path.parent / "elsewhere")
    (path / "pkg").symlink_to(path.parent / "elsewhere")


CHANGES: dict[str, tuple[str, Callable[[Path], object], tuple[str, str | None]]] = {
    "nothing": ("a.py", _nothing, ("same", None)),
    "touched": ("a.py", lambda path: os.utime(path / "a.py", (0, 0)), ("same", None)),
    "a commit elsewhere": ("a.py", lambda path: add(path, "other.py"), ("same", None)),
    "written": ("a.py", append("a.py"), ("changed", None)),
    "written and committed": ("a.py", _in_turn(append("a.py"), commit_all), ("changed", None)),
    "deleted": ("a.py", lambda path: (path / "a.py").unlink(), ("deleted", None)),
    "deleted and committed": ("a.py", lambda path: git(path, "rm", "--quiet", "a.py"), ("deleted", None)),
    "deleted beside a copy": ("copy/a.py", lambda path: git(path, "rm", "--quiet", "copy/a.py"), ("deleted", None)),
    "replaced by a directory": ("a.py", _in_turn(_to_directory, commit_all), ("deleted", None)),
    "moved into a directory of its name": (
        "a.py", _in_turn(move("a.py", "b"), move("b", "a.py/a.py")), ("renamed", "a.py/a.py"),
    ),
    "deleted and made again": (
        "a.py", _in_turn(lambda path: (path / "a.py").unlink(), commit_all, lambda path: write(path, "a.py")),
        ("same", None),
    ),
    "renamed by git mv": ("a.py", lambda path: git(path, "mv", "a.py", "b.py"), ("renamed", "b.py")),
    "renamed by a commit": ("a.py", _in_turn(move("a.py", "lib/b.py"), commit_all), ("renamed", "lib/b.py")),
    "renamed by mv": ("a.py", move("a.py", "b.py"), ("renamed", "b.py")),
    "renamed by a commit, then by mv": (
        "a.py", _in_turn(move("a.py", "b.py"), commit_all, move("b.py", "c.py")), ("renamed", "c.py"),
    ),
    "renamed to what is now a directory": (
        "a.py", _in_turn(move("a.py", "b.py"), commit_all, move("b.py", "c"), lambda path: write(path, "b.py/x")),
        ("renamed", "c"),
    ),
    "renamed and changed in a commit": (
        "a.py", _in_turn(move("a.py", "b.py"), append("b.py"), commit_all), ("renamed and changed", "b.py"),
    ),
    "renamed, then changed": (
        "a.py", _in_turn(move("a.py", "b.py"), commit_all, append("b.py")), ("renamed and changed", "b.py"),
    ),
    "rewritten when moved": (
        "a.py", _in_turn(lambda path: git(path, "rm", "--quiet", "a.py"), lambda path: add(path, "b.py")),
        ("deleted", None),
    ),
    "moved where several have its content": (
        "a.py", _in_turn(lambda path: write(path, "0.py", text("a.py")), move("a.py", "z/a.py")),
        ("renamed", "z/a.py"),
    ),
    "an empty file gone, another made": (
        "empty", _in_turn(move("empty", "gone"), lambda path: write(path, "other", ""), commit_all), ("deleted", None),
    ),
    "an empty file moved": ("empty", _in_turn(move("empty", "sub/empty"), commit_all), ("renamed", "sub/empty")),
    "renamed with an odd name": (
        "a.py", move("a.py", os.fsdecode(b"b\n\xff.py")), ("renamed", "b\\n\\udcff.py"),
    ),
    "its directory became a link out of the project": ("pkg/in.py", _behind_a_link_out, ("unreadable", None)),
    "what was missing came": ("none.py", lambda path: write(path, "none.py"), ("created", None)),
    "what was missing became a directory": ("none", lambda path: write(path, "none/x"), ("still missing", None)),
    "what was missing stays so": ("none.py", _nothing, ("still missing", None)),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_became_of_a_file_is_told(repository: Path, change: str) -> None:
    write(repository, "a.py")
    write(repository, "pkg/in.py")
    write(repository, "copy/a.py", text("copy"))
    write(repository, "copy/b.py", text("copy"))
    add(repository, "empty", "")
    cited, happens, expected = CHANGES[change]
    assert after(repository, cited, happens) == expected


def test_an_untracked_file_is_found_where_it_was_committed(repository: Path) -> None:
    write(repository, "draft.py")
    assert after(repository, "draft.py", _in_turn(move("draft.py", "src/final.py"), commit_all)) == (
        "renamed", "src/final.py",
    )  # fmt: skip


def test_without_the_commit_of_then_content_alone_is_followed(repository: Path) -> None:
    add(repository, "a.py")
    work = citations(repository)
    refs = work.cite(["a.py", "app.py"])
    git(repository, "mv", "a.py", "b.py")
    (repository / "app.py").rename(repository / "main.py")
    for then in (None, "1" * 40, "HEAD", "--output=x"):
        assert [told(now) for now in work.files_now(refs, head_then=then)] == [
            ("renamed", "b.py"),
            ("renamed", "main.py"),
        ]


def test_a_file_too_large_to_compare_is_not_followed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.storage.citations._MOST_UNTRACKED_BYTES", 3)
    assert after(repository, "app.py", move("app.py", "b.py")) == ("deleted", None)


@pytest.mark.parametrize("rule", ["text=auto", "autocrlf", "in a submodule"])
def test_other_line_ends_are_the_same_file_where_git_says_so(repository: Path, tmp_path: Path, rule: str) -> None:
    work, name = repository, "app.py"
    if rule == "autocrlf":
        git(repository, "config", "core.autocrlf", "true")
    else:
        add(repository, ".gitattributes", "* text=auto\n")
    if rule == "in a submodule":
        work, name = _with_submodule(tmp_path, repository), "part/app.py"
    there = work / name
    assert after(work, name, lambda _: there.write_bytes(b"print('hello')\r\n")) == ("same", None)
    assert citations(work).cite([name])[0].blob == git(repository, "rev-parse", "HEAD:app.py")
    assert after(work, name, lambda _: there.write_bytes(b"print('hello')\n")) == ("same", None)
    assert after(work, name, lambda _: there.write_bytes(b"print('hullo')\r\n")) == ("changed", None)


def test_other_line_ends_are_a_change_without_a_rule(repository: Path) -> None:
    assert after(repository, "app.py", lambda path: write(path, "app.py", "print('hello')\r\n")) == ("changed", None)


ODD_NAMES = {
    "space": b"a b.txt",
    "quote": b'"quoted".txt',
    "newline": b"a\nb.txt",
    "carriage return": b"a\r",
    "not UTF-8": b"caf\xe9.txt",
    "backslash": b"a\\nb.txt",
    "accent": "café.txt".encode(),
    "option": b"-rf",
    "colon": b":(glob)*:12",
    "long option": b"--output=x",
}


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("change", ["nothing", "written", "line ends", "renamed", "deleted"])
def test_a_file_of_any_name_is_followed(repository: Path, name: str, change: str) -> None:
    write(repository, ".gitattributes", "* text=auto\n")
    place = repository / os.fsdecode(ODD_NAMES[name])
    place.write_bytes(b"one\ntwo\n")
    then = commit_all(repository)
    work = citations(repository)
    quoted = '"' + "".join(f"\\{byte:03o}" for byte in ODD_NAMES[name]) + '"'
    refs = work.cite([quoted])
    assert refs[0].blob == git(repository, "hash-object", "--no-filters", "--", os.fsdecode(ODD_NAMES[name]))
    assert work.cite([refs[0].path]) == refs
    expected = {"written": "changed", "deleted": "deleted", "renamed": "renamed"}.get(change, "same")
    if change in ("written", "line ends"):
        place.write_bytes(b"one\r\ntwo\r\n" if change == "line ends" else b"three\n")
    elif change == "renamed":
        place.rename(repository / "new")
    elif change == "deleted":
        place.unlink()
    assert work.files_now(refs, head_then=then)[0].state == expected
    later = commit_all(repository)
    now = work.head_now(branch_then="main", head_then=then, files=[refs[0].path, "app.py"])
    assert now.head == later
    assert now.touched == ((refs[0].path,) if expected != "same" else ())


def test_a_link_and_what_it_leads_to_are_two_files(repository: Path, tmp_path: Path) -> None:
    write(repository, "v1")
    write(repository, "v2")
    (repository / "link").symlink_to("v1")
    (repository / "away").symlink_to("/etc/passwd")
    (repository / "loop").symlink_to("loop")
    (repository / "dir").symlink_to(".")
    then = commit_all(repository)
    work = citations(repository)
    refs = work.cite(["link", "v1", "away", "link"])
    assert refs[0].blob == git(repository, "rev-parse", "HEAD:link")
    assert work.targets(["link", "v1", "away", "loop", "dir", "none"]) == {"link": "v1"}
    write(repository, "v1", "other")
    assert [now.state for now in work.files_now(refs, head_then=then)] == ["same", "changed", "same", "same"]
    (repository / "link").unlink()
    (repository / "link").symlink_to("v2")
    assert work.files_now(refs, head_then=then)[0].state == "changed"
    (repository / "link").rename(repository / "link2")
    (repository / "away").rename(repository / "away2")
    assert [told(now) for now in work.files_now(refs[::2], head_then=then)] == [
        ("deleted", None),
        ("renamed", "away2"),
    ]


def _with_submodule(tmp_path: Path, source: Path) -> Path:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(source), "part")
    commit_all(outer)
    return outer


def test_a_submodule_is_cited_by_its_commit(repository: Path, tmp_path: Path) -> None:
    outer = _with_submodule(tmp_path, repository)
    work, then = citations(outer), head(outer)
    refs = work.cite(["part", "part/app.py"])
    assert refs[0] == FileRef("part", head(repository))
    assert [now.state for now in work.files_now(refs, head_then=then)] == ["same", "same"]
    git(outer, "submodule", "--quiet", "deinit", "--all")
    assert [now.state for now in work.files_now(refs, head_then=then)] == ["same", "unreadable"]
    assert work.cite(["part"]) == refs[:1]
    git(outer, "submodule", "--quiet", "update", "--init")
    commit_all(outer / "part", "inner")
    assert [now.state for now in work.files_now(refs, head_then=then)] == ["changed", "same"]
    (outer / "part/app.py").unlink()
    assert work.files_now(refs, head_then=then)[1].state == "deleted"


def test_a_submodule_that_moved_is_followed(repository: Path, tmp_path: Path) -> None:
    outer = _with_submodule(tmp_path, repository)
    assert after(outer, "part", lambda path: git(path, "mv", "part", "piece")) == ("renamed", "piece")


def test_what_a_sparse_checkout_leaves_out_is_judged_by_the_index(repository: Path) -> None:
    write(repository, "in/a.py")
    write(repository, "out/b.py")
    write(repository, "out/c.py")
    then = commit_all(repository)
    work = citations(repository)
    refs = work.cite(["in/a.py", "out/b.py", "out/c.py"])
    append("out/c.py")(repository)
    git(repository, "mv", "out/b.py", "out/moved.py")
    commit_all(repository)
    git(repository, "sparse-checkout", "set", "in")
    assert not (repository / "out").exists()
    assert [told(now) for now in work.files_now(refs, head_then=then)] == [
        ("same", None),
        ("renamed", "out/moved.py"),
        ("changed", None),
    ]
    cited = work.cite(["out/moved.py", "out/none"])
    assert cited == [FileRef("out/moved.py", refs[1].blob), FileRef("out/none", None)]
    git(repository, "sparse-checkout", "disable")
    assert [now.state for now in work.files_now(cited, head_then=None)] == ["same", "still missing"]


def test_a_linked_worktree_has_files_of_its_own(repository: Path, tmp_path: Path) -> None:
    refs = citations(repository).cite(["app.py"])
    git(repository, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "linked"))
    write(tmp_path / "linked", "app.py", "changed")
    assert citations(tmp_path / "linked").files_now(refs, head_then=None)[0].state == "changed"
    assert citations(repository).files_now(refs, head_then=None)[0].state == "same"
    assert citations(tmp_path / "linked").head_now(branch_then="main", head_then=None, files=[]).branch == "side"


@pytest.mark.parametrize("driver", ["evil", "a=b", "with.dot", "Mixed Case"])
@pytest.mark.parametrize("where", ["local", "global"])
@pytest.mark.parametrize("kind", ["clean", "process"])
def test_no_filter_program_is_ever_run(
    repository: Path,
    tmp_path: Path,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    where: str,
    kind: str,
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own_home / "gitconfig"))
    scope = ["--local"] if where == "local" else ["--file", str(own_home / "gitconfig")]
    git(repository, "config", *scope, f"filter.{driver}.{kind}", f"touch {tmp_path}/ran; cat")
    git(repository, "config", *scope, f"filter.{driver}.required", "true")
    written = driver.replace("Mixed Case", "Mixed")
    write(repository, ".gitattributes", f"* text=auto\n*.bin filter={written}\n")
    (repository / "large.bin").write_bytes(b"pointer\n")
    work = citations(repository)
    refs = work.cite(["large.bin"])
    assert refs[0].blob == git(repository, "hash-object", "--no-filters", "large.bin")
    (repository / "large.bin").write_bytes(b"content\n")
    assert work.files_now(refs, head_then=None)[0].state == "changed"
    (repository / "large.bin").unlink()
    assert work.files_now(refs, head_then=head(repository))[0].state == "deleted"
    assert not (tmp_path / "ran").exists()


def test_a_sha256_repository_is_cited_by_its_own_ids(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256")
    for name in ("a", "b"):
        write(tmp_path, name)
    (tmp_path / "link").symlink_to("a")
    then = commit_all(tmp_path)
    work = citations(tmp_path)
    refs = work.cite(["a", "b", "link"])
    assert [ref.blob for ref in refs] == [git(tmp_path, "rev-parse", f"HEAD:{ref.path}") for ref in refs]
    write(tmp_path, "a", "other")
    (tmp_path / "b").rename(tmp_path / "c")
    now = work.files_now(refs, head_then=then)
    assert [told(each) for each in now] == [("changed", None), ("renamed", "c"), ("same", None)]
    assert work.commits_now([then]) == [CommitNow(then, "in history")]
    assert work.named_commits([f"see {then[:9]}0 {then}"], limit=3) == [then]


def test_outside_git_the_bytes_themselves_are_compared(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path, name)
    (tmp_path / "sub").mkdir()
    work = outside_git(tmp_path)
    refs = work.cite(["a", "b", "c", "none"])
    with pytest.raises(InvalidInputError):
        work.cite(["sub"])
    write(tmp_path, "a", text("a").replace("\n", "\r\n"))
    (tmp_path / "b").rename(tmp_path / "moved")
    now = work.files_now(refs, head_then=None)
    assert [each.state for each in now] == ["changed", "deleted", "same", "still missing"]
    assert work.commits_now(["1" * 40]) == [CommitNow("1" * 40, "unknown")]
    assert work.named_commits(["abc1234"], limit=3) == []
    assert work.named_files(["see c."], limit=3) == []
    assert work.head_now(branch_then="main", head_then="1" * 40, files=["a"]) == HeadNow(None, None, None, False)


def test_encodings_that_git_converts_are_no_change(repository: Path) -> None:
    add(repository, ".gitattributes", "*.txt working-tree-encoding=UTF-16LE\n*.id ident\n")
    (repository / "a.txt").write_bytes("text\n".encode("utf-16-le"))
    write(repository, "b.id", "$Id$\n")
    then = commit_all(repository)
    work = citations(repository)
    refs = work.cite(["a.txt", "b.id"])
    assert [ref.blob for ref in refs] == [git(repository, "rev-parse", f"HEAD:{ref.path}") for ref in refs]
    write(repository, "b.id", "$Id: 123 $\n")
    assert [now.state for now in work.files_now(refs, head_then=then)] == ["same", "same"]
