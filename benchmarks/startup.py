"""How long a client waits for the tools of a server it starts, and the memory that costs, beside a bare server.

From process start to the reply to the first tools/list, over stdio, in both protocol eras; once in a project without
a ledger and once in one with 200 entries. Ours and the bare server take turns.
"""

import sys
import time
from dataclasses import dataclass, field

from measuring import (
    BARE_SERVER,
    ERAS,
    Era,
    Figure,
    Place,
    RawClient,
    arguments,
    our_server,
    paired,
    report,
    resident_mib,
    temporary_place,
)  # fmt: skip

START_BAR = 1.25
MEMORY_BAR = 1.4
ENTRIES = 200


@dataclass(slots=True)
class Samples:
    """What one kind of server showed, start by start."""

    wall_s: list[float] = field(default_factory=list[float])
    processor_s: list[float] = field(default_factory=list[float])

    def start(self, command: tuple[str, ...], place: Place, era: Era) -> None:
        """Start it once more, until it has listed its tools."""
        started = time.perf_counter()
        client = RawClient(command, place, era)
        client.handshake()
        client.ask("tools/list")
        self.wall_s.append(time.perf_counter() - started)
        self.processor_s.append(client.kill())


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__, runs=15)
    figures: list[Figure] = []
    with temporary_place() as fresh, temporary_place() as used:
        fill(used)
        for era in ERAS:
            for name, place in (("no ledger", fresh), (f"{ENTRIES} entries", used)):
                figures += starts(f"{era}, {name}", place, era, options.runs)
        figures += memory(used, max(3, options.runs // 5))
    return report(figures, as_json=options.json)


def starts(name: str, place: Place, era: Era, runs: int) -> list[Figure]:
    """Both servers, started in turns that swap places each round."""
    ours, bare = Samples(), Samples()
    turns = [(ours, our_server()), (bare, BARE_SERVER)]
    for kind, command in turns:  # the first start of each fills the machine's caches, and is not counted
        Samples().start(command, place, era)
        del kind
    for number in range(runs):
        for kind, command in turns if number % 2 else reversed(turns):
            kind.start(command, place, era)
    return [
        paired(f"start, {name}", ours.wall_s, bare.wall_s, unit="s", bar=START_BAR),
        paired(f"start, {name}: processor time", ours.processor_s, bare.processor_s, unit="s"),
    ]


def memory(place: Place, runs: int) -> list[Figure]:
    """Resident memory after the tools are listed and the server has warmed up, and after the first calls."""
    listed: list[float] = []
    worked: list[float] = []
    bare: list[float] = []
    for _ in range(runs):
        with RawClient(our_server(), place, "legacy") as client:
            client.handshake()
            client.ask("tools/list")
            listed.append(settled_mib(client.pid))
            client.call("start_session", goal="Measure the memory of a session")
            client.read("agentops://entries/recent")
            worked.append(settled_mib(client.pid))
        with RawClient(BARE_SERVER, place, "legacy") as client:
            client.handshake()
            client.ask("tools/list")
            bare.append(settled_mib(client.pid))
    return [
        paired("memory before the first call", listed, bare, unit="MiB", bar=MEMORY_BAR),
        paired("memory after start_session and a read", worked, bare, unit="MiB", bar=MEMORY_BAR),
    ]


def settled_mib(pid: int) -> float:
    """Resident memory once it has stopped growing: the server warms up in the background after its first listing."""
    before, now = 0.0, resident_mib(pid)
    while now - before > 0.2:
        time.sleep(1.0)
        before, now = now, resident_mib(pid)
    return now


def fill(place: Place) -> None:
    """Record entries as an agent would."""
    with RawClient(our_server(), place, "legacy") as client:
        client.handshake()
        for number in range(ENTRIES):
            client.call(
                "record_entry",
                kind="decision",
                action=f"Chose retry limit {number} for the queue of part {number % 10}",
                context=f"Run {number} of the load test lost {number % 7} messages under restart.",
                solution=f"Bounded retries with jitter, limit {number}",
                learning="Unbounded retries hide an outage behind growing queues.",
                impact=f"lost messages {number % 7} -> 0",
                tags=["queue", f"part{number % 10}"],
                files=[f"src/part{number % 10}/module_{number}.py"],
            )


if __name__ == "__main__":
    sys.exit(main())
