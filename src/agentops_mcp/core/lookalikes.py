r"""Text as a person must see it before deciding: what is hidden in it, or passes for something else, is written out.

After the mixed-script detection of Unicode Technical Standard 39: a word is written in one script, so a letter of
another one inside it was put there to be misread. Whole words of any script, and accents, stay as they are.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from agentops_mcp.core import lookalike_kinds as sort
from agentops_mcp.core.lookalike_kinds import (
    DASHES,
    FIRST_PASSING,
    FIRST_SCRIPT,
    HYPHENS,
    SCRIPTS,
    Kinds,
    passing,
    script_of,
)  # fmt: skip

_MOST_MARKS = 4
"""More marks on one letter than any language writes cover the lines around it."""

_KINDS = Kinds()
_HARMLESS = frozenset({sort.LATIN, sort.CJK, sort.OTHER, sort.DIGIT, sort.GAP})
_INFO = "\u2139"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ASCII_SIGN = re.compile("[!-~]")
_LATIN_LETTER = re.compile("[A-Za-z]")
_DASH = re.compile(f"[{DASHES}]")
_TOKEN = re.compile(r"[^ \t\n]+")
_LINE = re.compile("[^\n]+")
_OPTION = re.compile(rf"(?:^|(?<=[\"'`(\[{{=,;|&]))[-{DASHES}]+(?=[A-Za-z])")
_TECHNICAL = re.compile(r"^-|[/\\=_$~@]")

# Over the kinds of a text. Each word is entered at its beginning only, so that all take time linear in the text.
_QUESTIONABLE = f"{sort.SHOWN}{sort.NEAR}{sort.STAND_IN}{sort.JOINER}{sort.VARIANT}"
_IN_QUESTION = re.compile(f"[{_QUESTIONABLE}]|(?<={sort.MARK}{{{_MOST_MARKS}}}){sort.MARK}")
_LETTERS = f"{sort.LATIN}{sort.MARK}{sort.DIGIT}"
_WORD = re.compile(f"(?<![{_LETTERS}{SCRIPTS}])[{_LETTERS}]*+[{SCRIPTS}][{_LETTERS}{SCRIPTS}]*+")
_NO_LETTERS = frozenset({sort.MARK, sort.DIGIT})


def revealed(text: str) -> str:
    r"""`text` with every character that is hidden, or passes for another one, written as `\uXXXX`.

    Hidden are control, bidirectional and invisible characters, and spaces other than U+0020. Passing for others are
    letters of another script inside a word, a word of letters that are all read as Latin ones where nothing around it
    is of its script, full-width and mathematical forms, and signs that are read as those of ASCII. Line breaks and
    tabs stay, and so do U+200D between pictures or after a virama (RFC 5892, appendix A.2) and the choice of a
    picture's form. Takes time linear in the text.
    """
    if text.isascii():
        return text if text.isprintable() else _CONTROL.sub(lambda found: _escape(found[0]), text)
    if _HARMLESS.issuperset("".join(set(text)).translate(_KINDS)) and not _DASH.search(text):
        return text
    kinds = text.translate(_KINDS)
    odd = {*_out_of_place(text, kinds), *_dashes(text), *_foreign(text, kinds)}
    if not odd:
        return text
    return "".join(_escape(character) if index in odd else character for index, character in enumerate(text))


def _out_of_place(text: str, kinds: str) -> Iterable[int]:
    """Where characters stand that are odd by themselves or beside those around them."""
    settled = -1  # where the last sign stood that goes with the East Asian text before it
    for found in _IN_QUESTION.finditer(kinds):
        index, kind = found.start(), found[0]
        if kind in {sort.NEAR, sort.STAND_IN}:
            around = slice(max(index - 1, 0), index + 2)
            fits = sort.CJK in kinds[around] or settled == index - 1 >= 0
            fits |= kind == sort.STAND_IN and not _ASCII_SIGN.search(text[around])
            settled = index if fits else settled
        elif kind == sort.SHOWN:
            fits = _is_info(text, index)
        else:
            fits = kind != sort.MARK and _belongs(text, kinds, index)
        if not fits:
            yield index


def _belongs(text: str, kinds: str, index: int) -> bool:
    """Whether a joiner or the choice of a form stands where it does something that can be seen."""
    before, after = text[max(index - 1, 0) : index], text[index + 1 : index + 2]
    if not before:
        return False
    if kinds[index] == sort.VARIANT:
        return _is_picture(before) or after == "\u20e3" or _is_info(text, index - 1)
    if unicodedata.combining(before) == 9:  # a virama
        return True
    if before == "\ufe0f" or "\U0001f3fb" <= before <= "\U0001f3ff":  # a form, or the colour of a skin
        before = text[max(index - 2, 0) : index - 1]
    return _is_picture(before) and _is_picture(after)


def _is_picture(character: str) -> bool:
    return character > "\x7f" and unicodedata.category(character) in {"So", "Sm", "Po", "Pd", "Cn"}


def _is_info(text: str, index: int) -> bool:
    return text[index : index + 2] == f"{_INFO}\ufe0f"


def _dashes(text: str) -> Iterable[int]:
    """Where a dash is read as the hyphen of an option, or of a name in a path or an assignment."""
    if not _DASH.search(text):
        return
    for token in _TOKEN.finditer(text):
        word, begin = token[0], token.start()
        if word.isascii():
            continue
        for found in _OPTION.finditer(word):
            yield from (begin + index for index in range(*found.span()) if word[index] != "-")
        if _TECHNICAL.search(word):
            yield from (begin + index for index, character in enumerate(word) if character in HYPHENS)


def _foreign(text: str, kinds: str) -> Iterable[int]:
    """Where letters stand that are not of the script that they are read in."""
    posing: list[range] = []
    for found in _WORD.finditer(kinds):
        letters = set(found[0]) - _NO_LETTERS
        if min(letters) >= FIRST_PASSING and len(letters) == 1:
            posing.append(range(*found.span()))
        elif len({script_of(kind) for kind in letters}) > 1:
            foreign = letters - _kinds_of_script(found[0], letters)
            yield from (index for index in range(*found.span()) if kinds[index] in foreign)
    if posing:
        yield from _posing(text, kinds, posing)


def _kinds_of_script(word: str, letters: set[str]) -> set[str]:
    """The letters that fit the script a word is read in: that of most letters, but Latin if all others pass for it."""
    if {kind for kind in letters if kind < FIRST_PASSING} <= {sort.LATIN}:
        return {sort.LATIN}
    counted = Counter(map(script_of, filter(letters.__contains__, word)))
    own = max(counted, key=lambda script: (counted[script], script == sort.LATIN))
    return {own, passing(own)} if own != sort.LATIN else {own}


def _posing(text: str, kinds: str, words: Iterable[range]) -> Iterable[int]:
    """Where letters stand that are all read as Latin: of words in a line of another script, or beside Latin letters."""
    lines, tokens = _LINE.finditer(text), _TOKEN.finditer(text)
    line, token = next(lines), next(tokens)
    at_home, among_latin = _at_home(kinds, line), _LATIN_LETTER.search(token[0])
    for word in words:
        if line.end() < word.stop:
            while line.end() < word.stop:
                line = next(lines)
            at_home = _at_home(kinds, line)
        if token.end() < word.stop:
            while token.end() < word.stop:
                token = next(tokens)
            among_latin = _LATIN_LETTER.search(token[0])
        for index in word:
            kind = kinds[index]
            if kind not in _NO_LETTERS and (among_latin or kind not in at_home):
                yield index


def _at_home(kinds: str, line: re.Match[str]) -> set[str]:
    """The kinds of letters, read as Latin ones, of scripts that a line has an unmistakable letter of."""
    there = set(kinds[line.start() : line.end()])
    return {passing(kind) for kind in there if FIRST_SCRIPT <= kind < FIRST_PASSING}


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
