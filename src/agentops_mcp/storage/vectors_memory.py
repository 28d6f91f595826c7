"""Vectors in memory, compared with all of them: exact, and any choice of documents costs nothing extra."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING

from agentops_mcp.storage.vectors_values import Neighbour

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agentops_mcp.storage.vectors_values import Vector

_ROWS_PER_BLOCK = 4096
"""6 MB of 384 numbers: adding a row never copies the others, and little is reserved in vain."""

_GATHER_SHARE = 4
"""Fewer chosen rows than one in so many are compared one by one, else all are compared at once."""


class VectorsInMemory:
    """Rows by document id. Not for several threads at once."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._blocks: list[NDArray[np.float32]] = []
        self._ids: list[str] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def rows(self) -> Iterator[tuple[str, "Vector"]]:
        """Every row, in the order in which it was first put."""
        for place, identifier in enumerate(self._ids):
            yield identifier, self._blocks[place // _ROWS_PER_BLOCK][place % _ROWS_PER_BLOCK]

    def sample(self, count: int) -> list[tuple[str, "Vector"]]:
        """Up to so many rows, spread over all."""
        return list(islice(self.rows(), 0, None, max(1, len(self) // count)))[:count]

    def put(self, rows: Iterable[tuple[str, "Vector"]]) -> None:
        """Keep vectors of length one by id, in place of earlier ones."""
        import numpy as np

        for identifier, vector in rows:
            place = self._places.get(identifier)
            if place is None:
                place = len(self._ids)
                if place == len(self._blocks) * _ROWS_PER_BLOCK:
                    self._blocks.append(np.empty((_ROWS_PER_BLOCK, self._dimension), dtype=np.float32))
                self._ids.append(identifier)
                self._places[identifier] = place
            self._blocks[place // _ROWS_PER_BLOCK][place % _ROWS_PER_BLOCK] = vector

    def nearest(self, vector: "Vector", limit: int, among: Sequence[str] | None) -> list[Neighbour]:
        """The nearest rows, nearest first; equally near ones in the order of their ids."""
        import numpy as np

        if limit < 1 or not self._ids:
            return []
        if among is None:
            places, cosines = None, self._all(vector)
        else:
            places = self._known(among)
            cosines = self._of(vector, places)
        if limit < len(cosines):
            least = np.partition(cosines, len(cosines) - limit)[len(cosines) - limit]
            chosen = np.flatnonzero(cosines >= least)
        else:
            chosen = np.arange(len(cosines))
        rows = chosen if places is None else places[chosen]
        found = [
            Neighbour(self._ids[row], min(1.0, max(-1.0, cosine)))
            for row, cosine in zip(rows.tolist(), cosines[chosen].tolist(), strict=True)
        ]
        return sorted(found, key=lambda one: (-one.cosine, one.id))[:limit]

    def cosines(self, vector: "Vector", ids: Sequence[str]) -> dict[str, float]:
        """The cosine with each of these rows; ids without a row are left out."""
        places = self._known(ids)
        cosines = self._of(vector, places).tolist()
        return {
            self._ids[place]: min(1.0, max(-1.0, cosine))
            for place, cosine in zip(places.tolist(), cosines, strict=True)
        }

    def _known(self, ids: Sequence[str]) -> "NDArray[np.intp]":
        import numpy as np

        places = np.fromiter(map(self._places.get, ids, repeat(-1)), dtype=np.intp, count=len(ids))
        return np.unique(places[places >= 0])

    def _all(self, vector: "Vector") -> "NDArray[np.float32]":
        import numpy as np

        cosines = np.empty(len(self._ids), dtype=np.float32)
        for number, block in enumerate(self._blocks):
            start = number * _ROWS_PER_BLOCK
            part = cosines[start : start + _ROWS_PER_BLOCK]
            _compare(block[: len(part)], vector, part)
        return cosines

    def _of(self, vector: "Vector", places: "NDArray[np.intp]") -> "NDArray[np.float32]":
        import numpy as np

        if len(places) * _GATHER_SHARE > len(self._ids):
            return self._all(vector)[places]
        cosines = np.empty(len(places), dtype=np.float32)
        blocks = places // _ROWS_PER_BLOCK
        for number in map(int, np.unique(blocks)):
            here = blocks == number
            if not here.any():
                continue
            part = np.empty(int(np.count_nonzero(here)), dtype=np.float32)
            block = self._blocks[number]
            _compare(block.take(places[here] % _ROWS_PER_BLOCK, axis=0), vector, part)
            cosines[here] = part
        return cosines


def _compare(rows: "NDArray[np.float32]", vector: "Vector", into: "NDArray[np.float32]") -> None:
    """The dot product of each row with the vector.

    Not by a matrix product: BLAS shares that between threads, which then wait for each other wherever the cores are
    busy (10,000 rows: 36 ms instead of 0.6 in the middle, 100,000 rows: 300 ms instead of 28 at the 95th percentile).
    """
    import numpy as np

    np.vecdot(rows, vector, out=into)
