"""One process that opens a repository and asks for context; prints what that took as JSON.

Usage: python benchmarks/context_first.py FOLDER CACHE once|stay TASK …   (with `stay`: a task for each answer)
"""

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path

from agentops_mcp.app import open_contexts
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.storage.project import Variable, locate


def main() -> None:
    """Ask, and with `stay` ask again at once, and once more when the work in the background has ended."""
    folder, cache, how, *tasks = sys.argv[1:]
    contexts = open_contexts(locate(Path(folder), {**os.environ, Variable.DATA_DIR: cache}), None)
    answers: list[float] = []
    pending = 0
    for number, task in enumerate(tasks):
        if number == len(tasks) - 1 and how == "stay":
            for thread in threading.enumerate():
                if thread.name == "context-index":
                    thread.join()
        begun = time.perf_counter()
        answer = contexts.load(Request(task=task, include=("code",)))
        answers.append(time.perf_counter() - begun)
        if number == 0 and answer.ranked:
            pending = answer.ranked.indexed.pending
    print(json.dumps({"answers_s": answers, "pending": pending, "peak_mb": _peak_mb()}), flush=True)


def _peak_mb() -> float:
    """The most memory this process had; on Linux from the kernel, as a new process inherits its parent's maximum."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    main()
