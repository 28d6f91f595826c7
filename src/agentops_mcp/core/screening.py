"""Recorded text that tries to instruct whoever recalls it, told from text that informs.

What is flagged is kept from recall until somebody releases it, so a false flag hides a person's note, while what is
missed still comes back as data with its provenance. So the rules are strict about who is commanded to do what: quoting
an attack in a paragraph about attacks is information, and so is a rule for working such as "always rebase". Pattern
matching does not stop injection; this makes the common forms visible.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from agentops_mcp.core.display import gist
from agentops_mcp.core.screening_grammar import Finding, findings, parse
from agentops_mcp.core.screening_shapes import commented, shapes
from agentops_mcp.core.screening_views import MOST_CHARS, decoded, hidden, normalised

_EXCERPT_CHARS = 120


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Why a text was flagged, in a few words, and the part it is about: normalised, on one line, safe to show."""

    reason: str
    excerpt: str


def suspicions(text: str) -> tuple[Suspicion, ...]:
    """What in `text` tries to instruct its reader, each reason once; empty for text that informs.

    The first 100,000 characters are looked at; time grows with their number, never faster.
    """
    found: dict[str, Suspicion] = {}
    for each in _found(text[:MOST_CHARS]):
        found.setdefault(each.reason, Suspicion(each.reason, gist(each.excerpt, limit=_EXCERPT_CHARS)))
    return tuple(found.values())


def _found(text: str) -> Iterator[Finding]:
    for view in hidden(text):
        yield Finding(view.how, view.text)
    plain = normalised(text)
    yield from _said(plain)
    yield from commented(plain)
    for view in decoded(plain):
        for each in _said(normalised(view.text)):
            yield Finding(f"{each.reason}, in {view.how}", each.excerpt)


def _said(text: str) -> Iterator[Finding]:
    parsed = parse(text)
    yield from findings(parsed)
    yield from shapes(text, parsed)
