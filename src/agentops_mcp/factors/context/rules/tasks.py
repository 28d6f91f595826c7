"""What a task asks for: its telling words with their forms, and the identifiers it names."""

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agentops_mcp.core.words import ENDINGS, parts_of, stem, words_of
from agentops_mcp.factors.context.rules.terms import hash_of

# Words of every second task: they say that something is done, not where.
_EMPTY = frozenset(
    """
    a about after all allow allowed allows also an and any are as at be because been before between both bug bugs but by
    change changed changelog changes clean cleanup could do docs documentation does doing done each ensure ensured
    ensures etc even fix fixed fixes fixing for from get had has have how however if implement implemented implements
    improve improved improvement improvements improves in instead into is issue issues it its just let like made make
    makes may me merge merged might minor more must my new no not now of on one only or other others our pr pull readme
    refactor refactored refactoring remove removed removes removing request same see set should so some still such
    support supported supports test tested testing tests than that the their them then there these they this those to
    too two update updated updates updating use used uses using via was we were what when where which while who why will
    with within without work working works would you your
    add added adding adds
    """.split()
)
# The first line says what a task is about; what follows explains, quotes and digresses.
_FIRST_LINE, _REST, _JOINED = 1.0, 0.6, 0.7
_LONGEST_TASK = 20_000
_MOST_TERMS, _MOST_QUOTES = 120, 20
_SHORTEST_QUOTE, _SHORTEST_IN_QUOTES = 4, 3


@dataclass(frozen=True, slots=True)
class Term:
    """Something to look for, in any of its forms.

    `is_code`: the task writes it as code; `is_identifier`: it is a whole identifier of several parts.
    """

    text: str
    weight: float
    hashes: tuple[int, ...]
    is_code: bool
    is_identifier: bool


@dataclass(frozen=True, slots=True)
class Query:
    """The terms of a task, and the texts it quotes from code, which are looked for letter by letter."""

    terms: tuple[Term, ...]
    quotes: tuple[str, ...] = ()

    @property
    def stems(self) -> Mapping[str, Term]:
        """The single words by their stem."""
        return {term.text: term for term in self.terms if not term.is_identifier}

    @property
    def identifiers(self) -> Mapping[str, Term]:
        """The whole identifiers, lower case and without underscores."""
        return {term.text: term for term in self.terms if term.is_identifier}


def read_task(task: str) -> Query:
    """The terms of a task in plain words, the most telling lines first."""
    task = task[:_LONGEST_TASK].strip()
    first, _, rest = task.partition("\n")
    found: dict[tuple[str, bool], Term] = {}
    for text, weight in ((first, _FIRST_LINE), (rest, _REST)):
        for term in _terms(text, weight):
            key = term.text, term.is_identifier
            found[key] = _joined(found[key], term) if key in found else term
    for term in _pairs(first):
        found.setdefault((term.text, True), term)
    return Query(tuple(found.values())[:_MOST_TERMS], tuple(dict.fromkeys(_quotes(task)))[:_MOST_QUOTES])


_IN_QUOTES = re.compile(r"`([^`\n]{3,120})`|\"([^\"\n]{3,120})\"|(?<!\w)'([^'\n]{3,120})'")
_AROUND = ".,;:!?()[]{}<>\"'`*"
# What only code has inside a word: `--dry-run`, `__init__`, `res.set`, `key=`, `text/html`.
_CODE_INSIDE = re.compile(r"\w[-_./:=@#$%+]\w|^--\w|^__\w")


def _quotes(task: str) -> Iterator[str]:
    """What a task quotes, and its words that only code is written with."""
    for match in _IN_QUOTES.finditer(task):
        quote = next(filter(None, match.groups())).strip()
        if len(quote) >= _SHORTEST_IN_QUOTES:
            yield quote
    for word in task.split():
        plain = word.strip(_AROUND)
        if (
            len(plain) >= _SHORTEST_QUOTE
            and not plain.startswith(("http://", "https://"))
            and _CODE_INSIDE.search(plain)
        ):
            yield from (each for each in (plain, *plain.split("=")) if len(each) >= _SHORTEST_QUOTE)


def _terms(text: str, weight: float) -> Iterator[Term]:
    for match in words_of(text):
        word = match[0]
        parts = parts_of(word)
        is_code = len(parts) > 1 or _is_quoted(text, match.start(), match.end())
        if len(parts) > 1:
            yield Term("".join(parts), weight, (hash_of(word),), is_code=True, is_identifier=True)
        for part in parts:
            if len(part) > 1 and part not in _EMPTY:
                yield Term(stem(part), weight, _forms(part), is_code=is_code, is_identifier=False)


def _is_quoted(text: str, start: int, end: int) -> bool:
    """Whether a word is written as code: in quotes, after a dot, or called."""
    return text[max(0, start - 1) : start] in ("`", '"', "'", ".") or text[end : end + 1] in ("`", "(")


def _joined(known: Term, more: Term) -> Term:
    hashes = tuple(dict.fromkeys((*known.hashes, *more.hashes)))
    weight, is_code = max(known.weight, more.weight), known.is_code or more.is_code
    return Term(known.text, weight, hashes, is_code=is_code, is_identifier=known.is_identifier)


_LETTERS = re.compile(r"[a-z]+")


def _pairs(text: str) -> Iterator[Term]:
    """Neighbouring words that may be one identifier: "batch size" is `batch_size`."""
    words = _LETTERS.findall(text.lower())
    for left, right in itertools.pairwise(words):
        if left not in _EMPTY and right not in _EMPTY:
            yield Term(left + right, _JOINED, (hash_of(left + right),), is_code=False, is_identifier=True)


@functools.lru_cache(maxsize=2_000)
def _forms(word: str) -> tuple[int, ...]:
    """The terms of every form of a word: what its stem may end with."""
    base = stem(word)
    forms = {word, base, *(base + suffix for suffix in ENDINGS)}
    forms |= {base + base[-1] + suffix for suffix in ("ing", "ed", "er", "ers")}
    return tuple(map(hash_of, sorted(forms)))


@functools.lru_cache(maxsize=100_000)
def stems_of(identifier: str) -> tuple[str, ...]:
    """The stems of an identifier's parts, without those of one character."""
    return tuple(dict.fromkeys(stem(part) for part in parts_of(identifier) if len(part) > 1))


@functools.lru_cache(maxsize=100_000)
def folded(identifier: str) -> str:
    """An identifier as `Query.identifiers` has it."""
    return "".join(parts_of(identifier))


def telling_stems(message: str) -> frozenset[str]:
    """The stems of a message's words, without those that say nothing."""
    return frozenset(
        each
        for match in words_of(message)
        for part in parts_of(match[0])
        if len(part) > 2 and part not in _EMPTY
        for each in (stem(part),)
    )
