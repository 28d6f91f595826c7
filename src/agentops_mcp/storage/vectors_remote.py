"""The vector index of a project on a Chroma server, for teams that share a database.

The server compares and keeps; nothing is held here but the connection. Its client waits for an answer without end, so
each question is asked in a thread of its own and given up after a while.
"""

import hashlib
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.storage.vectors_chroma import ChromaMissingError, Collection, chroma, settings
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

_ASK_S = 10.0
_ADD_S = 60.0
_ROWS_AT_ONCE = 500
_FEW = 1000
"""So many chosen documents are compared here; of more, the nearest of all are asked for first and chosen from here.

The server's own filter by id fails ("Error finding id") for ids that it does not have."""

_OVERFETCH = (4, 16)
_THROUGH = "agentops_through"
_PORTS = {"http": 80, "https": 443}


class _RemoteCollection(Collection, Protocol):
    @property
    def metadata(self) -> Mapping[str, Any] | None: ...
    def modify(self, *, metadata: Mapping[str, object]) -> None: ...


class _RemoteClient(Protocol):
    def get_or_create_collection(self, name: str, **arguments: object) -> _RemoteCollection: ...


@dataclass(frozen=True, slots=True)
class ChromaServer:
    """Where a Chroma server listens, and what it wants to see; the token is never shown."""

    host: str
    port: int
    tls: bool

    @classmethod
    def at(cls, url: str) -> "ChromaServer":
        """The server that a URL names.

        Raises:
            ConfigError: it is no plain http or https URL of a host.
        """
        try:
            parts = urlsplit(url)
            host, port, scheme = parts.hostname, parts.port, parts.scheme
        except ValueError:
            host, port, scheme, parts = None, None, "", urlsplit("")
        odd = parts.username is not None or parts.path.strip("/") or parts.query or parts.fragment
        if not host or scheme not in _PORTS or odd:
            raise ConfigError(
                "AGENTOPS_CHROMA_URL is not of the form http(s)://host:port.",
                remedy="Give host and port only; a token belongs in AGENTOPS_CHROMA_TOKEN.",
            )
        return cls(host, port or _PORTS[scheme], scheme == "https")

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class RemoteVectorIndex:
    """Vectors of one model by document id, in one collection of a server. Safe to share between threads.

    Each model has a collection of its own, named after `collection`: a change of the model starts from nothing, and
    two machines with different models never undo each other's work. `lock` is a file of this machine.
    """

    def __init__(
        self, server: ChromaServer, *, collection: str, model: str, dimension: int, token: str | None, lock: Path
    ) -> None:
        self._server = server
        self._name = _collection_name(collection, model, dimension)
        self._dimension = dimension
        self._token = token
        self._lock_path = lock
        self._mutex = Lock()
        self._client: _RemoteClient | None = None
        self._unanswered: Thread | None = None

    def nearest(self, vector: "Vector", *, limit: int, among: Sequence[str] | None = None) -> list[Neighbour]:
        """The `limit` nearest documents, nearest first; of those in `among` only, if it is given.

        Raises:
            VectorsUnavailableError: the server does not answer.
            InvalidInputError: the vector has another dimension or is not finite.
        """
        query = unit_query(vector, self._dimension)
        chosen = None if among is None else list(dict.fromkeys(among))
        if limit < 1 or chosen == []:
            return []
        if chosen is None:
            return self._asked(lambda found: _nearest(found, query, limit))
        return self._asked(lambda found: _nearest_of(found, query, limit, chosen))

    def cosines(self, vector: "Vector", ids: Sequence[str]) -> dict[str, float]:
        """How near each of these documents is; those without a vector are left out.

        Raises:
            VectorsUnavailableError: the server does not answer.
            InvalidInputError: the vector has another dimension or is not finite.
        """
        query = unit_query(vector, self._dimension)
        wanted = list(dict.fromkeys(ids))
        return self._asked(lambda found: _cosines(found, query, wanted)) if wanted else {}

    def cursor(self) -> int:
        """The number in the ledger up to which documents are in; 0 when the collection is new.

        Raises:
            VectorsUnavailableError: the server does not answer.
        """
        return self._asked(_through)

    def add(self, rows: Sequence[tuple[str, "Vector"]], *, after: int, through: int) -> int:
        """Keep vectors by id, in place of earlier ones, and return the cursor as it is now.

        Raises:
            VectorsUnavailableError: the server does not answer, or refuses.
            InvalidInputError: a vector has another dimension, is not finite or is not of length one.
        """
        checked = unit_rows(rows, self._dimension)
        ids = list(checked)

        def keep(found: _RemoteCollection) -> int:
            for start in range(0, len(ids), _ROWS_AT_ONCE):
                part = ids[start : start + _ROWS_AT_ONCE]
                found.upsert(ids=part, embeddings=[checked[identifier] for identifier in part])
            reached = _through(found)
            if after <= reached < through:
                found.modify(metadata={_THROUGH: through})
                return through
            return reached

        return self._asked(keep, _ADD_S)

    @contextmanager
    def indexing(self) -> Generator[bool]:
        """Whether the caller is the one process of this machine that indexes, for as long as the block lasts.

        Two machines may do the same work twice, which harms nothing.

        Raises:
            VectorsUnavailableError: the lock can not be made.
        """
        with unless_another_is(self._lock_path) as mine:
            yield mine

    def close(self) -> None:
        """Let go of the connection."""
        with self._mutex:
            self._client = None

    def _asked(self, question: Callable[[_RemoteCollection], _T], timeout_s: float | None = None) -> _T:
        wait_s = _ASK_S if timeout_s is None else timeout_s
        try:
            chroma()  # before the clock starts
        except ChromaMissingError as error:
            raise VectorsUnavailableError(str(error), remedy="Install chromadb again.") from error
        with self._mutex:
            if self._unanswered is not None and self._unanswered.is_alive():
                raise self._unavailable("does not answer")
        answers: SimpleQueue[tuple[_T] | BaseException] = SimpleQueue()
        thread = Thread(target=self._ask, args=(question, answers), daemon=True)
        thread.start()
        try:
            answer = answers.get(timeout=wait_s)
        except Empty:
            with self._mutex:
                self._unanswered, self._client = thread, None
            raise self._unavailable(f"has not answered within {wait_s:.0f} s") from None
        if isinstance(answer, BaseException):
            self.close()
            raise self._unavailable(f"can not be used ({self._said(answer)})") from answer
        return answer[0]

    def _ask(
        self, question: Callable[[_RemoteCollection], _T], answers: "SimpleQueue[tuple[_T] | BaseException]"
    ) -> None:
        try:
            answers.put((question(self._collection()),))
        except BaseException as error:  # noqa: BLE001 - it is raised where the question was asked
            answers.put(error)

    def _collection(self) -> _RemoteCollection:
        with self._mutex:
            client = self._client
        if client is None:
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            made = chroma().HttpClient(
                self._server.host, self._server.port, ssl=self._server.tls, headers=headers, settings=settings()
            )
            client = cast("_RemoteClient", made)
            with self._mutex:
                self._client = client
        # Each time: another machine may have deleted it, and its cursor is part of it.
        return client.get_or_create_collection(
            self._name, embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
        )

    def _said(self, error: BaseException) -> str:
        said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return said.replace(self._token, "…") if self._token else said

    def _unavailable(self, problem: str) -> VectorsUnavailableError:
        return VectorsUnavailableError(
            f"the Chroma server at {self._server} {problem}", remedy="See whether it runs and AGENTOPS_CHROMA_URL fits."
        )


def _collection_name(wanted: str, model: str, dimension: int) -> str:
    readable = re.sub(r"[^a-zA-Z0-9._-]", "-", wanted)[:200]
    distinct = hashlib.sha256("\0".join((wanted, model, str(dimension))).encode()).hexdigest()[:16]
    return f"agentops.{readable}.{distinct}"


def _through(found: _RemoteCollection) -> int:
    through = (found.metadata or {}).get(_THROUGH, 0)
    return through if isinstance(through, int) and through > 0 else 0


def _nearest(found: Collection, query: "Vector", limit: int) -> list[Neighbour]:
    answer = found.query(query_embeddings=[query], n_results=limit, include=["distances"])
    ids, distances = cast("Sequence[str]", answer["ids"][0]), cast("Sequence[float]", answer["distances"][0])
    return _ranked({identifier: 1.0 - distance for identifier, distance in zip(ids, distances, strict=True)})


def _nearest_of(found: Collection, query: "Vector", limit: int, ids: Sequence[str]) -> list[Neighbour]:
    wanted = set(ids)
    for factor in _OVERFETCH if len(ids) > _FEW else ():
        rows = _nearest(found, query, limit * factor)
        chosen = [row for row in rows if row.id in wanted]
        if len(chosen) >= limit or len(rows) < limit * factor:
            return chosen[:limit]
    return _ranked(_cosines(found, query, ids))[:limit]


def _ranked(cosines: Mapping[str, float]) -> list[Neighbour]:
    rows = [Neighbour(identifier, min(1.0, max(-1.0, cosine))) for identifier, cosine in cosines.items()]
    return sorted(rows, key=lambda one: (-one.cosine, one.id))


def _cosines(found: Collection, query: "Vector", ids: Sequence[str]) -> dict[str, float]:
    import numpy as np

    cosines: dict[str, float] = {}
    for start in range(0, len(ids), _ROWS_AT_ONCE):
        answer = found.get(ids=ids[start : start + _ROWS_AT_ONCE], include=["embeddings"])
        known = cast("Sequence[str]", answer["ids"])
        if known:
            products = np.asarray(answer["embeddings"], dtype=np.float32) @ query
            cosines.update(zip(known, (min(1.0, max(-1.0, value)) for value in products.tolist()), strict=True))
    return cosines
