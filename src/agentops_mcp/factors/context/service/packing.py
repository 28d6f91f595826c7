"""Steps of factor II: from ranked lines to pieces with their text, within a budget that is counted, not estimated."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agentops_mcp.core import tokens
from agentops_mcp.factors.context.render import pack as render
from agentops_mcp.factors.context.render.pack import Shown
from agentops_mcp.factors.context.rules import model
from agentops_mcp.factors.context.rules.corpus import Floats
from agentops_mcp.factors.context.rules.files import leading_test_chunks
from agentops_mcp.factors.context.rules.packing import Chooser, joined
from agentops_mcp.factors.context.rules.pieces import Piece, pieces_of
from agentops_mcp.factors.context.rules.weights import (
    FILE_WORTH,
    INTERCEPT,
    KIND_WORTH,
    OVERHEADS,
    WEIGHTS,
    line_tokens,
)
from agentops_mcp.factors.context.service.index import Index
from agentops_mcp.factors.context.service.ranking import Ranked

# How full a budget is filled: it takes a third attempt now and then, more only where a few tokens decide.
_ATTEMPTS, _FEW = 8, 2
_CLOSE_ENOUGH, _GOOD_ENOUGH = 0.97, 0.9
_FILE_CERTAINTY = 12.0
"""How fast the expected share of a file's lines becomes the certainty that the file matters."""

_FAVOURED = 4.0
_TESTS_NAMED = 2


@dataclass(frozen=True, slots=True)
class Packed:
    """Pieces in order of path and line, each with its tokens, and the value of each line they were chosen by."""

    shown: tuple[Shown, ...]
    tokens: tuple[int, ...]
    values: Floats
    reasons: Mapping[str, Floats]


class Packing:
    """Chooses what to send."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def pack(
        self, ranked: Ranked, *, budget_tokens: int, favoured: Sequence[bool], skipped: Sequence[tuple[int, int]]
    ) -> Packed:
        """The most valuable pieces whose text has at most `budget_tokens` tokens; `skipped` rows are not sent."""
        layout = ranked.layout
        if not layout.row_count:
            return Packed((), (), np.zeros(0), {})
        weighed = model.weigh(ranked.signals, WEIGHTS, INTERCEPT)
        values = weighed.expected * _worths(ranked, favoured)
        costs = line_tokens(layout.width, layout.indent)
        for start, end in skipped:
            values[start:end] = 0.0
            costs[start:end] = budget_tokens + 1.0  # so that no stretch leads across them
        bonuses = _bonuses(ranked, values)
        chooser = Chooser(values, costs, layout.file, bonuses, OVERHEADS)
        best: list[Shown] = []
        low, room, high = 0.0, float(budget_tokens), 4.0 * budget_tokens
        total = -1
        for attempt in range(_ATTEMPTS):
            stretches = joined(chooser.choose(room).stretches, layout.file, values)
            shown = self._with_text(ranked, pieces_of(layout, stretches, values, bonuses, weighed.reasons))
            before, total = total, sum(sizes_of(shown))
            fitting = _fitting(shown, budget_tokens)
            if _worth(fitting) > _worth(best):
                best = fitting
            if total <= budget_tokens:
                low = room
            else:
                high = room
            enough = _CLOSE_ENOUGH if attempt < _FEW else _GOOD_ENOUGH
            if sum(sizes_of(best)) >= enough * budget_tokens or before == total <= budget_tokens:
                break
            room *= budget_tokens / max(total, 1)
            if not low < room < high:
                room = (low + high) / 2
        return Packed(tuple(best), tuple(sizes_of(best)), values, weighed.reasons)

    def _with_text(self, ranked: Ranked, pieces: Sequence[Piece]) -> list[Shown]:
        """The pieces of files that can still be read."""
        numbers = list(dict.fromkeys(piece.file for piece in pieces))
        files = [ranked.indexed.files[number] for number in numbers]
        texts = {file.path: text.split(b"\n") for file, text in self._index.texts(files)}
        found: list[Shown] = []
        for piece in pieces:
            file = ranked.indexed.files[piece.file]
            if file.path not in texts:
                continue
            identifier = render.item_id(file.path, file.oid, piece.start, piece.end)
            text = render.shown_lines(texts[file.path][piece.start - 1 : piece.end])
            found.append(
                Shown(
                    id=identifier,
                    path=file.path,
                    oid=file.oid,
                    start=piece.start,
                    end=piece.end,
                    level=piece.level,
                    reason=piece.reason,
                    title=piece.title,
                    text=text,
                    value=piece.value,
                )
            )
        return found


def _worths(ranked: Ranked, favoured: Sequence[bool]) -> Floats:
    """What a row counts for by the kind of its file, and by the caller's wish."""
    worth = np.array([KIND_WORTH[kind] for kind in ranked.indexed.corpus.kinds])
    return (worth * np.where(np.array(favoured, np.bool_), _FAVOURED, 1.0))[ranked.layout.file]


def _fitting(shown: Sequence[Shown], budget_tokens: int) -> list[Shown]:
    """The pieces that fit: those that are worth the least for their size are left out."""
    kept = list(shown)
    while (excess := sum(sizes := sizes_of(kept)) - budget_tokens) > 0:
        by_density = sorted(range(len(kept)), key=lambda at: kept[at].value / sizes[at])
        dropped: set[int] = set()
        while excess > 0:
            dropped.add(by_density[len(dropped)])
            excess -= sizes[by_density[len(dropped) - 1]]
        kept = [each for at, each in enumerate(kept) if at not in dropped]
    return kept


def _worth(shown: Sequence[Shown]) -> float:
    return sum(each.value for each in shown)


def sizes_of(shown: Sequence[Shown]) -> list[int]:
    """The tokens of each piece; the first of a file carries its heading."""
    return [count_part(text) for text in render.parts(shown)]


@functools.lru_cache(maxsize=4_000)
def count_part(text: str) -> int:
    """The tokens of a part of the text."""
    # The attempts at one budget show much the same pieces.
    return tokens.count(text)


def _bonuses(ranked: Ranked, values: Floats) -> Floats:
    """What having anything of a row's file is worth: that the file matters at all is soon certain."""
    layout, corpus = ranked.layout, ranked.indexed.corpus
    shares = np.bincount(layout.file, values, minlength=len(ranked.indexed.files))
    certainty = 1 - np.exp(-_FILE_CERTAINTY * shares)
    # A reader wants to know where the thing is tested: the model, which knows changed source only, would not say.
    tests = leading_test_chunks(corpus, ranked.files.chunk_scores)[:_TESTS_NAMED]
    certainty[corpus.chunk_files[tests]] = 1.0
    certainty[shares == 0] = 0.0  # of a file that was sent before there is nothing to have
    return FILE_WORTH * certainty[layout.file]
