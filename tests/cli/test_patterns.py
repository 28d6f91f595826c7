"""`patterns` and `mine`, as a person keeps the library."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agentops_mcp.app import App
from agentops_mcp.factors.mining.service.starters import starters
from agentops_mcp.factors.tracking.rules import Entry
from command_line import AGENT, Done, agentops
from conftest import git
from shops import tree_of

pytestmark = pytest.mark.usefixtures("own_home")

NAME = "back-off-with-jitter"
TITLE = "Back off with jitter"
TEXT = f"""\
---
title: {TITLE}
kind: pattern
category: workflow
---

## Problem

A service that slows down or restarts is kept down by its own clients, which all retry at once.

## Context

Calls over a network to anything that can be overloaded.

## Solution

Wait longer after each attempt, by a random amount, and give up after a budget of attempts.

## Consequences

### Benefits

- load spreads out
"""
STARTER = "three-strikes"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder without git and without a database."""
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def written(project: Path) -> Path:
    """The same with a pattern that a person wrote."""
    file_of(project).parent.mkdir(parents=True)
    file_of(project).write_text(TEXT, encoding="utf-8")
    return project


def file_of(project: Path, name: str = NAME) -> Path:
    return project / ".agentops" / "patterns" / f"{name}.md"


def patterns(*arguments: str, at: Path) -> Done:
    return agentops("patterns", *arguments, at=at)


def problem_of(done: Done) -> str:
    assert (done.code, done.out) == (3, "")
    return done.err.splitlines()[0].removeprefix("error: ")


# Listing


def test_the_library_lists_the_starters_with_their_state_and_its_health_below(project: Path) -> None:
    done = patterns("list", at=project)
    lines = done.out.splitlines()
    assert (done.code, len(lines)) == (0, len(starters()) + 3)
    assert [line.split()[0] for line in lines[:-3]] == [each.pattern.name for each in starters()]
    assert "prototype, starter" in lines[0]
    assert lines[-2].startswith("Library health over 90 days: not enough data.")
    assert "(n=0)" in lines[-1]
    assert list(project.iterdir()) == []


def test_the_library_as_json_has_figures_with_their_n(written: Path) -> None:
    found = patterns("list", "--json", at=written).document
    (own,) = [each for each in found["patterns"] if not each["starter"]]
    assert own["saved_at"]
    assert {key: value for key, value in own.items() if key != "saved_at"} == {
        "name": NAME, "uri": f"agentops://pattern/{NAME}", "title": TITLE, "kind": "pattern", "category": "workflow",
        "tags": [], "status": "active", "successor": "", "stage": "prototype", "starter": False, "decay": "fresh",
        "sessions": 0, "contexts": 0, "worked": 0, "partly": 0, "failed": 0, "contested": False, "shown": 0,
        "cited": 0, "adoption": {"count": 0, "n": 0},
    }  # fmt: skip
    assert found["health"] == {
        "window_days": 90, "verdict": "not enough data", "retrieval": {"count": 0, "n": 1},
        "stages": {"prototype": 1, "validated": 0, "general": 0, "standard": 0, "deprecated": 0},
        "citation": {"count": 0, "n": 0}, "decay": {"count": 0, "n": 1}, "new": 1, "growth": pytest.approx(1 / 3),
    }  # fmt: skip


def test_a_list_is_narrowed_by_stage_and_kind(written: Path) -> None:
    anti = patterns("list", "--kind", "anti-pattern", "--json", at=written).document["patterns"]
    assert {each["kind"] for each in anti} == {"anti-pattern"}
    assert patterns("list", "--stage", "standard", "--json", at=written).document["patterns"] == []
    assert patterns("list", "--stage", "standard", at=written).out.startswith("No such pattern.\n")


def test_without_starters_an_empty_library_says_how_to_begin(project: Path) -> None:
    (project / ".agentops").mkdir()
    (project / ".agentops" / "config.toml").write_text("[knowledge]\nstarter_library = false\n", encoding="utf-8")
    assert "`agentops-mcp patterns new TITLE` begins one" in patterns("list", at=project).out


def test_looking_at_the_library_leaves_no_trace_where_nothing_was_recorded(written: Path) -> None:
    git(written, "init", "--quiet")
    before = tree_of(written)
    assert patterns("list", at=written).code == patterns("show", NAME, at=written).code == 0
    assert tree_of(written) == before
    assert git(written, "for-each-ref") == ""


# Showing


def test_a_pattern_is_shown_whole_with_where_its_stage_comes_from(written: Path) -> None:
    for name in (NAME, f"agentops://pattern/{NAME}"):
        shown = patterns("show", name, at=written).out
        assert "stage prototype from 0 sessions" in shown
        assert shown.endswith(TEXT)


def test_a_pattern_as_json_has_its_text_and_its_revisions(written: Path) -> None:
    found = patterns("show", NAME, "--json", at=written).document
    assert (found["name"], found["benefits"], found["stage"]) == (NAME, ["load spreads out"], "prototype")
    assert [(each["revision"], each["title"]) for each in found["revisions"]] == [(1, TITLE)]


def test_revisions_are_listed_newest_first_and_each_can_be_shown(written: Path) -> None:
    patterns("check", at=written)
    file_of(written).write_text(TEXT.replace(TITLE, "Wait a random time"), encoding="utf-8")
    lines = patterns("show", NAME, "--revisions", at=written).out.splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert [line.rpartition("  ")[2] for line in lines] == ["Wait a random time", TITLE]
    patterns("check", at=written)
    events = patterns("show", NAME, "--json", at=written).document["revisions"]
    assert TITLE in agentops("show", events[-1]["id"], at=written).out
    assert patterns("show", STARTER, "--revisions", at=written).out == "No revisions: it came with the package.\n"


def test_an_unknown_name_is_told_with_what_is_near(written: Path) -> None:
    done = patterns("show", "back-of-the-envelope", at=written)
    assert problem_of(done) == "No pattern is called 'back-of-the-envelope'."
    assert NAME in done.err
    assert problem_of(patterns("show", "", at=written)) == "No pattern is called ''."


# From a draft to a pattern


def test_a_draft_has_every_section_and_becomes_a_pattern_once_it_is_filled_in(project: Path) -> None:
    done = patterns("new", TITLE, "--category", "workflow", at=project)
    assert (done.code, str(file_of(project)) in done.out) == (0, True)
    draft = file_of(project).read_text(encoding="utf-8")
    headings = [line for line in draft.splitlines() if line.startswith("#")]
    assert headings == [
        "## Problem", "## Context", "## Forces", "## Solution", "## Implementation", "## Consequences", "### Benefits",
        "### Tradeoffs", "### Risks", "## Known uses",
    ]  # fmt: skip
    refused = patterns("check", at=project)
    assert refused.code == 1
    assert "problem: no problem; no context; no solution; no consequences" in refused.out
    assert refused.out.endswith("1 file, 1 with problems.\n")
    for heading in ("Problem", "Context", "Solution"):
        text = TEXT.split(f"## {heading}\n\n")[1].split("\n")[0]
        draft = draft.replace(f"## {heading}\n", f"## {heading}\n\n{text}\n")
    draft = draft.replace("### Benefits\n", "### Benefits\n\n- load spreads out\n")
    file_of(project).write_text(draft, encoding="utf-8")
    passed = patterns("check", at=project)
    assert (passed.code, passed.out.splitlines()[0]) == (0, f"{NAME}: saved")
    assert passed.out.endswith("1 file, 0 with problems.\n")
    hits = agentops("search", "clients retry in lockstep", "--json", at=project).document["hits"]
    assert f"pattern/{NAME}" in {hit["ref"] for hit in hits}


def test_a_draft_never_replaces_what_is_there(written: Path) -> None:
    assert problem_of(patterns("new", TITLE, at=written)) == f"There is a pattern {NAME} already."
    file_of(written).write_text("half written", encoding="utf-8")
    assert f"{NAME}.md was edited by hand" in problem_of(patterns("new", TITLE, at=written))
    assert file_of(written).read_text(encoding="utf-8") == "half written"
    assert problem_of(patterns("new", starters()[0].pattern.name, at=written)).startswith("There is a pattern")


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["new", ""], 3, "title is missing."),
        (["new", "x" * 121], 3, "title: 121 characters, 1 too many."),
        (["new", "Some title", "--category", "nope"], 3, "category cannot be 'nope'."),
        (["new", "Some title", "--kind", "nope"], 2, "--kind"),
        (["list", "--stage", "nope"], 2, "--stage"),
        (["deprecate", STARTER], 2, "Missing option '--reason'"),
        (["deprecate", STARTER, "--reason", ""], 3, "A deprecated pattern needs a reason or a successor."),
        (["deprecate", STARTER, "--reason", "x", "--successor", "gone"], 3, "No pattern is called 'gone'."),
        (["deprecate", "gone", "--reason", "x"], 3, "No pattern is called 'gone'."),
        (["promote", "gone"], 3, "No pattern is called 'gone'."),
    ],
    ids=lambda each: " ".join(each)[:40] if isinstance(each, list) else "",  # pyright: ignore[reportUnknownArgumentType]
)
def test_what_cannot_be_done_is_told(project: Path, arguments: Sequence[str], code: int, problem: str) -> None:
    done = patterns(*arguments, at=project)
    assert (done.code, done.out) == (code, "")
    assert problem in " ".join(done.err.split())
    assert not (project / ".agentops" / "patterns").exists()


# Checking


def test_every_problem_of_every_file_is_told(written: Path) -> None:
    file_of(written, "broken").write_text("no front matter", encoding="utf-8")
    file_of(written, "UPPER").write_text(TEXT, encoding="utf-8")
    found = patterns("check", "--json", at=written)
    assert found.code == 1
    assert {each["name"]: (each["state"], bool(each["problems"])) for each in found.document} == {
        "UPPER": ("not read", True), NAME: ("saved", False), "broken": ("not valid", True),
    }  # fmt: skip
    assert [list(each) for each in found.document] == [["name", "problems", "hints", "state"]] * 3
    (hint,) = next(each["hints"] for each in found.document if each["name"] == NAME)
    assert "stays a prototype" in hint
    assert f"{NAME}: saved\n  hint: {hint}\n" in patterns("check", at=written).out


def test_no_files_are_no_problem(project: Path) -> None:
    done = patterns("check", at=project)
    assert (done.code, done.out) == (0, "No pattern files in .agentops/patterns.\n")
    assert list(project.iterdir()) == []


def test_what_is_taken_over_is_in_the_mirror(written: Path) -> None:
    git(written, "init", "--quiet", "--initial-branch=main")
    git(written, "add", ".")
    git(written, "commit", "--quiet", "--message", "first")
    assert patterns("check", at=written).code == 0
    assert len(git(written, "ls-tree", "-r", "--name-only", "refs/agentops/ledger").splitlines()) == 1


# Retiring


def test_a_starter_is_retired_with_a_successor_and_brought_back(written: Path) -> None:
    done = patterns("deprecate", STARTER, "--reason", "two are enough", "--successor", NAME, at=written)
    assert (done.code, done.out) == (
        0, f"{STARTER} is retired. To undo: agentops-mcp patterns promote {STARTER}\n",
    )  # fmt: skip
    shown = patterns("show", STARTER, "--json", at=written).document
    assert (shown["stage"], shown["reason"], shown["successor"]) == ("deprecated", "two are enough", NAME)
    assert "two are enough" in file_of(written, STARTER).read_text(encoding="utf-8")
    back = patterns("promote", STARTER, at=written)
    assert (back.code, back.out) == (0, f"{STARTER} is the project's own and active, stage prototype.\n")
    shown = patterns("show", STARTER, "--json", at=written).document
    assert (shown["stage"], shown["reason"], len(shown["revisions"])) == ("prototype", "", 2)
    assert "library already" in problem_of(patterns("promote", STARTER, at=written))


# Mining


def learn(at: Path, *learnings: str) -> None:
    with App(at, environment={}) as app:
        for learning in learnings:
            app.entries().record(Entry("failure", learning, "Seen at night", learning=learning), actor=AGENT)


SIMILAR = (
    "The nightly job failed because the disk was full",
    "A full disk made the nightly job fail",
    "The nightly job failed again: no space left on the disk",
)


def test_what_recurs_is_told_with_its_records_and_a_draft(project: Path) -> None:
    learn(project, *SIMILAR, "Use tabs in Makefiles")
    done = agentops("mine", at=project)
    assert (done.code, done.err) == (0, "")
    assert all(text in done.out for text in (*SIMILAR, "Draft:", "save_pattern"))
    found = agentops("mine", "--json", at=project).document
    assert {key: found[key] for key in ("considered", "sessions", "min", "lexical_only")} == {
        "considered": 4, "sessions": 4, "min": 3, "lexical_only": "",
    }  # fmt: skip
    (theme,) = found["themes"]
    assert list(theme) == ["theme", "sessions", "members", "draft", "known"]
    assert (theme["sessions"], theme["known"]) == (3, None)
    assert list(theme["members"][0]) == ["ref", "kind", "at", "session", "text"]
    assert theme["draft"]["evidence"] == [each["ref"].removeprefix("entry/") for each in theme["members"]]
    assert theme["draft"]["title"]


@pytest.mark.parametrize("options", [["--min", "4"], ["--since", "2100-01-01"]])
def test_what_does_not_recur_so_often_or_since_then_is_no_theme(project: Path, options: Sequence[str]) -> None:
    learn(project, *SIMILAR)
    assert agentops("mine", *options, "--json", at=project).document["themes"] == []


def test_without_enough_records_mining_says_so(project: Path) -> None:
    assert "Not enough data: 0 learnings and failures" in agentops("mine", at=project).out
    assert list(project.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["--min", "1"], 2, "--min"),
        (["--since", "soon"], 3, "since='soon' is no time."),
        (["--batch", "-", "--since", "7d", "--json"], 2, "leave out --since, --json"),
    ],
)
def test_what_cannot_be_mined_is_told(project: Path, arguments: Sequence[str], code: int, problem: str) -> None:
    done = agentops("mine", *arguments, at=project)
    assert (done.code, done.out) == (code, "")
    assert problem in " ".join(done.err.split())
