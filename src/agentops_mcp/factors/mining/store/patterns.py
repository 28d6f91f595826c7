"""Rows of patterns: their revisions, what was cited and how it went, and in which sessions they were shown."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, cast, get_args

from agentops_mcp.core.documents import Document
from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Draft, Event
from agentops_mcp.factors.mining.rules.patterns import Pattern, from_body, text_of, to_body
from agentops_mcp.factors.mining.store.documents import SEARCHED
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

SAVED = "pattern.saved"
CITED = "pattern.cited"

Outcome = Literal["worked", "partly", "failed", "unused"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_SCHEMA = MigrationSet(
    "patterns",
    (
        Migration(
            "revisions, citations and showings",
            (
                "CREATE TABLE pattern (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, first_at TEXT NOT NULL)",
                "CREATE TABLE pattern_revision (seq INTEGER PRIMARY KEY, name TEXT NOT NULL, file TEXT NOT NULL)",
                "CREATE INDEX pattern_revision_by_name ON pattern_revision (name, seq)",
                """
                CREATE TABLE pattern_citation (
                    seq INTEGER PRIMARY KEY, name TEXT NOT NULL, outcome TEXT NOT NULL, session TEXT, at TEXT NOT NULL,
                    place TEXT NOT NULL
                )
                """,
                "CREATE INDEX pattern_citation_by_name ON pattern_citation (name)",
                """
                CREATE TABLE pattern_showing (
                    name TEXT NOT NULL, showing TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (name, showing)
                )
                """,
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Citation:
    """One report on a pattern; `place` tells apart where it was tried when no session does."""

    name: str
    outcome: Outcome
    session: str | None
    at: str
    place: str


@dataclass(frozen=True, slots=True)
class Known:
    """A pattern's newest revision, when it was first saved, and the digest of the file that was written for it."""

    pattern: Pattern
    event: Event
    first_at: str


def pattern_of(event: Event) -> Pattern:
    """The pattern an event saved.

    Raises:
        IntegrityError: its body is not that of a pattern.
    """
    return from_body(event.body)


def document(event: Event) -> Document:
    """A pattern as search sees it.

    Raises:
        IntegrityError: the event's body is not that of a pattern.
    """
    return document_of(pattern_of(event))


def document_of(pattern: Pattern) -> Document:
    """A pattern as search sees it, also one that no event saved."""
    return Document(
        ref=f"pattern/{pattern.name}", kind=pattern.kind, title=pattern.title, text=text_of(pattern), tags=pattern.tags
    )


def saved(pattern: Pattern, *, digest: str, session: str | None) -> Draft:
    """The event of a revision; `digest` is that of the file which holds it."""
    return Draft(
        stream=f"pattern/{pattern.name}", kind=SAVED, body={**to_body(pattern), "file": digest}, session=session
    )


def cited(name: str, outcome: Outcome, *, note: str, place: str, session: str | None) -> Draft:
    """The event of a report on a pattern."""
    body = {"name": name, "outcome": outcome, "note": note, "place": place}
    return Draft(stream=f"pattern/{name}", kind=CITED, body=body, session=session)


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    if event.kind == SAVED:
        _apply_saved(tx, seq, event)
    elif event.kind == CITED:
        _apply_cited(tx, seq, event)
    else:
        _apply_searched(tx, event)


def _apply_saved(tx: Transaction, seq: int, event: Event) -> None:
    pattern, digest = pattern_of(event), event.body.get("file")
    if not isinstance(digest, str):
        raise _unreadable(event)
    tx.execute(
        "INSERT INTO pattern (name, seq, first_at) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET seq = excluded.seq",
        [pattern.name, seq, event.at],
    )
    tx.execute("INSERT INTO pattern_revision (seq, name, file) VALUES (?, ?, ?)", [seq, pattern.name, digest])


def _apply_cited(tx: Transaction, seq: int, event: Event) -> None:
    name, outcome, place = (event.body.get(key) for key in ("name", "outcome", "place"))
    if not isinstance(name, str) or outcome not in OUTCOMES or not isinstance(place, str):
        raise _unreadable(event)
    tx.execute(
        "INSERT INTO pattern_citation (seq, name, outcome, session, at, place) VALUES (?, ?, ?, ?, ?, ?)",
        [seq, name, outcome, event.session, event.at, place],
    )


def _apply_searched(tx: Transaction, event: Event) -> None:
    given = event.body.get("patterns", [])
    if not isinstance(given, list) or not all(isinstance(name, str) for name in cast("list[object]", given)):
        raise _unreadable(event)
    shown = cast("list[str]", given)
    rows = [(name, event.session or event.id, event.at) for name in shown]
    if rows:
        tx.execute_many(
            "INSERT INTO pattern_showing (name, showing, at) VALUES (?, ?, ?) "
            "ON CONFLICT (name, showing) DO UPDATE SET at = excluded.at",
            rows,
        )


def _unreadable(event: Event) -> IntegrityError:
    return IntegrityError(f"{event.id} is not readable as {event.kind}.", remedy="`agentops-mcp show` prints it.")


VIEW = View(
    schema=_SCHEMA,
    tables=("pattern", "pattern_revision", "pattern_citation", "pattern_showing"),
    kinds=frozenset({SAVED, CITED, SEARCHED}),
    apply=_apply,
)

_EVENT = ", ".join(f"e.{column}" for column in EVENT_COLUMNS.split(", "))


def newest(tx: Transaction, name: str) -> Known | None:
    """The newest revision of a pattern, None when there is none of this name."""
    found = _known(tx, "WHERE p.name = ?", [name])
    return found[0] if found else None


def every(tx: Transaction) -> list[Known]:
    """The newest revision of every pattern, by name."""
    return _known(tx, "ORDER BY p.name", [])


def _known(tx: Transaction, rest: str, parameters: Sequence[str]) -> list[Known]:
    query = f"SELECT p.first_at, {_EVENT} FROM pattern p JOIN event e ON e.seq = p.seq {rest}"
    found: list[Known] = []
    for first_at, *columns in tx.execute(query, parameters):
        event = read_event(tuple(columns))
        with suppress(IntegrityError):  # damaged since it was saved: the rest of the library goes on without it
            found.append(Known(pattern_of(event), event, first_at))
    return found


def revisions(tx: Transaction, name: str) -> list[Event]:
    """Every revision of a pattern, newest first."""
    query = (
        f"SELECT {_EVENT} FROM pattern_revision r JOIN event e ON e.seq = r.seq WHERE r.name = ? ORDER BY r.seq DESC"
    )
    return [read_event(row) for row in tx.execute(query, [name])]


def files(tx: Transaction) -> dict[str, set[str]]:
    """The digests of the files of every revision, by the pattern's name."""
    found: dict[str, set[str]] = {}
    for name, digest in tx.execute("SELECT name, file FROM pattern_revision"):
        found.setdefault(name, set()).add(digest)
    return found


def citations(tx: Transaction) -> list[Citation]:
    """Every report, oldest first."""
    rows = tx.execute("SELECT name, outcome, session, at, place FROM pattern_citation ORDER BY seq")
    return [Citation(*row) for row in rows]


def shown(tx: Transaction, *, since: str = "") -> dict[str, int]:
    """In how many sessions (searches, where no session was given) each pattern was shown."""
    rows = tx.execute("SELECT name, COUNT(*) FROM pattern_showing WHERE at >= ? GROUP BY name", [since])
    return dict(rows)


def version(tx: Transaction) -> tuple[int, ...]:
    """Changes whenever anything is saved, cited or shown."""
    counts = ("SELECT COALESCE(MAX(seq), 0) FROM pattern_revision", "SELECT COUNT(*) FROM pattern_citation",
              "SELECT COUNT(*) FROM pattern_showing")  # fmt: skip
    return tuple(tx.execute(query)[0][0] for query in counts)
