"""Bringing in what a project already knows: seen first, then written; a second time adds nothing."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentops_mcp.core.records import Actor
from agentops_mcp.core.redaction import redact_json
from agentops_mcp.factors.mining.rules.imports.history import parse_commit
from agentops_mcp.factors.mining.rules.imports.notes import Note
from agentops_mcp.factors.mining.rules.imports.texts import Parsed, Skipped
from agentops_mcp.factors.mining.service.import_detection import Asked, Source, sources_of
from agentops_mcp.factors.mining.service.import_documents import read_documents
from agentops_mcp.factors.mining.service.import_history import is_same_repository, read_history

MOST_NOTES = 20_000
"""Of one source."""
USUAL_NOTES = 2_000
"""Of one source, unless another limit is given."""

_BATCH = 200


class NoteSink(Protocol):
    """Where imported items are kept."""

    def digests(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The digest of what was imported before, by key."""
        ...

    def add(self, notes: Sequence[Note], *, actor: Actor) -> Sequence[str]:
        """Keep items, all or none; returns the kinds of secrets that were replaced."""
        ...


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do. `secrets` are the kinds that would be replaced; `unchanged` items are here already."""

    sources: tuple[Source, ...]
    new: tuple[Note, ...]
    changed: tuple[Note, ...]
    unchanged: int
    skipped: tuple[Skipped, ...]
    secrets: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many items would be written."""
        return len(self.new) + len(self.changed)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote, and the kinds of secrets that were replaced."""

    written: int
    secrets: tuple[str, ...]


class Importing:
    """Imports into one project, whose folder is `root`."""

    def __init__(self, sink: NoteSink, *, root: Path) -> None:
        self._sink = sink
        self._root = root

    def sources(self, kind: Asked = "auto", path: Path | None = None) -> tuple[Source, ...]:
        """What there is to import at a path, by default in the whole project.

        Raises:
            InvalidInputError: there is nothing of that kind.
        """
        return sources_of(kind, path, root=self._root)

    def plan(self, *sources: Source, since: str = "", limit: int = USUAL_NOTES) -> ImportPlan:
        """Read sources and say what is new. Nothing is written.

        `since` is an ISO date: items known to be older are left out. `limit` is the most items of each source, of
        git the newest.

        Raises:
            InvalidInputError: a source is not there.
            ConfigError: a folder cannot be read.
            GitError: git is missing or failed.
        """
        notes: dict[str, Note] = {}
        skipped: list[Skipped] = []
        for source in sources:
            found = self._read(source, since, min(limit, MOST_NOTES))
            skipped += found.skipped
            for note in found.notes:
                if notes.setdefault(note.key(), note) is not note:
                    skipped.append(Skipped(note.origin, "is there twice"))
        known = self._known(list(notes))
        new = [note for key, note in notes.items() if key not in known]
        changed = [note for key, note in notes.items() if key in known and known[key] != note.digest()]
        secrets = {kind for note in (*new, *changed) for kind in _secrets_in(note)}
        return ImportPlan(
            sources, tuple(new), tuple(changed), len(notes) - len(new) - len(changed), tuple(skipped),
            tuple(sorted(secrets)),
        )  # fmt: skip

    def apply(self, plan: ImportPlan, *, actor: Actor, progress: Callable[[int, int], None] | None = None) -> Imported:
        """Write what is new or changed, in batches that each are written whole; `progress` hears how many of all.

        What somebody else imported meanwhile is not written again.

        Raises:
            AgentOpsError: the sink could not write; the batches before are kept, and the next import goes on.
        """
        notes = (*plan.new, *plan.changed)
        secrets: set[str] = set()
        written = 0
        for start in range(0, len(notes), _BATCH):
            batch = notes[start : start + _BATCH]
            known = self._sink.digests([note.key() for note in batch])
            left = [note for note in batch if known.get(note.key()) != note.digest()]
            if left:
                secrets.update(self._sink.add(left, actor=actor))
            written += len(left)
            if progress:
                progress(start + len(batch), len(notes))
        return Imported(written, tuple(sorted(secrets)))

    def _known(self, keys: Sequence[str]) -> dict[str, str]:
        known: dict[str, str] = {}
        for start in range(0, len(keys), _BATCH):
            known |= self._sink.digests(keys[start : start + _BATCH])
        return known

    def _read(self, source: Source, since: str, limit: int) -> Parsed:
        """The items of one source, as far as they are wanted."""
        notes: list[Note] = []
        skipped: list[Skipped] = []
        silent: Counter[str] = Counter()
        older = beyond = 0
        for parsed in self._parsed(source):
            if source.kind == "git":
                silent.update(each.reason for each in parsed.skipped)
            else:
                skipped += parsed.skipped
            recent = [note for note in parsed.notes if not (since and note.at and note.at < since)]
            older += len(parsed.notes) - len(recent)
            room = limit - len(notes)
            notes += recent[:room]
            beyond += len(recent[room:])
        skipped += [Skipped(_counted(count, "commit"), reason) for reason, count in silent.most_common()]
        skipped += [Skipped(_counted(older, f"{source.kind} item"), f"older than {since}")] if older else []
        skipped += [Skipped(_counted(beyond, f"{source.kind} item"), f"beyond the first {limit:,}")] if beyond else []
        return Parsed(tuple(notes), tuple(skipped))

    def _parsed(self, source: Source) -> Iterator[Parsed]:
        if source.kind != "git":
            yield from read_documents(source.kind, source.path, root=self._root)
            return
        # Another repository's paths name nothing here.
        is_own = is_same_repository(source.path, self._root)
        for commit in read_history(source.path):
            yield parse_commit(commit.oid, commit.at, commit.message, commit.files if is_own else ())


def _secrets_in(note: Note) -> tuple[str, ...]:
    """The kinds of secrets that are replaced when an item is written."""
    body = {
        "origin": note.origin, "title": note.title, "text": note.text, "tags": list(note.tags),
        "files": list(note.files),
    }  # fmt: skip
    return redact_json(body).found


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
