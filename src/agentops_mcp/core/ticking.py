"""Something done again and again beside everything else, for as long as a process has use for it."""

import logging
import threading
from collections.abc import Callable
from typing import Self

logger = logging.getLogger(__name__)


class Ticking:
    """Calls `act` every `every_s` seconds in a thread of its own, until it is stopped or the process ends."""

    def __init__(self, act: Callable[[], object], *, every_s: float) -> None:
        self._act = act
        self._every_s = every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ticking", daemon=True)

    def start(self) -> Self:
        """Begin; the first call comes after the first `every_s`."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End; when this returns, `act` is not running and is not called again."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            try:
                self._act()
            except Exception:  # the next turn may go better, and nothing else depends on this one
                logger.warning("What is done every %g s failed", self._every_s, exc_info=True)
