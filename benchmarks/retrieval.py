"""Search beside BM25, the embedder alone, and both by equal ranks, in one run; and how long a search takes.

    python benchmarks/retrieval.py quality SET [SET...]     SET.docs.jsonl, SET.queries.jsonl, SET.qrels.jsonl
    python benchmarks/retrieval.py speed [--records 10000] [--queries 200]

Rows: {"id", "text"} of documents and queries ("overlap" of a query is the share of its words in its answer, for the
second line of each table), {"query", "doc"} of what is relevant. Ours answers through `agentops-mcp search --batch`.
"""

import argparse
import collections
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.mining.rules.fusion import Query, Statistics
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.terms import terms
from agentops_mcp.factors.mining.store import documents, notes
from agentops_mcp.factors.mining.store.documents import Filter, Request
from agentops_mcp.storage.embedders import default_embedder

_DEPTH = 10
_FEW_WORDS = {"fixes": 0.34, "til": 0.6}
_OTHER_FEW_WORDS = 0.5
_RANK_CONSTANT = 60  # Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion" (2009)
_ACTOR = Actor("benchmark", "nobody", "cli")

Row = dict[str, Any]


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    quality = commands.add_parser("quality")
    quality.add_argument("sets", nargs="+")
    speed = commands.add_parser("speed")
    speed.add_argument("--records", type=int, default=10_000)
    speed.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    if given.command == "quality":
        for each in given.sets:
            show_quality(each)
    else:
        show_speed(given.records, given.queries)


def show_quality(name: str) -> None:
    """nDCG@10 and recall@5 of every method on one set."""
    docs, queries = _rows(f"{name}.docs.jsonl"), _rows(f"{name}.queries.jsonl")
    relevant: dict[str, set[str]] = collections.defaultdict(set)
    for row in _rows(f"{name}.qrels.jsonl"):
        relevant[row["query"]].add(row["doc"])
    few = next((share for part, share in _FEW_WORDS.items() if part in Path(name).name), _OTHER_FEW_WORDS)
    hard = {query["id"] for query in queries if query.get("overlap", 1.0) <= few}
    runs = {**_baselines(docs, queries), "search": _ours(name)}
    print(f"\n{Path(name).name}: {len(docs)} documents, n = {len(queries)} queries, {len(hard)} of them with few words")
    print(f"{'method':24}  nDCG@10  few words  recall@5")
    for method, run in runs.items():
        scores = {query["id"]: _score(run.get(query["id"], []), relevant[query["id"]]) for query in queries}
        ndcg = np.mean([score[0] for score in scores.values()])
        low = np.mean([scores[each][0] for each in hard]) if hard else float("nan")
        recall = np.mean([score[1] for score in scores.values()])
        print(f"{method:24}    {ndcg:.3f}      {low:.3f}     {recall:.3f}")


def _score(ranked: Sequence[str], relevant: set[str]) -> tuple[float, float]:
    gains = [1 / np.log2(place + 2) for place, doc in enumerate(ranked[:_DEPTH]) if doc in relevant]
    ideal = [1 / np.log2(place + 2) for place in range(min(_DEPTH, len(relevant)))]
    return float(sum(gains) / sum(ideal)), len(relevant.intersection(ranked[:5])) / len(relevant)


def _ours(name: str) -> Mapping[str, Sequence[str]]:
    command = [
        sys.executable, "-m", "agentops_mcp", "search", "--batch", f"{name}.queries.jsonl", "--corpus",
        f"{name}.docs.jsonl",
    ]  # fmt: skip
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return {row["query"]: row["ranked"] for row in map(json.loads, done.stdout.splitlines())}


def _baselines(docs: Sequence[Row], queries: Sequence[Row]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    lexical, meant = _lexical_scores(docs, queries), _cosines(docs, queries)
    ids = [doc["id"] for doc in docs]

    def run(scores: np.ndarray[Any, Any]) -> Mapping[str, Sequence[str]]:
        order = np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]
        return {query["id"]: [ids[at] for at in row] for query, row in zip(queries, order, strict=True)}

    ranks = [np.argsort(np.argsort(-scores, axis=1, kind="stable"), axis=1) for scores in (lexical, meant)]
    fused = sum(1 / (_RANK_CONSTANT + rank) for rank in ranks)
    return {"BM25": run(lexical), "embedder alone": run(meant), "both, equal ranks": run(np.asarray(fused))}


def _lexical_scores(docs: Sequence[Row], queries: Sequence[Row]) -> "np.ndarray[Any, Any]":
    words = [terms(doc["text"]) for doc in docs]
    counts = collections.Counter(word for each in words for word in set(each))
    statistics = Statistics(len(docs), sum(map(len, words)), counts)
    asked = [Query(dict.fromkeys(terms(query["text"])), statistics) for query in queries]
    return np.array([[query.score(each).bm25 for each in words] for query in asked])


def _cosines(docs: Sequence[Row], queries: Sequence[Row]) -> "np.ndarray[Any, Any]":
    embedder = default_embedder()
    return embedder.embed([row["text"] for row in queries]) @ embedder.embed([row["text"] for row in docs]).T


def _rows(path: str) -> list[Row]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def show_speed(records: int, queries: int) -> None:
    """Warm searches over generated notes; their vectors are random, because a real one costs 20 to 40 ms each."""
    random.seed(7)
    vocabulary = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "st", "rd", "mp", "lk", "x")]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, App(Path(folder), environment={}) as app:
        _fill(app, records, vocabulary)
        search, semantic = app.search(), app.knowledge().semantic
        started = time.perf_counter()
        loaded = semantic.ready(patience_s=60)
        print(f"model and index loaded in {time.perf_counter() - started:.2f} s")
        _add_vectors(app, loaded)
        for label, among in (("open", Filter()), ("kind and tag", Filter(kinds=("note",), tag="tag3"))):
            requests = [Request(_text(vocabulary, 12), among) for _ in range(queries)]
            times = [_timed(search.search, request) for request in requests]
            p50, p95 = np.percentile(times, 50) * 1e3, np.percentile(times, 95) * 1e3
            print(f"{records} records, {label}: p50 {p50:.1f} ms, p95 {p95:.1f} ms (n = {queries})")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _timed(call: Callable[[Request], object], request: Request) -> float:
    started = time.perf_counter()
    call(request)
    return time.perf_counter() - started


def _text(vocabulary: Sequence[str], words: int) -> str:
    # Zipf's law: a few words are in every second record, most in one of hundreds.
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    return " ".join(random.choices(vocabulary, weights, k=words))


def _fill(app: App, records: int, vocabulary: Sequence[str]) -> None:
    for start in range(0, records, 1_000):
        rows = [
            Note("benchmark", str(at), _text(vocabulary, 6), _text(vocabulary, 60), tags=(f"tag{at % 10}",))
            for at in range(start, min(records, start + 1_000))
        ]
        app.parts.ledger.append([notes.imported(row) for row in rows], actor=_ACTOR)


def _add_vectors(app: App, loaded: Any) -> None:
    generator = np.random.default_rng(7)
    cursor = loaded.vectors.cursor()
    while True:
        with app.parts.ledger.read() as tx:
            batch = documents.pending(tx, cursor, limit=2_000)
        if not batch:
            return
        vectors = generator.normal(size=(len(batch), loaded.embedder.dimension)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = [(thread, vector) for (_, thread, _), vector in zip(batch, vectors, strict=True)]
        cursor = loaded.vectors.add(rows, after=cursor, through=batch[-1][0])


if __name__ == "__main__":
    main()
