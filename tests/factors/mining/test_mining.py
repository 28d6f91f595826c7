"""What recurs in learnings and failures becomes a candidate, the same each time, and what does not is said so."""

from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.tokens import count
from agentops_mcp.factors.mining.render.patterns import render_mined
from agentops_mcp.factors.mining.rules.library import Mined
from conftest import NOON, FakeClock
from knowledge_in_use import BUDGET, INJECTED, Project, knowing

RETRIES = (
    ("The nightly import stopped", "Retries without a random delay hit a rate-limited API in lockstep"),
    ("Checkout was down for twenty minutes", "After an outage every client retries at once; spread retries randomly"),
    ("The search cluster fell over again", "Immediate retries prolong an outage: back off with a random delay"),
)
OTHERS = (
    ("The build was slow", "Docker layers are cached only when the lock file is copied first"),
    ("Prices were rounded twice", "Money is an integer of cents, never a float"),
    ("A page was blank in Safari", "Dates without a time zone are invalid there"),
)


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url) as made:
        yield made


def fail(project: Project, action: str, learning: str, **more: str) -> str:
    return project.record(
        learning, action=action, kind="failure", solution="Wait a random time", context="Seen in production", **more
    )


def mined_of(project: Project, **asked: str | int) -> Mined:
    return project.app.mining().mine(**asked)  # pyright: ignore[reportArgumentType]


def test_three_failures_in_other_words_become_one_candidate(project: Project) -> None:
    members = {fail(project, *each, session=project.session(f"Repair {n}")) for n, each in enumerate(RETRIES)}
    for each in OTHERS:
        fail(project, *each)
    mined = mined_of(project)
    (candidate,) = mined.candidates
    assert {member.ref for member in candidate.members} == members
    assert (mined.considered, mined.sessions, mined.least, mined.lexical_only) == (6, 6, 3, "")
    assert candidate.sessions == 3
    assert set(candidate.draft.evidence) == {ref.partition("/")[2] for ref in members}
    assert candidate.draft.solution == "Wait a random time"
    for action, _ in RETRIES:
        assert action in candidate.draft.problem


def test_the_draft_needs_little_to_be_saved_and_found_and_is_known_from_then_on(project: Project) -> None:
    for n, each in enumerate(RETRIES):
        fail(project, *each, session=project.session(f"Repair {n}"))
    (candidate,) = mined_of(project).candidates
    assert candidate.known is None
    saved = project.save(
        candidate.draft, solution="Wait a random time that doubles with each attempt, and give up after five attempts.",
        context="Clients of anything shared that can be overloaded.", benefits=("The service recovers",),
    )  # fmt: skip
    assert saved.member.maturity.stage == "validated"
    found = project.by_meaning("thundering herd of clients")
    assert f"pattern/{candidate.draft.name}" in [hit.document.ref for hit in found.hits]
    (again,) = mined_of(project).candidates
    assert again.known == (candidate.draft.name, 1.0)
    assert f"Known already: agentops://pattern/{candidate.draft.name}" in render_mined(
        mined_of(project), budget_tokens=2_000
    )


def test_a_pattern_made_from_most_of_the_records_is_known_however_it_is_worded(project: Project) -> None:
    refs = [fail(project, *each) for each in RETRIES]
    ids = tuple(each.partition("/")[2] for each in refs)
    project.save(BUDGET, evidence=ids[:1])
    assert mined_of(project).candidates[0].known is None
    project.save(BUDGET, evidence=ids[:2])
    assert mined_of(project).candidates[0].known == (BUDGET.name, pytest.approx(2 / 3))


def test_a_pattern_that_says_nearly_the_same_is_known(project: Project) -> None:
    texts = (
        "One slow host used up every attempt of its caller: give each host a retry budget",
        "Keep a budget of retries for every host, or a slow one eats all attempts of the caller",
        "A slow host starved the others; retries need a budget for each host",
    )
    for text in texts:
        project.record(text, action=text, kind="failure", solution="Keep a budget of retries for every host")
    (before,) = mined_of(project).candidates
    project.save(
        BUDGET, title=f"{before.draft.title} to be kept", problem=before.draft.problem, risks=(), tags=(),
        solution="Keep a budget of retries for every host; each answer that arrives refills a tenth of a token.",
        context=before.draft.context,
    )  # fmt: skip
    (after,) = mined_of(project).candidates
    assert before.known is None
    assert after.known is not None
    assert after.known[0] == BUDGET.name


def test_the_same_ledger_gives_the_same_themes(project: Project) -> None:
    for action, learning in (*RETRIES, *OTHERS):
        fail(project, action, learning)
    first = mined_of(project)
    assert mined_of(project) == first
    project.app.parts.ledger.rebuild()
    project.reopen()
    assert mined_of(project) == first


def test_records_of_one_session_are_one_session(project: Project) -> None:
    session = project.session()
    for action, learning in RETRIES:
        fail(project, action, learning, session=session)
    (candidate,) = mined_of(project).candidates
    assert (candidate.sessions, len(candidate.members)) == (1, 3)


def test_only_what_is_recent_enough_is_mined(project: Project) -> None:
    for action, learning in RETRIES[:2]:
        fail(project, action, learning)
    project.clock.advance(timedelta(days=10))
    fail(project, *RETRIES[2])
    since = (NOON + timedelta(days=5)).isoformat()
    assert mined_of(project, since=since).considered == 1
    assert mined_of(project, since=since).candidates == ()
    assert len(mined_of(project).candidates) == 1


def test_what_teaches_nothing_or_instructs_is_not_mined(project: Project) -> None:
    project.record("", action="Moved the queue to streams", kind="action", context="Seen in production twice")
    fail(project, RETRIES[0][0], INJECTED)
    assert mined_of(project).considered == 0
    project.record(RETRIES[0][1], action="Moved the queue to streams", kind="decision")
    fail(project, "Importing prices failed in production", "")
    assert mined_of(project).considered == 2


@pytest.mark.parametrize(
    ("records", "says"), [(0, "Not enough data: 0"), (2, "Not enough data: 2"), (3, "Nothing recu")]
)
def test_too_little_or_nothing_that_recurs_is_said(project: Project, records: int, says: str) -> None:
    for action, learning in OTHERS[:records]:
        fail(project, action, learning)
    assert says in render_mined(mined_of(project), budget_tokens=500)


@pytest.mark.parametrize("least", [1, 0, -5])
def test_a_theme_of_one_is_refused(project: Project, least: int) -> None:
    with pytest.raises(InvalidInputError, match="is too small") as raised:
        mined_of(project, min_occurrences=least)
    assert "2 or more" in raised.value.remedy


def test_a_theme_that_is_asked_for_more_often_is_none(project: Project) -> None:
    for action, learning in RETRIES:
        fail(project, action, learning)
    assert mined_of(project, min_occurrences=4).candidates == ()


REGIONS = ("north", "south", "west")


def test_without_a_model_the_same_words_still_make_a_theme(project: Project) -> None:
    project.reopen(AGENTOPS_EMBEDDER_DIRECTORY=str(project.root / "nowhere"))
    for region in REGIONS:
        fail(project, f"The import of {region} stopped", f"Retries hit the rate limit of the {region} API in lockstep")
    for each in OTHERS:
        fail(project, *each)
    mined = mined_of(project)
    assert [len(candidate.members) for candidate in mined.candidates] == [3]
    assert "nowhere" in mined.lexical_only
    assert "lexical only: " in render_mined(mined, budget_tokens=2_000)


def test_many_themes_fit_in_the_budget_and_the_rest_is_counted(project: Project) -> None:
    for action, learning in (*RETRIES[:1], *OTHERS):
        for region in REGIONS:
            fail(project, f"{action} in {region}", f"{learning}; it was seen in {region}")
    mined = mined_of(project)
    assert len(mined.candidates) == 4
    text = render_mined(mined, budget_tokens=500)
    assert count(text) <= 550
    shown = text.count("\nDraft:\n")
    assert f"{4 - shown} more did not fit in 500 tokens." in text
