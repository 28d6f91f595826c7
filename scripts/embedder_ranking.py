"""Whether another embedder ranks as the float model does: nDCG@10 by cosine alone, over retrieval sets in files."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

MOST_LOST = 0.01
_CUT = 10


class Embeds(Protocol):
    """Whatever makes unit vectors of texts."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A unit vector for each text."""
        ...


def compare(reference: Embeds, ours: Embeds, sets: Sequence[Path]) -> int:
    """Print both for every set, named by the path before `.docs.jsonl`; 1 when ours ranks worse by more than .01."""
    lost = 0
    for each in sets:
        docs, queries = _rows(each, "docs"), _rows(each, "queries")
        relevant: defaultdict[str, set[str]] = defaultdict(set)
        for row in _rows(each, "qrels"):
            relevant[row["query"]].add(row["doc"])
        theirs, mine = (_ndcg(embedder, docs, queries, relevant) for embedder in (reference, ours))
        verdict = "within" if theirs - mine <= MOST_LOST else "NOT within"
        lost |= theirs - mine > MOST_LOST
        print(
            f"{each.name}: nDCG@{_CUT} float {theirs:.4f}, packaged {mine:.4f} ({mine - theirs:+.4f}, {verdict} "
            f"{MOST_LOST}); n = {len(queries)} queries, {len(docs)} documents",
            flush=True,
        )
    return int(lost)


def _rows(name: Path, part: str) -> list[dict[str, Any]]:
    with name.with_name(f"{name.name}.{part}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _ndcg(
    embedder: Embeds, docs: list[dict[str, Any]], queries: list[dict[str, Any]], relevant: dict[str, set[str]]
) -> float:
    vectors = embedder.embed([doc["text"] for doc in docs])
    asked = embedder.embed([query["text"] for query in queries])
    weights = 1 / np.log2(np.arange(_CUT) + 2)
    scores: list[float] = []
    for query, vector in zip(queries, asked, strict=True):
        best = np.argsort(-(vectors @ vector), kind="stable")[:_CUT]
        wanted = relevant[query["id"]]
        gains = np.array([docs[int(place)]["id"] in wanted for place in best])
        scores.append(float(weights[: len(gains)] @ gains / weights[: len(wanted)].sum()))
    return float(np.mean(scores))
