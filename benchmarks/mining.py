"""How well mining groups texts, beside agglomerative clustering and HDBSCAN over the same vectors alone.

Each ROWS is a JSONL file of labelled texts: id, text, cluster (null for what belongs to nothing). Ours has no setting
to choose; the others are run with every setting of a grid and shown with the one that has the best pair F1 on these
very rows, and again with the one that recovers most clusters. HDBSCAN needs scikit-learn, which is not a dependency:
without it the line says so.

  pair F1    of the pairs of texts that are put together
  recovered  share of the true clusters that a reported one matches by half or more (intersection over union)
  pure       share of the reported clusters of which two thirds are of one true cluster
  swallowed  share of the texts that belong to nothing and are reported in a cluster
"""

import argparse
import importlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.mining.rules.clusters import cluster
from agentops_mcp.storage.embedders import default_embedder

LEAST = 3
AHEAD = 0.05
"""How far ours must be ahead of the best of the others, in pair F1 and in clusters recovered."""
PURE, SWALLOWED = 0.75, 0.15
MATCHED, OF_ONE = 1 / 2, 2 / 3

THRESHOLDS = np.arange(0.10, 1.0, 0.02)
HDBSCAN_GRID = [
    (size, samples, selection) for size in (3, 4, 5) for samples in (1, 2, 3) for selection in ("eom", "leaf")
]

Labels = Sequence[int | str | None]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of one clustering."""

    f1: float
    recovered: float
    reported: int
    pure: float
    swallowed: float

    def line(self, name: str) -> str:
        """One line of the table."""
        return (
            f"  {name:44} F1 {self.f1:.3f}  recovered {self.recovered:.3f}  reported {self.reported:3}"
            f"  pure {self.pure:.3f}  swallowed {self.swallowed:.3f}"
        )


def main() -> int:
    """Measure and print; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, nargs="+", help="labelled texts")
    embedder = default_embedder()
    missed = [miss for path in parser.parse_args().rows for miss in _measure(path, embedder.embed)]
    print(f"{len(missed)} bars missed")
    return int(bool(missed))


def _measure(path: Path, embed: Callable[[Sequence[str]], Vectors]) -> list[str]:
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    truth: list[str | None] = [row["cluster"] for row in rows]
    texts = [str(row["text"]) for row in rows]
    noise = truth.count(None)
    print(f"{path.name}: n {len(rows)}, {len(_groups(truth))} clusters, {noise} texts that belong to nothing")
    vectors = embed(texts)
    begun = time.perf_counter()
    ours = score(truth, _ours(texts, vectors))
    print(ours.line(f"ours ({time.perf_counter() - begun:.1f} s)"))
    print(score(truth, _ours(texts, None)).line("ours, by words alone"))
    others: list[Scores] = []
    for name, runs in (
        ("average linkage", _agglomerative(vectors, complete=False)),
        ("complete linkage", _agglomerative(vectors, complete=True)),
        ("HDBSCAN", _hdbscan(vectors)),
    ):
        others += _best(name, [(setting, score(truth, labels)) for setting, labels in runs])
    missed = _missed(ours, others)
    print("\n".join(f"  missed: {miss}" for miss in missed) or "  every bar held")
    return missed


def _best(name: str, runs: list[tuple[str, Scores]]) -> list[Scores]:
    """The scores of the setting with the best F1; that and the most recovered are printed."""
    if not runs:
        print(f"  {name}: scikit-learn is not installed, not measured")
        return []
    tuned = max(runs, key=lambda run: run[1].f1)
    most = max(runs, key=lambda run: run[1].recovered)
    print(tuned[1].line(f"{name}, best F1 ({tuned[0]})"))
    print(most[1].line(f"{name}, most recovered ({most[0]})"))
    return [tuned[1]]


def _missed(ours: Scores, others: list[Scores]) -> list[str]:
    f1 = max(other.f1 for other in others) + AHEAD
    recovered = max(other.recovered for other in others) + AHEAD
    bars = [
        (ours.f1 >= f1, f"F1 {ours.f1:.3f} of {f1:.3f}"),
        (ours.recovered >= recovered, f"recovered {ours.recovered:.3f} of {recovered:.3f}"),
        (ours.pure >= PURE, f"pure {ours.pure:.3f} of {PURE}"),
        (ours.swallowed <= SWALLOWED, f"swallowed {ours.swallowed:.3f}, at most {SWALLOWED}"),
    ]
    return [miss for held, miss in bars if not held]


def score(truth: Labels, labels: Labels) -> Scores:
    """Compare a clustering with the truth; None is no cluster, and neither is one of a single text."""
    gold, found = _groups(truth), _groups(labels)
    overlaps = [[len(members & each) for each in gold] for members in found]
    hits = sum(_pairs(n) for overlap in overlaps for n in overlap)
    made, wanted = sum(_pairs(len(members)) for members in found), sum(_pairs(len(members)) for members in gold)
    matched = {
        at
        for members, overlap in zip(found, overlaps, strict=True)
        for at, n in enumerate(overlap)
        if n and n / (len(members) + len(gold[at]) - n) >= MATCHED
    }
    reported = [(members, n) for members, n in zip(found, overlaps, strict=True) if len(members) >= LEAST]
    pure = sum(max(overlap, default=0) / len(members) >= OF_ONE for members, overlap in reported)
    taken = {at for members, _ in reported for at in members}
    noise = {at for at, label in enumerate(truth) if label is None}
    return Scores(
        f1=2 * hits / max(1, made + wanted),
        recovered=len(matched) / max(1, len(gold)),
        reported=len(reported),
        pure=pure / max(1, len(reported)),
        swallowed=len(noise & taken) / max(1, len(noise)),
    )


def _groups(labels: Labels) -> list[set[int]]:
    found: defaultdict[int | str, set[int]] = defaultdict(set)
    for at, label in enumerate(labels):
        if label is not None:
            found[label].add(at)
    return [members for members in found.values() if len(members) > 1]


def _pairs(n: int) -> int:
    return n * (n - 1) // 2


def _ours(texts: Sequence[str], vectors: Vectors | None) -> list[int | None]:
    labels: list[int | None] = [None] * len(texts)
    for label, group in enumerate(cluster(texts, vectors, min_size=LEAST)):
        for at in group.members:
            labels[at] = label
    return labels


def _agglomerative(vectors: Vectors, *, complete: bool) -> Iterator[tuple[str, Labels]]:
    """Every cut of the tree of cosine distances; clusters under the least size are dissolved."""
    merges = _tree(vectors, complete=complete)
    for threshold in THRESHOLDS:
        labels = np.arange(len(vectors))
        for height, into, gone in merges:
            if height <= threshold:
                labels[labels == gone] = into
        yield f"cut at {threshold:.2f}", _large(labels.tolist())


def _tree(vectors: Vectors, *, complete: bool) -> list[tuple[float, int, int]]:
    """All mergers, the closest first: height, cluster that stays, cluster that is joined to it."""
    distances = 1 - vectors @ vectors.T
    np.fill_diagonal(distances, np.inf)
    sizes = np.ones(len(vectors), np.float32)
    merges: list[tuple[float, int, int]] = []
    for _ in range(len(vectors) - 1):
        into, gone = (int(at) for at in np.unravel_index(distances.argmin(), distances.shape))
        merges.append((float(distances[into, gone]), into, gone))
        if complete:
            row = np.maximum(distances[into], distances[gone])
        else:
            row = (sizes[into] * distances[into] + sizes[gone] * distances[gone]) / (sizes[into] + sizes[gone])
        row[[into, gone]] = np.inf
        sizes[into] += sizes[gone]
        distances[into], distances[:, into] = row, row
        distances[gone], distances[:, gone] = np.inf, np.inf
    return merges


def _hdbscan(vectors: Vectors) -> Iterator[tuple[str, Labels]]:
    """Every setting of the grid; nothing without scikit-learn."""
    try:
        clusters: Any = importlib.import_module("sklearn.cluster")
    except ImportError:
        return
    for size, samples, selection in HDBSCAN_GRID:
        model = clusters.HDBSCAN(
            min_cluster_size=size, min_samples=samples, cluster_selection_method=selection, copy=True
        )
        found: list[int] = model.fit_predict(vectors).tolist()
        yield f"{size}, {samples}, {selection}", _large(None if label < 0 else label for label in found)


def _large(labels: Iterable[int | None]) -> Labels:
    given = list(labels)
    sizes = Counter(given)
    return [label if sizes[label] >= LEAST else None for label in given]


if __name__ == "__main__":
    raise SystemExit(main())
