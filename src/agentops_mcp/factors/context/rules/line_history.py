"""Where past changes are today: the changed lines of each commit, followed through all later commits of the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Hunk = tuple[int, int, int, int]
"""A changed place as git's `@@` line has it: where the old and the new lines begin, and how many they are."""

# A longer place was rewritten or added as a whole: it says nothing about any one of its lines.
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class ChangedLines:
    """Places that were changed: the number of the commit, and the first and the last line today, from 0."""

    commits: Numbers
    firsts: Numbers
    lasts: Numbers


def follow(changes: Iterable[tuple[int, Sequence[Hunk]]], line_count: int) -> ChangedLines:
    """The changed places of one file, given newest first.

    Commits of parallel branches are taken one after the other, so a place may be off by what the other branch did.
    """
    today = np.arange(line_count + 1)  # today's line of each line of the version at hand
    rows: list[tuple[int, int, int]] = []
    for commit, hunks in changes:
        parts: list[Numbers] = []
        done = 0
        for old_start, old_count, new_start, new_count in hunks:
            # git names the line before when there are none, and the first one when there are some.
            start = min(new_start - 1 if new_count else new_start, len(today) - 1)
            end = min(start + new_count, len(today) - 1)
            if start < done or old_start < 0:
                break  # not the history of this file
            first = int(today[start])
            last = max(first, int(today[max(end - 1, start)]))
            if last - first < _LONGEST:
                rows.append((commit, first, last))
            parts += [today[done:start], np.full(old_count, today[end])]
            done = end
        today = np.concatenate([*parts, today[done:]])
    table = np.array(rows, np.int64).reshape(-1, 3)
    return ChangedLines(table[:, 0], table[:, 1], table[:, 2])
