"""Steps of factor II: what is known of each file, worked out once and kept by the id of its content."""

import json
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from agentops_mcp.factors.context.rules import facts as fact_rules
from agentops_mcp.factors.context.rules import passed_over
from agentops_mcp.factors.context.rules.corpus import Corpus
from agentops_mcp.factors.context.rules.facts import FileFacts
from agentops_mcp.factors.context.rules.units.cut import Unit, cut
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.source_tree import SourceFile, SourceTree

_UNITS = "units-1"
_REASON = b"\xff\xff\xff\xff"  # no file has so many terms
_STEP_FILES = 200
_MOST_TERMS = 12_000_000
"""Terms of one listing held in memory: 100 MB, about 60 MB of source."""

_KEPT_FACTS, _KEPT_UNITS, _KEPT_TEXTS_BYTES = 2_000, 2_000, 24 << 20

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
        self._corpora: Recent[tuple[tuple[str, str, bool], ...], Indexed] = Recent(2)
        self._facts: Recent[str, FileFacts] = Recent(_KEPT_FACTS)
        self._units: Recent[str, tuple[Unit, ...]] = Recent(_KEPT_UNITS)
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

    def close(self) -> None:
        """Release the file that facts are kept in."""
        self._cache.close()

    def facts(self, files: Sequence[SourceFile]) -> list[FileFacts]:
        """The facts of files that are indexed."""
        missing = [file for file in files if self._facts.get(_key(file)) is None]
        for file, facts in self._looked_at(missing):
            if not isinstance(facts, str):
                self._facts.put(_key(file), facts)
        return [self._facts.get(_key(file)) or _NO_FACTS for file in files]

    def units(self, files: Sequence[SourceFile]) -> list[tuple[Unit, ...]]:
        """The units of files, cut now where that was not done before."""
        found: dict[str, tuple[Unit, ...]] = {}
        for file in files:
            if (units := self._units.get(_key(file))) is not None:
                found[_key(file)] = units
        stored = self._cache.get(_UNITS, [_key(file) for file in files if _key(file) not in found])
        for key, value in stored.items():
            if (units := _units_from(value)) is not None:
                found[key] = units
        missing = [file for file in files if _key(file) not in found]
        fresh = {_key(file): cut(file.path, text) for file, text in self.texts(missing)}
        if fresh:
            self._cache.put(_UNITS, [(key, _units_as_bytes(units)) for key, units in fresh.items()])
        found.update(fresh)
        for key, units in found.items():
            self._units.put(key, units)
        return [found.get(_key(file), ()) for file in files]

    def texts(self, files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, bytes]]:
        """The text of each file that can be read, as UTF-8."""
        held = {file.path: text for file in files if (text := self._texts.get(_key(file))) is not None}
        missing = [file for file in files if file.path not in held]
        read = self._tree.read(missing, limit_bytes=passed_over.LARGEST_BYTES)
        for file, (now, content) in zip(missing, read, strict=True):
            if content is not None and now.oid == file.oid:  # what was edited meanwhile has other lines by now
                held[file.path] = _as_utf8(content)
                self._texts.put(_key(file), held[file.path])
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
        for step in _steps(files, 10 * _STEP_FILES):
            stored = self._cache.get(fact_rules.FORMAT, [_key(file) for file in step])
            for file in step:
                facts = _facts_from(stored.get(_key(file)))
                if facts is None:
                    new.append(file)
                else:
                    yield file, facts
        if first is not None and deadline is not None:
            new.sort(key=first)
        for step in _steps(new, _STEP_FILES):
            if deadline is not None and time.monotonic() > deadline:
                return
            yield from self._read(step)

    def _read(self, files: Sequence[SourceFile]) -> Iterator[tuple[SourceFile, FileFacts | str]]:
        done: list[tuple[SourceFile, str]] = []
        texts: list[tuple[SourceFile, bytes]] = []
        for file, content in self._tree.read(files, limit_bytes=passed_over.LARGEST_BYTES):
            if content is None:
                yield file, "unreadable"
            elif reason := passed_over.by_content(file.path, content):
                done.append((file, reason))
            else:
                texts.append((file, _as_utf8(content)))
        yield from done
        rows = [(_key(file), _REASON + reason.encode()) for file, reason in done]
        for (file, _), facts in zip(texts, fact_rules.read_facts([text for _, text in texts]), strict=True):
            rows.append((_key(file), fact_rules.encode(facts)))
            yield file, facts
        self._cache.put(fact_rules.FORMAT, rows)


def _key(file: SourceFile) -> str:
    """What facts are kept by: the content, and the ending of the name, which says how to read it."""
    name = file.path.rpartition("/")[2]
    return f"{file.oid}{name[name.rfind('.') :].lower() if '.' in name else '/' + name}"


def _as_utf8(content: bytes) -> bytes:
    return content if _is_utf8(content) else passed_over.decode(content).encode("utf-8", "replace")


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not content.startswith(b"\xef\xbb\xbf")


def _steps(files: Sequence[SourceFile], size: int) -> Iterator[Sequence[SourceFile]]:
    return (files[start : start + size] for start in range(0, len(files), size))


def _facts_from(stored: bytes | None) -> FileFacts | str | None:
    if stored is None:
        return None
    if stored.startswith(_REASON):
        return stored[len(_REASON) :].decode()
    try:
        return fact_rules.decode(stored)
    except ValueError:
        return None


def _units_as_bytes(units: Iterable[Unit]) -> bytes:
    rows = [[unit.start, unit.end, unit.body, unit.kind, unit.name, unit.parent] for unit in units]
    return json.dumps(rows, separators=(",", ":")).encode()


def _units_from(stored: bytes) -> tuple[Unit, ...] | None:
    try:
        return tuple(Unit(*row) for row in json.loads(stored))
    except (ValueError, TypeError):
        return None


_NO_FACTS = next(fact_rules.read_facts([b""]))
