"""How long loading context takes, warm and cold, on generated repositories and on real clones; and its memory."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from context_generated import Generated, environment, generate, git
from context_scoring import clones_below
from measuring import percentile

from agentops_mcp.app import open_contexts
from agentops_mcp.factors.context.rules import passed_over
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.service.contexts import Contexts
from agentops_mcp.factors.context.service.index import Index
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import Variable, locate
from agentops_mcp.storage.source_tree import SourceFile, SourceTree

WARM_P50_BAR_MS, WARM_P95_BAR_MS = 60.0, 200.0
COLD_BAR = 6.0
REINDEX_BAR_MS = 150.0
FIRST_BAR_S = 3.0
MEMORY_BAR_MB = 600.0

SMALL, LARGE, COMMITS = 1_000, 20_000, 300
TASKS, WARM_UP_TASKS = 100, 10
COLD_RUNS, REINDEX_RUNS, FIRST_RUNS = 7, 10, 5
CHANGED_FILES = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure over `n` samples with their quartiles, and the bar it is to stay below, if there is one."""

    name: str
    n: int
    value: float
    low: float
    high: float
    unit: str
    bar: float | None = None

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.bar is None or self.value <= self.bar


def of_samples(name: str, samples: Sequence[float], unit: str, *, bar: float | None = None) -> Measured:
    """The median of some samples."""
    low, middle, high = statistics.quantiles(samples, n=4) if len(samples) > 1 else [*samples] * 3
    return Measured(name, len(samples), middle, low, high, unit, bar)


def measure(repos: Path | None, repo: str, cache: Path, *, as_json: bool) -> int:
    """Measure and report; the exit code is 1 when a bar is missed."""
    figures: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="agentops-benchmark-", ignore_cleanup_errors=True) as name:
        root = Path(name).resolve()
        if not repo:
            figures += small_repository(root)
            figures += large_repository(root)
        for clone in clones_below(repos, repo) if repos else ():
            _say(f"{clone.name}")
            figures += cold_index(clone.name, clone.folder, root)
            figures += warm_queries(clone.name, clone.folder, cache / clone.name.replace("/", "+"))
    return _report(figures, as_json=as_json)


def small_repository(root: Path) -> list[Measured]:
    """Warm queries, the cold index, and the index after a commit, on 1,000 generated files."""
    name = f"{SMALL:,} generated files"
    _say(f"Generating {name}")
    generated = generate(root / "small", files=SMALL, commits=COMMITS)
    return [
        *cold_index(name, generated.folder, root),
        *warm_queries(name, generated.folder, root / "small-cache"),
        *after_commits(name, generated, root / "small-cache"),
    ]


def warm_queries(name: str, folder: Path, cache: Path) -> list[Measured]:
    """Different tasks one after the other, when everything is indexed and some tasks were answered before."""
    contexts = _contexts(folder, cache)
    tasks = list(
        dict.fromkeys(git(folder, "log", "--no-merges", "--format=%s", "HEAD").decode("utf-8", "replace").splitlines())
    )
    tasks = tasks[: TASKS + WARM_UP_TASKS]
    contexts.load(Request(task=tasks[0], include=("code",)), patient=True)
    samples = [_timed_load(contexts, task) * 1000 for task in tasks]
    later = samples[WARM_UP_TASKS:]
    p50 = of_samples(f"warm query p50, {name}", later, "ms", bar=WARM_P50_BAR_MS)
    p95 = percentile(later, 95)
    again = [_timed_load(contexts, task) * 1000 for task in tasks[WARM_UP_TASKS:]]
    return [
        p50,
        Measured(f"warm query p95, {name}", len(later), p95, p95, max(later), "ms", WARM_P95_BAR_MS),
        of_samples(f"the same tasks once more, {name}", again, "ms"),
    ]


def cold_index(name: str, folder: Path, root: Path) -> list[Measured]:
    """Indexing every file with an empty cache, against reading the same blobs, in turn."""
    tree = _tree(folder)
    files = tree.list("HEAD").files
    blobs = _read_when_cold(files)
    names = "".join(f"{file.oid}\n" for file in blobs).encode()
    ours: list[float] = []
    theirs: list[float] = []
    for run in range(COLD_RUNS + 1):  # the first reads from disk and is left out
        theirs.append(_time_to_read(folder, names))
        cache = root / "cold" / str(run)
        cache.mkdir(parents=True)
        begun = time.perf_counter()
        Index(tree, BlobFacts(cache / "context-index.db")).of(files)
        ours.append(time.perf_counter() - begun)
        shutil.rmtree(cache)
    ratios = [mine / other for mine, other in zip(ours[1:], theirs[1:], strict=True)]
    size_mb = sum(file.size_bytes for file in blobs) / 1e6
    of = f"{name}, {len(blobs):,} blobs, {size_mb:.1f} MB"
    return [
        of_samples(f"cold index / cat-file, {of}", ratios, "x", bar=COLD_BAR),
        of_samples(f"cold index, {name}", [each * 1000 for each in ours[1:]], "ms"),
        of_samples(f"cat-file --batch, {name}", [each * 1000 for each in theirs[1:]], "ms"),
    ]


def after_commits(name: str, generated: Generated, cache: Path) -> list[Measured]:
    """The next listing and index in the same process, after each commit of ten files."""
    tree = _tree(generated.folder)
    index = Index(tree, BlobFacts(cache / "context-index.db"))
    index.of(tree.list(None).files)
    listed: list[float] = []
    indexed: list[float] = []
    for _ in range(REINDEX_RUNS):
        generated.commit_changes(CHANGED_FILES)
        marks = [time.perf_counter()]
        files = tree.list(None).files
        marks.append(time.perf_counter())
        index.of(files)
        marks.append(time.perf_counter())
        listed.append((marks[1] - marks[0]) * 1000)
        indexed.append((marks[2] - marks[1]) * 1000)
    what = f"after a commit of {CHANGED_FILES}, {name}"
    return [of_samples(f"index {what}", indexed, "ms", bar=REINDEX_BAR_MS), of_samples(f"listing {what}", listed, "ms")]


def large_repository(root: Path) -> list[Measured]:
    """The first answers of new processes, and the memory of one that stays, on 20,000 generated files."""
    name = f"{LARGE:,} files"
    _say(f"Generating {name}")
    generated = generate(root / "large", files=LARGE, commits=COMMITS)
    tasks = [generated.author.message() for _ in range(FIRST_RUNS + 3)]
    cold = [
        _in_new_process(generated.folder, root / "first" / str(run), "once", tasks[run : run + 1])
        for run in range(FIRST_RUNS)
    ]
    stayed = _in_new_process(generated.folder, root / "stay", "stay", tasks[-3:])
    known = [
        _in_new_process(generated.folder, root / "stay", "once", tasks[run : run + 1]) for run in range(FIRST_RUNS)
    ]
    _say(f"{cold[0].pending:,} files were left for the background by the first answer.")
    peaks = [each.peak_mb for each in (*cold, stayed, *known)]
    return [
        of_samples(
            f"first answer, nothing indexed, {name}", [each.answers_s[0] for each in cold], "s", bar=FIRST_BAR_S
        ),
        of_samples("the whole process of it", [each.process_s for each in cold], "s", bar=FIRST_BAR_S),
        of_samples("second answer, while indexing goes on", stayed.answers_s[1:2], "s"),
        of_samples("answer when all is indexed", stayed.answers_s[2:3], "s"),
        of_samples("first answer of a later process", [each.answers_s[0] for each in known], "s", bar=FIRST_BAR_S),
        of_samples("the whole process of it", [each.process_s for each in known], "s", bar=FIRST_BAR_S),
        Measured(f"peak memory, {name}", len(peaks), max(peaks), min(peaks), max(peaks), "MB", MEMORY_BAR_MB),
    ]


@dataclass(frozen=True, slots=True)
class _Ran:
    """What a process of `context_first.py` took."""

    answers_s: list[float]
    process_s: float
    peak_mb: float
    pending: int


def _in_new_process(folder: Path, cache: Path, how: str, tasks: Sequence[str]) -> _Ran:
    cache.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("context_first.py")
    command = [sys.executable, str(script), str(folder), str(cache), how, *tasks]
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment(), check=True, capture_output=True)
    process_s = time.perf_counter() - begun
    found = json.loads(done.stdout)
    return _Ran(found["answers_s"], process_s, found["peak_mb"], found["pending"])


def _contexts(folder: Path, cache: Path) -> Contexts:
    cache.mkdir(parents=True, exist_ok=True)
    return open_contexts(locate(folder, {**os.environ, Variable.DATA_DIR: str(cache)}), None)


def _tree(folder: Path) -> SourceTree:
    project = locate(folder, os.environ)
    return SourceTree(project.repository, Git(project.repository) if project.repository else None, root=project.root)


def _timed_load(contexts: Contexts, task: str) -> float:
    begun = time.perf_counter()
    contexts.load(Request(task=task, include=("code",)))
    return time.perf_counter() - begun


def _read_when_cold(files: Sequence[SourceFile]) -> list[SourceFile]:
    """The files whose content the index looks at."""
    usable = (file for file in files if passed_over.by_path(file.path) is None)
    return [file for file in usable if file.size_bytes <= passed_over.LARGEST_BYTES]


def _time_to_read(folder: Path, names: bytes) -> float:
    begun = time.perf_counter()
    command = ["git", "cat-file", "--batch"]
    subprocess.run(command, cwd=folder, env=environment(), input=names, check=True, capture_output=True)
    return time.perf_counter() - begun


def _lines(figures: Sequence[Measured]) -> Iterator[str]:
    width = max(len(each.name) for each in figures)
    for each in figures:
        bar = "" if each.bar is None else f"  bar {each.bar:g}: {'met' if each.met else 'MISSED'}"
        spread = f"[{each.low:.2f} to {each.high:.2f}]"
        yield f"{each.name:<{width}} {each.value:9.2f} {each.unit:<2} {spread:<22} n = {each.n:<4}{bar}"


def _report(figures: Sequence[Measured], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"figures": [{**asdict(each), "met": each.met} for each in figures]}))
    else:
        for line in _lines(figures):
            print(line)
    return 0 if all(each.met for each in figures) else 1


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
