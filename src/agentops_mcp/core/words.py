"""Words of prose and of code: identifiers whole and in parts, and the stems that forms of a word share."""

import functools
import re
from collections.abc import Iterator

ENDINGS = (
    "ization isation ations ation izing izes ized izer ize ings ing ions ion ies ied ers er ors or es ed ments ment "
    "able ible ally ly al e s y"
).split()
"""What `stem` takes off, longest first."""

_SHORTEST_STEM = 3
_UNDOUBLED = "lsz"

_WORD = re.compile(r"[^\W\d][\w$]*|\d{2,}")
_PART = re.compile(r"[A-Z]+(?=[A-Z][^\W\dA-Z_])|[A-Z]+[0-9]+[^\W_A-Z]*|[A-Z]?[^\W_A-Z]+|[A-Z]+")


def parts_of(identifier: str) -> list[str]:
    """The parts of an identifier in lower case: `getHTTPHeader` is get, http, header; digits stay where they are."""
    return [part.lower() for part in _PART.findall(identifier)]


def words_of(text: str) -> Iterator[re.Match[str]]:
    """The identifiers and numbers of a text."""
    return _WORD.finditer(text)


@functools.lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """A word without its ending; several words of one family share it."""
    for suffix in ENDINGS:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM and (suffix, word[-2:]) != ("s", "ss"):
            word = word[: -len(suffix)]
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in _UNDOUBLED:
        return word[:-1]
    return word
