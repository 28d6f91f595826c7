"""What a text hides: characters that nobody sees, and other texts written into it by an encoding."""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

MOST_CHARS = 100_000
"""How much of a text is looked at."""

_MOST_BLOBS = 64
_BLOB_CHARS = 20_000
_SHORTEST_HIDDEN = 4  # fewer spell nothing, and come from careless copying
# "the", "and", "you", "your", "all" or "ignore" in it: English text that says something has one of them.
_ROT13 = re.compile(r"\b(?:gur|naq|lbhe?|nyy|vtaber)\b", re.IGNORECASE)
_FEW = 5

_ENTITY = re.compile(r"&#[xX]?[0-9a-fA-F]{1,7};")
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{24,}={0,2}")
_SPACED = re.compile(r"(?<![^\W_])(?:[^\W_][ ._*\u00b7-]{1,3}+){11,}[^\W_](?![^\W_])")
_WIDE_GAP = re.compile(r"[ ._*\u00b7-]{2,3}")
_COMMENT = re.compile(r"<!--|^\[//\]: # ", re.MULTILINE)
_COMMENT_CHARS = 4_000

_FLAG_SEQUENCE = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")
_TAGS = re.compile(f"[\U000e0000-\U000e007f]{{{_SHORTEST_HIDDEN},}}")
_SELECTORS = re.compile(f"[\ufe00-\ufe0f\U000e0100-\U000e01ef]{{{_SHORTEST_HIDDEN},}}")
_UNSEEN = "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e\u034f\u115f\u1160\u3164"
_UNSEEN_RUN = re.compile(f"[{_UNSEEN}]{{{_SHORTEST_HIDDEN},}}")
_BIDI_OVERRIDE = re.compile("[\u202d\u202e]")
_IGNORED = re.compile(f"[{_UNSEEN}\u202a-\u202e\u2066-\u2069\ufe00-\ufe0f\U000e0000-\U000e007f\U000e0100-\U000e01ef]")


@dataclass(frozen=True, slots=True)
class View:
    """Another text that `text` holds, and how it was hidden."""

    how: str
    text: str


def normalised(text: str) -> str:
    """`text` in compatibility form (NFKC), without the characters that nobody sees."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _IGNORED.sub("", text))[:MOST_CHARS]  # a character can become eighteen


def hidden(text: str) -> Iterator[View]:
    """The invisible characters that no script needs, and what they spell when they spell something."""
    if text.isascii():
        return
    without_flags = _FLAG_SEQUENCE.sub("", text)
    if tags := _TAGS.search(without_flags):
        yield View("invisible tag characters", "".join(chr(ord(each) & 0x7F) for each in tags[0]))
    if selectors := _SELECTORS.search(text):
        spelt = bytes(map(_selector_byte, selectors[0])).decode("utf-8", "replace")
        yield View("a run of variation selectors", spelt)
    if override := _BIDI_OVERRIDE.search(text):
        yield View("text shown in another order than it is read", text[override.start() : override.start() + 80])
    if run := _UNSEEN_RUN.search(text):
        yield View("a run of invisible characters", text[max(run.start() - 20, 0) : run.start() + 60])


def decoded(text: str) -> Iterator[View]:
    """The texts that decodings of `text` give, where there is something to decode."""
    if len(_ENTITY.findall(text)) >= _FEW:
        yield View("character references", html.unescape(text))
    if len(_PERCENT.findall(text)) >= _FEW:
        yield View("percent encoding", unquote(text))
    if _ROT13.search(text):
        yield View("rot13", codecs.encode(text, "rot13"))
    spaced = " | ".join(_joined(run[0]) for run in _SPACED.finditer(text))
    if spaced:
        yield View("spaced letters", spaced.lower())
    for number, blob in enumerate(_BASE64.finditer(text)):
        if number >= _MOST_BLOBS:
            return
        if plain := _from_base64(blob[0][:_BLOB_CHARS]):
            yield View("base64", plain)


def comments(text: str) -> Iterator[tuple[int, str]]:
    """What stands in comments that a rendered page does not show, and where; a comment quoted as code is shown."""
    at = 0
    while opening := _COMMENT.search(text, at):
        start = opening.end()
        closing = text.find("-->" if opening[0] == "<!--" else "\n", start, start + _COMMENT_CHARS)
        at = closing if closing >= 0 else start + _COMMENT_CHARS
        if not text[: opening.start()].endswith("`"):
            yield start, text[start:at]


def _selector_byte(selector: str) -> int:
    code = ord(selector)
    return code - 0xFE00 if code < 0xE0000 else code - 0xE0100 + 16


def _joined(run: str) -> str:
    words = _WIDE_GAP.split(run)
    return " ".join("".join(filter(str.isalnum, word)) for word in words)


def _from_base64(blob: str) -> str | None:
    """The text that `blob` encodes; None when it is no text."""
    plain = blob.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return text if " " in text and sum(map(str.isprintable, text)) >= len(text) * 0.9 else None
