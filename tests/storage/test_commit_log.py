"""What past commits touched is read as git has it, whatever their messages, names and contents look like."""

import itertools
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from agentops_mcp.storage import commit_log, patches
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.blob_reader import LocalGit
from agentops_mcp.storage.commit_log import Commit, CommitLog, History, Hunk, Touched
from agentops_mcp.storage.git import Git, discover
from conftest import git

BODY = "class Thing:\n    def first(self):\n        return 1\n\n    def second(self):\n        return 2\n"


def log_of(path: Path, cache: BlobFacts | None = None) -> CommitLog:
    found = discover(path)
    assert found is not None
    return CommitLog(Git(found), cache)


@pytest.fixture
def cache(tmp_path: Path) -> Generator[BlobFacts]:
    facts = BlobFacts(tmp_path / "data" / "context-index.db")
    yield facts
    facts.close()


def commit(path: Path, files: Mapping[str, str | bytes], message: str = "more") -> str:
    for name, content in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "--message", message)
    return git(path, "rev-parse", "HEAD")


def raw_commit(path: Path, message: bytes, headers: bytes = b"") -> str:
    """A commit of HEAD's tree, byte by byte."""
    tree, parent = git(path, "rev-parse", "HEAD^{tree}"), git(path, "rev-parse", "HEAD")
    who = b"T <t@example.org> 1700000000 +0000"
    content = f"tree {tree}\nparent {parent}\n".encode()
    content += b"author " + who + b"\ncommitter " + who + b"\n" + headers + b"\n" + message
    command = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    return subprocess.run(command, cwd=path, input=content, capture_output=True, check=True).stdout.decode().strip()


def newest(path: Path) -> Commit:
    return log_of(path).before(git(path, "rev-parse", "HEAD")).commits[0]


def names(commit: Commit) -> list[str]:
    return [touched.path for touched in commit.files]


def unread(path: str) -> Touched:
    """A file of which only the name was read."""
    return Touched(path, (), (), is_whole=False)


def added(path: str, lines: int) -> Touched:
    """A file that was not there before."""
    return Touched(path, (), ((0, 0, 1, lines),), is_whole=True)


def places(commit: Commit) -> dict[str, tuple[Hunk, ...] | None]:
    """The hunks of each file; None where they are not all there."""
    assert all(touched.is_whole or touched.hunks == () for touched in commit.files)
    return {touched.path: touched.hunks if touched.is_whole else None for touched in commit.files}


def numbers(commit: Commit) -> dict[str, int | None]:
    """How many hunks each file has; None where they are not all there."""
    return {path: None if hunks is None else len(hunks) for path, hunks in places(commit).items()}


def scattered(count: int) -> str:
    """A text whose every other line differs in upper case."""
    return "".join(f"X{number}\na\n" for number in range(count))


def oids(history: History) -> list[str]:
    return [commit.oid for commit in history.commits]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commits that are read from git from now on."""
    read: list[str] = []

    def counted(git: LocalGit, oids: Sequence[str], *, deadline: float | None) -> Iterator[tuple[Commit, bool]]:
        read.extend(oids)
        return patches.read_commits(git, oids, deadline=deadline)

    monkeypatch.setattr(commit_log, "read_commits", counted)
    return read


def test_a_commit_has_its_message_its_files_and_the_functions_that_changed(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    second = commit(repository, {"a.py": BODY, "b.txt": "b\n"}, "Add things\n\nAnd why.\n")
    third = commit(repository, {"a.py": BODY.replace("1", "10").replace("2", "20")}, "Change things")
    history = log_of(repository).before(third)
    assert history.complete
    assert oids(history) == [third, second, first]
    newest, older, root = history.commits
    assert newest == Commit(
        third,
        int(git(repository, "show", "--no-patch", "--format=%ct", third)),
        "Change things",
        (Touched("a.py", ("def first(self):", "def second(self):"), ((3, 1, 3, 1), (6, 1, 6, 1)), is_whole=True),),
        0,
    )
    assert older.message == "Add things\n\nAnd why."
    assert older.files == (added("a.py", 6), added("b.txt", 1))
    assert root.files == (added("app.py", 1),)


def test_merges_are_left_out_and_the_limit_counts_what_is_left(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "-b", "side")
    commit(repository, {"side.py": "s\n"})
    git(repository, "checkout", "--quiet", "main")
    commit(repository, {"main.py": "m\n"})
    git(repository, "merge", "--quiet", "--no-ff", "--message", "merge", "side")
    merge = git(repository, "rev-parse", "HEAD")
    log = log_of(repository)
    assert oids(log.before(merge)) == git(repository, "rev-list", "--no-merges", merge).split()
    assert len(log.before(merge).commits) == 3
    assert log.before(merge, limit=2) == History(log.before(merge).commits[:2], complete=True)
    assert log.before(merge, limit=0) == log.before(merge, limit=-5) == History((), complete=True)


def test_deleted_renamed_binary_empty_large_and_mode_changed_files_are_touched(repository: Path) -> None:
    commit(repository, {"gone.py": BODY, "link.py": BODY, "old.py": "x\n" * 20, "tool.sh": "t\n"})
    for name in ("gone.py", "link.py"):
        (repository / name).unlink()
    (repository / "link.py").symlink_to("nowhere")  # which git shows as two changes
    (repository / "old.py").rename(repository / "new.py")
    (repository / "tool.sh").chmod(0o755)
    commit(repository, {"a.png": b"\0\1\2" * 100, "empty.py": "", "l.txt": "y" * 1_500_000, "m.txt": "y\n" * 3_000_000})
    expected = ["a.png", "empty.py", "gone.py", "l.txt", "link.py", "m.txt", "new.py", "old.py", "tool.sh"]
    assert names(newest(repository)) == expected


def test_each_changed_place_is_kept_as_git_numbers_it(repository: Path, cache: BlobFacts) -> None:
    text = "1\n2\n3\n4\n5\n6\n7\n8\n"
    files = ("added", "deleted", "end", "gone", "mixed", "twice")
    commit(repository, dict.fromkeys(files, text))
    (repository / "gone").unlink()
    changed = {
        "added": text.replace("3\n", "3\na\nb\n"),
        "deleted": text.replace("3\n4\n", ""),
        "empty": "",
        "end": text.removesuffix("\n"),
        "mixed": text.replace("2\n", "b\nb\n").replace("4\n", "").replace("6\n", "6\nf\n").replace("8\n", "h\n"),
        "twice": "0\n" + text.replace("8\n", ""),
    }
    head = commit(repository, changed)
    log_of(repository, cache).before(head)
    for log in (log_of(repository), log_of(repository, cache)):
        assert places(log.before(head).commits[0]) == {
            "added": ((3, 0, 4, 2),),
            "deleted": ((3, 2, 2, 0),),
            "empty": (),
            "end": ((8, 1, 8, 1),),
            "gone": ((1, 8, 0, 0),),
            "mixed": ((2, 1, 2, 2), (4, 1, 4, 0), (6, 0, 7, 1), (8, 1, 9, 1)),
            "twice": ((0, 0, 1, 1), (8, 1, 8, 0)),
        }


def test_changed_places_are_all_kept_or_none(repository: Path, cache: BlobFacts) -> None:
    picture = b"\0\1\2" * 100
    texts = {"a.txt": scattered(200), "b.txt": scattered(201), "c.txt": scattered(900)}
    commit(repository, {**texts, "d.png": picture, "e.txt": "x\n", "f.sh": "f\n", "g.txt": "g\n"})
    (repository / "e.txt").unlink()
    (repository / "f.sh").chmod(0o755)
    changed = {name: text.lower() for name, text in texts.items()}
    head = commit(repository, {**changed, "d.png": picture + b"\0", "e.txt": b"\0", "g.txt": "G\n"})
    expected = {
        "a.txt": tuple((line, 1, line, 1) for line in range(1, 400, 2)),
        "b.txt": None, "c.txt": None, "d.png": None, "e.txt": None, "f.sh": (), "g.txt": ((1, 1, 1, 1),),
    }  # fmt: skip
    log_of(repository, cache).before(head)
    for log in (log_of(repository), log_of(repository, cache)):
        assert places(log.before(head).commits[0]) == expected


def test_a_file_that_became_a_link_has_the_places_of_both(repository: Path) -> None:
    commit(repository, {"a.png": b"\0", "a.py": BODY})
    for name in ("a.png", "a.py"):
        (repository / name).unlink()
        (repository / name).symlink_to("nowhere")
    commit(repository, {})
    assert places(newest(repository)) == {"a.png": None, "a.py": ((1, 6, 0, 0), (0, 0, 1, 1))}


def test_the_changed_places_of_a_commit_are_bounded(repository: Path) -> None:
    exact = {f"f{number:02}.txt": 200 for number in range(10)} | {"f03.txt": 300, "f10.txt": 200, "f11.txt": 1}
    over = exact | {"f10.txt": 199, "f11.txt": 2, "f12.txt": 1}
    commit(repository, {name: scattered(count) for name, count in over.items()} | {"z.sh": "z\n"})
    (repository / "z.sh").chmod(0o755)
    commit(repository, {name: scattered(count).lower() for name, count in over.items()})
    assert numbers(newest(repository)) == over | {"f03.txt": None, "f11.txt": None, "f12.txt": None, "z.sh": 0}
    commit(repository, {name: scattered(count) for name, count in exact.items()})
    commit(repository, {name: scattered(count).lower() for name, count in exact.items()})
    assert numbers(newest(repository)) == exact | {"f03.txt": None, "f11.txt": None}


def test_no_name_is_taken_for_another(repository: Path) -> None:
    hostile = [
        'a b/"q".py',
        "tab\there.py",
        "line\nend.py",
        "é/ü.py",
        "x b/x",
        " b/x b/x",
        "back\\slash",
        "@@ -1 +1 @@",
    ]
    commit(repository, dict.fromkeys(hostile, "x\n"))
    assert sorted(names(newest(repository))) == sorted(hostile)
    commit(repository, dict.fromkeys(hostile, "y\n"))
    assert sorted(names(newest(repository))) == sorted(hostile)


def test_a_name_that_is_no_text_is_counted_only(repository: Path) -> None:
    blob = git(repository, "rev-parse", "HEAD:app.py").encode()
    index = b"100644 blob " + blob + b"\tbad\xff.py\0"
    tree = subprocess.run(["git", "mktree", "-z"], cwd=repository, input=index, capture_output=True, check=True).stdout
    head = git(repository, "commit-tree", "-m", "bad", tree.decode().strip())
    assert log_of(repository).before(head).commits[0].files == ()
    assert log_of(repository).before(head).commits[0].more == 1


def test_content_is_never_taken_for_a_header(repository: Path) -> None:
    forged = (
        "diff --git a/forged b/forged\n--- a/forged\n+++ b/forged\n@@ -1 +1 @@ def forged():\n"
        "\\ No newline at end of file\n++ b/forged\n-- a/forged\n@ -1 +1 @@\n\0" + "0" * 40 + " 1\0forged\0\n"
    )
    text = "x" * 9_000 + "\n"  # beyond where git looks for a NUL
    commit(repository, {"real.txt": text + forged + "no end"}, "first")
    assert newest(repository).files == (added("real.txt", 11),)
    commit(repository, {"real.txt": text + forged + forged + "other end", "z.txt": "z\n"}, "second")
    commit(repository, {"real.txt": text, "z.txt": "z"}, "third")
    history = log_of(repository).before(git(repository, "rev-parse", "HEAD"))
    assert [found.message for found in history.commits] == ["third", "second", "first", "first"]
    assert [names(found) for found in history.commits[:3]] == [["real.txt", "z.txt"]] * 2 + [["real.txt"]]
    contexts = {context for found in history.commits for touched in found.files for context in touched.contexts}
    assert not any("def forged" in context and not context.startswith("@@") for context in contexts)


def test_a_message_may_hold_anything(repository: Path) -> None:
    forged = "\x01\x02diff --git a/forged b/forged\n+++ b/forged\n@@ -1 +1 @@ def forged():\n" + "0" * 40 + " 1\n\nend"
    head = commit(repository, {"a.txt": "a\n"}, forged)
    found = log_of(repository).before(head)
    assert found.commits[0].message == forged
    assert names(found.commits[0]) == ["a.txt"]
    assert len(found.commits) == 2


def test_messages_are_text_whatever_their_bytes_and_are_cut(repository: Path) -> None:
    log = log_of(repository)
    assert log.before(raw_commit(repository, b"caf\xe9", b"encoding ISO-8859-1\n")).commits[0].message == "café"
    assert log.before(raw_commit(repository, b"bad \xff\n")).commits[0].message == "bad �"
    assert log.before(raw_commit(repository, b"")).commits[0].message == ""
    assert log.before(raw_commit(repository, "é".encode() * 3_000_000)).commits[0].message == "é" * 2_000


def test_what_is_kept_of_a_large_commit_is_bounded(repository: Path) -> None:
    many = {f"f{number:03}.py": "".join(f"def f{i}():\n    a\n\n" for i in range(50)) for number in range(70)}
    commit(repository, many)
    commit(repository, {name: text.replace("    a", "    b") for name, text in many.items()})
    found = newest(repository)
    assert (len(found.files), found.more) == (60, 10)
    assert [len(touched.contexts) for touched in found.files[:11]] == [40] * 10 + [0]
    commit(repository, {"f000.py": "def " + "é" * 300 + "():\n" + "    a\n" * 9})
    commit(repository, {"f000.py": "def " + "é" * 300 + "():\n" + "    a\n" * 8 + "    b\n"})
    (context,) = newest(repository).files[0].contexts
    assert context == "def " + "é" * 38


def test_of_a_patch_that_is_too_long_only_the_names_are_read(
    repository: Path, cache: BlobFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository, {"a.py": BODY})
    commit(repository, {"a.py": BODY + "    x = 1\n", "large.txt": "line\n" * 200_000, "z\n.py": "z\n"}, "large")
    head = commit(repository, {"a.py": BODY}, "after")
    monkeypatch.setattr(patches, "_MAX_PATCH_BYTES", 100_000)
    history = log_of(repository, cache).before(head)
    assert history.complete
    assert [found.message for found in history.commits] == ["after", "large", "more", "first"]
    assert history.commits[1].files == (unread("a.py"), unread("large.txt"), unread("z\n.py"))
    assert cache.count("commit-2") == 4


def test_settings_of_the_repository_change_nothing(repository: Path, tmp_path: Path) -> None:
    for name, value in (
        ("diff.noprefix", "true"), ("diff.mnemonicPrefix", "true"), ("diff.renames", "copies"),
        ("color.ui", "always"), ("diff.external", "false"), ("diff.context", "9"), ("diff.interHunkContext", "9"),
        ("diff.submodule", "log"), ("diff.relative", "true"), ("core.quotePath", "true"), ("diff.wordRegex", "."),
        ("log.showSignature", "true"), ("diff.suppressBlankEmpty", "true"), ("diff.python.textconv", "false"),
        ("format.pretty", "oneline"), ("log.showRoot", "false"), ("core.attributesFile", "/nowhere"),
        ("diff.python.command", "false"), ("diff.python.algorithm", "patience"), ("diff.indentHeuristic", "false"),
        ("diff.algorithm", "patience"), ("i18n.logOutputEncoding", "ISO-8859-1"), ("diff.colorMoved", "zebra"),
    ):  # fmt: skip
        git(repository, "config", name, value)
    commit(repository, {"é.py": BODY}, "é")
    third = commit(repository, {"é.py": BODY.replace("2", "20")}, "é")
    changed = Touched("é.py", ("def second(self):",), ((6, 1, 6, 1),), is_whole=True)
    history = log_of(repository).before(third)
    assert [found.files for found in history.commits] == [(changed,), (added("é.py", 6),), (added("app.py", 1),)]
    assert history.commits[0].message == "é"
    # Where other settings would see other places: how lines are matched, and where an added block begins.
    commit(repository, {"match.py": "c\na\nv\nv\nu\na\n", "slide.py": "if x:\n    a\nif x:\n    c\n"})
    commit(repository, {"match.py": "w\nw\nb\nw\na\nc\n", "slide.py": "if x:\n    a\nif x:\n    b\nif x:\n    c\n"})
    assert places(newest(repository)) == {"match.py": ((1, 5, 1, 4), (6, 0, 6, 1)), "slide.py": ((2, 0, 3, 2),)}


def test_a_replaced_commit_is_read_as_it_was(repository: Path) -> None:
    head = commit(repository, {"a.py": "a\n"}, "real")
    git(repository, "replace", head, git(repository, "rev-parse", "HEAD^"))
    assert [found.message for found in log_of(repository).before(head).commits] == ["real", "first"]


def test_a_later_process_reads_only_what_is_new(
    repository: Path, cache: BlobFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, head = [commit(repository, {"a.py": f"{number}\n"}) for number in range(5)]
    before = log_of(repository, cache).before(head)
    read = count_reads(monkeypatch)
    log = log_of(repository, cache)
    assert log.before(head) == before == log_of(repository).before(head)
    del read[:]
    assert log.before(head) is log.before(head)
    newer = commit(repository, {"a.py": "new\n"})
    assert log.before(newer).commits[1:] == before.commits
    assert read == [newer]


def test_without_a_cache_what_was_read_is_remembered_for_a_few_commits(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = [commit(repository, {"a.py": f"{number}\n"}) for number in range(6)]
    log = log_of(repository)
    read = count_reads(monkeypatch)
    for head in heads:
        log.before(head)
    assert sorted(read) == sorted([*heads, git(repository, "rev-parse", f"{heads[0]}^")])
    del read[:]
    for head in heads[-4:]:
        assert log.before(head) is log.before(head)
    assert read == []


def test_a_name_that_moves_is_not_remembered(repository: Path) -> None:
    log = log_of(repository)
    assert len(log.before("HEAD").commits) == 1
    commit(repository, {})
    assert len(log.before("HEAD").commits) == 2


def test_facts_that_make_no_sense_are_read_again(repository: Path, cache: BlobFacts) -> None:
    head = git(repository, "rev-parse", "HEAD")
    expected = log_of(repository).before(head)
    files = ("[]", '["a"]', '["a",7]', '["a",[1,1,1]]')
    for nonsense in (b"", b"{}", b"[1]", b"\xff", *(f'[1,0,"m",[{file}]]'.encode() for file in files)):
        cache.put("commit-2", [(head, nonsense)])
        assert log_of(repository, cache).before(head) == expected


def test_at_the_deadline_it_ends_with_what_was_read_and_goes_on_from_there(
    repository: Path, cache: BlobFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, head = [commit(repository, {"a.py": f"{number}\n"}) for number in range(6)]
    log = log_of(repository, cache)
    assert log.before(head, deadline=time.monotonic() - 1) == History((), complete=False)

    def two(git: LocalGit, oids: Sequence[str], *, deadline: float | None) -> Iterator[tuple[Commit, bool]]:
        return itertools.islice(patches.read_commits(git, oids, deadline=deadline), 2)

    with monkeypatch.context() as patch:
        patch.setattr(commit_log, "read_commits", two)
        history = log.before(head, deadline=time.monotonic() + 60)
    assert not history.complete
    assert len(history.commits) == 2
    assert cache.count("commit-2") == 2
    read = count_reads(monkeypatch)
    assert log.before(head).commits[:2] == history.commits
    assert len(read) == 5
    assert log.before(head).complete


def test_git_is_ended_at_the_deadline(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git waits for the names of commits from a pipe that nobody writes to."""
    head = git(repository, "rev-parse", "HEAD")
    log = log_of(repository)
    pipe = subprocess.Popen(["sleep", "60"], stdout=subprocess.PIPE)
    start = LocalGit.start

    def waiting(self: LocalGit, *args: str, stdin: IO[bytes], pipe_bytes: int = -1) -> subprocess.Popen[bytes]:
        assert pipe.stdout is not None
        return start(self, *args, stdin=pipe.stdout, pipe_bytes=pipe_bytes)

    monkeypatch.setattr(LocalGit, "start", waiting)
    try:
        assert log.before(head, deadline=time.monotonic() + 0.5) == History((), complete=False)
    finally:
        pipe.kill()
        with pipe:
            pass


def test_of_a_shallow_clone_the_last_commit_is_not_taken_for_the_first(repository: Path, tmp_path: Path) -> None:
    *_, head = [commit(repository, {f"{number}.py": "x\n"}) for number in range(4)]
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=3", f"file://{repository}", str(clone))
    log = log_of(clone)
    history = log.before(head)
    assert not history.complete
    assert [names(found) for found in history.commits] == [["3.py"], ["2.py"]]
    assert log.before(head) is history
    assert log.before(head, limit=2).complete
    git(clone, "fetch", "--quiet", "--unshallow")
    assert log.before(head) == log_of(repository).before(head)


def test_of_a_partial_clone_the_names_are_read_without_the_network(
    repository: Path, tmp_path: Path, cache: BlobFacts
) -> None:
    *_, head = [commit(repository, {"a.py": f"{number}\n", f"{number}.py": "x\n"}) for number in range(8)]
    git(repository, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--bare", "--filter=blob:none", f"file://{repository}", str(clone))
    history = log_of(clone, cache).before(head)
    assert not history.complete
    assert [names(found) for found in history.commits[:2]] == [["7.py", "a.py"], ["6.py", "a.py"]]
    assert len(history.commits) == 9
    assert cache.count("commit-2") == 0
    assert "?" in git(clone, "rev-list", "--objects", "--missing=print", head)  # nothing was fetched


def test_around_a_damaged_object_everything_else_is_read(repository: Path, cache: BlobFacts) -> None:
    *_, head = [
        commit(repository, {"a.py": BODY + f"    x = {number}\n", f"{number}.py": f"{number}\n"}) for number in range(5)
    ]
    blob = git(repository, "rev-parse", "HEAD~2:a.py")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    history = log_of(repository, cache).before(head)
    assert not history.complete
    assert [names(found) for found in history.commits[:5]] == [[f"{number}.py", "a.py"] for number in (4, 3, 2, 1, 0)]
    assert [len(found.files[1].contexts) for found in history.commits[:4]] == [1, 0, 0, 1]
    assert cache.count("commit-2") == 4
    tree = git(repository, "rev-parse", "HEAD~2^{tree}")
    (repository / ".git/objects" / tree[:2] / tree[2:]).unlink()
    history = log_of(repository).before(head)
    assert not history.complete
    assert [names(found)[0] for found in history.commits] == ["4.py", "1.py", "0.py", "app.py"]


def test_what_can_not_be_read_is_an_empty_history(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_of(repository)
    nothing = History((), complete=False)
    for commit in ("0" * 40, "nowhere", "", "--all", "a\0b", "\udcff", "HEAD:app.py"):
        assert log.before(commit) == nothing
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "/nowhere")
    assert log_of(repository).before(head) == nothing


def test_threads_share_one_log(repository: Path, cache: BlobFacts) -> None:
    heads = [commit(repository, {"a.py": f"{number}\n"}) for number in range(6)]
    log = log_of(repository, cache)
    with ThreadPoolExecutor(4) as pool:
        lengths = [len(history.commits) for history in pool.map(log.before, heads * 4)]
    assert lengths == [2, 3, 4, 5, 6, 7] * 4


def test_a_sha256_repository_is_read(tmp_path: Path, cache: BlobFacts) -> None:
    path = tmp_path / "long"
    path.mkdir()
    git(path, "init", "--quiet", "--object-format=sha256")
    head = commit(path, {"a.py": "a\n"})
    for _ in range(2):
        assert oids(log_of(path, cache).before(head)) == [head]
