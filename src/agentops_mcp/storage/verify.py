"""Proof that nothing in the ledger was lost or changed: every chain is walked link by link."""

from collections.abc import Iterator
from dataclasses import dataclass

from agentops_mcp.core.errors import StorageError
from agentops_mcp.core.records import GENESIS, Event, digest
from agentops_mcp.storage.database import Database
from agentops_mcp.storage.ledger import EVENT_COLUMNS, read_event

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class ChainReport:
    """One chain: how many events were checked and what is wrong with them, in order."""

    origin: str
    tracked: bool
    events: int
    problems: tuple[str, ...]


def verify_chains(database: Database) -> list[ChainReport]:
    """Re-hash every event and check every link; a chain in order has no problems."""
    with database.read() as tx:
        heads = tx.execute("SELECT origin, tracked, n, hash FROM chain ORDER BY origin, tracked DESC")
        known = {(origin, tracked) for origin, tracked, _, _ in heads}
        for origin, tracked in tx.execute("SELECT DISTINCT origin, tracked FROM event ORDER BY 1, 2"):
            if (origin, tracked) not in known:
                heads.append((origin, tracked, 0, ""))
    return [_verify_chain(database, origin, bool(tracked), n, newest) for origin, tracked, n, newest in heads]


def _verify_chain(database: Database, origin: str, tracked: bool, head_n: int, head_hash: str) -> ChainReport:
    problems: list[str] = []
    count, previous_n, previous_hash = 0, 0, GENESIS
    for item in _links(database, origin, tracked):
        count += 1
        if isinstance(item, str):
            problems.append(item)
            previous_n, previous_hash = previous_n + 1, ""
            continue
        problems += _link_problems(item, previous_n, previous_hash)
        previous_n, previous_hash = item.n, item.hash
    if (previous_n, previous_hash) != (head_n, head_hash):
        problems.append(
            f"the chain ends at event {previous_n}, but {head_n} were written: the end is missing or changed"
        )
    return ChainReport(origin, tracked, count, tuple(problems))


def _link_problems(event: Event, previous_n: int, previous_hash: str) -> Iterator[str]:
    if digest(event) != event.hash:
        yield f"event {event.n} ({event.id}) was changed: its content does not match its hash"
    if event.n > previous_n + 1:
        yield f"events {previous_n + 1} to {event.n - 1} are missing"
    elif event.n <= previous_n:
        yield f"event {event.n} ({event.id}) stands twice in its chain"
    elif previous_hash and event.prev != previous_hash:
        yield f"event {event.n} ({event.id}) does not follow the event before it"


def _links(database: Database, origin: str, tracked: bool) -> Iterator[Event | str]:
    """The events of a chain in order; one that cannot be read is its problem instead."""
    query = (
        f"SELECT seq, {EVENT_COLUMNS} FROM event WHERE origin = ? AND tracked = ? AND (n > ? OR (n = ? AND seq > ?))"
        " ORDER BY n, seq LIMIT ?"
    )
    n = seq = 0
    while True:
        with database.read() as tx:
            rows = tx.execute(query, [origin, int(tracked), n, n, seq, _BATCH])
        if not rows:
            return
        for row in rows:
            seq, n = row[0], row[4]
            try:
                yield read_event(row[1:])
            except StorageError as error:
                yield error.problem
