"""`${name…}`: what the operators after a name make of its value."""

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.globs import fits


def parted(inner: str) -> tuple[str, str, str]:
    """The name in braces, its subscript and the operator with its operand."""
    if inner[:1] and inner[0] in "@*#?$!-":
        return inner[0], "", inner[1:]
    end = 0
    while end < len(inner) and (inner[end].isalnum() or inner[end] == "_"):
        end += 1
    name, rest = inner[:end], inner[end:]
    if rest.startswith("["):
        subscript, _, rest = rest[1:].partition("]")
        return name, subscript, rest
    return name, "", rest


def changed(value: str, operator: str) -> str:
    """A known value after an operator whose operand is known too; HOLE where that is not worked out."""
    if not operator:
        return value
    if HOLE in value or HOLE in operator:
        return HOLE
    first = operator[0]
    if first in "#%":
        return _cut(value, operator)
    if first == ":":
        return _slice(value, operator[1:])
    if first == "/":
        return _replaced(value, operator[1:])
    if operator in _CASES:
        return _CASES[operator](value)
    return HOLE


def _capital(value: str) -> str:
    return value[:1].upper() + value[1:]


def _small(value: str) -> str:
    return value[:1].lower() + value[1:]


_CASES = {
    "^^": str.upper, ",,": str.lower, "@U": str.upper, "@L": str.lower, "^": _capital, ",": _small, "@u": _capital,
}  # fmt: skip
_LONGEST = 2_000


def _cut(value: str, operator: str) -> str:
    """`#`, `##`, `%`, `%%`: without the shortest or longest beginning or end that matches."""
    sign, greedy = operator[0], operator[1:2] == operator[0]
    pattern = operator[2:] if greedy else operator[1:]
    if len(value) > _LONGEST:
        return HOLE
    lengths = range(len(value) + 1)
    for length in reversed(lengths) if greedy else lengths:
        part, rest = (value[:length], value[length:]) if sign == "#" else _ends(value, length)
        if fits(pattern, part):
            return rest
    return value


def _ends(value: str, length: int) -> tuple[str, str]:
    return value[len(value) - length :], value[: len(value) - length]


def _slice(value: str, operand: str) -> str:
    start, colon, length = operand.strip().partition(":")
    if not _is_number(start.strip()) or (colon and not _is_number(length.strip())):
        return HOLE
    begin = int(start)
    begin = max(len(value) + begin, 0) if begin < 0 else begin
    if not colon:
        return value[begin:]
    size = int(length)
    return value[begin : begin + size] if size >= 0 else value[begin : len(value) + size]


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal() and len(text) < 8


def _replaced(value: str, operand: str) -> str:
    every = operand.startswith("/")
    pattern, _, new = operand[every:].partition("/")
    if not pattern or set(pattern) & set("*?[\\#%") or "\\" in new or "&" in new:
        return HOLE
    return value.replace(pattern, new) if every else value.replace(pattern, new, 1)


def is_default(operator: str) -> bool:
    """Whether an operator is `-`, `=`, `+` or `?`, with or without a colon before it."""
    return operator[:1] in ("-", "=", "+", "?") or operator[:2] in (":-", ":=", ":+", ":?")


def sliced(values: list[str], operand: str) -> list[str] | None:
    """`${name[@]:from:number}`; None when the numbers are not known."""
    start, colon, length = operand.strip().partition(":")
    if not _is_number(start.strip()) or (colon and not _is_number(length.strip())):
        return None
    begin = int(start)
    begin = max(len(values) + begin, 0) if begin < 0 else begin
    return values[begin : begin + max(int(length), 0)] if colon else values[begin:]
