"""The starter library: patterns that come with the package, found until a project writes better ones."""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from agentops_mcp.core.documents import Document
from agentops_mcp.factors.mining.rules.markdown import parse_markdown
from agentops_mcp.factors.mining.rules.patterns import Pattern
from agentops_mcp.factors.mining.rules.terms import terms
from agentops_mcp.factors.mining.store.documents import searchable
from agentops_mcp.factors.mining.store.patterns import document_of

_PACKAGE = Path(__file__).parents[3]
# In an installed package the files are inside it; in a checkout they stand at its root, where people read them.
_PLACES = (_PACKAGE / "patterns", _PACKAGE.parents[1] / "patterns")


@dataclass(frozen=True, slots=True)
class Starter:
    """One pattern of the library as search sees it; `thread` is the id of its vector, another for another text."""

    pattern: Pattern
    document: Document
    words: tuple[str, ...]
    thread: str


@functools.cache
def starters() -> tuple[Starter, ...]:
    """The whole library, by name.

    Raises:
        InvalidInputError: one of the package's own files is not a pattern.
    """
    folder = next((place for place in _PLACES if place.is_dir()), None)
    files = sorted(folder.glob("*.md")) if folder else []
    return tuple(_starter(file) for file in files)


def _starter(file: Path) -> Starter:
    pattern = parse_markdown(file.stem, file.read_text(encoding="utf-8"))
    document = document_of(pattern)
    text = searchable(document)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Starter(pattern, document, tuple(terms(text)), f"starter/{pattern.name}/{digest}")
