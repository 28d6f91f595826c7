"""One item of what is imported."""

import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was written down elsewhere.

    `origin` says where in the source; `at` is an ISO date when the source knows it, else empty.
    """

    source: str
    origin: str
    title: str
    text: str
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    at: str = ""

    def key(self) -> str:
        """The same for the same item of the same source, whatever it says."""
        return _hash(self.source, self.origin)

    def digest(self) -> str:
        """Another when the item says something else."""
        return _hash(self.title, self.text, *self.tags, "", *self.files)


def _hash(*parts: str) -> str:
    text = json.dumps(parts, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
