"""A unit: a piece of a file a reader would recognise."""

from collections.abc import Sequence
from dataclasses import dataclass

_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a file. Lines count from 1, both ends included.

    `start` takes in decorators, attributes and the comment directly above; `body` is the first line after the
    signature, `end + 1` when all of it is signature; `parent` is the index of the enclosing unit, -1 at the top.
    """

    start: int
    end: int
    body: int
    kind: str
    name: str
    parent: int


def line_count(content: bytes) -> int:
    """How many lines there are, where only a line feed ends a line."""
    return content.count(b"\n") + (0 if not content or content.endswith(b"\n") else 1)


def short_name(text: bytes) -> str:
    """Text as a name: one line of printable characters, cut to a length that still reads."""
    words = " ".join(text[: 8 * _NAME_LENGTH].decode("utf-8", "replace").split())
    return "".join(letter for letter in words if letter.isprintable())[:_NAME_LENGTH].strip()


def qualified(units: Sequence[Unit], index: int) -> str:
    """The name of a unit behind the names of those around it, such as `Flask.run`."""
    names: list[str] = []
    while index >= 0:
        names.append(units[index].name)
        index = units[index].parent
    return ".".join(name for name in reversed(names) if name)
