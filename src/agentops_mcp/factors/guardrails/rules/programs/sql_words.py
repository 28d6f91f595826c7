"""SQL as words: without comments, strings kept apart, in time that grows with the text.

A tokenizer and no grammar: a guard meets eight dialects, and what destroys rows is said by a few reserved words that
all of them share. Where dialects differ in quoting, both readings end in the same place.
"""

from typing import NamedTuple

LONGEST = 20_000
"""Characters that are read."""

_LONGEST_NAME = 130
"""Characters of a name in brackets: SQL Server takes 128."""

_OPERATORS = frozenset("(),;=*<>+-/%|&!.:[]{}@#^~?\\")


class Word(NamedTuple):
    """One word, name, string or sign."""

    kind: str
    """`word`, `name` (quoted), `string` or `sign`."""

    text: str
    """Words in lower case; names and strings without their quotes."""


def words_of(text: str) -> list[Word]:
    """The words of an SQL text."""
    found: list[Word] = []
    text = text[:LONGEST]
    place = 0
    while place < len(text):
        letter = text[place]
        if letter.isspace():
            place += 1
        elif text.startswith(("--", "/*", "#"), place):
            place = _comment(text, place, found)
        elif letter in "'\"`" or (letter == "[" and _is_bracketed(text, place)):
            end = _quoted_end(text, place)
            kind = "string" if letter == "'" else "name"
            found.append(Word(kind, text[place + 1 : end].replace(letter * 2, letter)))
            place = end + 1
        elif letter == "$" and (mark := _dollar_mark(text, place)):
            end = text.find(mark, place + len(mark))
            end = len(text) if end < 0 else end
            found.append(Word("string", text[place + len(mark) : end]))
            place = end + len(mark)
        elif letter in _OPERATORS:
            found.append(Word("sign", letter))
            place += 1
        else:
            end = place
            while (
                end < len(text) and not text[end].isspace() and text[end] not in _OPERATORS and text[end] not in "'\"`"
            ):
                end += 1
            found.append(Word("word", text[place:end].lower()))
            place = end
    return found


def _comment(text: str, place: int, found: list[Word]) -> int:
    """The place after a comment. What MySQL runs inside one (`/*!50000 DROP … */`) is read as text."""
    if text.startswith("/*!", place):
        after = place + 3
        while after < len(text) and text[after].isdigit():
            after += 1
        return after
    if text.startswith("/*", place):
        end = text.find("*/", place + 2)
        return len(text) if end < 0 else end + 2
    if text[place] == "#":  # a comment for MySQL alone, and the name of a passing table elsewhere
        found.append(Word("sign", "#"))
        return place + 1
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1


def _quoted_end(text: str, place: int) -> int:
    """Where a quoted part ends: a doubled quote stays inside, and so does one after a backslash if another follows."""
    quote = "]" if text[place] == "[" else text[place]
    at = place + 1
    last = text.rfind(quote)
    while at < len(text):
        if text[at] == "\\" and quote in "'\"" and last >= at + 2:
            at += 2
        elif text[at] == quote:
            if text[at + 1 : at + 2] != quote:
                return at
            at += 2
        else:
            at += 1
    return len(text)


def _is_bracketed(text: str, place: int) -> bool:
    end = text.find("]", place, place + _LONGEST_NAME)
    return end > place and text[place + 1 : end].replace("_", "").replace(" ", "").isalnum()


def _dollar_mark(text: str, place: int) -> str:
    end = text.find("$", place + 1)
    tag = text[place + 1 : end]
    return (
        text[place : end + 1]
        if end >= 0 and (not tag or tag.replace("_", "").isalnum()) and not tag[:1].isdigit()
        else ""
    )
