"""Steps of factor II: what is known of each file, worked out once and kept by the id of its content."""

import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agentops_mcp.factors.context.rules import facts as fact_rules
from agentops_mcp.factors.context.rules import passed_over
from agentops_mcp.factors.context.rules.corpus import Corpus
from agentops_mcp.factors.context.rules.facts import FileFacts
from agentops_mcp.factors.context.rules.layout import Shape, shape_of
from agentops_mcp.factors.context.rules.units.cut import Unit, cut
from agentops_mcp.factors.context.service.reading import as_utf8, key_of, read_facts, stored_facts
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.source_tree import SourceFile, SourceTree

_UNITS = "units-1"
_STEP_FILES = 2_000
_MOST_TERMS = 10_000_000
"""Terms of one listing held in memory: 80 MB, about 50 MB of source."""

_KEPT_FACTS, _KEPT_UNITS, _KEPT_TEXTS_BYTES, _KEPT_CORPORA_BYTES = 2_000, 2_000, 24 << 20, 64 << 20

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class Recent(Generic[KeyT, ValueT]):
    """The values used last, up to a total size. Safe to share between threads."""

    def __init__(self, limit: int, *, size: Callable[[ValueT], int] = lambda _: 1) -> None:
        self._limit, self._size, self._total = limit, size, 0
        self._lock = threading.Lock()
        self._values: OrderedDict[KeyT, ValueT] = OrderedDict()

    def get(self, key: KeyT) -> ValueT | None:
        """A value that is still there."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: KeyT, value: ValueT) -> None:
        """Keep a value; those used longest ago make room."""
        with self._lock:
            if key in self._values:
                self._total -= self._size(self._values.pop(key))
            self._total += self._size(value)
            self._values[key] = value
            while self._total > self._limit and len(self._values) > 1:
                self._total -= self._size(self._values.popitem(last=False)[1])

    def drop(self, key: KeyT) -> None:
        """Forget a value."""
        with self._lock:
            if key in self._values:
                self._total -= self._size(self._values.pop(key))


@dataclass(frozen=True, slots=True)
class Indexed:
    """The files of a listing that can be searched, and what became of the others.

    `pending` are not looked at yet; `beyond` are more than is held in memory.
    """

    files: tuple[SourceFile, ...]
    corpus: Corpus
    passed_over: Mapping[str, int]
    pending: int
    beyond: int


class Index:
    """Facts and units of files. Safe to share between threads."""

    def __init__(self, tree: SourceTree, cache: BlobFacts) -> None:
        self._tree = tree
        self._cache = cache
        self._corpora: Recent[tuple[tuple[str, str, bool], ...], Indexed] = Recent(
            _KEPT_CORPORA_BYTES, size=lambda indexed: indexed.corpus.size_bytes
        )
        self._facts: Recent[str, FileFacts] = Recent(_KEPT_FACTS)
        self._units: Recent[str, tuple[Unit, ...]] = Recent(_KEPT_UNITS)
        self._shapes: Recent[str, Shape] = Recent(_KEPT_UNITS)
        self._texts: Recent[str, bytes] = Recent(_KEPT_TEXTS_BYTES, size=len)
        self._reasons: dict[str, str | None] = {}

    def of(
        self,
        files: Sequence[SourceFile],
        *,
        first: Callable[[SourceFile], Any] | None = None,
        deadline: float | None = None,
    ) -> Indexed:
        """Everything searchable of these files; the least by `first` are read first, until the deadline."""
        usable, counts = self._by_path(files)
        key = tuple((file.path, file.oid, file.in_worktree) for file in usable)
        known = self._corpora.get(key)
        if known is not None and not known.pending:
            return known
        del known  # what is partial makes room for the whole
        self._corpora.drop(key)
        found: dict[str, tuple[SourceFile, FileFacts]] = {}
        terms = beyond = 0
        pending = len(usable)
        for file, facts in self._looked_at(usable, first, deadline):
            pending -= 1
            if isinstance(facts, str):
                counts[facts] += 1
            elif terms + len(facts.hashes) > _MOST_TERMS:
                beyond += 1
            else:
                terms += len(facts.hashes)
                found[file.path] = file, facts
        in_order = [found[path] for path in sorted(found)]
        corpus = Corpus([file.path for file, _ in in_order], [facts for _, facts in in_order])
        indexed = Indexed(tuple(file for file, _ in in_order), corpus, counts, pending, beyond)
        self._corpora.put(key, indexed)
        return indexed

    def usable(self, files: Sequence[SourceFile]) -> list[SourceFile]:
        """Those that are not passed over by their path or size."""
        return self._by_path(files)[0]

    def reason_against(self, file: SourceFile) -> str | None:
        """Why a file may not be shown, if it may not."""
        usable, reasons = self._by_path([file])
        if not usable:
            return next(iter(reasons))
        found = next((facts for _, facts in self._looked_at(usable)), "unreadable")
        return found if isinstance(found, str) else None

    def close(self) -> None:
        """Release the file that facts are kept in."""
        self._cache.close()

    def facts(self, files: Sequence[SourceFile]) -> list[FileFacts]:
        """The facts of files that are indexed."""
        missing = [file for file in files if self._facts.get(key_of(file)) is None]
        for file, facts in self._looked_at(missing):
            if not isinstance(facts, str):
                self._facts.put(key_of(file), facts)
        return [self._facts.get(key_of(file)) or _NO_FACTS for file in files]

    def units(self, files: Sequence[SourceFile]) -> list[tuple[Unit, ...]]:
        """The units of files, cut now where that was not done before."""
        found: dict[str, tuple[Unit, ...]] = {}
        for file in files:
            if (units := self._units.get(key_of(file))) is not None:
                found[key_of(file)] = units
        stored = self._cache.get(_UNITS, [key_of(file) for file in files if key_of(file) not in found])
        for key, value in stored.items():
            if (units := _units_from(value)) is not None:
                found[key] = units
        missing = [file for file in files if key_of(file) not in found]
        fresh = {key_of(file): cut(file.path, text) for file, text in self.texts(missing)}
        if fresh:
            self._cache.put(_UNITS, [(key, _units_as_bytes(units)) for key, units in fresh.items()])
        found.update(fresh)
        for key, units in found.items():
            self._units.put(key, units)
        return [found.get(key_of(file), ()) for file in files]

    def shapes(self, files: Sequence[SourceFile]) -> list[Shape]:
        """The shapes of files that are indexed."""
        found = [self._shapes.get(key_of(file)) for file in files]
        missing = [file for file, shape in zip(files, found, strict=True) if shape is None]
        fresh = map(shape_of, self.units(missing), self.facts(missing))
        for file, shape in zip(missing, fresh, strict=True):
            self._shapes.put(key_of(file), shape)
        return [self._shapes.get(key_of(file)) or _NO_SHAPE for file in files]

    def texts(self, files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, bytes]]:
        """The text of each file that can be read, as UTF-8."""
        held = {file.path: text for file in files if (text := self._texts.get(key_of(file))) is not None}
        missing = [file for file in files if file.path not in held]
        read = self._tree.read(missing, limit_bytes=passed_over.LARGEST_BYTES)
        for file, (now, content) in zip(missing, read, strict=True):
            if content is not None and now.oid == file.oid:  # what was edited meanwhile has other lines by now
                held[file.path] = as_utf8(content)
                self._texts.put(key_of(file), held[file.path])
        yield from ((file, held[file.path]) for file in files if file.path in held)

    def _by_path(self, files: Sequence[SourceFile]) -> tuple[list[SourceFile], Counter[str]]:
        usable: list[SourceFile] = []
        counts: Counter[str] = Counter()
        for file in files:
            if file.path not in self._reasons:
                self._reasons[file.path] = passed_over.by_path(file.path)
            reason = self._reasons[file.path]
            if reason is None and file.size_bytes > passed_over.LARGEST_BYTES:
                reason = "too large"
            if reason is None:
                usable.append(file)
            else:
                counts[reason] += 1
        return usable, counts

    def _looked_at(
        self,
        files: Sequence[SourceFile],
        first: Callable[[SourceFile], Any] | None = None,
        deadline: float | None = None,
    ) -> Iterator[tuple[SourceFile, FileFacts | str]]:
        """The facts of each file, or why it is passed over: first of those that are known, then of the others."""
        new: list[SourceFile] = []
        for step in _steps(files, _STEP_FILES):
            stored = self._cache.get(fact_rules.FORMAT, [key_of(file) for file in step])
            for file in step:
                facts = stored_facts(stored.get(key_of(file)))
                if facts is None:
                    new.append(file)
                else:
                    yield file, facts
        if first is not None and deadline is not None:
            new.sort(key=first)
        yield from read_facts(self._tree, self._cache, new, deadline=deadline)


def _steps(files: Sequence[SourceFile], size: int) -> Iterator[Sequence[SourceFile]]:
    return (files[start : start + size] for start in range(0, len(files), size))


def _units_as_bytes(units: Iterable[Unit]) -> bytes:
    rows = [[unit.start, unit.end, unit.body, unit.kind, unit.name, unit.parent] for unit in units]
    return json.dumps(rows, separators=(",", ":")).encode()


def _units_from(stored: bytes) -> tuple[Unit, ...] | None:
    try:
        return tuple(Unit(*row) for row in json.loads(stored))
    except (ValueError, TypeError):
        return None


_NO_FACTS = next(fact_rules.read_facts([b""]))
_NO_SHAPE = shape_of((), _NO_FACTS)
