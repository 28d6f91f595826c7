"""How far a pattern has proved itself, computed from evidence and never claimed; and how the library is doing.

Numbers are factor IX's, unless a reason is given. Everything here is exact: whole numbers and fractions.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

Outcome = Literal["worked", "failed", "partly", "seen"]
Stage = Literal["prototype", "validated", "general", "standard", "deprecated"]
Standing = Literal["fresh", "review", "prune-candidate"]
Verdict = Literal["healthy", "unhealthy", "not enough data"]

STAGES: tuple[Stage, ...] = get_args(Stage)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

VALIDATED_SESSIONS = 3
GENERAL_CONTEXTS = 5
STANDARD_CONTEXTS = 15
STANDARD_ADOPTION = Fraction(80, 100)
"""Adoption must be above this."""

REVIEW_AFTER_SESSIONS = 20
"""Factor IX leaves N open. Twenty sessions are about a month of a project that is worked on every day: long enough to
meet most kinds of work once, short enough that somebody remembers why the pattern was written."""

PRUNE_AFTER_REVIEWS = 2
"""Times `REVIEW_AFTER_SESSIONS`: factor IX's 2N."""

LEAST_N = 10
"""Patterns below which no verdict is given: one of fewer than ten moves a rate by more than ten points, which is as
much as the whole decay rate in factor IX's example."""

GROWTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Evidence:
    """One record of a use: `at` is UTC in the ledger's form, `seen` means cited when the pattern was saved or mined.

    `context` says where, in words that are the same for the same place; empty means not known.
    """

    session: str | None
    context: str
    at: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of `n`; there is none of nothing."""

    count: int
    n: int

    @property
    def value(self) -> Fraction | None:
        """The share, 0 to 1."""
        return Fraction(self.count, self.n) if self.n else None


@dataclass(frozen=True, slots=True)
class Maturity:
    """The stage of a pattern, and what it was computed from.

    `sessions` and `contexts` are those that speak for it; `worked`, `partly` and `failed` count sessions too.
    """

    stage: Stage
    sessions: int
    contexts: int
    worked: int
    partly: int
    failed: int
    adoption: Rate
    contested: bool


# What a report weighs against others of the same instant: the worse one is believed.
_SEVERITY: dict[Outcome, int] = {"seen": 0, "worked": 1, "partly": 2, "failed": 3}


def stage(evidence: Sequence[Evidence], *, shown_in: int, deprecated: bool) -> Stage:
    """The stage alone; see `maturity`."""
    return maturity(evidence, shown_in=shown_in, deprecated=deprecated).stage


def maturity(evidence: Sequence[Evidence], *, shown_in: int, deprecated: bool) -> Maturity:
    """What the evidence comes to.

    - A session counts once, with its last word: its newest report, or that it was seen when nothing was reported.
    - Evidence without a session (a commit, an import, a person's word) counts once for each context, as a session
      would: two such records of one place may be one occasion told twice, those of two places cannot. Where a session
      speaks of that context already, only a failure counts.
    - A failure speaks against a pattern: it adds neither a session nor a context, and with more failures than
      successes the pattern is contested and not above prototype.
    - Each stage needs those below it, so many contexts within one session do not make a pattern general.
    - Adoption is the share of sessions that used it among those it was shown in, `shown_in`; a session that used it
      without being shown it counts as shown, one that was only the source of it counts as neither.
    """
    words = _last_words(evidence)
    counts = Counter(word.outcome for word in words)
    for_it = [word for word in words if word.outcome != "failed"]
    contexts = len({_place(word) for word in for_it} - {""})
    used_in = len({word.session for word in words if word.session is not None and word.outcome != "seen"})
    adoption = Rate(used_in, max(shown_in, used_in))
    contested = counts["failed"] > counts["worked"]
    reached: Stage = "prototype" if contested else _reached(len(for_it), contexts, adoption)
    return Maturity(
        stage="deprecated" if deprecated else reached,
        sessions=len(for_it),
        contexts=contexts,
        worked=counts["worked"],
        partly=counts["partly"],
        failed=counts["failed"],
        adoption=adoption,
        contested=contested,
    )


def _reached(sessions: int, contexts: int, adoption: Rate) -> Stage:
    if sessions < VALIDATED_SESSIONS:
        return "prototype"
    if contexts < GENERAL_CONTEXTS:
        return "validated"
    share = adoption.value
    is_standard = contexts >= STANDARD_CONTEXTS and share is not None and share > STANDARD_ADOPTION
    return "standard" if is_standard else "general"


def _last_words(evidence: Sequence[Evidence]) -> list[Evidence]:
    """What counts: one record for each session, and for each context that none of them spoke of."""
    last: dict[tuple[bool, str], Evidence] = {}
    for each in evidence:
        key = (each.session is not None, each.session if each.session is not None else _place(each))
        if key not in last or _weight(last[key]) < _weight(each):
            last[key] = each
    of_sessions = {_place(each) for (has_session, _), each in last.items() if has_session}
    return [
        each
        for (has_session, place), each in last.items()
        if has_session or place not in of_sessions or each.outcome == "failed"
    ]


def _weight(evidence: Evidence) -> tuple[bool, str, int, str]:
    """Reports before what was only seen, then the newest, then the worst; the context makes it the same each time."""
    return (evidence.outcome != "seen", evidence.at, _SEVERITY[evidence.outcome], evidence.context)


def _place(evidence: Evidence) -> str:
    return " ".join(evidence.context.split()).casefold()


def standing(
    last_cited_sessions_ago: int | None,
    *,
    saved_sessions_ago: int,
    shown: int,
    review_after: int = REVIEW_AFTER_SESSIONS,
) -> Standing:
    """Whether a pattern is still used, whoever wrote it: anti-patterns and those of the starter library decay alike.

    `last_cited_sessions_ago` is None if it never was; then it counts from when it was saved. `shown` is in how many
    sessions since then it was put before an agent. What nobody was shown is reviewed but no candidate for pruning:
    its words may be why it is not found, and nobody has chosen against it.
    """
    idle = saved_sessions_ago if last_cited_sessions_ago is None else last_cited_sessions_ago
    if idle < review_after:
        return "fresh"
    return "prune-candidate" if shown and idle >= PRUNE_AFTER_REVIEWS * review_after else "review"


@dataclass(frozen=True, slots=True)
class Use:
    """One pattern of a library: where it stands, and what became of it within the window that is looked at."""

    stage: Stage
    standing: Standing
    shown: bool
    cited: bool
    is_new: bool


@dataclass(frozen=True, slots=True)
class Health:
    """Figures of a library. Deprecated patterns count among `stages` alone: nobody is meant to be shown them."""

    stages: tuple[tuple[Stage, int], ...]
    retrieval: Rate
    citation: Rate
    decay: Rate
    new: int
    window_days: int
    verdict: Verdict

    @property
    def growth(self) -> Fraction:
        """New patterns for each 30 days."""
        return Fraction(self.new * GROWTH_DAYS, self.window_days)


def library_health(uses: Iterable[Use], *, window_days: int) -> Health:
    """How a library does over a window of at least one day.

    Retrieval is the share of its patterns that were shown, citation the share of those that were also cited, decay
    the share that is due for review or pruning. It is healthy while retrieval times citation is above decay, by
    factor IX's rule; with fewer than `LEAST_N` patterns, or so few shown, nothing is said.
    """
    everything = list(uses)
    live = [use for use in everything if use.stage != "deprecated"]
    shown = [use for use in live if use.shown]
    stages = Counter(use.stage for use in everything)
    retrieval = Rate(len(shown), len(live))
    citation = Rate(sum(use.cited for use in shown), len(shown))
    decay = Rate(sum(use.standing != "fresh" for use in live), len(live))
    return Health(
        stages=tuple((each, stages[each]) for each in STAGES),
        retrieval=retrieval,
        citation=citation,
        decay=decay,
        new=sum(use.is_new for use in live),
        window_days=window_days,
        verdict=_verdict(retrieval, citation, decay),
    )


def _verdict(retrieval: Rate, citation: Rate, decay: Rate) -> Verdict:
    # Retrieval times citation, with all that was shown as its middle term, is the cited share of the library.
    if min(retrieval.n, citation.n) < LEAST_N:
        return "not enough data"
    return "healthy" if Fraction(citation.count, retrieval.n) > Fraction(decay.count, decay.n) else "unhealthy"
