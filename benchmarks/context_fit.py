"""Fit the weights of the context model: `python benchmarks/context_fit.py TASKS.jsonl --repos DIR [--write]`.

The model is a Poisson regression with a logarithmic link: the expected share of a task's changed places that a line
has. It is fitted by Newton's method with a ridge penalty, on the source files of the development set, all lines with
an answer and a sample of the others. `--check` fits it on three quarters of the repositories at a time, and prints
what it explains of the rest. `--write` puts the weights into `rules/weights.py`.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from context_scoring import Task, read_tasks, repository_folder
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules import model, weights
from agentops_mcp.factors.context.service.index import Index
from agentops_mcp.factors.context.service.ranking import Ranked, Ranking
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.commit_log import CommitLog
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import locate
from agentops_mcp.storage.source_tree import SourceTree

Floats = NDArray[np.float64]

_SAMPLE = 0.1
_RIDGE = 0.01
_SCALE = 1_000.0
"""Shares are small: counted in thousandths, the penalty weighs alike on every column."""

_NO_SHARES = ("file_count", "file_lines", "file_last_touch", "unit_is_open")
PRODUCTS = (
    "file_rank * fragment_rank", "file_rank * is_import", "is_import * log file_best_chunk",
    "share_of_unit * share_of_unit", "log1p lines_from_start", "log1p lines_to_end", "is_signature * unit_is_open",
    "is_signature * unit_name", "is_blank * fragment_rank", "share_of_file * share_of_file",
    "is_code * has line_terms", "file_rank * file_rank", "fragment_rank * fragment_rank", "unit_rank * unit_rank",
    "file_rank * unit_rank", "is_top_level * unit_is_open", "unit_lines * unit_lines",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """Lines of one task: its columns, the share of the answer on each, and how many lines each stands for."""

    repo: str
    columns: NDArray[np.float32]
    shares: Floats
    counts: Floats


def column_names(signals: Sequence[str]) -> list[str]:
    """Every signal, the logarithm of those that are shares, and products in which one depends on the other."""
    shares = [
        name for name in signals
        if name.partition("_")[0] in ("file", "unit", "fragment", "line") and name not in _NO_SHARES
    ]  # fmt: skip
    return [*signals, *(f"log {name}" for name in shares), *PRODUCTS]


def answer_of(task: Task, ranked: Ranked) -> Floats:
    """The share of the answer that each row has; together 1 if all of it is in the files looked into."""
    shares = np.zeros(ranked.layout.row_count)
    numbers = {file.path: number for number, file in enumerate(ranked.indexed.files)}
    places = [(path, place) for path, found in task.places.items() for place in found]
    for path, (start, end) in places:
        first = ranked.layout.starts.get(numbers.get(path, -1))
        if first is None:
            continue
        count = int(ranked.indexed.corpus.line_counts[numbers[path]])
        rows = [first + line - 1 for line in range(start, end + 1) if line <= count] or [first + min(start, count) - 1]
        shares[rows] += 1 / len(rows) / len(places)
    return shares


def sample_of(task: Task, ranked: Ranked, generator: np.random.Generator) -> Sample:
    """All lines of source with an answer, and some of the others."""
    answer = answer_of(task, ranked)
    is_source = np.array([kind == "source" for kind in ranked.indexed.corpus.kinds])[ranked.layout.file]
    kept = is_source & ((answer > 0) | (generator.random(len(answer)) < _SAMPLE))
    signals = {name: values[kept] for name, values in ranked.signals.items()}
    names = column_names(list(signals))
    columns = np.stack([model.column(signals, name) for name in names], axis=1)
    return Sample(task.repo, columns, answer[kept], np.where(answer[kept] > 0, 1.0, 1 / _SAMPLE))


def gather(tasks: Mapping[str, Sequence[Task]], repos: Path, cache: Path) -> tuple[list[Sample], list[str]]:
    """The samples of all tasks, and the names of their columns."""
    samples: list[Sample] = []
    names: list[str] = []
    generator = np.random.default_rng(0)
    for repo, asked in tasks.items():
        project = locate(repository_folder(repos, repo), {})
        if project.repository is None:
            raise SystemExit(f"{repo} is not a git repository.")
        git = Git(project.repository)
        facts = BlobFacts(cache / f"{repo.replace('/', '+')}.db")
        tree = SourceTree(project.repository, git, root=project.root)
        index = Index(tree, facts)
        ranking = Ranking(index, CommitLog(git, facts))
        for task in asked:
            listing = tree.list(task.rev)
            indexed = index.of(listing.files)
            ranked = ranking.rank(task.text, indexed, commit=listing.commit, favoured=[False] * len(indexed.files))
            samples.append(sample_of(task, ranked, generator))
            names = column_names(list(ranked.signals))
        print(f"{repo}: {len(asked)} tasks", file=sys.stderr, flush=True)
    return samples, names


def fit(samples: Sequence[Sample]) -> tuple[Floats, float]:
    """The weights of the columns, and the intercept."""
    columns = np.concatenate([each.columns for each in samples]).astype(np.float64)
    shares = np.concatenate([each.shares for each in samples]) * _SCALE
    counts = np.concatenate([each.counts for each in samples])
    counts /= counts.sum()
    mean, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-6
    columns -= mean
    columns /= spread
    design = np.concatenate([np.ones((len(columns), 1)), columns], axis=1)
    penalty = np.full(design.shape[1], _RIDGE)
    penalty[0] = 0.0
    found = _newton(design, shares, counts, penalty)
    scaled = found[1:] / spread
    return scaled, float(found[0] - (scaled * mean).sum() - np.log(_SCALE))


def _newton(design: Floats, shares: Floats, counts: Floats, penalty: Floats) -> Floats:
    def cost(at: Floats) -> float:
        linear = design @ at
        return float(
            (counts * (np.exp(np.clip(linear, -30, 30)) - shares * linear)).sum() + 0.5 * (penalty * at**2).sum()
        )

    at = np.zeros(design.shape[1])
    at[0] = np.log((counts * shares).sum())
    now = cost(at)
    for _ in range(40):
        expected = np.exp(np.clip(design @ at, -30, 30))
        gradient = design.T @ (counts * (expected - shares)) + penalty * at
        curvature = (design * (counts * expected)[:, None]).T @ design + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        length = 1.0
        while (after := cost(at - length * step)) >= now and length > 1e-4:
            length /= 2
        at = at - length * step
        if now - after < 1e-7 * abs(now):
            break
        now = after
    return at


def explained(samples: Sequence[Sample], found: Floats, intercept: float) -> float:
    """Nats a unit of answer that the model gains on knowing nothing: higher is better."""
    total = 0.0
    for each in samples:
        linear = each.columns @ found + intercept
        normal = linear - np.log((each.counts * np.exp(linear)).sum())
        total += float((each.shares * (normal + np.log(each.counts.sum()))).sum())
    return total / len(samples)


def check(samples: Sequence[Sample]) -> None:
    """Fit without a quarter of the repositories at a time, and look at those."""
    repos = sorted({each.repo for each in samples})
    for part in range(4):
        held = set(repos[part::4])
        known = [each for each in samples if each.repo not in held]
        kept = [each for each in samples if each.repo in held]
        found, intercept = fit(known)
        inside, outside = explained(known, found, intercept), explained(kept, found, intercept)
        print(f"without {', '.join(sorted(held))}: {inside:.3f} nats inside, {outside:.3f} outside (n = {len(kept)})")


def write(names: Sequence[str], found: Floats, intercept: float) -> None:
    """Put the numbers into their file."""
    place = Path(weights.__file__)
    rows = "".join(f'    "{name}": {value:.4f},\n' for name, value in zip(names, found, strict=True))
    text = f"INTERCEPT = {intercept:.4f}\nWEIGHTS: dict[str, float] = {{\n{rows}}}\n"
    known = place.read_text(encoding="utf-8")
    place.write_text(re.sub(r"INTERCEPT = .*?\n}\n", lambda _: text, known, flags=re.DOTALL), encoding="utf-8")


def main(arguments: Any) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        cache = Path(arguments.cache or temporary)
        samples, names = gather(read_tasks(arguments.tasks), arguments.repos, cache)
    if arguments.check:
        check(samples)
    found, intercept = fit(samples)
    print(f"all: {explained(samples, found, intercept):.3f} nats (n = {len(samples)} tasks, {len(names)} columns)")
    if arguments.write:
        write(names, found, intercept)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", type=Path)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    main(parser.parse_args())
