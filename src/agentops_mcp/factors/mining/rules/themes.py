"""What a group of texts is about, in the words its members share and the rest does not use."""

import functools
import math
from collections import Counter
from collections.abc import Sequence

from agentops_mcp.factors.mining.rules.terms import as_written

FEWEST_WORDS, MOST_WORDS = 2, 6
"""Words of a theme; fewer only where the members have no more."""

_MOST_MEMBERS = 0.6
"""The share of the members that a word of the theme is in: what fewer say is a detail of theirs."""
_TELLING = 0.4
"""A further word is at least this telling beside the most telling one."""
_LONGEST_WORD = 40


def theme(members: Sequence[str], everything: Sequence[str]) -> str:
    """Two to six words, as they are written and in the order of the member that has most of them.

    A word is more telling the more members have its stem and the fewer other texts do (logarithm of the ratio of the
    two shares, weighted by the first). Without two shared words, telling ones of the first member fill up; members
    without any word give an empty theme.

    Args:
        members: The texts of the group, the most typical first.
        everything: All texts that were grouped, the members among them.
    """
    written = [_written(text) for text in members]
    held = Counter(stem for words in written for stem in words)
    telling = _telling(held, len(members), everything)
    shared = [stem for stem in telling if held[stem] >= max(2, _MOST_MEMBERS * len(members))]
    chosen = [stem for stem in shared if telling[stem] >= _TELLING * telling[shared[0]]]
    fallback = [stem for words in written[:1] for stem in telling if stem in words]
    return " ".join(_words([*chosen, *shared, *fallback], len(chosen), written))


def _telling(held: Counter[str], members: int, everything: Sequence[str]) -> dict[str, float]:
    """How telling each term is, the most telling first."""
    total = Counter(stem for text in everything for stem in _written(text).keys() & held.keys())
    others = max(0, len(everything) - members)

    def weight(stem: str) -> float:
        elsewhere = max(0, total[stem] - held[stem])
        share = held[stem] / members
        # Half an occurrence more: a word that no other text has is rare, not impossible.
        return share * math.log(share * (others + 1) / (elsewhere + 0.5))

    weights = {stem: weight(stem) for stem in held}
    return {stem: weights[stem] for stem in sorted(held, key=lambda stem: (-weights[stem], stem))}


def _words(stems: Sequence[str], chosen: int, written: Sequence[dict[str, str]]) -> list[str]:
    """The first stems as words, each word once: all chosen ones, and of the others as many as a theme needs."""
    by_weight: dict[str, str] = {}
    for place, stem in enumerate(stems):
        enough = FEWEST_WORDS if place >= chosen else MOST_WORDS
        if len(by_weight) >= enough:
            break
        word = next(words[stem] for words in written if stem in words)
        by_weight.setdefault(word.casefold(), stem)
    kept = list(by_weight.values())
    if not kept:
        return []
    carrier = max(written, key=lambda words: sum(stem in words for stem in kept))
    place_of = {stem: place for place, stem in enumerate(carrier)}
    kept.sort(key=lambda stem: place_of.get(stem, len(place_of)))
    return [next(words[stem] for words in (carrier, *written) if stem in words)[:_LONGEST_WORD] for stem in kept]


# Each group is compared with all texts, so each text is asked for once per group.
@functools.lru_cache(maxsize=5_000)
def _written(text: str) -> dict[str, str]:
    return as_written(text)
