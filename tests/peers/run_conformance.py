"""Run the official MCP conformance suite against this project's server, in both protocol eras.

Usage: python tests/peers/run_conformance.py

Every server scenario of each protocol version runs against our server factory with the suite's fixtures added
(conformance_app.py); the scenarios that need no fixture also run against the server as it is shipped. Prints a line
per scenario and ends with 1 when a check fails, or when fewer scenarios or checks ran than are pinned here.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import node
import processes

_SUITE_TIMEOUT_S = 300
_SCENARIO_TIMEOUT_MS = 30_000
_RESULT_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")

_GENERIC_2025 = (
    "server-initialize",
    "server-session-lifecycle",
    "ping",
    "completion-complete",
    "tools-list",
    "resources-list",
    "prompts-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
)
_GENERIC_2026 = (
    "server-stateless",
    "completion-complete",
    "tools-list",
    "resources-list",
    "prompts-list",
    "sep-2164-resource-not-found",
    "dns-rebinding-protection",
    "caching",
    "http-header-validation",
    "server-sse-multiple-streams",
    "input-required-result-unsupported-methods",
    # These name a fixture tool: without it they show only that a question nobody asked is refused.
    "input-required-result-missing-input-response",
    "input-required-result-ignore-extra-params",
    "input-required-result-validate-input",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One protocol version against one server: what is judged, and how much of it there must be."""

    version: str
    subject: str
    minimum_scenarios: int
    minimum_checks: int
    only: tuple[str, ...] | None = None


RUNS = (
    Run("2025-06-18", "with fixtures", 27, 56),
    Run("2025-11-25", "with fixtures", 33, 84),
    Run("2026-07-28", "with fixtures", 40, 152),
    Run("2025-11-25", "as shipped", len(_GENERIC_2025), 21, _GENERIC_2025),
    Run("2026-07-28", "as shipped", len(_GENERIC_2026), 70, _GENERIC_2026),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """The checks of one or more scenarios.

    `untestable` checks are those of which the suite itself says that they need a fixture that is not there.
    """

    passed: int = 0
    total: int = 0
    untestable: int = 0
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.passed + other.passed,
            self.total + other.total,
            self.untestable + other.untestable,
            self.problems + other.problems,
            self.warnings + other.warnings,
        )

    def __str__(self) -> str:
        return f"{self.passed}/{self.total} checks passed" + "".join(
            f", {count} {what}"
            for count, what in ((len(self.warnings), "warned"), (self.untestable, "need a fixture"))
            if count
        )


def tally(checks: Sequence[Mapping[str, Any]], *, fixtures_present: bool) -> Tally:
    """Count one scenario's checks.

    With fixtures anything but a success counts against us. Without them the suite's own verdict holds: a warning
    does not fail a scenario, and what could not be tested is not counted.
    """
    total = Tally()
    for check in checks:
        status = check["status"]
        text = f"{status} {check['id']}: {check.get('errorMessage', 'no reason given')}"
        if status == "INFO":  # a note on the traffic, not a verdict
            continue
        if status == "SUCCESS":
            total += Tally(passed=1, total=1)
        elif fixtures_present:
            total += Tally(total=1, problems=(text,))
        elif _is_untestable(check):
            total += Tally(untestable=1)
        elif status == "FAILURE":
            total += Tally(total=1, problems=(text,))
        else:
            total += Tally(warnings=(text,))
    return total


def _is_untestable(check: Mapping[str, Any]) -> bool:
    details: Mapping[str, Any] = check.get("details") or {}
    return details.get("untestable") is True


def run_suite(run: Run, url: str, place: processes.Place) -> dict[str, Tally]:
    """Run every scenario of one version and return the tallies by scenario, in the order they ran.

    Raises:
        PeerError: the suite did not finish in time or wrote no results.
    """
    results = place.root / f"results-{run.version}-{run.subject.replace(' ', '-')}"
    command = [
        node.node_binary(), node.CONFORMANCE, "server", "--url", url, "--suite", "all",
        "--spec-version", run.version, "--timeout", str(_SCENARIO_TIMEOUT_MS), "--output-dir", results,
    ]  # fmt: skip
    try:
        suite = subprocess.run(
            command, cwd=place.root, env=place.environment, capture_output=True, timeout=_SUITE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise processes.PeerError(f"The suite took longer than {_SUITE_TIMEOUT_S} s.") from error
    written = sorted(results.glob("*/checks.json"), key=lambda path: path.stat().st_mtime_ns)
    if not written:
        raise processes.PeerError(f"The suite wrote no results:\n{suite.stderr.decode(errors='replace')}")
    tallies: dict[str, Tally] = {}
    for path in written:
        named = _RESULT_FOLDER.fullmatch(path.parent.name)
        scenario = named["scenario"] if named else path.parent.name
        checks = json.loads(path.read_text(encoding="utf-8"))
        tallies[scenario] = tallies.get(scenario, Tally()) + tally(checks, fixtures_present=run.only is None)
    return tallies


def report(run: Run, tallies: Mapping[str, Tally]) -> Tally:
    """Print one line per judged scenario and the total; return the total, with too small a total as a problem."""
    judged = {name: tallies[name] for name in run.only or tallies if name in tallies}
    for name, one in judged.items():
        print(f"  {'FAIL' if one.problems else 'ok  '} {name}: {one}", flush=True)
        for text in one.problems + one.warnings:
            print(f"       {text}", flush=True)
    total = sum(judged.values(), Tally())
    print(f"{run.version} {run.subject}: {len(judged)} scenarios, {total}", flush=True)
    if len(judged) < run.minimum_scenarios or total.total < run.minimum_checks:
        problem = f"fewer than {run.minimum_scenarios} scenarios or {run.minimum_checks} checks ran"
        print(f"  FAIL {problem}", flush=True)
        total += Tally(problems=(problem,))
    return total


def judge(run: Run) -> Tally:
    """Start the server of one run, put the suite on it, and report.

    Raises:
        PeerError: the server or the suite did not do its part.
    """
    print(f"{run.version} {run.subject} …", flush=True)
    port = processes.free_port()
    with processes.private_place() as place, processes.serving(_command(run, port), place, port=port) as log:
        total = report(run, run_suite(run, f"http://127.0.0.1:{port}/mcp", place))
        if total.problems:
            print(f"  the end of the server's log:{processes.tail(log)}", flush=True)
        return total


def _command(run: Run, port: int) -> list[str]:
    if run.only is None:
        return [sys.executable, str(node.PEERS / "conformance_app.py"), str(port)]
    return [sys.executable, "-m", "agentops_mcp", "serve", "--http", f"127.0.0.1:{port}"]


def main() -> int:
    """Run everything, even after a failure, so that one run shows the whole state."""
    processes.stop_cleanly_when_told()
    began = time.monotonic()
    total = Tally()
    for run in RUNS:
        try:
            node.require_modules()
            total += judge(run)
        except (node.PeersError, processes.PeerError) as error:
            print(f"  FAIL {error}", flush=True)
            total += Tally(problems=(str(error),))
    verdict = "FAILED" if total.problems else "passed"
    print(f"conformance {verdict}: {total}; {len(RUNS)} runs, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if total.problems else 0


if __name__ == "__main__":
    sys.exit(main())
