"""Rows of factor II: what was loaded, in which session, at what cost; and what clients said of their windows."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.records import Event, Json
from agentops_mcp.factors.context.rules.window import LEVELS, Load, LoadedItem
from agentops_mcp.storage.database import Row, Transaction
from agentops_mcp.storage.ledger import View
from agentops_mcp.storage.migrations import Migration, MigrationSet

LOADED = "context.loaded"
REPORTED = "outcome.reported"

Outcome = Literal["worked", "partly", "failed", "unused", "regretted"]
_OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

# What the database's integers hold on every machine, with room to add many of them up.
_MOST = 2**40

_SCHEMA = MigrationSet(
    "context",
    (
        Migration(
            "loads, their items and reported usage",
            (
                """
                CREATE TABLE context_load (
                    seq INTEGER PRIMARY KEY, session TEXT, at TEXT NOT NULL, task TEXT NOT NULL,
                    tokens INTEGER NOT NULL, for_subagent INTEGER NOT NULL
                )
                """,
                "CREATE INDEX context_load_by_session ON context_load (session, seq)",
                """
                CREATE TABLE context_item (
                    load INTEGER NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL,
                    start_line INTEGER NOT NULL, end_line INTEGER NOT NULL, level TEXT NOT NULL,
                    tokens INTEGER NOT NULL,
                    PRIMARY KEY (load, position)
                )
                """,
                """
                CREATE TABLE context_usage (
                    seq INTEGER PRIMARY KEY, session TEXT NOT NULL, used_tokens INTEGER, window_tokens INTEGER
                )
                """,
                "CREATE INDEX context_usage_by_session ON context_usage (session, seq)",
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a sub-agent's report: its length, the verdict and the reasons."""

    tokens: int
    accepted: bool
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """How something that was handed out went, and what the client said of its window then."""

    of: str
    outcome: Outcome
    note: str = ""
    used_tokens: int | None = None
    window_tokens: int | None = None
    report: Report | None = None


def body_of_load(load: Load) -> Json:
    """What the ledger keeps of a load, beside what every event has."""
    items = [{**asdict(item), "id": _storable(item.id), "path": _storable(item.path)} for item in load.items]
    body = {**asdict(load), "task": _storable(load.task), "items": items}
    del body["session"]
    return body


def body_of_outcome(reported: Reported) -> Json:
    """What the ledger keeps of an outcome, beside what every event has."""
    return asdict(reported)


def _storable(text: str) -> str:
    """`text` as both databases take it: a path need not be Unicode, and PostgreSQL refuses NUL."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\0")


def load_of(event: Event) -> Load:
    """The load an event recorded.

    Raises:
        IntegrityError: its body is not that of a load; it came from elsewhere.
    """
    body = event.body
    try:
        return Load(
            task=_text(body["task"]),
            budget_tokens=_number(body["budget_tokens"]),
            tokens=_number(body["tokens"]),
            items=tuple(_item(each) for each in body["items"]),
            commit=None if body["commit"] is None else _text(body["commit"]),
            session=event.session,
            window_tokens=_optional_number(body["window_tokens"]),
            used_tokens=_optional_number(body["used_tokens"]),
            for_subagent=_is_true(body["for_subagent"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(event, "a load of context") from error


def reported_of(event: Event) -> Reported:
    """The outcome an event recorded.

    Raises:
        IntegrityError: its body is not that of an outcome; it came from elsewhere.
    """
    body = event.body
    try:
        return Reported(
            of=_text(body["of"]),
            outcome=_OUTCOMES[_OUTCOMES.index(body["outcome"])],
            note=_text(body["note"]),
            used_tokens=_optional_number(body["used_tokens"]),
            window_tokens=_optional_number(body["window_tokens"]),
            report=_report(body["report"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(event, "an outcome") from error


def _report(value: Any) -> Report | None:
    if value is None:
        return None
    findings = tuple(_text(each) for each in value["findings"])
    return Report(_number(value["tokens"]), _is_true(value["accepted"]), findings)


def _item(value: Any) -> LoadedItem:
    start, end, tokens = (_number(value[name]) for name in ("start", "end", "tokens"))
    level = LEVELS[LEVELS.index(value["level"])]
    return LoadedItem(_text(value["id"]), _text(value["path"]), start, end, level, tokens)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def _is_true(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false was expected")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MOST:
        raise TypeError("a number was expected")
    return value


def _optional_number(value: object) -> int | None:
    return None if value is None else _number(value)


def _unreadable(event: Event, what: str) -> IntegrityError:
    return IntegrityError(
        f"{event.id} is not {what} that can be read.", remedy="`agentops-mcp show` prints it as it is."
    )


def task_key(task: str) -> str:
    """What two loads for the same task have in common: its words as they stand, whatever their case and spacing."""
    return hashlib.sha256(" ".join(task.casefold().split()).encode()).hexdigest()[:32]


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    if event.kind == LOADED:
        load = load_of(event)
        tx.execute(
            "INSERT INTO context_load (seq, session, at, task, tokens, for_subagent) VALUES (?, ?, ?, ?, ?, ?)",
            [seq, load.session, event.at, task_key(load.task), load.tokens, int(load.for_subagent)],
        )
        _insert_items(tx, seq, load.items)
        _insert_usage(tx, seq, event.session, load.used_tokens, load.window_tokens)
    else:
        reported = reported_of(event)
        _insert_usage(tx, seq, event.session, reported.used_tokens, reported.window_tokens)


def _insert_items(tx: Transaction, seq: int, items: Sequence[LoadedItem]) -> None:
    if items:
        columns = "load, position, id, path, start_line, end_line, level, tokens"
        tx.execute_many(
            f"INSERT INTO context_item ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (seq, position, item.id, item.path, item.start, item.end, item.level, item.tokens)
                for position, item in enumerate(items)
            ],
        )


def _insert_usage(tx: Transaction, seq: int, session: str | None, used: int | None, window: int | None) -> None:
    if session is not None and (used is not None or window is not None):
        tx.execute(
            "INSERT INTO context_usage (seq, session, used_tokens, window_tokens) VALUES (?, ?, ?, ?)",
            [seq, session, used, window],
        )


VIEW = View(
    schema=_SCHEMA,
    tables=("context_load", "context_item", "context_usage"),
    kinds=frozenset({LOADED, REPORTED}),
    apply=_apply,
)


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item that was sent in a session, and when."""

    item: LoadedItem
    at: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a client said last of its window, and the o200k tokens that were sent to it since."""

    window_tokens: int | None
    used_tokens: int | None
    sent_since_tokens: int


@dataclass(frozen=True, slots=True)
class Sum:
    """How many loads, and their o200k tokens together."""

    loads: int
    tokens: int


def loaded_items(tx: Transaction, session: str) -> list[ItemRow]:
    """Every item sent into the window of a session, the oldest first; what went to a sub-agent is not in it."""
    query = (
        "SELECT i.id, i.path, i.start_line, i.end_line, i.level, i.tokens, l.at FROM context_load l "
        "JOIN context_item i ON i.load = l.seq WHERE l.session = ? AND l.for_subagent = 0 ORDER BY l.seq, i.position"
    )
    return [ItemRow(LoadedItem(*row[:6]), row[6]) for row in tx.execute(query, [session])]


def loaded(tx: Transaction, session: str, *, task: str | None = None, after: str | None = None) -> Sum:
    """The loads of a session: all, or those of a task, or those after an instant."""
    condition, parameters = "session = ?", [session]
    if task is not None:
        condition, parameters = f"{condition} AND task = ? AND for_subagent = 0", [*parameters, task_key(task)]
    if after is not None:
        condition, parameters = f"{condition} AND at > ?", [*parameters, after]
    return _sum(tx.execute(f"SELECT tokens FROM context_load WHERE {condition}", parameters))


def usage(tx: Transaction, session: str) -> Usage:
    """What the client of a session said last; where it never said anything, everything sent is "since"."""
    used = _last_said(tx, session, "used_tokens")
    window = _last_said(tx, session, "window_tokens")
    # A load that says what was used says it of before the load: its own tokens came after.
    query = "SELECT tokens FROM context_load WHERE session = ? AND seq >= ?"
    since = _sum(tx.execute(query, [session, used[1] if used else 0]))
    return Usage(window[0] if window else None, used[0] if used else None, since.tokens)


def _last_said(tx: Transaction, session: str, column: str) -> Row | None:
    query = (
        f"SELECT {column}, seq FROM context_usage WHERE session = ? AND {column} IS NOT NULL ORDER BY seq DESC LIMIT 1"
    )
    rows = tx.execute(query, [session])
    return rows[0] if rows else None


def _sum(rows: Sequence[Row]) -> Sum:
    # Added up here: PostgreSQL's SUM of integers is a decimal.
    return Sum(len(rows), sum(tokens for (tokens,) in rows))
