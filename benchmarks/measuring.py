"""What the benchmarks share: a project to work in, a raw MCP client, and the figures they print."""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

Era = Literal["legacy", "modern"]
ERAS: tuple[Era, ...] = ("legacy", "modern")

BARE_SERVER = (sys.executable, str(Path(__file__).with_name("bare_server.py")))

_CLIENT = {"name": "benchmark", "version": "1"}
_LEGACY_VERSION, _MODERN_VERSION = "2025-11-25", "2026-07-28"
_MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": _MODERN_VERSION,
    "io.modelcontextprotocol/clientInfo": _CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}


_BLOCK_ROUNDS = 20


def our_server() -> tuple[str, ...]:
    """The command a client's configuration names: the installed console script, beside this interpreter."""
    script = Path(sys.executable).with_name("agentops-mcp")
    found = str(script) if script.exists() else shutil.which("agentops-mcp")
    if found is None:
        raise SystemExit("agentops-mcp is not installed for this interpreter; `make` any target first.")
    return found, "serve"


@dataclass(frozen=True, slots=True)
class Place:
    """A git repository with 200 files and one commit, and an environment that knows nothing of the user's own."""

    project: Path
    environment: dict[str, str]


@contextmanager
def temporary_place(files: int = 200) -> Generator[Place]:
    """A place that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="agentops-benchmark-", ignore_cleanup_errors=True) as name:
        root = Path(name).resolve()
        project = root / "project"
        home = root / "home"
        home.mkdir()
        kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "TMPDIR", "LANG")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {"HOME": str(home), "USERPROFILE": str(home), "GIT_CONFIG_GLOBAL": os.devnull}
        for number in range(files):
            path = project / f"src/part{number % 10}/module_{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"def step_{number}():\n    return {number}\n" * 20, encoding="utf-8")
        git = ["git", "-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org"]
        for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "first"]):
            subprocess.run([*git, *arguments], cwd=project, env=environment, check=True)
        yield Place(project, environment)


class RawClient:
    """Newline-delimited JSON-RPC to a server over pipes, so that the SDK's client is no part of what is measured."""

    def __init__(self, command: Sequence[str], place: Place, era: Era) -> None:
        self._era = era
        self._next_id = 0
        self._process = subprocess.Popen(
            command, cwd=place.project, env=place.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def handshake(self) -> None:
        """Open the conversation as clients of this era do."""
        if self._era == "modern":
            self.ask("server/discover")
            return
        self.ask("initialize", protocolVersion=_LEGACY_VERSION, capabilities={}, clientInfo=_CLIENT)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a request and wait for its result."""
        self._next_id += 1
        if self._era == "modern":
            params["_meta"] = _MODERN_META
        self._send({"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": params})
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            answer = json.loads(line)
            if answer.get("id") != self._next_id:
                continue
            if "error" in answer or answer["result"].get("isError"):
                raise RuntimeError(f"{method} failed: {line.decode()}")
            return answer["result"]
        raise RuntimeError(f"The server ended during {method}.")

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool."""
        return self.ask("tools/call", name=tool, arguments=arguments)

    def read(self, uri: str) -> dict[str, Any]:
        """Read a resource."""
        return self.ask("resources/read", uri=uri)

    def close(self) -> None:
        """Hang up, and stop the server if it does not end by itself."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> float:
        """Stop the server this instant; the processor time it had used, in seconds (0 where it cannot be told)."""
        if not hasattr(os, "wait4"):
            self._process.kill()
            self._process.wait()
            return 0.0
        self._process.send_signal(signal.SIGKILL)
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_utime + usage.ru_stime

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        self._process.stdin.flush()


def resident_mib(pid: int) -> float:
    """The resident memory of a process."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    done = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True, text=True)
    return int(done.stdout) / 1024


def fsync_s(folder: Path) -> float:
    """How long one append of 4 KiB and its fsync take here, now."""
    with (folder / "fsync.probe").open("ab", buffering=0) as file:
        started = time.perf_counter()
        file.write(b"\0" * 4096)
        os.fsync(file.fileno())
        return time.perf_counter() - started


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a report: paired samples of ours and of the baseline in the same unit, and the bar, if there is one.

    `value` is what the bar is held against; `low` and `high` are its quartiles over the pairs.
    """

    name: str
    n: int
    ours: float
    baseline: float
    unit: str
    value: float
    low: float
    high: float
    bar: float | None

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.bar is None or self.value <= self.bar


def paired(
    name: str, ours: Sequence[float], baseline: Sequence[float], *, unit: str, bar: float | None = None
) -> Figure:
    """The median of the ratios of samples that were taken side by side."""
    ratios = sorted(mine / theirs for mine, theirs in zip(ours, baseline, strict=True))
    low, value, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return Figure(name, len(ratios), statistics.median(ours), statistics.median(baseline), unit, value, low, high, bar)


def of_medians(
    name: str,
    ours: Sequence[float],
    baseline: Sequence[float],
    *,
    less: Sequence[float] | None = None,
    bar: float | None = None,
) -> Figure:
    """The ratio of the medians of interleaved samples in seconds; from ours, the median of `less` is taken away first.

    Its quartiles are over blocks of consecutive rounds.
    """
    paid = less or [0.0] * len(ours)

    def ratio(part: slice) -> float:
        return (statistics.median(ours[part]) - statistics.median(paid[part])) / statistics.median(baseline[part])

    starts = range(0, max(1, len(ours) - _BLOCK_ROUNDS + 1), _BLOCK_ROUNDS)
    blocks = [ratio(slice(start, start + _BLOCK_ROUNDS)) for start in starts]
    low, _, high = statistics.quantiles(blocks, n=4) if len(blocks) > 1 else blocks * 3
    mine, theirs = (statistics.median(each) * 1000 for each in (ours, baseline))
    return Figure(name, len(ours), mine, theirs, "ms", ratio(slice(None)), low, high, bar)


def percentile(samples: Sequence[float], percent: int) -> float:
    """A percentile of at least two samples."""
    return statistics.quantiles(samples, n=100, method="inclusive")[percent - 1]


def arguments(description: str | None, *, runs: int, **extra: str) -> argparse.Namespace:
    """The options every benchmark has, and text options by name and help."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=int, default=runs, help=f"interleaved rounds (default: {runs})")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    for name, text in extra.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=text)
    return parser.parse_args()


def report(figures: Sequence[Figure], *, notes: Sequence[str] = (), as_json: bool) -> int:
    """Print the figures; the exit code is 1 when a bar is missed."""
    if as_json:
        print(json.dumps({"figures": [{**asdict(each), "met": each.met} for each in figures], "notes": list(notes)}))
    else:
        for each in figures:
            bar = "" if each.bar is None else f"  bar {each.bar:.2f}: {'met' if each.met else 'MISSED'}"
            print(
                f"{each.name:<44} {each.ours:9.3f} / {each.baseline:9.3f} {each.unit:<3}"
                f" = {each.value:5.2f} x [{each.low:.2f} to {each.high:.2f}], n = {each.n}{bar}"
            )
        for note in notes:
            print(note)
    return 0 if all(each.met for each in figures) else 1
