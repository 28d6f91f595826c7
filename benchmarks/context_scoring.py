"""Scores what was loaded for a task: which changed files, and what share of the changed places, within a budget.

Text is counted in o200k tokens line by line, with 12 more for each file; what does not fit is cut.
"""

import functools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from agentops_mcp.app import open_contexts
from agentops_mcp.core import tokens
from agentops_mcp.factors.context.service.contexts import Contexts
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import Variable, locate
from agentops_mcp.storage.source_tree import SourceFile, SourceTree

TASKS_VARIABLE, REPOS_VARIABLE = "AGENTOPS_BENCHMARK_TASKS", "AGENTOPS_BENCHMARK_REPOS"
FILE_TOKENS = 12
_LARGEST_BYTES = 8 << 20

Lines = tuple[int, int]
"""The first and the last line of a range, from 1, both included."""


@dataclass(frozen=True, slots=True)
class Item:
    """Lines of a file that a method would load."""

    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Task:
    """A commit message, the revision before the commit, and the places the commit changed there."""

    id: str
    repo: str
    rev: str
    text: str
    places: Mapping[str, Sequence[Lines]]


@dataclass(frozen=True, slots=True)
class Score:
    """Shares of a task's changed files and of its changed places."""

    file: float
    hunk: float


def read_tasks(path: Path, *, repo: str = "", limit: int | None = None) -> dict[str, list[Task]]:
    """The tasks by repository; of each, the first `limit`."""
    found: dict[str, list[Task]] = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = cast("dict[str, Any]", json.loads(line))
            if repo and row["repo"] != repo:
                continue
            places = {
                name: [(int(start), int(end)) for start, end in row["gold_hunks"][name]] for name in row["gold_files"]
            }
            found.setdefault(row["repo"], []).append(
                Task(row["id"], row["repo"], row["parent_sha"], row["task"], places)
            )
    return {name: tasks[:limit] for name, tasks in found.items()}


def repository_folder(repos: Path, name: str) -> Path:
    """The checkout or bare clone of `owner/name` below a folder."""
    folder = _folder_of(repos, name)
    if folder is None:
        raise SystemExit(f"There is no clone of {name} below {repos}.")
    return folder


def _folder_of(repos: Path, name: str) -> Path | None:
    owner, _, short = name.partition("/")
    for folder in (f"{owner}+{short}", f"{owner}/{short}", short):
        for place in (repos / folder / "repo", repos / folder, repos / f"{folder}.git"):
            if (place / ".git").exists() or (place / "objects").is_dir():
                return place
    return None


@dataclass(frozen=True, slots=True)
class Found:
    """A repository below a folder."""

    name: str
    folder: Path


def clones_below(repos: Path, only: str = "") -> list[Found]:
    """Every checkout and bare clone below a folder, or only that of `owner/name`."""
    if only:
        return [Found(only, repository_folder(repos, only))]
    names = [place.name.replace("+", "/", 1) for place in sorted(repos.iterdir())]
    names += [f"{place.parent.name}/{place.name.removesuffix('.git')}" for place in sorted(repos.glob("*/*"))]
    found = {folder: name for name in reversed(names) if "/" in name and (folder := _folder_of(repos, name))}
    return [Found(name, folder) for folder, name in reversed(found.items())]


class Clone:
    """One repository as our loader and the baselines see it; what is worked out goes to a folder of its own."""

    def __init__(self, folder: Path, cache: Path) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        project = locate(folder, {**os.environ, Variable.DATA_DIR: str(cache)})
        if project.repository is None:
            raise SystemExit(f"{folder} is not a git repository.")
        self.git = Git(project.repository)
        self.tree = SourceTree(project.repository, self.git, root=project.root)
        self.contexts: Contexts = open_contexts(project, None)
        self.cache_file = project.data_dir / "context-index.db"
        self._contents: dict[str, str] = {}
        self._texts: dict[str, Text] = {}

    def texts(self, rev: str) -> "Texts":
        """The files of a revision."""
        return Texts(self, {file.path: file for file in self.tree.list(rev).files})

    def text(self, file: SourceFile) -> "Text":
        """A file cut into lines."""
        if file.oid not in self._texts:
            self.read([file])
            self._texts[file.oid] = Text(self._contents[file.oid])
        return self._texts[file.oid]

    def read(self, files: Sequence[SourceFile]) -> None:
        """Read files together, for what will be asked of them."""
        missing = [file for file in files if file.oid not in self._contents]
        for file, content in self.tree.read(missing, limit_bytes=_LARGEST_BYTES):
            self._contents[file.oid] = (content or b"").decode("utf-8", "replace")


class Text:
    """The lines of a file, and what each costs."""

    def __init__(self, content: str) -> None:
        self.lines = content.splitlines(keepends=True)
        self._costs: dict[int, int] = {}

    def cost(self, line: int) -> int:
        """The tokens of a line, from 1; counted when they are first asked for."""
        if line not in self._costs:
            self._costs[line] = tokens.count(self.lines[line - 1])
        return self._costs[line]

    @functools.cached_property
    def tokens(self) -> int:
        """The tokens of all lines."""
        return sum(self.cost(line) for line in range(1, len(self.lines) + 1))


def loaded(items: Iterable[Item], budget_tokens: int, texts: Mapping[str, Text]) -> dict[str, set[int]]:
    """The lines that are loaded within the budget, in the order of the items; the first that does not fit ends it."""
    got: dict[str, set[int]] = {}
    left = budget_tokens
    for item in items:
        if item.path not in texts:
            continue
        if item.path not in got:
            left -= FILE_TOKENS
            if left < 0:
                return got
            got[item.path] = set()
        text, own = texts[item.path], got[item.path]
        for line in range(max(1, item.start), min(item.end, len(text.lines)) + 1):
            if line in own:
                continue
            left -= text.cost(line)
            if left < 0:
                return got
            own.add(line)
    return got


def score(task: Task, got: Mapping[str, set[int]], texts: Mapping[str, Text]) -> Score:
    """How much of the answer was loaded."""
    found = 0
    shares: list[float] = []
    for path, places in task.places.items():
        have, count = got.get(path, set[int]()), len(texts[path].lines)
        found += bool(have) or (path in got and not count)
        for start, end in places:
            wanted = range(start, min(end, count) + 1) or [min(start, count)]  # after the end: the last line
            shares.append(sum(line in have for line in wanted) / len(wanted))
    return Score(found / len(task.places), sum(shares) / len(shares))


class Texts(Mapping[str, Text]):
    """The files of one revision by path, read and cut when they are asked for."""

    def __init__(self, clone: Clone, files: Mapping[str, SourceFile]) -> None:
        self._clone, self._files = clone, files

    def __getitem__(self, path: str) -> Text:
        return self._clone.text(self._files[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
