"""Chroma's local store of vectors: opened, used and closed while the caller holds the lock of its directory.

Two processes inside one store damage it without an error, and its native code can die of a damaged file; so nothing
stays open here, what was in use when a process died is looked at by a child first, and whatever goes wrong is told
apart only as far as it matters: the store is damaged, or the machine does not let it be used.
"""

import ctypes
import importlib
import os
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from agentops_mcp.storage.vectors_memory import VectorsInMemory

if TYPE_CHECKING:
    from agentops_mcp.storage.vectors_values import Vector

COLLECTION = "vectors"

_ROWS_AT_ONCE = 1000
_PROBES = 8
_PROBE_COSINE = 0.999
_LENGTH_TOLERANCE = 1e-3
_CHILD_TIMEOUT_S = 120.0

_CONFIGURATION = {
    "hnsw": {
        "space": "cosine",
        # The graph is never walked, the rows are only read back: so a thin one, and no long queue before it, since
        # what is queued is put into the graph whenever the store is opened.
        "ef_construction": 40,
        "max_neighbors": 8,
        "sync_threshold": 256,
    }
}

_M_MMAP_THRESHOLD = -3  # of malloc.h
_LARGE_BLOCK_BYTES = 1 << 20

_MACHINE = ("disk is full", "no space left", "readonly", "read-only", "permission denied", "too many open files")
_ENDS_THE_PROCESS = (KeyboardInterrupt, SystemExit, GeneratorExit)


class StoreDamagedError(Exception):
    """What the store holds can not be trusted or read."""


class StoreBlockedError(Exception):
    """The store may be whole, but this machine or installation does not let it be used now."""


class ChromaMissingError(StoreBlockedError):
    """The library can not be imported."""


class Collection(Protocol):
    """What is used of Chroma's collection."""

    def count(self) -> int: ...  # noqa: D102
    def get(self, **arguments: object) -> Mapping[str, Any]: ...  # noqa: D102
    def query(self, **arguments: object) -> Mapping[str, Any]: ...  # noqa: D102
    def upsert(self, **arguments: object) -> None: ...  # noqa: D102


class Client(Protocol):
    """What is used of Chroma's client."""

    def get_or_create_collection(self, name: str, **arguments: object) -> Collection: ...  # noqa: D102
    def get_max_batch_size(self) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class ChromaStore:
    """The store in one folder. Whoever calls holds the lock of the directory above it."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self._folder = folder
        self._dimension = dimension

    def read(self) -> VectorsInMemory:
        """Every row, read back and checked.

        Raises:
            StoreDamagedError: a row is missing, unreadable, not of length one or not found by itself.
            StoreBlockedError: the store can not be opened for another reason.
        """
        with self._opened() as (_, collection):
            read = VectorsInMemory(self._dimension)
            read.put(_all_rows(collection, self._dimension))
            if len(read) != collection.count():
                raise StoreDamagedError("rows are missing")
            _probe(collection, read.sample(_PROBES))
            return read

    def upsert(self, rows: Mapping[str, "Vector"]) -> None:
        """Keep rows by id, in place of earlier ones.

        Raises:
            StoreDamagedError: the store can not be read.
            StoreBlockedError: it can not be written now.
        """
        ids = list(rows)
        with self._opened() as (client, collection):
            step = min(_ROWS_AT_ONCE, client.get_max_batch_size())
            for start in range(0, len(ids), step):
                part = ids[start : start + step]
                collection.upsert(ids=part, embeddings=[rows[identifier] for identifier in part])

    def survives_a_look(self) -> bool:
        """Whether another process can open the store and read a sample: native code may die of a damaged one."""
        command = [sys.executable, "-P", "-m", "agentops_mcp.storage.vectors_chroma", str(self._folder)]
        paths = os.pathsep.join(path for path in sys.path if path)
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and module
                [*command, str(self._dimension)],
                cwd=self._folder,  # where no file of the project can be taken for a setting
                env={**os.environ, "PYTHONPATH": paths},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_CHILD_TIMEOUT_S,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0

    def look(self) -> None:
        """Open the store and read a sample.

        Raises:
            StoreDamagedError: it is not as it should be.
            StoreBlockedError: it can not be opened for another reason.
        """
        with self._opened() as (_, collection):
            count = collection.count()
            for offset in {0, max(0, count - _PROBES), count // 2}:
                found = collection.get(limit=_PROBES, offset=offset, include=["embeddings"])
                _probe(collection, _checked(found, self._dimension))

    @contextmanager
    def _opened(self) -> Generator[tuple[Client, Collection]]:
        client: Client | None = None
        with _explained():
            try:
                client = _client(self._folder)
                yield (
                    client,
                    client.get_or_create_collection(COLLECTION, embedding_function=None, configuration=_CONFIGURATION),
                )
            finally:
                if client is not None:
                    client.close()
                    _give_free_memory_back()


def chroma() -> Any:
    """The library.

    Raises:
        ChromaMissingError: it can not be imported.
    """
    _give_large_blocks_back()
    try:
        return importlib.import_module("chromadb")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise ChromaMissingError(f"chromadb can not be imported ({reason})") from error


def settings(**chosen: object) -> Any:
    """Chroma's defaults and these; neither the environment nor a `.env` of the project has a say."""
    chroma()
    config = importlib.import_module("chromadb.config")
    return config.Settings.model_construct(anonymized_telemetry=False, **chosen)


def _give_large_blocks_back() -> None:
    """Tell glibc to return freed blocks to the system however many there were before.

    Chroma reads its graph into one block, each time in another thread; by default glibc soon keeps one for each
    thread, 160 MB more after 20 openings with 10,000 rows.
    """
    with suppress(OSError, AttributeError, TypeError):  # another system, another C library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK_BYTES)


def _give_free_memory_back() -> None:
    """The same for what is in small blocks: 40 MB after 100,000 rows were read."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def _explained() -> Generator[None]:
    """Everything that Chroma raises as one of our two errors; its native code panics with no `Exception`."""
    try:
        yield
    except (StoreDamagedError, StoreBlockedError, *_ENDS_THE_PROCESS):
        raise
    except BaseException as error:
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        if isinstance(error, (MemoryError, PermissionError)) or any(words in said.lower() for words in _MACHINE):
            raise StoreBlockedError(said) from error
        raise StoreDamagedError(said) from error


def _client(folder: Path) -> Client:
    opened = chroma().PersistentClient(str(folder), settings=settings())
    return cast("Client", opened)


def _all_rows(collection: Collection, dimension: int) -> Iterator[tuple[str, "Vector"]]:
    offset = 0
    while True:
        found = collection.get(limit=_ROWS_AT_ONCE, offset=offset, include=["embeddings"])
        yield from _checked(found, dimension)
        offset += len(found["ids"])
        if len(found["ids"]) < _ROWS_AT_ONCE:
            return


def _checked(found: Mapping[str, Any], dimension: int) -> Iterator[tuple[str, "Vector"]]:
    import numpy as np

    ids = cast("Sequence[str]", found["ids"])
    if not ids:
        return
    vectors = np.asarray(found["embeddings"], dtype=np.float32)
    if vectors.shape != (len(ids), dimension):
        raise StoreDamagedError("rows have another dimension")
    lengths = np.linalg.norm(vectors, axis=1)
    if not bool((np.abs(lengths - 1.0) < _LENGTH_TOLERANCE).all()):  # which is not true of NaN either
        raise StoreDamagedError("rows are not of length one")
    yield from zip(ids, vectors, strict=True)


def _probe(collection: Collection, rows: Iterable[tuple[str, "Vector"]]) -> None:
    """Look a sample of rows up again by their names, and see that the graph can be walked.

    Not that each is found by its own vector: of many alike, a thin graph reaches only some.
    """
    sample = dict(rows)
    if not sample:
        return
    again = dict(_checked(collection.get(ids=list(sample), include=["embeddings"]), next(iter(sample.values())).size))
    if again.keys() != sample.keys() or any(again[name] @ vector < _PROBE_COSINE for name, vector in sample.items()):
        raise StoreDamagedError("rows are not what they were a moment ago")
    found = collection.query(query_embeddings=[next(iter(sample.values()))], n_results=1, include=["distances"])
    if not found["ids"][0]:
        raise StoreDamagedError("no row is found by a vector")


if __name__ == "__main__":
    with suppress(StoreBlockedError):  # which is no damage
        ChromaStore(Path(sys.argv[1]), int(sys.argv[2])).look()
