"""The commands for saved states, as a person uses them in a real repository."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import mode
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.core.ids import new_id
from agentops_mcp.factors.resume.render.states import render_resumed
from agentops_mcp.factors.resume.rules.chain import Saved, merge
from agentops_mcp.factors.resume.rules.handoff import write_handoff
from command_line import AGENT, agentops
from conftest import git
from saved_states import BUNDLE, damage, refusal, save

pytestmark = pytest.mark.usefixtures("own_home")

HOSTILE = "red \x1b[31m bell \x07 bidi \u202e zero \u200b end"
SHOWN = r"red \u001b[31m bell \u0007 bidi \u202e zero \u200b end"


# The tree


def minute(saved: Saved) -> str:
    return f"{saved.at[:10]} {saved.at[11:16]}"


def test_the_tree_shows_branches_tips_and_what_is_done_newest_first(
    repository: Path, first: Saved, second: Saved
) -> None:
    done = save(repository, parent=first.id, phase="done", goal="Retries survive any host", next_steps=())
    assert agentops("states", at=repository).out.splitlines() == [
        f"*   {done.id[:13]}  {minute(done)}  done: Retries survive any host, by test-client 1.0",
        f"| * {second.id[:13]}  {minute(second)}  implement, unfinished: {BUNDLE.goal}, by test-client 1.0",
        f"* / {first.id[:13]}  {minute(first)}  implement, 2 branches: {BUNDLE.goal}, by test-client 1.0",
    ]


def test_the_tree_fits_a_terminal_of_80_columns(
    repository: Path, second: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    save(repository, goal="Retries survive a slow host and every other kind of failure of it " * 2)
    lines = agentops("states", at=repository, terminal=True).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.rstrip().endswith("test-client 1.0")] != []


def test_the_tree_is_cut_at_its_limit_and_given_as_json(repository: Path, second: Saved) -> None:
    (line,) = agentops("states", "-n", "1", at=repository).out.splitlines()
    assert line.startswith(f"* {second.id[:13]}")
    newest, oldest = agentops("states", "--json", at=repository).document
    assert newest == {
        "id": second.id, "parent": oldest["id"], "at": second.at, "phase": "implement", "goal": BUNDLE.goal,
        "client": "test-client 1.0", "is_tip": True, "why_unreadable": "",
    }  # fmt: skip


def test_without_a_state_every_command_says_so(repository: Path) -> None:
    assert agentops("states", at=repository).out == "No states yet. An agent's save_state adds them.\n"
    for command in (["resume"], ["handoff"]):
        assert "No unfinished state in this project." in refusal(agentops(*command, at=repository))
    for command in (["restore", "gone"], ["diff", "gone", "gone"], ["handoff", "gone"], ["show", "gone"]):
        assert "This project has no record 'gone'." in refusal(agentops(*command, at=repository))


def test_a_damaged_state_is_told_in_the_tree_and_shown_as_it_is(repository: Path, first: Saved, second: Saved) -> None:
    damage(repository, second)
    assert "does not match its hash" in agentops("states", at=repository).out.splitlines()[0]
    shown = json.loads(agentops("show", second.id, at=repository).out)
    assert shown["body"]["did"] == "Wrote the leaky bucket."
    assert "does not match its hash" in refusal(agentops("resume", second.id, at=repository))
    assert agentops("resume", first.id, at=repository).code == 0


@pytest.mark.parametrize(
    "command", [["states"], ["resume", "-", "--detail", "all"], ["show"], ["diff"], ["handoff"], ["states", "--json"]]
)
@pytest.mark.parametrize("terminal", [True, False])
def test_what_was_said_cannot_move_the_cursor_or_hide(
    repository: Path, first: Saved, command: list[str], terminal: bool
) -> None:
    bad = save(repository, goal=f"Retries survive {HOSTILE}", did=HOSTILE, findings=(HOSTILE,))
    stdin = write_handoff(merge([bad])).encode() if "-" in command else b""
    ids = {"show": [bad.id], "diff": [first.id, bad.id], "handoff": [bad.id]}.get(command[0], [])
    done = agentops(command[0], *ids, *command[1:], at=repository, stdin=stdin, terminal=terminal)
    assert done.code == 0
    assert not [character for character in done.out if not character.isprintable() and character != "\n"]
    assert "\\u202e" in done.out


# Showing and comparing


def test_a_state_is_shown_whole_by_its_id_or_the_beginning_of_it(repository: Path, second: Saved) -> None:
    shown = agentops("show", second.id, at=repository).out
    assert agentops("show", second.id[:13].upper(), at=repository).out == shown
    assert shown.splitlines()[:3] == [
        f"# State {second.id}",
        f"saved {second.at[:16]} UTC by test-client 1.0 (tester)",
        f"continues {second.parent}",
    ]
    for told in (
        "## goal\n- Retries survive a slow host\n", "## confidence\n- 70 %\n", "## did\n- Wrote the token bucket.\n",
        "## parameters\n- RETRY_RATIO: 0.2 (app.py)\n- LIMIT: 5\n",
        "- budget per host: one slow host used up all (rejected: per request: multiplies)\n",
        "## place\n- branch: main\n", "- tracked files: changed\n",
        f"## cited files\n- app.py: {second.files['app.py'][:12] if second.files['app.py'] else ''}\n",
        "## values in their files\n- RETRY_RATIO: beside its name\n",
        "## uncommitted\n- in all: 4\n- left out: 1\n- kept in: ", "- app.py: modified\n",
    ):  # fmt: skip
        assert told in shown
    assert "blockers" not in shown
    assert agentops("show", second.id, "--json", at=repository).document["body"]["findings"] == ["the pool is shared"]


def test_the_beginning_of_several_ids_is_refused(repository: Path, first: Saved) -> None:
    others = [save(repository, goal=f"Retries survive host number {number}").id for number in (1, 2)]
    shared = mode(each[:8] for each in [first.id, *others])  # a minute may have ended between them, but not two
    assert "Several states begin with" in refusal(agentops("show", shared, at=repository))


def test_a_state_saved_in_a_session_says_which_and_what_it_links_to(repository: Path) -> None:
    (repository / "link").symlink_to("app.py")
    git(repository, "add", "link")
    git(repository, "commit", "--quiet", "--message", "link")
    head = git(repository, "rev-parse", "HEAD")
    with App(repository) as app:
        session = app.sessions().start("Make retries survive a slow host", actor=AGENT).handle
    saved = save(repository, session=session, key_files=("link",), findings=(f"{head[:12]} broke it",))
    shown = agentops("show", saved.id, at=repository).out
    assert f"(tester), in session {session}\n" in shown
    assert ", a link to app.py\n" in shown
    assert f"## cited commits\n- {head[:12]}: in HEAD's history\n" in shown


def test_two_states_are_compared_part_by_part(repository: Path, first: Saved, second: Saved) -> None:
    told = agentops("diff", first.id, second.id, at=repository).out
    assert told.startswith(f"- {first.id} {first.at[:16]}\n+ {second.id} {second.at[:16]}\n")
    assert "parameters\n  + LIMIT: 5\n  ~ RETRY_RATIO: 0.1 (app.py) → 0.2 (app.py)\n" in told
    assert "findings\n  + the pool is shared\n" in told
    assert "place\n  ~ tracked files: as in HEAD → changed\n" in told
    old, new = ((each.files["app.py"] or "")[:12] for each in (first, second))
    assert f"cited files\n  ~ app.py: {old} → {new}\n" in told
    assert "goal" not in told
    back = agentops("diff", second.id, first.id, at=repository).out
    assert "parameters\n  - LIMIT: 5\n  ~ RETRY_RATIO: 0.2 (app.py) → 0.1 (app.py)\n" in back


def test_a_comparison_is_given_as_json_and_may_find_nothing(repository: Path, first: Saved, second: Saved) -> None:
    document = agentops("diff", first.id, second.id, "--json", at=repository).document
    assert (document["before"], document["after"]) == (first.id, second.id)
    assert document["differences"][0] == {
        "part": "parameters", "removed": {}, "added": {"LIMIT": "5"},
        "changed": {"RETRY_RATIO": ["0.1 (app.py)", "0.2 (app.py)"]},
    }  # fmt: skip
    same = agentops("diff", first.id, first.id, at=repository)
    assert (same.code, same.out.splitlines()[-1]) == (0, "They say the same.")


# Uncommitted work


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_uncommitted_work_is_written_back_after_a_look_at_what_would_be(repository: Path, second: Saved) -> None:
    work = contents(repository)
    git(repository, "stash", "--include-untracked")
    (repository / "other.txt").write_text("other\n", encoding="utf-8")
    git(repository, "add", "other.txt")
    git(repository, "commit", "--quiet", "--message", "other")
    clean = contents(repository)
    planned = agentops("restore", second.id, "--dry-run", at=repository)
    assert planned.code == 0
    assert contents(repository) == clean
    done = agentops("restore", second.id[:13], at=repository)
    del work[".env"]
    assert contents(repository) == {**work, "other.txt": b"other\n"}
    lines = done.out.splitlines()
    assert sorted(lines[:3]) == ["written: app.py", "written: new.py", "written: staged.py"]
    assert lines[3:5] == ["staged: 1 file", "never kept: 1 file (secret, ignored or too large)"]
    assert lines[5].startswith("It was made on ")
    assert lines[6:] == ["To undo: git stash --include-untracked"]
    assert sorted(planned.out.splitlines()[:4]) == sorted(f"would be {line}" for line in lines[:4])
    assert "undo" not in planned.out
    git(repository, "stash", "--include-untracked")
    assert contents(repository) == clean


def test_a_plan_is_given_as_json(repository: Path, second: Saved) -> None:
    git(repository, "stash", "--include-untracked")
    document = agentops("restore", second.id, "--dry-run", "--json", at=repository).document
    assert (document["commit"], document["dry_run"]) == (second.kept.commit, True)
    assert {"path": "new.py", "action": "write"} in document["files"]


def test_a_submodule_is_named_and_left_as_it_is(repository: Path, first: Saved, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repository), "library")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "library"), "sub")
    git(repository, "commit", "--quiet", "--message", "submodule")
    git(repository / "sub", "commit", "--quiet", "--allow-empty", "--message", "ahead")
    (repository / "app.py").write_text("RETRY_RATIO = 0.3\n", encoding="utf-8")
    saved = save(repository)
    git(repository, "checkout", "--quiet", "app.py")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update")
    assert "left as it is, a submodule: sub\n" in agentops("restore", saved.id, at=repository).out


def test_what_cannot_be_restored_is_refused_in_two_lines(
    repository: Path, first: Saved, second: Saved, tmp_path: Path
) -> None:
    assert f"State {first.id} kept no uncommitted work." in refusal(agentops("restore", first.id, at=repository))
    assert "The tree is not clean: " in refusal(agentops("restore", second.id, at=repository))
    exported = agentops("export", at=repository).out.encode()
    git(tmp_path, "clone", "--quiet", "--no-local", str(repository), "clone")
    (tmp_path / "plain").mkdir()
    for place, problem in (("clone", "is not in this clone"), ("plain", "There is no git repository here.")):
        agentops("import", "-", at=tmp_path / place, stdin=exported)
        assert problem in refusal(agentops("restore", second.id, at=tmp_path / place))


# Going on


@pytest.mark.parametrize("detail", ["summary", "steps", "work", "all"])
def test_what_a_person_resumes_is_what_an_agent_does(repository: Path, second: Saved, detail: Any) -> None:
    with App(repository) as app:
        told = render_resumed(app.states().recall("slow host retries"), detail=detail, budget_tokens=900)
    asked = agentops("resume", "slow", "host", "retries", "--detail", detail, "--budget", "900", at=repository)
    assert (asked.code, asked.out) == (0, f"{told}\n")


def test_the_newest_unfinished_state_is_resumed_by_default_and_any_other_by_its_id(
    repository: Path, first: Saved, second: Saved
) -> None:
    assert agentops("resume", at=repository).out.startswith(f"state {second.id}: implement")
    assert agentops("resume", first.id, at=repository).out.startswith(f"state {first.id}: implement")
    assert agentops("resume", first.id[:13], "--json", at=repository).document["id"] == first.id
    assert "No state has a goal like" in refusal(agentops("resume", "unheard", "things", at=repository))


def test_a_handoff_from_standard_input_is_checked_against_this_clone(
    repository: Path, second: Saved, tmp_path: Path
) -> None:
    text = agentops("handoff", at=repository).out.encode()
    told = agentops("resume", "-", at=repository, stdin=b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")).out
    assert "RETRY_RATIO = 0.2 (app.py) [FRESH]" in told
    assert "note: from a handoff file" in told
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    told = agentops("resume", "-", at=tmp_path / "clone", stdin=text).out
    assert "RETRY_RATIO = 0.2 (app.py) [STALE: the value of RETRY_RATIO is no longer in app.py]" in told


@pytest.mark.parametrize(
    ("stdin", "problem"),
    [
        (b"", "Standard input has no handoff file."),
        ("# Handoff: x\n".encode("utf-16"), "Standard input has no handoff file."),
        (b"# Handoff: x\n", "Line 1 of the handoff file: expected a list below the title"),
        (b"# Handoff: x\n" + b"\xe2\x82\xac" * 300_000, "A handoff file has at most 200,000 characters"),
    ],
    ids=["nothing", "UTF-16", "a title alone", "too much"],
)
def test_standard_input_that_is_no_handoff_is_refused(repository: Path, stdin: bytes, problem: str) -> None:
    assert problem in refusal(agentops("resume", "-", at=repository, stdin=stdin))


# Everywhere


@pytest.mark.parametrize(
    "command",
    [["states"], ["resume"], ["handoff"], ["diff", new_id(), new_id()], ["restore", new_id()]],
    ids=lambda c: c[0],
)
def test_nothing_is_left_behind_where_nothing_was_recorded(repository: Path, command: list[str]) -> None:
    def files() -> list[Path]:
        return sorted(path for path in repository.rglob("*") if "objects" not in path.parts)

    before = files()
    agentops(*command, at=repository)
    assert files() == before


def complete(at: Path, words: str) -> list[str]:
    variables = {
        "_AGENTOPS_MCP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1),
    }  # fmt: skip
    command = [sys.executable, "-m", "agentops_mcp"]
    done = subprocess.run(command, cwd=at, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_completes_ids_of_states(repository: Path, first: Saved, second: Saved) -> None:
    assert complete(repository, "agentops-mcp restore 0") == [second.id, first.id]
    assert complete(repository, f"agentops-mcp diff {first.id} {second.id[:14]}") == [second.id]
    assert complete(repository.parent, "agentops-mcp handoff -C gone 0") == []


def test_the_log_says_how_a_mission_moved_and_which_feature_was_worked_on(repository: Path) -> None:
    with App(repository) as app:
        session = app.sessions().start("Ship it", actor=AGENT).handle
        missions = app.missions()
        mission = missions.open("Retries are bounded", ["A call is tried 3 times"], session=session, actor=AGENT)
        missions.move(mission.mission.id, "queued", "scheduler", "", session=session, actor=AGENT)
        missions.start_feature(mission.mission.id, "f1", session=session, actor=AGENT)
    logged = agentops("log", at=repository).out
    assert "  prep to queued, scheduler\n" in logged
    assert "  A call is tried 3 times\n" in logged
