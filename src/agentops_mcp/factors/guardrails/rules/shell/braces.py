"""Brace expansion: `{a,b}` and `{1..3}` outside quotes."""

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from agentops_mcp.factors.guardrails.rules.shell.state import TooMuchError

OPEN, COMMA, CLOSE = "\ue004", "\ue005", "\ue006"
MARKED = str.maketrans({"{": OPEN, ",": COMMA, "}": CLOSE})
"""From what stands outside quotes to the marks that are expanded."""

LITERAL = str.maketrans({OPEN: "{", COMMA: ",", CLOSE: "}"})
_MOST = 64


def expanded(text: str) -> list[str]:
    """A word with marks as the words it becomes, in the shell's order.

    Raises:
        TooMuchError: there are too many.
    """
    done: list[str] = []
    waiting = [text]
    while waiting:
        if len(done) + len(waiting) > _MOST:
            raise TooMuchError
        current = waiting.pop()
        group = _first_group(current)
        if group is None:
            done.append(current)
            continue
        start, end, options = group
        waiting += [current[:start] + option + current[end + 1 :] for option in reversed(options)]
    return done


def _first_group(text: str) -> tuple[int, int, list[str]] | None:
    """The group that opens first, of those that have alternatives; each character is looked at once."""
    if OPEN not in text:
        return None
    found: tuple[int, int, list[str]] | None = None
    opened: list[list[int]] = []
    for at, each in enumerate(text):
        if each == OPEN:
            opened.append([at])
        elif each == COMMA and opened:
            opened[-1].append(at)
        elif each == CLOSE and opened:
            cuts = opened.pop()
            options = [text[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], at], strict=True)]
            options = options if len(options) > 1 else _range(options[0])
            if options and (found is None or cuts[0] < found[0]):
                found = cuts[0], at, options
            if found and not opened:
                return found
    return found


def _range(text: str) -> list[str]:
    first, dots, last = text.partition("..")
    if not dots:
        return []
    last, _, step = last.partition("..")
    if step not in ("", "1"):
        return [HOLE]
    if first.isdecimal() and last.isdecimal() and len(first + last) < 12 and abs(int(last) - int(first)) < _MOST:
        low, high = sorted((int(first), int(last)))
        return [str(each) for each in range(low, high + 1)]
    if len(first) == len(last) == 1 and (first + last).isascii() and (first + last).isalpha():
        low, high = sorted((ord(first), ord(last)))
        return [chr(each) for each in range(low, high + 1)]
    return [HOLE]
