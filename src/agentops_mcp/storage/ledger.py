"""The ledger: append-only events, the only source of truth; every other table is a view of it."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.errors import ConflictError, IntegrityError, NotFoundError, StorageError
from agentops_mcp.core.records import GENESIS, Actor, Draft, Event, canonical, seal
from agentops_mcp.core.redaction import redact_json
from agentops_mcp.storage import migrations
from agentops_mcp.storage.database import Database, Row, Transaction, Value
from agentops_mcp.storage.migrations import Migration, MigrationSet

logger = logging.getLogger(__name__)

_BATCH = 500

# `chain` holds the newest link of every chain, so that a loss at the end of a chain shows too.
SCHEMA = MigrationSet(
    "ledger",
    (
        Migration(
            "events, chains and origins",
            (
                """
                CREATE TABLE event (
                    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, origin TEXT NOT NULL, tracked INTEGER NOT NULL,
                    n INTEGER NOT NULL, stream TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
                    actor TEXT NOT NULL, session TEXT, body TEXT NOT NULL, prev TEXT NOT NULL, hash TEXT NOT NULL
                )
                """,
                "CREATE INDEX event_by_stream ON event (stream, seq)",
                "CREATE INDEX event_by_chain ON event (origin, tracked, n)",
                "CREATE INDEX event_tracked ON event (tracked, seq)",
                """
                CREATE TABLE chain (
                    origin TEXT NOT NULL, tracked INTEGER NOT NULL, n INTEGER NOT NULL, hash TEXT NOT NULL,
                    PRIMARY KEY (origin, tracked)
                )
                """,
                "CREATE TABLE origin (place TEXT PRIMARY KEY, id TEXT NOT NULL)",
            ),
        ),
    ),
)

EVENT_COLUMNS = "id, origin, tracked, n, stream, kind, at, actor, session, body, prev, hash"


@dataclass(frozen=True, slots=True)
class View:
    """Tables that one factor derives from events of its kinds.

    `apply` gets the event and its local number. It reads the body before it writes a row, and raises IntegrityError
    when the body is not one of its own. `full_text` are the virtual tables over its tables, where the database has any.
    """

    schema: MigrationSet
    tables: tuple[str, ...]
    kinds: frozenset[str]
    apply: Callable[[Transaction, int, Event], None]
    full_text: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """A written event, and the kinds of secrets that were replaced by markers before it was built."""

    event: Event
    redacted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening the ledger did: the sets that were migrated, and the copy made before, if any."""

    migrated: tuple[str, ...]
    copy: str | None


class Ledger:
    """Appends events and keeps the views in step with them, in one transaction each time."""

    def __init__(
        self, database: Database, *, place: str, views: Sequence[View], clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._database = database
        self._place = place
        self._views = tuple(views)
        self._clock = clock
        self._new_id = new_id
        self._identity = ""

    def open(self) -> Opened:
        """Bring the schema up to date and learn which origin this database writes as.

        Raises:
            NewerSchemaError: the database was written by a newer version.
            StorageError: it is damaged, or cannot be opened.
        """
        sets = [SCHEMA, *(view.schema for view in self._views)]
        with self._database.read() as tx:
            todo = migrations.pending(self._database, tx, sets)
        opened = self._migrate(sets) if todo else Opened((), None)
        self._identity = self._own_origin()
        return opened

    @property
    def identity(self) -> str:
        """The origin this database writes as: a UUIDv7."""
        return self._identity

    @property
    def database(self) -> Database:
        """Where the ledger is kept."""
        return self._database

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view for a factor's queries."""
        return self._database.read()

    def append(
        self, drafts: Sequence[Draft], *, actor: Actor, expected: Mapping[str, str | None] | None = None
    ) -> list[Appended]:
        """Write events and their views; when this returns they are on disk. Secrets are replaced first.

        `expected` maps a stream to the id of the last event the caller saw there (None: the stream was empty).

        Raises:
            ConflictError: a stream has moved; nothing was written.
            StorageError: the database could not be written; nothing was written.
        """
        cleaned = [redact_json(draft.body) for draft in drafts]
        with self._database.write() as tx:
            for stream, last_seen in (expected or {}).items():
                if _last_in(tx, stream) != last_seen:
                    raise ConflictError(
                        f"{stream} has changed since it was read.", remedy="Read it again and repeat the call."
                    )
            return [
                Appended(self._append_one(tx, replace(draft, body=clean.document), actor), clean.found)
                for draft, clean in zip(drafts, cleaned, strict=True)
            ]

    def last_in(self, stream: str) -> str | None:
        """The id of the newest event in `stream`, for a later `expected`."""
        with self._database.read() as tx:
            return _last_in(tx, stream)

    def event(self, event_id: str) -> Event:
        """One event.

        Raises:
            NotFoundError: this project has no such event.
        """
        with self._database.read() as tx:
            rows = tx.execute(f"SELECT {EVENT_COLUMNS} FROM event WHERE id = ?", [event_id])
        if not rows:
            raise NotFoundError(
                f"This project has no record {event_id[:60]!r}.",
                remedy="Use an id returned by a tool or `agentops-mcp log`.",
            )
        return read_event(rows[0])

    def newest(self, *, limit: int, before: int | None = None) -> list[tuple[int, Event]]:
        """The newest events with their local numbers, newest first, below the number `before` when it is given."""
        bound: list[Value] = [before if before is not None else 2**62, limit]
        with self._database.read() as tx:
            rows = tx.execute(f"SELECT seq, {EVENT_COLUMNS} FROM event WHERE seq < ? ORDER BY seq DESC LIMIT ?", bound)
        return [(row[0], read_event(row[1:])) for row in rows]

    def events(self) -> Iterator[Event]:
        """Every event in local order; read in batches, so a long export holds no transaction open."""
        seq = 0
        while rows := self._after(seq, "1 = 1", _BATCH):
            seq = rows[-1][0]
            yield from (read_event(row[1:]) for row in rows)

    def tracked_after(self, seq: int, *, limit: int) -> list[tuple[int, Event]]:
        """Tracked events above a local number, oldest first, with their numbers."""
        return [(row[0], read_event(row[1:])) for row in self._after(seq, "tracked = 1", limit)]

    def last_tracked(self) -> int:
        """The local number of the newest tracked event, 0 when there is none."""
        with self._database.read() as tx:
            rows = tx.execute("SELECT seq FROM event WHERE tracked = 1 ORDER BY seq DESC LIMIT 1")
        return rows[0][0] if rows else 0

    def merge(self, events: Iterable[Event]) -> int:
        """Add events that were made elsewhere and return how many were new here.

        Each must have passed `parse_event`. An id that is already here is left as it is. A local event that names this
        database as its origin and is not here was not made here: it is passed over, as views believe what is local.
        """
        arriving = sorted(filter(self._may_arrive, events), key=lambda event: (event.origin, event.tracked, event.n))
        new = 0
        for start in range(0, len(arriving), _BATCH):
            with self._database.write() as tx:
                for event in arriving[start : start + _BATCH]:
                    if not tx.execute("SELECT 1 FROM event WHERE id = ?", [event.id]):
                        self._insert(tx, event)
                        new += 1
        return new

    def count_new(self, events: Iterable[Event]) -> int:
        """How many of these `merge` would add."""
        with self._database.read() as tx:
            arriving = filter(self._may_arrive, events)
            return sum(not tx.execute("SELECT 1 FROM event WHERE id = ?", [event.id]) for event in arriving)

    def rebuild(self) -> dict[str, int]:
        """Drop every view and replay the ledger into it; returns the events replayed for each view."""
        with self._database.write() as tx:
            return {view.schema.owner: self._replay(tx, view) for view in self._views}

    def _may_arrive(self, event: Event) -> bool:
        return event.tracked or event.origin != self._identity

    def _after(self, seq: int, condition: str, limit: int) -> list[Row]:
        query = f"SELECT seq, {EVENT_COLUMNS} FROM event WHERE {condition} AND seq > ? ORDER BY seq LIMIT ?"
        with self._database.read() as tx:
            return tx.execute(query, [seq, limit])

    def _append_one(self, tx: Transaction, draft: Draft, actor: Actor) -> Event:
        head = tx.execute(
            "SELECT n, hash FROM chain WHERE origin = ? AND tracked = ?", [self._identity, int(draft.tracked)]
        )
        n, prev = head[0] if head else (0, GENESIS)
        at = self._clock().isoformat(timespec="microseconds")
        event_id = draft.id or self._new_id()
        event = seal(draft, event_id=event_id, origin=self._identity, n=n + 1, at=at, actor=actor, prev=prev)
        self._insert(tx, event)
        return event

    def _insert(self, tx: Transaction, event: Event) -> None:
        ((seq,),) = tx.execute("SELECT COALESCE(MAX(seq), 0) + 1 FROM event")
        tx.execute(
            f"INSERT INTO event (seq, {EVENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                seq, event.id, event.origin, int(event.tracked), event.n, event.stream, event.kind, event.at,
                canonical(event.actor), event.session, canonical(event.body), event.prev, event.hash,
            ],
        )  # fmt: skip
        tx.execute(
            "INSERT INTO chain (origin, tracked, n, hash) VALUES (?, ?, ?, ?) ON CONFLICT (origin, tracked) "
            "DO UPDATE SET n = excluded.n, hash = excluded.hash WHERE excluded.n > chain.n",
            [event.origin, int(event.tracked), event.n, event.hash],
        )
        for view in self._views:
            if event.kind in view.kinds:
                _apply(view, tx, seq, event)

    def _replay(self, tx: Transaction, view: View) -> int:
        for table in (*view.full_text, *view.tables):
            tx.execute(f"DROP TABLE IF EXISTS {table}")
        tx.execute("DELETE FROM migration WHERE owner = ?", [view.schema.owner])
        migrations.apply(self._database, tx, [view.schema], now=self._clock())
        marks = ", ".join("?" for _ in view.kinds)
        query = f"SELECT seq, {EVENT_COLUMNS} FROM event WHERE kind IN ({marks}) AND seq > ? ORDER BY seq LIMIT ?"
        seq, count = 0, 0
        while rows := tx.execute(query, [*sorted(view.kinds), seq, _BATCH]):
            for row in rows:
                _apply(view, tx, row[0], read_event(row[1:]))
            seq, count = rows[-1][0], count + len(rows)
        return count

    def _migrate(self, sets: Sequence[MigrationSet]) -> Opened:
        now = self._clock()
        with self._database.write() as tx:
            todo = migrations.pending(self._database, tx, sets)  # another process may have been first
            if not todo:
                return Opened((), None)
            copy = None
            if not migrations.is_new(self._database, tx):
                copy = self._database.set_copy_aside(f"before-{now:%Y%m%dT%H%M%S%f}")
            owners = tuple(each.owner for each in todo)
            migrations.apply(self._database, tx, todo, now=now)
            for view in self._views:
                # Its events may have been here before its tables: made by a newer version elsewhere, and synced.
                if view.schema.owner in owners and copy is not None:
                    self._replay(tx, view)
        return Opened(owners, copy)

    def _own_origin(self) -> str:
        # An origin belongs to a place: a copied data directory must not continue the chain it was copied from.
        with self._database.read() as tx:
            rows = tx.execute("SELECT id FROM origin WHERE place = ?", [self._place])
        if rows:
            return rows[0][0]
        with self._database.write() as tx:
            tx.execute(
                "INSERT INTO origin (place, id) VALUES (?, ?) ON CONFLICT DO NOTHING", [self._place, self._new_id()]
            )
            return tx.execute("SELECT id FROM origin WHERE place = ?", [self._place])[0][0]


def _apply(view: View, tx: Transaction, seq: int, event: Event) -> None:
    try:
        view.apply(tx, seq, event)
    except IntegrityError as error:
        # Made elsewhere, by another version or by hand: the ledger keeps it, the view does without.
        logger.warning("%s is left out of the view %s: %s", event.id, view.schema.owner, error.problem)


def _last_in(tx: Transaction, stream: str) -> str | None:
    rows = tx.execute("SELECT id FROM event WHERE stream = ? ORDER BY seq DESC LIMIT 1", [stream])
    return rows[0][0] if rows else None


def read_event(row: Row) -> Event:
    """An event from the columns of `EVENT_COLUMNS`."""
    event_id, origin, tracked, n, stream, kind, at, actor, session, body, prev, digest = row
    try:
        return Event(
            event_id, origin, bool(tracked), n, stream, kind, at, json.loads(actor), session, json.loads(body), prev,
            digest,
        )  # fmt: skip
    except ValueError as error:
        raise StorageError(
            f"Event {event_id} cannot be read: its stored JSON is damaged.",
            remedy="`agentops-mcp verify` lists every damaged record.",
        ) from error
