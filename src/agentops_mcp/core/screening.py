"""Recorded text that tries to instruct whoever recalls it, told from text that informs.

What is flagged is kept from recall until somebody releases it, so a false flag hides a person's note, while what is
missed still comes back as data with its provenance. So the rules are strict about who is commanded to do what: quoting
an attack in a paragraph about attacks is information, and so is a rule for working such as "always rebase". Pattern
matching does not stop injection; this makes the common forms visible.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from agentops_mcp.core.display import gist
from agentops_mcp.core.screening_decodings import decoded
from agentops_mcp.core.screening_grammar import Finding, findings, parse
from agentops_mcp.core.screening_shapes import commented, shapes
from agentops_mcp.core.screening_views import MOST_CHARS, View, hidden, normalised

_EXCERPT_CHARS = 120


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a text was flagged, in a few words, and the part it is about.

    `excerpt` is normalised, decoded, on one line and safe to show; `start` and `end` are where that part stands in the
    text as it was given, in characters. What was encoded stands where its encoding does.
    """

    reason: str
    excerpt: str
    start: int
    end: int


def suspicions(text: str) -> tuple[Suspicion, ...]:
    """What in `text` tries to instruct its reader, each reason once; empty for text that informs.

    The first 100,000 characters are looked at; time grows with their number, never faster.
    """
    found: dict[str, Suspicion] = {}
    for each in _found(text[:MOST_CHARS]):
        found.setdefault(each.reason, each)
    return tuple(found.values())


def _found(text: str) -> Iterator[Suspicion]:
    for each in hidden(text):
        yield Suspicion(each.how, gist(each.text, limit=_EXCERPT_CHARS), each.start, each.end)
    plain = normalised(text)
    yield from _suspicions(plain, _said(plain.text))
    yield from _suspicions(plain, commented(plain.text))
    for view in decoded(plain.text):
        inner = normalised(view.text)
        for each in _suspicions(inner, _said(inner.text)):
            start, end = plain.place(*view.place(each.start, each.end))
            yield Suspicion(f"{each.reason}, in {view.how}", each.excerpt, start, end)


def _suspicions(view: View, found: Iterator[Finding]) -> Iterator[Suspicion]:
    for each in found:
        excerpt = gist(view.text[each.start : each.end], limit=_EXCERPT_CHARS)
        yield Suspicion(each.reason, excerpt, *view.place(each.start, each.end))


def _said(text: str) -> Iterator[Finding]:
    parsed = parse(text)
    yield from findings(parsed)
    yield from shapes(text, parsed)
