"""What a call costs over stdio: reads and durable writes beside an echo tool on the bare SDK, and this disk's fsync.

One process each, called in turn in the same run, by a raw client in both protocol eras and by the SDK's own client.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from measuring import (
    BARE_SERVER,
    ERAS,
    Era,
    Figure,
    Place,
    RawClient,
    arguments,
    fsync_s,
    of_medians,
    our_server,
    percentile,
    report,
    temporary_place,
)  # fmt: skip

READ_BAR, WRITE_BAR = 2.0, 3.0
READS = ("read one entry", "read recent entries")
WRITES = ("record_entry", "record_entry citing a file")
# Before each write: a disk that is being throttled makes both wait.
FSYNCS = ("fsync", "fsync again")
# Just after a change, time stamps prove nothing and git is asked; what is measured is an agent that has been reading.
SETTLING_S = 3.0

Samples = dict[str, list[float]]
CallTool = Callable[[str, dict[str, Any]], Awaitable[Any]]
Read = Callable[[str], Awaitable[Any]]


def main() -> int:
    """Measure and report."""
    options = arguments(__doc__, runs=200)
    figures: list[Figure] = []
    notes: list[str] = []
    with temporary_place() as place:
        for name, samples in asyncio.run(measure(place, options.runs)).items():
            figures += compare(name, samples)
            notes += describe(name, samples)
    return report(figures, notes=notes, as_json=options.json)


async def measure(place: Place, rounds: int) -> dict[str, Samples]:
    """The samples of every kind of client."""
    found: dict[str, Samples] = {}
    for era in ERAS:
        async with raw(BARE_SERVER, place, era) as (echo, _), raw(our_server(), place, era) as (call, read):
            found[f"raw, {era}"] = await take_turns(place, rounds, echo, call, read)
    async with sdk(BARE_SERVER, place) as (echo, _), sdk(our_server(), place) as (call, read):
        found["SDK client"] = await take_turns(place, rounds, echo, call, read)
    return found


@asynccontextmanager
async def raw(command: Sequence[str], place: Place, era: Era) -> AsyncGenerator[tuple[CallTool, Read]]:
    """A server behind pipes."""
    with RawClient(command, place, era) as client:
        client.handshake()
        client.ask("tools/list")

        async def call(tool: str, given: dict[str, Any]) -> Any:
            return client.call(tool, **given).get("structuredContent")

        async def read(uri: str) -> Any:
            return client.read(uri)

        yield call, read


@asynccontextmanager
async def sdk(command: Sequence[str], place: Place) -> AsyncGenerator[tuple[CallTool, Read]]:
    """A server behind the SDK's client."""
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(command=command[0], args=list(command[1:]), cwd=place.project, env=place.environment)
    async with Client(server) as client:

        async def call(tool: str, given: dict[str, Any]) -> Any:
            result = await client.call_tool(tool, given)
            assert not result.is_error, result
            return result.structured_content

        yield call, client.read_resource


async def take_turns(place: Place, rounds: int, echo: CallTool, call: CallTool, read: Read) -> Samples:
    """Each kind of call once a round, after rounds that only warm up; seconds."""
    first = await call("record_entry", entry(0))
    uri = f"agentops://entry/{first['id']}"
    samples: Samples = {name: [] for name in ("echo", *READS, *WRITES, *FSYNCS)}

    async def fsync() -> None:
        fsync_s(place.project / ".git")

    async def one_round(number: int) -> None:
        file = f"src/part0/module_{number % 20}0.py"
        turns = {
            "echo": lambda: echo("echo", {"text": f"message {number}"}),
            READS[0]: lambda: read(uri),
            READS[1]: lambda: read("agentops://entries/recent"),
            FSYNCS[0]: fsync,
            WRITES[0]: lambda: call("record_entry", entry(number)),
            FSYNCS[1]: fsync,
            WRITES[1]: lambda: call("record_entry", {**entry(number), "files": [file]}),
        }
        for name, turn in turns.items():
            started = time.perf_counter()
            await turn()
            samples[name].append(time.perf_counter() - started)

    warm_at = time.monotonic() + SETTLING_S
    while time.monotonic() < warm_at:
        await one_round(0)
    for taken in samples.values():
        taken.clear()
    for number in range(rounds):
        await one_round(number)
    return samples


def compare(client: str, samples: Samples) -> list[Figure]:
    """Medians against the echo tool's; for a write, what is left without one fsync."""
    echo = samples["echo"]
    reads = [of_medians(f"{name} ({client})", samples[name], echo, bar=READ_BAR) for name in READS]
    return reads + [
        of_medians(f"{name} - fsync ({client})", samples[name], echo, less=samples[fsync], bar=WRITE_BAR)
        for name, fsync in zip(WRITES, FSYNCS, strict=True)
    ]


def describe(client: str, samples: Samples) -> list[str]:
    """Percentiles in milliseconds."""
    lines = [f"{client}: milliseconds, p50 / p95 / p99"]
    for name, taken in samples.items():
        p50, p95, p99 = (percentile(taken, percent) * 1000 for percent in (50, 95, 99))
        lines.append(f"  {name:<28} {p50:7.2f} / {p95:7.2f} / {p99:7.2f}")
    return lines


def entry(number: int) -> dict[str, Any]:
    """An entry as an agent would write it."""
    return {
        "kind": "decision",
        "action": f"Chose retry limit {number} for the queue of part {number % 10}",
        "context": f"Run {number} of the load test lost {number % 7} messages under restart.",
        "solution": f"Bounded retries with jitter, limit {number}, in worker {number % 13}",
        "learning": f"Unbounded retries hide an outage of consumer {number % 17} behind growing queues.",
        "impact": f"lost messages {number % 7} -> 0",
        "tags": ["queue", f"part{number % 10}"],
    }


if __name__ == "__main__":
    sys.exit(main())
