"""When two goals are about the same, and the words a goal is found by."""

import re

from agentops_mcp.core.wording import informative_words

_SHARE = 0.6
_LEAST_SHARED = 2


def is_same_goal(one: str, other: str) -> bool:
    """Whether two goals share most of the words of the shorter one."""
    left, right = goal_words(one), goal_words(other)
    shared = len(left & right)
    return shared >= _LEAST_SHARED and shared >= _SHARE * min(len(left), len(right))


_MOST_WORDS = 40
_LONGEST_WORD = 60
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_JOINT = re.compile(r"[./_'-]")
# Scripts written without spaces: a run of them is found by its pairs of characters.
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]+")


def goal_words(goal: str) -> frozenset[str]:
    """The words a goal is found by: whole, and identifiers and paths by their parts too."""
    runs = _IDEOGRAPHS.findall(goal)
    pairs = {run[start : start + 2] for run in runs for start in range(max(1, len(run) - 1))}
    parts = _JOINT.sub(" ", _HUMP.sub(" ", goal))
    words = informative_words(_IDEOGRAPHS.sub(" ", goal)) | informative_words(_IDEOGRAPHS.sub(" ", parts)) | pairs
    return frozenset(sorted(word[:_LONGEST_WORD] for word in words)[:_MOST_WORDS])
