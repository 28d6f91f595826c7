"""A pattern from what an agent sends: short fields, and the longer sections as Markdown."""

from collections.abc import Sequence

from agentops_mcp.core.display import gist, listed
from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.factors.mining.rules.markdown import parse_sections
from agentops_mcp.factors.mining.rules.patterns import Kind, Pattern, Relation, slug

_CONSEQUENCES = {"benefit": "benefits", "tradeoff": "tradeoffs", "trade-off": "tradeoffs", "risk": "risks"}
_DETAILS = ("forces", "implementation", "known_uses")


def drafted(
    *,
    title: str,
    problem: str,
    context: str,
    solution: str,
    consequences: Sequence[str],
    details: str,
    evidence: Sequence[str],
    tags: Sequence[str],
    category: str,
    kind: Kind,
    name: str,
    supersedes: str,
) -> Pattern:
    """The pattern; its name comes from the title unless one is given.

    Raises:
        InvalidInputError: a field is not what it must be.
    """
    sorted_out: dict[str, list[str]] = {"benefits": [], "tradeoffs": [], "risks": []}
    for each in consequences:
        label, colon, text = each.partition(":")
        field = _CONSEQUENCES.get(label.strip().casefold().removesuffix("s"))
        if not colon or field is None:
            raise InvalidInputError(
                f"The consequence {gist(each, limit=60)!r} does not say which it is.",
                remedy="Begin each with 'benefit:', 'tradeoff:' or 'risk:'.",
            )
        sorted_out[field].append(text.strip())
    sections = parse_sections(details)
    if taken := [field for field in sections if field not in _DETAILS]:
        raise InvalidInputError(
            f"details has {listed(taken)}, which an argument of its own gives.",
            remedy="Keep Forces, Implementation and Known uses in it.",
        )
    return Pattern(
        name=name.strip() or slug(title), title=title, kind=kind, category=category, problem=problem, context=context,
        solution=solution, tags=tuple(tags), evidence=tuple(evidence), benefits=tuple(sorted_out["benefits"]),
        tradeoffs=tuple(sorted_out["tradeoffs"]), risks=tuple(sorted_out["risks"]),
        related=(Relation("supersedes", supersedes.strip()),) if supersedes.strip() else (), **sections,
    )  # fmt: skip
