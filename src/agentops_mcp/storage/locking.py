"""One process at a time: a lock the operating system frees when its holder dies."""

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.001


@contextmanager
def exclusive(path: Path, *, timeout_s: float) -> Generator[None]:
    """Hold the lock file `path`; it is made when missing and stays afterwards.

    Raises:
        TimeoutError: another thread or process held it for `timeout_s`.
        OSError: the file can not be made.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        give_up_at = time.monotonic() + timeout_s
        while not _try_lock(descriptor):
            if time.monotonic() > give_up_at:
                raise TimeoutError
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)  # which also unlocks


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # Windows says it with the second
        return False
    return True
