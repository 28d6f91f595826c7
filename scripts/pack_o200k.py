"""Pack the o200k_base vocabulary into the file that agentops_mcp.core.tokens loads.

Usage: python scripts/pack_o200k.py o200k_base.tiktoken

The raw file is the one tiktoken would download; copies ship inside several published wheels, for example
llama-index-core 0.14.25 (llama_index/core/_static/tiktoken_cache/fb374d419588a4632f3f557e76b4b70aebbca790).
Both checksums are pinned: the same input gives the same output, byte for byte, or nothing is written.
"""

import base64
import hashlib
import sys
import zlib
from pathlib import Path

from agentops_mcp.core.tokens import PACKED, PACKED_SHA256, VOCABULARY_SIZE

RAW_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


def pack(raw: bytes) -> bytes:
    """The compressed form: one length byte per token, then all tokens' bytes, both in the order of rank."""
    tokens: list[bytes] = []
    for rank, line in enumerate(raw.splitlines()):
        encoded, written_rank = line.split()
        if int(written_rank) != rank:
            raise SystemExit(f"line {rank + 1} has rank {int(written_rank)}: ranks must be consecutive")
        tokens.append(base64.b64decode(encoded, validate=True))
    if len(tokens) != VOCABULARY_SIZE:
        raise SystemExit(f"{len(tokens)} tokens instead of {VOCABULARY_SIZE}")
    return zlib.compress(bytes(map(len, tokens)) + b"".join(tokens), level=9)


def main(source: Path) -> None:
    """Check, pack, check, write."""
    raw = source.read_bytes()
    if (found := hashlib.sha256(raw).hexdigest()) != RAW_SHA256:
        raise SystemExit(f"{source.name} is not o200k_base.tiktoken: its SHA-256 is {found}")
    packed = pack(raw)
    if (made := hashlib.sha256(packed).hexdigest()) != PACKED_SHA256:
        raise SystemExit(
            f"the packed file would have SHA-256 {made}, not the pinned one.\n"
            f"This Python's zlib is {zlib.ZLIB_RUNTIME_VERSION}; use one built with classic zlib (zlib-ng differs)."
        )
    PACKED.write_bytes(packed)
    sys.stdout.write(f"{PACKED.name}: {len(packed)} bytes, SHA-256 {made}\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
