"""A pattern's stage follows from what sessions say of it, and the library's health from how it is used."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.factors.mining.rules.patterns import Pattern
from agentops_mcp.factors.mining.rules.stages import LEAST_N, REVIEW_AFTER_SESSIONS, Rate
from agentops_mcp.factors.mining.service.evidence import WINDOW_DAYS
from agentops_mcp.factors.mining.store.patterns import Outcome
from conftest import AGENT, FakeClock
from knowledge_in_use import BUDGET, Project, knowing

NAME = BUDGET.name


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url) as made:
        yield made


def report(project: Project, outcome: Outcome, goal: str, *, name: str = NAME) -> None:
    project.patterns.report(name, outcome, actor=AGENT, session=project.session(goal))


def show(project: Project, session: str | None, words: str = "retry budget") -> None:
    """Search for something, so that what is found counts as shown."""
    project.search.record(project.by_words(words), actor=AGENT, session=session)


def stage(project: Project, name: str = NAME) -> str:
    return project.patterns.member(name).maturity.stage


def test_a_pattern_begins_as_a_prototype(project: Project) -> None:
    maturity = project.save(BUDGET).member.maturity
    assert (maturity.stage, maturity.sessions, maturity.contexts, maturity.adoption) == ("prototype", 0, 0, Rate(0, 0))


def test_three_sessions_make_it_validated_and_five_goals_general(project: Project) -> None:
    project.save(BUDGET)
    stages: list[str] = []
    for n in range(5):
        report(project, "worked", f"Ship part {n}")
        stages.append(stage(project))
    assert stages == ["prototype", "prototype", "validated", "validated", "general"]


def test_sessions_of_one_goal_are_one_context(project: Project) -> None:
    project.save(BUDGET)
    for _ in range(6):
        report(project, "worked", "Ship the same part")
    maturity = project.patterns.member(NAME).maturity
    assert (maturity.stage, maturity.sessions, maturity.contexts) == ("validated", 6, 1)


def test_the_last_word_of_a_session_counts(project: Project) -> None:
    project.save(BUDGET)
    session = project.session()
    for outcome in ("worked", "failed", "partly"):
        project.patterns.report(NAME, outcome, actor=AGENT, session=session)
        project.clock.advance(timedelta(seconds=1))
    maturity = project.patterns.member(NAME).maturity
    assert (maturity.worked, maturity.partly, maturity.failed) == (0, 1, 0)


def test_what_was_not_used_is_no_evidence(project: Project) -> None:
    project.save(BUDGET)
    for n in range(4):
        report(project, "unused", f"Ship part {n}")
    member = project.patterns.member(NAME)
    assert (member.maturity.sessions, member.cited) == (0, 4)


def test_entries_it_cites_are_evidence_of_their_sessions(project: Project) -> None:
    ids = [
        project.record(f"Retries came in lockstep in region {n}", session=project.session(f"Ship {n}"))
        for n in range(3)
    ]
    project.save(BUDGET, evidence=tuple(each.partition("/")[2] for each in ids))
    assert stage(project) == "validated"


def test_more_failures_than_successes_make_it_contested(project: Project) -> None:
    project.save(BUDGET)
    for n in range(3):
        report(project, "worked", f"Ship part {n}")
    for n in range(4):
        report(project, "failed", f"Repair part {n}")
    maturity = project.patterns.member(NAME).maturity
    assert (maturity.stage, maturity.contested) == ("prototype", True)


def test_showing_it_twice_in_a_session_counts_once(project: Project) -> None:
    project.save(BUDGET)
    session = project.session()
    for each in (session, session, project.session(), None, None):
        show(project, each)
    assert project.patterns.member(NAME).shown == 4


def test_adoption_is_the_share_of_sessions_it_was_shown_in(project: Project) -> None:
    project.save(BUDGET)
    sessions = [project.session(f"Ship part {n}") for n in range(4)]
    for session in sessions:
        show(project, session)
    project.patterns.report(NAME, "worked", actor=AGENT, session=sessions[0])
    assert project.patterns.member(NAME).maturity.adoption == Rate(1, 4)


def test_a_report_outlives_a_restart_and_a_rebuild(project: Project) -> None:
    project.save(BUDGET)
    for n in range(3):
        report(project, "worked", f"Ship part {n}")
    before = project.patterns.member(NAME)
    project.app.parts.ledger.rebuild()
    project.reopen()
    assert project.patterns.member(NAME) == before


# Decay


def test_what_nobody_cites_is_due_for_review_and_what_nobody_chose_for_pruning(project: Project) -> None:
    project.save(BUDGET)
    project.clock.advance(timedelta(minutes=1))
    for n in range(REVIEW_AFTER_SESSIONS - 1):
        project.session(f"Work on part {n}")
    assert project.patterns.member(NAME).decay == "fresh"
    shown_in = project.session()
    assert project.patterns.member(NAME).decay == "review"
    for n in range(REVIEW_AFTER_SESSIONS):
        project.session(f"Work on part {n}")
    assert project.patterns.member(NAME).decay == "review"
    show(project, shown_in)
    assert project.patterns.member(NAME).decay == "prune-candidate"


def test_citing_it_makes_it_fresh_again(project: Project) -> None:
    project.save(BUDGET)
    project.clock.advance(timedelta(minutes=1))
    sessions = [project.session(f"Work on part {n}") for n in range(REVIEW_AFTER_SESSIONS)]
    project.clock.advance(timedelta(minutes=1))
    project.patterns.report(NAME, "unused", actor=AGENT, session=sessions[-1])
    assert project.patterns.member(NAME).decay == "review"
    project.patterns.report(NAME, "partly", actor=AGENT, session=sessions[-1])
    assert project.patterns.member(NAME).decay == "fresh"


# Health

TOPICS = (
    ("Pin the compiler", "Two machines build different binaries from one commit without anybody noticing it.",
     "Projects that are compiled by several people.", "Write the version into the repository and refuse others."),
    ("Drain before stopping", "Requests in flight are cut off whenever a replica is replaced by a newer one.",
     "Servers behind a balancer that replaces replicas.", "Stop accepting, wait for open ones, end after a limit."),
    ("Name the owner of a flag", "Switches for features stay for years because nobody knows who may delete them.",
     "Repositories with switches for many features.", "Give each an owner and a date after which the build warns."),
    ("Cap the upload", "A single enormous picture fills the memory of the whole service within seconds.",
     "Endpoints that take files from customers.", "Count bytes while reading and hang up beyond ten megabytes."),
    ("Sort before comparing", "Snapshots differ between runs because dictionaries and folders have no fixed order.",
     "Golden files in suites of any language.", "Order rows by their key on both sides before the comparison."),
    ("Migrate in two steps", "Renaming a column breaks the older replicas which are still running beside the newer.",
     "Schemas that several versions use together.", "Add the new column, write both, move readers, drop the old one."),
    ("Escape at the edge", "Names with angle brackets turn into markup on pages of other customers.",
     "Templates that show what users typed.", "Let the template engine encode everything; mark exceptions by type."),
    ("Measure before tuning", "Weeks go into a cache that saves four milliseconds of a two-second page.",
     "Anything whose latency customers notice.", "Profile a real request first; change the widest bar of its graph."),
    ("Back up and restore", "Archives of months turn out to be empty files on the day they are needed.",
     "Databases with customers' data.", "Restore last night's archive into an empty machine every week."),
    ("Quote the units", "A timeout given in seconds is read as milliseconds by the library underneath.",
     "Configuration files with numbers in them.", "End each key with its unit and reject bare numbers."),
)  # fmt: skip


def fill(project: Project) -> list[str]:
    """As many different patterns as a verdict needs."""
    names: list[str] = []
    for title, problem, context, solution in TOPICS:
        name = title.lower().replace(" ", "-")
        pattern = Pattern(
            name=name, title=title, kind="pattern", category="domain", problem=problem, context=context,
            solution=solution, benefits=("It holds",),
        )  # fmt: skip
        project.save(pattern)
        names.append(name)
    return names


def test_a_small_library_has_figures_but_no_verdict(project: Project) -> None:
    project.save(BUDGET)
    show(project, None)
    health = project.app.library().health()
    assert (health.retrieval, health.citation, health.decay) == (Rate(1, 1), Rate(0, 1), Rate(0, 1))
    assert (health.new, health.verdict, health.window_days) == (1, "not enough data", WINDOW_DAYS)


def test_a_library_that_is_shown_and_cited_is_healthy_until_nobody_does(project: Project) -> None:
    names = fill(project)
    assert len(names) == LEAST_N
    session = project.session()
    for title, problem, *_ in TOPICS:
        show(project, session, f"{title} {problem}")
    assert project.app.library().health().verdict == "unhealthy"
    for name in names[:2]:
        project.patterns.report(name, "worked", actor=AGENT, session=session)
    health = project.app.library().health()
    assert (health.retrieval, health.citation, health.decay) == (Rate(10, 10), Rate(2, 10), Rate(0, 10))
    assert (health.verdict, health.new) == ("healthy", 10)
    project.clock.advance(timedelta(days=WINDOW_DAYS + 1))
    health = project.app.library().health()
    assert (health.retrieval, health.citation, health.new) == (Rate(0, 10), Rate(0, 0), 0)


def test_starters_count_once_they_were_shown(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> None:
    with knowing(tmp_path, clock, postgres_url, starters=True) as project:
        assert project.app.library().health().retrieval == Rate(0, 0)
        results = project.by_words("the same failing call again", k=2)
        project.search.record(results, actor=AGENT, session=None)
        health = project.app.library().health()
        assert health.retrieval == Rate(2, 2)
        assert health.new == 0
        assert len(project.patterns.members()) > 2
