"""Drive the server as clients start it, over stdio, with the official Inspector's command line in both protocol eras.

Usage: python tests/peers/run_inspector.py

Every step is a process of its own: the Inspector starts the server, asks one thing and hangs up. What one step
records, a later one must find. Prints a line per step and ends with 1 when an exit code or an answer is not as
it must be.
"""

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import node
import processes

_STEP_TIMEOUT_S = 120

_VERSION_OF_ERA = {"legacy": "2025-11-25", "modern": "2026-07-28"}

# The Inspector's exit codes. Its sixth, for a schema that not every client can read, is a failure like any other.
_OK, _FAILED, _TOOL_ERROR = 0, 1, 5

# Under --strict only errors change the exit code; a warning about a schema is refused here all the same.
_SCHEMA_FINDING = re.compile(r"^(Error|Warning): tool ", re.MULTILINE)
_NOTHING = re.compile(r"(?!)")

_TOOLS = {
    "start_session", "load_context", "save_state", "resume_state", "track_mission", "record_entry",
    "search_knowledge", "save_pattern", "mine_patterns", "check_action", "report_outcome",
    "request_approval", "check_approval",
}  # fmt: skip

_ENTRY: dict[str, Any] = {
    "kind": "decision",
    "action": "Chose port 8765 for the local metrics page",
    "context": "Port 8080 was taken by the build proxy on two of three developer machines.",
    "solution": "The page binds 127.0.0.1:8765 and refuses to start when the port is taken.",
    "learning": "A fixed default port needs a clear refusal; a silent fallback hides the page.",
    "impact": "Start failures fell from 2 of 3 machines to 0 of 3.",
    "tags": ["metrics"],
    "files": ["README.md"],
}

_STATE: dict[str, Any] = {
    "goal": "Move the metrics page to a free port",
    "phase": "implement",
    "decisions": [{"choice": "refuse to start when the port is taken", "why": "a silent fallback hides the page"}],
    "parameters": [{"name": "METRICS_PORT", "value": "8765"}],
    "next_steps": ["bind 127.0.0.1:8765 in the page's start"],
    "key_files": ["README.md"],
}


@dataclass(slots=True)
class Inspector:
    """The Inspector's command line for one protocol era; counts the steps that went as expected."""

    era: str
    place: processes.Place
    config: Path
    steps: int = field(default=0)

    def ask(self, method: str, *options: str, expect: int = _OK, refuse: re.Pattern[str] = _NOTHING) -> dict[str, Any]:
        """Ask one thing and return the answer: the result, or the error when no result came.

        Raises:
            PeerError: another exit code than expected, no JSON, no answer in time, or a remark that matches `refuse`.
        """
        command = [
            str(node.node_binary()), str(node.INSPECTOR), "--cli", "--config", str(self.config), "--server", "agentops",
            "--format", "json", "--method", method, *options,
        ]  # fmt: skip
        name = " ".join([self.era, method, *(word for word in options if word[0] not in "{-" or word == "--strict")])
        try:
            done = subprocess.run(
                command,
                cwd=self.place.project,
                env=self.place.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=_STEP_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise processes.PeerError(f"{name}: no answer within {_STEP_TIMEOUT_S} s") from error
        answer = _answer(done.stdout, done.stderr)
        if done.returncode != expect or answer is None or refuse.search(done.stderr):
            raise processes.PeerError(
                f"{name}: exit code {done.returncode}, expected {expect}\n{done.stdout}\n{done.stderr}"
            )
        self.steps += 1
        print(f"  ok   {name}{f', refused with exit code {expect}' if expect else ''}", flush=True)
        return answer

    def call(self, tool: str, arguments: dict[str, Any], *, expect: int = _OK) -> dict[str, Any]:
        """Call a tool."""
        return self.ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments), expect=expect)


def _answer(stdout: str, stderr: str) -> dict[str, Any] | None:
    """The result on stdout, or the error that stands alone on stderr."""
    for line in [*stdout.splitlines(), *stderr.splitlines()]:
        if line.startswith(('{"result":', '{"error":')):
            message: dict[str, Any] = json.loads(line)
            return message.get("result", message.get("error"))
    return None


def must(condition: object, problem: str) -> None:
    """Insist on something about an answer.

    Raises:
        PeerError: it is not so.
    """
    if not condition:
        raise processes.PeerError(problem)


def look_around(inspector: Inspector) -> None:
    """Greet, and list what there is."""
    hello = inspector.ask("initialize")
    must(hello["protocolVersion"] == _VERSION_OF_ERA[inspector.era], f"spoke {hello['protocolVersion']}")
    must(hello["serverInfo"]["name"] == "agentops", f"the server is {hello['serverInfo']}")
    must(hello["instructions"], "the server sent no instructions")
    tools = _names(inspector.ask("tools/list", "--strict", refuse=_SCHEMA_FINDING)["tools"], "name")
    must(tools == _TOOLS, f"found {tools}")
    resources = _names(inspector.ask("resources/list")["resources"], "uri")
    must("agentops://entries/recent" in resources, f"the resources are {resources}")
    templates = _names(inspector.ask("resources/templates/list")["resourceTemplates"], "uriTemplate")
    must("agentops://entry/{id}" in templates, f"the templates are {templates}")
    prompts = _names(inspector.ask("prompts/list")["prompts"], "name")
    must("write_entry" in prompts, f"the prompts are {prompts}")
    prompt = inspector.ask("prompts/get", "--prompt-name", "write_entry", "--prompt-args", "what=a port change")
    must("a port change" in _text(prompt["messages"][0]["content"]), "the prompt does not use its argument")


def work(inspector: Inspector) -> None:
    """Start a session, record an entry, and find it again from other processes."""
    brief = _text(*inspector.call("start_session", {"goal": "Move the metrics page to a free port"})["content"])
    must("main" in brief, f"the brief does not name the branch: {brief}")
    recorded = inspector.call("record_entry", _ENTRY)["structuredContent"]
    entry = _text(*inspector.ask("resources/read", "--uri", f"agentops://entry/{recorded['id']}")["contents"])
    must(all(_ENTRY[part] in entry for part in ("action", "context", "solution", "learning", "impact")), entry)
    must("inspector" in entry.lower(), f"the entry does not name the client that wrote it: {entry}")
    recent = _text(*inspector.ask("resources/read", "--uri", "agentops://entries/recent")["contents"])
    must(recorded["id"] in recent, f"the entry is not among the recent ones: {recent}")
    again = _text(*inspector.call("start_session", {"goal": "See what the last session left"})["content"])
    must(_ENTRY["action"] in again, f"the next session's brief does not show the entry: {again}")


def load(inspector: Inspector) -> None:
    """Load context for a task, say from another process how it went, and read lines of a file."""
    task = {"task": "Say what the readme promises", "paths": ["README.md"], "budget_tokens": 600}
    loaded = _text(*inspector.call("load_context", task)["content"])
    must("## README.md" in loaded, f"the file that was asked for is not loaded: {loaded}")
    outcome = {"of": loaded.split()[-1], "outcome": "worked"}
    must(inspector.call("report_outcome", outcome)["structuredContent"]["report"] == "none", "no outcome")
    lines = _text(*inspector.ask("resources/read", "--uri", "agentops://lines/1-1/README.md")["contents"])
    must(lines, "the file has no first line")


def hand_over(inspector: Inspector) -> None:
    """Save a state and resume it from another process; open a mission and move it."""
    saved = inspector.call("save_state", _STATE)["structuredContent"]
    resumed = _text(*inspector.call("resume_state", {"query": saved["id"]})["content"])
    must(_STATE["next_steps"][0] in resumed, f"the state is not resumed: {resumed}")
    tree = _text(*inspector.ask("resources/read", "--uri", "agentops://states")["contents"])
    must(saved["id"] in tree, f"the state is not in the tree: {tree}")
    session = _text(*inspector.call("start_session", {"goal": _STATE["goal"]})["content"]).split()[1]
    goal = {"goal": "Serve metrics beside the page", "session": session}
    mission = _text(*inspector.call("track_mission", {"op": "open", **goal})["content"]).split()[1]
    move = {"op": "move", "mission": mission, "reason": "scheduler", "session": session}
    moved = _text(*inspector.call("track_mission", {**move, "to": "queued"})["content"])
    must("state: queued" in moved, f"the mission did not move: {moved}")
    illegal = inspector.call("track_mission", {**move, "to": "complete"}, expect=_TOOL_ERROR)
    must("From queued: " in _text(*illegal["content"]), f"the legal moves are not listed: {illegal}")


def go_wrong(inspector: Inspector) -> None:
    """Make the mistakes an agent makes; each must come back as an error that names the mistake."""
    incomplete = {key: value for key, value in _ENTRY.items() if key != "context"}
    missing = inspector.call("record_entry", incomplete, expect=_TOOL_ERROR)
    must("context" in _text(*missing["content"]), f"the error does not name the argument: {missing}")
    unknown = inspector.call("record_entry", {**_ENTRY, "mood": "good"}, expect=_TOOL_ERROR)
    must("mood" in _text(*unknown["content"]), f"the error does not name the argument: {unknown}")
    absent = "agentops://entry/01890000-0000-7000-8000-000000000000"
    inspector.ask("resources/read", "--uri", absent, expect=_FAILED)
    inspector.ask("resources/read", "--uri", "agentops://nothing/here", expect=_FAILED)
    inspector.ask("prompts/get", "--prompt-name", "no_such_prompt", expect=_FAILED)


def _names(items: list[dict[str, Any]], key: str) -> set[str]:
    return {item[key] for item in items}


def _text(*blocks: dict[str, Any]) -> str:
    return "\n".join(block.get("text", "") for block in blocks)


def inspect(era: str, place: processes.Place) -> int:
    """Take every step in one era and return how many there were."""
    server = {
        "type": "stdio",
        "command": sys.executable,
        "args": ["-m", "agentops_mcp", "serve"],
        "env": place.environment,
        "cwd": str(place.project),
        "protocolEra": era,
    }
    config = place.root / f"{era}.json"
    config.write_text(json.dumps({"mcpServers": {"agentops": server}}), encoding="utf-8")
    inspector = Inspector(era, place, config)
    look_around(inspector)
    work(inspector)
    load(inspector)
    hand_over(inspector)
    go_wrong(inspector)
    return inspector.steps


def main() -> int:
    """Take every step in both eras, each in a project of its own."""
    processes.stop_cleanly_when_told()
    began = time.monotonic()
    failed = False
    for era in _VERSION_OF_ERA:
        print(f"{era} era, {_VERSION_OF_ERA[era]} …", flush=True)
        try:
            node.require_modules()
            with processes.private_place() as place:
                print(f"{era} era: {inspect(era, place)} steps as expected", flush=True)
        except (node.PeersError, processes.PeerError) as error:
            print(f"  FAIL {error}", flush=True)
            failed = True
    print(f"inspector: {'FAILED' if failed else 'passed'} in {time.monotonic() - began:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
