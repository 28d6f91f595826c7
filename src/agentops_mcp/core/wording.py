"""Whether a text says something: its words without those that would fit any work."""

import re

# Words that say that something was done, but not what: a text made of them alone teaches nobody.
# Likenesses of stored entries are computed without them, so the list must not change.
_EMPTY_WORDS = frozenset(
    """
    a an and are as at be been by for from has have i in into is it its me my not of on or our so that the them then
    there these this those to was we were with you your
    action actions add added all also another any as bug bugs change changed changes cleanup code commit complete
    completed did do does doing done edit edited error errors everything feature finish finished fix fixed fixes fixing
    general handle handled implement implemented improve improved improvement improvements issue issues made make
    minor misc miscellaneous modified more needed new none now ok okay other problem problems process progress refactor
    refactored related required resolve resolved some something stuff successfully task tasks thing things to todo
    update updated updates updating various went well wip work worked working works na n/a tbd
    """.split()
)
_WORD = re.compile(r"[^\W_]+(?:[./_'-][^\W_]+)*")
# Scripts written without spaces: each character counts as a word.
_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


def informative_words(text: str) -> frozenset[str]:
    """The words of `text`, case-folded, that say something specific."""
    return frozenset(word for word in _WORD.findall(text.casefold()) if word not in _EMPTY_WORDS)


def count_informative_words(text: str) -> int:
    """How many words of `text` say something specific; an ideograph counts as a word."""
    return len(_IDEOGRAPH.findall(text)) + len(informative_words(_IDEOGRAPH.sub(" ", text)))
