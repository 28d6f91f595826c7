"""Rows of search: one document for each record that can be found, a view of the events of every factor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agentops_mcp.core.documents import Document, DocumentKind, Reader
from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.mining.rules.fusion import Statistics
from agentops_mcp.factors.mining.rules.stages import Stage
from agentops_mcp.factors.mining.rules.terms import terms
from agentops_mcp.factors.mining.store import lexical
from agentops_mcp.storage.database import Row, Transaction, Value
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

RELEASED = "knowledge.released"
SEARCHED = "knowledge.searched"

_MOST_TERMS = 2_000
_AT_ONCE = 500

_SCHEMA = MigrationSet(
    "knowledge",
    (
        Migration(
            "documents and their terms",
            (
                """
                CREATE TABLE document (
                    seq INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, thread TEXT NOT NULL, kind TEXT NOT NULL,
                    title TEXT NOT NULL, words TEXT NOT NULL, terms INTEGER NOT NULL, session TEXT, at TEXT NOT NULL,
                    hidden TEXT NOT NULL, due INTEGER NOT NULL
                )
                """,
                "CREATE INDEX document_by_thread ON document (thread)",
                "CREATE INDEX document_by_due ON document (due)",
                "CREATE INDEX document_by_kind ON document (kind, seq)",
                "CREATE INDEX document_by_time ON document (at)",
                "CREATE INDEX document_kept_back ON document (seq) WHERE hidden <> ''",
                "CREATE TABLE document_tag (tag TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (tag, seq))",
                "CREATE INDEX document_tag_by_seq ON document_tag (seq)",
                "CREATE TABLE document_file (path TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (path, seq))",
                "CREATE INDEX document_file_by_seq ON document_file (seq)",
                """
                CREATE TABLE document_total (
                    one INTEGER PRIMARY KEY, documents INTEGER NOT NULL, terms INTEGER NOT NULL
                )
                """,
                "INSERT INTO document_total (one, documents, terms) VALUES (1, 0, 0)",
                "CREATE TABLE document_released (ref TEXT PRIMARY KEY)",
            ),
            full_text=lexical.TABLES,
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a hit must be; empty means anything. `path` is a file or a folder, `refs` an explicit choice."""

    kinds: tuple[DocumentKind, ...] = ()
    since: str = ""
    path: str = ""
    tag: str = ""
    refs: tuple[str, ...] | None = None

    @property
    def is_open(self) -> bool:
        """Whether everything passes."""
        return self == Filter()


OPEN = Filter()
"""The filter that everything passes."""


@dataclass(frozen=True, slots=True)
class Request:
    """A search: what for, among what, how many hits; `stage` is that of patterns."""

    text: str
    among: Filter = OPEN
    stage: Stage | None = None
    k: int = 8


@dataclass(frozen=True, slots=True)
class Found:
    """A document's row: what ranking needs; `thread` is the id of its vector."""

    seq: int
    ref: str
    thread: str
    kind: DocumentKind
    title: str
    words: tuple[str, ...] = field(repr=False)
    session: str | None
    at: str


def view(readers: Mapping[str, Reader]) -> View:
    """The view over the events that `readers` can read, by their kinds."""

    def apply(tx: Transaction, seq: int, event: Event) -> None:
        if event.kind == RELEASED:
            _release(tx, seq, event, readers)
        else:
            _put(tx, seq, event, readers[event.kind](event))

    return View(
        schema=_SCHEMA,
        tables=("document", "document_tag", "document_file", "document_total", "document_released"),
        kinds=frozenset({RELEASED, *readers}),
        apply=apply,
        full_text=("document_frequency", "document_word"),
    )


def searchable(document: Document) -> str:
    """The text by which a document is found: also its vector is made from it."""
    return "\n".join(part for part in (document.title, document.text, " ".join(document.tags)) if part)


def _put(tx: Transaction, seq: int, event: Event, document: Document, *, due: int | None = None) -> None:
    """Write a document's row; `due` is the number in the ledger at which it came to need a vector."""
    thread = document.ref
    for gone in (document.ref, document.replaces):
        thread = (gone and _remove(tx, gone)) or thread
    found = "" if _is_released(tx, document.ref) else _looks_like(document)
    words = [] if found else terms(f"{searchable(document)}\n{' '.join(file.path for file in document.files)}")
    words = words[:_MOST_TERMS]
    tx.execute(
        "INSERT INTO document (seq, ref, thread, kind, title, words, terms, session, at, hidden, due) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            seq, document.ref, thread, document.kind, document.title, " ".join(words), len(words), event.session,
            event.at, found, seq if due is None else due,
        ],
    )  # fmt: skip
    _insert_keys(tx, "INSERT INTO document_tag (tag, seq) VALUES (?, ?)", document.tags, seq)
    _insert_keys(tx, "INSERT INTO document_file (path, seq) VALUES (?, ?)", [file.path for file in document.files], seq)
    if not found:
        lexical.insert(tx, seq, " ".join(words))
    _count(tx, 1, len(words))


def _looks_like(document: Document) -> str:
    """What a document looks like that would instruct its reader; empty when it only informs."""
    from agentops_mcp.core.screening import suspicions  # its patterns take as long to compile as a server has to start

    paths = (file.path for file in document.files)  # shown when they changed
    text = "\n".join((document.title, document.text, *document.tags, document.origin, *paths))
    return ", ".join(each.reason for each in suspicions(text))


def _remove(tx: Transaction, ref: str) -> str | None:
    """Take a document out and return the thread it stood in, None when there is none."""
    rows = tx.execute("SELECT seq, thread, terms FROM document WHERE ref = ?", [ref])
    if not rows:
        return None
    ((seq, thread, length),) = rows
    lexical.delete(tx, seq)
    for table in ("document", "document_tag", "document_file"):
        tx.execute(f"DELETE FROM {table} WHERE seq = ?", [seq])
    _count(tx, -1, -length)
    return thread


def _count(tx: Transaction, documents: int, words: int) -> None:
    tx.execute("UPDATE document_total SET documents = documents + ?, terms = terms + ?", [documents, words])


def _insert_keys(tx: Transaction, sql: str, keys: Sequence[Value], seq: int) -> None:
    if keys:
        tx.execute_many(sql, [(key, seq) for key in dict.fromkeys(keys)])


def _is_released(tx: Transaction, ref: str) -> bool:
    return bool(tx.execute("SELECT 1 FROM document_released WHERE ref = ?", [ref]))


def release(ref: str) -> Draft:
    """A person's word that a quarantined record is harmless."""
    return Draft(stream=f"released/{ref}", kind=RELEASED, body={"ref": ref})


def _release(tx: Transaction, number: int, event: Event, readers: Mapping[str, Reader]) -> None:
    ref = event.body.get("ref")
    if not isinstance(ref, str):
        raise IntegrityError(f"{event.id} releases nothing.", remedy="`agentops-mcp show` prints it as it is.")
    tx.execute("INSERT INTO document_released (ref) VALUES (?) ON CONFLICT DO NOTHING", [ref])
    rows = tx.execute(
        f"SELECT seq, {EVENT_COLUMNS} FROM event WHERE seq = (SELECT seq FROM document WHERE ref = ?)", [ref]
    )
    for seq, *columns in rows:
        hidden = read_event(tuple(columns))
        _put(tx, seq, hidden, readers[hidden.kind](hidden), due=number)


_COLUMNS = "seq, ref, thread, kind, title, words, session, at"


def statistics(tx: Transaction, words: Sequence[str]) -> Statistics:
    """What BM25 needs to know about these terms."""
    ((documents, length),) = tx.execute("SELECT documents, terms FROM document_total")
    return Statistics(documents, length, lexical.frequencies(tx, words))


def candidates(tx: Transaction, weights: Mapping[str, float], chosen: Filter, *, limit: int) -> list[int]:
    """The numbers of the documents that say the most of these terms and pass the filter."""
    within, parameters = _condition(chosen)
    return lexical.candidates(tx, weights, within=within, parameters=parameters, limit=limit)


def threads(tx: Transaction, chosen: Filter, *, limit: int) -> list[str]:
    """The vectors' ids of documents that pass the filter, the newest first."""
    within, parameters = _condition(chosen)
    query = f"SELECT thread FROM document WHERE {within or '1 = 1'} AND hidden = '' ORDER BY seq DESC LIMIT ?"
    return [thread for (thread,) in tx.execute(query, [*parameters, limit])]


def by_number(tx: Transaction, numbers: Sequence[int]) -> list[Found]:
    """The documents of these numbers."""
    return _by(tx, "seq", numbers, Filter())


def by_thread(tx: Transaction, names: Sequence[str], chosen: Filter) -> list[Found]:
    """The documents of these vectors that pass the filter."""
    return _by(tx, "thread", names, chosen)


def by_ref(tx: Transaction, refs: Sequence[str]) -> list[Found]:
    """The documents of these refs."""
    return _by(tx, "ref", refs, Filter())


def pending(tx: Transaction, after: int, *, limit: int) -> list[tuple[int, str, Event]]:
    """Documents that came to need a vector after a number, oldest first: that number, vector's id and event."""
    rows = tx.execute(
        f"SELECT d.due, d.thread, {', '.join(f'e.{column}' for column in EVENT_COLUMNS.split(', '))} "
        "FROM document d JOIN event e ON e.seq = d.seq WHERE d.due > ? AND d.hidden = '' ORDER BY d.due LIMIT ?",
        [after, limit],
    )
    return [(row[0], row[1], read_event(row[2:])) for row in rows]


def count_pending(tx: Transaction, after: int) -> int:
    """How many documents came to need a vector after a number."""
    return tx.execute("SELECT COUNT(*) FROM document WHERE due > ? AND hidden = ''", [after])[0][0]


def newest(tx: Transaction, chosen: Filter, *, limit: int) -> list[tuple[Found, Event]]:
    """The newest documents that pass the filter, newest first, with their events."""
    within, parameters = _condition(chosen)
    query = f"SELECT {_COLUMNS} FROM document WHERE {within or '1 = 1'} AND hidden = '' ORDER BY seq DESC LIMIT ?"
    found = [_found(row) for row in tx.execute(query, [*parameters, limit])]
    events = events_of(tx, [each.seq for each in found])
    return [(each, events[each.seq]) for each in found]


def events_of(tx: Transaction, numbers: Sequence[int]) -> dict[int, Event]:
    """The events of these numbers."""
    found: dict[int, Event] = {}
    for part in _parts(numbers):
        marks = ", ".join("?" for _ in part)
        rows = tx.execute(f"SELECT seq, {EVENT_COLUMNS} FROM event WHERE seq IN ({marks})", part)
        found |= {row[0]: read_event(row[1:]) for row in rows}
    return found


def events_by_id(tx: Transaction, ids: Sequence[str]) -> dict[str, Event]:
    """The events of these ids; those that are not here are left out."""
    found: dict[str, Event] = {}
    for part in _parts(ids):
        marks = ", ".join("?" for _ in part)
        rows = tx.execute(f"SELECT {EVENT_COLUMNS} FROM event WHERE id IN ({marks})", part)
        found |= {row[0]: read_event(row) for row in rows}
    return found


def quarantined(tx: Transaction, *, limit: int) -> list[tuple[str, str, str]]:
    """What is kept from readers, newest first: ref, title and why."""
    query = "SELECT ref, title, hidden FROM document WHERE hidden <> '' ORDER BY seq DESC LIMIT ?"
    return [(ref, title, why) for ref, title, why in tx.execute(query, [limit])]


def is_quarantined(tx: Transaction, ref: str) -> bool:
    """Whether a record is kept from readers."""
    return bool(tx.execute("SELECT 1 FROM document WHERE ref = ? AND hidden <> ''", [ref]))


def count(tx: Transaction) -> tuple[int, int]:
    """How many documents there are, and how many of them are quarantined."""
    ((documents,),) = tx.execute("SELECT documents FROM document_total")
    ((hidden,),) = tx.execute("SELECT COUNT(*) FROM document WHERE hidden <> ''")
    return documents, hidden


def tags_like(tx: Transaction, prefix: str, *, limit: int) -> list[str]:
    """Tags in use that begin with `prefix`, in order."""
    query = "SELECT DISTINCT tag FROM document_tag WHERE substr(tag, 1, ?) = ? ORDER BY tag LIMIT ?"
    return [tag for (tag,) in tx.execute(query, [len(prefix), prefix, limit])]


def _by(tx: Transaction, column: str, keys: Sequence[Value], chosen: Filter) -> list[Found]:
    within, parameters = _condition(chosen)
    found: list[Found] = []
    for part in _parts(keys):
        marks = ", ".join("?" for _ in part)
        query = f"SELECT {_COLUMNS} FROM document WHERE {column} IN ({marks}) AND hidden = '' AND {within or '1 = 1'}"
        found += [_found(row) for row in tx.execute(query, [*part, *parameters])]
    return found


def _parts(keys: Sequence[Value]) -> list[Sequence[Value]]:
    return [keys[start : start + _AT_ONCE] for start in range(0, len(keys), _AT_ONCE)]


def _found(row: Row) -> Found:
    seq, ref, thread, kind, title, words, session, at = row
    return Found(seq, ref, thread, kind, title, tuple(words.split()), session, at)


def _condition(chosen: Filter) -> tuple[str, list[Value]]:
    """The filter as SQL over `document`; empty when everything passes."""
    parts: list[str] = []
    parameters: list[Value] = []
    for column, values in (("kind", chosen.kinds or None), ("ref", chosen.refs)):
        if values is not None:
            parts.append(f"{column} IN ({', '.join('?' for _ in values)})" if values else "1 = 0")
            parameters += values
    if chosen.since:
        parts.append("at >= ?")
        parameters.append(chosen.since)
    if chosen.tag:
        parts.append("seq IN (SELECT seq FROM document_tag WHERE tag = ?)")
        parameters.append(chosen.tag)
    if chosen.path:
        folder = chosen.path.rstrip("/") + "/"
        parts.append("seq IN (SELECT seq FROM document_file WHERE path = ? OR substr(path, 1, ?) = ?)")
        parameters += [chosen.path, len(folder), folder]
    return " AND ".join(parts), parameters
