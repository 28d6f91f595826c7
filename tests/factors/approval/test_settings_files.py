"""How factor VIII is set by a person's file and a project's, and that the project's can only ask for more."""

import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.app import App
from agentops_mcp.approval_settings import ApprovalSettings, effective
from agentops_mcp.core import config
from agentops_mcp.core.config import ApprovalSection, NotifySection
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules import proposals
from agentops_mcp.factors.approval.rules.settings import LEVELS, MEASURES, NEEDS, STRENGTHS, Settings
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS
from agentops_mcp.storage.project import locate
from agentops_mcp.storage.settings_files import person_config_file

MINUTE = timedelta(minutes=1)
WORDS = {
    "summary": "Publish 2.4.0", "changes": "Everybody can install it.", "rollback": "npm deprecate shop@2.4.0",
    "impact": "All who install the newest version", "alternatives": ["Wait: the fix is needed"],
    "risks": ["A broken build: the tests passed"],
}  # fmt: skip


@dataclass
class Files:
    """Both files of one project."""

    settings: ApprovalSettings
    person: Path
    project: Path

    def write(self, *, person: str = "", project: str = "") -> None:
        for path, text in ((self.person, person), (self.project, project)):
            if text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")


@pytest.fixture
def files(own_home: Path, tmp_path: Path) -> Files:
    root = tmp_path / "shop"
    root.mkdir()
    person = person_config_file({})
    assert person.is_relative_to(own_home)
    return Files(ApprovalSettings(locate(root, {}), {}), person, root / ".agentops" / "config.toml")


def test_without_files_the_defaults_hold(files: Files) -> None:
    assert (files.settings(), files.settings.problems(), files.settings.notify()) == (Settings(), [], NotifySection())


def test_a_person_may_ask_for_less_than_the_defaults(files: Files) -> None:
    files.write(
        person="""
            [approval]
            grant_minutes = 30
            escalate_hours = 0.5
            expire_hours = 48
            review_seconds = 1
            accept_elsewhere = true
            [approval.severity]
            high = "terminal"
            [approval.effect]
            spend = "client"
            [approval.matrix]
            impact.high = "optional"
            "risk.low" = "required"
        """
    )
    found = files.settings()
    assert (found.grant_lasts, found.escalates_after) == (30 * MINUTE, 30 * MINUTE)
    assert (found.expires_after, found.review) == (timedelta(hours=48), timedelta(seconds=1))
    assert found.accept_elsewhere
    assert found.by_severity == {"low": "client", "medium": "client", "high": "terminal", "critical": "page"}
    assert (found.by_effect["spend"], found.by_effect["destroy_data"]) == ("client", "page")
    assert (found.matrix["impact.high"], found.matrix["risk.low"], found.matrix["cost.low"]) == (
        "optional", "required", "none",
    )  # fmt: skip


def test_a_project_tightens_what_it_names_and_leaves_the_rest_to_the_person(files: Files) -> None:
    files.write(
        person='[approval]\ngrant_minutes = 30\nexpire_hours = 48\n[approval.effect]\nspend = "client"',
        project='[approval]\ngrant_minutes = 20\n[approval.effect]\npublish = "two_people"',
    )
    found = files.settings()
    assert (found.grant_lasts, found.expires_after) == (20 * MINUTE, timedelta(hours=48))
    assert (found.by_effect["spend"], found.by_effect["publish"]) == ("client", "two_people")


def test_a_project_loosens_nothing(files: Files) -> None:
    files.write(
        project="""
            [approval]
            grant_minutes = 43200
            escalate_hours = 720
            expire_hours = 720
            review_seconds = 0.001
            accept_elsewhere = true
            severity = { critical = "page", high = "client" }
            effect = { spend = "client", destroy_data = "client" }
            matrix = { impact = { high = "none" }, "risk.high" = "optional" }
        """
    )
    assert files.settings.problems() == []
    assert files.settings() == Settings()


FLOORS = st.sampled_from(STRENGTHS)
GRAVE_FLOORS = st.sampled_from(STRENGTHS[1:])
MATRIX_KEYS = st.sampled_from([f"{measure}.{level}" for measure in MEASURES for level in LEVELS])
SECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "grant_minutes": st.floats(0.001, 43_200),
        "escalate_hours": st.floats(0.001, 720),
        "expire_hours": st.floats(0.001, 720),
        "review_seconds": st.floats(0.001, 3_600),
        "accept_elsewhere": st.booleans(),
        "severity": st.fixed_dictionaries({}, optional={"low": FLOORS, "high": FLOORS, "critical": GRAVE_FLOORS}),
        "effect": st.dictionaries(st.sampled_from(sorted(EFFECTS)), FLOORS),
        "matrix": st.dictionaries(MATRIX_KEYS, st.sampled_from(NEEDS)),
    },
).map(ApprovalSection.model_validate)


@given(SECTIONS, SECTIONS)
def test_whatever_a_project_says_it_never_asks_for_less_than_the_person(
    person: ApprovalSection, project: ApprovalSection
) -> None:
    fixed, found = effective(person, ApprovalSection()), effective(person, project)
    assert found.grant_lasts <= fixed.grant_lasts
    assert found.escalates_after <= fixed.escalates_after
    assert found.expires_after <= fixed.expires_after
    assert found.review >= fixed.review
    assert found.accept_elsewhere <= fixed.accept_elsewhere
    for mine, theirs in ((fixed.by_severity, found.by_severity), (fixed.by_effect, found.by_effect)):
        assert all(STRENGTHS.index(theirs[key]) >= STRENGTHS.index(floor) for key, floor in mine.items())
    assert all(NEEDS.index(found.matrix[key]) >= NEEDS.index(need) for key, need in fixed.matrix.items())


def test_files_are_heard_as_soon_as_they_are_saved(files: Files) -> None:
    said: list[timedelta] = []
    for text in ("grant_minutes = 5", "grant_minutes = 6", "grant_minutes = 7"):
        files.write(project=f"[approval]\n{text}")
        said.append(files.settings().grant_lasts)
    files.project.unlink()
    assert [*said, files.settings().grant_lasts] == [5 * MINUTE, 6 * MINUTE, 7 * MINUTE, 10 * MINUTE]


def test_a_file_that_went_wrong_loosens_nothing_and_is_named(files: Files) -> None:
    files.write(person="[approval]\ngrant_minutes = 5", project='[approval.severity]\nhigh = "two_people"')
    before = files.settings()
    files.write(person="[approval]\ngrant_minutes = 0", project="[approval")
    assert files.settings() == before
    problems = files.settings.problems()
    assert [str(path) in problem for path, problem in zip((files.person, files.project), problems, strict=True)] == [
        True, True,
    ]  # fmt: skip


def test_a_project_file_that_was_never_right_asks_for_the_defaults_at_least(files: Files) -> None:
    files.write(person="[approval]\ngrant_minutes = 30", project="[approval")
    assert files.settings().grant_lasts == 10 * MINUTE


@pytest.mark.parametrize("owner", ["person", "project"])
def test_an_effect_that_does_not_exist_is_named(files: Files, owner: str) -> None:
    files.write(**{owner: '[approval.effect]\nspent = "page"'})
    (problem,) = files.settings.problems()
    assert problem.endswith("config.toml: approval.effect.spent: no effect has this name.")


def test_how_a_person_is_told_is_read_from_their_own_file_alone(files: Files) -> None:
    files.write(person='[notify]\ncommand = ["bell"]', project='[notify]\nurl = "https://example.org"')
    assert files.settings.notify() == NotifySection(command=["bell"])
    (problem,) = files.settings.problems()
    assert "[notify] is read from your own config.toml alone" in problem


def test_the_words_of_the_file_are_those_of_the_factor() -> None:
    assert get_args(config.Strength) == STRENGTHS
    ApprovalSection.model_validate({"matrix": {each: dict.fromkeys(LEVELS, "none") for each in MEASURES}})


def test_the_app_hears_both_files(files: Files) -> None:
    files.write(person="[approval]\ngrant_minutes = 3", project="[approval]\nexpire_hours = 2")
    with App(files.project.parents[1], environment={}) as app:
        found = app.approving().settings()
        assert (found.grant_lasts, found.expires_after) == (3 * MINUTE, timedelta(hours=2))
        files.write(person="[approval]\ngrant_minutes = 2")
        assert app.approving().settings().grant_lasts == 2 * MINUTE


def test_what_is_asked_keeps_the_floor_of_the_settings_and_rings_the_persons_bell(files: Files, tmp_path: Path) -> None:
    bell, rung = tmp_path / "bell.py", tmp_path / "rung"
    bell.write_text(f"import sys\nopen({str(rung)!r}, 'w').write(sys.argv[-1])\n", encoding="utf-8")
    files.write(
        person=f"[notify]\ncommand = {json.dumps([sys.executable, '-I', str(bell)])}",
        project='[approval.effect]\npublish = "terminal"',
    )
    actor = Actor("test 1", "tester", "mcp")
    with App(files.project.parents[1]) as app:
        approving = app.approving()
        subject = approving.subject("shell", "npm publish", session=None, actor=actor)
        asked = approving.requests.ask(subject, proposals.checked(WORDS), session=None, actor=actor)
    assert asked is not None
    assert asked.request.floor == "terminal"
    assert rung.read_text(encoding="utf-8") == asked.request.id
