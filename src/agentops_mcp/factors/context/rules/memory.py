"""Which of the project's own records apply to a task: by the telling words they share."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from agentops_mcp.factors.context.rules.tasks import telling_stems

_MOST = 3
_LEAST_SHARED = 2
_LEAST_LIKENESS = 0.2


@dataclass(frozen=True, slots=True)
class Remembered:
    """A record of the project: what it says in one line, all its words, and the files it cites."""

    id: str
    kind: str
    gist: str
    text: str
    files: tuple[str, ...]


def applying(task: str, records: Sequence[Remembered]) -> list[Remembered]:
    """The records that share the most telling words with a task, the likeliest first; few, or none."""
    wanted = telling_stems(task)
    words = [telling_stems(record.text) for record in records]
    having = Counter(stem for each in words for stem in each)
    worth = {stem: math.log(1 + len(records) / having[stem]) for stem in having}
    scored: list[tuple[float, int]] = []
    for number, each in enumerate(words):
        shared = wanted & each
        whole = math.sqrt(_norm(worth, each) * _norm(worth, wanted)) or 1.0
        likeness = sum(worth[stem] ** 2 for stem in shared) / whole
        if len(shared) >= _LEAST_SHARED and likeness >= _LEAST_LIKENESS:
            scored.append((-likeness, number))
    return [records[number] for _, number in sorted(scored)[:_MOST]]


def _norm(worth: dict[str, float], stems: frozenset[str]) -> float:
    most = max(worth.values(), default=1.0)
    return sum(worth.get(stem, most) ** 2 for stem in stems)
