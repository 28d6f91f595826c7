"""What the packaged text embedder costs: loading, a query, indexing on one core, and memory, each in a new process.

With `--float WHEEL` (the wheel that scripts/build_embedder.py takes) the float model in NumPy is measured beside it, in
turns, on the same texts, and vectors are compared. Texts are made up, the same every time.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measuring import percentile, resident_mib

ROOT = Path(__file__).parents[1]
LOAD_BAR_S, QUERY_BAR_MS, RECORDS_BAR = 0.5, 15.0, 20.0
QUERIES, RECORDS = 100, 100
QUERY_WORDS, RECORD_WORDS = 9, 85
"""About 12 and 100 word pieces."""

WORDS = (
    "the queue worker retries a failed request until its budget runs out and then writes what it learned into ledger "
    "because nobody saw timeout of database migration on staging before deploy so we bounded retries with jitter, "
    "raised lock_timeout, pinned urllib3==2.2.1, moved config.toml under src/app and added a regression test for it"
).split()


def texts(count: int, words: int, seed: int) -> list[str]:
    """Made-up sentences, none the same."""
    chosen = random.Random(seed)
    return [" ".join(chosen.choices(WORDS, k=max(3, words + chosen.randint(-3, 3)))) for _ in range(count)]


def opened(wheel: str | None) -> Any:
    """The packaged embedder, or the float model out of the wheel."""
    if wheel is None:
        from agentops_mcp.storage.embedders import default_embedder

        return default_embedder()
    sys.path.insert(0, str(ROOT))
    from scripts.embedder_float import FloatModel, published

    return FloatModel.of(published(Path(wheel)))


def measure(wheel: str | None) -> dict[str, Any]:
    """One process's figures; times are wall time, but records a second are by the processor time they took."""
    if wheel is None:
        from agentops_mcp.storage.embedder_model import keep_onnxruntime_quiet

        keep_onnxruntime_quiet()
    started = time.perf_counter()
    import numpy as np

    if wheel is None:
        import onnxruntime  # noqa: F401  # pyright: ignore[reportMissingTypeStubs, reportUnusedImport]
    import tokenizers  # noqa: F401  # pyright: ignore[reportUnusedImport]

    imported = time.perf_counter()
    before = resident_mib(os.getpid())
    embedder = opened(wheel)
    loaded = time.perf_counter()
    embedder.embed(["the first text"])
    queries: list[float] = []
    for query in texts(QUERIES, QUERY_WORDS, seed=1):
        asked = time.perf_counter()
        embedder.embed([query])
        queries.append((time.perf_counter() - asked) * 1000)
    records = texts(RECORDS, RECORD_WORDS, seed=2)
    wall, processor = time.perf_counter(), time.process_time()
    vectors = embedder.embed(records)
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return {
        "import_s": imported - started, "load_s": loaded - imported, "queries_ms": queries,
        "records_s": RECORDS / processor, "records_wall_s": RECORDS / wall, "imported_mib": before,
        "mib": resident_mib(os.getpid()), "vectors": np.asarray(vectors).tolist(),
    }  # fmt: skip


def in_a_child(wheel: str | None) -> dict[str, Any]:
    """The same in a new process, with one thread for NumPy too."""
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
    command = [sys.executable, __file__, "--child", *(["--float", wheel] if wheel else [])]
    done = subprocess.run(command, check=True, capture_output=True, env=os.environ | single)
    return json.loads(done.stdout)


def show(name: str, runs: Sequence[dict[str, Any]]) -> bool:
    """Print the medians over processes; whether the bars are met."""
    queries = [each for run in runs for each in run["queries_ms"]]
    middle = {
        key: statistics.median(run[key] for run in runs) for key in runs[0] if key not in ("queries_ms", "vectors")
    }
    slow = percentile(queries, 95)
    print(
        f"{name}: n = {len(runs)} processes\n"
        f"  imports          {middle['import_s']:8.3f} s\n"
        f"  load             {middle['load_s']:8.3f} s    bar {LOAD_BAR_S}\n"
        f"  query p50, p95   {statistics.median(queries):8.2f} ms, {slow:.2f} ms   bar {QUERY_BAR_MS} (p50), "
        f"n = {len(queries)}\n"
        f"  indexing         {middle['records_s']:8.1f} records a second of one core's time   bar {RECORDS_BAR}\n"
        f"                   {middle['records_wall_s']:8.1f} by the clock, n = {len(runs)} x {RECORDS} records\n"
        f"  resident memory  {middle['imported_mib']:8.0f} MiB with the libraries, "
        f"{middle['mib']:.0f} MiB after all this"
    )
    met = middle["load_s"] <= LOAD_BAR_S and statistics.median(queries) <= QUERY_BAR_MS
    return met and middle["records_s"] >= RECORDS_BAR


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="processes of each kind, in turns (default: 5)")
    parser.add_argument("--float", metavar="WHEEL", help="measure the float model in NumPy too")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.float)))
        return 0
    ours: list[dict[str, Any]] = []
    floats: list[dict[str, Any]] = []
    for _ in range(options.runs):
        ours.append(in_a_child(None))
        if options.float:
            floats.append(in_a_child(options.float))
    met = show("packaged", ours)
    if floats:
        show("float in NumPy (no bars)", floats)
        cosines = [
            sum(a * b for a, b in zip(mine, theirs, strict=True))
            for mine, theirs in zip(ours[0]["vectors"], floats[0]["vectors"], strict=True)
        ]
        print(f"cosine of the two: least {min(cosines):.4f}, mean {statistics.mean(cosines):.4f}, n = {len(cosines)}")
    print("bars met" if met else "bars MISSED")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
