r"""When two calls are the same call: tool and arguments with what changes from try to try taken out.

The rules of sameness, in this order:

1. Names. A tool that runs shell text (`Bash`, `run_command`, any tool with a `command`) is `shell`; one that writes a
   whole file is `file_write`; others keep their name in lower case.
2. Arguments that do not change what happens (a description, a timeout, the background) are dropped, and so is None;
   keys are sorted; `file_path` and its kin are `path`.
3. Paths: the project's root becomes `.`, the home folder `~`, a leading `./` goes, `\` is `/`.
4. Quotes and backslashes before a character go, white space becomes one blank.
5. What is made anew each time becomes a mark: ids, hashes, times, names of temporary files, and numbers that stand
   alone (`8080`, `1.2.3`); a digit inside a word (`sha256sum`, `step2`) is part of the word.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, cast

from agentops_mcp.core.display import gist
from agentops_mcp.core.redaction import redact

SHOWN_CHARS = 300
_COMPARED_CHARS = 4_000
_MOST_KEYS = 100
_DEEPEST = 6

_SHELL_TOOLS = frozenset(
    "bash shell sh terminal run_command run_terminal_cmd run_terminal_command execute_command exec exec_command "
    "local_shell run_shell_command runinterminal run_in_terminal powershell git".split()
)
_SHELL_KEYS = ("command", "cmd", "script", "shell_command", "commandline")
_WRITERS = frozenset("write write_file create_file file_write writefile".split())
_PATH_KEYS = frozenset("file_path filepath filename file notebook_path target_file absolute_path".split())
_IDLE_KEYS = frozenset(
    "description explanation reason justification timeout timeout_ms timeout_s run_in_background is_background "
    "workdir cwd".split()
)


class Signature(NamedTuple):
    """What two equal calls have in common, and the call as people may see it."""

    tool: str
    """The tool's name as it is compared."""

    digest: str
    """32 hex digits over the tool and its normalised arguments."""

    shown: str
    """The command, or the arguments, on one line, without secrets, at most `SHOWN_CHARS` long."""


def signature(tool: str, arguments: object, *, project: str = "", home: str = "") -> Signature:
    """The signature of a call; `project` and `home` are absolute folders, as far as they are known."""
    name, given = _canonical(tool, arguments)
    compared = _compared(given, project, home, 0)
    digest = hashlib.sha256(f"{name}\0{compared}".encode(errors="backslashreplace")).hexdigest()[:32]
    shown = given["command"] if name == "shell" else _compact(given)
    return Signature(name, digest, gist(redact(shown[: SHOWN_CHARS * 8]).text, limit=SHOWN_CHARS))


def normalised(text: str, *, project: str = "", home: str = "") -> str:
    """A text as it is compared with another: rules 3 to 5 of this module."""
    cut, rest = text[:_COMPARED_CHARS], text[_COMPARED_CHARS:]
    cut = portable(cut, project=project, home=home)
    cut = _pattern(r"""\\(?=[^\w\s])|["'`]""").sub("", cut).replace("\\", "/")
    cut = _pattern(r"(?<![\w./~])\./(?=[\w.])").sub("", cut)
    for pattern, mark in _MARKS:
        cut = _pattern(pattern).sub(mark, cut)
    end = f" …{hashlib.sha256(rest.encode(errors='backslashreplace')).hexdigest()[:16]}" if rest else ""
    return " ".join(cut.split()) + end


def portable(text: str, *, project: str = "", home: str = "") -> str:
    """A text with the project's root as `.` and the home folder as `~`, so that it says the same elsewhere."""
    for given, mark in ((project, "."), (home, "~")):
        folder = given.rstrip("/\\")
        if len(folder) > 1:
            written = "|".join(re.escape(each) for each in {folder, folder.replace("\\", "/")})
            text = re.sub(rf"(?:{written})(?![\w.-])", lambda _, mark=mark: mark, text)
    return text


def _canonical(tool: str, arguments: object) -> tuple[str, dict[str, Any]]:
    name = tool.strip().lower()
    given = cast("Mapping[Any, Any]", arguments) if isinstance(arguments, Mapping) else {"command": arguments}
    if not isinstance(arguments, Mapping) and name not in _SHELL_TOOLS:
        given = {"value": arguments}
    kept = {_key(str(key)): value for key, value in list(given.items())[:_MOST_KEYS] if value is not None}
    command = next((kept[key] for key in _SHELL_KEYS if key in kept), None)
    if isinstance(command, list):
        command = " ".join(str(word) for word in cast("list[object]", command))
    if isinstance(command, str) and (name in _SHELL_TOOLS or len(set(kept) - _IDLE_KEYS) == 1):
        command = command if name != "git" or command.split(None, 1)[:1] == ["git"] else f"git {command}"
        return "shell", {"command": command}
    return "file_write" if name in _WRITERS else name, {
        key: value for key, value in kept.items() if key not in _IDLE_KEYS
    }


def _key(key: str) -> str:
    lowered = key.lower()
    return "path" if lowered in _PATH_KEYS or lowered.replace("_", "") in _PATH_KEYS else lowered


def _compared(value: object, project: str, home: str, depth: int) -> str:
    if isinstance(value, str):
        return normalised(redact(value[:_COMPARED_CHARS]).text + value[_COMPARED_CHARS:], project=project, home=home)
    if depth >= _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        items = sorted((str(key), each) for key, each in cast("Mapping[Any, Any]", value).items())
        return "{" + ",".join(f"{key}:{_compared(each, project, home, depth + 1)}" for key, each in items) + "}"
    if isinstance(value, list | tuple):
        each_one = cast("list[object]", value)[:_MOST_KEYS]
        return "[" + ",".join(_compared(each, project, home, depth + 1) for each in each_one) + "]"
    return "<n>" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _compact(given: Mapping[str, Any]) -> str:
    if set(given) == {"value"}:
        return str(given["value"])
    return ", ".join(f"{key}={str(value)[:SHOWN_CHARS]}" for key, value in given.items())


_TEMPORARY = r"(?:/private)?(?:/var)?/tmp/[^\s\"'/;|&)]+|/var/folders/[^\s\"';|&)]+|\btmp[\w-]{6,12}\b"
_MARKS = (
    (r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", "<id>"),
    (r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", "<time>"),
    (r"\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?\b", "<time>"),
    (_TEMPORARY, "<tmp>"),
    (r"\b(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b", "<hash>"),
    (r"(?<![\w<])\d+(?:\.\d+)*(?:ms|[smhdkKMG]B?)?(?!\w)", "<n>"),
)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
