"""What context loading finds for a task, beside baselines computed in the same run; with --speed, how long it takes.

TASKS is a JSONL file of tasks with their answers (id, repo, parent_sha, task, gold_files, gold_hunks); --repos has the
clones they are from. file@k: share of changed files of which something was loaded; hunk@k: share of the changed places'
lines that were loaded; k thousand tokens of budget. Only what is reachable from a task's revision is seen.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import context_speed
from context_baselines import BASELINES, Baselines, Shelf
from context_scoring import (
    REPOS_VARIABLE,
    TASKS_VARIABLE,
    Clone,
    Item,
    Score,
    Task,
    loaded,
    read_tasks,
    repository_folder,
    score,
)

from agentops_mcp.factors.context.rules.model import REASONS, reason_of
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.rules.weights import WEIGHTS
from agentops_mcp.factors.context.service.contexts import Loaded
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.commit_log import CommitLog

OURS = "load_context"
BUDGETS = "4000,8000,16000"
BARS = {("file", 4000): 0.90, ("file", 8000): 0.95, ("hunk", 4000): 0.72, ("hunk", 8000): 0.83, ("hunk", 16000): 0.91}

Column = tuple[str, int]
"""file or hunk, and the budget."""


@dataclass(slots=True)
class Scores:
    """The scores of each method at each budget, a score a task."""

    rows: dict[str, dict[int, list[Score]]] = field(default_factory=dict[str, dict[int, list[Score]]])

    def add(self, method: str, budget: int, found: Score) -> None:
        """Take the score of one task."""
        self.rows.setdefault(method, {}).setdefault(budget, []).append(found)

    def mean(self, method: str, column: Column) -> float:
        """The mean over the tasks."""
        measure, budget = column
        found = self.rows[method][budget]
        return sum(each.file if measure == "file" else each.hunk for each in found) / len(found)

    @property
    def n(self) -> int:
        """How many tasks were scored."""
        return min(len(found) for budgets in self.rows.values() for found in budgets.values())


def main() -> int:
    """Measure and report."""
    options = _options()
    with _folder(options.cache) as cache:
        if options.speed:
            return context_speed.measure(options.repos, options.repo or "", cache, as_json=options.json)
        if options.tasks is None or options.repos is None:
            raise SystemExit(f"Quality needs TASKS and --repos (or {TASKS_VARIABLE} and {REPOS_VARIABLE}).")
        budgets = [int(each) for each in options.budgets.split(",")]
        tasks = read_tasks(options.tasks, repo=options.repo or "", limit=options.limit)
        if not tasks:
            raise SystemExit(f"{options.tasks} has no task of {options.repo or 'any repository'}.")
        scores = Scores()
        for name, own in tasks.items():
            _score_repository(scores, name, own, budgets, options.repos, cache, ablation=options.ablation)
    columns = [(measure, budget) for measure in ("file", "hunk") for budget in budgets]
    # At 16,000 tokens every changed file has something in the pack, whatever the method.
    columns = [column for column in columns if column != ("file", 16000)]
    if options.ablation:
        _print_ablation(scores, columns)
        return 0
    return _print_table(scores, columns)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks, repos = os.environ.get(TASKS_VARIABLE), os.environ.get(REPOS_VARIABLE)
    default = Path(tasks) if tasks else None
    parser.add_argument("tasks", type=Path, nargs="?", default=default, help=f"tasks (default: ${TASKS_VARIABLE})")
    parser.add_argument(
        "--repos", type=Path, default=Path(repos) if repos else None, help=f"clones (default: ${REPOS_VARIABLE})"
    )
    parser.add_argument("--repo", help="only this repository, as owner/name")
    parser.add_argument("--limit", type=int, help="the first so many tasks of each repository")
    parser.add_argument("--budgets", default=BUDGETS, help=f"tokens (default: {BUDGETS})")
    parser.add_argument("--cache", type=Path, help="keep the index here, for a faster next run")
    parser.add_argument("--ablation", action="store_true", help="silence one group of signals at a time instead")
    parser.add_argument("--speed", action="store_true", help="measure times and memory instead")
    parser.add_argument("--json", action="store_true", help="with --speed, print the figures as JSON")
    return parser.parse_args()


@contextmanager
def _folder(given: Path | None) -> Generator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="agentops-benchmark-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _score_repository(
    scores: Scores,
    name: str,
    tasks: Sequence[Task],
    budgets: Sequence[int],
    repos: Path,
    cache: Path,
    *,
    ablation: bool,
) -> None:
    clone = Clone(repository_folder(repos, name), cache / name.replace("/", "+"))
    shelf, log = Shelf(clone), CommitLog(clone.git, BlobFacts(clone.cache_file))
    begun = time.perf_counter()
    for number, task in enumerate(tasks, 1):
        texts = clone.texts(task.rev)
        loads = {budget: _load(clone, task, budget) for budget in budgets}
        methods: dict[str, Mapping[int, Iterable[Item]]] = {
            OURS: {budget: _items(load) for budget, load in loads.items()}
        }
        if ablation:
            for group in REASONS:
                with silenced(group):
                    methods[group] = {budget: _items(_load(clone, task, budget)) for budget in budgets}
        else:
            ranked = loads[budgets[0]].ranked
            files = ranked.indexed.files if ranked else ()
            baselines = Baselines(task, files, shelf, log.before(task.rev).commits, texts=texts)
            for each, rank in BASELINES.items():
                methods[each] = {budget: rank(baselines, budget) for budget in budgets}
        for method, by_budget in methods.items():
            for budget, items in by_budget.items():
                scores.add(method, budget, score(task, loaded(items, budget, texts), texts))
        if number % 5 == 0 or number == len(tasks):
            spent = time.perf_counter() - begun
            print(f"{name}: {number} of {len(tasks)} tasks, {spent:.0f} s", file=sys.stderr, flush=True)


def _load(clone: Clone, task: Task, budget: int) -> Loaded:
    request = Request(task=task.text, rev=task.rev, budget_tokens=budget, include=("code",))
    return clone.contexts.load(request, patient=True)


def _items(load: Loaded) -> list[Item]:
    return [Item(shown.path, shown.start, shown.end) for shown in load.items]


@contextmanager
def silenced(group: str) -> Generator[None]:
    """Without the columns that give this reason; the other weights stay as they were set beside them."""
    before = dict(WEIGHTS)
    WEIGHTS.update(dict.fromkeys((name for name in WEIGHTS if reason_of(name) == group), 0.0))
    try:
        yield
    finally:
        WEIGHTS.update(before)


def _print_table(scores: Scores, columns: Sequence[Column]) -> int:
    heads = [f"{measure}@{budget // 1000}k" for measure, budget in columns]
    print(f"{f'n = {scores.n}':<40}" + "".join(f"{head:>10}" for head in heads))
    for method in scores.rows:
        print(f"{method:<40}" + "".join(f"{scores.mean(method, column):10.3f}" for column in columns))
    bars = [BARS.get(column) for column in columns]
    print(f"{'bar':<40}" + "".join(f"{'' if bar is None else f'{bar:.2f}':>10}" for bar in bars))
    met = [bar is None or scores.mean(OURS, column) >= bar for column, bar in zip(columns, bars, strict=True)]
    verdicts = ["" if bar is None else "met" if each else "MISSED" for bar, each in zip(bars, met, strict=True)]
    print(f"{'':<40}" + "".join(f"{verdict:>10}" for verdict in verdicts))
    return 0 if all(met) else 1


def _print_ablation(scores: Scores, columns: Sequence[Column]) -> None:
    heads = [f"{measure}@{budget // 1000}k" for measure, budget in columns]
    print(f"{f'n = {scores.n}':<28}" + "".join(f"{head:>16}" for head in heads))
    for method in scores.rows:
        cells: list[str] = []
        for column in columns:
            mean = scores.mean(method, column)
            less = "" if method == OURS else f" {mean - scores.mean(OURS, column):+.3f}"
            cells.append(f"{mean:.3f}{less or ' ' * 7}")
        print(f"{method if method == OURS else f'without {method!r}':<28}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
