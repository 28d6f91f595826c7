"""What an embedder is, and the error of one that cannot be had."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from agentops_mcp.core.errors import AgentOpsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_CHARS = 8_192
"""What is read of a text. The packaged model stops at 256 word pieces, some 1,200 characters."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class EmbedderError(AgentOpsError):
    """No vectors can be made of texts: the embedder's files, settings or endpoint are not as they must be."""

    code: ClassVar[str] = "embedder"


class Embedder(Protocol):
    """Turns texts into vectors whose dot product is their cosine; may be used from several threads at once."""

    @property
    def name(self) -> str:
        """Which model and which build of it; vectors of different names must not be compared."""
        ...

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """A row of unit length for each text, in order; any string will do, and the start of a long one counts.

        Raises:
            EmbedderError: the vectors can not be had now.
        """
        ...


def readable(text: str) -> str:
    """The start of `text` that is read, as valid Unicode: an unpaired surrogate becomes U+FFFD."""
    return _SURROGATES.sub("\ufffd", text[:MAX_CHARS])
