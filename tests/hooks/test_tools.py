"""What the tools of clients do."""

from typing import Any

import pytest

from agentops_mcp.hooks.tools import READERS, UnknownCallError, actions


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("Bash", {"command": "ls", "description": "x"}, [("shell", {"command": "ls"})]),
        (
            "shell",
            {"command": ["bash", "-lc", "rm 'a b'"]},
            [("shell", {"command": "'bash' '-lc' 'rm '\\''a b'\\'''"})],
        ),
        ("exec_command", {"cmd": "ls"}, [("shell", {"command": "ls"})]),
        ("PowerShell", {"command": "ls 'x'"}, [("shell", {"command": "pwsh -Command 'ls '\\''x'\\'''"})]),
        ("Write", {"file_path": "/a", "content": "x"}, [("file_write", {"path": "/a", "content": "x"})]),
        ("Edit", {"file_path": "/a", "new_string": "y"}, [("file_write", {"path": "/a", "content": "y"})]),
        ("NotebookEdit", {"notebook_path": "/a"}, [("file_write", {"path": "/a", "content": ""})]),
        ("create", {"path": "/a", "file_text": "x"}, [("file_write", {"path": "/a", "content": "x"})]),
        (
            "editFiles",
            {"files": ["/a", {"filePath": "/b"}]},
            [("file_write", {"path": "/a", "content": ""}), ("file_write", {"path": "/b", "content": ""})],
        ),
        ("Delete", {"path": "/a"}, [("file_delete", {"path": "/a"})]),
        ("apply_patch", {"command": "*** Begin Patch"}, [("patch", {"diff": "*** Begin Patch"})]),
        ("apply_patch", {"input": ["apply_patch", "*** Begin"]}, [("patch", {"diff": "*** Begin"})]),
        ("WebFetch", {"url": "https://x"}, [("network", {"method": "GET", "url": "https://x"})]),
        ("web_fetch", {"prompt": "see x"}, [("tool_call", {"name": "web_fetch", "arguments": {"prompt": "see x"}})]),
        ("mcp__db__run", {"sql": "x"}, [("tool_call", {"name": "mcp__db__run", "arguments": {"sql": "x"}})]),
        ("BrandNew", {"a": 1}, [("tool_call", {"name": "BrandNew", "arguments": {"a": 1}})]),
    ],
)
def test_a_call_is_what_its_tool_does(tool: str, arguments: dict[str, Any], expected: list[Any]) -> None:
    assert actions(tool, arguments) == expected


@pytest.mark.parametrize("tool", ["Read", "Grep", "read_file", "view", "mcp__agentops__check_action", *sorted(READERS)])
def test_a_tool_that_only_reads_does_nothing(tool: str) -> None:
    assert actions(tool, {"command": "rm -rf /"}) == []


def test_a_tool_of_a_server_that_is_named_like_ours_is_judged() -> None:
    assert actions("mcp__agentops2__run", {}) != []
    assert actions("mcp__evil__mcp__agentops__run", {}) != []


@pytest.mark.parametrize("tool", ["Bash", "PowerShell", "Write", "Edit", "Delete", "apply_patch"])
@pytest.mark.parametrize("arguments", [{}, {"command": 3, "file_path": None, "input": {}}, {"command": []}])
def test_a_known_tool_that_does_not_say_what_it_would_do_is_an_error(tool: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(UnknownCallError, match=tool):
        actions(tool, arguments)


@pytest.mark.parametrize(
    "path", [".env", "~/.ssh/id_rsa", "/home/anna/.aws/credentials", "C:\\Users\\anna\\.ssh\\id_rsa"]
)
def test_reading_what_may_hold_secrets_is_judged_as_showing_it(path: str) -> None:
    assert actions("Read", {"file_path": path}) == [("shell", {"command": f"cat -- '{path}'"})]


@pytest.mark.parametrize("path", ["README.md", "src/app.py", ".env.example", "id_rsa.pub"])
def test_reading_anything_else_is_not_judged(path: str) -> None:
    assert actions("Read", {"file_path": path}) == []
