"""Files of one JSON object a line, as commands that answer many rows read them."""

import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from agentops_mcp.core.errors import ConfigError

JSON_LINES = "Give a file of JSON objects, one a line, or -."


@contextmanager
def lines_of(file: Path, *, remedy: str = JSON_LINES) -> Generator[Iterable[bytes]]:
    """The lines of a file, or of standard input for `-`.

    Raises:
        ConfigError: it cannot be read; says `remedy`.
    """
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        with file.open("rb") as lines:
            yield lines
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", remedy=remedy) from error
