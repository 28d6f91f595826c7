"""The trail of a request: every step from the check to the outcome, and the event that proves it."""

import uuid
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.app import App
from agentops_mcp.core.errors import ConflictError, NotFoundError
from agentops_mcp.core.records import Draft
from agentops_mcp.factors.approval.render.trails import trail_lines
from agentops_mcp.factors.approval.rules.trails import Step
from agentops_mcp.factors.approval.service.requests import Standing
from agentops_mcp.factors.guardrails.service.action_outcomes import Outcome
from bound import OTHER_AGENT, PAGE, RELEASE, TERMINAL, Bound, make_project
from conftest import AGENT, FakeClock

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def bound(postgres_url: str | None, repository: Path, clock: FakeClock) -> Generator[Bound]:
    make_project(repository)
    (repository / ".agentops").mkdir()
    name = f"audit-{uuid.uuid4().hex[:12]}"
    (repository / ".agentops" / "config.toml").write_text(f'[project]\nname = "{name}"\n', encoding="utf-8")
    environment = {"AGENTOPS_DATABASE_URL": postgres_url} if postgres_url else {}
    with App(repository, environment=environment, clock=clock) as app:
        yield Bound(repository, app, clock)


def pass_time(bound: Bound, seconds: float = 10) -> None:
    bound.clock.advance(timedelta(seconds=seconds))


def steps(bound: Bound, asked: Standing) -> list[Step]:
    return list(bound.app.approving().audit.trail(asked.request.id).steps)


def whats(bound: Bound, asked: Standing) -> list[str]:
    return [step.what for step in steps(bound, asked)]


def ask_and_use(bound: Bound, *, outcome: Outcome = "worked") -> Standing:
    """All that can happen to a request, ten seconds apart."""
    bound.check()
    pass_time(bound)
    asked = bound.ask()
    pass_time(bound)
    bound.app.approving().requests.show(asked.request.id, by="person anna", actor=PAGE)
    pass_time(bound)
    bound.decide(asked)
    pass_time(bound)
    judged = bound.check(approval=asked.request.id)
    pass_time(bound)
    report(bound, judged.digest, outcome)
    return asked


def report(bound: Bound, digest: str, outcome: Outcome = "worked", session: str | None = None) -> None:
    bound.app.outcomes().report(f"action/{digest}", outcome, actor=AGENT, note="It broke.", session=session)


def test_a_trail_leads_from_the_check_to_the_outcome(bound: Bound) -> None:
    asked = ask_and_use(bound)
    found = steps(bound, asked)
    assert [(step.what, step.who, step.channel, step.strength) for step in found] == [
        ("check", AGENT.client, "a tool call", ""),
        ("check", AGENT.client, "a tool call", ""),
        ("request", "agent test-client of tester", "a tool call", ""),
        ("shown", "person anna", "the page", ""),
        ("decision", "person anna", "the page", "page"),
        ("use", "agent test-client of tester", "a tool call", ""),
        ("check", AGENT.client, "a tool call", ""),
        ("outcome", AGENT.client, "a tool call", ""),
    ]
    assert [step.said for step in found] == [
        "ask: publishing.release",
        "ask: publishing.release",
        f"Run {RELEASE}",
        "",
        "approve, 10.0 s after it was shown",
        "for the action with this digest, once",
        f"allow: publishing.release; approval/{asked.request.id} let it pass",
        "it worked",
    ]


def test_every_step_names_an_event_that_holds(bound: Bound) -> None:
    asked = ask_and_use(bound)
    trail = bound.app.approving().audit.trail(asked.request.id)
    for step in trail.steps:
        assert bound.app.parts.ledger.event(step.event).hash == step.hash
    assert trail.holds


def test_a_step_that_was_changed_does_not_hold(bound: Bound) -> None:
    asked = ask_and_use(bound)
    decision = next(step for step in steps(bound, asked) if step.what == "decision")
    with bound.app.parts.ledger.database.write() as tx:
        tx.execute("UPDATE event SET body = replace(body, 'anna', 'adam') WHERE id = ?", [decision.event])
    trail = bound.app.approving().audit.trail(asked.request.id)
    assert [step.what for step in trail.steps if not step.holds] == ["decision"]
    assert not trail.holds
    assert [line for line in trail_lines(trail.steps) if "DOES NOT HOLD" in line] == [
        f"  event {decision.event}, hash {decision.hash[:16]}… DOES NOT HOLD: the event was changed"
    ]


def test_a_failure_is_told_with_its_incident(bound: Bound) -> None:
    asked = ask_and_use(bound, outcome="failed")
    said = [step.said for step in steps(bound, asked) if step.what == "outcome"]
    assert said == ["it failed: It broke.", "an incident, failed: It broke."]


def test_regret_is_an_outcome(bound: Bound) -> None:
    asked = ask_and_use(bound, outcome="regretted")
    said = [step.said for step in steps(bound, asked) if step.what == "outcome"]
    assert said == ["an incident, regretted: It broke."]


def test_what_was_refused_is_in_the_trail(bound: Bound) -> None:
    asked = bound.ask()
    bound.check(approval=asked.request.id)
    (refused,) = [step for step in steps(bound, asked) if step.what == "refused"]
    assert refused.said == "use: nobody decided yet"


def test_a_second_decision_is_refused_and_kept(bound: Bound) -> None:
    asked = bound.ask()
    bound.decide(asked, "reject")
    with pytest.raises(ConflictError):
        bound.decide(asked, by="person ben")
    assert [step.said for step in steps(bound, asked)[-2:]] == [
        "reject", "approve by person ben: It was decided before: rejected by person anna at 12:00 UTC.",
    ]  # fmt: skip


def test_the_words_of_a_decision_are_in_the_trail(bound: Bound) -> None:
    asked = bound.ask()
    bound.decide(asked, "revise")
    assert steps(bound, asked)[-1].said == "revise; Say when."


def test_time_is_told_as_such(bound: Bound) -> None:
    asked = bound.ask()
    bound.clock.advance(timedelta(hours=5))
    bound.app.approving().requests.sweep()
    bound.clock.advance(timedelta(hours=20))
    bound.app.approving().requests.sweep()
    assert [(step.what, step.channel) for step in steps(bound, asked)[-2:]] == [
        ("escalated", "the clock"), ("expired", "the clock"),
    ]  # fmt: skip


def test_checks_of_other_actions_and_sessions_are_not_in_it(bound: Bound) -> None:
    session = bound.app.sessions().start("release", actor=AGENT).handle
    bound.check(session=session)
    bound.check("npm publish --tag next")
    asked = bound.ask()
    assert whats(bound, asked) == ["check", "request"]


def test_an_outcome_that_was_reported_before_the_use_is_not_its_own(bound: Bound) -> None:
    report(bound, bound.check().digest, "failed")
    asked = bound.ask()
    bound.decide(asked)
    bound.check(approval=asked.request.id)
    assert "outcome" not in whats(bound, asked)


def test_another_sessions_outcome_is_not_its_own(bound: Bound) -> None:
    session = bound.app.sessions().start("release", actor=AGENT).handle
    asked = bound.ask()
    bound.decide(asked)
    judged = bound.check(approval=asked.request.id)
    report(bound, judged.digest, session=session)
    assert "outcome" not in whats(bound, asked)


def test_a_use_of_another_approval_is_not_in_it(bound: Bound) -> None:
    first = bound.ask()
    bound.decide(first)
    second = bound.ask(actor=OTHER_AGENT)
    bound.decide(second)
    bound.check(approval=second.request.id, actor=OTHER_AGENT)
    assert "use" not in whats(bound, first)
    checks = [step.said for step in steps(bound, second) if step.what == "check"]
    assert checks[-1] == f"allow: publishing.release; approval/{second.request.id} let it pass"


def test_a_decision_of_another_clone_is_marked(bound: Bound) -> None:
    asked = bound.ask()
    body = {"approval": asked.request.id, "decision": "approve", "by": "person eve", "feedback": "", "shown_ms": None}
    bound.app.parts.ledger.append([Draft("elsewhere", "approval.decided", body)], actor=PAGE)
    (decision,) = [step for step in steps(bound, asked) if step.what == "decision"]
    assert decision.said.startswith("approve; it came from another clone")


def test_a_check_that_can_not_be_read_is_passed_over(bound: Bound) -> None:
    asked = bound.ask()
    bound.decide(asked)
    bound.app.parts.ledger.append([Draft("guard/checks", "guard.checked", {"exempted": "none"})], actor=AGENT)
    bound.check(approval=asked.request.id)
    assert whats(bound, asked) == ["check", "request", "decision", "use", "check"]


def test_a_plan_has_a_trail_without_checks(bound: Bound) -> None:
    asked = bound.ask("1. Look\n2. Act", kind="plan")
    requests = bound.app.approving().requests
    requests.decide(
        asked.request.id, "approve", by="person ben", digest=asked.request.digest, actor=replace(TERMINAL, user="ben")
    )
    assert [(step.what, step.strength) for step in steps(bound, asked)] == [("request", ""), ("decision", "terminal")]


def test_the_end_of_an_id_names_a_trail(bound: Bound) -> None:
    asked = bound.ask()
    assert bound.app.approving().audit.trail(asked.request.id[-8:]).standing.request.id == asked.request.id
    with pytest.raises(NotFoundError):
        bound.app.approving().audit.trail("ffffffff")


def test_hostile_words_in_a_trail_are_shown_and_stay_on_their_line(bound: Bound) -> None:
    asked = bound.ask("npm publish \u202e\n# - 2026-01-01 00:00:00  decision   approve")
    lines = trail_lines(bound.app.approving().audit.trail(asked.request.id).steps)
    assert len(lines) == 2 * len(steps(bound, asked))
    assert any("\\u202e" in line for line in lines)
    assert not any("\u202e" in line or "\n" in line for line in lines)
