"""Rows of factor I: which entries there are, and by what tag, file or likeness they are found."""

from collections.abc import Sequence

from agentops_mcp.core.documents import CitedFile, Document
from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Event, Json
from agentops_mcp.factors.tracking.rules import Entry, bands, signature_words
from agentops_mcp.storage.database import Transaction, Value
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

RECORDED = "entry.recorded"

_NEWEST_IN_BAND = 4

_UNREADABLE = "`agentops-mcp show` prints it as it is; ask whoever made it which version wrote it."

_SCHEMA = MigrationSet(
    "tracking",
    (
        Migration(
            "entries, tags, files and bands",
            (
                "CREATE TABLE entry (seq INTEGER PRIMARY KEY, session TEXT)",
                "CREATE INDEX entry_by_session ON entry (session)",
                "CREATE TABLE entry_tag (tag TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (tag, seq))",
                "CREATE TABLE entry_file (path TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (path, seq))",
                "CREATE TABLE entry_band (band INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (band, seq))",
            ),
        ),
    ),
)


def entry_of(event: Event) -> Entry:
    """The entry an event recorded.

    Raises:
        IntegrityError: its body is not that of an entry; it came from elsewhere.
    """
    try:
        return _entry(event.body)
    except (KeyError, TypeError) as error:
        raise IntegrityError(f"{event.id} is not a readable entry.", remedy=_UNREADABLE) from error


def document(event: Event) -> Document:
    """An entry as search sees it.

    Raises:
        IntegrityError: the event's body is not that of an entry.
    """
    entry, git = entry_of(event), event.body["git"]
    parts = (entry.learning, entry.solution, entry.context, entry.impact)
    return Document(
        ref=f"entry/{event.id}", kind=entry.kind, title=entry.action, text="\n".join(part for part in parts if part),
        tags=entry.tags, files=tuple(CitedFile(file["path"], file["blob"]) for file in event.body["files"]),
        head=git["head"],
    )  # fmt: skip


def _entry(body: Json) -> Entry:
    texts = {part: body[part] for part in ("kind", "action", "context", "solution", "learning", "impact")}
    files = [file["path"] for file in body["files"]]
    if not all(isinstance(text, str) for text in (*texts.values(), *body["tags"], *files, *body["commits"])):
        raise TypeError("an entry is made of text")
    optional = [body["git"]["branch"], body["git"]["head"], *(file["blob"] for file in body["files"])]
    if not all(isinstance(text, str | None) for text in optional) or not isinstance(body["git"]["dirty"], bool | None):
        raise TypeError("a branch, a commit and a blob are text or not known")
    return Entry(**texts, tags=tuple(body["tags"]), files=tuple(files), commits=tuple(body["commits"]))


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    entry = entry_of(event)
    tx.execute("INSERT INTO entry (seq, session) VALUES (?, ?)", [seq, event.session])
    _insert_keys(tx, "INSERT INTO entry_tag (tag, seq) VALUES (?, ?)", entry.tags, seq)
    _insert_keys(tx, "INSERT INTO entry_file (path, seq) VALUES (?, ?)", entry.files, seq)
    _insert_keys(tx, "INSERT INTO entry_band (band, seq) VALUES (?, ?)", bands(signature_words(entry)), seq)


def _insert_keys(tx: Transaction, sql: str, keys: Sequence[Value], seq: int) -> None:
    if keys:
        tx.execute_many(sql, [(key, seq) for key in dict.fromkeys(keys)])


VIEW = View(
    schema=_SCHEMA,
    tables=("entry", "entry_tag", "entry_file", "entry_band"),
    kinds=frozenset({RECORDED}),
    apply=_apply,
)


def newest(tx: Transaction, *, limit: int) -> list[Event]:
    """The newest entries, newest first."""
    return _events(tx, "SELECT seq FROM entry ORDER BY seq DESC LIMIT ?", [limit])


def recorded_in(tx: Transaction, sessions: Sequence[str]) -> frozenset[str]:
    """Those of these sessions that have an entry."""
    found = (
        row for each in sessions for row in tx.execute("SELECT session FROM entry WHERE session = ? LIMIT 1", [each])
    )
    return frozenset(session for (session,) in found)


def with_tag(tx: Transaction, tag: str, *, limit: int) -> list[Event]:
    """Entries that carry a tag, newest first."""
    return _events(tx, "SELECT seq FROM entry_tag WHERE tag = ? ORDER BY seq DESC LIMIT ?", [tag, limit])


def citing_file(tx: Transaction, path: str, *, limit: int) -> list[Event]:
    """Entries that cite a file, newest first."""
    return _events(tx, "SELECT seq FROM entry_file WHERE path = ? ORDER BY seq DESC LIMIT ?", [path, limit])


def sharing_bands(tx: Transaction, keys: Sequence[int], *, limit: int) -> list[Event]:
    """The `limit` entries that share the most bands with `keys`, newest first, of the newest in each band."""
    if not keys:
        return []
    one = "SELECT * FROM (SELECT seq FROM entry_band WHERE band = ? ORDER BY seq DESC LIMIT ?) AS b"
    parameters: list[Value] = []
    for key in keys:
        parameters += [key, _NEWEST_IN_BAND]
    sharing = " UNION ALL ".join(one for _ in keys)
    most = f"SELECT seq FROM ({sharing}) AS s GROUP BY seq ORDER BY COUNT(*) DESC, seq DESC LIMIT ?"
    return _events(tx, most, [*parameters, limit])


def tags_like(tx: Transaction, prefix: str, *, limit: int) -> list[str]:
    """Tags in use that begin with `prefix`, in order."""
    return _keys_like(tx, "tag", "entry_tag", prefix, limit)


def files_like(tx: Transaction, prefix: str, *, limit: int) -> list[str]:
    """Cited files whose path begins with `prefix`, in order."""
    return _keys_like(tx, "path", "entry_file", prefix, limit)


def _keys_like(tx: Transaction, column: str, table: str, prefix: str, limit: int) -> list[str]:
    query = f"SELECT DISTINCT {column} FROM {table} WHERE substr({column}, 1, ?) = ? ORDER BY {column} LIMIT ?"
    return [key for (key,) in tx.execute(query, [len(prefix), prefix, limit])]


def _events(tx: Transaction, seqs: str, parameters: Sequence[Value]) -> list[Event]:
    query = f"SELECT {EVENT_COLUMNS} FROM event WHERE seq IN ({seqs}) ORDER BY seq DESC"
    return [read_event(row) for row in tx.execute(query, parameters)]
