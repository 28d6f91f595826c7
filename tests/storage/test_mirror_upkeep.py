"""The mirror outlives what happens to it: tidying, damage, locks, and many writers at once."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from agentops_mcp.core.errors import GitError
from agentops_mcp.storage.event_files import event_path
from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.refs import Refs
from conftest import git
from tracked_events import REF, expected, files, git_of, is_sound, mirror_of


@pytest.mark.parametrize("upkeep", [["gc", "--quiet", "--prune=now"], ["repack", "-adq"], ["pack-refs", "--all"]])
@pytest.mark.parametrize("same_process", [True, False])
def test_git_may_tidy_up_between_two_flushes(repository: Path, upkeep: list[str], same_process: bool) -> None:
    mirror, events = mirror_of(repository)
    events.add()
    mirror.flush()
    for _ in range(2):
        git(repository, *upkeep)
        if not same_process:
            mirror, _ = mirror_of(repository, events)
        assert mirror.flush() == 0
        events.add()
        assert mirror.flush() == 1
    assert files(repository) == expected(events)
    assert is_sound(repository)


def test_a_deleted_ref_is_written_again_in_full(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    for _ in range(3):
        events.add()
        mirror.flush()
    git(repository, "update-ref", "-d", REF)
    git(repository, "gc", "--quiet", "--prune=now")
    assert mirror.debt() == 3
    assert mirror.flush() == 3
    assert files(repository) == expected(events)
    assert is_sound(repository)


def test_a_ref_that_somebody_else_moves_is_followed(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    events.add()
    mirror.flush()
    tree = git(repository, "rev-parse", f"{REF}^{{tree}}")
    foreign = git(repository, "commit-tree", tree, "-p", REF, "-m", "by hand")
    git(repository, "update-ref", REF, foreign)
    events.add()
    mirror.flush()
    assert git(repository, "rev-parse", f"{REF}~1") == foreign
    assert files(repository) == expected(events)


@pytest.mark.parametrize("broken", ["objects", "refs/agentops", "refs/agentops/ledger.lock", "agentops"])
def test_a_mirror_that_cannot_be_written_keeps_the_debt(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr("agentops_mcp.storage.mirror_ref._REF_RETRY_S", 0)
    mirror, events = mirror_of(repository)
    events.add()
    place = repository / ".git" / broken
    if place.exists():
        place.rename(tmp_path / "aside")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("in the way", encoding="utf-8")
    with pytest.raises(GitError) as caught:
        mirror.flush()
    assert mirror.last_error == str(caught.value)
    place.unlink()
    if (tmp_path / "aside").exists():
        (tmp_path / "aside").rename(place)
    assert mirror.debt() == 1
    assert mirror.flush() == 1
    assert mirror.last_error is None
    assert is_sound(repository)


def test_a_damaged_tip_is_an_error_with_a_remedy(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    events.add()
    mirror.flush()
    tip = git(repository, "rev-parse", REF)
    (repository / ".git/objects" / tip[:2] / tip[2:]).unlink()
    events.add()
    fresh, _ = mirror_of(repository, events)
    with pytest.raises(GitError):
        fresh.flush()
    git(repository, "update-ref", "-d", REF)
    assert fresh.flush() == 2
    assert is_sound(repository)


def test_an_object_emptied_by_a_power_cut_is_written_again(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    event = events.add()
    mirror.flush()
    blob = git(repository, "rev-parse", f"{REF}:{event_path(event.id)}")
    place = repository / ".git/objects" / blob[:2] / blob[2:]
    place.chmod(0o644)
    place.write_bytes(b"")
    git(repository, "update-ref", "-d", REF)
    mirror.flush()
    assert files(repository) == expected(events)


def test_a_lock_held_by_another_process_leaves_the_debt(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.storage.mirror_ref._LOCK_TIMEOUT_S", 0)
    mirror, events = mirror_of(repository)
    events.add()
    with exclusive(repository / ".git/agentops/mirror.lock", timeout_s=1), pytest.raises(GitError, match="holds"):
        mirror.flush()
    assert mirror.flush() == 1


def test_a_lock_on_the_ref_left_by_a_killed_process_of_ours_is_cleared(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    for _ in range(3):
        events.add()
        mirror.flush()
        current = (repository / ".git" / REF).stat().st_ino
        spares = list((repository / ".git/agentops").glob("ledger.ref-*"))
        (spare,) = [path for path in spares if path.stat().st_ino != current] or spares[:1]
        (repository / ".git" / f"{REF}.lock").hardlink_to(spare)
    events.add()
    assert mirror.flush() == 1
    assert is_sound(repository)


def test_moving_the_ref_makes_and_frees_no_file(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    inodes: set[int] = set()
    for _ in range(6):
        events.add()
        mirror.flush()
        inodes.add((repository / ".git" / REF).stat().st_ino)
    assert len(inodes) == 2


def test_a_hard_linked_snapshot_of_the_repository_keeps_its_ref(repository: Path, tmp_path: Path) -> None:
    mirror, events = mirror_of(repository)
    for _ in range(3):
        events.add()
        mirror.flush()
    tip = git(repository, "rev-parse", REF)
    subprocess.run(["cp", "-al", repository, tmp_path / "snapshot"], check=True)
    for _ in range(3):
        events.add()
        mirror.flush()
    assert git(tmp_path / "snapshot", "rev-parse", REF) == tip
    assert files(repository) == expected(events)


def test_a_ref_is_moved_only_from_where_it_was_expected(repository: Path) -> None:
    refs, head = Refs(git_of(repository)), git(repository, "rev-parse", "HEAD")
    assert refs.move("refs/agentops/x", new=head, expected=head) is False
    assert refs.read("refs/agentops/x") is None
    assert refs.move("refs/agentops/x", new=head, expected=None) is True
    git(repository, "pack-refs", "--all")
    assert refs.move("refs/agentops/x", new="1" * 40, expected=None) is False
    assert refs.move("refs/agentops/x", new="1" * 40, expected=head) is True
    assert refs.read("refs/agentops/x") == "1" * 40
    assert not (repository / ".git/refs/agentops/x.lock").exists()


def test_many_threads_flush_without_losing_an_event(repository: Path) -> None:
    mirror, events = mirror_of(repository)
    for _ in range(40):
        events.add()
    threads = [threading.Thread(target=mirror.flush) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(repository) == expected(events)
    assert git(repository, "rev-list", "--count", REF) == "1"


WRITER = """
import sys
from pathlib import Path
from agentops_mcp.core.clock import utc_now
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Actor
from agentops_mcp.storage.git import Git, discover
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.mirror import Mirror
from agentops_mcp.storage.sqlite import SqliteDatabase
from notes import NOTES, note
found = discover(Path(sys.argv[1]))
database = SqliteDatabase(found.common_dir / "agentops" / "agentops.db")
ledger = Ledger(database, place="here", views=[NOTES], clock=utc_now, new_id=new_id)
ledger.open()
lock = found.common_dir / "agentops" / "mirror.lock"
mirror = Mirror(found, Git(found), ledger, ref="refs/agentops/ledger", lock_path=lock)
for number in range(int(sys.argv[2])):
    ledger.append([note(f"{sys.argv[3]} {number}")], actor=Actor("writer", "tester", "cli"))
    mirror.flush()
print(mirror.debt(), len(mirror.verify()))
database.close()
"""


def test_processes_that_flush_at_once_lose_nothing(repository: Path, request: pytest.FixtureRequest) -> None:
    tests = str(request.config.rootpath / "tests")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([tests, *sys.path])}
    command = [sys.executable, "-c", WRITER, str(repository)]
    running = [
        subprocess.Popen([*command, "25", name], env=environment, stdout=subprocess.PIPE, text=True)
        for name in ("one", "two", "three")
    ]
    for process in running:
        process.communicate(timeout=60)
        assert process.returncode == 0
    last = subprocess.run([*command, "0", "check"], env=environment, capture_output=True, text=True, timeout=60)
    assert last.stdout.split() == ["0", "0"]
    assert len(files(repository)) == 75
    assert is_sound(repository)
