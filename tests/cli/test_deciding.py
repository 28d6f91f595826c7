"""`approve`, `reject` and `revise`: a person decides at a terminal, about what was printed there, with a code."""

from datetime import timedelta
from pathlib import Path

import pytest

from agentops_mcp.cli import person
from agentops_mcp.storage.project import current_user
from asked_at_terminal import (
    CODE,
    DELETES,
    GRANT,
    OTHER_AGENT,
    RELEASES,
    ask,
    at_terminal,
    decide_on_page,
    flat,
    need_two,
    standing,
    use,
)
from command_line import agentops

pytestmark = pytest.mark.usefixtures("own_home", "known_code")


@pytest.fixture
def known_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code that a terminal shows is always the same."""
    monkeypatch.setattr(person, "_ALPHABET", "A")


@pytest.fixture
def project(repository: Path) -> Path:
    (repository / "notes").mkdir()
    (repository / "notes" / "ideas.md").write_text("In no commit yet.\n", encoding="utf-8")
    return repository


def test_a_person_approves_what_was_printed(project: Path) -> None:
    asked = ask(project)
    done = at_terminal("approve", asked[-8:], "--because", "Before noon.", at=project)
    assert done.code == 0
    assert done.out.index("  | npm publish") < done.out.index('To approve "Run npm publish", type AAAA')
    assert "The agent's waiting call answers; it can do exactly this, once, within 10 minutes" in flat(done)
    last = standing(project, asked).fold.last
    assert last is not None
    assert (last.decision, last.by, last.strength, last.feedback) == (
        "approve", f"person {current_user()}", "terminal", "Before noon.",
    )  # fmt: skip
    assert use(project, asked).decision == "allow"


def test_a_person_rejects(project: Path) -> None:
    asked = ask(project)
    done = at_terminal("reject", asked, "--because", "Not on a Friday.", at=project)
    assert "REJECTED by person" in done.out
    assert "it is told not to do it" in done.out
    assert standing(project, asked).status == "rejected"


def test_a_person_sends_it_back_with_words(project: Path) -> None:
    asked = ask(project)
    assert at_terminal("revise", asked, at=project).code == 3
    done = at_terminal("revise", asked, "--because", "Only the beta.", at=project)
    assert "sent back by person" in done.out
    found = standing(project, asked)
    assert (found.status, found.fold.last and found.fold.last.feedback) == ("revise", "Only the beta.")


@pytest.mark.parametrize("command", [["approve"], ["reject"], ["revise", "--because", "x"]])
def test_an_agents_pipe_decides_nothing_and_is_shown_nothing(project: Path, command: list[str]) -> None:
    asked = ask(project)
    done = agentops(*command, asked, at=project, stdin=f"{CODE}\n".encode())
    assert (done.code, done.out) == (3, "")
    assert "Only a person at a terminal can" in done.err
    found = standing(project, asked)
    assert (found.status, found.facts) == ("pending", ())


@pytest.mark.parametrize("typed", ["", "B" * 4, "y", "\x1b[A"])
def test_another_code_decides_nothing(project: Path, typed: str) -> None:
    asked = ask(project)
    done = at_terminal("approve", asked, at=project, typed=typed)
    assert (done.code, "nothing was decided" in done.err) == (3, True)
    assert standing(project, asked).decisions == ()


def test_without_an_id_the_only_one_is_meant(project: Path) -> None:
    asked = ask(project)
    assert at_terminal("approve", at=project).code == 0
    assert standing(project, asked).status == "approved"


def test_without_an_id_several_are_named_and_none_is_decided(project: Path) -> None:
    first, second = ask(project), ask(project, DELETES)
    done = at_terminal("approve", at=project)
    assert done.code == 3
    assert f"{first[-8:]}  Run npm publish" in done.err
    assert f"{second[-8:]}  Run rm -rf notes" in done.err
    assert {standing(project, each).status for each in (first, second)} == {"pending"}


def test_without_an_id_and_without_requests_there_is_nothing_to_decide(project: Path) -> None:
    done = at_terminal("reject", at=project)
    assert (done.code, "Nothing waits for a person." in done.err) == (3, True)


def test_what_was_decided_is_not_decided_again(project: Path) -> None:
    asked = ask(project)
    decide_on_page(project, asked, "reject")
    done = at_terminal("approve", asked, at=project)
    assert done.code == 3
    assert "It was decided before: REJECTED by person ben, the page" in done.err
    assert "type AAAA" not in done.out


def test_what_expired_is_refused(project: Path) -> None:
    asked = ask(project, ago=timedelta(hours=25))
    done = at_terminal("approve", asked, at=project)
    assert (done.code, "Nobody decided in time, which is a refusal." in done.err) == (3, True)
    assert agentops("approvals", at=project).out == "Nothing waits for a person.\n"
    assert "EXPIRED at" in agentops("approvals", "--history", at=project).out


def test_two_people_must_approve_where_that_is_set(project: Path) -> None:
    need_two(project)
    asked = ask(project)
    done = at_terminal("approve", asked, at=project)
    assert (done.code, "1 of 2: another person must approve it" in done.out) == (0, True)
    again = at_terminal("approve", asked, at=project)
    assert (again.code, "1 of 2: you approved it already" in again.err) == (3, True)
    assert use(project, asked).decision != "allow"
    decide_on_page(project, asked)
    assert use(project, asked).decision == "allow"


def test_identical_requests_are_decided_together_only_when_asked_to(project: Path) -> None:
    first, second = ask(project), ask(project, actor=OTHER_AGENT)
    done = at_terminal("reject", first, "--identical", at=project)
    assert "and 1 other request for the same, type AAAA" in done.out
    assert f"{second[-8:]}: REJECTED by person" in done.out
    third, fourth = ask(project, DELETES), ask(project, DELETES, actor=OTHER_AGENT)
    at_terminal("reject", third, at=project)
    assert [standing(project, each).status for each in (second, third, fourth)] == ["rejected", "rejected", "pending"]


def test_a_plan_is_approved_as_one(project: Path) -> None:
    asked = ask(project, "1. Look\n2. Act", kind="plan")
    done = at_terminal("approve", asked, at=project)
    assert "  | 1. Look" in done.out
    assert "which lets no single action pass" in flat(done)


@pytest.mark.parametrize("command", [["approve"], ["reject"], ["revise", "--because", "x"]])
def test_a_dry_run_shows_and_decides_nothing(project: Path, command: list[str]) -> None:
    asked = ask(project)
    done = agentops(*command, asked, "--dry-run", at=project)
    assert done.code == 0
    assert "  | npm publish" in done.out
    assert "Nothing was decided." in done.out
    assert "A terminal does for this." in done.out
    found = standing(project, asked)
    assert (found.decisions, found.facts) == ((), ())


def test_a_dry_run_says_that_one_terminal_is_not_enough(project: Path) -> None:
    need_two(project)
    asked = ask(project)
    done = agentops("approve", asked, "--dry-run", at=project)
    assert (done.code, "counts for one person: 1 of 2" in done.out) == (1, True)
    decide_on_page(project, asked)
    done = agentops("approve", asked, "--dry-run", at=project)
    assert (done.code, "counts for one person: 2 of 2" in done.out) == (0, True)


def test_an_approval_can_grant_the_like_in_advance(project: Path) -> None:
    asked = ask(project)
    done = at_terminal("approve", asked, *GRANT, "--uses", "2", at=project)
    assert "and grant publishing.release for 2 uses within 30 minutes, type AAAA" in done.out
    (grant,) = agentops("grants", "--json", at=project).document
    assert (grant["rule"], grant["uses"], grant["holds"], grant["given_by"]) == (
        "publishing.release", 2, True, f"person {current_user()}",
    )  # fmt: skip
    assert use(project, "", "npm publish --tag next").decision == "allow"
    assert "publishing.release everywhere" in agentops("grants", at=project).out
    assert "1 of 2 uses" in agentops("grants", at=project).out


@pytest.mark.parametrize(
    ("action", "options", "problem"),
    [
        (RELEASES, ["--grant", "git.force-push", "--uses", "1"], "is no rule that stands in the way"),
        (RELEASES, [*GRANT], "A grant needs an end."),
        (RELEASES, [*GRANT, "--for", "2d"], "A grant lasts at most a day."),
        (RELEASES, [*GRANT, "--for", "soon"], "is no duration"),
        (RELEASES, [*GRANT, "--uses", "1", "--prefix", "a/../b"], "no `..` in it"),
        (RELEASES, ["--uses", "1"], "are about a grant"),
        ("terraform destroy", ["--grant", "provisioning.destroy", "--uses", "1"], "is about critical effects"),
    ],
)
def test_a_grant_that_can_not_be_given_stops_the_approval(
    project: Path, action: str, options: list[str], problem: str
) -> None:
    asked = ask(project, action)
    done = at_terminal("approve", asked, *options, at=project)
    assert (done.code, problem in done.err) == (3, True), done.err
    assert standing(project, asked).status == "pending"
    assert agentops("grants", "--json", at=project).document == []


def test_what_takes_two_people_is_not_granted_in_advance(project: Path) -> None:
    need_two(project)
    asked = ask(project)
    done = at_terminal("approve", asked, *GRANT, "--uses", "1", at=project)
    assert (done.code, "needs two people each time" in done.err) == (3, True)
