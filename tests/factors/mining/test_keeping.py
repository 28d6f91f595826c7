"""Patterns are checked, kept as events and files, told apart, tried, retired; and what recurs becomes one."""

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.app import App
from agentops_mcp.core.errors import ConflictError, InvalidInputError, NotFoundError
from agentops_mcp.factors.mining.render.patterns import render_library, render_member, render_mined, render_saved
from agentops_mcp.factors.mining.rules import checks
from agentops_mcp.factors.mining.rules.markdown import parse_markdown
from agentops_mcp.factors.mining.service.patterns import DUPLICATE_COSINE
from agentops_mcp.factors.mining.service.starters import Starter, starters
from agentops_mcp.factors.mining.store.documents import Request, searchable
from agentops_mcp.storage.embedders import default_embedder
from conftest import AGENT, FakeClock
from recorded_knowledge import caught_up, hits, pattern, record, refs, save, without_starters

NAME = "back-off-with-jitter-before-a-retry"


@pytest.fixture
def app(repository: Path, clock: FakeClock) -> Iterator[App]:
    without_starters(repository)
    with App(repository, environment={}, clock=clock) as opened:
        yield opened


@pytest.fixture
def folder(repository: Path) -> Path:
    return repository / ".agentops" / "patterns"


def session(app: App, goal: str) -> str:
    return app.sessions().start(goal, actor=AGENT).handle


def test_a_saved_pattern_is_an_event_a_file_and_a_hit(app: App, folder: Path) -> None:
    saved = save(app, tags=["retries"])
    assert (saved.revision, saved.member.maturity.stage) == (1, "prototype")
    text = (folder / f"{NAME}.md").read_text(encoding="utf-8")
    assert parse_markdown(NAME, text) == saved.member.pattern
    assert refs(app, "clients overwhelm a server that recovers") == [f"pattern/{NAME}"]
    assert f"agentops://pattern/{NAME}" in render_saved(saved)


def test_a_second_save_is_a_revision_and_the_older_stays(app: App) -> None:
    save(app)
    saved = save(
        app, name=NAME, solution="Wait twice as long after each attempt, plus a random share; stop after five."
    )
    assert saved.revision == 2
    newest, oldest = app.patterns().revisions(NAME)
    assert newest.body["solution"] != oldest.body["solution"]
    assert len(refs(app, "retry")) == 1


def test_what_says_the_same_is_refused_with_the_one_to_refine(app: App) -> None:
    save(app)
    with pytest.raises(InvalidInputError, match=NAME):
        save(app, title="Retry with backoff and a random delay", name="another-name")
    assert [member.pattern.name for member in app.patterns().members()] == [NAME]


def test_what_is_vague_is_refused_with_what_to_change(app: App) -> None:
    with pytest.raises(InvalidInputError, match="Not saved"):
        save(app, solution="Use best practices.", problem="Things are bad.")
    assert app.patterns().members() == []


def test_a_trial_says_what_the_checks_find_and_saves_nothing(app: App, folder: Path) -> None:
    trial = app.patterns().save(pattern(solution="Do it well."), actor=AGENT, trial=True)
    assert trial.revision == 0
    assert [check.name for check in checks.refusals(trial.checks)]
    assert not folder.exists()


def test_a_secret_never_reaches_ledger_or_file(app: App, folder: Path) -> None:
    save(app, details="## Implementation\nexport GITHUB_TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345")
    assert "ghp_0123456789" not in (folder / f"{NAME}.md").read_text(encoding="utf-8")
    assert "ghp_0123456789" not in str(app.patterns().revisions(NAME)[0].body)


def test_what_supersedes_another_retires_it_and_is_pointed_to(app: App) -> None:
    save(app)
    save(app, title="Retry with a budget for each host", name="budget-per-host", supersedes=NAME)
    old = app.patterns().member(NAME)
    assert (old.maturity.stage, old.pattern.successor) == ("deprecated", "budget-per-host")
    assert hits(app, "retry")[0].document.ref == "pattern/budget-per-host"
    assert "use agentops://pattern/budget-per-host instead" in render_member(old)


def test_the_stage_follows_from_what_sessions_say(app: App) -> None:
    ids = [record(app, f"Outage {n}", "Retries came in lockstep", session=session(app, f"goal {n}")) for n in range(2)]
    assert save(app, evidence=ids).member.maturity.stage == "prototype"
    app.patterns().report(NAME, "worked", actor=AGENT, session=session(app, "a third goal"))
    assert app.patterns().member(NAME).maturity.stage == "validated"
    for number in range(3):
        app.patterns().report(NAME, "failed", actor=AGENT, session=session(app, f"failing goal {number}"))
    member = app.patterns().member(NAME)
    assert (member.maturity.stage, member.maturity.contested) == ("prototype", True)


def test_an_outcome_of_an_unknown_pattern_is_an_error(app: App) -> None:
    with pytest.raises(NotFoundError, match="No pattern is called"):
        app.outcomes().report("agentops://pattern/made-up", "worked", actor=AGENT)


def test_report_outcome_takes_the_uri_of_a_pattern(app: App) -> None:
    save(app)
    app.outcomes().report(f"agentops://pattern/{NAME}", "worked", actor=AGENT, session=session(app, "a goal"))
    assert app.patterns().member(NAME).maturity.worked == 1


def test_what_nobody_cites_decays(app: App, clock: FakeClock) -> None:
    save(app)
    clock.advance(timedelta(hours=1))
    for number in range(20):
        session(app, f"goal {number}")
    assert app.patterns().member(NAME).decay == "review"
    assert "review" in render_library(app.patterns().members(), app.library().health())


def test_a_file_written_by_hand_is_found_by_the_next_search(app: App, folder: Path) -> None:
    save(app)
    text = (folder / f"{NAME}.md").read_text(encoding="utf-8")
    (folder / "freeze-time.md").write_text(
        text.replace("Back off with jitter before a retry", "Freeze time in tests that depend on it")
        .replace("A service that slows down is kept down by its own clients, which all retry at once.",
                 "A test passes in the morning and fails at midnight, because it reads the real clock.")
        .replace("Calls over a network to anything shared that can be overloaded.", "Tests of schedules and expiry.")
        .replace("Wait longer after each attempt, by a random amount, and give up after a budget of attempts.",
                 "Give the code a clock as an argument, and a fake one in tests that moves only when told."),
        encoding="utf-8",
    )  # fmt: skip
    app.search().search(Request("midnight"), patience_s=None)
    assert refs(app, "fails at midnight")[0] == "pattern/freeze-time"
    assert len(app.patterns().revisions("freeze-time")) == 1


def test_going_back_and_forth_between_texts_adds_no_revision(app: App, folder: Path) -> None:
    save(app)
    first = (folder / f"{NAME}.md").read_text(encoding="utf-8")
    save(app, name=NAME, problem="Clients that retry at once keep an overloaded service down for minutes.")
    second = (folder / f"{NAME}.md").read_text(encoding="utf-8")
    for number, text in enumerate((first, second, first)):
        (folder / f"{NAME}.md").write_text(text, encoding="utf-8")
        os.utime(folder / f"{NAME}.md", (number, number))
        assert app.patterns().take_over() == []
    assert len(app.patterns().revisions(NAME)) == 2


def test_an_edit_that_is_not_taken_over_is_never_written_over(app: App, folder: Path) -> None:
    save(app)
    (folder / f"{NAME}.md").write_text("half an edit", encoding="utf-8")
    with pytest.raises(ConflictError, match="edited by hand"):
        save(app, name=NAME)
    assert (folder / f"{NAME}.md").read_text(encoding="utf-8") == "half an edit"
    (finding,) = app.patterns().check_files()
    assert (finding.state, bool(finding.problems)) == ("not valid", True)


def test_a_folder_that_leads_out_of_the_project_is_not_written_to(app: App, folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    folder.symlink_to(outside)
    saved = save(app)
    assert "leads out of the project" in " ".join(saved.warnings)
    assert list(outside.iterdir()) == []


def test_retired_and_brought_back(app: App) -> None:
    save(app)
    app.patterns().deprecate(NAME, reason="the client library does it now", actor=AGENT)
    assert app.patterns().member(NAME).maturity.stage == "deprecated"
    app.patterns().promote(NAME, actor=AGENT)
    assert app.patterns().member(NAME).maturity.stage == "prototype"
    with pytest.raises(InvalidInputError, match="already"):
        app.patterns().promote(NAME, actor=AGENT)


# The starter library


@pytest.mark.parametrize("starter", starters(), ids=[each.pattern.name for each in starters()])
def test_a_starter_passes_the_checks_and_claims_no_evidence(starter: Starter) -> None:
    found = checks.check(starter.pattern, nearest=[], duplicate_from=DUPLICATE_COSINE, evidence_count=0)
    assert checks.refusals(found) == ()
    assert starter.pattern.evidence == ()
    assert {each.name for each in starter.pattern.related} <= {each.pattern.name for each in starters()}


def test_no_two_starters_say_the_same() -> None:
    vectors = default_embedder().embed([searchable(starter.document) for starter in starters()])
    likeness = vectors @ vectors.T - 2 * (vectors @ vectors.T > 0.9999)
    assert 25 <= len(vectors) <= 40
    assert likeness.max() < DUPLICATE_COSINE


def test_starters_are_found_out_of_the_box_as_prototypes(repository: Path, clock: FakeClock) -> None:
    with App(repository, environment={}, clock=clock) as app:
        caught_up(app)
        first = hits(app, "the agent repeats the same failing call again and again")[0]
        assert first.document.ref == "pattern/retry-without-change"
        assert first.reputation is not None
        assert (first.reputation.stage, first.reputation.evidence, first.author) == ("prototype", 0, "")
        app.patterns().promote("retry-without-change", actor=AGENT)
        assert hits(app, "retrying the identical call")[0].author != ""


# Mining

LESSONS = (
    ("The nightly import stopped", "Retries without a random delay hit a rate-limited API in lockstep"),
    ("Checkout was down for 20 minutes", "After an outage every client retries at once; spread retries randomly"),
    ("The search cluster fell over again", "Immediate retries prolong an outage: back off with a random delay"),
)


def test_three_failures_in_other_words_are_one_theme_with_a_draft(app: App) -> None:
    ids = [record(app, action, learning) for action, learning in LESSONS]
    record(app, "The build was slow", "Docker layers are cached only when the lock file is copied first")
    mined = app.mining().mine()
    (candidate,) = mined.candidates
    assert {member.ref for member in candidate.members} == {f"entry/{each}" for each in ids}
    assert (mined.considered, candidate.sessions, candidate.known) == (4, 3, None)
    assert set(candidate.draft.evidence) == set(ids)
    assert "retries" in candidate.theme
    assert app.mining().mine() == mined
    text = render_mined(mined, budget_tokens=2_000)
    assert "3 times, 3 sessions" in text
    assert all(each in text for each in ids)


def test_too_little_is_said_to_be_too_little(app: App) -> None:
    record(app, *LESSONS[0])
    mined = app.mining().mine()
    assert mined.candidates == ()
    assert "Not enough data: 1 learnings and failures; a theme needs 3." in render_mined(mined, budget_tokens=500)
    with pytest.raises(InvalidInputError, match="too small"):
        app.mining().mine(min_occurrences=1)
