"""The vector index of a project on this machine: Chroma keeps it, memory answers from it.

A view of the ledger that may break or vanish at any time, which costs a rebuild and nothing else. Chroma is opened only
to write a batch and to read everything once per process, each time under the lock of the operating system: two
processes inside one store damage it, a reader beside a writer fails, and its own search finds 70 to 97 of 100 true
neighbours where comparing with every row finds all, as fast, with any choice of documents. What other processes add
later is read from the rows they leave beside the store.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.vectors_chroma import (
    ChromaMissingError,
    ChromaStore,
    StoreBlockedError,
    StoreDamagedError,
    chroma,
)
from agentops_mcp.storage.vectors_files import Position, State, VectorFiles
from agentops_mcp.storage.vectors_memory import VectorsInMemory
from agentops_mcp.storage.vectors_values import (
    Neighbour,
    VectorsUnavailableError,
    unit_query,
    unit_rows,
    unless_another_is,
)

if TYPE_CHECKING:
    from agentops_mcp.storage.vectors_values import Vector

_T = TypeVar("_T")

_READ_WAIT_S = 0.3
_WRITE_WAIT_S = 10.0
_FRESH_STARTS = 5
_FRESH_STARTS_WITHIN_S = 600.0
"""No more often does one process begin a damaged index anew; a disk that damages it each time is not worth more."""

_RACES = 5
_REBUILD = "Nothing is lost: the index is filled again from the ledger."


class VectorIndex:
    """Vectors of one model by document id. Safe to share between threads and processes.

    `directory` is made when needed and everything in it may be deleted at any time; the locks are beside it, so that
    they outlive it. `model` names what made the vectors: for another model or dimension the index starts from nothing.
    """

    def __init__(self, directory: Path, *, model: str, dimension: int) -> None:
        self._directory = directory
        self._dimension = dimension
        self._files = VectorFiles(directory, model=model, dimension=dimension)
        self._mutex = Lock()
        self._memory = VectorsInMemory(dimension)
        self._read_to: Position | None = None
        self._fresh_starts: list[float] = []
        self._no_chroma: ChromaMissingError | None = None

    def nearest(self, vector: "Vector", *, limit: int, among: Sequence[str] | None = None) -> list[Neighbour]:
        """The `limit` nearest documents, nearest first; of those in `among` only, if it is given.

        The first call of a process reads the whole index, which takes about 4 s for 100,000 documents.

        Raises:
            VectorsUnavailableError: the index can not be read now.
            InvalidInputError: the vector has another dimension or is not finite.
        """
        query = unit_query(vector, self._dimension)
        with self._up_to_date() as memory:
            return memory.nearest(query, limit, among)

    def cosines(self, vector: "Vector", ids: Sequence[str]) -> dict[str, float]:
        """How near each of these documents is; those without a vector are left out.

        Raises:
            VectorsUnavailableError: the index can not be read now.
            InvalidInputError: the vector has another dimension or is not finite.
        """
        query = unit_query(vector, self._dimension)
        with self._up_to_date() as memory:
            return memory.cosines(query, ids)

    def cursor(self) -> int:
        """The number in the ledger up to which documents are in; 0 when the index is new, gone or damaged.

        Raises:
            VectorsUnavailableError: the directory can not be read.
        """
        with _in_words():
            for _ in range(_RACES):
                state = self._files.state()
                if state is None:
                    return 0
                if state.busy or self._files.is_intact(state):
                    return state.through
                if self._files.state() == state:  # else it was written to in between
                    return 0
        return 0

    def add(self, rows: Sequence[tuple[str, "Vector"]], *, after: int, through: int) -> int:
        """Keep vectors by id, in place of earlier ones, and return the cursor as it is now.

        `after` is the cursor that these rows continue, `through` the one they reach. When the index has begun anew in
        the meantime its cursor stays behind `after`, and the caller goes on from there.

        Raises:
            VectorsUnavailableError: the index can not be written now.
            InvalidInputError: a vector has another dimension, is not finite or is not of length one.
        """
        checked = unit_rows(rows, self._dimension)
        with _in_words(), self._alone(_WRITE_WAIT_S):
            state = self._usable() or self._close(self._files.begin_anew())
            try:
                return self._write(state, checked, after, through).through
            except StoreDamagedError as error:
                return self._begin_anew(error).through

    @contextmanager
    def indexing(self) -> Generator[bool]:
        """Whether the caller is the one process that indexes, for as long as the block lasts.

        Raises:
            VectorsUnavailableError: the lock can not be made.
        """
        with unless_another_is(self._beside("indexing.lock")) as mine:
            yield mine

    def close(self) -> None:
        """Free the memory; the next question reads the index again."""
        with self._mutex:
            self._memory = VectorsInMemory(self._dimension)
            self._read_to = None

    @contextmanager
    def _up_to_date(self) -> Generator[VectorsInMemory]:
        if not self._mutex.acquire(timeout=_READ_WAIT_S):
            raise _unavailable("the vectors are still being read", "Search again in a few seconds.")
        try:
            try:
                with _in_words():
                    self._refresh()
            except VectorsUnavailableError:
                if self._read_to is None:
                    raise  # else what was read earlier still answers
            yield self._memory
        finally:
            self._mutex.release()

    def _refresh(self) -> None:
        state = self._files.state()
        if state is None:
            return  # nothing is stored: what is in memory, if anything, is not contradicted
        here = Position(state.build, state.part, state.length)
        if self._read_to == here:
            return
        rows = None if self._read_to is None else self._files.recent(state, self._read_to)
        if rows is None:
            with self._alone(_READ_WAIT_S if self._read_to is None else 0):
                self._read_all()
        else:
            self._memory.put(rows)
            self._read_to = here

    def _read_all(self) -> None:
        state = self._usable()
        if state is None:
            return
        if state.files:
            try:
                self._keep(self._inside(state, ChromaStore.read))
            except StoreDamagedError as error:
                state = self._begin_anew(error)
            else:
                self._close(state)
        self._read_to = Position(state.build, state.part, state.length)

    def _keep(self, read: VectorsInMemory) -> None:
        if len(self._memory):
            self._memory.put(read.rows())
        else:
            self._memory = read

    def _usable(self) -> State | None:
        """The valid build, once it is safe to open; None when there is none. The lock is held."""
        state = self._files.state()
        if state is None:
            return None
        if self._store(state).survives_a_look() if state.busy else self._files.is_intact(state):
            return state
        return self._begin_anew(StoreDamagedError("its files are not as they were left"))

    def _write(self, state: State, rows: Mapping[str, "Vector"], after: int, through: int) -> State:
        self._inside(state, lambda store: store.upsert(rows))
        part, length = self._files.append(state, rows)
        reached = max(state.through, through) if after <= state.through else state.through
        return self._close(replace(state, through=reached, part=part, length=length))

    def _inside(self, state: State, use: Callable[[ChromaStore], _T]) -> _T:
        """The result of `use`, while the state says that somebody is inside; it stays so if the process dies there."""
        if self._no_chroma is not None:
            raise self._no_chroma
        try:
            chroma()
        except ChromaMissingError as error:
            self._no_chroma = error  # trying once more takes as long and ends the same
            raise
        self._files.write(replace(state, busy=True))
        return use(self._store(state))

    def _close(self, state: State) -> State:
        closed = replace(state, busy=False, files=self._files.files(state))
        self._files.write(closed)
        return closed

    def _begin_anew(self, error: StoreDamagedError) -> State:
        now = time.monotonic()
        self._fresh_starts = [at for at in self._fresh_starts if at > now - _FRESH_STARTS_WITHIN_S]
        if len(self._fresh_starts) >= _FRESH_STARTS:
            raise _unavailable(f"the vector index breaks again and again ({error})", "See whether its disk is sound.")
        self._fresh_starts.append(now)
        return self._close(self._files.begin_anew())

    def _store(self, state: State) -> ChromaStore:
        return ChromaStore(self._files.store(state), self._dimension)

    @contextmanager
    def _alone(self, wait_s: float) -> Generator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(exclusive(self._beside("lock"), timeout_s=wait_s))
            except TimeoutError:
                raise _unavailable(
                    "another process is using the vector index", "Search again in a few seconds."
                ) from None
            yield

    def _beside(self, suffix: str) -> Path:
        return self._directory.with_name(f"{self._directory.name}.{suffix}")


@contextmanager
def _in_words() -> Generator[None]:
    try:
        yield
    except StoreBlockedError as error:
        raise _unavailable(f"the vector index can not be used: {error}", _REBUILD) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise _unavailable(f"the directory of the vector index can not be used: {reason}", _REBUILD) from error


def _unavailable(problem: str, remedy: str) -> VectorsUnavailableError:
    return VectorsUnavailableError(problem, remedy=remedy)
