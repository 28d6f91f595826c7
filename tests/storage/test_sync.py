"""Two clones that sync end with the same events, and nothing a remote holds can harm or stop them."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from agentops_mcp.core.errors import GitError, InvalidInputError
from agentops_mcp.core.records import Event, digest, readable
from agentops_mcp.storage.event_files import EventFiles, event_path
from agentops_mcp.storage.exchange import Exchange
from agentops_mcp.storage.git import Completed, Git, discover
from agentops_mcp.storage.mirror import Mirror, SyncReport
from conftest import git
from tracked_events import REF, MemoryEvents, mirror_of


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "remote.git")
    return tmp_path / "remote.git"


def clone_of(remote: Path, name: str, *options: str) -> Path:
    git(remote.parent, "clone", "--quiet", *options, remote.as_uri(), name)
    return remote.parent / name


def paths(place: Path) -> set[str]:
    return set(git(place, "ls-tree", "-r", "--name-only", REF).splitlines())


def names(*events: Event) -> set[str]:
    return {event_path(event.id) for event in events}


def commit_on(place: Path, files: Mapping[str, bytes], *, mode: str = "100644") -> str:
    """Put files on the remote's ref by hand, as anybody with write access could."""
    environment = {**os.environ, "GIT_INDEX_FILE": str(place / "by-hand"), "GIT_DIR": str(place)}

    def run(*args: str, stdin: bytes = b"") -> str:
        command = ["git", "-c", "user.name=Mallory", "-c", "user.email=m@example.org", *args]
        done = subprocess.run(command, cwd=place, env=environment, input=stdin, check=True, capture_output=True)
        return done.stdout.decode().strip()

    parents: list[str] = []
    if run("for-each-ref", REF):
        run("read-tree", REF)
        parents = ["-p", REF]
    for path, content in files.items():
        blob = run("hash-object", "-w", "--stdin", stdin=content)
        run("update-index", "-z", "--index-info", stdin=f"{mode} {blob}\t{path}\0".encode("utf-8", "surrogateescape"))
    commit = run("commit-tree", run("write-tree"), *parents, "-m", "by hand")
    run("update-ref", REF, commit)
    return commit


def test_two_clones_that_diverged_end_with_the_same_events(remote: Path) -> None:
    one, first = mirror_of(clone_of(remote, "one"))
    two, second = mirror_of(clone_of(remote, "two"))
    a, b = first.add("a"), second.add("b")
    assert one.sync("origin") == SyncReport("origin", pushed=1)
    assert two.sync("origin") == SyncReport("origin", fetched=1, merged=1, pushed=1)
    c, d = first.add("c"), second.add("d")
    two.sync("origin")
    assert one.sync("origin") == SyncReport("origin", fetched=2, merged=2, pushed=1)
    assert two.sync("origin") == SyncReport("origin", fetched=1, merged=1)
    for place in (remote, remote.parent / "one", remote.parent / "two"):
        assert paths(place) == names(a, b, c, d)
        git(place, "fsck", "--strict", "--no-dangling")
    assert first.ids() == second.ids() == {a.id, b.id, c.id, d.id}
    assert one.verify() == two.verify() == []
    assert one.debt() == two.debt() == 0


def test_a_sync_with_nothing_new_changes_nothing(remote: Path) -> None:
    one, first = mirror_of(clone_of(remote, "one"))
    two, second = mirror_of(clone_of(remote, "two"))
    assert one.sync("origin") == SyncReport("origin")
    first.add()
    second.add()
    for mirror in (one, two, one, two):
        mirror.sync("origin")
    tips = [git(remote.parent / name, "rev-parse", REF) for name in ("one", "two", "remote.git")]
    for mirror in (one, two, one):
        assert mirror.sync("origin") == SyncReport("origin")
    assert [git(remote.parent / name, "rev-parse", REF) for name in ("one", "two", "remote.git")] == tips


def test_a_new_clone_gets_everything(remote: Path) -> None:
    one, first = mirror_of(clone_of(remote, "one"))
    for _ in range(7):
        first.add()
    one.sync("origin")
    two, second = mirror_of(clone_of(remote, "two"))
    assert two.sync("origin") == SyncReport("origin", fetched=7, merged=7)
    assert second.ids() == first.ids()
    assert paths(remote.parent / "two") == paths(remote)


def test_only_the_ledger_is_fetched_and_pushed(remote: Path, repository: Path) -> None:
    git(repository, "push", "--quiet", remote.as_uri(), "main", "main:refs/tags/v1")
    place = clone_of(remote, "one", "--branch", "main", "--no-tags")
    mirror, events = mirror_of(place)
    events.add()
    git(place, "commit", "--quiet", "--allow-empty", "--message", "unpushed")
    before = git(place, "for-each-ref", "refs/heads", "refs/tags", "refs/remotes"), git(place, "status", "--porcelain")
    mirror.sync("origin")
    events.add()
    mirror.sync("origin")
    assert not (place / ".git/FETCH_HEAD").exists()
    after = git(place, "for-each-ref", "refs/heads", "refs/tags", "refs/remotes"), git(place, "status", "--porcelain")
    assert after == before
    assert git(remote, "for-each-ref", "--format=%(refname)").splitlines() == [REF, "refs/heads/main", "refs/tags/v1"]


@pytest.mark.parametrize(
    "options",
    [["--depth=1", "--branch=main"], ["--filter=blob:none", "--branch=main"], ["--mirror"], ["--bare"]],
    ids=["shallow", "partial", "mirror", "bare"],
)
def test_every_kind_of_clone_can_take_part(remote: Path, repository: Path, options: list[str]) -> None:
    git(remote, "config", "uploadpack.allowFilter", "true")
    git(repository, "push", "--quiet", remote.as_uri(), "main")
    one, first = mirror_of(clone_of(remote, "one", "--branch", "main"))
    for _ in range(3):
        first.add()
        one.flush()
    one.sync("origin")
    two, second = mirror_of(clone_of(remote, "two", *options))
    second.add()
    expected = SyncReport("origin", fetched=3, merged=3, pushed=1)
    if "--mirror" in options:  # which brought the ref itself along
        expected = SyncReport("origin", restored=3, pushed=1)
    assert two.sync("origin") == expected
    assert one.sync("origin").merged == 1
    assert first.ids() == second.ids()


def test_a_partial_clone_fetches_the_events_all_at_once(remote: Path, repository: Path) -> None:
    git(remote, "config", "uploadpack.allowFilter", "true")
    git(repository, "push", "--quiet", remote.as_uri(), "main")
    made = MemoryEvents().add()
    commit_on(remote, {event_path(made.id): readable(made).encode()})
    found = discover(clone_of(remote, "one", "--filter=blob:none", "--branch=main"))
    assert found is not None
    runner = Git(found)
    theirs = Exchange(runner, "origin", REF).fetch()
    assert theirs is not None
    remote.rename(remote.with_name("gone.git"))
    files = EventFiles(runner)
    assert [event.id for chunk in files.read(files.compare(None, theirs).new) for event in chunk.events] == [made.id]


def test_clones_of_another_format_can_take_part(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "--object-format=sha256", "remote.git")
    tree = git(tmp_path / "remote.git", "hash-object", "-w", "-t", "tree", os.devnull)
    commit = git(tmp_path / "remote.git", "commit-tree", tree, "-m", "first")
    git(tmp_path / "remote.git", "update-ref", "refs/heads/main", commit)
    mirrors = [mirror_of(clone_of(tmp_path / "remote.git", name)) for name in ("one", "two")]
    for _ in range(2):
        for mirror, events in mirrors:
            events.add()
            mirror.sync("origin")
    mirrors[0][0].sync("origin")
    assert mirrors[0][1].ids() == mirrors[1][1].ids()
    assert mirrors[0][0].verify() == mirrors[1][0].verify() == []


def test_a_dry_run_says_what_would_happen_and_does_nothing(remote: Path) -> None:
    one, first = mirror_of(clone_of(remote, "one"))
    two, second = mirror_of(clone_of(remote, "two"))
    first.add()
    first.add()
    assert one.sync("origin", dry_run=True) == SyncReport("origin", pushed=2, dry_run=True)
    one.sync("origin")
    own = second.add()
    before = git(remote, "rev-parse", REF)
    assert two.sync("origin", dry_run=True) == SyncReport("origin", fetched=2, pushed=1, dry_run=True)
    assert second.ids() == {own.id}
    assert git(remote, "rev-parse", REF) == before
    assert two.debt() == 1


def tampered(event: Event, **changes: object) -> bytes:
    return (json.dumps({**asdict(event), **changes}, indent=1, sort_keys=True) + "\n").encode()


def resealed(event: Event, **changes: object) -> Event:
    changed = replace(event, **changes)  # type: ignore[arg-type] - wrong types are what is tested
    return replace(changed, hash=digest(changed))


def test_what_is_not_exactly_an_event_at_its_place_is_refused_by_name(remote: Path) -> None:
    author = MemoryEvents()
    good, bad, moved, local, spaced, exotic = (author.add(str(number)) for number in range(6))
    local = resealed(local, tracked=False)
    commit_on(
        remote,
        {
            event_path(good.id): readable(good).encode(),
            event_path(bad.id): tampered(bad, body={"text": "not what was said"}),
            f"2020/01-01/00/{moved.id}.json": readable(moved).encode(),
            event_path(moved.id): readable(exotic).encode(),
            event_path(local.id): readable(local).encode(),
            event_path(spaced.id): readable(spaced).encode() + b"\n",
            "new\nline\x1b[2J\udcff": b"x",
            "--upload-pack=x": b"x",
            "10889/08-02/05/ffffffff-ffff-7fff-bfff-ffffffffffff.json": b"x",
        },
    )
    mirror, events = mirror_of(clone_of(remote, "one"))
    own = events.add()
    report = mirror.sync("origin")
    assert (report.fetched, report.merged, report.pushed) == (1, 1, 1)
    assert events.ids() == {good.id, own.id}
    assert report.refused_total == len(report.refused) == 8
    reasons = {refusal.path: refusal.reason for refusal in report.refused}
    assert "does not match its hash" in reasons[event_path(bad.id)]
    assert reasons[event_path(moved.id)] == "The record is another one than the file's name says."
    assert reasons[event_path(local.id)] == "The record is a local one, which has no place in a mirror."
    assert reasons[event_path(spaced.id)] == "The record is not written the way the mirror writes it."
    assert reasons["new\\nline\\x1b[2J\\udcff"] == reasons["--upload-pack=x"] == "not the name of an event"
    assert paths(remote) == paths(remote.parent / "one") == names(good, own)
    assert mirror.verify() == []


@pytest.mark.parametrize("mode", ["100755", "120000"])
def test_an_event_that_is_not_a_plain_file_is_refused(remote: Path, mode: str) -> None:
    event = MemoryEvents().add()
    commit_on(remote, {event_path(event.id): readable(event).encode()}, mode=mode)
    mirror, events = mirror_of(clone_of(remote, "one"))
    assert mirror.sync("origin").refused_total == 1
    assert events.ids() == set()


def test_a_record_larger_than_any_event_is_not_read(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.storage.event_files._MAX_EVENT_BYTES", 2_000)
    author = MemoryEvents()
    small, large = author.add(), author.add("x" * 3_000)
    commit_on(remote, {event_path(event.id): readable(event).encode() for event in (small, large)})
    mirror, events = mirror_of(clone_of(remote, "one"))
    report = mirror.sync("origin")
    assert [refusal.reason for refusal in report.refused] == ["larger than any event"]
    assert events.ids() == {small.id}


def test_events_are_read_in_chunks_of_bounded_size(remote: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops_mcp.storage.event_files._CHUNK_BYTES", 2_000)
    monkeypatch.setattr("agentops_mcp.storage.event_files._CHUNK_FILES", 7)
    author = MemoryEvents()
    made = [author.add("y" * 700) for _ in range(20)]
    commit_on(remote, {event_path(event.id): readable(event).encode() for event in made})
    mirror, events = mirror_of(clone_of(remote, "one"))
    assert mirror.sync("origin") == SyncReport("origin", fetched=20, merged=20)
    assert events.ids() == author.ids()
    assert mirror.verify() == []


def test_a_changed_event_on_the_remote_is_refused_and_put_right(remote: Path) -> None:
    mirror, events = mirror_of(clone_of(remote, "one"))
    event = events.add("what was said")
    mirror.sync("origin")
    forged = resealed(event, body={"text": "what was not said"})
    commit_on(remote, {event_path(event.id): readable(forged).encode()})
    report = mirror.sync("origin")
    assert [refusal.path for refusal in report.refused] == [event_path(event.id)]
    assert git(remote, "cat-file", "blob", f"{REF}:{event_path(event.id)}") + "\n" == readable(event)
    assert events.rows[0][1].body == {"text": "what was said"}


def test_a_remote_whose_history_was_replaced_is_joined_not_overwritten(remote: Path) -> None:
    mirror, events = mirror_of(clone_of(remote, "one"))
    own = events.add()
    mirror.sync("origin")
    git(remote, "update-ref", "-d", REF)
    other = MemoryEvents().add()
    replaced = commit_on(remote, {event_path(other.id): readable(other).encode()})
    assert mirror.sync("origin") == SyncReport("origin", fetched=1, merged=1, pushed=1)
    assert paths(remote) == names(own, other)
    git(remote, "merge-base", "--is-ancestor", replaced, REF)


class RacingGit(Git):
    """git, on a remote that somebody else pushes to just before we do."""

    def __init__(self, place: Path, remote: Path, times: int) -> None:
        found = discover(place)
        assert found is not None
        super().__init__(found)
        self._remote = remote
        self.left = times
        self.others = MemoryEvents()

    def attempt_network(self, *args: str, timeout_s: float = 120) -> Completed:
        if "push" in args and self.left:
            self.left -= 1
            event = self.others.add()
            commit_on(self._remote, {event_path(event.id): readable(event).encode()})
        return super().attempt_network(*args, timeout_s=timeout_s)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_remote_that_moves_during_the_sync_is_tried_again_a_few_times(remote: Path, times: int) -> None:
    place = clone_of(remote, "one")
    runner, events = RacingGit(place, remote, times), MemoryEvents()
    lock = place / ".git/agentops/mirror.lock"
    mirror = Mirror(runner.repository, runner, events, ref=REF, lock_path=lock)
    own = events.add()
    if times < 3:
        assert mirror.sync("origin") == SyncReport("origin", fetched=times, merged=times, pushed=1)
    else:
        with pytest.raises(GitError, match="kept changing"):
            mirror.sync("origin")
        assert mirror.sync("origin") == SyncReport("origin", fetched=1, merged=1, pushed=1)
    assert events.ids() == runner.others.ids() | {own.id}
    assert paths(remote) == {event_path(event_id) for event_id in events.ids()}


@pytest.mark.parametrize("name", ["nowhere", "--upload-pack=touch ran", "-", "https://example.org/x.git", ""])
def test_only_a_configured_remote_is_spoken_to(remote: Path, name: str) -> None:
    mirror, events = mirror_of(clone_of(remote, "one"))
    events.add()
    with pytest.raises(InvalidInputError, match="no remote named"):
        mirror.sync(name)
    assert not list(remote.parent.rglob("ran"))


def test_a_remote_that_cannot_be_reached_is_named_without_its_password(remote: Path) -> None:
    place = clone_of(remote, "one")
    mirror, events = mirror_of(place)
    events.add()
    git(place, "remote", "set-url", "origin", "http://user:s3cr3t@127.0.0.1:9/x.git")
    with pytest.raises(GitError, match="'origin' could not be read") as caught:
        mirror.sync("origin")
    assert "s3cr3t" not in str(caught.value)
    assert mirror.debt() == 0


def test_what_was_fetched_stays_merged_when_the_remote_takes_nothing(remote: Path) -> None:
    one, first = mirror_of(clone_of(remote, "one"))
    first.add()
    one.sync("origin")
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not for you >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    two, second = mirror_of(clone_of(remote, "two"))
    second.add()
    with pytest.raises(GitError, match=r"'origin' did not take the ledger: .*pre-receive hook declined") as caught:
        two.sync("origin")
    assert "permission" in caught.value.remedy
    assert first.ids() < second.ids()
    assert two.debt() == 0


def test_a_remote_that_is_only_read_needs_no_permission_to_push(remote: Path) -> None:
    one, first = mirror_of(clone_of(remote, "one"))
    first.add()
    one.sync("origin")
    place = clone_of(remote, "two")
    git(place, "remote", "set-url", "--push", "origin", "http://127.0.0.1:9/x.git")
    assert mirror_of(place)[0].sync("origin") == SyncReport("origin", fetched=1, merged=1)
