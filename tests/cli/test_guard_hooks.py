"""The guard's hook in clients' settings."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.cli.clients import ConfigChange, apply
from agentops_mcp.cli.guard_hooks import HOOKED, Scope, commands_in, hook_line, is_ours, plan_guard, plan_guard_removal
from agentops_mcp.core.errors import InvalidInputError
from command_line import agentops

COMMAND = "/opt/tools/bin/agentops-mcp"
SCOPES: list[Scope] = ["project", "shared", "user"]
EVERY = [(client, scope) for client in HOOKED for scope in SCOPES]

THEIRS = """\
{
  // ours, for the whole team
  "permissions": {"deny": ["Read(.env)"]},
  "hooks": {
    "PreToolUse": [
      {
        "matcher": "Bash", // only commands
        "hooks": [{"type": "command", "command": "./scripts/mine.sh"}],
      }, // the last
    ],
    "Stop": [ {"hooks": [{"type": "command", "command": "say done"}]} ]
  }
}
"""


class Desk:
    """A project and a home folder in which hooks are put in and taken out."""

    def __init__(self, folder: Path) -> None:
        self.project, self.home = folder / "work", folder / "me"
        self.project.mkdir()

    def put_in(self, client: str, scope: Scope, command: str = COMMAND) -> ConfigChange:
        return plan_guard(client, scope, project=self.project, home=self.home, command=command, env={})

    def take_out(self, client: str, scope: Scope) -> ConfigChange:
        return plan_guard_removal(client, scope, project=self.project, home=self.home, env={})


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def lines(path: Path) -> list[str]:
    events: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["hooks"]
    return [line for items in events.values() for item in items for line in commands_in(item)]


@pytest.mark.parametrize(("client", "scope"), EVERY)
def test_the_hook_is_put_in_once_and_taken_out_without_a_trace(desk: Desk, client: str, scope: Scope) -> None:
    change = desk.put_in(client, scope)
    apply(change)
    assert set(map(is_ours, lines(change.path))) == {True}
    assert not desk.put_in(client, scope).changed
    apply(desk.take_out(client, scope))
    assert not change.path.exists()
    assert not desk.take_out(client, scope).changed


@pytest.mark.parametrize(("client", "scope"), EVERY)
def test_only_a_person_s_own_file_says_where_the_program_is(desk: Desk, client: str, scope: Scope) -> None:
    change = desk.put_in(client, scope)
    personal = scope == "user" or (client == "claude-code" and scope == "project")
    apply(change)
    assert {line.split()[0] for line in lines(change.path)} == {COMMAND if personal else "agentops-mcp"}


@pytest.mark.parametrize("client", HOOKED)
def test_a_layout_that_is_the_client_s(desk: Desk, client: str) -> None:
    change = desk.put_in(client, "user")
    document = json.loads(change.after or "")
    before = {"claude-code": "PreToolUse", "codex": "PreToolUse", "gemini": "BeforeTool", "vscode": "preToolUse"}
    (entry,) = document["hooks"][before.get(client, "beforeShellExecution")]
    dialect = "copilot" if client == "vscode" else client
    assert set(commands_in(entry)) == {f"{COMMAND} hook {dialect}"}
    assert ("hooks" in entry) == (client in ("claude-code", "codex", "gemini"))


def test_a_hook_of_claude_code_that_can_not_run_holds_the_call_back(desk: Desk) -> None:
    document = json.loads(desk.put_in("claude-code", "project").after or "")
    (group,) = document["hooks"]["PreToolUse"]
    assert group["hooks"][0]["onFailure"] == "block"
    assert document["hooks"]["PostToolUse"][0]["hooks"][0]["async"] is True


def test_everything_else_in_a_file_stays_to_the_byte(desk: Desk) -> None:
    file = desk.project / ".claude" / "settings.json"
    file.parent.mkdir()
    file.write_text(THEIRS, encoding="utf-8")
    apply(desk.put_in("claude-code", "shared"))
    edited = file.read_text(encoding="utf-8")
    assert all(line in edited for line in THEIRS.splitlines() if line.strip() not in ("}", "},", "]", "],"))
    assert edited.count("agentops-mcp hook claude-code") == 3
    apply(desk.take_out("claude-code", "shared"))
    assert file.read_text(encoding="utf-8") == THEIRS


def test_the_hook_of_an_older_place_is_replaced_by_the_one_of_now(desk: Desk) -> None:
    change = desk.put_in("claude-code", "project", "/old/venv/bin/agentops-mcp")
    apply(change)
    apply(desk.put_in("claude-code", "project"))
    assert set(lines(change.path)) == {f"{COMMAND} hook claude-code"}
    assert len(lines(change.path)) == 3


def test_an_entry_that_a_person_has_changed_stays_as_they_have_it(desk: Desk) -> None:
    change = desk.put_in("claude-code", "project")
    apply(change)
    mine = change.path.read_text(encoding="utf-8").replace('"timeout": 10', '"timeout": 30')
    change.path.write_text(mine, encoding="utf-8")
    assert not desk.put_in("claude-code", "project").changed


def test_of_an_entry_that_runs_other_things_too_only_our_line_goes(desk: Desk) -> None:
    change = desk.put_in("claude-code", "project")
    document = json.loads(change.after or "")
    document["hooks"]["PreToolUse"][0]["hooks"].append({"type": "command", "command": "./mine.sh"})
    change.path.parent.mkdir()
    change.path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    apply(desk.take_out("claude-code", "project"))
    assert lines(change.path) == ["./mine.sh"]


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"hooks": []}', '{"hooks": {"PreToolUse": {}}}', '{"a": 1, "a": 2, }x']
)
def test_a_file_that_can_not_be_changed_safely_is_left_and_said(desk: Desk, content: str) -> None:
    file = desk.project / ".claude" / "settings.local.json"
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"settings\.local\.json"):
        desk.put_in("claude-code", "project")


def test_a_client_without_known_hooks_is_refused_by_name(desk: Desk) -> None:
    with pytest.raises(InvalidInputError, match="No hooks of 'zed' are known"):
        desk.put_in("zed", "project")


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("agentops-mcp hook claude-code", True),
        ("'/a b/agentops-mcp' hook codex", True),
        ('"C:\\\\Tools\\\\agentops-mcp.exe" hook claude-code', True),
        ("agentops-mcp serve", False),
        ("echo agentops-mcp hook claude-code", False),
        ("./agentops-mcp-mine hook claude-code", False),
        ("unclosed 'quote", False),
        ("", False),
    ],
)
def test_our_line_is_told_from_others(line: str, ours: bool) -> None:
    assert is_ours(line) is ours


@pytest.mark.skipif(sys.platform == "win32", reason="quotes of a POSIX shell")
def test_a_path_with_a_blank_is_one_word_to_the_client_s_shell() -> None:
    assert hook_line("codex", "/a b/agentops-mcp") == "'/a b/agentops-mcp' hook codex"


# the command


@pytest.mark.usefixtures("own_home")
def test_the_change_is_shown_first_and_made_once(repository: Path) -> None:
    shown = agentops("init", "--hooks", "--print", at=repository)
    assert "+++ " in shown.out
    assert not (repository / ".claude").exists()
    done = agentops("init", "--hooks", at=repository)
    assert done.code == 0
    file = repository / ".claude" / "settings.local.json"
    assert f"{file} written." in done.out
    assert f"{file} is as it should be." in agentops("init", "--hooks", at=repository).out
    agentops("init", "--remove-hooks", at=repository)
    assert not file.exists()


@pytest.mark.usefixtures("own_home")
def test_hooks_for_a_person_in_every_project_go_into_their_own_folder(repository: Path) -> None:
    agentops("init", "--hooks", "--user", at=repository)
    assert "hook claude-code" in (Path.home() / ".claude" / "settings.json").read_text(encoding="utf-8")
    assert not (repository / ".claude").exists()


@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize(
    "arguments", [["--hooks", "--remove-hooks"], ["--hooks", "--user", "--shared"], ["--user", "--client", "cursor"]]
)
def test_choices_that_exclude_each_other_change_nothing(repository: Path, arguments: list[str]) -> None:
    before = sorted(repository.iterdir())
    assert agentops("init", *arguments, at=repository).code == 2
    assert sorted(repository.iterdir()) == before


@pytest.mark.usefixtures("own_home")
def test_a_client_s_server_and_hook_are_set_up_together(repository: Path) -> None:
    agentops("init", "--client", "cursor", "--hooks", at=repository)
    assert sorted(path.name for path in (repository / ".cursor").iterdir()) == ["hooks.json", "mcp.json"]
