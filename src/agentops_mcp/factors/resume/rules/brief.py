"""What a session's opening brief and a resumed state say, within a ceiling: decisions over plain values, no I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Long enough for a window that stays open over a week-end, short enough that a stale handle is noticed.
SESSION_LIFETIME = timedelta(days=7)

# o200k tokens, without the line that says what the brief cost.
BRIEF_CEILING_TOKENS = 1_500


@dataclass(frozen=True, slots=True)
class Section:
    """Lines under a heading, the most important first."""

    heading: str
    lines: tuple[str, ...]
    numbered: bool = False


def is_expired(started_at: datetime, *, now: datetime) -> bool:
    """Whether a session's handle has outlived its lifetime."""
    return now >= started_at + SESSION_LIFETIME


def fit_brief(
    head: Sequence[str], sections: Sequence[Section], tail: Sequence[str], *, ceiling: int, count: Callable[[str], int]
) -> str:
    """Head and tail whole, and as many lines of each section as fit under `ceiling` tokens.

    Lines are taken in turn, one from each section, so that no section crowds out another; what was left out is said.
    """
    kept = [len(section.lines) for section in sections]
    whole = _assemble(head, sections, kept, tail)
    if count(whole) <= ceiling:
        return whole
    nothing = [0] * len(sections)
    taken = _take_in_turn(sections, ceiling - count(_assemble(head, sections, nothing, tail)), count)
    while True:
        kept = [sum(1 for each in taken if each == index) for index in range(len(sections))]
        text = _assemble(head, sections, kept, tail)
        if not taken or count(text) <= ceiling:  # lines counted one by one can cost less than they do together
            return text
        taken.pop()


def _take_in_turn(sections: Sequence[Section], room: int, count: Callable[[str], int]) -> list[int]:
    """Sections by index, once for each line that is taken, in the order of taking."""
    taken: list[int] = []
    full: set[int] = set()
    for level in range(max((len(section.lines) for section in sections), default=0)):
        for index, section in enumerate(sections):
            if index in full or level >= len(section.lines):
                continue
            cost = count(f"- {section.lines[level]}\n")
            if cost > room:
                full.add(index)  # what comes after a line that was left out is left out too
                continue
            room -= cost
            taken.append(index)
    return taken


def _assemble(head: Sequence[str], sections: Sequence[Section], kept: Sequence[int], tail: Sequence[str]) -> str:
    lines = list(head)
    for section, shown in zip(sections, kept, strict=True):
        if not section.lines:
            continue
        left_out = len(section.lines) - shown
        lines.append(f"{section.heading}{f' ({left_out} more left out)' if left_out else ''}:")
        for number, line in enumerate(section.lines[:shown], start=1):
            lines.append(f"{number}. {line}" if section.numbered else f"- {line}")
    return "\n".join([*lines, *tail])
