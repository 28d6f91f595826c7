"""Steps of mining: gather what was learned, cluster it, name each theme, and draft the pattern it could become."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import AgentOpsError, InvalidInputError
from agentops_mcp.core.records import Event
from agentops_mcp.factors.mining.rules import clusters, themes
from agentops_mcp.factors.mining.rules.library import Candidate, Lesson, Mined
from agentops_mcp.factors.mining.rules.patterns import Pattern, slug
from agentops_mcp.factors.mining.service.patterns import Patterns
from agentops_mcp.factors.mining.service.semantic import Semantic
from agentops_mcp.factors.mining.store import documents
from agentops_mcp.factors.mining.store.documents import Filter
from agentops_mcp.storage.ledger import Ledger

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_RECORDS = 2_000
"""The newest learnings and failures that are looked at in one go."""

LEAST_OCCURRENCES = 2

_PATIENCE_S = 20.0
_MADE_FROM = 0.5
"""Share of a theme's records that a pattern must cite to have been made from it, however it was reworded."""
_PARTS = frozenset({"kind", "action", "context", "solution", "learning", "tags"})


class Mining:
    """Finds what recurs."""

    def __init__(self, ledger: Ledger, semantic: Semantic, patterns: Patterns) -> None:
        self._ledger = ledger
        self._semantic = semantic
        self._patterns = patterns

    def mine(self, *, since: str = "", min_occurrences: int = 3) -> Mined:
        """The themes that recur at least so often, the most frequent first. The same for the same ledger.

        Raises:
            InvalidInputError: a theme of fewer than `LEAST_OCCURRENCES` is none.
        """
        if min_occurrences < LEAST_OCCURRENCES:
            raise InvalidInputError(
                f"min_occurrences={min_occurrences} is too small.", remedy=f"Use {LEAST_OCCURRENCES} or more."
            )
        lessons = self._lessons(since)
        groups, reason = self.cluster([each.text for each in lessons], min_size=min_occurrences)
        texts = [each.text for each in lessons]
        found = [self._candidate([lessons[at] for at in group], texts) for group in groups]
        found.sort(key=lambda each: (-each.sessions, -len(each.members), each.theme))
        return Mined(tuple(found), len(lessons), _sessions(lessons), min_occurrences, reason)

    def cluster(self, texts: Sequence[str], *, min_size: int = 3) -> tuple[list[tuple[int, ...]], str]:
        """The positions of texts that belong together, the most typical of each group first, and why not by meaning."""
        vectors, reason = self._vectors(texts) if len(texts) >= min_size else (None, "")
        return [group.members for group in clusters.cluster(texts, vectors, min_size=min_size)], reason

    def _vectors(self, texts: Sequence[str]) -> tuple["NDArray[np.float32] | None", str]:
        try:
            loaded = self._semantic.ready(patience_s=_PATIENCE_S)
            return loaded.embedder.embed(texts), ""
        except AgentOpsError as error:
            return None, error.problem

    def _lessons(self, since: str) -> list[Lesson]:
        kinds = ("learning", "failure", "retrospective", "action", "decision")
        with self._ledger.read() as tx:
            newest = documents.newest(tx, Filter(kinds=kinds, since=since), limit=4 * MOST_RECORDS)
        lessons = [_lesson(found.ref, event) for found, event in newest if _teaches(event)]
        return lessons[:MOST_RECORDS][::-1]

    def _candidate(self, members: Sequence[Lesson], texts: Sequence[str]) -> Candidate:
        # Texts without words, as of an emoji, have no theme in common that could be named.
        theme = themes.theme([each.text for each in members], texts) or gist(members[0].title, limit=60)
        draft = _draft(theme, members)
        return Candidate(theme, tuple(members), _sessions(members), draft, self._known(draft))

    def _known(self, draft: Pattern) -> tuple[str, float] | None:
        """The pattern that was made from most of the same records, or that says nearly the same."""
        ids = set(draft.evidence)
        cited = [
            (len(ids & set(each.pattern.evidence)) / len(ids), each.pattern.name) for each in self._patterns.members()
        ]
        share, name = max(cited, default=(0.0, ""))
        if share >= _MADE_FROM:
            return name, share
        nearest, duplicate_from = self._patterns.nearest(draft)
        return nearest[0] if nearest and nearest[0][1] >= duplicate_from else None


def _teaches(event: Event) -> bool:
    body = event.body
    if not body.keys() >= _PARTS:  # damaged since it was recorded
        return False
    return body["kind"] in ("failure", "learning", "retrospective") or bool(body["learning"].strip())


def _lesson(ref: str, event: Event) -> Lesson:
    body = event.body
    # What was learned says what two cases have in common; what was done, in what they differ.
    text = body["learning"].strip() or f"{body['action']}. {body['context']}"
    return Lesson(
        ref, body["kind"], event.at, event.session, text, body["action"], body["context"],
        body["solution"], tuple(body["tags"]),
    )  # fmt: skip


def _sessions(lessons: Sequence[Lesson]) -> int:
    return len({each.session or each.ref for each in lessons})


def _draft(theme: str, members: Sequence[Lesson]) -> Pattern:
    """A pattern in the members' own words; what they do not say is left for whoever completes it."""
    typical = members[0]
    failures = [each for each in members if each.kind == "failure"]
    problem = " ".join(dict.fromkeys(each.title.rstrip(".") + "." for each in (failures or members)[:3]))
    solution = next((each.solution for each in members if each.solution), "") or typical.text
    shared = [tag for tag in typical.tags if all(tag in each.tags for each in members)]
    title = gist(theme[:1].upper() + theme[1:], limit=120)
    return Pattern(
        name=slug(theme), title=title, kind="pattern", category="domain", problem=problem, context=typical.context,
        solution=solution, tags=tuple(shared),
        evidence=tuple(each.ref.rpartition("/")[2] for each in members)[:50],
    )  # fmt: skip
