"""A process in which ten people decide about one request at the same moment. Run as a script by test_approval_crash.

Usage: python approval_racer.py PROJECT ID FIRST
Prints `ready`, waits for a line, and prints a line of JSON for each person: who, which decision, and what came of it.
"""

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agentops_mcp.app import App
from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules.standing import DECISIONS

THREADS = 10


def main() -> None:
    """Decide when told."""
    project, approval, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with App(project, environment=os.environ) as app:
        requests = app.approving().requests
        digest = requests.standing(approval).request.digest
        together = threading.Barrier(THREADS)

        def decide(number: int) -> dict[str, Any]:
            decision, by = DECISIONS[number % len(DECISIONS)], f"person {number}"
            together.wait()
            try:
                requests.decide(
                    approval, decision, by=by, digest=digest, feedback="As I say.", actor=Actor("page", by, "page")
                )
            except AgentOpsError as error:
                return {"by": by, "decision": decision, "refused": error.problem}
            return {"by": by, "decision": decision, "refused": None}

        print("ready", flush=True)
        sys.stdin.readline()
        with ThreadPoolExecutor(THREADS) as pool:
            for told in pool.map(decide, range(first, first + THREADS)):
                print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
