"""Whether a value that stands where a secret would is one: its entropy, and what only stands for a secret."""

import base64
import functools
import math
import re
from collections import Counter
from itertools import pairwise

MASK = "\ue000"
"""Stands, character for character, for markers already in a text: part of no token, and no end to a value."""

SAMPLE_CHARS = 96
"""How much of a value is judged; more would not change the verdict, only take time."""

# Substring searches: as one pattern that ignores case they would take forty times as long.
_PLACEHOLDERS = (
    "xxxxx", "***", "...", "…", "example", "changeme", "change_me", "change-me", "your_", "your-", "placeholder",
    "redacted", "dummy", "insert_", "insert-", "replace_", "replace-", "todo", "${", "#{", "$(", "{{", "environ",
    "getenv", "process.env",
)  # fmt: skip
_REFERENCE_START = r"[<\[{(]|%[(s{]|\$\w+$|%\w+%$"
_STAND_IN = r"(?:my)?(?:pass(?:w(?:or)?d)?|pwd|pw|secret|token|user(?:name)?|x+|y+|-+|_+|\d{1,2})"
_TWO_DIGITS = r"[0-9][^0-9]*[0-9]"
_REPEATED = r"(.{4,12})\1\1"
_BASE64_RUN = r"[A-Za-z0-9+/=]{24,}"
_MIN_BITS_PER_CHAR = 3.0
_COUNTS_UP = 0.6

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_CHARS = 6

# The first 12 digits of the SHA-256 of Google keys that the tests of Firebase's own kits publish. Whoever reads one
# learns nothing; as digests, they set off no scanner here.
_PUBLISHED = frozenset(
    """
    2037abcaffb2 27a9a42931df 37f8f09bdf12 3f370c9dd822 49f777db995e 4c98242dcadc 8731261cb72d a19f89ab3555
    dc0fcf046c61 e4a5542bb7fd ea9bb1082cf9 eb540d2b6ee2 f56e323494a6
    """.split()
)


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def is_plausible(secret: str) -> bool:
    """Whether this is not a placeholder or a reference to a value kept elsewhere."""
    lowered = secret.lower()
    return not any(map(lowered.__contains__, _PLACEHOLDERS)) and not _pattern(_REFERENCE_START).match(secret)


def is_sample(value: str) -> bool:
    """Whether a value was typed to fill a place: it repeats itself, or counts up (`1234567890abcdef`)."""
    lowered = value.lower()
    rising = sum(ord(after) - ord(before) == 1 for before, after in pairwise(lowered))
    return rising > _COUNTS_UP * len(lowered) or bool(_pattern(_REPEATED).search(lowered))


def is_password(secret: str) -> bool:
    """Whether the password's place in a URL or command holds one, not a word that stands for it."""
    plain = secret.replace(MASK, "").rstrip(".")
    return bool(plain) and is_plausible(plain) and not _pattern(_STAND_IN).fullmatch(plain.lower())


def is_unusual_password(secret: str) -> bool:
    """Like `is_password`, where prose may stand in the same place: a plain word is none."""
    return is_password(secret) and not (secret.isalpha() and secret.islower())


def is_random(secret: str) -> bool:
    """Whether this looks drawn at random: digits among the letters, and enough entropy."""
    start = secret[:SAMPLE_CHARS]
    return bool(_pattern(_TWO_DIGITS).search(start)) and entropy(start) >= _MIN_BITS_PER_CHAR and is_plausible(start)


def is_mixed(secret: str) -> bool:
    """Whether this looks drawn at random from digits and letters of both cases, as no digest in hex does."""
    return is_random(secret) and not secret.islower() and not secret.isupper()


def is_checked_token(token: str) -> bool:
    """Whether this is a token that ends in its checksum, or could be one.

    A right checksum outweighs a word that placeholders have. A wrong one excuses nothing: a token that lost or changed
    a letter on its way into a text is still most of a secret.
    """
    return is_plausible(token) or has_checksum(token)


def has_checksum(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of those between the prefix and them, in base 62.

    As GitHub describes its tokens of 2021 ("Behind GitHub's new authentication token formats"); npm's are made alike.
    """
    import zlib

    body = token.rpartition("_")[2]
    checksum = zlib.crc32(body[:-_CHECKSUM_CHARS].encode())
    digits = ""
    for _ in range(_CHECKSUM_CHARS):
        checksum, digit = divmod(checksum, 62)
        digits = _BASE62[digit] + digits
    return len(body) > _CHECKSUM_CHARS and body.endswith(digits)


def is_google_key(key: str) -> bool:
    """Whether a key of Google's form is not one that Google publishes in its samples."""
    import hashlib

    return is_plausible(key) and hashlib.sha256(key.encode()).hexdigest()[:12] not in _PUBLISHED


def is_key_block(block: str) -> bool:
    """Whether a key block holds a key: prose about keys has no long base64 run, and a row of X has one letter."""
    return any(len(set(run)) >= 8 for run in _pattern(_BASE64_RUN).findall(block))


def is_jwt(token: str) -> bool:
    """Whether the first part of a token in three parts is a header of a JSON Web Token."""
    header = _decoded(token.split(".", 1)[0])
    return header.startswith(b"{") and (b'"alg"' in header or b'"typ"' in header)


def is_encoded_private_key(text: str) -> bool:
    """Whether base64 text is a private key with its first line."""
    return b"PRIVATE KEY" in _decoded(text[:80])


def is_basic_login(text: str) -> bool:
    """Whether base64 text is a name and a password with a colon between them."""
    login = _decoded(text)
    return b":" in login.strip(b":") and login.isascii() and login.decode().isprintable()


def _decoded(text: str) -> bytes:
    # Patterns let only the base64 alphabets through, so nothing but the length can be wrong.
    text = text.rstrip("=")
    text = text[:-1] if len(text) % 4 == 1 else text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@functools.cache
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
