"""The vector half of search: loaded in the background, kept in step with the ledger, and never in the way.

What cannot be answered by vectors now is answered by words; why is said in one sentence.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agentops_mcp.core.documents import Reader
from agentops_mcp.core.errors import AgentOpsError, IntegrityError
from agentops_mcp.core.records import Event
from agentops_mcp.factors.mining.service.starters import Starter
from agentops_mcp.factors.mining.store import documents
from agentops_mcp.storage.embedders import Embedder
from agentops_mcp.storage.ledger import Ledger
from agentops_mcp.storage.vectors_values import Vectors, VectorsUnavailableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

BATCH = 64
"""Records embedded and stored in one go: few enough to be killed in without losing much, enough to fill the model."""

_RETRY_AFTER_S = 30.0
_POLL_S = 0.1
_LOADING = "the vectors are still being loaded (a few seconds, once for each process)"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model and the index, ready to be used."""

    embedder: Embedder
    vectors: Vectors

    def embed(self, text: str) -> "NDArray[np.float32]":
        """The vector of one text."""
        return self.embedder.embed([text])[0]


class Semantic:
    """Loads the model and the index once, and brings the index up to date with the ledger."""

    def __init__(
        self,
        ledger: Ledger,
        open_embedder: Callable[[], Embedder],
        open_vectors: Callable[[Embedder], Vectors],
        *,
        readers: Mapping[str, Reader],
        starters: Callable[[], Sequence[Starter]],
    ) -> None:
        self._ledger = ledger
        self._open_embedder = open_embedder
        self._open_vectors = open_vectors
        self._readers = readers
        self._starters = starters
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._failure: tuple[float, AgentOpsError] | None = None
        self._loading: threading.Thread | None = None
        self._indexing: threading.Thread | None = None
        self._has_starters = False
        self._closed = threading.Event()

    def ready(self, *, patience_s: float) -> Loaded:
        """The loaded parts, waited for at most `patience_s`; loading goes on afterwards.

        Raises:
            AgentOpsError: they are not there, and why.
        """
        loading = self._start_loading()
        if loading is not None:
            loading.join(min(patience_s, threading.TIMEOUT_MAX))
        if self._loaded is not None:
            return self._loaded
        if self._failure is not None:
            raise self._failure[1]
        raise VectorsUnavailableError(_LOADING, remedy="Search again in a moment.")

    def pending(self, loaded: Loaded) -> int:
        """How many records have no vector yet."""
        cursor = loaded.vectors.cursor()
        with self._ledger.read() as tx:
            return documents.count_pending(tx, cursor)

    def catch_up_later(self, pending: int) -> None:
        """Bring the index up to date in the background, if something is missing and nobody is doing so already."""
        if not pending and self._has_starters:
            return
        with self._lock:
            if self._closed.is_set() or (self._indexing is not None and self._indexing.is_alive()):
                return
            self._indexing = threading.Thread(target=self._catch_up_quietly, name="indexing", daemon=True)
            self._indexing.start()

    def catch_up(self, *, timeout_s: float = 600.0, progress: Callable[[int], None] = lambda _: None) -> bool:
        """Bring the index up to date, or wait until another process has; False when the time was not enough.

        `progress` gets the number of records still to do.

        Raises:
            AgentOpsError: the model or the index cannot be used, and why.
        """
        give_up_at = time.monotonic() + timeout_s
        loaded = self.ready(patience_s=timeout_s)
        while time.monotonic() < give_up_at and not self._closed.is_set():
            if self._catch_up(loaded, give_up_at, progress):
                return not self.pending(loaded)
            time.sleep(_POLL_S)
        return False

    def _catch_up(self, loaded: Loaded, give_up_at: float, progress: Callable[[int], None]) -> bool:
        with loaded.vectors.indexing() as mine:
            if mine:
                self._add_starters(loaded)
                self._has_starters = True
                self._add_pending(loaded, give_up_at, progress)
        return mine

    def close(self) -> None:
        """Stop what runs in the background and free the memory."""
        self._closed.set()
        for thread in (self._loading, self._indexing):
            if thread is not None and thread is not threading.current_thread():
                thread.join()
        if self._loaded is not None:
            self._loaded.vectors.close()

    def _start_loading(self) -> threading.Thread | None:
        with self._lock:
            if self._loaded is not None or self._closed.is_set():
                return None
            if self._failure is not None and time.monotonic() < self._failure[0]:
                return None
            if self._loading is None or not self._loading.is_alive():
                self._failure = None
                self._loading = threading.Thread(target=self._load, name="loading vectors", daemon=True)
                self._loading.start()
            return self._loading

    def _load(self) -> None:
        try:
            embedder = self._open_embedder()
            vectors = self._open_vectors(embedder)
            with suppress(VectorsUnavailableError):  # as while another process writes: each search says so itself
                vectors.nearest(embedder.embed(["warm"])[0], limit=1)
            self._loaded = Loaded(embedder, vectors)
        except AgentOpsError as error:
            self._failure = (time.monotonic() + _RETRY_AFTER_S, error)
        except Exception:
            logger.exception("The vectors cannot be loaded")
            error = VectorsUnavailableError("the vectors cannot be loaded", remedy="The server's log says why.")
            self._failure = (time.monotonic() + _RETRY_AFTER_S, error)

    def _catch_up_quietly(self) -> None:
        try:
            self._catch_up(self.ready(patience_s=0), float("inf"), lambda _: None)
        except AgentOpsError as error:
            logger.info("The vectors are behind: %s", error)
        except Exception:
            logger.exception("The vectors are behind")

    def _add_starters(self, loaded: Loaded) -> None:
        library = {each.thread: each for each in self._starters()}
        if not library:
            return
        known = loaded.vectors.cosines(loaded.embed("pattern"), list(library))
        missing = [each for thread, each in library.items() if thread not in known]
        if missing:
            cursor = loaded.vectors.cursor()
            vectors = loaded.embedder.embed([documents.searchable(each.document) for each in missing])
            rows = [(each.thread, vector) for each, vector in zip(missing, vectors, strict=True)]
            loaded.vectors.add(rows, after=cursor, through=cursor)

    def _add_pending(self, loaded: Loaded, give_up_at: float, progress: Callable[[int], None]) -> None:
        cursor = loaded.vectors.cursor()
        while not self._closed.is_set() and time.monotonic() < give_up_at:
            with self._ledger.read() as tx:
                batch = documents.pending(tx, cursor, limit=BATCH)
                progress(documents.count_pending(tx, cursor))
            if not batch:
                return
            texts = {thread: text for _, thread, event in batch if (text := self._text(event))}
            vectors = loaded.embedder.embed(list(texts.values()))
            rows = list(zip(texts, vectors, strict=True))
            cursor = loaded.vectors.add(rows, after=cursor, through=batch[-1][0])

    def _text(self, event: Event) -> str:
        """What a record's vector is made from; none of one that was damaged since, which the others do not wait for."""
        try:
            return documents.searchable(self._readers[event.kind](event))
        except IntegrityError:
            return ""
