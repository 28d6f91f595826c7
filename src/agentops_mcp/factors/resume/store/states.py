"""Rows of factor VI: the tree of states, which of them are its tips, and the words their goals are found by."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar, cast, get_args

from agentops_mcp.core.documents import CitedFile, Document
from agentops_mcp.core.errors import IntegrityError, NewerSchemaError
from agentops_mcp.core.ids import is_oid
from agentops_mcp.core.records import Event, Json, digest
from agentops_mcp.factors.resume.rules.bundle import PHASES, Bundle, Decision, Parameter
from agentops_mcp.factors.resume.rules.chain import DirtyFile, Kept, Place, Saved
from agentops_mcp.factors.resume.rules.goals import goal_words
from agentops_mcp.factors.resume.rules.verdicts import Found
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
    """What the ledger keeps of a state, beside what every event has; what is empty is left out."""
    bundle = asdict(saved.bundle)
    for parameter, stored in zip(saved.bundle.parameters, bundle["parameters"], strict=True):
        stored["found"] = saved.found.get(parameter.name)
    body = {
        "format": FORMAT,
        **bundle,
        "parent": saved.parent,
        "mission": saved.mission,
        "tokens": saved.tokens,
        "git": asdict(saved.place),
        "files": dict(saved.files),
        "missing": [path for path, blob in saved.files.items() if blob is None],
        "links": dict(saved.links),
        "commits": dict(saved.commits),
        "uncommitted": asdict(saved.kept) if saved.kept.total else None,
    }
    return _without_empty(body)


def _without_empty(document: Any) -> Any:
    if isinstance(document, dict):
        items = ((key, _without_empty(value)) for key, value in cast("dict[str, Any]", document).items())
        return {key: value for key, value in items if value not in (None, "", [], {})}
    if isinstance(document, list | tuple):
        return [_without_empty(value) for value in cast("list[Any]", document)]
    return document


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


def document(event: Event) -> Document:
    """A state as search sees it: it takes the place of the one it goes on from.

    Raises:
        IntegrityError: the event's body is not that of a state this version reads.
    """
    try:
        saved = saved_of(event)
    except NewerSchemaError as error:
        raise IntegrityError(error.problem, remedy=error.remedy) from error
    bundle = saved.bundle
    decisions = [f"{each.choice}: {each.why}" for each in bundle.decisions]
    lines = (bundle.did, *decisions, *bundle.findings, *bundle.next_steps, *bundle.blockers, *bundle.open_questions)
    return Document(
        ref=f"state/{event.id}", kind="state", title=bundle.goal, text="\n".join(line for line in lines if line),
        files=tuple(CitedFile(path, blob) for path, blob in saved.files.items()), head=saved.place.head,
        replaces=f"state/{saved.parent}" if saved.parent else None,
    )  # fmt: skip


def _saved(event: Event, body: Json) -> Saved:
    parameters, git, kept = body.get("parameters", []), body.get("git", {}), body.get("uncommitted", {})
    bundle = Bundle(
        goal=_text(body["goal"]),
        phase=PHASES[PHASES.index(body["phase"])],
        did=_text(body.get("did", "")),
        decisions=tuple(
            Decision(_text(each["choice"]), _text(each["why"]), _text(each.get("rejected", "")))
            for each in body.get("decisions", [])
        ),
        parameters=tuple(
            Parameter(_text(each["name"]), _text(each["value"]), _text(each.get("file", ""))) for each in parameters
        ),
        findings=_lines(body, "findings"),
        next_steps=_lines(body, "next_steps"),
        open_questions=_lines(body, "open_questions"),
        blockers=_lines(body, "blockers"),
        key_files=_lines(body, "key_files"),
        confidence=_optional(body.get("confidence"), int),
    )
    files: dict[str, str | None] = {_text(path): _oid(blob) for path, blob in body.get("files", {}).items()}
    return Saved(
        id=event.id, at=event.at, client=event.actor["client"], user=event.actor["user"], session=event.session,
        parent=_optional(body.get("parent"), str), mission=_optional(body.get("mission"), str),
        tokens=int(body["tokens"]), bundle=bundle,
        place=Place(
            _optional(git.get("branch"), str), _oid(git.get("head")), _optional(git.get("dirty"), bool),
            _optional(git.get("operation"), str),
        ),
        files=files | dict.fromkeys(_lines(body, "missing")),
        links={_text(link): _text(target) for link, target in body.get("links", {}).items()},
        commits={_text(commit): bool(reachable) for commit, reachable in body.get("commits", {}).items()},
        found={_text(each["name"]): _FOUND[each["found"]] for each in parameters if "found" in each},
        kept=Kept(
            int(kept.get("total", 0)),
            tuple(
                DirtyFile(_text(each["path"]), _text(each["status"]), _optional(each.get("blob"), str))
                for each in kept.get("files", [])
            ),
            _oid(kept.get("commit")),
            int(kept.get("left_out", 0)),
        ),
    )  # fmt: skip


Kind = TypeVar("Kind", str, int, bool)


def _optional(value: object, kind: type[Kind]) -> Kind | None:
    if value is not None and not isinstance(value, kind):
        raise TypeError("another type was expected")
    return value


_FOUND: dict[str, Found] = {each: each for each in get_args(Found)}


def _oid(value: object) -> str | None:
    oid = _optional(value, str)
    if oid is not None and not is_oid(oid):
        raise TypeError("an object id was expected")
    return oid


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text was expected")
    return value


def _lines(body: Json, part: str) -> tuple[str, ...]:
    return tuple(_text(line) for line in body.get(part, []))


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
