"""Text as `echo -e` and `printf` make it, so that what they hide is seen."""

from agentops_mcp.factors.guardrails.rules.calls import HOLE

_LONGEST = 20_000
_SIMPLE = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", "e": "\x1b", "E": "\x1b",
    '"': '"', "'": "'",
}  # fmt: skip
_HEX = frozenset("0123456789abcdefABCDEF")
_OCTAL = frozenset("01234567")
_WIDTHS = {"x": 2, "u": 4, "U": 8}
_LARGEST = 0x10FFFF


def unescaped(text: str) -> str:
    r"""`text` with its backslash escapes replaced, up to a `\c`, which ends the output."""
    if "\\" not in text:
        return text
    out: list[str] = []
    place = 0
    while place < len(text):
        letter = text[place]
        if letter != "\\" or place + 1 == len(text):
            out.append(letter)
            place += 1
            continue
        if text[place + 1] == "c":
            break
        made, place = _escape(text, place + 1)
        out.append(made)
    return "".join(out)


def printed(template: str, arguments: tuple[str, ...]) -> str | None:
    """What `printf TEMPLATE ARGUMENTS…` prints; None when that would be very long."""
    out: list[str] = []
    rest = list(arguments)
    length = 0
    while True:
        before = len(rest)
        text = _once(template, rest)
        out.append(text)
        length += len(text)
        if length > _LONGEST:
            return None
        if not rest or len(rest) == before:
            return "".join(out)


def _escape(text: str, place: int) -> tuple[str, int]:
    """The character that the escape after a backslash at `place` stands for, and where the text goes on."""
    letter = text[place]
    if letter in _WIDTHS:
        digits = _run(text, place + 1, _HEX, _WIDTHS[letter])
        return (_character(digits, 16) if digits else "\\" + letter), place + 1 + len(digits)
    if letter in _OCTAL:
        digits = _run(text, place, _OCTAL, 4 if letter == "0" else 3)
        return _character(digits, 8), place + len(digits)
    return _SIMPLE.get(letter, "\\" + letter), place + 1


def _character(digits: str, base: int) -> str:
    number = int(digits, base)
    return chr(number) if number <= _LARGEST else ""


def _run(text: str, place: int, letters: frozenset[str], most: int) -> str:
    end = place
    while end < len(text) and end - place < most and text[end] in letters:
        end += 1
    return text[place:end]


def _once(template: str, rest: list[str]) -> str:
    out: list[str] = []
    place = 0
    while place < len(template):
        letter = template[place]
        if letter == "%":
            made, place = _conversion(template, place + 1, rest)
            out.append(made)
        elif letter == "\\" and place + 1 < len(template):
            made, place = _escape(template, place + 1)
            out.append(made)
        else:
            out.append(letter)
            place += 1
    return "".join(out)


def _conversion(template: str, place: int, rest: list[str]) -> tuple[str, int]:
    """One `%…` from after its percent sign. Widths are left out: they add spaces, and one separates as well."""
    precision = ""
    while place < len(template) and template[place] in "-+ #0123456789.*'":
        if template[place] == ".":
            precision = _run(template, place + 1, frozenset("0123456789"), 6)
        if template[place] == "*" and rest:
            rest.pop(0)
        place += 1
    kind = template[place : place + 1]
    if kind == "%":
        return "%", place + 1
    if kind == "(":  # a time
        return HOLE, template.find(")", place) + 2 or len(template)
    value = rest.pop(0) if rest else ""
    if kind == "b":
        value = unescaped(value)
    elif kind in {"x", "X", "o", "c"}:
        value = _number(kind, value)
    elif kind not in {"s", "q"}:
        value = value or "0"
    return (value[: int(precision)] if precision and kind in {"s", "b"} else value), place + 1


def _number(kind: str, value: str) -> str:
    if kind == "c":
        return value[:1]
    try:
        return format(int(value or "0", 0), kind)
    except ValueError:
        return HOLE if HOLE in value else "0"
