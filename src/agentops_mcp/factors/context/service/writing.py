"""Steps of factor II: the text of a load, which says what it costs itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentops_mcp.core import tokens
from agentops_mcp.factors.context.render import pack as render
from agentops_mcp.factors.context.render.pack import LeftOut, Shown
from agentops_mcp.factors.context.rules import window
from agentops_mcp.factors.context.rules.briefs import ReportLimits, write_brief
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.rules.window import Assessment, Load
from agentops_mcp.factors.context.service.packing import count_part
from agentops_mcp.factors.context.service.ranking import Ranked
from agentops_mcp.factors.context.service.window import WindowLedger
from agentops_mcp.storage.source_tree import Listing

_SHORT_BUDGET = 600
_LEFT_OUT = 20
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into the text; `sizes` are the tokens of the pieces."""

    head: str
    records: tuple[Shown, ...]
    pieces: tuple[Shown, ...]
    sizes: tuple[int, ...]
    left_out: LeftOut


class Writing:
    """Puts a load into words."""

    def __init__(self, windows: WindowLedger | None, limits: ReportLimits) -> None:
        self._windows = windows
        self._limits = limits

    def text_of(self, request: Request, contents: Contents, load_id: str) -> tuple[str, int]:
        """The whole text and its tokens, which it names itself."""
        tail = render.tail(contents.left_out, is_short=request.budget_tokens < _SHORT_BUDGET)
        parts = [contents.head, render.records(contents.records), *render.parts(contents.pieces), tail]
        pack = "".join(parts)
        # Each part begins a line with a letter, `#` or `[`, where o200k never joins: the sum is exact.
        packed = sum(map(count_part, parts))
        warnings = self._warnings(request, contents, packed)
        text, cost = pack, packed
        for _ in range(_ROUNDS):  # the number is part of what it counts
            ending = self._ending(request, cost, warnings, load_id)
            text = self._brief(request, pack + ending, load_id) if request.for_subagent else pack + ending
            counted = tokens.count(text) if request.for_subagent else packed + tokens.count(ending)
            if counted == cost:
                break
            cost = counted
        return text, cost

    def assessed(self, request: Request, cost: int) -> Assessment | None:
        """The window after the load; None where no window is kept account of."""
        if self._windows is None:
            return None
        return self._windows.assess(
            request.session, request.window_tokens, request.used_tokens, cost, for_subagent=request.for_subagent
        )

    def _brief(self, request: Request, text: str, load_id: str) -> str:
        return write_brief(
            request.task, inputs=(), context=text, budget_tokens=request.budget_tokens, load_id=load_id,
            limits=self._limits,
        )  # fmt: skip

    def _warnings(self, request: Request, contents: Contents, cost: int) -> Sequence[str]:
        if self._windows is None:
            return ()
        items, sizes = (*contents.records, *contents.pieces), (*(0 for _ in contents.records), *contents.sizes)
        return self._windows.warnings(load_of(request, items, sizes, cost))

    def _ending(self, request: Request, cost: int, warnings: Sequence[str], load_id: str) -> str:
        lines = [f"tokens: {cost:,} of {request.budget_tokens:,} (o200k)"]
        if assessment := self.assessed(request, cost):
            lines.append(window.sentence(assessment))
            if not assessment.is_refused:
                lines += window.advice(assessment)
        lines += warnings
        if load_id:
            lines.append(f"id: {load_id}")
        return "\n".join(lines)


def revision_of(listing: Listing, rev: str) -> str:
    """Which content the load is about, in words."""
    if listing.commit is None:
        return "The folder as it is"
    changed = any(file.in_worktree for file in listing.files)
    return f"At {listing.commit[:12]}" + ("" if rev or not changed else " with the worktree's changes")


def left_out_of(listing: Listing, ranked: Ranked, shown: Sequence[Shown]) -> LeftOut:
    """What matches too and is not sent, what was passed over, and what to know about the search."""
    sent = {each.path for each in shown}
    indexed, files = ranked.indexed, ranked.files
    matching = [indexed.files[number].path for number in files.chosen if files.score[number] > 0]
    others = [path for path in matching if path not in sent]
    notes = list(listing.notes)
    if indexed.pending:
        notes.append(f"{indexed.pending:,} files are not indexed yet, they are being read now: ask again in a moment.")
    if indexed.beyond:
        notes.append(f"{indexed.beyond:,} files are beyond what is searched at once: narrow with paths and only_paths.")
    if not ranked.history_is_whole:
        notes.append("Not all of the history was read for this answer.")
    if not indexed.files:
        notes.append("There is nothing to read here yet.")
    passed = {**listing.unusable}
    for reason, count in indexed.passed_over.items():
        passed[reason] = passed.get(reason, 0) + count
    return LeftOut(others[:_LEFT_OUT], len(others), passed, notes)


def with_less(contents: Contents) -> Contents:
    """Without what is worth the least for its cost."""
    if contents.pieces:
        density = [each.value / max(size, 1) for each, size in zip(contents.pieces, contents.sizes, strict=True)]
        least = density.index(min(density))
        return Contents(
            contents.head, contents.records, contents.pieces[:least] + contents.pieces[least + 1 :],
            contents.sizes[:least] + contents.sizes[least + 1 :], contents.left_out,
        )  # fmt: skip
    if contents.records:
        return Contents(contents.head, contents.records[:-1], (), (), contents.left_out)
    if contents.left_out != LeftOut():
        return Contents(contents.head, (), (), (), LeftOut())
    half = contents.head[: max(0, len(contents.head) // 2 - 1)].rstrip()
    return Contents(f"{half}\n" if half else "", (), (), (), LeftOut())


def load_of(
    request: Request, items: Sequence[Shown], sizes: Sequence[int], cost: int, *, commit: str | None = None
) -> Load:
    """A load as the window's ledger keeps it."""
    return Load(
        task=request.task,
        budget_tokens=request.budget_tokens,
        tokens=cost,
        items=tuple(render.as_item(each, size) for each, size in zip(items, sizes, strict=True)),
        commit=commit,
        session=request.session,
        window_tokens=request.window_tokens,
        used_tokens=request.used_tokens,
        for_subagent=request.for_subagent,
    )
