"""Whether a text commands its reader, and to what: words become classes, and rules are short patterns over classes.

Every pattern is bounded, so a rule costs the same at each word however the text is made. A verb counts only where it
commands: `ignore previous instructions` does, `agents that ignore previous instructions` informs.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from agentops_mcp.core.screening_rules import RULES
from agentops_mcp.core.screening_words import (
    ACCOUNT,
    ATTACKS,
    BREAK,
    CLASSES,
    COMMA,
    EMAIL,
    MENTIONS,
    OTHER,
    QUOTE,
    URL,
    VERBS,
)

_TOKEN = re.compile(
    r"(?P<url>https?://[^\s)\]>\"'`]{1,300})"
    r"|(?P<email>(?<![\w@+-])[\w+-]{1,64}(?:\.[\w+-]{1,64}){0,4}@[\w-]{1,64}\.[\w.-]{1,64})"
    r"|(?P<word>[^\W_]{1,64}(?:['\u2019][^\W\d_]{1,8})?)"
    r"|(?P<line>\\[nrt]|\n)|(?P<stop>[.!?;|](?=[\s\"'\u201d)\]]|$|[.!?]))|(?P<soft>[,:()\[\]{}<>#*\u2014\u2013=])"
    r"|(?P<quote>[\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb])"
)
_ACCOUNT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}|0x[0-9a-fA-F]{40}|bc1[a-z0-9]{25,60}")
_SHORTEST_ACCOUNT = 15
_KIND_CLASS = {"url": URL, "email": EMAIL, "line": BREAK, "stop": BREAK, "soft": COMMA, "quote": QUOTE}
_WRAPPED = re.compile(r"\n[ \t>]{0,16}[a-z]")  # a line break inside a sentence
_BOUNDARIES = BREAK + COMMA + QUOTE
_OPENERS = "oQFE"
_CLAUSE_END = re.compile(f"[{COMMA}{QUOTE}]")
_LONGEST_SENTENCE = 40  # in words
_MENTION_CHARS = 300
_PAIRS = ("\u2018\u2019", "\u201c\u201d", "\u00ab\u00bb")
_APOSTROPHE = re.compile(r"(?<=\w)['\u2019](?=\w)")
_MENTION_WORD = re.compile(r"[A-Za-z.]{1,32}")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u00ab\u00bb"

# Letters that look Latin and are not. Folded for the look-up only: a real Russian or Greek word stays no word of ours.
_LOOK_ALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0455\u0458\u0501\u04bb\u051b\u051d\u0261\u0262\u0131"
    "\u03b1\u03bf\u03c1\u03b9\u03bd\u03ba\u03c5\u2019",
    "aeopcyxisjdhqwggi" + "aopivku'",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a text is flagged, and where the part of it stands that this is about, at least one character."""

    reason: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text as the classes of its words; word `n` is `text[starts[n]:ends[n]]`."""

    text: str
    classes: str
    starts: list[int]
    ends: list[int]


def parse(text: str) -> Parsed:
    """The words of `text`, which is normalised, and their classes."""
    classes: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup or ""
        if kind == "line" and token[0] == "\n" and _WRAPPED.match(text, token.start()):
            continue
        classes.append(_KIND_CLASS.get(kind) or _class_of(token[0]))
        starts.append(token.start())
        ends.append(token.end())
    return Parsed(text, "".join(classes), starts, ends)


def findings(parsed: Parsed) -> Iterator[Finding]:
    """What the rules flag, each reason once: the earliest place that counts."""
    for rule in RULES:
        at = 0
        while match := rule.pattern.search(parsed.classes, at):
            first, last = match.start(), min(match.end(), len(parsed.starts)) - 1
            if (not rule.commanded or commands(parsed.classes, first)) and not is_mentioned(
                parsed.text, parsed.starts[first]
            ):
                yield Finding(rule.reason, parsed.starts[first], parsed.ends[last])
                break
            at = first + 1


def commands(classes: str, at: int) -> bool:
    """Whether the verb at `at` is a command: at the start of a clause, after `you must`, or joined to a command."""
    before = at - 1
    while before >= 0 and classes[before] in _OPENERS:
        before -= 1
    with_modal = False
    while before >= 0 and classes[before] in "Mo":
        before, with_modal = before - 1, True
    if before < 0 or classes[before] in _BOUNDARIES:
        return not with_modal
    if classes[before] == "Y":
        return with_modal
    if classes[before] != "c" or with_modal:
        return False
    return classes[at] == "N" or _starts_as_command(classes, before)  # what informs says `and does not`


def is_mentioned(text: str, start: int) -> bool:
    """Whether what starts there is quoted by a paragraph that speaks about such texts: it informs about them."""
    fenced = text.count("```", 0, start) % 2 == 1
    before = text[max(start - _MENTION_CHARS, 0) : start]
    if not fenced:
        before = before[before.rfind("\n\n") + 1 :]
        if not _in_quotes(before):
            return False
    after = text[start : start + _MENTION_CHARS].split("\n\n")[0]
    closing = min((at for at in map(after.find, _QUOTES) if at >= 0), default=len(after))
    words = {word.casefold() for word in _MENTION_WORD.findall(before + " " + after[closing:])}
    return not words.isdisjoint(ATTACKS if fenced else MENTIONS)


def unaccented(text: str) -> str:
    """`text` without accents, look-alikes as the Latin letters they look like."""
    if text.isascii():
        return text
    letters = "".join(each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", letters).translate(_LOOK_ALIKES)


def in_latin(text: str) -> str:
    """Like `unaccented`, with every character where it was."""
    if text.isascii():
        return text
    return text.translate({ord(each): unaccented(each)[:1] or each for each in set(text) if not each.isascii()})


def _starts_as_command(classes: str, joined: int) -> bool:
    """Whether a clause of the sentence before the conjunction at `joined` is a command, or nothing is before it."""
    sentence = classes[max(joined - _LONGEST_SENTENCE, 0) : joined].rpartition(BREAK)[2]
    clauses = [clause.lstrip(_OPENERS + "c") for clause in _CLAUSE_END.split(sentence)]
    return not any(clauses) or any(clause[0] in VERBS for clause in clauses if clause)


def _class_of(word: str) -> str:
    if len(word) >= _SHORTEST_ACCOUNT and _ACCOUNT.fullmatch(word):
        return ACCOUNT
    word = unaccented(word.casefold())
    return CLASSES.get(word) or CLASSES.get(word.split("'")[0] if "'" in word else word, OTHER)


def _in_quotes(before: str) -> bool:
    """Whether a quotation is open at the end of `before`; an apostrophe inside or after a word opens none."""
    opened = _APOSTROPHE.sub("", before)
    if opened.count("`") % 2 or opened.count('"') % 2 or opened.count("'") % 2:
        return True
    return any(opened.rfind(pair[0]) > opened.rfind(pair[1]) for pair in _PAIRS)
