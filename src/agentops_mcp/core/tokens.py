"""Token counts: exact in o200k, estimated for a model family, and never a download.

The o200k vocabulary ships inside the package and is loaded at the first count, once, under a lock.
Without it (missing, corrupt, or tiktoken not importable) counts fall back to bytes and `degraded()` says why.
"""

import functools
import hashlib
import math
import re
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from agentops_mcp.core.errors import ConfigError

if TYPE_CHECKING:
    from tiktoken import Encoding

PACKED = Path(__file__).with_name("data") / "o200k_base.zlib"
PACKED_SHA256 = "815ad0c59958aa18ac2136a9d9ac315c38394f2584aefdc5e2aa426fb96722c4"
VOCABULARY_SIZE = 199_998

FAMILY_FACTORS: Mapping[str, float] = MappingProxyType({"claude": 1.55, "claude-legacy": 1.2, "openai": 1.0})
"""Tokens per o200k token, rounded up from measurements; `claude-legacy` is every Claude up to 4.6."""

_SPECIAL_TOKENS = {"<|endoftext|>": 199_999, "<|endofprompt|>": 200_018}
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]*[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]+{_CONTRACTION}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?[\p{{Lu}}\p{{Lt}}\p{{Lm}}\p{{Lo}}\p{{M}}]+[\p{{Ll}}\p{{Lm}}\p{{Lo}}\p{{M}}]*{_CONTRACTION}"
    r"|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*"
    r"|\s*[\r\n]+"
    r"|\s+(?!\S)"
    r"|\s+"
)
_LONGEST_TOKEN_CHARS = 128

# A run of a million spaces overflows the stack of tiktoken's regex engine, which panics; 100,000 is safe.
_PIECE_CHARS = 100_000
_CUT_WINDOW_CHARS = 4_096
# Places where the pattern above always starts a new match, whatever stands around them: cutting here is exact.
_EXACT_CUT = re.compile(
    r"(?<=\S)(?= )|(?<=\n)(?=[^\s/])|(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])"
    r"|(?<=[^\W_])(?=[\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f])"  # Chinese and Japanese punctuation
)
# Elsewhere a cut loses merges (an over-count) but now and then breaks a worse one: 5 tokens at most in 400,000 trials.
_INEXACT_CUT_TOKENS = 8

_FALLBACK_BYTES_PER_TOKEN = 3
_SURROGATES = re.compile("[\ud800-\udfff]")


def count(text: str) -> int:
    """The o200k tokens of `text`: exact up to 100,000 characters and wherever longer text can be cut exactly.

    A text with longer stretches of one kind (a megabyte of spaces) is over-counted by a few tokens a cut, never under.
    """
    return _vocabulary().count(_well_formed(text))


def truncate(text: str, limit_tokens: int) -> str:
    """The longest start of `text` found that `count()` puts at `limit_tokens` o200k tokens or fewer; no marker added.

    Unpaired surrogates come back as U+FFFD.
    """
    if limit_tokens <= 0:
        return ""
    candidate = _well_formed(text[: limit_tokens * _LONGEST_TOKEN_CHARS])
    return _vocabulary().truncate(candidate, limit_tokens)


def degraded() -> str | None:
    """Why counts come from bytes instead of tokens, in one sentence; None while they come from tokens. Loads."""
    vocabulary = _vocabulary()
    return vocabulary.reason if isinstance(vocabulary, ByteCounts) else None


def estimate(text: str, family: str = "claude") -> int:
    """An estimate of the tokens a model of `family` counts in `text`, with the default factors.

    Raises:
        ConfigError: no such family.
    """
    return TokenCounter(family).estimate(text)


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Estimates for one model family: o200k tokens times the family's factor, rounded up.

    Raises:
        ConfigError: the family has no factor, or the factor is not a positive number.
    """

    family: str = "claude"
    factors: Mapping[str, float] = field(default_factory=lambda: FAMILY_FACTORS)

    def __post_init__(self) -> None:
        if self.family not in self.factors:
            known = ", ".join(sorted(self.factors))
            raise ConfigError(f"No token factor for model family {self.family!r}.", remedy=f"Use one of: {known}.")
        if not 0 < self.factors[self.family] < math.inf:
            raise ConfigError(
                f"The token factor of {self.family!r} is not usable.", remedy="Set a number above 0, such as 1.2."
            )

    def estimate(self, text: str) -> int:
        """The estimated tokens of `text`."""
        return self.from_o200k(count(text))

    def from_o200k(self, tokens: int) -> int:
        """The estimate for a number of o200k tokens."""
        # Rounded first, so that 20 x 1.55 is 31 and not 32 by a stray binary digit.
        return math.ceil(round(tokens * self.factors[self.family], 6))

    def to_o200k(self, tokens: int) -> int:
        """The o200k tokens that an estimate of `tokens` leaves room for."""
        return math.floor(round(tokens / self.factors[self.family], 6))


@dataclass(frozen=True, slots=True)
class O200k:
    """Counts by the real vocabulary. Texts are well-formed: no surrogates."""

    encoding: "Encoding"

    def count(self, text: str) -> int:
        """The tokens of `text`, cut costs included."""
        return sum(cut_tokens + self._tokens(text[start:end]) for start, end, cut_tokens in _pieces(text))

    def truncate(self, text: str, limit_tokens: int) -> str:
        """The start of `text` that fits."""
        left = limit_tokens
        for start, end, cut_tokens in _pieces(text):
            left -= cut_tokens
            ids = self.encoding.encode_ordinary(text[start:end])
            if len(ids) > left:
                return text[: self._fit(text, start, ids[: max(left, 0)], left)]
            left -= len(ids)
        return text

    def _fit(self, text: str, start: int, ids: list[int], left: int) -> int:
        """Where to end so that `text[start:end]` costs `left` tokens or fewer, beginning with what `ids` spell."""
        end = start + len(self.encoding.decode_bytes(ids).decode("utf-8", errors="ignore"))
        # The last word may split into more tokens than before, now that its end is gone.
        while end > start and self._tokens(text[start:end]) > left:
            end -= 1
        return end

    def _tokens(self, text: str) -> int:
        # encode_ordinary: encode() refuses text that spells a special token.
        return len(self.encoding.encode_ordinary(text))


@dataclass(frozen=True, slots=True)
class ByteCounts:
    """Counts without a vocabulary: three bytes a token, which over-counts prose, code and JSON alike."""

    reason: str

    def count(self, text: str) -> int:
        """The bytes of `text`, in thirds, rounded up."""
        return math.ceil(len(text.encode()) / _FALLBACK_BYTES_PER_TOKEN)

    def truncate(self, text: str, limit_tokens: int) -> str:
        """The start of `text` that fits."""
        return text.encode()[: limit_tokens * _FALLBACK_BYTES_PER_TOKEN].decode(errors="ignore")


def load(packed: Path = PACKED) -> O200k | ByteCounts:
    """Read, verify and build the vocabulary; what goes wrong becomes the reason of the fallback."""
    try:
        content = packed.read_bytes()
    except OSError as error:
        return ByteCounts(f"The vocabulary file cannot be read: {error.strerror}.")
    if hashlib.sha256(content).hexdigest() != PACKED_SHA256:
        return ByteCounts("The vocabulary file is damaged: its checksum does not match.")
    try:
        from tiktoken import Encoding
    except ImportError as error:
        return ByteCounts(f"tiktoken cannot be imported: {error}.")
    return O200k(
        Encoding("o200k_base", pat_str=_PATTERN, mergeable_ranks=_ranks(content), special_tokens=_SPECIAL_TOKENS)
    )


_loading = threading.Lock()


@functools.cache
def _load_once() -> O200k | ByteCounts:
    return load()


def _vocabulary() -> O200k | ByteCounts:
    # The cache alone would let two threads load at the same time.
    with _loading:
        return _load_once()


def _ranks(content: bytes) -> dict[bytes, int]:
    plain = zlib.decompress(content)
    lengths, tokens = plain[:VOCABULARY_SIZE], plain[VOCABULARY_SIZE:]
    # One unpack of 200,000 fields is twice as fast as slicing; a Struct of its own stays out of the module's cache.
    layout = struct.Struct("".join(map("{}s".format, lengths)))
    return dict(zip(layout.unpack(tokens), range(VOCABULARY_SIZE), strict=True))


def _pieces(text: str) -> Iterator[tuple[int, int, int]]:
    """Cut `text` into pieces tiktoken can take: start, end, and the tokens to add for the cut before it."""
    start, cut_tokens = 0, 0
    while len(text) - start > _PIECE_CHARS:
        latest = start + _PIECE_CHARS
        exact = [m.start() for m in _EXACT_CUT.finditer(text, latest - _CUT_WINDOW_CHARS, latest + 1)]
        end = exact[-1] if exact else latest
        yield start, end, cut_tokens
        start, cut_tokens = end, 0 if exact else _INEXACT_CUT_TOKENS
    yield start, len(text), cut_tokens


def _well_formed(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text
