"""The few forms of Markdown the pages are made of."""

import re
from collections.abc import Iterable, Sequence

_NOTE = "<!-- Written by `python scripts/reference.py`: change the code, then run it again. -->"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\[])")


def document(title: str, *blocks: str) -> str:
    """A page: its title, a note on where it comes from, and blocks with blank lines between."""
    return "\n\n".join([f"# {title}", _NOTE, *(block for block in blocks if block)]) + "\n"


def sentences(text: str) -> str:
    """Prose with one sentence a line; blank lines keep paragraphs apart."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    return "\n\n".join("\n".join(_SENTENCE_END.split(" ".join(part.split()))) for part in paragraphs)


def sentence(text: str) -> str:
    """A phrase as a sentence: a capital letter first, a full stop last."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing when it has no rows."""
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    if not cells:
        return ""
    lines = [list(head), ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def code(text: str) -> str:
    """Text as code."""
    return f"`{text}`" if text else ""


def fenced(text: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.strip()}\n```"
