"""Recorded text made safe to show: on one line, with nothing hidden in it."""

import unicodedata
from collections.abc import Sequence

_BREAKING = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"}


def visible(text: str) -> str:
    r"""`text` with control, bidirectional and invisible characters written as `\uXXXX`; line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def gist(text: str, *, limit: int) -> str:
    """The beginning of `text` on one line, at most `limit` characters, visibly cut when it is longer."""
    line = " ".join(visible(text[: limit * 4]).split())
    return line if len(line) <= limit and len(text) <= limit * 4 else line[: limit - 1].rstrip() + "…"


def listed(names: Sequence[str], *, total: int | None = None, limit: int = 5) -> str:
    """The first names, and how many more there are, of `total` when not all of them are given."""
    more = (len(names) if total is None else total) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def _shown(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in _BREAKING or character == "\u200d":
        return character  # U+200D joins emoji and is needed by several scripts
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
