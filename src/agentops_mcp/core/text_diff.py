"""A unified diff of two texts whose cost is bounded: what can not be compared in time is shown as replaced."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_CONTEXT_LINES = 3
_MOST_PAIRS = 4_000_000
"""Pairs of lines, the square that finding what is common may cost; above it, all lines between are shown as changed."""

_MARK_NO_END = "\\ No newline at end of file"


def unified_diff(before: str | None, after: str, path: str) -> str:
    """The diff that leads from one text (None: there is no file) to another; empty when they are the same."""
    if before == after:
        return ""
    old, new = _split(before or ""), _split(after)
    head = [f"--- {'/dev/null' if before is None else 'a/' + path}", f"+++ b/{path}"]
    return "\n".join([*head, *_hunks(old, new)]) + "\n"


def _split(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def _hunks(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    for group in _grouped(_changes(middle_old, middle_new, start)):
        yield from _hunk(old, new, group)


class _Change(NamedTuple):
    """Lines that take the place of others: from and to, before and after."""

    old: int
    old_end: int
    new: int
    new_end: int


def _changes(old: Sequence[str], new: Sequence[str], start: int) -> Iterator[_Change]:
    if len(old) * len(new) > _MOST_PAIRS:
        yield _Change(start, start + len(old), start, start + len(new))
        return
    for tag, *ends in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield _Change(*(start + end for end in ends))


def _grouped(changes: Iterable[_Change]) -> Iterator[list[_Change]]:
    """Changes that share their context are one hunk."""
    group: list[_Change] = []
    for change in changes:
        if group and change.old - group[-1].old_end > 2 * _CONTEXT_LINES:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _hunk(old: Sequence[str], new: Sequence[str], group: Sequence[_Change]) -> Iterator[str]:
    first, last = group[0], group[-1]
    above, below = min(first.old, _CONTEXT_LINES), min(len(old) - last.old_end, _CONTEXT_LINES)
    at, until = first.old - above, last.old_end + below
    yield f"@@ -{_range(at, until)} +{_range(first.new - above, last.new_end + below)} @@"
    for change in group:
        yield from _lines(" ", old[at : change.old])
        yield from _lines("-", old[change.old : change.old_end])
        yield from _lines("+", new[change.new : change.new_end])
        at = change.old_end
    yield from _lines(" ", old[at:until])


def _lines(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        text = line.removesuffix("\n")
        yield sign + text
        if text == line:
            yield _MARK_NO_END


def _range(start: int, end: int) -> str:
    length = end - start
    return str(start + 1) if length == 1 else f"{start + 1 if length else start},{length}"


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """How many lines both begin with."""
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
