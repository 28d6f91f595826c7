"""What the library keeps: checked, redacted, told apart from what is there, and retired with a successor."""

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core.errors import (
    AgentOpsError,
    ConflictError,
    ExpiredError,
    IntegrityError,
    InvalidInputError,
    NotFoundError,
)
from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.mining.rules.markdown import parse_markdown
from agentops_mcp.factors.mining.rules.patterns import Relation
from agentops_mcp.factors.mining.service.patterns import DUPLICATE_COSINE
from agentops_mcp.factors.resume.rules.brief import SESSION_LIFETIME
from conftest import AGENT, FakeClock, git
from knowledge_in_use import BUDGET, FREEZE, LOCK, Project, knowing, refs

NAME = BUDGET.name
SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
REWORDED = replace(
    BUDGET,
    name="bound-the-retries",
    title="Give each host its own budget of retries",
    problem="A single slow host eats all attempts of the caller; retries multiply down the chain of calls.",
    solution="Each host has a bucket of tokens: retrying takes one, and an answer gives back a tenth.",
)


@pytest.fixture
def project(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> Generator[Project]:
    with knowing(tmp_path, clock, postgres_url) as made:
        yield made


def text_of(project: Project, name: str = NAME) -> str:
    return (project.files / f"{name}.md").read_text(encoding="utf-8")


def test_what_passes_is_kept_with_five_checks_told(project: Project) -> None:
    saved = project.save(BUDGET)
    assert [check.name for check in saved.checks] == ["generalizable", "evidenced", "complete", "unique", "clear"]
    assert [check.passed for check in saved.checks] == [True, False, True, True, True]
    assert (saved.revision, saved.nearest) == (1, ())
    assert any("no evidence was found" in warning for warning in saved.warnings)
    assert parse_markdown(NAME, text_of(project)) == BUDGET
    assert saved.file.replace("\\", "/").endswith(f".agentops/patterns/{NAME}.md")


def test_evidence_that_is_here_is_told_from_evidence_that_is_not(project: Project) -> None:
    identifier = project.record().partition("/")[2]
    checks = {check.name: check for check in project.save(BUDGET, evidence=(identifier, new_id())).checks}
    assert (checks["evidenced"].passed, checks["evidenced"].message) == (True, "1 records, 0 known uses.")


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no problem", {"problem": ""}, "complete: no problem"),
    ("a short context", {"context": "Anywhere."}, "complete: context has"),
    ("no consequences", {"benefits": (), "risks": ()}, "complete: no consequences"),
    ("a hollow solution", {"solution": "Use proper best practices and ensure high quality."}, "clear: solution says"),
    ("a solution that repeats", {"solution": BUDGET.problem}, "clear: solution only repeats"),
    ("over the limit", {"problem": "many words " * 300}, "problem: 3,299 characters, 1,299 too many"),
    ("everything over the limit", {"solution": "go on " * 600, "implementation": "go on " * 1_300,
                                   "context": "go on " * 300}, "all fields together"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "says"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_does_not_pass_is_refused_and_nothing_is_written(
    project: Project, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        project.save(BUDGET, **changes)
    assert says in str(raised.value)
    assert raised.value.remedy
    assert project.kinds() == []
    assert not project.files.exists()


def test_a_trial_tells_every_check_and_writes_nothing(project: Project) -> None:
    saved = project.save(BUDGET, trial=True, solution="Use best practices.")
    assert {check.name for check in saved.checks if not check.passed} == {"evidenced", "complete", "clear"}
    assert (saved.revision, saved.file, saved.warnings) == (0, "", ())
    assert project.kinds() == []
    assert not project.files.exists()


# Unique


def in_the_same_words(project: Project) -> None:
    project.reopen(AGENTOPS_EMBEDDER_DIRECTORY=str(project.root / "nowhere"))


def in_other_words(project: Project) -> None:
    project.semantic.ready(patience_s=60)


@pytest.mark.parametrize(
    ("prepare", "other"),
    [(in_other_words, REWORDED), (in_the_same_words, replace(BUDGET, name="bound-the-retries", forces=("Speed",)))],
)
def test_a_near_duplicate_is_refused_with_the_one_to_refine(
    project: Project, prepare: Callable[[Project], None], other: Any
) -> None:
    prepare(project)
    project.save(BUDGET)
    with pytest.raises(InvalidInputError, match=rf"unique: {NAME} says nearly the same") as raised:
        project.save(other)
    assert "save under its name" in raised.value.remedy
    assert [member.pattern.name for member in project.patterns.members()] == [NAME]


def test_another_pattern_is_none_and_the_nearest_is_named(project: Project) -> None:
    project.semantic.ready(patience_s=60)
    project.save(BUDGET)
    ((name, alike),) = project.save(FREEZE).nearest
    assert name == NAME
    assert -1 <= alike < DUPLICATE_COSINE


def test_its_own_earlier_revision_is_no_duplicate(project: Project) -> None:
    project.semantic.ready(patience_s=60)
    project.save(BUDGET)
    assert project.save(BUDGET, forces=("Throughput suffers",)).revision == 2
    assert project.save(BUDGET, forces=("Throughput suffers",)).revision == 3


def test_what_it_supersedes_may_be_as_near_as_it_likes_and_is_retired(project: Project) -> None:
    project.semantic.ready(patience_s=60)
    project.save(BUDGET)
    project.save(REWORDED, related=(Relation("supersedes", NAME),))
    old = project.patterns.member(NAME)
    assert (old.maturity.stage, old.pattern.successor) == ("deprecated", "bound-the-retries")
    assert old.pattern.reason == "superseded by bound-the-retries"
    assert parse_markdown(NAME, text_of(project)) == old.pattern
    assert len(project.patterns.revisions(NAME)) == 2
    project.save(REWORDED, related=(Relation("supersedes", NAME),), forces=("Again",))
    assert len(project.patterns.revisions(NAME)) == 2


def test_a_retired_pattern_is_no_duplicate_of_a_new_one(project: Project) -> None:
    project.semantic.ready(patience_s=60)
    project.save(BUDGET)
    project.patterns.deprecate(NAME, reason="The client library does it", actor=AGENT)
    assert project.save(REWORDED).revision == 1


def test_superseding_what_is_not_there_saves_all_the_same(project: Project) -> None:
    assert project.save(BUDGET, related=(Relation("supersedes", "never-was"),)).revision == 1


def test_starters_count_as_what_is_there(tmp_path: Path, clock: FakeClock, postgres_url: str | None) -> None:
    with knowing(tmp_path, clock, postgres_url, starters=True) as project:
        project.semantic.ready(patience_s=60)
        starter = project.patterns.member("retry-without-change").pattern
        with pytest.raises(InvalidInputError, match="retry-without-change says nearly the same"):
            project.save(starter, name="stop-after-the-same-failure")
        assert project.save(starter).revision == 1
        assert project.patterns.member("retry-without-change").saved_at


# Secrets, sessions, conflicts


def test_a_secret_reaches_neither_the_ledger_nor_the_file_nor_a_reply(project: Project) -> None:
    saved = project.save(BUDGET, implementation=f"export TOKEN={SECRET}", known_uses=(f"{SECRET} in production",))
    assert SECRET not in text_of(project)
    assert SECRET not in str([event.body for event in project.app.parts.ledger.events()])
    assert SECRET not in str(saved)
    assert "REDACTED" in text_of(project).upper()
    assert project.patterns.take_over() == []


def test_a_session_that_is_none_or_expired_saves_nothing(project: Project, clock: FakeClock) -> None:
    with pytest.raises(NotFoundError, match="start_session"):
        project.save(session=new_id())
    handle = project.session()
    clock.advance(SESSION_LIFETIME)
    with pytest.raises(ExpiredError):
        project.save(session=handle)
    with pytest.raises(NotFoundError, match="start_session"):
        project.patterns.report(NAME, "worked", actor=AGENT, session="nobody")
    assert "pattern.saved" not in project.kinds()


def test_an_edit_by_hand_that_is_not_valid_is_a_conflict_and_the_ledger_is_untouched(project: Project) -> None:
    project.save(BUDGET)
    project.write_pattern(NAME, "half an edit")
    for attempt in (
        lambda: project.save(BUDGET, forces=("Throughput",)),
        lambda: project.patterns.deprecate(NAME, reason="Old", actor=AGENT),
    ):
        with pytest.raises(ConflictError, match="edited by hand"):
            attempt()
    assert text_of(project) == "half an edit"
    assert project.kinds() == ["pattern.saved"]


def test_a_file_that_cannot_be_written_is_said_and_the_pattern_is_kept(project: Project) -> None:
    project.files.write_text("not a folder", encoding="utf-8")
    saved = project.save(BUDGET)
    assert saved.revision == 1
    assert any("saved, but the file is not written" in warning for warning in saved.warnings)
    assert refs(project.by_words("token bucket")) == [f"pattern/{NAME}"]


# Retiring


def test_a_pattern_is_retired_and_brought_back(project: Project) -> None:
    project.save(BUDGET)
    project.save(FREEZE)
    member = project.patterns.deprecate(f"agentops://pattern/{NAME}", reason="", successor=FREEZE.name, actor=AGENT)
    assert (member.maturity.stage, member.pattern.successor) == ("deprecated", FREEZE.name)
    again = project.patterns.promote(NAME, actor=AGENT)
    assert (again.maturity.stage, again.pattern) == ("prototype", BUDGET)


BAD: list[tuple[str, Callable[[Project], object], type[AgentOpsError], str]] = [
    ("an unknown name", lambda p: p.patterns.member("nobody-knows"), NotFoundError, "No pattern is called"),
    ("an empty name", lambda p: p.patterns.member(""), NotFoundError, "No pattern is called"),
    ("a long name", lambda p: p.patterns.member("x" * 10_000), NotFoundError, "No pattern is called"),
    ("a near miss", lambda p: p.patterns.member("retry-budgets"), NotFoundError, f"Did you mean {NAME}"),
    ("an unknown successor", lambda p: p.patterns.deprecate(NAME, reason="x", successor="nobody", actor=AGENT),
     NotFoundError, "No pattern is called"),
    ("no reason", lambda p: p.patterns.deprecate(NAME, reason=" ", actor=AGENT), InvalidInputError, "needs a reason"),
    ("its own successor", lambda p: p.patterns.deprecate(NAME, reason="x", successor=NAME, actor=AGENT),
     InvalidInputError, "cannot succeed itself"),
    ("bringing back what is active", lambda p: p.patterns.promote(NAME, actor=AGENT), InvalidInputError, "already"),
    ("reporting on nothing", lambda p: p.patterns.report("nobody", "worked", actor=AGENT), NotFoundError, "No pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_cannot_be_done_is_a_clear_error_and_nothing_is_written(
    project: Project, call: Callable[[Project], object], error: type[AgentOpsError], says: str
) -> None:
    project.save(BUDGET)
    with pytest.raises(error, match=says) as raised:
        call(project)
    assert not isinstance(raised.value, IntegrityError)
    assert raised.value.remedy
    assert len(str(raised.value)) < 400
    assert project.kinds() == ["pattern.saved"]


def test_names_are_completed_by_their_beginning(project: Project) -> None:
    project.save(BUDGET)
    project.save(FREEZE)
    assert project.patterns.complete_name("re") == [NAME]
    assert project.patterns.complete_name("", limit=1) == [FREEZE.name]


def test_a_commit_is_evidence(project: Project) -> None:
    git(project.root, "init", "--quiet", "--initial-branch=main")
    git(project.root, "commit", "--quiet", "--allow-empty", "--message", "first")
    commit = git(project.root, "rev-parse", "HEAD")
    member = project.save(BUDGET, evidence=(commit,)).member
    assert (member.maturity.sessions, member.maturity.contexts) == (1, 1)


def test_the_library_of_another_process_is_seen(project: Project) -> None:
    assert project.patterns.members() == []
    with project.opened() as other:
        other.patterns().save(BUDGET, actor=AGENT)
        other.patterns().report(NAME, "worked", actor=AGENT, place="elsewhere")
        assert project.patterns.member(NAME).maturity.worked == 1
        other.patterns().deprecate(NAME, reason=LOCK, actor=AGENT)
    assert project.patterns.member(NAME).maturity.stage == "deprecated"
