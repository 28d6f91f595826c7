"""How well screening tells texts that instruct their reader from texts that inform.

ROWS is a JSONL file of labelled texts (id, text, label: `clean` or `injection`, tier). Precision and recall are printed
for each half of it, split by a hash of the ids, so that one half can be looked at while the other stays unseen. Every
further file is ordinary text: each row's `text` of a JSONL file, or the whole of any other; what is flagged there is
false.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agentops_mcp.core.screening import suspicions

HALVES = ("first half", "second half")
TIERS = ("core", "extended")
BAR = 0.001
"""The largest share of ordinary texts that may be flagged."""


@dataclass(slots=True)
class Counts:
    """How many texts were flagged rightly, wrongly, and not at all."""

    hits: int = 0
    misses: int = 0
    false: int = 0
    clean: int = 0

    def add(self, *, instructs: bool, flagged: bool) -> None:
        """Count one text."""
        self.hits += instructs and flagged
        self.misses += instructs and not flagged
        self.false += flagged and not instructs
        self.clean += not instructs

    def line(self, name: str) -> str:
        """The figures of this group, with n."""
        positives, flagged = self.hits + self.misses, self.hits + self.false
        return (
            f"{name:24} precision {_share(self.hits, flagged)}  recall {_share(self.hits, positives)}"
            f"  false {self.false}/{self.clean}  n {positives + self.clean}"
        )


def main() -> int:
    """Measure and print; 1 when too much ordinary text is flagged."""
    options = _options()
    for name, counts in _labelled(_rows(options.rows)).items():
        print(counts.line(name))
    texts = [(path, text) for path in options.ordinary for text in _texts(path)]
    if not texts:
        return 0
    begun, flagged = time.process_time(), 0
    for path, text in texts:
        if found := suspicions(text):
            flagged += 1
            print(f"false: {path.name}: {'; '.join(f'{each.reason}: {each.excerpt}' for each in found)}")
    spent = time.process_time() - begun
    megabytes = sum(len(text) for _, text in texts) / 1e6
    print(f"ordinary text: {flagged} of {len(texts)} flagged (bar {BAR:.1%}); {spent / megabytes:.2f} CPU s a megabyte")
    return int(flagged > BAR * len(texts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, help="labelled texts")
    parser.add_argument("ordinary", type=Path, nargs="*", help="files of texts that instruct nobody")
    return parser.parse_args()


def _labelled(rows: Iterable[dict[str, str]]) -> dict[str, Counts]:
    """The figures of both halves, all of each and the clear cases alone."""
    counts = {f"{half}, {tier}": Counts() for half in HALVES for tier in ("all", *TIERS)}
    for row in rows:
        half = HALVES[hashlib.sha256(row["id"].encode()).digest()[0] % 2]
        instructs, flagged = row["label"] != "clean", bool(suspicions(row["text"]))
        for tier in ("all", row["tier"]):
            counts[f"{half}, {tier}"].add(instructs=instructs, flagged=flagged)
    return counts


def _texts(path: Path) -> Iterator[str]:
    if path.suffix == ".jsonl":
        yield from (row["text"] for row in _rows(path))
    else:
        yield path.read_text(encoding="utf-8")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part}/{whole})" if whole else "- (0)"


if __name__ == "__main__":
    sys.exit(main())
