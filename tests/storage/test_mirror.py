"""The mirror holds every tracked event, in every kind of repository, and touches nothing of the user's."""

import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import cast

import pytest

from agentops_mcp.storage.event_files import event_path
from agentops_mcp.storage.refs import Refs
from conftest import git
from tracked_events import REF, MemoryEvents, expected, files, git_of, is_sound, mirror_of


def state_of(path: Path) -> tuple[str, bytes, bytes, str]:
    """What belongs to the user: status, HEAD, index, and every other ref."""
    refs = [line for line in git(path, "for-each-ref").splitlines() if "refs/agentops/" not in line]
    index = (path / ".git/index").read_bytes()
    return git(path, "status", "--porcelain"), (path / ".git/HEAD").read_bytes(), index, "\n".join(refs)


def test_events_become_files_at_the_minute_of_their_id(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    event = events.add("é — 漢字")
    assert mirror.flush() == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\d/\d{4}/[0-9a-f-]{36}\.json", event_path(event.id))
    events.add()
    events.add()
    assert mirror.flush() == 2
    assert files(repository) == expected(events)
    assert mirror.verify() == []
    assert is_sound(repository)


def test_the_users_own_git_is_left_byte_for_byte(repository: Path) -> None:
    (repository / "app.py").write_text("edited", encoding="utf-8")
    (repository / "new.py").write_text("new", encoding="utf-8")
    git(repository, "add", "new.py")
    before = state_of(repository)
    mirror, events = mirror_of(repository)
    for _ in range(3):
        events.add()
        mirror.flush()
    assert state_of(repository) == before


def test_nothing_owed_makes_no_commit(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    assert mirror.flush() == 0
    assert Refs(git_of(repository)).read(REF) is None
    events.add()
    mirror.flush()
    tip = git(repository, "rev-parse", REF)
    assert mirror.flush() == 0
    assert mirror_of(repository, events)[0].flush() == 0
    assert git(repository, "rev-parse", REF) == tip


def test_a_commit_says_who_made_it_and_how_far_it_goes(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    mirror, events = mirror_of(repository)
    events.add()
    mirror.flush()
    shown = git(repository, "log", "-1", "--format=%an <%ae> %cn <%ce>%n%(trailers:key=Through,valueonly)", REF)
    fixed = "agentops-mcp <agentops-mcp@localhost>"
    assert shown.split("\n") == [f"{fixed} {fixed}", f"{events.identity} {events.last_tracked()}"]


def test_the_debt_is_what_the_tip_does_not_say(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    events.add()
    assert mirror.debt() == 1
    mirror.flush()
    events.add()
    events.add()
    assert mirror.debt() == 2
    assert mirror_of(repository, events)[0].debt() == 2


def test_a_long_debt_is_paid_in_batches(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.storage.mirror_ref.BATCH", 10)
    mirror, events = mirror_of(repository)
    for _ in range(25):
        events.add()
    assert mirror.flush() == 25
    assert git(repository, "rev-list", "--count", REF) == "3"
    assert files(repository) == expected(events)


def test_a_bare_repository_is_mirrored_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "store.git")
    mirror, events = mirror_of(tmp_path / "store.git")
    events.add()
    assert mirror.flush() == 1
    assert files(tmp_path / "store.git") == expected(events)
    assert is_sound(tmp_path / "store.git")


def test_linked_worktrees_share_one_mirror(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    main, events = mirror_of(repository)
    linked, _ = mirror_of(tmp_path / "linked", events)
    events.add()
    assert main.flush() == 1
    assert linked.flush() == 0
    events.add()
    assert linked.flush() == 1
    assert main.debt() == 0
    assert files(tmp_path / "linked") == expected(events)


@pytest.mark.parametrize("detached", [True, False])
def test_neither_a_branch_nor_a_commit_nor_a_name_is_needed(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, detached: bool
) -> None:
    (tmp_path / "home").mkdir()
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("EMAIL", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    place = repository
    if detached:
        git(repository, "checkout", "--quiet", "--detach")
    else:
        git(tmp_path, "init", "--quiet", "unborn")
        place = tmp_path / "unborn"
    mirror, events = mirror_of(place)
    events.add()
    assert mirror.flush() == 1
    assert is_sound(place)


FORMATS = {
    "sha256": ["init", "--quiet", "--object-format=sha256"],
    "shared": ["init", "--quiet", "--shared=group"],
}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_repository_of_another_format_is_left_to_git_itself(tmp_path: Path, kind: str) -> None:
    git(tmp_path, *FORMATS[kind], "other")
    mirror, events = mirror_of(tmp_path / "other")
    for count in (1, 3):
        for _ in range(count):
            events.add()
        assert mirror.flush() == count
    assert mirror.flush() == 0
    assert files(tmp_path / "other") == expected(events)
    assert mirror.verify() == []
    assert is_sound(tmp_path / "other")


def test_both_ways_of_writing_give_the_same_tree(tmp_path: Path) -> None:
    events = MemoryEvents()
    trees: set[str] = set()
    for name in ("plain", "shared"):
        git(tmp_path, *(["init", "--quiet"] if name == "plain" else FORMATS["shared"]), name)
    for _ in range(3):
        events.add()
        for name in ("plain", "shared"):
            mirror_of(tmp_path / name, events)[0].flush()
        trees = {git(tmp_path / name, "rev-parse", f"{REF}^{{tree}}") for name in ("plain", "shared")}
        assert len(trees) == 1


def test_a_change_of_the_repositorys_format_is_noticed(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    events.add()
    mirror.flush()
    git(repository, "config", "core.sharedRepository", "group")
    os.utime(repository / ".git/config", ns=(1, 1))
    events.add()
    mirror.flush()
    blob = git(repository, "rev-parse", f"{REF}:{event_path(events.rows[-1][1].id)}")
    assert (repository / ".git/objects" / blob[:2] / blob[2:]).stat().st_mode & 0o777 == 0o440 | 0o004


def test_another_database_on_the_same_ref_adds_to_it(repository: Path) -> None:
    one, first = mirror_of(repository)
    two, second = mirror_of(repository)
    for _ in range(2):
        first.add()
        assert one.flush() == 1
        second.add()
        assert two.flush() == 1
    assert files(repository) == expected(first) | expected(second)
    assert one.debt() == two.debt() == 0


def test_a_database_restored_from_a_copy_is_mirrored_anew(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    for _ in range(3):
        events.add()
    mirror.flush()
    del events.rows[1:]
    events.add("after the restore")
    assert mirror.debt() == 2
    mirror.flush()
    assert event_path(events.rows[-1][1].id) in files(repository)
    assert mirror.debt() == 0


def test_verification_names_what_is_missing_different_or_unknown(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    first, second = events.add(), events.add()
    mirror.flush()
    events.add("owed, so not missing yet")
    assert mirror.verify() == []
    environment = {**os.environ, "GIT_INDEX_FILE": str(repository / "scratch-index")}
    changed = git(repository, "hash-object", "-w", "app.py")
    for args in (
        ["read-tree", REF],
        ["update-index", "--force-remove", event_path(first.id)],
        ["update-index", "--add", "--cacheinfo", f"100644,{changed},{event_path(second.id)}"],
        ["update-index", "--add", "--cacheinfo", f"100644,{changed},stray"],
    ):
        subprocess.run(["git", *args], cwd=repository, env=environment, check=True)
    tree = subprocess.run(
        ["git", "write-tree"], cwd=repository, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    message = git(repository, "log", "-1", "--format=%B", REF)
    git(repository, "update-ref", REF, git(repository, "commit-tree", tree, "-p", REF, "-m", message))
    assert sorted(mirror.verify()) == sorted(
        [
            f"{event_path(first.id)} is missing from the mirror.",
            f"{event_path(second.id)} differs from its event.",
            "stray is not an event of this ledger.",
        ]
    )


def test_a_lost_database_is_restored_from_the_mirror(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    for _ in range(3):
        events.add()
    mirror.flush()
    assert mirror.restore().restored == 0
    again, empty = mirror_of(repository)
    empty.add("before anybody noticed")
    again.flush()
    assert again.restore().restored == 3
    assert events.ids() < empty.ids()
    assert again.restore().restored == 0
    again.flush()
    assert again.verify() == []


def test_a_large_record_is_stored_whole(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    for size in (4_000, 65_535, 65_536, 300_000):
        events.add(hashlib.sha256(str(size).encode()).hexdigest() * (size // 64))
    mirror.flush()
    assert files(repository) == expected(events)
    assert is_sound(repository)


def test_another_implementation_of_git_reads_what_was_written(repository: Path) -> None:
    """GitPython walks the commits, trees and blobs that our own code wrote."""
    from git import Blob, Repo

    mirror, events = mirror_of(repository)
    for text in ("one", "two", "é — 漢字 " * 2000):
        events.add(text)
        mirror.flush()
    with Repo(repository) as repo:
        commits = list(repo.iter_commits("refs/agentops/ledger"))
        files = [item for item in commits[0].tree.list_traverse() if isinstance(item, Blob)]
        contents = {str(file.path): cast("bytes", file.data_stream.read()).decode() for file in files}
    assert [len(commit.parents) for commit in commits] == [1, 1, 0]
    assert {commit.author.name for commit in commits} == {"agentops-mcp"}
    assert contents == expected(events)
