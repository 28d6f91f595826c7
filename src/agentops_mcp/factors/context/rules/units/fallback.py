"""Text without a grammar, cut into blocks at blank lines and indentation."""

from collections.abc import Sequence
from dataclasses import replace

from agentops_mcp.factors.context.rules.units.unit import Unit, short_name

_FEWEST_LINES = 10
_MOST_LINES = 60


def blocks(content: bytes) -> list[Unit]:
    """Blocks of a sensible size that leave out nothing but blank lines at their ends."""
    lines = _lines(content)
    return _blocks(lines, [not line.strip() for line in lines], 0, len(lines))


def filled(units: Sequence[Unit], content: bytes) -> list[Unit]:
    """The units, and blocks for what is between those at the top."""
    lines = _lines(content)
    blank = [not line.strip() for line in lines]
    moved: dict[int, int] = {-1: -1}
    whole: list[Unit] = []
    done = 0
    for index, unit in enumerate(units):
        if unit.parent < 0:
            whole.extend(_blocks(lines, blank, done, unit.start - 1))
            done = max(done, unit.end)
        moved[index] = len(whole)
        whole.append(replace(unit, parent=moved[unit.parent]))
    return whole + _blocks(lines, blank, done, len(lines))


def _lines(content: bytes) -> list[bytes]:
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _blocks(lines: Sequence[bytes], blank: Sequence[bool], start: int, stop: int) -> list[Unit]:
    units: list[Unit] = []
    while start < stop:
        end = _end_of_block(lines, blank, start, stop)
        first, last = start, end - 1
        while first < last and blank[first]:
            first += 1
        while last > first and blank[last]:
            last -= 1
        if not blank[first]:
            units.append(Unit(first + 1, last + 1, first + 2, "block", short_name(lines[first].strip()), -1))
        start = end
    return units


def _end_of_block(lines: Sequence[bytes], blank: Sequence[bool], start: int, stop: int) -> int:
    """Where the next block begins: the best break from the fewest to the most lines on, or at the most lines."""
    furthest = min(start + _MOST_LINES, stop)
    if furthest == stop and furthest - start <= _FEWEST_LINES:
        return furthest
    best, best_indent = furthest, 1 << 30
    for row in range(start + _FEWEST_LINES, furthest):
        if not blank[row - 1] or blank[row]:
            continue
        indent = len(lines[row]) - len(lines[row].lstrip())
        if indent == 0:
            return row
        if indent < best_indent:
            best, best_indent = row, indent
    return best if furthest - start >= _MOST_LINES else furthest
