"""The terms of full text: stems of words, identifiers whole and by part, and pairs of ideographs."""

import re
import unicodedata
from collections.abc import Iterator

from agentops_mcp.core.words import parts_of, stem

LONGEST_TEXT = 20_000
"""Characters of a record that are indexed; what follows is found by its beginning."""
LONGEST_QUERY = 4_000
"""Characters of a query that are looked at."""

# Words without a meaning of their own: they would make every text look like every other.
_EMPTY = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have how however i if in into is it its
    me my no nor not of on or our so some such than that the their them then there these they this those to too was we
    were what when where which while who why will with would you your
    """.split()
)
_WORD = re.compile(r"[^\W_]+(?:_+[^\W_]+)*")
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0e7f]+")
_LONGEST_TERM = 64


def terms(text: str) -> list[str]:
    """The terms of a text in its order, repeated as they are repeated.

    `get_HTTPHeader` gives gethttpheader, get, http and header; words lose their endings; scripts written without
    spaces give each pair of neighbouring characters. Every term is made of letters and digits alone, in lower case.
    """
    return list(_terms(unicodedata.normalize("NFKC", text[:LONGEST_TEXT])))


def as_written(text: str) -> dict[str, str]:
    """The word of a text that each of its terms came from, the first of them."""
    found: dict[str, str] = {}
    for match in _WORD.finditer(unicodedata.normalize("NFKC", text[:LONGEST_TEXT])):
        for term in _terms(match[0]):
            found.setdefault(term, match[0])
    return found


def _terms(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        word = match[0]
        if not word.isascii() and _CJK.search(word):
            yield from _ideographs(word)
            continue
        parts = parts_of(word) if word.isascii() else [_folded(part) for part in word.split("_") if part]
        if len(parts) > 1:
            yield "".join(parts)[:_LONGEST_TERM]
        for part in parts:
            if part not in _EMPTY:
                yield stem(part)[:_LONGEST_TERM]


def _folded(word: str) -> str:
    """A word in lower case, without the marks that some capitals leave behind, as the dotted I of Turkish does."""
    return "".join(filter(str.isalnum, word.casefold()))


def _ideographs(word: str) -> Iterator[str]:
    for run in _CJK.findall(word):
        yield from (run[at : at + 2] for at in range(max(1, len(run) - 1)))
    for rest in _CJK.split(word):
        yield from _terms(rest)
