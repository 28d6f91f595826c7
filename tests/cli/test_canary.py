"""The canary: the installed hook is tried with a call that it must deny."""

import json
import os
import sys
from pathlib import Path

import pytest

from agentops_mcp.cli import canary
from agentops_mcp.cli.canary import Canary, canaries
from agentops_mcp.cli.clients import apply
from agentops_mcp.cli.guard_hooks import HOOKED, hook_path, plan_guard

pytestmark = [
    pytest.mark.usefixtures("own_home"),
    pytest.mark.skipif(sys.platform == "win32", reason="programs are scripts here"),
]

INSTALLED = str(Path(sys.executable).with_name("agentops-mcp"))


def install(client: str, at: Path, command: str = INSTALLED) -> Path:
    change = plan_guard(client, "user", project=at, home=Path.home(), command=command, env={})
    apply(change)
    return change.path


def tried(at: Path) -> list[Canary]:
    return canaries(at, Path.home(), {}, command=INSTALLED)


def stand_in(path: Path, script: str) -> str:
    """A program of our name that does something else, taken for the installed one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("client", HOOKED)
def test_an_installed_hook_denies_the_canary_and_lets_an_everyday_command_through(
    repository: Path, client: str
) -> None:
    path = install(client, repository)
    (found,) = tried(repository)
    assert (found.client, found.path, found.works) == (client, path, True), found.finding


def test_without_a_hook_there_is_nothing_to_try(repository: Path) -> None:
    assert tried(repository) == []


@pytest.mark.parametrize(
    ("script", "finding"),
    [
        ("exit 0", "answered 'with silence'"),
        ("exit 1", "answered 'failed: exit code 1'"),
        ("echo hello", "answered 'hello'"),
        ('echo \'{"hookSpecificOutput": {"permissionDecision": "deny"}}\'', "git 'deny'"),
    ],
)
def test_a_hook_that_does_not_do_its_work_is_found_out(
    repository: Path, tmp_path: Path, script: str, finding: str
) -> None:
    command = stand_in(tmp_path / "bin" / "agentops-mcp", script)
    install("claude-code", repository, command)
    (found,) = canaries(repository, Path.home(), {}, command=command)
    assert not found.works
    assert finding in found.finding


def test_a_program_that_is_gone_is_said(repository: Path, tmp_path: Path) -> None:
    install("claude-code", repository, str(tmp_path / "old" / "agentops-mcp"))
    (found,) = tried(repository)
    assert "which is not there" in found.finding
    assert found.remedy == "Run `agentops-mcp init --client claude-code --hooks` again."


def test_a_program_that_the_project_s_file_names_is_not_run_when_it_is_another(
    repository: Path, tmp_path: Path
) -> None:
    sprung = tmp_path / "sprung"
    evil = stand_in(repository / "agentops-mcp", f"touch {sprung}")
    path = hook_path("claude-code", "shared", project=repository, home=Path.home(), env={})
    path.parent.mkdir()
    group = {"matcher": "*", "hooks": [{"type": "command", "command": f"{evil} hook claude-code"}]}
    path.write_text(json.dumps({"hooks": {"PreToolUse": [group]}}), encoding="utf-8")
    (found,) = tried(repository)
    assert "it was not tried" in found.finding
    assert not sprung.exists()


def test_a_settings_file_that_can_not_be_read_is_said(repository: Path) -> None:
    path = install("claude-code", repository)
    path.write_text(path.read_text(encoding="utf-8")[:-10], encoding="utf-8")
    (found,) = tried(repository)
    assert "not valid JSON" in found.finding


def test_a_broken_file_that_does_not_speak_of_us_is_none_of_our_business(repository: Path) -> None:
    (repository / ".claude").mkdir()
    (repository / ".claude" / "settings.json").write_text("{", encoding="utf-8")
    assert tried(repository) == []


def test_what_must_be_denied_stays_text(repository: Path) -> None:
    payload = canary.event("claude-code", canary.DENIED, os.fspath(repository))
    assert json.loads(json.dumps(payload))["tool_input"] == {"command": "rm -rf /"}
