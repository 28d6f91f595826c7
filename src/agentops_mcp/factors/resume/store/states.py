"""Rows of factor VI: the tree of states, which of them are its tips, and the words their goals are found by."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, cast

from agentops_mcp.core.errors import IntegrityError, NewerSchemaError
from agentops_mcp.core.records import Event, Json, digest
from agentops_mcp.factors.resume.rules.bundle import PHASES, Bundle, Decision, Parameter
from agentops_mcp.factors.resume.rules.chain import DirtyFile, Kept, Place, Saved
from agentops_mcp.factors.resume.rules.goals import goal_words
from agentops_mcp.storage.database import Transaction
from agentops_mcp.storage.ledger import EVENT_COLUMNS, View, read_event
from agentops_mcp.storage.migrations import Migration, MigrationSet

SAVED = "state.saved"
FORMAT = 1

_MOST_POSTINGS = 1_000
_CANDIDATES = 200

_SCHEMA = MigrationSet(
    "state",
    (
        Migration(
            "states and the words of their goals",
            (
                """
                CREATE TABLE state (
                    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, parent TEXT, session TEXT, goal INTEGER NOT NULL,
                    open INTEGER NOT NULL, leaf INTEGER NOT NULL
                )
                """,
                "CREATE INDEX state_by_parent ON state (parent)",
                "CREATE INDEX state_by_session ON state (session, seq)",
                # Partial: of a long chain only its tip is in them.
                "CREATE INDEX state_open_tip ON state (id) WHERE leaf = 1 AND open = 1",
                "CREATE INDEX state_tip_by_goal ON state (goal, open, id) WHERE leaf = 1",
                "CREATE TABLE goal (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE)",
                "CREATE TABLE goal_word (word TEXT NOT NULL, goal INTEGER NOT NULL, PRIMARY KEY (word, goal))",
            ),
        ),
    ),
)


def body_of(saved: Saved) -> Json:
    """What the ledger keeps of a state, beside what every event has."""
    bundle = asdict(saved.bundle)
    for parameter, stored in zip(saved.bundle.parameters, bundle["parameters"], strict=True):
        stored["found"] = saved.found.get(parameter.name)
    return {
        "format": FORMAT,
        **bundle,
        "parent": saved.parent,
        "mission": saved.mission,
        "tokens": saved.tokens,
        "git": asdict(saved.place),
        "files": dict(saved.files),
        "links": dict(saved.links),
        "commits": dict(saved.commits),
        "uncommitted": asdict(saved.kept),
    }


def saved_of(event: Event) -> Saved:
    """The state an event saved.

    Raises:
        NewerSchemaError: a newer version wrote it.
        IntegrityError: it does not match its hash, or its body is not that of a state.
    """
    version = event.body.get("format")
    if isinstance(version, int) and version > FORMAT:
        raise NewerSchemaError(
            f"State {event.id} was written by a newer version (format {version}; this one reads {FORMAT}).",
            remedy="Update agentops-mcp; every other state stays readable.",
        )
    if digest(event) != event.hash:
        raise IntegrityError(
            f"State {event.id} does not match its hash: it was changed or damaged.",
            remedy="Resume its parent or another state (agentops://states); `agentops-mcp verify` shows every damage.",
        )
    try:
        return _saved(event, event.body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise IntegrityError(
            f"State {event.id} is not readable: its body is not that of a state.",
            remedy="`agentops-mcp show` prints it as it is; ask whoever made it which version wrote it.",
        ) from error


def _saved(event: Event, body: Json) -> Saved:
    bundle = Bundle(
        goal=_text(body["goal"]),
        phase=PHASES[PHASES.index(body["phase"])],
        did=_text(body["did"]),
        decisions=tuple(Decision(**_texts(each, ("choice", "why", "rejected"))) for each in body["decisions"]),
        parameters=tuple(Parameter(**_texts(each, ("name", "value", "file"))) for each in body["parameters"]),
        findings=_lines(body["findings"]),
        next_steps=_lines(body["next_steps"]),
        open_questions=_lines(body["open_questions"]),
        blockers=_lines(body["blockers"]),
        key_files=_lines(body["key_files"]),
        confidence=None if body["confidence"] is None else int(body["confidence"]),
    )
    git, kept = body["git"], body["uncommitted"]
    return Saved(
        id=event.id, at=event.at, client=event.actor["client"], user=event.actor["user"], session=event.session,
        parent=_optional(body["parent"]), mission=_optional(body["mission"]), tokens=int(body["tokens"]),
        bundle=bundle,
        place=Place(_optional(git["branch"]), _optional(git["head"]), git["dirty"], _optional(git["operation"])),
        files={_text(path): _optional(blob) for path, blob in body["files"].items()},
        links={_text(link): _text(target) for link, target in body["links"].items()},
        commits={_text(commit): bool(reachable) for commit, reachable in body["commits"].items()},
        found={_text(each["name"]): each["found"] for each in body["parameters"] if each["found"] is not None},
        kept=Kept(
            int(kept["total"]),
            tuple(
                DirtyFile(_text(each["path"]), _text(each["status"]), _optional(each["blob"])) for each in kept["files"]
            ),
            _optional(kept["commit"]),
            int(kept["left_out"]),
        ),
    )  # fmt: skip


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def _optional(value: object) -> str | None:
    return None if value is None else _text(value)


def _lines(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(_text(value) for value in values)


def _texts(values: object, names: Sequence[str]) -> dict[str, str]:
    return {name: _text(cast("dict[str, Any]", values)[name]) for name in names}


def _apply(tx: Transaction, seq: int, event: Event) -> None:
    try:
        saved = saved_of(event)
    except NewerSchemaError as error:
        raise IntegrityError(error.problem, remedy=error.remedy) from error
    goal = _goal(tx, saved.bundle.goal, seq)
    # A parent may arrive after its child when clones are united.
    leaf = not tx.execute("SELECT 1 FROM state WHERE parent = ? LIMIT 1", [saved.id])
    tx.execute(
        "INSERT INTO state (seq, id, parent, session, goal, open, leaf) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [seq, saved.id, saved.parent, saved.session, goal, int(saved.bundle.phase != "done"), int(leaf)],
    )
    if saved.parent is not None:
        tx.execute("UPDATE state SET leaf = 0 WHERE seq IN (SELECT seq FROM event WHERE id = ?)", [saved.parent])


def _goal(tx: Transaction, text: str, seq: int) -> int:
    """The number of a goal: that of the first state which had it."""
    key = hashlib.sha256(text.casefold().encode()).hexdigest()[:32]
    known = tx.execute("SELECT seq FROM goal WHERE hash = ?", [key])
    if known:
        return known[0][0]
    tx.execute("INSERT INTO goal (seq, hash) VALUES (?, ?)", [seq, key])
    if words := sorted(goal_words(text)):
        tx.execute_many("INSERT INTO goal_word (word, goal) VALUES (?, ?)", [(word, seq) for word in words])
    return seq


VIEW = View(schema=_SCHEMA, tables=("state", "goal", "goal_word"), kinds=frozenset({SAVED}), apply=_apply)


@dataclass(frozen=True, slots=True)
class StateRow:
    """A state's place in the tree."""

    seq: int
    id: str
    parent: str | None
    leaf: bool


def open_tips(tx: Transaction, *, limit: int) -> list[str]:
    """The newest states that nothing continues and that are not done, newest first."""
    rows = tx.execute("SELECT id FROM state WHERE leaf = 1 AND open = 1 ORDER BY id DESC LIMIT ?", [limit])
    return [identifier for (identifier,) in rows]


def last_in_session(tx: Transaction, session: str) -> str | None:
    """The state a session saved last."""
    rows = tx.execute("SELECT id FROM state WHERE session = ? ORDER BY seq DESC LIMIT 1", [session])
    return rows[0][0] if rows else None


def children(tx: Transaction, parent: str, *, limit: int) -> list[str]:
    """The states that continue another, oldest first."""
    rows = tx.execute("SELECT id FROM state WHERE parent = ? ORDER BY id LIMIT ?", [parent, limit])
    return [identifier for (identifier,) in rows]


def newest(tx: Transaction, *, limit: int) -> list[tuple[StateRow, Event]]:
    """The newest states of all branches, newest first."""
    columns = ", ".join(f"e.{column.strip()}" for column in EVENT_COLUMNS.split(","))
    query = (
        f"SELECT s.seq, s.parent, s.leaf, {columns} FROM state s JOIN event e ON e.seq = s.seq "
        "ORDER BY s.seq DESC LIMIT ?"
    )
    rows = tx.execute(query, [limit])
    return [(StateRow(row[0], row[3], row[1], bool(row[2])), read_event(row[3:])) for row in rows]


def with_prefix(tx: Transaction, prefix: str, *, limit: int) -> list[str]:
    """States whose id begins with `prefix`, oldest first."""
    query = "SELECT id FROM state WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT ?"
    return [identifier for (identifier,) in tx.execute(query, [len(prefix), prefix, limit])]


def find_by_goal(tx: Transaction, words: Sequence[str]) -> str | None:
    """The newest tip, unfinished ones first, of the goal that has most of these words; rare words weigh more."""
    counts = {word: _count(tx, word) for word in words}
    known = sorted((word for word in counts if counts[word]), key=lambda word: (counts[word], word))
    if not known:
        return None
    candidates: dict[int, float] = {}
    for word in known:
        rows = tx.execute(
            "SELECT goal FROM goal_word WHERE word = ? ORDER BY goal DESC LIMIT ?",
            [word, _CANDIDATES - len(candidates)],
        )
        candidates |= {goal: 0.0 for (goal,) in rows}
    marks = ", ".join("?" for _ in candidates)
    for word in known:
        rows = tx.execute(f"SELECT goal FROM goal_word WHERE word = ? AND goal IN ({marks})", [word, *candidates])
        for (goal,) in rows:
            candidates[goal] += 1 / counts[word]
    for goal in sorted(candidates, key=lambda each: (-candidates[each], -each)):
        tip = "SELECT id FROM state WHERE goal = ? AND leaf = 1 ORDER BY open DESC, id DESC LIMIT 1"
        if rows := tx.execute(tip, [goal]):
            return rows[0][0]
    return None


def _count(tx: Transaction, word: str) -> int:
    """How many goals have a word, counted no further than it takes to know that it is common."""
    counted = f"SELECT COUNT(*) FROM (SELECT 1 FROM goal_word WHERE word = ? LIMIT {_MOST_POSTINGS}) AS w"
    return tx.execute(counted, [word])[0][0]
