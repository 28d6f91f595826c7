"""What search knows of a record: the shared noun between the factor that owns the record and the one that finds it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agentops_mcp.core.records import Event

DocumentKind = Literal[
    "action", "decision", "learning", "failure", "retrospective", "pattern", "anti-pattern", "state", "note", "approval"
]


@dataclass(frozen=True, slots=True)
class CitedFile:
    """A file that a record cites, and the blob id of its content then; None when there was no such file."""

    path: str
    blob: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """A record as search sees it.

    `ref` names its resource (`entry/<id>`, `pattern/<name>`); `replaces` is the ref of the record that it makes
    unfit to be found, as a later state does with the one before. `head` is the commit it was written at. `origin`
    says where the text came from when not from here.
    """

    ref: str
    kind: DocumentKind
    title: str
    text: str
    tags: tuple[str, ...] = ()
    files: tuple[CitedFile, ...] = ()
    head: str | None = None
    replaces: str | None = None
    origin: str = ""


Reader = Callable[[Event], Document]
"""Reads the document out of an event of one kind; raises IntegrityError when the body is not one of its own."""
