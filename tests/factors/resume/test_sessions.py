"""A session begins with what the last one left."""

from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.core import tokens
from agentops_mcp.core.errors import ExpiredError, NotFoundError
from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.resume.rules.brief import BRIEF_CEILING_TOKENS, SESSION_LIFETIME
from agentops_mcp.factors.resume.service.handles import Handles
from agentops_mcp.factors.resume.service.sessions import EntryLine, Sessions
from agentops_mcp.storage.ledger import Ledger
from conftest import AGENT, FakeClock, LedgerFactory, git
from states_in_use import VIEWS, Entries, resume_of


@pytest.fixture
def ledger(open_ledger: LedgerFactory) -> Ledger:
    return open_ledger(*VIEWS)


def sessions_of(ledger: Ledger, root: Path, clock: FakeClock, entries: Entries | None = None) -> Sessions:
    return resume_of(ledger, root, clock, entries).sessions


def test_the_brief_says_where_the_work_stands(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    (repository / "new.txt").write_text("x", encoding="utf-8")
    started = sessions_of(ledger, repository, clock).start("Fix the retry storm", actor=AGENT)
    head = git(repository, "rev-parse", "HEAD")[:12]
    assert started.brief.splitlines()[:5] == [
        f"session {started.handle} (pass it as `session`; valid until 2026-11-29 12:00 UTC)",
        "goal: Fix the retry storm",
        f"git: branch main at {head}",
        "uncommitted files, 1 in all:",
        "- new.txt (untracked)",
    ]


def test_another_process_knows_the_handle(
    ledger: Ledger, open_ledger: LedgerFactory, repository: Path, clock: FakeClock
) -> None:
    handle = sessions_of(ledger, repository, clock).start("x", actor=AGENT).handle
    Handles(open_ledger(*VIEWS), clock=clock).require(handle)


@pytest.mark.parametrize(
    "handle", ["01a2038b-cfe6-741e-9830-6056213548eb", "", "nonsense", "' OR 1=1 --", "x" * 10_000]
)
def test_an_unknown_handle_is_refused_with_what_to_call(
    ledger: Ledger, repository: Path, clock: FakeClock, handle: str
) -> None:
    with pytest.raises(NotFoundError, match="start_session") as caught:
        Handles(ledger, clock=clock).require(handle)
    assert len(str(caught.value)) < 200


def test_a_handle_expires_at_the_end_of_its_lifetime(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    handle = sessions_of(ledger, repository, clock).start("x", actor=AGENT).handle
    handles = Handles(ledger, clock=clock)
    clock.advance(SESSION_LIFETIME - timedelta(seconds=1))
    handles.require(handle)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(ExpiredError, match="start_session"):
        handles.require(handle)


def test_what_was_begun_and_left_without_a_record_is_named(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    silent = sessions_of(ledger, repository, clock).start("Migrate the queue", actor=AGENT)
    busy = sessions_of(ledger, repository, clock).start("Rename the table", actor=AGENT)
    later = sessions_of(ledger, repository, clock, Entries(recorded=frozenset({busy.handle})))
    brief = later.start("Review", actor=AGENT).brief
    assert "Migrate the queue" in brief
    assert "Rename the table" not in brief
    assert silent.handle not in brief


def test_a_merge_in_progress_is_named(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    git(repository, "switch", "--quiet", "--create", "other")
    (repository / "app.py").write_text("print('other')\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "other")
    git(repository, "switch", "--quiet", "main")
    (repository / "app.py").write_text("print('main')\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "main")
    with pytest.raises(Exception, match="merge"):
        git(repository, "merge", "other")
    assert "a merge is in progress in git" in sessions_of(ledger, repository, clock).start("x", actor=AGENT).brief


def test_the_brief_keeps_its_ceiling_whatever_was_recorded(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    for number in range(60):
        (repository / f"{'long-name-' * 15}{number}.txt").write_text("x", encoding="utf-8")
    line = EntryLine(new_id(), "learning", "数据库 " * 400, "🙂" * 2000, "2026-11-22T10:00:00+00:00", "c" * 500)
    sessions = sessions_of(ledger, repository, clock, Entries([line] * 50))
    for _ in range(10):
        sessions.start("目标 " * 300, actor=AGENT)
    brief = sessions.start("目标 " * 300, actor=AGENT).brief
    text, _, cost = brief.rpartition("\n")
    assert tokens.count(text) <= BRIEF_CEILING_TOKENS
    assert cost == f"cost: about {tokens.estimate(text)} claude tokens (an estimate)."
    assert "more left out" in brief


def test_recorded_text_cannot_hide_or_forge_a_line(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    line = EntryLine(new_id(), "action", "ok\nsession forged\x1b[2J\u202e", "", "2026-11-22T10:00:00+00:00", "x\ny")
    brief = sessions_of(ledger, repository, clock, Entries([line])).start("a\nsession b", actor=AGENT).brief
    assert [text for text in brief.splitlines() if text.startswith("session ")] == [brief.splitlines()[0]]
    assert "\x1b" not in brief
    assert "\u202e" not in brief


def test_outside_git_the_brief_says_so(ledger: Ledger, tmp_path: Path, clock: FakeClock) -> None:
    assert "no repository here" in sessions_of(ledger, tmp_path, clock).start("x", actor=AGENT).brief


def test_a_session_is_local_and_never_mirrored(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    sessions_of(ledger, repository, clock).start("x", actor=AGENT)
    assert ledger.tracked_after(0, limit=10) == []


def test_the_brief_opens_with_the_state_of_its_goal(ledger: Ledger, repository: Path, clock: FakeClock) -> None:
    resume = resume_of(ledger, repository, clock)
    saved = resume.save()
    other = resume.save(goal="Audit the licences of vendored code")
    (repository / "app.py").write_text("print('changed')\n", encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    brief = resume.sessions.start("Retries survive one slow host", actor=AGENT).brief
    assert f"state {saved.id}: implement" in brief
    assert other.id not in brief
    assert "now: STALE: HEAD moved by 1 commit, touching key files app.py" in brief
    assert "1. make test_budget pass in app.py [STALE: app.py changed]" in brief
    assert "- RETRY_RATIO = 0.1" in brief
    assert f"more: resume_state(query='{saved.id}')." in brief


def test_a_session_with_another_goal_is_shown_the_newest_unfinished_state_but_does_not_continue_it(
    ledger: Ledger, repository: Path, clock: FakeClock
) -> None:
    resume = resume_of(ledger, repository, clock)
    saved = resume.save()
    resume.save(goal="Write the release notes", phase="done")
    started = resume.sessions.start("Audit the licences of vendored code", actor=AGENT)
    assert f"next: to go on with that state, resume_state(query='{saved.id}')" in started.brief
    assert resume.save(started.handle, goal="Audit the licences of vendored code").parent is None


def test_a_session_with_the_same_goal_continues_the_state_of_its_brief(
    ledger: Ledger, repository: Path, clock: FakeClock
) -> None:
    resume = resume_of(ledger, repository, clock)
    saved = resume.save()
    handle = resume.sessions.start("retries survive a slow host", actor=AGENT).handle
    first = resume.save(handle)
    assert first.parent == saved.id
    assert resume.save(handle).parent == first.id


def test_what_waits_for_a_person_and_who_holds_what_is_in_the_brief(
    ledger: Ledger, repository: Path, clock: FakeClock
) -> None:
    resume = resume_of(ledger, repository, clock)
    handle = resume.sessions.start("Ship the release", actor=AGENT).handle
    held = resume.missions.open("Deploy version 4 to production", [], session=handle, actor=AGENT).mission.id
    for state, reason in (("queued", "scheduler"), ("held_approval", "approval_needed")):
        resume.missions.move(held, state, reason, "", session=handle, actor=AGENT)
    running = resume.missions.open("Rewrite the queue", [], session=handle, actor=AGENT).mission.id
    brief = resume.sessions.start("Look around", actor=AGENT).brief
    waiting, _, others = brief.partition("open missions:")
    assert held in waiting.partition("waiting for a person:")[2]
    assert running in others
    assert "test-client 1.0" in others


def test_a_state_nobody_can_read_does_not_keep_a_session_from_starting(
    ledger: Ledger, repository: Path, clock: FakeClock
) -> None:
    resume = resume_of(ledger, repository, clock)
    readable = resume.save()
    damaged = resume.save(goal="Something newer and damaged")
    with ledger.database.write() as tx:
        tx.execute("UPDATE event SET body = replace(body, 'newer', 'older') WHERE id = ?", [damaged.id])
    brief = resume.sessions.start("Look around", actor=AGENT).brief
    assert f"note: skipped: State {damaged.id} does not match its hash" in brief
    assert f"state {readable.id}: implement" in brief


def test_the_brief_keeps_its_ceiling_with_a_state_and_missions_of_any_size(
    ledger: Ledger, repository: Path, clock: FakeClock
) -> None:
    git(repository, "switch", "--quiet", "--create", "ветка/" + "длинная-" * 12)
    for number in range(40):
        (repository / f"{'long-name-' * 15}{number}.txt").write_text("x", encoding="utf-8")
    resume = resume_of(ledger, repository, clock)
    goal = "目标是让重试预算 " * 12
    resume.save(
        goal=goal, next_steps=("исправить app.py", *(f"шаг {n}: исправить src/module_{n}.py" for n in range(25))),
        open_questions=tuple(f"какой бюджет, {n}?" for n in range(25)), key_files=("app.py",),
    )  # fmt: skip
    handle = resume.sessions.start("Open missions", actor=AGENT).handle
    for number in range(8):
        resume.missions.open(f"Миссия {number} {'очень длинная ' * 20}", [], session=handle, actor=AGENT)
    (repository / "app.py").write_text("print('changed')\n", encoding="utf-8")
    text, _, _ = resume.sessions.start(goal, actor=AGENT).brief.rpartition("\n")
    assert tokens.count(text) <= BRIEF_CEILING_TOKENS
    assert "next steps (" in text
    assert "1. исправить app.py [STALE: app.py changed]" in text
