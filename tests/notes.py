"""A small factor of the storage tests' own."""

from agentops_mcp.core.records import Draft, Event
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    tx.execute("INSERT INTO note (seq, text) VALUES (?, ?)", [seq, event.body["text"]])


NOTES = View(
    schema=MigrationSet("notes", (Migration("notes", ("CREATE TABLE note (seq INTEGER PRIMARY KEY, text TEXT)",)),)),
    tables=("note",),
    kinds=frozenset({"note.taken"}),
    apply=_apply,
)


def note(text: str, *, stream: str = "notes", tracked: bool = True) -> Draft:
    """An event of this factor, not yet appended."""
    return Draft(stream, "note.taken", {"text": text}, tracked=tracked)
