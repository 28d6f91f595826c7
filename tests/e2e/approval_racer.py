"""A process in which ten threads decide about one request, or use one approval, at the same moment.

Usage: python approval_racer.py decide|use PROJECT ID FIRST
Prints `ready`, waits for a line, and prints a line of JSON for each thread: who, what it did, and why it was refused.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agentops_mcp.app import App
from agentops_mcp.approving import Approving
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules.standing import DECISIONS
from agentops_mcp.storage.project import current_user

THREADS = 10
AGENT = "asking-client 1.0"
"""Who asked, and who alone can use the approval."""


def decider(approving: Approving, approval: str) -> Callable[[int], dict[str, Any]]:
    """What each of the people does: the decisions differ."""
    digest = approving.requests.standing(approval).request.digest

    def decide(number: int) -> dict[str, Any]:
        decision, by = DECISIONS[number % len(DECISIONS)], f"person {number}"
        try:
            approving.requests.decide(
                approval, decision, by=by, digest=digest, feedback="As I say.", actor=Actor("page", by, "page")
            )
        except AgentOpsError as error:
            return {"by": by, "did": decision, "refused": error.problem}
        return {"by": by, "did": decision, "refused": None}

    return decide


def user(approving: Approving, approval: str) -> Callable[[int], dict[str, Any]]:
    """What each of the agent's threads does: the very action that was approved."""
    actor = Actor(AGENT, current_user(), "mcp")
    shown = approving.requests.standing(approval).request.subject
    subject = approving.subject(shown.kind, shown.text, session=None, actor=actor)

    def use(number: int) -> dict[str, Any]:
        used = approving.requests.use(approval, subject, session=None, actor=actor)
        return {"by": f"thread {number}", "did": "use", "refused": None if used.accepted else used.reason}

    return use


def main() -> None:
    """Do it when told."""
    what, project, approval, first = sys.argv[1:]
    with App(Path(project), environment=os.environ) as app:
        run = {"decide": decider, "use": user}[what](app.approving(), approval)
        together = threading.Barrier(THREADS)

        def race(number: int) -> dict[str, Any]:
            together.wait()
            return run(number)

        print("ready", flush=True)
        sys.stdin.readline()
        with ThreadPoolExecutor(THREADS) as pool:
            for told in pool.map(race, range(int(first), int(first) + THREADS)):
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
