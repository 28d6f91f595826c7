"""storage.md: the tables that the migrations make, and the form of an event with one that verifies."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from agentops_mcp.app import VIEWS
from agentops_mcp.core.records import Actor, Event, readable
from agentops_mcp.factors.tracking.rules import Entry
from agentops_mcp.factors.tracking.service import Entries
from agentops_mcp.storage import migrations
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.event_files import event_path
from agentops_mcp.storage.ledger import SCHEMA, Ledger
from agentops_mcp.storage.sqlite import SqliteDatabase
from agentops_mcp.storage.worktree import Worktree
from reference_pages.markdown import code, document, fenced, table

_AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)

# In the order in which the ledger asks for them: the origin, then the event.
_IDS = ("01a20321-0800-7000-8000-00000000000a", "01a20321-08fa-7000-8000-00000000000b")

FIELDS = {
    "id": "UUIDv7, so ids sort by the time they were made",
    "origin": "UUIDv7 of the database that made it",
    "tracked": "`true`: knowledge, mirrored to git; `false`: telemetry, which stays in the database",
    "n": "its number in the chain of its origin: tracked and other events are counted apart, both from 1",
    "stream": "what it is about; whoever writes from what was read passes the last event seen there",
    "kind": "which fact it states; decides which views take it up",
    "at": "when it was recorded, in UTC",
    "actor": "who recorded it: `client` (program and version), `user` (account), `via` (`mcp`, `cli`, `page` or "
    "`elicitation`)",
    "session": "the handle of the session it was recorded in, or `null`",
    "body": "the fact itself, as its kind defines it; secrets were replaced by markers before",
    "prev": "the hash of the event before it in its chain, 64 zeros for the first",
    "hash": "SHA-256 in hex over all other fields as JSON: UTF-8, sorted keys, no white space, nothing escaped "
    "that need not be",
}

TABLES = {
    "migration": "the steps of each owner's schema that were taken, and by which version",
    "event": "the ledger: only ever added to; `seq` is its local number, the other columns are the event's fields",
    "chain": "the newest link of every chain, so that a loss at the end of one shows too",
    "origin": "the id under which a database writes at this place; a copy elsewhere gets one of its own",
    "session": "the sessions, and the state that each continues, if its brief opened with one of the same goal",
    "state": "the tree of states: `open` until the phase is done, `leaf` while nothing continues it",
    "goal": "the goals of states by their hash, numbered by the first state that had each",
    "goal_word": "goals by the words they are found by",
    "mission": "where each mission stands",
    "mission_lease": "which session holds a mission, and until when",
    "context_load": "what was loaded as context, for which task and at what cost",
    "context_item": "the items of each load",
    "context_usage": "what clients said of their windows",
    "entry": "which events are entries, and in which session",
    "entry_tag": "entries by tag",
    "entry_file": "entries by file",
    "entry_band": "entries by keys under which similar ones meet",
    "pattern": "the newest revision of each pattern, and when its first was saved",
    "pattern_revision": "every revision, with the digest of the file that holds it",
    "pattern_citation": "how patterns went, as it was reported",
    "pattern_showing": "in which sessions (searches, where no session was given) a pattern was found",
    "note": "what was imported, by its place in its source, with the digest of its newest content",
    "guard_call": "the newest calls that were reported, as they are compared with later ones",
    "guard_breaker": "how each target stands: failures since its last success, and the last probe",
    "guard_charge": "what was charged to budgets",
    "guard_check": "the newest actions that were checked, by their digest",
    "guard_rule_use": "how often each rule fired, would have, or was exempted",
    "exemption": "what people exempted from a rule, for which targets, until when",
    "exemption_revoked": "exemptions that were ended before their time",
    "incident": "what failed or was regretted, by the signature under which it is recognised",
    "incident_fix": "what helped against incidents",
    "learned_rule": "rules that were drafted from incidents",
    "learned_decision": "what people decided about them",
    "approval": "what people were asked to decide: `open` until something ends it (time ends it without a write), "
    "`same` is shared by requests for the same action, `words` are what the history is searched by",
    "approval_decision": "what was decided, by whom and how strongly; `shown_ms` is the time since it was first shown "
    "to them",
    "approval_vouched": "which decisions were taken in which database; only those approve there",
    "approval_fact": "what else happened: shown, escalated, expired, used, refused",
    "approval_grant": "what people granted in advance: a rule, a path, how often, until when",
    "approval_grant_event": "each use of a grant, and its revocation",
    "document": "what search finds: `thread` names its vector, `due` is the number since which it needs one, "
    "`hidden` says why it is kept back",
    "document_tag": "documents by tag",
    "document_file": "documents by the files they cite",
    "document_total": "how many documents there are, and terms in them",
    "document_released": "what a person has said to be harmless",
    "document_word": "full text (FTS5) over the terms of documents; PostgreSQL has an index on `document` instead",
    "document_frequency": "in how many documents each term stands (FTS5)",
}


def page() -> str:
    """The page as Markdown."""
    with tempfile.TemporaryDirectory() as folder, closing(SqliteDatabase(Path(folder) / "agentops.db")) as database:
        owners = list(_owners(database))
    event = example()
    return document(
        "Storage",
        "The ledger is append-only and the only source of truth; every other table is a view of it, written in the "
        "same transaction.\n`agentops-mcp rebuild` drops the views and replays the ledger into them.",
        "## An event",
        table(["field", "meaning"], [(code(field.name), FIELDS[field.name]) for field in fields(Event)]),
        "One event as the git mirror has it; an export has the same fields on one line:",
        fenced(readable(event), "json"),
        f"In the git mirror it is the file `{event_path(event.id)}` under `refs/agentops/ledger`.\n"
        "The path is the minute of its id, so two clones can always be united.",
        "## Tables",
        "On SQLite; PostgreSQL has the same in one schema for each project, with `BIGINT` for `INTEGER`.",
        *owners,
    )


def example() -> Event:
    """An entry, recorded by the code itself in a folder outside git at a fixed time."""
    ids = iter(_IDS)
    with tempfile.TemporaryDirectory() as folder, closing(SqliteDatabase(Path(folder) / "agentops.db")) as database:
        ledger = Ledger(database, place="example", views=VIEWS, clock=lambda: _AT, new_id=lambda: next(ids))
        ledger.open()
        (Path(folder) / "retry.py").write_text("BUDGET = 5\n", encoding="utf-8")
        worktree = Worktree(None, None, root=Path(folder))
        entries = Entries(ledger, worktree, _NoSessions(), learning="warn", new_id=lambda: next(ids))
        entry = Entry(
            "decision",
            "Keep the retry budget per host",
            "One slow host used up all attempts of every request",
            "A token bucket for each host",
            "Retries multiply along a call chain: budget them where the contention is",
            "Calls to the failing host fell from 5.0 to 1.1 for each request",
            tags=("retries",),
            files=("retry.py",),
        )
        return entries.record(entry, actor=Actor("example-client 1.0", "ada", "mcp")).event


class _NoSessions:
    """No session was started here."""

    def require(self, handle: str) -> None:
        """Never asked: the example belongs to no session."""


def _owners(database: SqliteDatabase) -> Iterator[str]:
    kinds = {view.schema.owner: sorted(view.kinds) for view in VIEWS}
    known: set[str] = set()
    with database.write() as tx:
        for owned in (SCHEMA, *(view.schema for view in VIEWS)):
            migrations.apply(database, tx, [owned], now=_AT)
            new = [name for name in _tables(tx) if name not in known]
            known.update(new)
            of = f", from events of the kind {', '.join(map(code, kinds[owned.owner]))}" if owned.owner in kinds else ""
            yield "\n\n".join([f"### {owned.owner}{of}", *(_table(tx, name) for name in new)])


def _tables(tx: Transaction) -> Sequence[str]:
    # Full text keeps its own tables behind a virtual one.
    own = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'document#_word#_%' ESCAPE '#'"
    return [name for (name,) in tx.execute(f"{own} ORDER BY rowid")]


def _table(tx: Transaction, name: str) -> str:
    columns = tx.execute(f"PRAGMA table_info({name})")
    parts = sum(bool(key) for *_, key in columns)
    rows = [
        (code(column), kind, _role(key, parts) if key else "" if required else "may be null")
        for _, column, kind, required, _, key in columns
    ]
    indexes = sorted(
        f"{'unique' if unique else 'index'} ({', '.join(_columns(tx, index))})"
        for _, index, unique, origin, _ in tx.execute(f"PRAGMA index_list({name})")
        if origin != "pk"
    )
    found = f"\n\nAlso: {'; '.join(indexes)}." if indexes else ""
    return f"`{name}`: {TABLES[name]}.\n\n{table(['column', 'type', ''], rows)}{found}"


def _role(position: int, parts: int) -> str:
    return "key" if parts == 1 else f"key, part {position} of {parts}"


def _columns(tx: Transaction, index: str) -> Sequence[str]:
    return [code(column) for _, _, column in tx.execute(f"PRAGMA index_info({index})")]
