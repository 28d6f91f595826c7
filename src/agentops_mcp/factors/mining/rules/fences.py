"""Code fences of Markdown: inside them nothing is a heading (CommonMark 0.31, section 4.5)."""

import re

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)", re.DOTALL)


def after(line: str, fence: str) -> str:
    """The fence that is open after a line, given the one open before it; "" when there is none."""
    found = _FENCE.fullmatch(line)
    if found is None:
        return fence
    if not fence:
        return found[1]
    closes = found[1][0] == fence[0] and len(found[1]) >= len(fence) and not found[2].strip()
    return "" if closes else fence


def closed(text: str) -> str:
    """`text` with a fence left open closed at its end, where Markdown would close it too."""
    fence = ""
    for line in text.split("\n"):
        fence = after(line, fence)
    return f"{text}\n{fence}" if fence else text
