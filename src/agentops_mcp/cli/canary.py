"""The canary of `doctor`: the installed hook is run as its client would, with a call that must be denied."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from agentops_mcp.cli.clients import read_text
from agentops_mcp.cli.guard_hooks import HOOKED, commands_in, hook_path, is_ours
from agentops_mcp.cli.json_edit import list_at, object_at
from agentops_mcp.core.errors import AgentOpsError

# Only ever text in a message to the hook; nothing here runs it.
DENIED: Final = "rm -rf /"
PASSED: Final = "git status --short"

_PATIENCE_S = 15.0


@dataclass(frozen=True, slots=True)
class Canary:
    """What became of the canary in one client's settings."""

    client: str
    path: Path
    works: bool
    finding: str
    remedy: str = ""


def canaries(project: Path, home: Path, env: Mapping[str, str], *, command: str) -> list[Canary]:
    """One for each file of a client that has our hook; `command` is where this program is."""
    found: list[Canary] = []
    for client, path in _places(project, home, env):
        try:
            lines = _lines_before(client, path)
        except AgentOpsError as error:
            found.append(Canary(client, path, works=False, finding=error.problem, remedy=error.remedy))
            continue
        found += [_tried(client, path, line, project, command) for line in lines]
    return found


def _places(project: Path, home: Path, env: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    for client in HOOKED:
        scopes = ("project", "shared", "user")
        for path in dict.fromkeys(hook_path(client, each, project=project, home=home, env=env) for each in scopes):
            yield client, path


def _lines_before(client: str, path: Path) -> list[str]:
    """Our lines for events before a call, each once."""
    text = read_text(path) or ""
    if not is_mentioned(text):
        return []
    events = object_at(text, ("hooks",), file=str(path)) or {}
    before = [event for event in HOOKED[client].entries("") if event in events and "ost" not in event]
    lines = [
        line
        for event in before
        for item in list_at(text, ("hooks", event), file=str(path)) or []
        for line in commands_in(item)
        if is_ours(line)
    ]
    return list(dict.fromkeys(lines))


def is_mentioned(text: str) -> bool:
    """Whether a file speaks of us at all: one that does not is none of our business, broken or not."""
    return "agentops-mcp" in text


def _tried(client: str, path: Path, line: str, project: Path, command: str) -> Canary:
    remedy = f"Run `agentops-mcp init --client {client} --hooks` again."
    words = shlex.split(line.replace("\\", "/"))
    program = shutil.which(words[0])
    if program is None:
        return Canary(client, path, works=False, finding=f"{path} runs {words[0]}, which is not there", remedy=remedy)
    # A project's file may come from somebody else, so what it names is not run unless it is this very program.
    if not _is_same(program, command):
        finding = f"{path} runs {program}, which is not this installation; it was not tried"
        return Canary(client, path, works=False, finding=finding, remedy=remedy)
    if len(words) != 3 or words[2] != HOOKED[client].dialect:
        return Canary(client, path, works=False, finding=f"{path} runs the hook of another client", remedy=remedy)
    answers = [_decision(_run([program, *words[1:]], words[2], text, project)) for text in (DENIED, PASSED)]
    if answers == ["deny", ""]:
        finding = f"{path}: a deletion of everything was denied, and a look at the state of git let through"
        return Canary(client, path, works=True, finding=finding)
    finding = f"{path}: a deletion of everything was answered {answers[0] or 'with silence'!r}, "
    finding += f"and a look at the state of git {answers[1] or 'with silence'!r}"
    return Canary(client, path, works=False, finding=finding, remedy="Run `agentops-mcp check 'rm -rf /' --explain`.")


def _is_same(program: str, command: str) -> bool:
    return Path(program).resolve() == Path(command).resolve() or Path(program).parent == Path(sys.executable).parent


def _run(words: list[str], dialect: str, text: str, project: Path) -> str:
    """What the hook prints; text that is no answer when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, never a shell, and the program is this one
            words, input=json.dumps(event(dialect, text, str(project))), capture_output=True, text=True,
            encoding="utf-8", cwd=project, env=_as_a_client(project), timeout=_PATIENCE_S, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"failed: {type(error).__name__}"
    return done.stdout if done.returncode == 0 else f"failed: exit code {done.returncode}"


def _as_a_client(project: Path) -> dict[str, str]:
    return {**os.environ, "CLAUDE_PROJECT_DIR": str(project), "GEMINI_PROJECT_DIR": str(project)}


def event(dialect: str, command: str, cwd: str) -> Mapping[str, object]:
    """How a client would tell its hook that `command` is about to run."""
    arguments = {"command": command}
    common: dict[str, object] = {"session_id": "canary", "cwd": cwd}
    match dialect:
        case "cursor":
            return {**common, "hook_event_name": "beforeShellExecution", **arguments, "workspace_roots": [cwd]}
        case "gemini":
            tool = {"tool_name": "run_shell_command", "tool_input": arguments}
            return {**common, "hook_event_name": "BeforeTool", **tool}
        case "copilot":
            return {**common, "toolName": "bash", "toolArgs": json.dumps(arguments)}
        case _:
            return {**common, "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": arguments}


def _decision(answer: str) -> str:
    """The word in an answer; nothing for one that leaves it to the client."""
    if not answer.strip():
        return ""
    try:
        document: Any = json.loads(answer)
    except ValueError:
        return answer.strip()[:200]
    if not isinstance(document, dict):
        return answer.strip()[:200]
    fields = cast("dict[str, Any]", document)
    inner = cast("dict[str, Any]", fields.get("hookSpecificOutput") or {})
    words = (fields.get("permissionDecision"), inner.get("permissionDecision"), fields.get("decision"))
    return next((word for word in (*words, fields.get("permission")) if isinstance(word, str)), "")
