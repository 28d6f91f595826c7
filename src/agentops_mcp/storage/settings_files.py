"""Files of settings that are heard while the server runs: read again when they change, and never worse than before.

A person edits them, and an agent or a clone may have written the project's; so what cannot be used changes nothing.
"""

import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from agentops_mcp.core.errors import AgentOpsError
from agentops_mcp.storage.policy_files import person_file, text_of

T = TypeVar("T")

_SETTLED_AFTER_NS = 2_000_000_000
"""A file that was changed less than two seconds before it was read may change again within one tick of its times."""

_KNOWS_CHANGES = sys.platform != "win32"
"""Whether a file's times tell of every change: on Windows they are all for whoever writes the file to set."""

_State = tuple[int, ...]
_ABSENT: _State = ()


def person_config_file(environment: Mapping[str, str]) -> Path:
    """Where a person's own settings are, whether there are some or not."""
    return Path(person_file(environment)).with_name("config.toml")


class SettingsFile(Generic[T]):
    """One file and what it last said rightly; costs one `stat` as long as the file is as it was."""

    def __init__(self, path: Path, *, convert: Callable[[str], T], absent: T, broken: T) -> None:
        """`convert` makes a value of the text; `absent` holds without a file, `broken` before there was a good one."""
        self.path = path
        self._convert = convert
        self._absent = absent
        self._value = broken
        self._seen: _State | None = None
        self._problem = ""
        self._lock = threading.Lock()

    def value(self) -> T:
        """What the file says, or last said rightly."""
        with self._lock:
            state = _state(self.path)
            if state != self._seen:
                self._read()
                self._seen = state if _is_settled(state) else None
            return self._value

    def problem(self) -> str:
        """What is wrong with the file as it is now; empty when it is heard."""
        self.value()
        return self._problem

    def _read(self) -> None:
        try:
            self._value = self._convert(text_of(str(self.path), follow=True))
            self._problem = ""
        except (FileNotFoundError, NotADirectoryError):
            self._value, self._problem = self._absent, ""
        except AgentOpsError as error:
            self._problem = error.problem
        except (OSError, ValueError) as error:  # UnicodeDecodeError is a ValueError
            said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            self._problem = f"{self.path} cannot be read: {said or error}."


def _state(path: Path) -> _State:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return _ABSENT
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _is_settled(state: _State) -> bool:
    return state == _ABSENT or (_KNOWS_CHANGES and max(state[3:]) < time.time_ns() - _SETTLED_AFTER_NS)
