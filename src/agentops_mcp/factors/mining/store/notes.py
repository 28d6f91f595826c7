"""Rows of what was imported: which item of which source, and the digest of its newest content."""

import re
from collections.abc import Sequence
from typing import cast

from agentops_mcp.core.documents import CitedFile, Document
from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

IMPORTED = "note.imported"

_SCHEMA = MigrationSet(
    "notes",
    (Migration("imported items", ("CREATE TABLE note (key TEXT PRIMARY KEY, digest TEXT NOT NULL)",)),),
)

_KEY = re.compile("[0-9a-f]{32}")
_TEXTS = ("key", "digest", "source", "origin", "title", "text", "at")


def imported(note: Note) -> Draft:
    """The event of an imported item."""
    body = {
        "key": note.key(), "digest": note.digest(), "source": note.source, "origin": note.origin, "title": note.title,
        "text": note.text, "at": note.at, "tags": list(note.tags), "files": list(note.files),
    }  # fmt: skip
    return Draft(stream=f"note/{note.key()}", kind=IMPORTED, body=body)


def document(event: Event) -> Document:
    """An imported item as search sees it.

    Raises:
        IntegrityError: the event's body is not that of one.
    """
    body = event.body
    texts = [body.get(key) for key in _TEXTS]
    if (
        not all(isinstance(text, str) for text in texts)
        or not all(map(_is_list, (body.get("tags"), body.get("files"))))
        or not _KEY.fullmatch(body["key"])
    ):
        raise IntegrityError(f"{event.id} is not a readable note.", remedy="`agentops-mcp show` prints it as it is.")
    return Document(
        ref=f"note/{body['key']}", kind="note", title=body["title"], text=body["text"], tags=tuple(body["tags"]),
        files=tuple(CitedFile(path, None) for path in body["files"]),
        origin=f"{body['source']}: {body['origin']}" + (f", {body['at'][:10]}" if body["at"] else ""),
    )  # fmt: skip


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in cast("list[object]", value))


def _apply(tx: Transaction, seq: int, event: Event) -> None:  # noqa: ARG001 - a view's signature
    document(event)
    tx.execute(
        "INSERT INTO note (key, digest) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET digest = excluded.digest",
        [event.body["key"], event.body["digest"]],
    )


VIEW = View(schema=_SCHEMA, tables=("note",), kinds=frozenset({IMPORTED}), apply=_apply)


def digests(tx: Transaction, keys: Sequence[str]) -> dict[str, str]:
    """The digest of what was imported before, by key."""
    found: dict[str, str] = {}
    for key in dict.fromkeys(keys):
        found |= dict(tx.execute("SELECT key, digest FROM note WHERE key = ?", [key]))
    return found
