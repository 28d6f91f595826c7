"""Idle connections, kept for reuse across threads."""

import threading
from typing import Any, Generic, Protocol, TypeVar


class Closable(Protocol):
    """A connection of either driver."""

    def close(self) -> Any:
        """Release it, undoing what was not committed."""
        ...


ConnectionT = TypeVar("ConnectionT", bound=Closable)


class IdlePool(Generic[ConnectionT]):
    """Connections nobody uses at the moment; the last one returned is the next one given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[ConnectionT] = []
        self._closed = False

    def take(self) -> ConnectionT | None:
        """An idle connection, now the caller's own, or None when there is none."""
        with self._lock:
            return self._idle.pop() if self._idle else None

    def give(self, connection: ConnectionT) -> None:
        """Return a connection that is outside any transaction."""
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close every idle connection now, and those in use when they come back."""
        with self._lock:
            self._closed, idle, self._idle = True, self._idle, []
        for connection in idle:
            connection.close()
