"""What past commits touched is read as git has it, whatever their messages, names and contents look like."""

import subprocess
from pathlib import Path

import pytest

from agentops_mcp.storage import patches
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.commit_log import Commit, History, Touched
from commit_logs import BODY, added, commit, log_of, names, newest, numbers, oids, places, raw_commit, scattered, unread
from conftest import git


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
