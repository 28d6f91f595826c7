"""What makes an entry worth keeping (factor I): decisions over plain values, no I/O."""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, shake_128
from typing import Literal

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.wording import count_informative_words, informative_words

Kind = Literal["action", "decision", "learning", "failure", "retrospective"]
LearningPolicy = Literal["warn", "refuse"]

EXAMPLE = (
    "Example: action='Cache parsed configs per process', context='Profiling showed 40 % of each request in YAML "
    "parsing', solution='lru_cache on load_config(path, mtime)', learning='Parsed config is safe to share: nothing "
    "mutates it', impact='p95 180 ms -> 95 ms'."
)

MIN_INFORMATIVE_WORDS = {"action": 1, "context": 2, "solution": 1, "learning": 2}


@dataclass(frozen=True, slots=True)
class Entry:
    """What an agent says it did. Empty text means not given."""

    kind: Kind
    action: str
    context: str
    solution: str = ""
    learning: str = ""
    impact: str = ""
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()


def check_entry(entry: Entry, *, learning: LearningPolicy) -> list[str]:
    """Warnings about an entry that may be recorded.

    Raises:
        InvalidInputError: context is missing, a part is generic, or the learning is missing where it is required.
    """
    if not entry.context.strip():
        raise InvalidInputError("context is missing: say why this was done.", remedy=EXAMPLE)
    for part, least in MIN_INFORMATIVE_WORDS.items():
        text = str(getattr(entry, part)).strip()
        if (text or part == "action") and count_informative_words(text) < least:
            raise InvalidInputError(f"{part} is too generic to help the next reader: {text[:60]!r}.", remedy=EXAMPLE)
    warnings: list[str] = []
    if not entry.learning.strip():
        if learning == "refuse" or entry.kind == "learning":
            raise InvalidInputError("learning is missing: say what the next agent should know.", remedy=EXAMPLE)
        warnings.append("no learning: what should the next agent know?")
    if not entry.solution.strip() and entry.kind != "learning":
        warnings.append("no solution: what was done, and how?")
    if not any(character.isdigit() for character in entry.impact):
        warnings.append("impact has no number: what changed, by how much?")
    return warnings


_TAG = re.compile(r"[^\W_](?:[\w./-]{0,38}[^\W_])?")


def normalize_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Tags in lower case, with hyphens for spaces, each once, sorted.

    Raises:
        InvalidInputError: a tag is not a short word.
    """
    normal = {re.sub(r"\s+", "-", tag.strip().lstrip("#")).casefold() for tag in tags}
    for tag in normal:
        if not _TAG.fullmatch(tag):
            raise InvalidInputError(
                f"{tag[:60]!r} is not a tag.",
                remedy="Use up to 40 letters, digits and . _ / - inside, like 'ci/cache'.",
            )
    return tuple(sorted(normal))


# Near-duplicates by MinHash with banding (Broder 1997; Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets",
# ch. 3): with 8 bands of 3 rows a pair of Jaccard similarity .8 shares a band in 99.7 % of cases, one of .3 in 20 %.
BANDS, ROWS = 8, 3
SIMILAR_FROM = 0.6
_PLACES = struct.Struct(f">{BANDS * ROWS}I")


def signature_words(entry: Entry) -> frozenset[str]:
    """The words by which two entries are compared: what was done and learned, without filler."""
    return informative_words(f"{entry.action} {entry.solution} {entry.learning}")


@lru_cache(maxsize=16)  # an entry needs them twice: to look for others like it, and to be found by later ones
def bands(words: frozenset[str]) -> tuple[int, ...]:
    """Keys under which similar sets of words meet: non-negative 62-bit integers, none for an empty set.

    Stored, so they must mean the same in every process and version.
    """
    if not words:
        return ()
    # One digest of a word is its place in every permutation: 32 bits for each row.
    places = (_PLACES.unpack(shake_128(word.encode()).digest(_PLACES.size)) for word in words)
    first = tuple(map(min, zip(*places, strict=True)))
    rows = (first[start : start + ROWS] for start in range(0, len(first), ROWS))
    return tuple(
        int.from_bytes(blake2b(repr((band, *row)).encode(), digest_size=8).digest()) >> 2
        for band, row in enumerate(rows)
    )


def similarity(left: frozenset[str], right: frozenset[str]) -> float:
    """Jaccard similarity, 0 to 1."""
    return len(left & right) / len(left | right) if left or right else 0.0


SECTIONS = ("Context", "Solution", "Learning", "Impact")
_TYPE_LINE = re.compile(r"[a-z]+(?:\([^()\n]*\))?!?: \S")


# Below this line `git commit --verbose` shows the diff, which is not part of the message.
_SCISSORS = "# ------------------------ >8 ------------------------"


def check_message(message: str) -> list[str]:
    """What a commit message lacks of factor I's form: `type(scope): subject` and the four sections."""
    lines = message.partition(_SCISSORS)[0].splitlines()
    subject = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if subject.startswith(("Merge ", "Revert ", "fixup! ", "squash! ", "amend! ")):
        return []
    findings = [] if _TYPE_LINE.match(subject) else ["the first line is not `type(scope): subject`"]
    for section in SECTIONS:
        heading = re.compile(rf"#+ *{section}\b|\**{section}\** *:", re.IGNORECASE)
        if not any(heading.match(line) for line in lines):
            findings.append(f"no `{section}:` section")
    return findings
