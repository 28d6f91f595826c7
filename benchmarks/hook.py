"""How long a client waits for its hook before each tool call, beside an empty Python and one with three modules.

Whole processes, as a client starts them: the installed console script with one event on standard input. Ours and both
baselines take turns. By kind of event; everyday commands are what the bars are for.
"""

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from measuring import Figure, Place, arguments, our_server, paired, report, temporary_place

Bars = tuple[float | None, float | None]
"""Against an empty Python, and against one with three modules."""

EMPTY_BAR = 3.0
STDLIB_BAR = 2.5

EMPTY = (sys.executable, "-c", "pass")
STDLIB = (sys.executable, "-c", "import json, sqlite3, argparse")

EVERYDAY = (
    "git status --short",
    "ls -la src && cat src/part0/module_0.py | head -40",
    "python -m pytest tests -q 2>&1 | tail -20",
    'grep -rn "def step" src --include=*.py | wc -l',
    'git add -A && git commit -m "Fix the retry of the queue"',
)
DENIED = "rm -rf /"

# The gentlest of what a project or a person writes: with a file of theirs the policy comes from what was kept of it.
POLICY = "headless = false\n"


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__, runs=20)
    figures: list[Figure] = []
    with temporary_place() as place:
        target = str(place.project / "src" / "part0" / "module_0.py")
        everyday = [event("Bash", {"command": command}, place) for command in EVERYDAY]
        edit = event("Edit", {"file_path": target, "old_string": "return 0", "new_string": "return 1"}, place)
        figures += beside("an everyday command", everyday, place, options.runs, bars=(EMPTY_BAR, STDLIB_BAR))
        figures += beside("a tool that only reads", [event("Read", {"file_path": target}, place)], place, options.runs)
        figures += beside("an edit of a committed file", [edit], place, options.runs)
        figures += beside("a command that is denied", [event("Bash", {"command": DENIED}, place)], place, options.runs)
        (place.project / ".agentops").mkdir()
        (place.project / ".agentops" / "guardrails.toml").write_text(POLICY, encoding="utf-8")
        figures += beside("an everyday command, own policy", everyday, place, options.runs)
    return report(figures, as_json=options.json)


def event(tool: str, tool_input: Mapping[str, Any], place: Place) -> bytes:
    """What Claude Code says before a call."""
    told = {
        "session_id": "benchmark", "transcript_path": "", "cwd": str(place.project), "permission_mode": "default",
        "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": tool_input,
    }  # fmt: skip
    return json.dumps(told).encode()


def beside(
    name: str, events: Sequence[bytes], place: Place, runs: int, *, bars: Bars = (None, None)
) -> list[Figure]:  # fmt: skip
    """The hook with each event in turn, and both baselines, one after the other."""
    hook = (our_server()[0], "hook", "claude-code")
    turns: dict[str, tuple[Sequence[str], list[float]]] = {
        "hook": (hook, []), "empty": (EMPTY, []), "stdlib": (STDLIB, []),
    }  # fmt: skip
    for told in events:  # the first start fills the machine's caches, and is not counted
        took_s(hook, told, place)
    for number in range(runs):
        for told in events:
            for command, samples in turns.values() if number % 2 else reversed(turns.values()):
                samples.append(took_s(command, told, place) * 1_000)
    ours, empty, stdlib = (samples for _, samples in turns.values())
    return [
        paired(f"{name} / empty Python", ours, empty, unit="ms", bar=bars[0]),
        paired(f"{name} / json, sqlite3, argparse", ours, stdlib, unit="ms", bar=bars[1]),
    ]


def took_s(command: Sequence[str], told: bytes, place: Place) -> float:
    """Seconds until a process that was given the event has ended."""
    started = time.perf_counter()
    subprocess.run(
        command, input=told, cwd=place.project, env=place.environment, check=True, stdout=subprocess.DEVNULL
    )  # fmt: skip
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
