"""What the tools of clients do, as actions that the guard judges."""

from collections.abc import Callable, Mapping

from agentops_mcp.core.secret_files import is_secret_file

Json = str | int | float | bool | list["Json"] | dict[str, "Json"] | None
Arguments = Mapping[str, Json]
Action = tuple[str, dict[str, object]]
"""A kind of action and its fields, as `rules.actions.checked` takes them."""

_PATHS = ("file_path", "path", "notebook_path", "filePath", "target_file", "absolute_path", "filename", "file")
_LISTED_PATHS = ("files", "edits", "replacements")
_TEXTS = ("content", "contents", "new_string", "new_str", "newString", "file_text", "new_source", "code", "insert_text")

READERS = frozenset(
    # Claude Code
    "read grep glob ls notebookread todowrite todoread websearch bashoutput killbash killshell askuserquestion "
    "enterplanmode exitplanmode task agent skill toolsearch listmcpresources listmcpresourcestool readmcpresource "
    "readmcpresourcetool slashcommand taskcreate taskget tasklist taskupdate taskoutput taskstop lsp sendmessage "
    # Codex
    "update_plan view_image read_file list_dir grep_files web_search request_user_input read_mcp_resource "
    "list_mcp_resources list_mcp_resource_templates "
    # Cursor
    "codebasesearch semanticsearch readlints read_lints "
    # Gemini CLI
    "list_directory read_many_files search_file_content grep_search glob google_web_search write_todos "
    "activate_skill get_internal_docs ask_user codebase_investigator enter_plan_mode exit_plan_mode "
    # GitHub Copilot
    "view report_intent rg read_bash stop_bash list_bash read_powershell stop_powershell list_powershell "
    "ask_user update_todo fetch_copilot_cli_documentation".split()
)
"""Tools that change nothing, in lower case: a call of one is judged only where it may show a secret."""

_SECRET_FOLDERS = ("/.ssh/", "/.aws/", "/.gnupg/", "/.kube/", "/etc/shadow", "/etc/gshadow")

_OURS = ("mcp__agentops__", "mcp_agentops_", "agentops-")
"""How clients begin the names of our own tools, which record and run nothing: `check_action` carries what it checks."""


class UnknownCallError(ValueError):
    """A call of a known tool does not say what it would do."""


def actions(tool: str, arguments: Arguments) -> list[Action]:
    """What a call of `tool` would do; nothing for one that only reads, and no secret.

    Raises:
        UnknownCallError: the tool is known, and what it needs is not among the arguments.
    """
    name = tool.lower()
    if name in READERS:
        return _shown_secrets(arguments)
    if name.startswith(_OURS):
        return []
    read = _TOOLS.get(name)
    return read(tool, arguments) if read else [("tool_call", {"name": tool, "arguments": dict(arguments)})]


def _shown_secrets(arguments: Arguments) -> list[Action]:
    """Reading a file that may hold secrets is what `cat` does with it."""
    paths = [path for path in _paths(arguments) if _may_hold_secrets(path)]
    return [("shell", {"command": f"cat -- {_quoted(path)}"}) for path in paths]


def _may_hold_secrets(path: str) -> bool:
    slashed = f"/{path}".replace("\\", "/").lower()
    return is_secret_file(path) or any(folder in slashed for folder in _SECRET_FOLDERS)


def _shell(tool: str, arguments: Arguments) -> list[Action]:
    return [("shell", {"command": _command(tool, arguments)})]


def _powershell(tool: str, arguments: Arguments) -> list[Action]:
    return [("shell", {"command": f"pwsh -Command {_quoted(_command(tool, arguments))}"})]


def _command(tool: str, arguments: Arguments) -> str:
    for key in ("command", "cmd", "script"):
        value = arguments.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value:
            return " ".join(_quoted(str(word)) for word in value)
    raise UnknownCallError(f"{tool} came without a command")


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def _write(tool: str, arguments: Arguments) -> list[Action]:
    content = next((value for key in _TEXTS if isinstance(value := arguments.get(key), str)), "")
    return [("file_write", {"path": path, "content": content}) for path in _files(tool, arguments)]


def _delete(tool: str, arguments: Arguments) -> list[Action]:
    return [("file_delete", {"path": path}) for path in _files(tool, arguments)]


def _files(tool: str, arguments: Arguments) -> list[str]:
    """The files that a call names, by itself or in a list of edits."""
    found = _paths(arguments)
    for key in _LISTED_PATHS:
        value = arguments.get(key)
        for each in value if isinstance(value, list) else ():
            if isinstance(each, str):
                found.append(each)
            elif isinstance(each, dict):
                found += _paths(each)
    if not found:
        raise UnknownCallError(f"{tool} came without a file")
    return list(dict.fromkeys(found))


def _paths(arguments: Arguments) -> list[str]:
    return [value for key in _PATHS if isinstance(value := arguments.get(key), str) and value]


def _patch(tool: str, arguments: Arguments) -> list[Action]:
    for key in ("command", "input", "patch", "patchText", "diff"):
        value = arguments.get(key)
        if isinstance(value, list):  # ["apply_patch", "*** Begin Patch …"]
            value = value[-1] if value else None
        if isinstance(value, str):
            return [("patch", {"diff": value})]
    raise UnknownCallError(f"{tool} came without a patch")


def _fetch(tool: str, arguments: Arguments) -> list[Action]:
    listed = arguments.get("urls")
    urls = [arguments.get("url"), *(listed if isinstance(listed, list) else ())]
    found: list[Action] = [("network", {"method": "GET", "url": url}) for url in urls if isinstance(url, str)]
    return found or [("tool_call", {"name": tool, "arguments": dict(arguments)})]  # Gemini's takes a sentence


_READ: Mapping[str, Callable[[str, Arguments], list[Action]]] = {
    "bash shell sh terminal monitor shell_command exec_command local_shell run_shell_command run_in_terminal "
    "runinterminal run_terminal_cmd run_terminal_command write_bash": _shell,
    "powershell pwsh write_powershell": _powershell,
    "write edit multiedit notebookedit create create_file createfile write_file replace insert str_replace "
    "str_replace_editor strreplace search_replace replace_string_in_file multi_replace_string_in_file "
    "insert_edit_into_file edit_file editfiles edit_notebook editnotebook edit_notebook_file tabwrite": _write,
    "delete delete_file deletefile": _delete,
    "apply_patch applypatch": _patch,
    "webfetch web_fetch fetch fetch_webpage": _fetch,
}
_TOOLS = {name: read for names, read in _READ.items() for name in names.split()}
