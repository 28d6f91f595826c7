"""What past commits say about a task: where changes with such a message were made, and what changes together."""

import functools
import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from agentops_mcp.factors.context.rules.line_history import ChangedLines, Hunk, follow
from agentops_mcp.factors.context.rules.tasks import telling_stems

Floats = NDArray[np.float64]
Place = tuple[str, str]
"""A path, and the name of a function or class in it."""

_NAME = re.compile(r"[^\W\d][\w$]*")
_KEYWORDS = frozenset(
    """
    abstract async await class const declare def default else enum export final fn for func function if impl interface
    internal let module namespace new override private protected pub public return self static struct this trait type
    unsafe var void while
    """.split()
)
# A commit of more files is a sweep (a rename, a formatter): it says nothing about what belongs together.
_MOST_FILES = 40
_MOST_CHANGED_TOGETHER = 30
_NAMES_A_HUNK = 2
_MESSAGE_CHARS = 1_500

# Half of a commit's say fades with age: the code it was about has moved on.
_FADING_COMMITS = 500
_LEAST_NORM = 6.0
_HALF_SAY_OF_FILES, _HALF_SAY_OF_PLACES = 200, 100


class TouchedFile(Protocol):
    """A file of a commit, and the text git shows beside each of its changed places."""

    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def contexts(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def hunks(self) -> Sequence[Hunk]: ...  # noqa: D102
    @property
    def is_whole(self) -> bool: ...  # noqa: D102


class PastCommit(Protocol):
    """A commit as the log has it."""

    @property
    def message(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> Sequence[TouchedFile]: ...  # noqa: D102
    @property
    def more(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Similar:
    """How much commits with a similar message touched each file and place.

    `weights` has what each commit gives to every one of its files.
    """

    files: Mapping[str, float]
    places: Mapping[Place, float]
    weights: Floats


class PastChanges:
    """The commits of one line of history, newest first, made ready for questions."""

    def __init__(self, commits: Sequence[PastCommit]) -> None:
        self.count = len(commits)
        self._paths: _Numbers[str] = _Numbers()
        self._places: _Numbers[Place] = _Numbers()
        self._postings: dict[str, list[int]] = {}
        files: list[tuple[int, int, int]] = []
        places: list[tuple[int, int, int]] = []
        stems: list[frozenset[str]] = []
        for number, commit in enumerate(commits):
            touched = len(commit.files) + commit.more
            stems.append(telling_stems(commit.message[:_MESSAGE_CHARS]))
            for each in stems[-1]:
                self._postings.setdefault(each, []).append(number)
            for file in commit.files:
                files.append((number, self._paths.of(file.path), touched))
                names = {name for context in file.contexts for name in _names_in(context)}
                places += [(number, self._places.of((file.path, name)), touched) for name in sorted(names)]
        self._in_files = _Pairs(files, commits=self.count, items=len(self._paths.keys))
        self._in_places = _Pairs(places, commits=self.count, items=len(self._places.keys))
        self._touched = np.array([len(commit.files) + commit.more for commit in commits], np.float64)
        self._hunks = _hunks_by_path(commits)
        self._lines: dict[tuple[str, int], ChangedLines] = {}
        self._norms = np.array([self._norm(each) for each in stems])
        self._ages = np.arange(self.count)
        self._fading = 0.5 + 0.5 * np.exp(-self._ages / _FADING_COMMITS)

    def idf(self, each: str) -> float:
        """How rare a stem is among the messages."""
        with_it = len(self._postings.get(each, ()))
        return math.log(1 + (self.count - with_it + 0.5) / (with_it + 0.5))

    def _norm(self, stems: frozenset[str]) -> float:
        return max(math.sqrt(sum(self.idf(each) ** 2 for each in stems)), _LEAST_NORM)

    def similar(self, stems: Sequence[str]) -> Similar:
        """Where commits whose messages share words with a task were made; a share is a squared cosine."""
        if not self.count:
            return Similar({}, {}, np.zeros(0))
        shared = np.zeros(self.count)
        for each in stems:
            if found := self._postings.get(each):
                shared[found] += self.idf(each) ** 2
        norm = math.sqrt(sum(self.idf(each) ** 2 for each in stems)) or 1.0
        likeness = shared / (norm * self._norms)
        weights = likeness**2 * self._fading
        return Similar(
            self._paths.named(self._in_files.summed(weights, most=_MOST_FILES, power=0.5)),
            self._places.named(self._in_places.summed(weights, most=_MOST_FILES, power=0.5)),
            np.where(self._touched <= _MOST_FILES, weights / np.sqrt(np.maximum(self._touched, 1)), 0.0),
        )

    def with_files(self, files: Mapping[str, float]) -> Mapping[str, float]:
        """What changed in one commit with these files, each of which has a weight."""
        weights = self._in_files.weighted(self._paths.known(files)) * self._fading
        return self._paths.named(self._in_files.summed(weights, most=_MOST_CHANGED_TOGETHER, power=1.0))

    def with_places(self, places: Sequence[Place]) -> Mapping[Place, float]:
        """What changed in one commit with these places."""
        weights = self._in_places.weighted(self._places.known(dict.fromkeys(places, 1.0))) * self._fading
        return self._places.named(self._in_places.summed(weights, most=_MOST_CHANGED_TOGETHER, power=0.5))

    def changed_lines(self, path: str, line_count: int) -> ChangedLines:
        """The places of a file that commits changed, as lines of today's file."""
        key = path, line_count
        if key not in self._lines:
            self._lines[key] = follow(self._hunks.get(path, ()), line_count)
        return self._lines[key]

    @property
    def line_weights(self) -> Floats:
        """What each commit says about how often a line is changed; what is longer ago says less, a sweep nothing."""
        return np.where(self._touched <= _MOST_FILES, 1 / (1 + self._ages / _HALF_SAY_OF_FILES), 0.0)

    @functools.cached_property
    def touches(self) -> Mapping[str, float]:
        """How often each file was changed; what is longer ago counts less."""
        weights = 1 / (1 + self._ages / _HALF_SAY_OF_FILES)
        return self._paths.named(self._in_files.summed(weights, most=_MOST_CHANGED_TOGETHER, power=0.0))

    @functools.cached_property
    def place_touches(self) -> Mapping[Place, float]:
        """How often each place was changed; what is longer ago counts less."""
        weights = 1 / (1 + self._ages / _HALF_SAY_OF_PLACES)
        return self._places.named(self._in_places.summed(weights, most=_MOST_CHANGED_TOGETHER, power=0.0))

    @functools.cached_property
    def last_touch(self) -> Mapping[str, int]:
        """How many commits ago each file was changed last."""
        last: dict[str, int] = {}
        for commit, file in zip(self._in_files.commits, self._in_files.items, strict=True):
            last.setdefault(self._paths.keys[int(file)], int(commit))
        return last


def _hunks_by_path(commits: Sequence[PastCommit]) -> Mapping[str, Sequence[tuple[int, Sequence[Hunk]]]]:
    """The changes of each file, newest first, as far back as all of them are known."""
    found: dict[str, list[tuple[int, Sequence[Hunk]]]] = {}
    ended: set[str] = set()
    for number, commit in enumerate(commits):
        for file in commit.files:
            if not file.is_whole:
                ended.add(file.path)
            elif file.hunks and file.path not in ended:
                found.setdefault(file.path, []).append((number, file.hunks))
    return found


KeyT = TypeVar("KeyT", bound=Hashable)


class _Numbers(Generic[KeyT]):
    """Keys, numbered as they come."""

    def __init__(self) -> None:
        self.numbers: dict[KeyT, int] = {}
        self.keys: list[KeyT] = []

    def of(self, key: KeyT) -> int:
        """The number of a key."""
        number = self.numbers.setdefault(key, len(self.keys))
        if number == len(self.keys):
            self.keys.append(key)
        return number

    def named(self, values: Floats) -> dict[KeyT, float]:
        """The values that are not zero, by key."""
        return {self.keys[number]: float(values[number]) for number in np.flatnonzero(values).tolist()}

    def known(self, weights: Mapping[KeyT, float]) -> dict[int, float]:
        """Weights by number, of those keys that have one."""
        return {self.numbers[key]: weight for key, weight in weights.items() if key in self.numbers}


class _Pairs:
    """Which commit touched which item, and how many files that commit touched in all."""

    def __init__(self, rows: Sequence[tuple[int, int, int]], *, commits: int, items: int) -> None:
        table = np.array(rows, np.int64).reshape(-1, 3)
        self.commits, self.items, self._touched = table[:, 0], table[:, 1], table[:, 2].astype(np.float64)
        self._counts = commits, items

    def summed(self, weights: Floats, *, most: int, power: float) -> Floats:
        """The weights of the commits that touched each item, shared among the files they touched.

        Commits of more than `most` files do not count; `power` says how much of the weight is shared.
        """
        each = np.where(self._touched <= most, weights[self.commits] / self._touched**power, 0.0)
        return np.bincount(self.items, each, minlength=self._counts[1]).astype(np.float64)

    def weighted(self, wanted: Mapping[int, float]) -> Floats:
        """For each commit, the summed weights of the wanted items that it touched."""
        of_item = np.zeros(self._counts[1])
        of_item[list(wanted)] = list(wanted.values())
        return np.bincount(self.commits, of_item[self.items], minlength=self._counts[0]).astype(np.float64)


@functools.lru_cache(maxsize=20_000)
def _names_in(context: str) -> tuple[str, ...]:
    """The names in the line that git shows beside a changed place: a function's and what it belongs to."""
    return tuple(dict.fromkeys(name for name in _NAME.findall(context) if name not in _KEYWORDS))[:_NAMES_A_HUNK]
