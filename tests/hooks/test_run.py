"""The hook as a client runs it: one event in, one answer out, and never a call let through by a failure."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.cli.canary import DENIED, event
from agentops_mcp.hooks import run
from agentops_mcp.hooks.dialects import DIALECTS
from agentops_mcp.hooks.run import BLOCKED, Judgement
from agentops_mcp.storage.outcome_spool import take

pytestmark = pytest.mark.usefixtures("own_home")

NO_COMMAND: dict[str, Any] = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}}


def answer(payload: object, client: str = "claude-code", **environment: str) -> str:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    said = Judgement(DIALECTS[client], environment).answer(raw)
    assert said is not None
    return said


def decided(said: str) -> tuple[str, str]:
    """The word and the reason, in whichever form."""
    document: dict[str, Any] = json.loads(said or "{}")
    inner = document.get("hookSpecificOutput", document)
    word = inner.get("permissionDecision") or inner.get("decision") or inner.get("permission") or ""
    reason = inner.get("permissionDecisionReason") or inner.get("reason") or inner.get("user_message") or ""
    return word, reason


def bash(command: str, at: Path, **more: Any) -> dict[str, Any]:
    return {**event("claude-code", command, str(at)), **more}


@pytest.mark.parametrize("client", DIALECTS)
def test_what_must_be_denied_is_denied_with_its_reason_in_every_client_s_words(repository: Path, client: str) -> None:
    word, reason = decided(answer(event(client, DENIED, str(repository)), client))
    assert word == "deny"
    assert "; rule " in reason


@pytest.mark.parametrize("client", DIALECTS)
def test_what_is_fine_is_left_to_the_client_s_own_permissions(repository: Path, client: str) -> None:
    assert answer(event(client, "git status --short", str(repository)), client) == DIALECTS[client].silence


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"null", b'"x"', b"{}", b"[" * 100_000, b'{"hook_event_name": 3}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "\\ud800"}}',
        b'{"hook_event_name": "PreToolUse", "tool_name": ["Bash"], "tool_input": {"command": "ls"}}',
        b'{"tool_name": "Bash", "tool_input": {"command": "rm -rf /"}}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("client", DIALECTS)
def test_an_event_that_can_not_be_judged_is_never_answered_with_silence(payload: bytes, client: str) -> None:
    assert decided(answer(payload, client))[0] in ("ask", "deny")


@pytest.mark.parametrize("client", ["claude-code", "codex"])
def test_an_event_before_a_tool_that_names_no_tool_is_not_answered_with_silence(client: str) -> None:
    assert decided(answer({"hook_event_name": "PreToolUse"}, client))[0] in ("ask", "deny")


def test_an_event_that_is_no_tool_call_is_none_of_the_guard_s() -> None:
    assert answer({"hook_event_name": "SessionStart", "source": "startup"}) == ""


@pytest.mark.parametrize(
    ("client", "payload", "environment", "word"),
    [
        ("claude-code", {}, {}, "ask"),
        ("claude-code", {"permission_mode": "dontAsk"}, {}, "deny"),
        ("claude-code", {}, {"AGENTOPS_HEADLESS": "1"}, "deny"),
        ("claude-code", {}, {"AGENTOPS_HEADLESS": "0"}, "ask"),
        ("codex", {}, {}, "deny"),
    ],
)
def test_with_nobody_to_ask_what_can_not_be_judged_is_denied(
    client: str, payload: dict[str, Any], environment: dict[str, str], word: str
) -> None:
    call = {**NO_COMMAND, **payload}
    assert decided(answer(call, client, **environment))[0] == word


def test_a_client_that_can_not_ask_is_told_who_can() -> None:
    assert "A person has to decide this" in decided(answer(NO_COMMAND, "codex"))[1]


def test_a_policy_file_of_the_project_can_not_switch_the_guard_off(repository: Path) -> None:
    (repository / ".agentops").mkdir()
    (repository / ".agentops" / "guardrails.toml").write_text("[switch", encoding="utf-8")
    assert decided(answer(bash(DENIED, repository)))[0] == "deny"


def test_the_project_is_the_client_s_wherever_the_agent_has_gone(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    failed = bash("make", tmp_path / "elsewhere", hook_event_name="PostToolUse")
    assert answer(failed, CLAUDE_PROJECT_DIR=str(repository)) == ""
    (repository / ".git" / "agentops").mkdir()
    answer(failed, CLAUDE_PROJECT_DIR=str(repository))
    assert len(take(str(repository / ".git" / "agentops"))) == 1


def test_of_several_files_in_one_call_the_worst_decides(repository: Path) -> None:
    files = [str(repository / "app.py"), str(repository / ".git" / "hooks" / "pre-commit"), str(repository / "new.py")]
    call = {**bash("", repository), "tool_name": "editFiles", "tool_input": {"files": files}}
    alone = {**call, "tool_input": {"files": files[1:2]}}
    assert answer(call) == answer(alone)
    assert answer({**call, "tool_input": {"files": [files[0], files[2]]}}) == ""


# how calls ended


def test_how_a_call_ended_is_left_for_the_ledger_without_its_secrets(repository: Path) -> None:
    data = repository / ".git" / "agentops"
    data.mkdir()
    token = "ghp_" + "a8Kd03mXw9Qz7LpRt5VyBn2Hc6Jf1Ge4Su0W"
    failed = bash(f"curl -H 'Authorization: token {token}' x", repository, hook_event_name="PostToolUseFailure")
    assert answer({**failed, "error": f"exit 6 {token}", "session_id": "s1"}) == ""
    assert token not in (data / "outcomes.jsonl").read_text(encoding="utf-8")
    if sys.platform != "win32":
        assert (data / "outcomes.jsonl").stat().st_mode & 0o777 == 0o600
    (outcome,) = take(str(data))
    assert {**outcome, "at": "", "arguments": "", "error": ""} == {
        "at": "", "client": "claude-code", "session": "s1", "tool": "Bash", "arguments": "", "ok": False, "error": "",
    }  # fmt: skip
    assert set(outcome["arguments"]) == {"command"}
    assert outcome["error"].startswith("exit 6 [redacted:")


def test_a_call_whose_end_the_client_does_not_tell_leaves_nothing(repository: Path) -> None:
    data = repository / ".git" / "agentops"
    data.mkdir()
    assert answer(bash("make", repository, hook_event_name="PostToolUse"), "codex") == ""
    assert take(str(data)) == []


@pytest.mark.parametrize("broken", ["data directory", "arguments"])
def test_what_goes_wrong_after_a_call_holds_nothing_back(repository: Path, broken: str) -> None:
    payload = bash("make", repository, hook_event_name="PostToolUse")
    if broken == "arguments":
        payload["tool_input"] = {"command": []}
    assert answer(payload) == ""


# the deadline


def test_at_the_deadline_a_person_is_asked_and_a_late_verdict_is_not_heard() -> None:
    judgement = Judgement(DIALECTS["claude-code"], {})
    said = judgement.give_up()
    assert said is not None
    assert decided(said)[0] == "ask"
    assert "no verdict within" in decided(said)[1]
    assert judgement.answer(b"{}") is None
    assert judgement.give_up() is None


def test_the_watch_speaks_and_leaves_when_the_time_is_up(capsys: pytest.CaptureFixture[str]) -> None:
    left: list[int] = []
    judgement = Judgement(DIALECTS["claude-code"], {})
    run.watch(judgement.give_up, 0.0, left.append)
    assert left == [0]
    assert decided(capsys.readouterr().out)[0] == "ask"


def test_the_watch_is_silent_once_there_was_an_answer() -> None:
    left: list[int] = []
    judgement = Judgement(DIALECTS["claude-code"], {})
    judgement.answer(b"{}")
    watch = threading.Thread(target=run.watch, args=(judgement.give_up, 0.0, left.append))
    watch.start()
    watch.join()
    assert left == []


# the process


def hook(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "agentops_mcp", "hook", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env={**os.environ, **environment})


def test_the_process_answers_and_ends_well(repository: Path) -> None:
    done = hook("claude-code", stdin=json.dumps(bash(DENIED, repository)).encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert decided(done.stdout.decode())[0] == "deny"
    done = hook("claude-code", stdin=json.dumps(bash("git status", repository)).encode())
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize("arguments", [[], ["zed"], ["claude-code", "more"]])
def test_a_hook_that_is_called_wrongly_blocks_and_says_how(arguments: list[str]) -> None:
    done = hook(*arguments)
    assert done.returncode == BLOCKED
    assert b"usage: agentops-mcp hook {claude-code," in done.stderr


def test_a_hook_whose_own_files_are_damaged_blocks(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['json'] = None", encoding="utf-8")
    done = hook("claude-code", stdin=json.dumps(bash("ls", repository)).encode(), PYTHONPATH=str(tmp_path))
    assert done.returncode == BLOCKED
    assert done.stderr.startswith(b"The guard could not start")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that takes nothing")
def test_a_denial_that_nobody_can_read_is_told_by_the_exit_code(repository: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "agentops_mcp", "hook", "claude-code"]
        done = subprocess.run(command, input=json.dumps(bash(DENIED, repository)).encode(), stdout=full)
    assert done.returncode == BLOCKED


HEAVY = (
    "mcp", "pydantic", "apsw", "agentops_mcp.storage.database", "agentops_mcp.cli", "typer", "chromadb", "numpy",
    "pathlib", "subprocess", "dataclasses", "tempfile", "shutil", "logging", "tomllib", "hashlib", "sqlite3",
    "importlib.resources", "yaml", "asyncio",
)  # fmt: skip


def test_the_way_of_an_everyday_command_loads_nothing_heavy(repository: Path) -> None:
    code = (
        "import sys, json; before = set(sys.modules);"  # a coverage run loads some of them first
        "from agentops_mcp.hooks.run import Judgement, DIALECTS;"
        "said = Judgement(DIALECTS['claude-code'], {}).answer(sys.stdin.buffer.read());"
        f"print(repr(said), sorted((set(sys.modules) - before) & set({HEAVY!r})))"
    )
    payload = json.dumps(bash("git status --short && ls -la src | head", repository)).encode()
    done = subprocess.run([sys.executable, "-c", code], input=payload, capture_output=True, check=True)
    assert done.stdout.decode().strip() == "'' []"
