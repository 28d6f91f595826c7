"""The texts that are written into another one by an encoding: base64, rot13, leetspeak, letters set apart and so on."""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from urllib.parse import unquote

from agentops_mcp.core.screening_views import Place, Span, View, as_written
from agentops_mcp.core.screening_words import CLASSES

_MOST_BLOBS = 64
_BLOB_CHARS = 20_000
# "the", "and", "you", "your", "all" or "ignore" in it: English text that says something has one of them.
_ROT13 = re.compile(r"\b(?:gur|naq|lbhe?|nyy|vtaber)\b", re.IGNORECASE)
_FEW = 5

_ENTITY = re.compile(r"&#[xX]?[0-9a-fA-F]{1,7};")
_PERCENT_RUN = re.compile(r"(?:%[0-9a-fA-F]{2}){1,300}")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}={0,2}")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_][ ._*\u00b7-]{1,3}+){11,}[^\W_](?![^\W_])")
_LETTER_OR_GAP = re.compile(r"[^\W_]|[ ._*\u00b7-]{2,3}")

# Digits for the letters they look like. One looks like two letters, which count as one wherever digits stand for them.
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_WORD = re.compile(
    r"(?<![\w@$])(?=[013457@$]{0,8}[a-zA-Z])(?=[a-zA-Z]{0,12}[013457@$])[a-zA-Z013457@$]{3,24}(?!\w)"
)
_FEW_LEET = 3
_RUN = re.compile(r"(?<![\w/+=.-])[a-z0-9]{20,2000}(?![\w/+=])")
_GROUPS = re.compile(
    r"(?<!\S)(?=(?:[a-z0-9]{2,6} ){5})(?:"
    + "|".join(rf"(?:[a-z0-9]{{{n}}} ){{5,500}}[a-z0-9]{{1,{n}}}(?!\S)" for n in range(2, 7))
    + ")"
)
_LONGEST_WORD, _SHORTEST_WORD = 15, 2


def decoded(text: str) -> Iterator[View]:
    """The texts that decodings of `text` give, where there is something to decode."""
    if len(_ENTITY.findall(text)) >= _FEW:
        yield _replaced("character references", text, _ENTITY, html.unescape)
    if len(_PERCENT.findall(text)) >= _FEW:
        yield _replaced("percent encoding", text, _PERCENT_RUN, unquote)
    if _ROT13.search(text):
        yield View("rot13", codecs.encode(text, "rot13"), as_written)
    yield from _respelt(View("", text, as_written))
    if spaced := _spaced(text):
        yield spaced
        yield from _respelt(spaced)
    for blob in islice(_BASE64.finditer(text), _MOST_BLOBS):
        if plain := _from_base64(blob[0][:_BLOB_CHARS]):
            yield View("base64", plain, _always(blob.span()))


def _respelt(view: View) -> Iterator[View]:
    """What a view says when its digits are letters, and when its letters are words."""
    for respelt in (_from_leet(view.text), _in_words(view.text)):
        if respelt:
            yield View(respelt.how, respelt.text, _through(respelt.place, view.place))


def _through(inner: Place, outer: Place) -> Place:
    return lambda start, end: outer(*inner(start, end))


def _always(span: Span) -> Place:
    def place(_start: int, _end: int) -> Span:
        return span

    return place


def _listed(starts: list[int], ends: list[int]) -> Place:
    return lambda start, end: (starts[start], ends[end - 1])


def _replaced(how: str, text: str, pattern: re.Pattern[str], decode: Callable[[str], str]) -> View:
    """`text` with every match decoded; what a match becomes stands where all of the match stood."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in pattern.finditer(text):
        plain = decode(match[0])
        pieces += text[done : match.start()], plain
        starts += [*range(done, match.start()), *[match.start()] * len(plain)]
        ends += [*range(done + 1, match.start() + 1), *[match.end()] * len(plain)]
        done = match.end()
    starts += range(done, len(text))
    ends += range(done + 1, len(text) + 1)
    return View(how, "".join([*pieces, text[done:]]), _listed(starts, ends))


def _spaced(text: str) -> View | None:
    """Letters that are set apart, put together again: one gap is nothing, a wide one ends a word."""
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for run in _SPACED.finditer(text):
        for part in _LETTER_OR_GAP.finditer(text, run.start(), run.end()):
            letters.append(part[0].lower()[:1] if part[0].isalnum() else " ")
            starts.append(part.start())
            ends.append(part.end())
        letters.append("\n")
        starts.append(run.end() - 1)
        ends.append(run.end())
    return View("spaced letters", "".join(letters), _listed(starts, ends)) if letters else None


def _from_leet(text: str) -> View | None:
    """`text` with the words read that are written with digits for letters, when there are some."""
    known = _words_by_look()
    few = islice((True for word in _LEET_WORD.finditer(text) if _look(word[0]) in known), _FEW_LEET)
    if sum(few) < _FEW_LEET:
        return None
    plain = _LEET_WORD.sub(lambda word: known.get(_look(word[0]), word[0]), text)
    return View("leetspeak", plain, as_written)


def _in_words(text: str) -> View | None:
    """The words of letters that run together or are cut into groups of one length; None when there are no such."""
    letters: list[str] = []
    starts: list[int] = []
    for run in (*_RUN.finditer(text), *_GROUPS.finditer(text)):
        places = [at for at in range(run.start(), run.end()) if text[at] != " "]
        looks = _look("".join(text[at] for at in places))
        at = 0
        while at < len(places):
            word = _word_at(looks, at)
            size = len(word) or 1
            letters.append(f" {word} " if word else text[places[at]])
            starts += _spread(places, at, size) if word else [places[at]]
            at += size
        letters.append("\n")
        starts.append(places[-1])
    return (
        View("letters run together", "".join(letters), _listed(starts, [at + 1 for at in starts])) if letters else None
    )


def _spread(places: list[int], at: int, size: int) -> list[int]:
    """The places of a word and of the spaces around it."""
    return [places[at], *places[at : at + size], places[at + size - 1]]


def _word_at(looks: str, at: int) -> str:
    known = _words_by_look()
    for size in range(min(_LONGEST_WORD, len(looks) - at), _SHORTEST_WORD - 1, -1):
        if word := known.get(looks[at : at + size]):
            return word
    return ""


@cache
def _words_by_look() -> dict[str, str]:
    return {_look(word): word for word in CLASSES if len(word) >= _SHORTEST_WORD and word.isalpha()}


def _look(word: str) -> str:
    return word.lower().translate(_LEET).replace("l", "i")


def _from_base64(blob: str) -> str | None:
    """The text that `blob` encodes; None when it is no text."""
    plain = blob.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text if " " in text and sum(map(str.isprintable, text)) >= len(text) * 0.9 else None
