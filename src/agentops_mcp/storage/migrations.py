"""Named migration sets: every owner of tables brings its own, and all share one database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from agentops_mcp import __version__
from agentops_mcp.core.errors import NewerSchemaError
from agentops_mcp.storage.database import Database, Dialect, Transaction

_TABLE = """
CREATE TABLE migration (
    owner TEXT NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (owner, position)
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a schema: a name that never changes, and the statements that make it.

    `full_text` are the statements that only one database understands.
    """

    name: str
    statements: tuple[str, ...]
    full_text: Mapping[Dialect, tuple[str, ...]] = field(default_factory=dict[Dialect, tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """The steps of one owner, oldest first; steps are only ever added at the end."""

    owner: str
    migrations: tuple[Migration, ...]


def pending(database: Database, tx: Transaction, sets: Sequence[MigrationSet]) -> list[MigrationSet]:
    """The sets that have steps this database lacks, each with only those steps.

    Raises:
        NewerSchemaError: the database has steps this version does not know.
    """
    applied: dict[str, list[str]] = {}
    if "migration" in database.tables(tx):
        for owner, name in tx.execute("SELECT owner, name FROM migration ORDER BY owner, position"):
            applied.setdefault(owner, []).append(name)
    known = {each.owner: [step.name for step in each.migrations] for each in sets}
    for owner, names in applied.items():
        if names != known.get(owner, [])[: len(names)]:
            raise NewerSchemaError(
                f"The database {database.place} was written by a newer version of agentops-mcp than {__version__}.",
                remedy="Upgrade agentops-mcp, or point AGENTOPS_DATA_DIR (AGENTOPS_DATABASE_URL) at another database.",
            )
    rest = (MigrationSet(each.owner, each.migrations[len(applied.get(each.owner, [])) :]) for each in sets)
    return [each for each in rest if each.migrations]


def is_new(database: Database, tx: Transaction) -> bool:
    """Whether nothing was ever stored here."""
    return "migration" not in database.tables(tx)


def apply(database: Database, tx: Transaction, sets: Sequence[MigrationSet], *, now: datetime) -> None:
    """Run the given steps and note each, inside the caller's transaction."""
    if is_new(database, tx):
        tx.execute(_TABLE)
    for each in sets:
        ((done,),) = tx.execute("SELECT COUNT(*) FROM migration WHERE owner = ?", [each.owner])
        for position, step in enumerate(each.migrations, start=done + 1):
            for statement in (*step.statements, *step.full_text.get(tx.dialect, ())):
                tx.execute(statement)
            note = [each.owner, position, step.name, __version__, now.isoformat()]
            tx.execute("INSERT INTO migration (owner, position, name, version, at) VALUES (?, ?, ?, ?, ?)", note)
