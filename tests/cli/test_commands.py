import json
import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from agentops_mcp import __version__
from agentops_mcp.core.records import Event
from agentops_mcp.storage.sqlite import SqliteDatabase
from command_line import agentops, record, start_session
from conftest import git

pytestmark = pytest.mark.usefixtures("own_home")

UNKNOWN_ID = "01a2035e-4daf-72c4-84cf-26677b72efac"
# What moves the cursor, rings, hides or turns text around, and what the same text shows instead.
HOSTILE = "red \x1b[31m clear \x1b[2J csi \x9b1A bell \x07 back \x08 bidi \u202e zero \u200b tag \U000e0041 end"
SHOWN = (
    r"red \u001b[31m clear \u001b[2J csi \u009b1A bell \u0007 back \u0008 bidi \u202e zero \u200b tag \U000e0041 end"
)


@pytest.fixture
def recorded(repository: Path) -> Path:
    """A repository with a session and three entries."""
    start_session(repository, "Make retries survive a slow host")
    record(repository, "Cache parsed configs per process", "Keep the retry budget per host", "Drop Python 3.10")
    return repository


def files_under(folder: Path) -> dict[str, bytes]:
    """Every file there and what is in it, but for the objects git may have been told of."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if "objects" not in path.parts
    }


def test_the_version_is_printed(tmp_path: Path) -> None:
    done = agentops("--version", at=tmp_path)
    assert (done.code, done.out) == (0, f"agentops-mcp {__version__}\n")


def test_the_help_names_every_exit_code_and_cuts_no_command_s_summary_short(tmp_path: Path) -> None:
    done = agentops("--help", at=tmp_path)
    text = " ".join(done.out.split())
    assert "0 done; 1 a check found a problem; 2 wrong usage; 3 the command could not be carried out." in text
    assert "..." not in done.out.partition("Commands:")[2]


WRONG_USAGE = {
    "an unknown command": ["undo"],
    "an unknown option": ["log", "--colour"],
    "a number that is none": ["log", "--limit", "many"],
    "a number out of range": ["log", "--limit", "0"],
    "an id that is missing": ["show"],
    "a client that is not known": ["init", "--client", "emacs"],
    "nothing to set up": ["init"],
    "hooks on and off": ["init", "--git-hooks", "--remove-git-hooks"],
    "serving at no port": ["serve", "--http", "localhost"],
    "serving with an unknown option": ["serve", "--colour"],
}


@pytest.mark.parametrize("arguments", WRONG_USAGE.values(), ids=WRONG_USAGE.keys())
def test_wrong_usage_is_exit_code_2_and_said_on_stderr(tmp_path: Path, arguments: list[str]) -> None:
    done = agentops(*arguments, at=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "rror" in done.err


CANNOT = {
    "a record that is not there": (["show", UNKNOWN_ID], f"This project has no record '{UNKNOWN_ID}'."),
    "a folder that is not there": (["log", "-C", "gone"], "gone is not a folder."),
    "a file that is not there": (["import", "gone.jsonl"], "gone.jsonl is not there."),
    "a place that is not there": (["export", "gone/x.jsonl"], "gone/x.jsonl cannot be written: No such file or"),
    "a remote that is not there": (["sync", "upstream"], "This repository has no remote named 'upstream'."),
}


@pytest.mark.parametrize(("arguments", "problem"), CANNOT.values(), ids=CANNOT.keys())
def test_what_cannot_be_done_is_exit_code_3_and_two_lines_on_stderr(
    repository: Path, arguments: list[str], problem: str
) -> None:
    done = agentops(*arguments, at=repository)
    assert (done.code, done.out) == (3, "")
    first, second = done.err.splitlines()
    assert first.startswith(f"error: {problem}")
    assert second.startswith("  ")


def test_a_setting_that_cannot_be_used_is_said_in_two_lines(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_DATABASE_URL", "mysql://db")
    done = agentops("log", at=repository)
    assert (done.code, done.err.count("\n")) == (3, 2)


@pytest.mark.parametrize("command", ["sync", "restore-mirror"])
def test_what_needs_git_says_so_outside_git(tmp_path: Path, command: str) -> None:
    done = agentops(command, at=tmp_path)
    assert done.code == 3
    assert "There is no git repository here" in done.err


READING = {
    "log": ["log"],
    "verify": ["verify"],
    "doctor": ["doctor"],
    "export": ["export"],
    "show": ["show", UNKNOWN_ID],
    "import --dry-run": ["import", "-", "--dry-run"],
    "sync --dry-run": ["sync", "--dry-run"],
    "init --print": ["init", "--print", "--client", "claude-code", "--agents-file", "AGENTS.md"],
}


@pytest.mark.parametrize("arguments", READING.values(), ids=READING.keys())
@pytest.mark.parametrize("inside_git", [True, False])
def test_a_command_that_only_reads_leaves_no_trace_where_nothing_was_recorded(
    repository: Path, arguments: list[str], inside_git: bool
) -> None:
    if not inside_git:
        shutil.rmtree(repository / ".git")
    before = files_under(repository)
    agentops(*arguments, at=repository)
    assert files_under(repository) == before


def test_a_project_without_events_says_how_they_come(repository: Path) -> None:
    assert agentops("log", at=repository).out == "No events yet. An agent's tool calls add them.\n"
    assert agentops("verify", at=repository).out == "No events yet.\n"


def test_the_log_shows_the_newest_event_first_one_a_line(recorded: Path) -> None:
    done = agentops("log", at=recorded)
    numbers, kinds = zip(*((line.split()[0], line.split()[3]) for line in done.out.splitlines()), strict=True)
    assert numbers == ("4", "3", "2", "1")
    assert kinds == ("entry.recorded", "entry.recorded", "entry.recorded", "session.started")
    assert done.out.splitlines()[0].endswith("  Drop Python 3.10")


def test_the_log_is_read_page_by_page(recorded: Path) -> None:
    pages: list[int] = []
    before: list[str] = []
    while page := agentops("log", "--limit", "3", "--json", *before, at=recorded).document:
        pages.append(len(page))
        before = ["--before", str(page[-1]["number"])]
    assert pages == [3, 1]
    assert agentops("log", "--before", "1", at=recorded).out == "No events below 1.\n"


def test_another_project_is_named_by_its_folder(recorded: Path, tmp_path: Path) -> None:
    assert agentops("log", "-C", str(recorded), at=tmp_path).out == agentops("log", at=recorded).out


def test_a_linked_worktree_shows_the_same_memory(recorded: Path, tmp_path: Path) -> None:
    git(recorded, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    assert agentops("log", at=tmp_path / "other").out == agentops("log", at=recorded).out


def test_an_entry_is_shown_as_text_and_any_other_event_as_it_is(recorded: Path) -> None:
    newest, *_, oldest = agentops("log", "--json", at=recorded).document
    shown = agentops("show", newest["id"], at=recorded).out
    assert shown.startswith("# Drop Python 3.10\n")
    assert "## Context\n" in shown
    assert "Profiling showed 40 % of each request in YAML parsing\n" in shown
    assert json.loads(agentops("show", oldest["id"], at=recorded).out)["kind"] == "session.started"


def test_an_event_as_json_has_every_field(recorded: Path) -> None:
    listed = agentops("log", "--json", at=recorded).document
    assert [set(event) for event in listed] == [{"number", *(field.name for field in fields(Event))}] * 4
    newest = listed[0]
    assert agentops("show", newest["id"], "--json", at=recorded).document == {
        name: value for name, value in newest.items() if name != "number"
    }


@pytest.mark.parametrize("command", [["log"], ["show"], ["log", "--json"], ["show", "--json"], ["export"]])
@pytest.mark.parametrize("terminal", [True, False])
def test_recorded_text_cannot_move_the_cursor_or_hide(repository: Path, command: list[str], terminal: bool) -> None:
    (identifier,) = record(repository, HOSTILE)
    name, *options = command
    done = agentops(name, *([identifier] if name == "show" else []), *options, at=repository, terminal=terminal)
    assert done.code == 0
    assert not [character for character in done.out if not character.isprintable() and character != "\n"]
    if done.out.startswith(("{", "[")):
        document = json.loads(done.out)
        assert (document[0] if isinstance(document, list) else document)["body"]["action"] == HOSTILE
    else:
        assert SHOWN.split() == [word for word in done.out.split() if word in SHOWN.split()]


def test_in_a_pipe_an_event_is_one_line_however_long(repository: Path) -> None:
    record(repository, "Replace the parser by one that names each line and column " * 5)
    (line,) = agentops("log", at=repository).out.splitlines()
    assert len(line) > 200


@pytest.mark.parametrize(("columns", "indent"), [("160", 75), ("80", 4)])
def test_on_a_terminal_long_text_wraps_in_its_column_or_below(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, columns: str, indent: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("TERM", "xterm")
    record(recorded, "Replace the parser by one that names each line and column " * 4)
    lines = agentops("log", "--limit", "1", at=recorded, terminal=True).out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    assert lines[-2].startswith(" " * indent)
    assert not lines[-2][indent:].startswith(" ")
    assert lines[-1] == "Older ones: agentops-mcp log --before 5"


def test_an_encoding_that_lacks_a_character_gets_it_escaped(repository: Path) -> None:
    (identifier,) = record(repository, "Größe in 漢字 now measured in bytes")
    for command in (["log"], ["log", "--json"], ["show", identifier]):
        done = agentops(*command, at=repository, encoding="latin-1")
        assert done.code == 0
        assert r"\u6f22\u5b57 now measured" in done.out


def test_a_reader_that_has_seen_enough_ends_the_log_quietly(recorded: Path) -> None:
    record(recorded, *(f"Measure step {number} of the import again" for number in range(40)))
    command = f'"{sys.executable}" -m agentops_mcp log --limit 10000 --json | head -c 100'
    done = subprocess.run(command, shell=True, cwd=recorded, capture_output=True, text=True, timeout=60)
    assert (done.returncode, len(done.stdout), done.stderr) == (0, 100, "")


def change_body(at: Path) -> None:
    """Put other words into the second event, as somebody with the file could."""
    database = SqliteDatabase(at / ".git/agentops/agentops.db")
    with database.write() as tx:
        tx.execute("UPDATE event SET body = replace(body, 'Cache', 'Never cache') WHERE seq = 2")
    database.close()


def test_a_ledger_in_order_verifies(recorded: Path) -> None:
    done = agentops("verify", at=recorded)
    assert done.code == 0
    assert [line.partition(" ")[2] for line in done.out.splitlines()] == [
        "tracked: 3 events, in order",
        "local: 1 event, in order",
        "in order.",
    ]
    document = agentops("verify", "--json", at=recorded).document
    assert (document["ok"], document["mirror"], [chain["events"] for chain in document["chains"]]) == (True, [], [3, 1])


def test_a_changed_record_is_found_in_its_chain_and_against_the_mirror(recorded: Path) -> None:
    change_body(recorded)
    done = agentops("verify", at=recorded)
    assert done.code == 1
    assert "was changed: its content does not match its hash" in done.out
    assert "differs from its event" in done.out
    document = agentops("verify", "--json", at=recorded)
    assert document.code == 1
    assert document.document["ok"] is False
    assert len(document.document["mirror"]) == 1


def test_a_rebuild_replays_the_ledger_into_every_view(recorded: Path) -> None:
    before = agentops("export", at=recorded).out
    assert agentops("rebuild", at=recorded).out == (
        "resume: 1 event replayed\nstate: 0 events replayed\nmission: 0 events replayed\ntracking: 3 events replayed\n"
        "context: 0 events replayed\npatterns: 0 events replayed\nnotes: 0 events replayed\n"
        "guard_calls: 0 events replayed\nguard_charges: 0 events replayed\nguard_checks: 0 events replayed\n"
        "exemptions: 0 events replayed\nincidents: 0 events replayed\nlearned_rules: 0 events replayed\n"
        "approvals: 0 events replayed\napproval_grants: 0 events replayed\n"
        "knowledge: 3 events replayed\n"
    )
    assert agentops("rebuild", "--json", at=recorded).document == {
        "resume": 1,
        "state": 0,
        "mission": 0,
        "tracking": 3,
        "context": 0,
        "patterns": 0,
        "notes": 0,
        "guard_calls": 0,
        "guard_charges": 0,
        "guard_checks": 0,
        "exemptions": 0,
        "incidents": 0,
        "learned_rules": 0,
        "approvals": 0,
        "approval_grants": 0,
        "knowledge": 3,
    }
    assert agentops("export", at=recorded).out == before


@pytest.fixture
def clones(repository: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two clones of one remote."""
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "hub.git")
    for name in ("ours", "theirs"):
        git(tmp_path, "clone", "--quiet", "hub.git", name)
    return tmp_path / "ours", tmp_path / "theirs"


def test_two_clones_share_their_memory_through_a_remote(clones: tuple[Path, Path]) -> None:
    ours, theirs = clones
    record(theirs, "Cache parsed configs per process")
    assert agentops("sync", at=theirs).out == "0 fetched, 0 of them new here, 1 pushed, 0 refused\n"
    before = files_under(ours)
    assert agentops("sync", "--dry-run", "--json", at=ours).document["fetched"] == 1
    seen = {name for name in files_under(ours) if name.startswith(".git/refs/agentops")}  # what the remote has
    assert {name: content for name, content in files_under(ours).items() if name not in seen} == before
    assert ".git/refs/agentops/ledger" not in seen
    assert agentops("sync", at=ours).out == "1 fetched, 1 of them new here, 0 pushed, 0 refused\n"
    assert agentops("export", "--tracked-only", at=ours).out == agentops("export", at=theirs).out


def test_a_dry_run_of_a_sync_changes_nothing_here_or_there(clones: tuple[Path, Path]) -> None:
    ours, _ = clones
    record(ours, "Cache parsed configs per process")
    git(ours, "update-ref", "-d", "refs/agentops/ledger")  # the mirror is owed one event
    before = git(ours, "for-each-ref"), git(ours, "ls-remote")
    done = agentops("sync", "--dry-run", at=ours)
    assert done.out == "would be: 0 fetched, 0 of them new here, 1 pushed, 0 refused\n"
    assert (git(ours, "for-each-ref"), git(ours, "ls-remote")) == before


def test_what_a_remote_holds_that_is_no_event_is_named_and_exit_code_1(clones: tuple[Path, Path]) -> None:
    ours, theirs = clones
    (theirs / "2026").mkdir()
    (theirs / "2026" / "note.json").write_text("{}", encoding="utf-8")
    git(theirs, "add", "2026")
    git(theirs, "commit", "--quiet", "--message", "not an event")
    git(theirs, "push", "--quiet", "origin", "HEAD:refs/agentops/ledger")
    done = agentops("sync", at=ours)
    assert done.code == 1
    assert "  2026/note.json: " in done.out


def test_a_lost_database_comes_back_from_the_mirror(recorded: Path) -> None:
    tracked = agentops("export", "--tracked-only", at=recorded).out
    for file in (recorded / ".git" / "agentops").glob("agentops.db*"):
        file.unlink()
    assert agentops("restore-mirror", at=recorded).out == "3 restored from our own mirror, 0 refused\n"
    assert agentops("export", "--tracked-only", at=recorded).out == tracked
    assert agentops("restore-mirror", "--json", at=recorded).document["restored"] == 0


def test_a_second_ledger_is_apart(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_LEDGER", "spike")
    assert agentops("log", at=recorded).out.startswith("No events yet.")


def complete(shell: str, words: str, at: Path) -> list[str]:
    index = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_TYPER_COMPLETE_ARGS": words}
    variables = {"_AGENTOPS_MCP_COMPLETE": f"complete_{shell}", **index}
    command = [sys.executable, "-m", "agentops_mcp"]
    done = subprocess.run(command, cwd=at, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60)
    return done.stdout.split()


def test_the_shell_completes_commands_and_options(tmp_path: Path) -> None:
    assert complete("bash", "agentops-mcp do", tmp_path) == ["doctor"]
    assert complete("bash", "agentops-mcp sync --d", tmp_path) == ["--dry-run"]


def test_completion_is_installed_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "complete_bash" in agentops("--show-completion", "bash", at=Path.home()).out
    assert agentops("--install-completion", "bash", at=Path.home()).code == 0
    assert "agentops-mcp" in (Path.home() / ".bashrc").read_text(encoding="utf-8")
