"""The five checks of factor IX, which a pattern passes before it is kept: each says what to change.

They read form, not truth: whether a pattern helps is told by `stages`, from how it went when it was used.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agentops_mcp.core.display import gist, listed
from agentops_mcp.core.wording import count_informative_words, informative_words
from agentops_mcp.factors.mining.rules.patterns import Pattern

CheckName = Literal["generalizable", "evidenced", "complete", "unique", "clear"]

REFUSING: frozenset[CheckName] = frozenset({"complete", "clear", "unique"})
"""What refuses a pattern: what is missing, vague or there already can be put right at once, and would cost every
reader. The other two only warn: evidence comes with use, and whether something is general is a guess from its words.
"""

LEAST_WORDS = {"problem": 5, "context": 3, "solution": 5}
"""The fewest informative words of what every pattern must say: about one short sentence each."""

LEAST_NEW_WORDS = 3
"""The fewest words by which a solution must go beyond its title and problem."""

MOST_REFERENCES = 4
"""One reference to a single case for this many informative words is still an example; more is a report."""


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check, and what was found or what to change."""

    name: CheckName
    passed: bool
    message: str


def check(
    pattern: Pattern, *, nearest: Sequence[tuple[str, float]], duplicate_from: float, evidence_count: int
) -> tuple[Check, ...]:
    """All five checks, in factor IX's order.

    `nearest` are other patterns of this project by name, with how similar they are; from `duplicate_from` on, in the
    same unit, one is taken for the same pattern. `evidence_count` says how many cited records were found.
    """
    return (
        _generalizable(pattern),
        _evidenced(pattern, evidence_count),
        _complete(pattern),
        _unique(pattern, nearest, duplicate_from),
        _clear(pattern),
    )


def refusals(checks: Sequence[Check]) -> tuple[Check, ...]:
    """The failed checks for which a pattern is not kept; see `REFUSING`."""
    return tuple(each for each in checks if not each.passed and each.name in REFUSING)


def warnings(checks: Sequence[Check]) -> tuple[Check, ...]:
    """The failed checks with which a pattern is kept all the same."""
    return tuple(each for each in checks if not each.passed and each.name not in REFUSING)


# What points at one thing or one day: an id, a hash, a date, a numbered issue, a web address, an absolute path.
_ONE_OFF = re.compile(
    r"""
    [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}
    | \b(?=[0-9a-f]{0,38}[0-9])(?=[0-9a-f]{0,38}[a-f])[0-9a-f]{7,64}\b
    | \b[12][0-9]{3}-[01][0-9]-[0-3][0-9]\b
    | (?<!\w)\#[0-9]{1,7}\b
    | \bhttps?://\S{1,200}
    | (?<![\w.~:/])/[\w.-]{1,100}/[\w./-]{1,200}
    | \b[A-Z]:\\[\w.\\-]{1,200}
    """,
    re.VERBOSE,
)


def _generalizable(pattern: Pattern) -> Check:
    """Whether it says something apart from one case.

    A reference to one case is welcome as an example, so the title must do without, and the problem, the context and
    the solution must each still say enough when the references are taken away, with words to spare for each of them.
    """
    if one_off := _ONE_OFF.search(pattern.title):
        return Check("generalizable", False, f"title names one case, {_quoted(one_off[0])}: name what recurs.")
    for field, least in LEAST_WORDS.items():
        text = str(getattr(pattern, field))
        references = list(dict.fromkeys(_ONE_OFF.findall(text)))
        words = count_informative_words(_ONE_OFF.sub(" ", text))
        if references and words < max(least, MOST_REFERENCES * len(references)):
            shown = listed([_quoted(each) for each in references], limit=3)
            return Check(
                "generalizable", False, f"{field} is tied to one case by {shown}: say what any such case has in "
                "common, and cite this one under evidence or known_uses.",
            )  # fmt: skip
    return Check("generalizable", True, "says what it is about without one case.")


def _evidenced(pattern: Pattern, evidence_count: int) -> Check:
    """Whether anybody can look up that it happened; without, it stays a prototype."""
    if evidence_count or pattern.known_uses:
        return Check("evidenced", True, f"{evidence_count} records, {len(pattern.known_uses)} known uses.")
    return Check(
        "evidenced", False, "no evidence was found, so it stays a prototype: cite entries or commits under evidence, "
        "tell of uses elsewhere under known_uses, or report how it went with report_outcome.",
    )  # fmt: skip


def _complete(pattern: Pattern) -> Check:
    """Whether a reader learns when to use it, what to do, and what that gains or costs."""
    lacking: list[str] = []
    for field, least in LEAST_WORDS.items():
        words = count_informative_words(getattr(pattern, field))
        if words < least:
            lacking.append(f"{field} has {words} informative words of at least {least}" if words else f"no {field}")
    if not (pattern.benefits or pattern.tradeoffs or pattern.risks):
        lacking.append("no consequences: name a benefit, a tradeoff or a risk")
    return Check("complete", not lacking, "; ".join(lacking) + "." if lacking else "every required part is there.")


def _unique(pattern: Pattern, nearest: Sequence[tuple[str, float]], duplicate_from: float) -> Check:
    """Whether it is not there already; a pattern may be as near as it likes to one it says it supersedes."""
    superseded = {relation.name for relation in pattern.related if relation.kind == "supersedes"}
    others = [(alike, name) for name, alike in nearest if name not in {pattern.name, *superseded}]
    alike, name = max(others, default=(None, ""))
    if alike is None or alike < duplicate_from:
        closest = f"; the nearest is {name} ({alike:.2f})" if alike is not None else ""
        return Check("unique", True, f"no other says the same{closest}.")
    return Check(
        "unique", False, f"{name} says nearly the same ({alike:.2f}; the limit is {duplicate_from:.2f}): refine it by "
        f"saving it again with what is new here, or say under related that this one supersedes {name}.",
    )  # fmt: skip


# Praise, care and intent: they say that something be done well, not what to do. A solution is read without them.
_HOLLOW = frozenset(
    """
    always appropriate appropriately avoid best better careful carefully clean consider correct correctly efficient
    effective effectively ensure follow following good guidelines high important necessary possible practice practices
    proper properly quality robust should standard standards sure try use using when
    """.split()
)


def _clear(pattern: Pattern) -> Check:
    """Whether a reader could act on it: "use best practices" leaves open what to do.

    Words of praise are taken away from the title and the solution; what is left must still say enough, and a solution
    must say more than the title and the problem do. Verbs are not looked for: that would need a list for each
    language, and "a token bucket for each host" is clear without one.
    """
    for field, least in (("title", 2), ("solution", LEAST_WORDS["solution"])):
        text = str(getattr(pattern, field))
        hollow = sorted(informative_words(text) & _HOLLOW)
        if count_informative_words(text) - len(hollow) < least:
            without = f" without {listed(hollow)}" if hollow else ""
            return Check(
                "clear", False, f"{field} says too little{without}: {_quoted(text)}; say who does what to what, in "
                "words that would not fit any other work.",
            )  # fmt: skip
    said = informative_words(f"{pattern.title} {pattern.problem}")
    new = count_informative_words(pattern.solution) - len(informative_words(pattern.solution) & (said | _HOLLOW))
    if new < LEAST_NEW_WORDS:
        return Check("clear", False, "solution only repeats the title and the problem: say what to do about it.")
    return Check("clear", True, "title and solution are specific.")


def _quoted(text: str) -> str:
    return repr(gist(text, limit=60))
