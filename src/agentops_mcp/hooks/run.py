"""`agentops-mcp hook CLIENT`: one event on standard input, one answer on standard output.

Whatever goes wrong, a tool call is never let through by silence: it is asked about, or denied with nobody there to ask.
"""

import _thread
import json
import os
import sys
import time
from collections.abc import Callable, Mapping

from agentops_mcp.hooks.dialects import AFTER, BEFORE, DIALECTS, Asked, Dialect
from agentops_mcp.hooks.tools import actions

BLOCKED = 2
"""The exit code that every client takes as a denial."""

DEADLINE_S = 4.0
"""Below every client's own limit as `init --hooks` sets it: past that, most of them run the call."""

_LARGEST_BYTES = 16 << 20


class Judgement:
    """One event on its way to one answer; a second one is never given."""

    def __init__(self, dialect: Dialect, environment: Mapping[str, str]) -> None:
        self._dialect = dialect
        self._environment = environment
        self._asked: Asked | None = None
        self._first = _thread.allocate_lock()

    def answer(self, payload: bytes) -> str | None:
        """What to print, or None when the deadline has spoken first."""
        try:
            said = self._judged(payload)
        except Exception as error:  # noqa: BLE001 - the edge of the process: an error must not let a call through
            said = self._held(_undecided(error))
        return said if self._first.acquire(blocking=False) else None

    def give_up(self) -> str | None:
        """What to print at the deadline, or None when the answer was first."""
        if not self._first.acquire(blocking=False):
            return None
        return self._held(f"The guard found no verdict within {DEADLINE_S:g} s.")

    def _judged(self, payload: bytes) -> str:
        if len(payload) > _LARGEST_BYTES:
            raise ValueError("more than a hook reads")
        asked = self._asked = self._dialect.read(json.loads(payload))
        if asked.stage not in (BEFORE, AFTER):
            if not asked.event:
                raise ValueError("an event of no name that we know")
            return self._dialect.silence
        wanted = actions(asked.tool, asked.arguments)
        if not wanted:
            return self._dialect.silence
        from agentops_mcp.hooks import judging
        from agentops_mcp.storage.machine import find_project

        cwd = asked.cwd if os.path.isabs(asked.cwd) else os.getcwd()
        variable = self._environment.get(self._dialect.project_variable, "") or asked.project
        place = find_project(variable if os.path.isdir(variable) else cwd, self._environment)
        if asked.stage == AFTER:
            if asked.ok is not None:
                judging.note(
                    place, client=self._dialect.name, session=asked.session, tool=asked.tool,
                    arguments=asked.arguments, ok=asked.ok, error=asked.error,
                )  # fmt: skip
            return self._dialect.silence
        decided, reason = judging.decision(wanted, place, self._environment, cwd=cwd, headless=self._headless())
        return self._said(decided, reason) if decided != "allow" else self._dialect.silence

    def _held(self, reason: str) -> str:
        """The answer when there is no verdict. What has already happened can not be held back."""
        if self._asked is not None and self._asked.stage == AFTER:
            return self._dialect.silence
        return self._said("deny" if self._headless() else "ask", reason)

    def _said(self, decided: str, reason: str) -> str:
        if decided == "ask" and not self._dialect.asks(self._asked):
            decided, reason = "deny", f"{reason} A person has to decide this: ask them to run it themselves."
        return json.dumps(self._dialect.answer(self._asked, decided, reason))

    def _headless(self) -> bool:
        from agentops_mcp.storage.machine import is_headless

        return is_headless(self._environment) or (self._asked is not None and self._asked.headless)


def main(arguments: list[str]) -> int:
    """Read an event, print the answer, and return the exit code."""
    dialect = DIALECTS.get(arguments[0]) if len(arguments) == 1 else None
    if dialect is None:
        print(f"usage: agentops-mcp hook {{{','.join(DIALECTS)}}} < EVENT", file=sys.stderr)  # noqa: T201 - for people
        return BLOCKED
    judgement = Judgement(dialect, os.environ)
    _thread.start_new_thread(watch, (judgement.give_up, DEADLINE_S, os._exit))
    if (said := judgement.answer(sys.stdin.buffer.read(_LARGEST_BYTES + 1))) is None:
        time.sleep(DEADLINE_S)  # the deadline is ending this process
        return BLOCKED
    return _print(said)


def _undecided(error: Exception) -> str:
    problem = getattr(error, "problem", "")  # of our own errors, read without importing them
    said = f"The guard could not judge this ({problem or type(error).__name__})"
    return f"{said}; `agentops-mcp doctor` says what is wrong."


def watch(give_up: Callable[[], str | None], deadline_s: float, leave: Callable[[int], object]) -> None:
    """Wait for the deadline; if there is no answer by then, give one and end the process with `leave`."""
    time.sleep(deadline_s)
    if (said := give_up()) is not None:
        leave(_print(said))


def _print(said: str) -> int:
    try:
        if said:
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
    except (OSError, ValueError):  # nobody reads: the exit code is all that is left to say it with
        return BLOCKED
    return 0
