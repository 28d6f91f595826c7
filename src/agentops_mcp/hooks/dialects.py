"""How each client speaks to a hook: what it says about a tool call, and in which words it wants an answer.

An answer of ours never allows: without one the client's own permissions decide, as they would without us. Where a
client runs the call when it is answered "ask", because it does not know the word, the answer is a denial.
"""

import json
from collections.abc import Callable, Mapping

from agentops_mcp.hooks.tools import Arguments, Json

Payload = Mapping[str, Json]

_OUR_COMMANDS = ("agentops-mcp", "agentops-mcp.exe")

BEFORE, AFTER, OTHER = "before", "after", "other"


class Asked:
    """One event, as a client tells it."""

    __slots__ = ("arguments", "cwd", "error", "event", "headless", "ok", "project", "session", "stage", "tool")

    def __init__(self, payload: Payload, *, stage: str, tool: str, arguments: Arguments) -> None:
        self.stage = stage
        self.tool = tool
        self.arguments = arguments
        self.event = text(payload, "hook_event_name")
        self.cwd = text(payload, "cwd") or text(arguments, "working_directory", "workdir", "dir_path")
        self.project = ""
        self.session = text(payload, "session_id", "conversation_id", "sessionId")
        self.headless = text(payload, "permission_mode") == "dontAsk"
        self.ok: bool | None = None
        self.error = ""


class Dialect:
    """One client."""

    __slots__ = ("answer", "asks", "name", "project_variable", "read", "silence")

    def __init__(
        self,
        name: str,
        read: Callable[[Payload], Asked],
        answer: Callable[[Asked | None, str, str], Mapping[str, Json]],
        *,
        asks: Callable[[Asked | None], bool],
        project_variable: str = "",
        silence: str = "{}",
    ) -> None:
        self.name = name
        self.read = read
        self.answer = answer
        self.asks = asks
        self.project_variable = project_variable
        self.silence = silence


def text(payload: Mapping[str, Json], *keys: str) -> str:
    """The first of these that is a text."""
    return next((value for key in keys if isinstance(value := payload.get(key), str)), "")


def _stage(payload: Payload, before: str, after: str) -> str:
    event = text(payload, "hook_event_name")
    # An event we have never heard of that comes before a tool is judged as those we know.
    unknown = bool(payload.get("tool_name")) and (not event or event.lower().startswith(("pre", "before")))
    if event in before.split() or unknown:
        return BEFORE
    return AFTER if event in after.split() else OTHER


def _object(value: Json) -> Arguments:
    """Arguments, which some clients send as a text of JSON.

    Raises:
        ValueError: they are no object.
    """
    if isinstance(value, str):
        value = json.loads(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("the arguments are no object")  # noqa: TRY004 - bad input, as any other
    return value


def _claude(payload: Payload) -> Asked:
    event = text(payload, "hook_event_name")
    stage = _stage(payload, "PreToolUse", "PostToolUse PostToolUseFailure")
    asked = Asked(
        payload, stage=stage, tool=text(payload, "tool_name"), arguments=_object(payload.get("tool_input"))
    )  # fmt: skip
    asked.ok = event == "PostToolUse"
    asked.error = text(payload, "error")
    return asked


def _codex(payload: Payload) -> Asked:
    asked = _claude(payload)
    asked.ok = None  # one event for a command that worked and for one that failed
    return asked


def _gemini(payload: Payload) -> Asked:
    stage = _stage(payload, "BeforeTool", "AfterTool")
    asked = Asked(
        payload, stage=stage, tool=text(payload, "tool_name"), arguments=_object(payload.get("tool_input"))
    )  # fmt: skip
    response = payload.get("tool_response")
    failure = response.get("error") if isinstance(response, dict) else None
    asked.ok = not failure
    asked.error = failure if isinstance(failure, str) else json.dumps(failure) if failure else ""
    return asked


def _cursor(payload: Payload) -> Asked:
    event = text(payload, "hook_event_name")
    stage = _stage(payload, "beforeShellExecution beforeMCPExecution preToolUse", "postToolUse postToolUseFailure")
    tool, arguments = text(payload, "tool_name"), _object(payload.get("tool_input"))
    if event == "beforeShellExecution":
        tool, arguments = "Shell", {"command": payload.get("command")}
    elif event == "beforeMCPExecution":
        server = text(payload, "command").split(" ", 1)[0].replace("\\", "/").rpartition("/")[2]
        tool = f"mcp__{'agentops' if server in _OUR_COMMANDS else 'cursor'}__{tool}"
    asked = Asked(payload, stage=stage, tool=tool, arguments=arguments)
    roots = payload.get("workspace_roots")
    asked.project = next((each for each in roots if isinstance(each, str)), "") if isinstance(roots, list) else ""
    asked.ok = event == "postToolUse"
    asked.error = text(payload, "error_message", "error")
    return asked


def _copilot(payload: Payload) -> Asked:
    """The command line's own names, and those of the editor, which follow Claude Code's."""
    if "tool_name" in payload:
        return _claude(payload)
    result = payload.get("toolResult")
    stage = AFTER if "toolResult" in payload or "error" in payload else BEFORE if "toolName" in payload else OTHER
    asked = Asked(payload, stage=stage, tool=text(payload, "toolName"), arguments=_object(payload.get("toolArgs")))
    kind = text(result, "resultType") if isinstance(result, dict) else ""
    asked.ok = kind == "success"
    asked.error = text(result, "textResultForLlm") if isinstance(result, dict) and not asked.ok else ""
    return asked


def _claude_answer(asked: Asked | None, decision: str, reason: str) -> Mapping[str, Json]:  # noqa: ARG001
    return {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason,
        }
    }  # fmt: skip


def _gemini_answer(asked: Asked | None, decision: str, reason: str) -> Mapping[str, Json]:  # noqa: ARG001
    return {"decision": decision, "reason": reason}


def _cursor_answer(asked: Asked | None, decision: str, reason: str) -> Mapping[str, Json]:  # noqa: ARG001
    return {"permission": decision, "user_message": reason, "agent_message": reason}


def _copilot_answer(asked: Asked | None, decision: str, reason: str) -> Mapping[str, Json]:
    return {
        "permissionDecision": decision, "permissionDecisionReason": reason, **_claude_answer(asked, decision, reason),
    }  # fmt: skip


def _always(asked: Asked | None) -> bool:  # noqa: ARG001
    return True


def _never(asked: Asked | None) -> bool:  # noqa: ARG001
    return False


def _not_before_any_tool(asked: Asked | None) -> bool:
    """Cursor's `preToolUse` takes the word "ask" and runs the call."""
    return asked is not None and asked.event != "preToolUse"


DIALECTS: Mapping[str, Dialect] = {
    each.name: each
    for each in (
        Dialect(
            "claude-code", _claude, _claude_answer, asks=_always, project_variable="CLAUDE_PROJECT_DIR", silence=""
        ),
        # Codex refuses the word "ask" as unsupported and runs the call.
        Dialect("codex", _codex, _claude_answer, asks=_never, silence=""),
        Dialect("cursor", _cursor, _cursor_answer, asks=_not_before_any_tool),
        # Gemini CLI has known "ask" since March 2026 without documenting it; older ones run the call.
        Dialect("gemini", _gemini, _gemini_answer, asks=_never, project_variable="GEMINI_PROJECT_DIR"),
        Dialect("copilot", _copilot, _copilot_answer, asks=_always),
    )
}
"""Every client whose hooks we know, by the name it is given on the command line."""
