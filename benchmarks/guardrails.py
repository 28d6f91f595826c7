"""How well the guard tells what destroys from what does not, and how fast.

Each FILE is JSON Lines. Rows with the label `allow`, `ask` or `deny` are shell commands, in a project of which nothing
is known; their `class` is the effect, their `kind` tells everyday commands from look-alikes. Rows labelled `secret` or
`injection`, and `clean` beside them, are texts. Nothing is ever run.

    python benchmarks/guardrails.py commands.jsonl [--missed] [--hostile]
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from agentops_mcp.core.redaction import find_secrets
from agentops_mcp.core.screening import suspicions
from agentops_mcp.factors.guardrails.rules.actions import Action, check
from agentops_mcp.factors.guardrails.rules.packs import compiled, policy_of
from agentops_mcp.factors.guardrails.rules.verdicts import Policy
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere
from agentops_mcp.storage.policy_files import builtin_tables

TO_DENY = {"fs_delete", "git", "exec_remote", "secret_access_exfil"}
"""The classes of which what is labelled `deny` is to be denied."""
NOW = "2026-01-01T00:00:00+00:00"
Row = dict[str, Any]


def main() -> int:
    """Measure and print."""
    options = _options()
    policy = policy_of(compiled(builtin_tables()))
    for path in options.files:
        rows = list(_rows(path))
        labels = {row["label"] for row in rows}
        print(f"\n{path.name}, n = {len(rows)}")
        if labels <= {"allow", "ask", "deny"}:
            _commands(rows, policy, show=options.missed)
        else:
            _texts(rows, _flags(labels), show=options.missed)
    if options.hostile:
        _hostile(policy)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--missed", action="store_true", help="print every row that was judged wrongly")
    parser.add_argument("--hostile", action="store_true", help="time inputs made to be slow")
    return parser.parse_args()


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def decide(text: str, policy: Policy) -> tuple[str, list[str]]:
    """The decision on a command and the ids of the rules that fired."""
    world = Anywhere()
    verdict = check(Action("shell", {"command": text}), policy, world, world.project, NOW)
    return verdict.decision, list(dict.fromkeys(each.rule.id for each in verdict.findings))


def _commands(rows: list[Row], policy: Policy, *, show: bool) -> None:
    for row in rows[:50]:
        decide(row["text"], policy)  # what is loaded at first use is not timed
    by_class: dict[str, Counter[str]] = defaultdict(Counter)
    times: list[float] = []
    for row in rows:
        begun = time.perf_counter()
        decision, rules = decide(row["text"], policy)
        times.append(1000 * (time.perf_counter() - begun))
        group = row.get("class") or row.get("kind") or "?"
        by_class[group][f"{row['label']} {decision}"] += 1
        wrong = (decision == "allow") != (row["label"] == "allow") or (row["label"], decision) == ("deny", "ask")
        if show and wrong:
            print(f"  {group:20} {row['label']:5} -> {decision:5} {rules}  {row['text']!r:.200}")
    _report(by_class)
    _latency(times)


def _report(by_class: dict[str, Counter[str]]) -> None:
    """Destructive are the rows to deny; those to ask about are unusual, and told apart."""
    total: Counter[str] = sum(by_class.values(), Counter[str]())
    for group, counts in sorted(by_class.items()):
        deny, ask, allow = (_sum(counts, f"{label} ") for label in ("deny", "ask", "allow"))
        if deny or ask:
            unusual = _share(ask - counts["ask allow"], ask)
            print(
                f"  {group:20} destructive flagged {_share(deny - counts['deny allow'], deny)}"
                f"  denied {_share(counts['deny deny'], deny)}  unusual flagged {unusual}"
            )
        if allow:
            flagged = allow - counts["allow allow"]
            denied = _share(counts["allow deny"], allow)
            print(f"  {group:20} flagged {_share(flagged, allow)}  denied {denied}")
    deny, ask, allow = (_sum(total, f"{label} ") for label in ("deny", "ask", "allow"))
    rightly = deny + ask - total["deny allow"] - total["ask allow"]
    wrongly = allow - total["allow allow"]
    chosen: Counter[str] = sum((by_class[each] for each in TO_DENY if each in by_class), Counter[str]())
    print(
        f"  destructive flagged {_share(deny - total['deny allow'], deny)}  denied {_share(total['deny deny'], deny)}"
    )
    denied = _share(chosen["deny deny"], _sum(chosen, "deny "))
    print(f"  of file, git, remote-exec and exfiltration: denied {denied}")
    print(f"  unusual flagged {_share(ask - total['ask allow'], ask)}  precision {_share(rightly, rightly + wrongly)}")
    print(f"  false alarms {_share(wrongly, allow)}, denied {_share(total['allow deny'], allow)}")


def _flags(labels: set[str]) -> Callable[[str], object]:
    if "secret" in labels:
        return find_secrets
    return suspicions


def _texts(rows: list[Row], flags: Callable[[str], object], *, show: bool) -> None:
    counts: Counter[tuple[bool, bool]] = Counter()
    times: list[float] = []
    for row in rows:
        begun = time.perf_counter()
        flagged = bool(flags(row["text"]))
        times.append(1000 * (time.perf_counter() - begun))
        is_bad = row["label"] != "clean"
        counts[is_bad, flagged] += 1
        if show and flagged != is_bad:
            print(f"  {row['label']:10} flagged: {flagged}  {row['text']!r:.200}")
    found, clean = counts[True, True], counts[False, True]
    print(f"  found {_share(found, found + counts[True, False])}  false {_share(clean, clean + counts[False, False])}")
    _latency(times)


HOSTILE = {
    "40 nested substitutions": "echo " + "$(echo " * 40 + "x" + ")" * 40,
    "10,000 pipeline segments": "|".join(["cat"] * 10_000),
    "1 MB in one word": "echo " + "a" * 1_000_000,
    "1 MB of words": "echo " + "a " * 500_000,
    "quotes in quotes": "echo " + "\"'" * 20_000,
    "open expansions": "echo " + "${" * 8_000,
    "open substitutions": "echo " + "$(" * 8_000,
    "braces in braces": "echo " + "{a,b}" * 30,
    "every wrapper": "sudo env nice timeout 5 xargs " * 200 + "rm -rf /",
    "shells in shells": "bash -c '" * 1 + "bash -c " * 200 + "rm'",
    "here-documents": "cat <<A\n" * 500,
    "parentheses": "(" * 10_000,
    "variables that grow": "a=xx;" + "a=$a$a;" * 60 + "rm $a",
    "functions that call each other": "".join(f"f{n}(){{ f{n + 1}; f{n + 1}; }};" for n in range(60)) + "f0",
}


def _hostile(policy: Policy) -> None:
    print(f"\nhostile inputs, n = {len(HOSTILE)}")
    for name, text in HOSTILE.items():
        begun = time.perf_counter()
        decision, _ = decide(text, policy)
        print(f"  {name:32} {decision:5} {1000 * (time.perf_counter() - begun):6.1f} ms")


def _latency(times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    print(f"  one check: p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms, longest {max(times):.1f} ms, n = {len(times)}")


def _sum(counts: Counter[str], *prefixes: str) -> int:
    return sum(count for key, count in counts.items() if key.startswith(prefixes))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:6.1%} ({part}/{whole})" if whole else "     - (0)"


if __name__ == "__main__":
    sys.exit(main())
