"""A text as its reader takes it: in one form, and without the characters that nobody sees.

Every view knows where its characters stand in the text it was made from, so that what is flagged in it can be shown.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

MOST_CHARS = 100_000
"""How much of a text is looked at."""

_SHORTEST_HIDDEN = 4  # fewer spell nothing, and come from careless copying
_COMMENT = re.compile(r"<!--|^\[//\]: # ", re.MULTILINE)
_COMMENT_CHARS = 4_000

_FLAG_SEQUENCE = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
_TAGS = re.compile(f"[\U000e0000-\U000e007f]{{{_SHORTEST_HIDDEN},}}")
_SELECTORS = re.compile(f"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{{{_SHORTEST_HIDDEN},}}")
_UNSEEN = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\u034f\u115f\u1160\u3164"
_UNSEEN_RUN = re.compile(f"[{_UNSEEN}]{{{_SHORTEST_HIDDEN},}}")
_BIDI_OVERRIDE = re.compile("[\u202d\u202e]")
_IGNORED = re.compile(f"[{_UNSEEN}\u202a-\u202e\u2066-\u2069\ufe00-\ufe0f\U000e0000-\U000e007f\U000e0100-\U000e01ef]")
_SHOWN_BEFORE, _SHOWN_AFTER = 20, 60


Span = tuple[int, int]
Place = Callable[[int, int], Span]


class Hidden(NamedTuple):
    """Characters that nobody sees: how they hide, what they spell, and where they stand."""

    how: str
    text: str
    start: int
    end: int


class View(NamedTuple):
    """Another text that a text holds, and how it was hidden.

    `place(start, end)` tells where the characters between the two, at least one, stand in the text this is a view of.
    """

    how: str
    text: str
    place: Place


def normalised(text: str) -> View:
    """`text` in compatibility form (NFKC), without the characters that nobody sees."""
    if text.isascii():
        return View("", text, as_written)
    plain = unicodedata.normalize("NFKC", _IGNORED.sub("", text))[:MOST_CHARS]  # a character can become eighteen
    aligned = cache(lambda: _aligned(text, plain))

    def place(start: int, end: int) -> Span:
        starts, ends = aligned()
        return starts[start], ends[end - 1]

    return View("", plain, place)


def as_written(start: int, end: int) -> Span:
    """The place in a view whose characters all stand where they stood."""
    return start, end


def _aligned(text: str, plain: str) -> tuple[list[int], list[int]]:
    """Where each character of `plain`, the normalised `text`, comes from: its start and its end."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and _belongs_to_previous(text[end]):
            end += 1
        piece = unicodedata.normalize("NFKC", _IGNORED.sub("", text[at:end]))
        pieces.append(piece)
        starts += [at] * len(piece)
        ends += [end] * len(piece)
        at = end
    if not "".join(pieces).startswith(
        plain
    ):  # letters that are composed and are no marks: it is somewhere in all of it
        return [0] * len(plain), [len(text)] * len(plain)
    return starts, ends


def _belongs_to_previous(character: str) -> bool:
    """Whether normalising may join this to the character before it: a mark, a Korean vowel or end, or nothing."""
    return character > "\x7f" and (
        unicodedata.category(character)[0] == "M"
        or "\u1160" <= character <= "\u11ff"
        or bool(_IGNORED.match(character))
    )


def hidden(text: str) -> Iterator[Hidden]:
    """The invisible characters that no script needs, and what they spell when they spell something."""
    if text.isascii():
        return
    without_flags = _FLAG_SEQUENCE.sub(lambda flag: flag[0][0] * len(flag[0]), text)
    if tags := _TAGS.search(without_flags):
        spelt = "".join(chr(ord(each) & 0x7F) for each in tags[0])
        yield Hidden("invisible tag characters", spelt, *tags.span())
    if selectors := _SELECTORS.search(text):
        spelt = bytes(map(_selector_byte, selectors[0])).decode("utf-8", "replace")
        yield Hidden("a run of variation selectors", spelt, *selectors.span())
    if override := _BIDI_OVERRIDE.search(text):
        shown = text[override.start() : override.start() + _SHOWN_BEFORE + _SHOWN_AFTER]
        yield Hidden("text shown in another order than it is read", shown, *override.span())
    if run := _UNSEEN_RUN.search(text):
        shown = text[max(run.start() - _SHOWN_BEFORE, 0) : run.start() + _SHOWN_AFTER]
        yield Hidden("a run of invisible characters", shown, *run.span())


def comments(text: str) -> Iterator[Span]:
    """Where the comments stand that a rendered page does not show; a comment quoted as code is shown."""
    at = 0
    while opening := _COMMENT.search(text, at):
        start = opening.end()
        closing = text.find("-->" if opening[0] == "<!--" else "\n", start, start + _COMMENT_CHARS)
        at = closing if closing >= 0 else start + _COMMENT_CHARS
        if at > start and not text.endswith("`", 0, opening.start()):
            yield start, min(at, len(text))


def _selector_byte(selector: str) -> int:
    code = ord(selector)
    return code - 0xFE00 if code < 0xE0000 else code - 0xE0100 + 16
