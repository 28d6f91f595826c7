"""What is cited is found again: the same, changed, moved or gone, whatever happened to the repository meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from agentops_mcp.core.errors import GitError, InvalidInputError
from agentops_mcp.storage.citations import Citations, CommitNow, FileNow, HeadNow
from agentops_mcp.storage.git import Completed, Git, discover
from agentops_mcp.storage.worktree import FileRef, Worktree
from conftest import git


class CountingGit(Git):
    """git, with the number of times it was started."""

    started = 0

    def attempt(self, *args: str, stdin: bytes = b"", timeout_s: float = 20) -> Completed:
        self.started += 1
        return super().attempt(*args, stdin=stdin, timeout_s=timeout_s)


pytestmark = pytest.mark.usefixtures("own_home")


def citations(path: Path) -> Citations:
    return counted(path)[0]


def counted(path: Path) -> tuple[Citations, CountingGit]:
    found = discover(path)
    assert found is not None
    runner = CountingGit(found)
    return Citations(Worktree(found, runner, root=path), found, runner, root=path), runner


def outside_git(path: Path) -> Citations:
    return Citations(Worktree(None, None, root=path), None, None, root=path)


def head(path: Path) -> str:
    return git(path, "rev-parse", "HEAD")


def commit_all(path: Path, message: str = "more") -> str:
    git(path, "-c", "core.safecrlf=false", "add", "--all")
    git(path, "commit", "--quiet", "--allow-empty", "--message", message)
    return head(path)


def text(name: str) -> str:
    return "".join(f"{name} line {number}\n" for number in range(20))


def write(path: Path, name: str, content: str | None = None) -> None:
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes((text(name) if content is None else content).encode())


def told(now: FileNow) -> tuple[str, str | None]:
    return now.state, now.moved_to


def after(path: Path, name: str, change: Callable[[Path], object]) -> tuple[str, str | None]:
    """What is said about a file that was cited before a change."""
    then = head(path)
    refs = citations(path).cite([name])
    change(path)
    return told(citations(path).files_now(refs, head_then=then)[0])


def add(path: Path, name: str, content: str | None = None) -> None:
    write(path, name, content)
    commit_all(path)


def _in_turn(*changes: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        for each in changes:
            each(path)

    return change


def _nothing(_: Path) -> None:
    pass


def _append(name: str) -> Callable[[Path], object]:
    return lambda path: write(path, name, (path / name).read_text(encoding="utf-8") + "one more\n")


def _move(old: str, new: str) -> Callable[[Path], object]:
    def move(path: Path) -> None:
        (path / new).parent.mkdir(parents=True, exist_ok=True)
        (path / old).rename(path / new)

    return move


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
    "written": ("a.py", _append("a.py"), ("changed", None)),
    "written and committed": ("a.py", _in_turn(_append("a.py"), commit_all), ("changed", None)),
    "deleted": ("a.py", lambda path: (path / "a.py").unlink(), ("deleted", None)),
    "deleted and committed": ("a.py", lambda path: git(path, "rm", "--quiet", "a.py"), ("deleted", None)),
    "deleted beside a copy": ("copy/a.py", lambda path: git(path, "rm", "--quiet", "copy/a.py"), ("deleted", None)),
    "replaced by a directory": ("a.py", _in_turn(_to_directory, commit_all), ("deleted", None)),
    "moved into a directory of its name": (
        "a.py", _in_turn(_move("a.py", "b"), _move("b", "a.py/a.py")), ("renamed", "a.py/a.py"),
    ),
    "deleted and made again": (
        "a.py", _in_turn(lambda path: (path / "a.py").unlink(), commit_all, lambda path: write(path, "a.py")),
        ("same", None),
    ),
    "renamed by git mv": ("a.py", lambda path: git(path, "mv", "a.py", "b.py"), ("renamed", "b.py")),
    "renamed by a commit": ("a.py", _in_turn(_move("a.py", "lib/b.py"), commit_all), ("renamed", "lib/b.py")),
    "renamed by mv": ("a.py", _move("a.py", "b.py"), ("renamed", "b.py")),
    "renamed by a commit, then by mv": (
        "a.py", _in_turn(_move("a.py", "b.py"), commit_all, _move("b.py", "c.py")), ("renamed", "c.py"),
    ),
    "renamed to what is now a directory": (
        "a.py", _in_turn(_move("a.py", "b.py"), commit_all, _move("b.py", "c"), lambda path: write(path, "b.py/x")),
        ("renamed", "c"),
    ),
    "renamed and changed in a commit": (
        "a.py", _in_turn(_move("a.py", "b.py"), _append("b.py"), commit_all), ("renamed and changed", "b.py"),
    ),
    "renamed, then changed": (
        "a.py", _in_turn(_move("a.py", "b.py"), commit_all, _append("b.py")), ("renamed and changed", "b.py"),
    ),
    "rewritten when moved": (
        "a.py", _in_turn(lambda path: git(path, "rm", "--quiet", "a.py"), lambda path: add(path, "b.py")),
        ("deleted", None),
    ),
    "moved where several have its content": (
        "a.py", _in_turn(lambda path: write(path, "0.py", text("a.py")), _move("a.py", "z/a.py")),
        ("renamed", "z/a.py"),
    ),
    "an empty file gone, another made": (
        "empty", _in_turn(_move("empty", "gone"), lambda path: write(path, "other", ""), commit_all), ("deleted", None),
    ),
    "an empty file moved": ("empty", _in_turn(_move("empty", "sub/empty"), commit_all), ("renamed", "sub/empty")),
    "renamed with an odd name": (
        "a.py", _move("a.py", os.fsdecode(b"b\n\xff.py")), ("renamed", "b\\n\\udcff.py"),
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
    assert after(repository, "draft.py", _in_turn(_move("draft.py", "src/final.py"), commit_all)) == (
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
    assert after(repository, "app.py", _move("app.py", "b.py")) == ("deleted", None)


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


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("src/a b.py", "src/a b.py"), ("./src/../src/b.py:12", "src/b.py"), ("src/b.py:12-40", "src/b.py"),
        ("src/b.py:12:5", "src/b.py"), ("src/b.py#L12", "src/b.py"), ("src/b.py#L1-L9", "src/b.py"),
        ("src\\b.py", "src/b.py"), ("src\\b.py:3", "src/b.py"), ("link/b.py", "src/b.py"), ("odd:12", "odd:12"),
        (r'"caf\303\251\t.txt"', r"café\t.txt"), (r'"caf\303\251\t.txt":7', r"café\t.txt"), ("none:12", "none:12"),
        (r"café\t.txt", r"café\t.txt"), (r"..\outside", r"..\outside"), ("ab\\x00", "ab\\x00"), ('"', '"'),
    ],
)  # fmt: skip
def test_a_path_may_be_written_in_several_ways(repository: Path, asked: str, path: str) -> None:
    for name in ("src/a b.py", "src/b.py", "odd", "odd:12", "café\t.txt", "../outside"):
        write(repository, name)
    (repository / "link").symlink_to("src")
    ref = citations(repository).cite([asked])[0]
    assert ref.path == path
    assert (ref.blob is None) is not (repository / path.replace("\\t", "\t")).exists()
    assert citations(repository).cite([str(repository / asked)]) == [ref] or '"' in asked


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "out/secret", "", ".", "..", "sub", "x\0y", "\ud800", "pipe", "n" * 10_000]
)
def test_a_path_that_leaves_the_project_or_is_no_file_is_refused(repository: Path, tmp_path: Path, path: str) -> None:
    write(tmp_path, "elsewhere/secret")
    write(repository, "sub/x")
    (repository / "out").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(repository / "pipe")
    work = citations(repository)
    with pytest.raises(InvalidInputError):
        work.cite([path])
    now = work.files_now([FileRef(path, "1" * 40)], head_then=None)[0]
    assert now.state == ("deleted" if path in (".", "sub") else "unreadable")
    assert work.read_text(path) is None
    assert work.targets([path]) == {}
    assert work.named_files([path], limit=5) in ([], ["pipe"])
    assert work.head_now(branch_then=path, head_then=path, files=[path]).branch_exists is False


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
    _append("out/c.py")(repository)
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
    _append("a.py")(repository)
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
    _append("undone")(repository)
    commit_all(repository)
    git(repository, "revert", "--no-edit", "HEAD")
    git(repository, "checkout", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--no-commit", "side")
    _append("merged")(repository)
    commit_all(repository, "merge")
    now = citations(repository).head_now(branch_then="main", head_then=then, files=["undone", "merged", "app.py"])
    assert (now.ahead, now.touched) == (3, ("undone", "merged"))


@pytest.mark.parametrize("how", ["rebase", "amend"])
def test_a_rewritten_commit_is_left_behind_for_its_successor(repository: Path, how: str) -> None:
    git(repository, "checkout", "--quiet", "-b", "topic")
    write(repository, "a.py")
    cited = commit_all(repository, "the one")
    if how == "amend":
        _append("a.py")(repository)
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
    _append("changed.py")(repository)
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


def test_files_are_found_in_text_by_what_looks_like_a_path(repository: Path, tmp_path: Path) -> None:
    write(tmp_path, "secret.py")
    for name in ("src/a.py", "Makefile", ".env.example", "app/[id]/page.tsx", "src/data/x", "plain", "z.c"):
        write(repository, name)
    (repository / "link.py").symlink_to("src/a.py")
    work = citations(repository)
    found = {
        "fix `src/a.py:12`, then (app.py).": ["src/a.py", "app.py"],
        "the Makefile's first rule; Dockerfile": ["Makefile"],
        "**link.py** and app/[id]/page.tsx#L3": ["link.py", "app/[id]/page.tsx"],
        f"{repository}/src/a.py ./src/../app.py src\\data\\x": ["src/a.py", "app.py", "src/data/x"],
        "../secret.py /etc/passwd src src/ plain e.g. https://example.org/app.py ~/x -rf": [],
        ".env.example z.c": [".env.example", "z.c"],
    }
    assert {text: work.named_files([text], limit=9) for text in found} == found
    assert work.named_files(["app.py src/a.py", "link.py"], limit=2) == ["app.py", "src/a.py"]


def test_text_is_read_from_the_project_alone(repository: Path, tmp_path: Path) -> None:
    (repository / "bom.txt").write_bytes(b"\xef\xbb\xbfcaf\xe9\n")
    (repository / "binary").write_bytes(b"a\0b")
    write(tmp_path, "secret")
    (repository / "out").symlink_to("../secret")
    (repository / "in").symlink_to("app.py")
    (repository / "loop").symlink_to("loop")
    os.mkfifo(repository / "pipe")
    work = citations(repository)
    assert work.read_text("app.py:1") == work.read_text("in") == "print('hello')\n"
    assert work.read_text("bom.txt") == "caf\ufffd\n"
    assert [work.read_text(name) for name in ("binary", "out", "loop", "pipe", "none", ".", "../secret")] == [None] * 7
    assert work.read_text("app.py", limit_bytes=3) is None


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
