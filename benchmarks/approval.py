"""How long a person and an agent wait for each other, and what 10,000 requests that nobody decided do to it.

From the call of `request_approval` to the page on which it can be read: an open page is told by its stream of changes
and fetched again, as a browser does. From the press of a button to the reply of `check_approval`, which waits in a
server of its own. Then the page and the list with many requests. Real processes, over stdio and HTTP.
"""

import argparse
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from approval_page import Browser, Listener, hidden_fields, open_page
from measuring import Place, RawClient, our_server, percentile, temporary_place

from agentops_mcp.app import App
from agentops_mcp.core.ids import new_id
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.approval.rules import proposals, subjects
from agentops_mcp.factors.approval.store import request_events as events

VISIBLE_BAR_MS = 300.0
REPLY_BAR_MS = 300.0
LIST_BAR_MS = 200.0
PENDING = 10_000
BATCH = 500
WARM_UP = 5
WAIT_S = 45
ACTOR = Actor("benchmark 1", "benchmark", "mcp")
WORDS: Mapping[str, Any] = {
    "changes": "The notes of one year are deleted",
    "rollback": "Restore them from the backup of the night",
    "impact": {"files": 12, "services": [], "cost": "none", "level": "medium"},
    "alternatives": ["Archive them: keeps the cost"],
    "risks": ["Somebody may still read them"],
}


@dataclass(frozen=True, slots=True)
class Measured:
    """The 95th percentile of `n` samples in milliseconds, beside their median and maximum, and the bar, if any."""

    name: str
    n: int
    p50: float
    p95: float
    longest: float
    bar: float | None

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.bar is None or self.p95 <= self.bar


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60, help="samples of each figure (default: 60)")
    parser.add_argument("--pending", type=int, default=PENDING, help=f"open requests (default: {PENDING:,})")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    figures: list[Measured] = []
    with temporary_place() as place:
        with open_page(place) as browser, RawClient(our_server(), place, "modern") as agent:
            agent.handshake()
            figures += waiting(browser, agent, options.runs)
        filled_s = fill(place, options.pending)
        print(f"{options.pending:,} requests made in {filled_s:.1f} s", file=sys.stderr, flush=True)
        with open_page(place) as browser, RawClient(our_server(), place, "modern") as agent:
            agent.handshake()
            figures += listing(place, browser, options.runs, options.pending)
            figures += waiting(browser, agent, options.runs, beside=options.pending)
    return report(figures, as_json=options.json)


def waiting(browser: Browser, agent: RawClient, runs: int, *, beside: int = 0) -> list[Measured]:
    """Both ways: a request until it can be read, and a decision until the agent has it.

    Beside many that are open a new one is on the first page of the history, and not of what waits longest.
    """
    listener = Listener(browser)
    visible_ms: list[float] = []
    reply_ms: list[float] = []
    for number in range(runs + WARM_UP):
        path = "/history" if beside else "/"
        visible, approval = until_visible(browser, listener, agent, f"{beside}-{number}", path)
        visible_ms.append(visible)
        reply_ms.append(until_replied(browser, agent, approval))
    open_ones = f", {beside:,} open" if beside else ""
    return [
        of_samples(f"request to visible on an open page{open_ones}", visible_ms[WARM_UP:], VISIBLE_BAR_MS),
        of_samples(f"decision to a waiting agent's reply{open_ones}", reply_ms[WARM_UP:], REPLY_BAR_MS),
    ]


def until_visible(browser: Browser, listener: Listener, agent: RawClient, name: str, path: str) -> tuple[float, str]:
    """Milliseconds from the agent's call until the page has the request; and its id."""
    summary = f"Remove the notes of the year {name}"
    answers: list[dict[str, Any]] = []

    def ask() -> None:
        action = f"rm -rf notes/{name}"
        answers.append(agent.call("request_approval", kind="shell", action=action, summary=summary, **WORDS))

    listener.changed.clear()
    asking = threading.Thread(target=ask)
    begun = time.perf_counter()
    asking.start()
    while True:
        if not listener.changed.wait(timeout=WAIT_S):
            raise RuntimeError("The page was not told of a request.")
        listener.changed.clear()
        if summary in browser.get(path):
            break
    took = time.perf_counter() - begun
    asking.join()
    return took * 1_000, id_of(answers[0])


def until_replied(browser: Browser, agent: RawClient, approval: str) -> float:
    """Milliseconds from pressing the button until `check_approval`, which waits, has answered."""
    form = hidden_fields(browser.get(f"/r/{approval}"))
    ended: list[float] = []

    def check() -> None:
        answer = agent.call("check_approval", id=approval, wait_s=WAIT_S)
        ended.append(time.perf_counter())
        if not text_of(answer).startswith("APPROVED"):
            raise RuntimeError(text_of(answer))

    checking = threading.Thread(target=check)
    checking.start()
    time.sleep(random.uniform(0.2, 1.2))  # whenever a person happens to press it
    begun = time.perf_counter()
    browser.send(f"/r/{approval}/decide", {**form, "decision": "approve"})
    checking.join()
    return (ended[0] - begun) * 1_000


def listing(place: Place, browser: Browser, runs: int, pending: int) -> list[Measured]:
    """The page and the list of open requests; and the whole command, for which there is no bar."""
    with App(place.project, environment=place.environment) as app:
        requests = app.approving().requests
        figures = [
            sampled(f"page /, {pending:,} open", lambda: browser.get("/"), runs, LIST_BAR_MS),
            sampled(f"list of open requests, {pending:,} open", requests.open, runs, LIST_BAR_MS),
            sampled(f"page /history, {pending:,} open", lambda: browser.get("/history"), runs, None),
        ]
    command = (our_server()[0], "approvals")

    def whole() -> None:
        subprocess.run(command, cwd=place.project, env=place.environment, check=True, stdout=subprocess.DEVNULL)

    return [*figures, sampled("agentops-mcp approvals, the whole process", whole, max(10, runs // 3), None)]


def sampled(name: str, act: Callable[[], object], runs: int, bar: float | None) -> Measured:
    """How long something takes, after it was done a few times."""
    taken: list[float] = []
    for _ in range(runs + WARM_UP):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1_000)
    return of_samples(name, taken[WARM_UP:], bar)


def of_samples(name: str, samples: Sequence[float], bar: float | None) -> Measured:
    """The percentiles of some samples."""
    return Measured(
        name, len(samples), percentile(samples, 50), percentile(samples, 95), max(samples), bar
    )  # fmt: skip


def fill(place: Place, count: int) -> float:
    """Make open requests, each for another action, through the ledger itself; the seconds that took."""
    begun = time.perf_counter()
    with App(place.project, environment=place.environment) as app:
        found = app.approving().subject("shell", "rm -rf notes", session=None, actor=ACTOR)
        for start in range(0, count, BATCH):
            numbers = range(start, min(start + BATCH, count))
            app.parts.ledger.append(
                [each for number in numbers for each in events.requested(request(found, number))], actor=ACTOR
            )
        app.settle()
    return time.perf_counter() - begun


def request(found: subjects.Subject, number: int) -> events.Request:
    """One of many requests."""
    subject = replace(found, text=f"rm -rf notes/{number}", action=f"action/{number:064x}")
    proposal = proposals.checked({**WORDS, "summary": f"Remove the notes numbered {number}"})
    who, now = "agent benchmark of benchmark", datetime.now(UTC)
    return events.Request(
        new_id(), subject, proposal, subjects.binding(subject, requester=who, session=None), "client", "required",
        who, None, now, now + timedelta(hours=4), now + timedelta(hours=24),
    )  # fmt: skip


def text_of(answer: Mapping[str, Any]) -> str:
    """What a tool said."""
    return "\n".join(block["text"] for block in answer["content"] if block["type"] == "text")


def id_of(answer: Mapping[str, Any]) -> str:
    """The id in the first line of what `request_approval` said."""
    return text_of(answer).split("\n", 1)[0].split()[1].strip(".:,")


def report(figures: Sequence[Measured], *, as_json: bool) -> int:
    """Print the figures; the exit code is 1 when a bar is missed."""
    if as_json:
        print(json.dumps({"figures": [{**asdict(each), "met": each.met} for each in figures]}))
    else:
        for each in figures:
            bar = "" if each.bar is None else f"  bar {each.bar:.0f}: {'met' if each.met else 'MISSED'}"
            print(
                f"{each.name:<62} p50 {each.p50:7.1f}, p95 {each.p95:7.1f}, longest {each.longest:7.1f} ms,"
                f" n = {each.n}{bar}"
            )
    return 0 if all(each.met for each in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
