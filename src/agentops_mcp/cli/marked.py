"""Text of which every line has a mark that says whose it is, printed so that no line loses its mark."""

import re
import sys
from collections.abc import Iterator

from agentops_mcp.cli.output import say

_MARK = re.compile(r" *(?:[-|>] )?")
_INDENT = "  "
_LEAST_COLUMNS = 20


def say_marked(text: str) -> None:
    """Print marked text. At a terminal a long line goes on below under its mark, and never at the left edge."""
    if not sys.stdout.isatty():
        say(text)
        return
    from rich.console import Console

    width = Console().width
    for line in text.split("\n"):
        for part in folded(line, width):
            say(part)


def folded(line: str, width: int) -> Iterator[str]:
    """A line in parts of at most so many columns: what goes on has the mark of its line, code with `:` for `|`."""
    mark = _MARK.match(line)
    first = mark[0] if mark else ""
    rest = line[len(first) :].expandtabs(4)
    following = first.replace("-", " ").replace("|", ":") or _INDENT
    room = max(width - len(following), _LEAST_COLUMNS)
    parts = _chopped(rest, room) if "|" in first else _wrapped(rest, room)
    for number, part in enumerate(parts):
        yield f"{following if number else first}{part}"


def _chopped(text: str, width: int) -> Iterator[str]:
    """A text cut where the room ends; every space of it stays."""
    from rich.cells import chop_cells

    yield from chop_cells(text, width) or [""]


def _wrapped(text: str, width: int) -> Iterator[str]:
    """A text broken between words, and inside one only where it is longer than a line."""
    from rich.cells import cell_len

    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if cell_len(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        *whole, line = _chopped(word, width)
        yield from whole
    yield line
