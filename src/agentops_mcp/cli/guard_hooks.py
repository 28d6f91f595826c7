"""The guard's hook in a client's own settings: what belongs there, and how it is put in and taken out without harm."""

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from agentops_mcp.cli.clients import SHARED_COMMAND, ConfigChange, read_text
from agentops_mcp.cli.json_edit import JsonValue, add_item, change_items, list_at, object_at, set_value
from agentops_mcp.core.errors import InvalidInputError

Scope = Literal["project", "shared", "user"]
"""For this person in this project, for everyone in this project, for this person everywhere."""

TIMEOUT_S: Final = 10
"""How long a client waits: more than the hook takes to give up by itself."""

_READERS = (
    "Glob|Grep|LS|TodoWrite|TodoRead|WebSearch|BashOutput|TaskOutput|AskUserQuestion|EnterPlanMode|"
    "ExitPlanMode|ToolSearch|Skill|Task|Agent"
)
# Tools are left out by name, so that one we have never heard of is judged.
_CLAUDE_TOOLS = f"^(?!(?:{_READERS})$)"
_GEMINI_TOOLS = (
    "^(?!(?:read_file|read_many_files|list_directory|glob|grep_search|search_file_content|google_web_search|"
    "write_todos)$)"
)

Entry = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class HookFile:
    """Where one client looks for hooks, and the entry each of its events gets for a command."""

    dialect: str
    """The name by which `agentops-mcp hook` knows the client."""

    files: Mapping[Scope, str]
    """Below the project, or below the person's folder for `user`."""

    folder: tuple[str, str]
    """The variable that names the person's folder, and its name below the home folder."""

    entries: Callable[[str], Mapping[str, Entry]]
    settings: Mapping[str, JsonValue]
    """What else the file must hold."""

    note: str
    """What a person has yet to do, or should know."""


def _claude_entries(command: str) -> Mapping[str, Entry]:
    run: Entry = {"type": "command", "command": command, "timeout": TIMEOUT_S}
    after: Entry = {"matcher": _CLAUDE_TOOLS, "hooks": [{**run, "async": True}]}
    # Without "block" a hook that can not start or is too slow lets the call through.
    before: Entry = {"matcher": _CLAUDE_TOOLS, "hooks": [{**run, "onFailure": "block"}]}
    return {"PreToolUse": before, "PostToolUse": after, "PostToolUseFailure": after}


def _codex_entries(command: str) -> Mapping[str, Entry]:
    group: Entry = {"matcher": "*", "hooks": [{"type": "command", "command": command, "timeout": TIMEOUT_S}]}
    return {"PreToolUse": group}


def _cursor_entries(command: str) -> Mapping[str, Entry]:
    run: Entry = {"command": command, "timeout": TIMEOUT_S}
    before: Entry = {**run, "failClosed": True}
    return {
        "beforeShellExecution": before, "beforeMCPExecution": before,
        "preToolUse": {**before, "matcher": "Write|Edit|StrReplace|Delete|MultiEdit|EditNotebook"},
        "postToolUse": run, "postToolUseFailure": run,
    }  # fmt: skip


def _gemini_entries(command: str) -> Mapping[str, Entry]:
    run: JsonValue = [
        {"name": "agentops-guard", "type": "command", "command": command, "timeout": TIMEOUT_S * 1_000}
    ]  # milliseconds there
    return {event: {"matcher": _GEMINI_TOOLS, "hooks": run} for event in ("BeforeTool", "AfterTool")}


def _copilot_entries(command: str) -> Mapping[str, Entry]:
    run: Entry = {"type": "command", "bash": command, "powershell": command, "timeoutSec": TIMEOUT_S}
    return {"preToolUse": run, "postToolUse": run}


HOOKED: Final[Mapping[str, HookFile]] = {
    "claude-code": HookFile(
        "claude-code",
        {"project": ".claude/settings.local.json", "shared": ".claude/settings.json", "user": "settings.json"},
        ("CLAUDE_CONFIG_DIR", ".claude"), _claude_entries, {},
        "A hook that fails holds the call back from Claude Code 2.1.295 on; before, the call is let through.",
    ),
    "codex": HookFile(
        "codex", {"shared": ".codex/hooks.json", "user": "hooks.json"}, ("CODEX_HOME", ".codex"), _codex_entries, {},
        "Codex runs a new hook only once you have trusted it: type /hooks there. It can not ask, so it denies.",
    ),
    "cursor": HookFile(
        "cursor", {"shared": ".cursor/hooks.json", "user": "hooks.json"}, ("", ".cursor"), _cursor_entries,
        {"version": 1},
        "Cursor can ask you about commands and tools of servers; about files it can only be told to deny.",
    ),
    "gemini": HookFile(
        "gemini", {"shared": ".gemini/settings.json", "user": "settings.json"}, ("", ".gemini"), _gemini_entries, {},
        "What the guard would ask you about is denied: not every Gemini CLI knows how to ask.",
    ),
    "vscode": HookFile(
        "copilot", {"shared": ".github/hooks/agentops.json", "user": "hooks/agentops.json"},
        ("COPILOT_HOME", ".copilot"), _copilot_entries, {"version": 1},
        "Copilot's command line and editor read it; where Copilot runs in the cloud, this program is not there.",
    ),
}  # fmt: skip
"""The clients whose hooks are known, by the name that `init` gives them."""


def hook_path(client: str, scope: Scope, *, project: Path, home: Path, env: Mapping[str, str]) -> Path:
    """The file in which a client looks for hooks; of a client without one for this person alone, the shared one.

    Raises:
        InvalidInputError: no hooks are known of the client.
    """
    known = _known(client)
    if scope == "user":
        variable, name = known.folder
        return Path(env.get(variable, "") or home / name) / known.files["user"]
    return project / known.files.get(scope, known.files["shared"])


def plan_guard(
    client: str, scope: Scope, *, project: Path, home: Path, command: str, env: Mapping[str, str]
) -> ConfigChange:
    """The change that puts the guard's hook in; `command` is where this program is.

    An entry that already runs this very command stays as the person has it.

    Raises:
        InvalidInputError: no hooks are known of the client, or its file can not be changed safely.
        ConfigError: the file can not be read.
    """
    known = _known(client)
    path = hook_path(client, scope, project=project, home=home, env=env)
    before = read_text(path)
    line = hook_line(client, command if _is_personal(path, known, project) else SHARED_COMMAND)
    text, file = before or "", str(path)
    for key, value in known.settings.items():
        if key not in (object_at(text, (), file=file) or {}):
            text = set_value(text, (key,), value, file=file)
    for event, entry in known.entries(line).items():
        place = ("hooks", event)
        if any(line in commands_in(item) for item in list_at(text, place, file=file) or []):
            continue
        text = change_items(text, place, _without_ours, file=file)  # of another version, or installed elsewhere
        text = add_item(text, place, entry, file=file)
    return ConfigChange(path, before, text)


def plan_guard_removal(
    client: str, scope: Scope, *, project: Path, home: Path, env: Mapping[str, str]
) -> ConfigChange:  # fmt: skip
    """The change that takes the guard's hook out again; a file that held nothing else goes with it.

    Raises:
        InvalidInputError: no hooks are known of the client, or its file can not be changed safely.
        ConfigError: the file can not be read.
    """
    known = _known(client)
    path = hook_path(client, scope, project=project, home=home, env=env)
    before = read_text(path)
    text, file = before or "", str(path)
    for event in object_at(text, ("hooks",), file=file) or {}:
        text = change_items(text, ("hooks", event), _without_ours, file=file)
    if text != (before or "") and object_at(text, (), file=file) in ({}, dict(known.settings)) and "/" not in text:
        return ConfigChange(path, before, None)
    return ConfigChange(path, before, text if before is not None else None)


def hook_line(client: str, command: str) -> str:
    """The line that a client is given to run."""
    # Every client hands it to a shell. Windows paths are written with slashes, which any of its shells reads.
    quoted = f'"{command}"' if sys.platform == "win32" and " " in command else command.replace("\\", "/")
    if sys.platform != "win32":
        quoted = shlex.quote(command)
    return f"{quoted} hook {_known(client).dialect}"


def commands_in(item: JsonValue) -> list[str]:
    """The lines that one entry of a hooks file runs, in either of the layouts clients have."""
    if not isinstance(item, dict):
        return []
    inner = item.get("hooks")
    found = [command for each in inner for command in commands_in(each)] if isinstance(inner, list) else []
    return found + [value for key in ("command", "bash") if isinstance(value := item.get(key), str)]


def is_ours(line: str) -> bool:
    """Whether a line runs the guard's hook, of any version and wherever it is installed."""
    try:
        words = shlex.split(line.replace("\\", "/"))
    except ValueError:
        return False
    program = words[0].rpartition("/")[2] if words else ""
    return program in ("agentops-mcp", "agentops-mcp.exe") and words[1:2] == ["hook"]


def _without_ours(item: JsonValue) -> JsonValue | None:
    """An entry without the lines that are ours; None when there is nothing else in it."""
    if not isinstance(item, dict):
        return item
    inner = item.get("hooks")
    if not isinstance(inner, list):
        return None if any(map(is_ours, commands_in(item))) else item
    kept = [each for each in inner if not any(map(is_ours, commands_in(each)))]
    return item if len(kept) == len(inner) else {**item, "hooks": kept} if kept else None


def _is_personal(path: Path, known: HookFile, project: Path) -> bool:
    """Whether a file is one person's: a shared one names the program, never where it is on one machine."""
    return not path.is_relative_to(project) or path == project / known.files.get("project", "?")


def _known(client: str) -> HookFile:
    if client not in HOOKED:
        raise InvalidInputError(f"No hooks of {client!r} are known.", remedy=f"Name one of {', '.join(HOOKED)}.")
    return HOOKED[client]
