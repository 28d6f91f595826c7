"""What a session's opening brief says, within its ceiling (factor VI): decisions over plain values, no I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# Long enough for a window that stays open over a week-end, short enough that a stale handle is noticed.
SESSION_LIFETIME = timedelta(days=7)

# o200k tokens, without the line that says what the brief cost.
BRIEF_CEILING_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of a brief under a heading, the most important first."""

    heading: str
    lines: tuple[str, ...]


def is_expired(started_at: datetime, *, now: datetime) -> bool:
    """Whether a session's handle has outlived its lifetime."""
    return now >= started_at + SESSION_LIFETIME


def fit_brief(
    head: Sequence[str], sections: Sequence[Section], tail: Sequence[str], *, ceiling: int, count: Callable[[str], int]
) -> str:
    """Head and tail whole, and as many lines of each section as fit under `ceiling` tokens.

    Lines are taken in turn, one from each section, so that no section crowds out another; what was left out is said.
    """
    whole = _assemble(head, sections, [len(section.lines) for section in sections], tail)
    if count(whole) <= ceiling:
        return whole
    kept = [0] * len(sections)
    depth = max((len(section.lines) for section in sections), default=0)
    for level in range(depth):
        for index, section in enumerate(sections):
            if level >= len(section.lines) or kept[index] < level:
                continue
            kept[index] += 1
            if count(_assemble(head, sections, kept, tail)) > ceiling:
                kept[index] -= 1
    return _assemble(head, sections, kept, tail)


def _assemble(head: Sequence[str], sections: Sequence[Section], kept: Sequence[int], tail: Sequence[str]) -> str:
    lines = list(head)
    for section, shown in zip(sections, kept, strict=True):
        if not section.lines:
            continue
        left_out = len(section.lines) - shown
        lines.append(f"{section.heading}{f' ({left_out} more left out)' if left_out else ''}:")
        lines += [f"- {line}" for line in section.lines[:shown]]
    return "\n".join([*lines, *tail])
