"""What each client says to its hook, and how it is answered."""

import json
from typing import Any

import pytest

from agentops_mcp.hooks.dialects import AFTER, BEFORE, DIALECTS, OTHER, Asked

BASH = {"command": "make test"}


def asked(client: str, **payload: Any) -> Asked:
    return DIALECTS[client].read(payload)


@pytest.mark.parametrize(
    ("client", "payload"),
    [
        ("claude-code", {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": BASH}),
        ("codex", {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": BASH}),
        ("gemini", {"hook_event_name": "BeforeTool", "tool_name": "run_shell_command", "tool_input": BASH}),
        ("cursor", {"hook_event_name": "beforeShellExecution", "command": "make test"}),
        ("cursor", {"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": BASH}),
        ("copilot", {"toolName": "bash", "toolArgs": json.dumps(BASH)}),
        ("copilot", {"toolName": "bash", "toolArgs": BASH}),
        ("copilot", {"hook_event_name": "PreToolUse", "tool_name": "run_in_terminal", "tool_input": BASH}),
    ],
)
def test_a_command_is_read_from_what_each_client_says_before_it_runs(client: str, payload: dict[str, Any]) -> None:
    found = asked(client, **payload, cwd="/work")
    assert (found.stage, dict(found.arguments), found.cwd) == (BEFORE, BASH, "/work")


@pytest.mark.parametrize(
    ("client", "payload", "ok", "error"),
    [
        ("claude-code", {"hook_event_name": "PostToolUse", "tool_name": "Bash"}, True, ""),
        ("claude-code", {"hook_event_name": "PostToolUseFailure", "tool_name": "Bash", "error": "no"}, False, "no"),
        ("codex", {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_response": "x"}, None, ""),
        ("gemini", {"hook_event_name": "AfterTool", "tool_name": "glob", "tool_response": {}}, True, ""),
        (
            "gemini",
            {"hook_event_name": "AfterTool", "tool_name": "glob", "tool_response": {"error": "no"}},
            False,
            "no",
        ),
        ("cursor", {"hook_event_name": "postToolUse", "tool_name": "Shell"}, True, ""),
        ("cursor", {"hook_event_name": "postToolUseFailure", "tool_name": "Shell", "error_message": "no"}, False, "no"),
        ("copilot", {"toolName": "bash", "toolResult": {"resultType": "success"}}, True, ""),
        (
            "copilot",
            {"toolName": "bash", "toolResult": {"resultType": "failure", "textResultForLlm": "no"}},
            False,
            "no",
        ),
    ],
)
def test_how_a_call_ended_is_read_as_far_as_the_client_says(
    client: str, payload: dict[str, Any], ok: bool | None, error: str
) -> None:
    found = asked(client, **payload)
    assert (found.stage, found.ok, found.error) == (AFTER, ok, error)


@pytest.mark.parametrize("client", DIALECTS)
def test_any_other_event_is_none_of_the_guard_s(client: str) -> None:
    assert asked(client, hook_event_name="SessionStart").stage == OTHER


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("arguments", [[1], 3, "[1]"])
def test_arguments_that_are_no_object_are_an_error_and_not_nothing(client: str, arguments: Any) -> None:
    payload = {"toolName": "bash", "toolArgs": arguments} if client == "copilot" else {"tool_input": arguments}
    with pytest.raises(ValueError, match="no object"):
        asked(client, hook_event_name="PreToolUse", **payload)


def test_a_session_where_nobody_can_be_asked_is_known_by_its_mode() -> None:
    assert asked("claude-code", hook_event_name="PreToolUse", permission_mode="dontAsk").headless
    assert not asked("claude-code", hook_event_name="PreToolUse", permission_mode="bypassPermissions").headless


def test_the_tools_of_a_server_in_cursor_are_ours_only_when_our_program_is_the_server() -> None:
    event = {"hook_event_name": "beforeMCPExecution", "tool_name": "check_action", "tool_input": "{}"}
    assert asked("cursor", **event, command="/opt/bin/agentops-mcp serve").tool == "mcp__agentops__check_action"
    assert asked("cursor", **event, command="node evil.js agentops-mcp").tool == "mcp__cursor__check_action"
    assert asked("cursor", **event, url="https://agentops-mcp").tool == "mcp__cursor__check_action"


@pytest.mark.parametrize("client", DIALECTS)
def test_no_client_is_ever_told_to_allow(client: str) -> None:
    dialect = DIALECTS[client]
    assert "allow" not in dialect.silence
    assert "allow" not in json.dumps(dialect.answer(None, "deny", "no"))


@pytest.mark.parametrize(
    ("client", "event", "asks"),
    [
        ("claude-code", "PreToolUse", True),
        ("codex", "PreToolUse", False),
        ("gemini", "BeforeTool", False),
        ("cursor", "beforeShellExecution", True),
        ("cursor", "preToolUse", False),
        ("copilot", "", True),
    ],
)
def test_a_client_that_would_run_what_it_is_told_to_ask_about_is_known(client: str, event: str, asks: bool) -> None:
    assert DIALECTS[client].asks(asked(client, hook_event_name=event)) is asks
