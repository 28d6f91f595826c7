"""What is sent of each file: stretches of lines, how much of a unit each is, and why it was chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agentops_mcp.factors.context.rules.corpus import Floats, numbers
from agentops_mcp.factors.context.rules.facts import LineKind
from agentops_mcp.factors.context.rules.layout import Layout
from agentops_mcp.factors.context.rules.window import Level

_TITLE_CHARS = 60

# The logarithm of the odds: a third more than an average line has.
_SPEAKS = 0.3
_NEARBY = "nearby"


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines `start` to `end` (from 1, both included) of the file with number `file`.

    `rows` are the same lines in the layout; `value` is the share of a task that they are expected to answer.
    """

    file: int
    start: int
    end: int
    rows: tuple[int, int]
    level: Level
    title: str
    reason: str
    value: float


def pieces_of(
    layout: Layout,
    stretches: Sequence[tuple[int, int]],
    values: Floats,
    bonuses: Floats,
    reasons: Mapping[str, Floats],
) -> list[Piece]:
    """The stretches as pieces, in order of file and line; what is blank altogether is left out.

    The first piece of a file has the file's bonus in its value.
    """
    found: list[Piece] = []
    rows = np.concatenate([np.zeros(0, np.int64), *(np.arange(first, last) for first, last in stretches)])
    usual = {name: float(each[rows].mean()) for name, each in reasons.items()} if len(rows) else {}
    for first, last in stretches:
        if not np.any(layout.kind[first:last] != LineKind.BLANK):
            continue
        file, base = int(layout.file[first]), layout.starts[int(layout.file[first])]
        bonus = 0.0 if found and found[-1].file == file else float(bonuses[first])
        found.append(
            Piece(
                file=file,
                start=first - base + 1,
                end=last - base,
                rows=(first, last),
                level=_level(layout, first, last),
                title=_title(layout, first, last),
                reason=_reason(reasons, usual, first + int(np.argmax(values[first:last]))),
                value=float(values[first:last].sum()) + bonus,
            )
        )
    return found


def _reason(reasons: Mapping[str, Floats], usual: Mapping[str, float], row: int) -> str:
    """What tells a line from the others that were chosen, among what speaks for it at all."""
    speaking = [name for name, each in reasons.items() if each[row] > _SPEAKS]
    return max(speaking, key=lambda name: (reasons[name][row] - usual[name], name), default=_NEARBY)


def _level(layout: Layout, first: int, last: int) -> Level:
    """How much of the units it touches a stretch has."""
    if last - first == 1:
        return "pointer"
    places = layout.places
    touched = [each for each in set(numbers(layout.place[first:last])) if each < len(places) - 1]
    if touched and bool(layout.says_what[first:last].all()):
        return "outline"
    if touched and all(places.starts[each] >= first and places.ends[each] <= last for each in touched):
        return "full"
    return "excerpt"


def _title(layout: Layout, first: int, last: int) -> str:
    """The units a stretch shows: the first by its whole name, and how many more."""
    titles = [layout.places.titles[each] for each in dict.fromkeys(numbers(layout.place[first:last]))]
    named = [title for title in titles if title]
    if not named:
        return ""
    more = f" +{len(named) - 1}" if len(named) > 1 else ""
    return named[0][:_TITLE_CHARS] + more


def seen_rows(
    layout: Layout, paths: Sequence[str], seen: Mapping[str, Sequence[tuple[int, int]]]
) -> Iterator[tuple[int, int]]:
    """The rows of lines that were sent before, as half-open ranges; `seen` has ranges of lines by path."""
    for file in numbers(layout.files):
        for start, end in seen.get(paths[file], ()):
            base = layout.starts[file]
            count = int(np.count_nonzero(layout.file == file))
            yield base + max(0, start - 1), base + min(count, end)
