"""Where the texts that a task quotes stand, letter by letter."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from agentops_mcp.factors.context.rules.corpus import Floats
from agentops_mcp.factors.context.rules.facts import FileFacts

_MOST_PLACES = 400
"""A quotation found more often than this is an ordinary word."""


def find_quotes(
    quotes: Sequence[str], texts: Mapping[int, bytes], facts: Mapping[int, FileFacts]
) -> Mapping[int, Floats]:
    """For each line of each file with facts, how telling the quotations on it are: the rarer, the more."""
    found = {file: np.zeros(each.line_count) for file, each in facts.items()}
    ends = {file: np.cumsum(facts[file].widths, dtype=np.int64) for file in texts}
    lines = sum(each.line_count for each in facts.values())
    for quote in quotes:
        wanted = quote.encode(errors="replace")
        places = {file: offsets for file, text in texts.items() if (offsets := _offsets(text, wanted))}
        count = sum(map(len, places.values()))
        if not 0 < count <= _MOST_PLACES:
            continue
        worth = math.log(1 + lines / count)
        for file, offsets in places.items():
            on = np.unique(np.searchsorted(ends[file], offsets, "right"))
            found[file][on[on < len(found[file])]] += worth
    return found


def _offsets(text: bytes, quote: bytes) -> list[int]:
    found: list[int] = []
    at = text.find(quote)
    while at >= 0 and len(found) <= _MOST_PLACES:
        found.append(at)
        at = text.find(quote, at + len(quote))
    return found
