"""What every kind of vector index speaks of: neighbours, rows, and why it can not answer."""

from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agentops_mcp.core.errors import AgentOpsError, InvalidInputError
from agentops_mcp.storage.locking import exclusive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    """Of length one; its cosine with another is their dot product."""

_LENGTH_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A document and how near its vector is: 1 for the same direction, 0 for none, -1 for the opposite."""

    id: str
    cosine: float


class VectorsUnavailableError(AgentOpsError):
    """The vectors can not be used now; the sentence says why and fits behind `lexical only:`."""

    code = "vectors_unavailable"


class Vectors(Protocol):
    """Where the vectors of a project's documents are kept and compared."""

    def nearest(self, vector: "Vector", *, limit: int, among: Sequence[str] | None = None) -> list[Neighbour]:
        """The `limit` nearest documents, nearest first, of those in `among` if it is given."""
        ...

    def cosines(self, vector: "Vector", ids: Sequence[str]) -> dict[str, float]:
        """How near each of these documents is; those without a vector are left out."""
        ...

    def cursor(self) -> int:
        """The number in the ledger up to which documents are in; 0 when nothing is."""
        ...

    def add(self, rows: Sequence[tuple[str, "Vector"]], *, after: int, through: int) -> int:
        """Keep vectors by id, in place of earlier ones, and return the cursor as it is now."""
        ...

    def indexing(self) -> AbstractContextManager[bool]:
        """Whether the caller is the one that indexes, for as long as the block lasts."""
        ...

    def close(self) -> None:
        """Free what is held in memory."""
        ...


def unit_rows(rows: Sequence[tuple[str, "Vector"]], dimension: int) -> dict[str, "Vector"]:
    """The rows by id, the last of each, as float32.

    Raises:
        InvalidInputError: a vector has another dimension, is not finite, or is not of length one.
    """
    import numpy as np

    checked: dict[str, Vector] = {}
    for identifier, vector in rows:
        row = _finite(vector, dimension)
        if abs(float(np.linalg.norm(row)) - 1.0) > _LENGTH_TOLERANCE:
            raise InvalidInputError(f"The vector of {identifier} is not of length one.", remedy="Normalise it first.")
        checked[identifier] = row
    return checked


def unit_query(vector: "Vector", dimension: int) -> "Vector":
    """The vector scaled to length one.

    Raises:
        InvalidInputError: it has another dimension, is not finite, or is zero.
    """
    import numpy as np

    row = _finite(vector, dimension)
    length = float(np.linalg.norm(row))
    if length == 0.0:
        raise InvalidInputError("The vector is zero.", remedy="Embed a text that is not empty.")
    return row / np.float32(length)


@contextmanager
def unless_another_is(lock: Path) -> Generator[bool]:
    """Hold a lock file if it is free: whether it is held now.

    Raises:
        VectorsUnavailableError: the file can not be made.
    """
    with ExitStack() as held:
        try:
            held.enter_context(exclusive(lock, timeout_s=0))
            mine = True
        except TimeoutError:
            mine = False
        except OSError as error:
            raise VectorsUnavailableError(
                f"the lock of the vector index can not be made: {error.strerror}",
                remedy="Make the directory of this project's data writable.",
            ) from error
        yield mine


def _finite(vector: "Vector", dimension: int) -> "Vector":
    import numpy as np

    row = np.ascontiguousarray(vector, dtype=np.float32)
    if row.shape != (dimension,) or not bool(np.isfinite(row).all()):
        raise InvalidInputError(
            f"A vector is not {dimension} finite numbers.", remedy="Embed the text again with the configured model."
        )
    return row
