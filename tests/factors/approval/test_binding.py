"""An approval is for one action as it was shown: what changed since is named, and nothing else can use it."""

import os
import sys
import time
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp import approving
from agentops_mcp.app import App
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.factors.approval.store.request_events import ESCALATED
from agentops_mcp.factors.guardrails.render import render_judged
from agentops_mcp.storage.policy_kept import PASSES
from bound import OTHER_AGENT, PAGE, RELEASE, Bound, make_project
from conftest import AGENT, FakeClock, git

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def bound(repository: Path, clock: FakeClock) -> Generator[Bound]:
    make_project(repository)
    with App(repository, environment={}, clock=clock) as app:
        yield Bound(repository, app, clock)


def test_what_was_approved_is_allowed_once_and_says_by_whom(bound: Bound) -> None:
    assert bound.check().decision == "ask"
    approval = bound.approved()
    judged = bound.check(approval=approval)
    told = render_judged(judged).splitlines()
    assert told[0].startswith("ALLOW: approved by person anna, the page, 2026-11-22 12:00 UTC; used now, once")
    assert "stood in the way: publishing.release" in told
    assert told[-1].startswith("Do exactly this, and now: it is allowed once. Report with report_outcome(")
    assert judged.passed == (("publishing.release", f"approval/{approval}"),)
    again = render_judged(bound.check(approval=approval)).splitlines()
    assert again[0].startswith("ASK: ")
    assert f"approval {approval}: it was used already; an approval is used once" in again


def test_the_check_records_what_let_it_pass(bound: Bound) -> None:
    approval = bound.approved()
    digest = bound.check(approval=approval).digest
    checked = bound.app.guard().outcomes.action(digest)
    assert (checked.decision, checked.exempted) == ("allow", (("publishing.release", f"approval/{approval}"),))


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda project: (project / name).write_text(text, encoding="utf-8")


def switch(project: Path) -> None:
    git(project, "switch", "--quiet", "--create", "other")


def move_old(project: Path) -> None:
    git(project, "branch", "--force", "old", "main~1")


def commit(project: Path) -> None:
    git(project, "commit", "--quiet", "--allow-empty", "--message", "more")


def change_policy(project: Path) -> None:
    (project / ".agentops").mkdir()
    rule = '[[rule]]\nid = "own"\neffects = ["spend"]\ndecision = "deny"\nseverity = "low"\nreason = "It costs."\n'
    (project / ".agentops" / "guardrails.toml").write_text(rule, encoding="utf-8")


RESET = "git reset --hard"
DELETE = "rm -rf data *.csv"


@pytest.mark.parametrize(
    ("action", "change", "why"),
    [
        (RELEASE, write("deploy.sh", "echo other\n"), "deploy.sh changed"),
        (RELEASE, write("package.json", "[]\n"), "package.json changed"),
        (RELEASE, write(".npmrc", "registry=elsewhere\n"), ".npmrc changed"),
        (RELEASE, switch, "the branch changed from main at "),
        (RELEASE, commit, "the branch changed from main at "),
        (RELEASE, change_policy, "the guard's policy changed"),
        (DELETE, write("data/new.csv", ""), "data changed"),
        (DELETE, write("data/rows.csv", "1,2\n3,4\n"), "data changed"),
        (DELETE, write("new.csv", ""), "*.csv changed"),
        (DELETE, switch, "the branch changed from main to other"),
        (RESET, write("app.py", "print('more work')\n"), ". changed"),
        (RESET, commit, "the branch changed from main at "),
        ("make && npm publish", write("Makefile", "all:\n"), "Makefile changed"),
        ("npm publish < input.txt", write("input.txt", "yes"), "input.txt changed"),
        ("npm publish --userconfig=own.rc", write("own.rc", ""), "own.rc changed"),
        ("cd sub && . ./deploy.sh && npm publish", write("sub/deploy.sh", "rm -rf x\n"), "sub/deploy.sh changed"),
        ("git branch -D old", move_old, "the branch changed from"),
    ],
)
def test_what_changed_meanwhile_voids_it_and_is_named(
    action: str, change: Callable[[Path], object], why: str, bound: Bound
) -> None:
    git(bound.path, "branch", "old")
    approval = bound.approved(action)
    change(bound.path)
    judged = bound.check(action, approval)
    assert judged.decision != "allow"
    assert f"approval {approval}: " in judged.word
    assert why in judged.word
    assert bound.refusals(approval) == [f"use: {judged.word.removeprefix(f'approval {approval}: ')}"]


@pytest.mark.parametrize(
    ("action", "change"),
    [
        (RELEASE, write("notes.md", "more")),
        (RELEASE, write("data/rows.csv", "3,4\n")),
        (DELETE, write("deploy.sh", "echo other\n")),
        (DELETE, commit),
        (DELETE, write("data/../notes.txt", "")),
    ],
)
def test_other_work_during_the_wait_voids_nothing(action: str, change: Callable[[Path], object], bound: Bound) -> None:
    approval = bound.approved(action)
    change(bound.path)
    assert bound.check(action, approval).decision == "allow"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"action": f"{RELEASE} "}, "the action is not the one that was shown"),
        ({"action": f"{RELEASE} --tag next"}, "the action is not the one that was shown"),
        ({"cwd": "sub"}, "the action is not the one that was shown"),
        ({"actor": OTHER_AGENT}, "it was asked for by another session or agent"),
    ],
)
def test_another_action_place_or_agent_can_not_use_it(other: dict[str, Any], why: str, bound: Bound) -> None:
    approval = bound.approved()
    given: dict[str, Any] = {"action": RELEASE, "approval": approval, **other}
    judged = bound.check(**given)
    assert (judged.decision, why in judged.word) == ("ask", True)
    assert bound.check(approval=approval).decision == "allow"


def test_another_session_can_not_use_it(bound: Bound) -> None:
    mine, other = (bound.app.sessions().start(goal, actor=AGENT).handle for goal in ("release", "else"))
    approval = bound.approved(session=mine)
    for session in (other, None):
        judged = bound.check(approval=approval, session=session)
        assert (judged.decision, "another session" in judged.word) == ("ask", True)
    assert bound.check(approval=approval, session=mine).decision == "allow"


def test_an_approval_of_another_project_is_unknown(bound: Bound, tmp_path: Path) -> None:
    approval = bound.approved()
    other = tmp_path / "other"
    other.mkdir()
    with App(other, environment={}, clock=bound.clock) as app:
        judged = Bound(other, app, bound.clock).check(approval=approval)
    assert (judged.decision, judged.word) == ("ask", f"approval {approval}: No approval has the id '{approval}'.")


@pytest.mark.parametrize("approval", ["nonsense", "0192", "approval/", "'; DROP TABLE approval", "\u202e\0", "%"])
def test_an_id_that_names_nothing_says_so(approval: str, bound: Bound) -> None:
    bound.approved()
    judged = bound.check(approval=approval)
    assert judged.decision == "ask"
    assert "No approval has the id" in judged.word
    assert render_judged(judged).isprintable() is False  # line breaks, and nothing else
    assert render_judged(judged).replace("\n", "").isprintable()


def test_a_shortened_id_is_found(bound: Bound) -> None:
    approval = bound.approved()
    assert bound.check(approval=f"approval/{approval[-8:].upper()}").decision == "allow"


@pytest.mark.parametrize(
    ("decision", "later", "why"),
    [
        ("", timedelta(), "nobody decided yet"),
        ("", timedelta(hours=24, seconds=1), "nobody decided in time, which is a refusal"),
        ("reject", timedelta(), "it was rejected"),
        ("revise", timedelta(), "it was sent back to be revised"),
        ("approve", timedelta(minutes=10, seconds=1), "it was not used in time"),
    ],
)
def test_only_a_standing_approval_is_used(decision: str, later: timedelta, why: str, bound: Bound) -> None:
    asked = bound.ask()
    if decision:
        bound.decide(asked, decision)
    bound.clock.advance(later)
    judged = bound.check(approval=asked.request.id)
    assert (judged.decision, judged.word) == ("ask", f"approval {asked.request.id}: {why}")


def test_two_people_are_two_people(bound: Bound) -> None:
    (bound.path / ".agentops").mkdir()
    config = '[approval.severity]\nhigh = "two_people"\n'
    (bound.path / ".agentops" / "config.toml").write_text(config, encoding="utf-8")
    asked = bound.ask()
    bound.decide(asked)
    assert bound.check(approval=asked.request.id).word.endswith("nobody decided yet")
    bound.decide(asked, by="person bob")
    assert bound.check(approval=asked.request.id).decision == "allow"


def test_a_plan_can_not_be_used_as_an_action(bound: Bound) -> None:
    plan = bound.approved("1. test\n2. release", kind="plan")
    judged = bound.check(approval=plan)
    assert (judged.decision, "it is about a plan, not about an action" in judged.word) == ("ask", True)


def test_a_plan_is_known_by_its_words_and_place(bound: Bound) -> None:
    subject = bound.app.approving().subject
    one = subject("plan", "release", session=None, actor=AGENT)
    assert (one.text, one.decision, one.findings, one.files, one.branch) == ("release", "ask", (), {}, "main")
    assert subject("plan", {"text": "release"}, session=None, actor=AGENT) == one
    others = [
        subject("plan", text, cwd=cwd, session=None, actor=AGENT) for text, cwd in (("x", ""), ("release", "sub"))
    ]
    assert len({one.action, *(each.action for each in others)}) == 3
    assert one.cwd == str(bound.path)


@pytest.mark.parametrize("plan", ["", " ", {"text": 1}, {"words": "x"}, {"text": "x", "more": "y"}, "\ud800"])
def test_what_is_no_plan_is_refused(plan: Any, bound: Bound) -> None:
    with pytest.raises(InvalidInputError):
        bound.app.approving().subject("plan", plan, session=None, actor=AGENT)
    with pytest.raises(NotFoundError):
        bound.app.approving().subject("plan", "x", session="none", actor=AGENT)


def test_what_is_allowed_anyway_uses_nothing_up(bound: Bound) -> None:
    approval = bound.approved()
    judged = bound.check("git status", approval)
    assert (judged.decision, judged.word) == ("allow", f"approval {approval}: not needed, so it was not used up")
    assert judged.word in render_judged(judged)
    assert bound.check(approval=approval).decision == "allow"


@pytest.mark.parametrize("action", ["sudo git push --force origin main", "npm publish"])
def test_also_a_denial_and_one_with_nobody_there_is_lifted_by_a_person(
    action: str, bound: Bound, repository: Path
) -> None:
    with App(repository, environment={"AGENTOPS_HEADLESS": "1"}, clock=bound.clock) as app:
        alone = Bound(repository, app, bound.clock)
        assert alone.check(action).decision == "deny"
        assert alone.check(action, alone.approved(action)).decision == "allow"


def test_an_action_that_holds_a_secret_is_compared_as_it_truly_is(bound: Bound) -> None:
    secret = "ghp_" + "a1B2" * 9
    action = f"NPM_TOKEN={secret} npm publish && cat notes-{secret}.md"
    (bound.path / f"notes-{secret}.md").write_text("x", encoding="utf-8")
    approval = bound.approved(action)
    kept = bound.app.approving().requests.standing(approval).request.subject
    assert secret not in str(kept)
    assert any("[redacted:" in name for name in kept.files)
    assert bound.check(action.replace("a1B2", "c3D4"), approval).decision == "ask"
    assert bound.check(action, approval).decision == "allow"


def test_asking_takes_no_turn_of_a_grant_and_no_probe(bound: Bound) -> None:
    grants = bound.app.approving().grants
    grants.give("publishing.release", "", uses=1, lasts=timedelta(hours=1), severity="high", reason="a day of releases",
                by="person anna", actor=PAGE)  # fmt: skip
    bound.ask()
    judged = bound.check()
    assert judged.word.startswith("granted in advance by person anna (publishing.release, 1 of 1 uses)")
    assert bound.check().decision == "ask"


def test_a_write_is_shown_as_what_it_changes(bound: Bound) -> None:
    subject = bound.app.approving().subject(
        "file_write", {"path": "deploy.sh", "content": "echo other\n"}, session=None, actor=AGENT
    )
    assert subject.diff == "--- a/deploy.sh\n+++ b/deploy.sh\n@@ -1 +1 @@\n-echo deploy\n+echo other\n"


@pytest.mark.parametrize("action", [{"path": ".env", "content": "B=2"}, {"path": "x.bin", "content": "x"}, "app.py"])
def test_secrets_bytes_and_unknown_content_have_no_diff(action: Any, bound: Bound) -> None:
    (bound.path / ".env").write_text("A=1", encoding="utf-8")
    (bound.path / "x.bin").write_bytes(b"\0\1")
    subject = bound.app.approving().subject("file_write", action, session=None, actor=AGENT)
    assert subject.diff == ""
    assert subject.files


def test_effects_and_findings_are_shown_whole(bound: Bound) -> None:
    name = "d" * 200
    subject = bound.app.approving().subject("shell", f"rm -rf {name}/{name}", session=None, actor=AGENT)
    assert f"{name}/{name}" in subject.effects[0]
    assert subject.findings[0].target.endswith(f"{name}/{name}")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_that_leads_elsewhere_now_voids_it(bound: Bound) -> None:
    link = bound.path / "run.sh"
    link.symlink_to("deploy.sh")
    approval = bound.approved("bash run.sh && npm publish")
    link.unlink()
    link.symlink_to("sub/deploy.sh")
    assert "run.sh changed" in bound.check("bash run.sh && npm publish", approval).word


def test_a_pass_is_left_for_hooks_where_only_this_person_reads_it(bound: Bound) -> None:
    bound.check(approval=bound.approved())
    folder = Path(bound.app.guard().place.data_dir) / PASSES
    (kept,) = folder.iterdir()
    if sys.platform != "win32":
        assert (folder.stat().st_mode & 0o777, kept.stat().st_mode & 0o777) == (0o700, 0o600)
    assert os.fspath(bound.path) not in kept.name


def test_people_are_told_again_while_nobody_looks(bound: Bound, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = bound.ask().request.id
    bound.app.close()
    bound.clock.advance(timedelta(hours=5))
    monkeypatch.setattr(approving, "_SWEEP_S", 0.01)
    requests = bound.app.approving().requests
    deadline = time.monotonic() + 30
    while not any(fact.kind == ESCALATED for fact in requests.standing(asked).facts):
        assert time.monotonic() < deadline, "nobody was told"
