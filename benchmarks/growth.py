"""What a record and the start of a session cost on a ledger of 100, 10,000 and 100,000 events.

The ledgers are filled through the ledger itself, with entries spread over the days before, and then used in turn.
Also shown: what a record costs to mirror to git, what opening costs, and the size on disk.
"""

import random
import statistics
import sys
import time
import uuid
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from measuring import Figure, arguments, of_medians, report, temporary_place

from agentops_mcp.app import App
from agentops_mcp.core.records import Actor, Draft
from agentops_mcp.factors.resume.store.sessions import STARTED
from agentops_mcp.factors.tracking.rules import Entry
from agentops_mcp.factors.tracking.store import RECORDED

BAR = 1.5
SIZES = (100, 10_000, 100_000)
BATCH = 500
ENTRIES_A_SESSION = 12
EVENTS_A_DAY = 250
ACTOR = Actor(client="benchmark 1", user="benchmark", via="mcp")
GIT = {"branch": "main", "head": "0" * 40, "dirty": False, "operation": None}

_SYLLABLES = "ba co di fu ge hi jo ku la me ni po ra se ti vo xa yu ze qui".split()


class Author:
    """Makes entries that differ as people's do: a few words, tags and files are common, most are rare."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        everything = random.Random(1)
        words = ["".join(everything.choices(_SYLLABLES, k=everything.randint(1, 4))) for _ in range(6_000)]
        self._words = _ranked(list(dict.fromkeys(words)))
        self._tags = _ranked([f"area-{number}" for number in range(80)])
        self._files = _ranked([f"src/part{number % 10}/module_{number}.py" for number in range(200)])

    def entry(self) -> Entry:
        """The next entry."""
        return Entry(
            kind=self._random.choice(("action", "decision", "learning", "failure")),
            action=self._text(9),
            context=self._text(30),
            solution=self._text(25),
            learning=self._text(18),
            impact=f"{self._text(4)} {self._random.randint(1, 900)} ms",
            tags=tuple(sorted(set(self._some(self._tags, 2)))),
            files=tuple(dict.fromkeys(self._some(self._files, self._random.randint(0, 2)))),
        )

    def _text(self, words: int) -> str:
        return " ".join(self._some(self._words, words)).capitalize()

    def _some(self, ranked: tuple[list[str], list[float]], count: int) -> list[str]:
        values, cumulated = ranked
        return self._random.choices(values, cum_weights=cumulated, k=count)


def _ranked(values: list[str]) -> tuple[list[str], list[float]]:
    """Values with the cumulated weights of Zipf's law."""
    return values, list(accumulate(1 / rank for rank in range(8, len(values) + 8)))


@dataclass(slots=True)
class Grown:
    """A ledger of one size, opened, and what using it took; times in seconds."""

    size: int
    app: App
    author: Author
    record_s: list[float] = field(default_factory=list[float])
    flush_s: list[float] = field(default_factory=list[float])
    start_s: list[float] = field(default_factory=list[float])
    open_s: list[float] = field(default_factory=list[float])

    def work(self) -> None:
        """Record an entry, mirror it, and start a session."""
        entries, sessions = self.app.entries(), self.app.sessions()
        entry = self.author.entry()
        marks = [time.perf_counter()]
        entries.record(entry, actor=ACTOR)
        marks.append(time.perf_counter())
        self.app.settle()
        marks.append(time.perf_counter())
        sessions.start(entry.action, actor=ACTOR)
        marks.append(time.perf_counter())
        for samples, begun, ended in zip((self.record_s, self.flush_s, self.start_s), marks, marks[1:], strict=False):
            samples.append(ended - begun)

    def reopen(self) -> None:
        """Open it as a new process would, quick_check included."""
        self.app.close()
        begun = time.perf_counter()
        _ = self.app.parts
        self.open_s.append(time.perf_counter() - begun)


def main() -> int:
    """Measure and report."""
    options = arguments(
        __doc__,
        runs=100,
        database_url="a PostgreSQL server to use instead of SQLite",
        sizes=f"numbers of events, the first is the baseline (default: {' '.join(map(str, SIZES))})",
    )
    sizes = tuple(int(size) for size in options.sizes.split()) if options.sizes else SIZES
    with ExitStack() as stack:
        grown = [stack.enter_context(filled(size, options.database_url)) for size in sizes]
        take_turns(grown, options.runs)
        smallest, *larger = grown
        figures = [figure for each in larger for figure in compare(each, smallest, last=each is larger[-1])]
        notes = [describe(each, options.database_url) for each in grown]
    return report(figures, notes=notes, as_json=options.json)


def take_turns(grown: list[Grown], rounds: int) -> None:
    """All ledgers once a round, after rounds that only warm up, in an order that rotates."""
    for each in grown:
        for _ in range(3):
            each.reopen()
    time.sleep(2.1)  # until the time stamps of the files prove that nothing changed
    for each in grown:
        for _ in range(5):
            each.work()
        for samples in (each.record_s, each.flush_s, each.start_s):
            samples.clear()
    for number in range(rounds):
        first = number % len(grown)
        for each in grown[first:] + grown[:first]:
            each.work()


def compare(large: Grown, small: Grown, *, last: bool) -> list[Figure]:
    """A larger ledger against the smallest; the bar is for the largest."""
    what = f"{large.size:,} / {small.size:,} events"
    bar = BAR if last else None
    return [
        of_medians(f"record_entry, {what}", large.record_s, small.record_s, bar=bar),
        of_medians(f"start_session, {what}", large.start_s, small.start_s, bar=bar),
        of_medians(f"mirror to git, {what}", large.flush_s, small.flush_s),
    ]


def describe(each: Grown, url: str | None) -> str:
    """What there is no bar for."""
    opened = f"opened in {statistics.median(each.open_s) * 1000:.0f} ms"
    if url:
        return f"{each.size:,} events: {opened}"
    file = each.app.parts.project.data_dir / "agentops.db"
    size_bytes = file.stat().st_size
    return f"{each.size:,} events: {opened}, {size_bytes / 1e6:.1f} MB, {size_bytes / each.size:.0f} bytes an event"


@contextmanager
def filled(size: int, url: str | None) -> Generator[Grown]:
    """A project of its own whose ledger holds `size` events, all mirrored to git."""
    with temporary_place() as place:
        # A name of its own: on PostgreSQL, repositories with the same first commit share a schema.
        environment = {**place.environment, "AGENTOPS_LEDGER": f"growth-{uuid.uuid4().hex[:12]}"}
        if url:
            environment["AGENTOPS_DATABASE_URL"] = url
        clock = PastClock(datetime.now(UTC) - timedelta(days=size / EVENTS_A_DAY))
        with App(place.project, environment=environment, clock=clock) as past:
            begun = time.perf_counter()
            fill(past, size, clock)
            written = time.perf_counter()
            past.settle()
            mirrored = time.perf_counter()
        progress = f"{size:,} events written in {written - begun:.1f} s, mirrored in {mirrored - written:.1f} s"
        print(progress, file=sys.stderr, flush=True)
        with App(place.project, environment=environment) as app:
            yield Grown(size, app, Author(seed=2))


class PastClock:
    """A clock that passes the days in which the ledger was filled."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """The instant it stands at."""
        return self._now

    def advance(self) -> None:
        """To the next event."""
        self._now += timedelta(days=1) / EVENTS_A_DAY


def fill(app: App, size: int, clock: PastClock) -> None:
    """Append entries and the sessions they were written in."""
    author, ledger = Author(seed=1), app.parts.ledger
    session = ""
    for start in range(0, size, BATCH):
        drafts: list[Draft] = []
        for number in range(start, min(start + BATCH, size)):
            clock.advance()
            identifier = id_at(clock())
            if number % (ENTRIES_A_SESSION + 1) == 0:
                session = identifier
                body = {"goal": author.entry().action, "git": GIT}
                drafts.append(Draft(f"session/{session}", STARTED, body, tracked=False, session=session, id=session))
            else:
                drafts.append(_entry_draft(identifier, author.entry(), session))
        ledger.append(drafts, actor=ACTOR)


def _entry_draft(identifier: str, entry: Entry, session: str) -> Draft:
    files = [{"path": path, "blob": "0" * 40} for path in entry.files]
    body = {**asdict(entry), "files": files, "git": GIT}
    return Draft(f"entry/{identifier}", RECORDED, body, session=session, id=identifier)


def id_at(instant: datetime) -> str:
    """A UUIDv7 of a past instant."""
    value = int(instant.timestamp() * 1000) << 80 | random.getrandbits(76)
    return str(uuid.UUID(int=value & ~(0xF << 76) & ~(0b11 << 62) | 0x7 << 76 | 0b10 << 62))


if __name__ == "__main__":
    sys.exit(main())
