"""The tree of states drawn as text, the newest first, in the manner of `git log --graph`."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """One state as the tree shows it; `why_unreadable` is empty for one that can be read."""

    id: str
    parent: str | None
    at: str
    phase: str
    goal: str
    client: str
    is_tip: bool
    why_unreadable: str = ""


def draw(nodes: Sequence[Node]) -> list[tuple[str, Node]]:
    """Each node with the marks before it: `*` is the state, `|` a branch that goes on below."""
    lanes: list[str] = []  # the state each branch is waiting for
    drawn: list[tuple[str, Node]] = []
    for node in nodes:
        waiting = [index for index, awaited in enumerate(lanes) if awaited == node.id]
        column = waiting[0] if waiting else len(lanes)
        if not waiting:
            lanes.append(node.id)
        joined = set(waiting[1:])
        marks = ["*" if index == column else "/" if index in joined else "|" for index in range(len(lanes))]
        drawn.append((" ".join(marks), node))
        lanes[column] = node.parent or ""
        lanes = [awaited for index, awaited in enumerate(lanes) if awaited and index not in joined]
    return drawn
