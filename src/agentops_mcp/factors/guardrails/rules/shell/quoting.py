"""Quotes of a shell: what is left of a text when they are taken off, and a text in quotes."""

_ESCAPES = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_DIGITS = {"x": ("0123456789abcdefABCDEF", 2), "u": ("0123456789abcdefABCDEF", 4), "U": ("0123456789abcdefABCDEF", 8)}
_OCTAL = "01234567"
_LAST_CODE = 0x10FFFF


def bare(text: str, marks: dict[int, str] | None = None) -> str:
    """A word without quotes around it: each backslash quotes what follows it. `marks` replace what none quotes."""
    if "\\" not in text:
        return text.translate(marks) if marks else text
    out: list[str] = []
    characters = iter(text)
    for each in characters:
        if each == "\\":
            following = next(characters, "\\")
            out.append("" if following == "\n" else following)
        else:
            out.append(each.translate(marks) if marks else each)
    return "".join(out)


def between_quotes(text: str, quoting: str = '$`"\\\n') -> str:
    """The text between double quotes, where a backslash quotes only five characters (four in a here-document)."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        following = text[at + 1 : at + 2]
        if text[at] == "\\" and following and following in quoting:
            out.append("" if following == "\n" else following)
            at += 2
        else:
            out.append(text[at])
            at += 1
    return "".join(out)


def ansi(text: str) -> str:
    r"""The text of `$'…'`, with `\n`, `\x41`, `\101`, `\u0041` and `\cA`."""
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "\\" or at + 1 == len(text):
            out.append(text[at])
            at += 1
            continue
        character, taken = _escape(text, at + 1)
        out.append(character)
        at += 1 + taken
    return "".join(out).partition("\0")[0]


def quoted(word: str) -> str:
    """A word in single quotes."""
    return "'" + word.replace("'", "'\\''") + "'"


def _escape(text: str, at: int) -> tuple[str, int]:
    """What an escape stands for, and how many characters it has after its backslash."""
    letter = text[at]
    if letter in _DIGITS:
        allowed, most = _DIGITS[letter]
        digits = _leading(text[at + 1 : at + 1 + most], allowed)
        code = int(digits, 16) if digits else -1
        return (chr(code) if 0 <= code <= _LAST_CODE else "\\" + letter, 1 + len(digits))
    if letter in _OCTAL:
        digits = _leading(text[at : at + 3], _OCTAL)
        return chr(int(digits, 8) & 255), len(digits)
    if letter == "c" and at + 1 < len(text):
        return chr(ord(text[at + 1].upper()) & 31), 2
    return _ESCAPES.get(letter, "\\" + letter), 1


def _leading(text: str, allowed: str) -> str:
    end = 0
    while end < len(text) and text[end] in allowed:
        end += 1
    return text[:end]
