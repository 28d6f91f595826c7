"""Steps of factor II: list, rank, choose, show, count; and record what it cost."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentops_mcp.core import tokens
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError, NotFoundError
from agentops_mcp.core.ids import is_id
from agentops_mcp.core.records import Actor
from agentops_mcp.factors.context.render import pack as render
from agentops_mcp.factors.context.render.pack import Shown
from agentops_mcp.factors.context.rules import memory, window
from agentops_mcp.factors.context.rules import requests as rules
from agentops_mcp.factors.context.rules.briefs import ReportLimits
from agentops_mcp.factors.context.rules.memory import Remembered
from agentops_mcp.factors.context.rules.pieces import seen_rows
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.rules.tasks import read_task
from agentops_mcp.factors.context.rules.units.cut import line_count
from agentops_mcp.factors.context.service.index import Index, Indexed
from agentops_mcp.factors.context.service.packing import Packed, Packing
from agentops_mcp.factors.context.service.ranking import Ranked, Ranking, in_time
from agentops_mcp.factors.context.service.window import WindowLedger
from agentops_mcp.factors.context.service.writing import Contents, Writing, left_out_of, load_of, revision_of, with_less
from agentops_mcp.storage.source_tree import Listing, SourceFile, SourceTree

logger = logging.getLogger(__name__)

# Together with listing, ranking and counting these stay below three seconds on 20,000 files.
_INDEX_S, _HISTORY_S = 1.2, 0.6

_SLACK_TOKENS = 6
_STATE_CHARS = 300
# Of the form of an id, and of more tokens than any: what is chosen must not depend on how many those of this load are.
_WIDEST_ID = "0a1b2c3d-4e5f-7a8b-9c0d-1e2f3a4b5c6d"


class Memory(Protocol):
    """What a load asks of the project's own records."""

    def records(self) -> Sequence[Remembered]:
        """The newest records that may apply to a task."""
        ...

    def open_work(self) -> Remembered | None:
        """The newest unfinished state."""
        ...

    def loaded(self, load_id: str) -> Sequence[str]:
        """The ids of what an earlier load sent; nothing when there is no such load."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load sent: the text and exactly how many o200k tokens it has, and what it was made from.

    `id` is empty when nothing was recorded; `is_refused`: the text says why nothing was sent.
    """

    text: str
    tokens: int
    id: str
    items: tuple[Shown, ...]
    item_tokens: tuple[int, ...]
    is_refused: bool
    ranked: Ranked | None
    packed: Packed | None


class Contexts:
    """Loads context. Safe to share between threads; without `windows` nothing is recorded."""

    def __init__(
        self,
        tree: SourceTree,
        index: Index,
        ranking: Ranking,
        *,
        root: Path,
        windows: WindowLedger | None,
        memory: Memory | None,
        limits: ReportLimits,
        new_id: Callable[[], str],
    ) -> None:
        self._tree = tree
        self._index = index
        self._ranking = ranking
        self._packing = Packing(index)
        self._root = root
        self._windows = windows
        self._memory = memory
        self._writing = Writing(windows, limits)
        self._new_id = new_id
        self._working = threading.Lock()

    def load(self, request: Request, *, actor: Actor | None = None, patient: bool = False) -> Loaded:
        """The most useful context for a task within its budget; recorded when this returns.

        A `patient` caller waits until everything is indexed; others get an answer from what is ready.

        Raises:
            InvalidInputError: the request cannot be carried out, or there is no such revision.
            NotFoundError, ExpiredError: the session's handle is not usable.
            GitError: git could not say what there is.
        """
        rules.check(request)
        wanted = rules.path_filter(request.paths, root=self._root.as_posix())
        listing = self._tree.list(request.rev or None)
        files = [file for file in listing.files if not request.only_paths or wanted(file.path)]
        if request.only_paths and not files:
            raise InvalidInputError(
                f"No file matches {request.paths[0][:80]!r}.", remedy="Name files or folders that `git ls-files` shows."
            )
        indexed = self._index.of(files, first=_nearest(request.task), deadline=None if patient else in_time(_INDEX_S))
        favoured = [bool(request.paths) and not request.only_paths and wanted(file.path) for file in indexed.files]
        records = self._records(request)
        ranked = self._ranking.rank(
            request.task,
            indexed,
            commit=listing.commit,
            favoured=favoured,
            records=records,
            deadline=None if patient else in_time(_HISTORY_S),
        )
        load_id = self._new_id() if self._windows and actor else ""
        loaded = self._fitted(request, listing, ranked, favoured, records, load_id)
        if not patient:
            self._go_on(files, indexed, ranked, listing.commit)
        return self._recorded(request, listing, loaded, actor)

    def close(self) -> None:
        """Release the index's file."""
        self._index.close()

    def lines(self, path: str, start: int, end: int) -> str:
        """Lines of a file of the worktree, or of HEAD.

        Raises:
            InvalidInputError: the path leads out of the project, or the file has no such lines.
            NotFoundError: there is no such file that may be shown.
        """
        text = self._text(path)
        count = line_count(text)
        if not 1 <= start <= end or start > count:
            raise InvalidInputError(f"{path[:80]!r} has lines 1 to {count}.", remedy="Ask for lines that are there.")
        return render.shown_lines(text.split(b"\n")[start - 1 : min(end, count)])

    def outline(self, path: str) -> str:
        """The units of a file, a line each.

        Raises:
            InvalidInputError: the path leads out of the project.
            NotFoundError: there is no such file that may be shown.
        """
        file = self._file(path)
        return render.outline(self._index.units([file])[0])

    def complete_path(self, prefix: str, limit: int = 20) -> list[str]:
        """Paths of files that may be shown and begin with `prefix`."""
        found = [file for file in self._tree.list(None).files if file.path.startswith(prefix)][:limit]
        return [file.path for file in self._index.usable(found)]

    def _text(self, path: str) -> bytes:
        file = self._file(path)
        return next((text for _, text in self._index.texts([file])), b"")

    def _file(self, path: str) -> SourceFile:
        wanted = rules.inside(path, self._root.as_posix())
        found = next((file for file in self._tree.list(None).files if file.path == wanted), None)
        reason = "there is none" if found is None else self._index.reason_against(found)
        if found is None or reason is not None:
            raise NotFoundError(
                f"No file {path[:80]!r} to show ({reason}).", remedy="Use a path that load_context named."
            )
        return found

    def _records(self, request: Request) -> Sequence[Remembered]:
        if self._memory is None or "knowledge" not in request.include:
            return ()
        return self._memory.records()

    def _fitted(
        self,
        request: Request,
        listing: Listing,
        ranked: Ranked,
        favoured: Sequence[bool],
        records: Sequence[Remembered],
        load_id: str,
    ) -> Loaded:
        """The text that fits, by choosing for the room that is left beside what is always said."""
        head = render.head(request.task, revision_of(listing, request.rev))
        shown_records = self._shown_records(request, records)
        left_out = left_out_of(listing, ranked, ())
        fixed = Contents(head, shown_records, (), (), left_out)
        stand_in = _WIDEST_ID if load_id else ""
        room = request.budget_tokens - self._writing.text_of(request, fixed, stand_in)[1] - _SLACK_TOKENS
        packed = None
        if "code" in request.include and room > 0:
            skipped = self._skipped(request, ranked)
            packed = self._packing.pack(ranked, budget_tokens=room, favoured=favoured, skipped=skipped)
        chosen = Contents(
            head, shown_records, packed.shown if packed else (), packed.tokens if packed else (),
            left_out_of(listing, ranked, packed.shown if packed else ()),
        )  # fmt: skip
        while chosen.head and self._writing.text_of(request, chosen, stand_in)[1] > request.budget_tokens:
            chosen = with_less(chosen)
        text, cost = self._writing.text_of(request, chosen, load_id)
        if cost > request.budget_tokens and request.for_subagent:
            raise InvalidInputError(
                f"A brief for this task takes {cost:,} tokens before there is any context in it.",
                remedy=f"Call again with budget_tokens={cost + rules.LEAST_BUDGET} or more.",
            )
        if cost > request.budget_tokens:
            text = tokens.truncate(text, request.budget_tokens)
            cost = tokens.count(text)
        items = (*chosen.records, *chosen.pieces)
        sizes = (*(tokens.count(render.records([each])) for each in chosen.records), *chosen.sizes)
        return Loaded(text, cost, load_id, items, sizes, is_refused=False, ranked=ranked, packed=packed)

    def _recorded(self, request: Request, listing: Listing, loaded: Loaded, actor: Actor | None) -> Loaded:
        assessment = self._writing.assessed(request, loaded.tokens)
        if assessment is not None and assessment.is_refused:
            text = window.refusal(assessment)
            return Loaded(
                text, tokens.count(text), "", (), (), is_refused=True, ranked=loaded.ranked, packed=loaded.packed
            )
        if self._windows is not None and actor is not None:  # a person looking is no load of an agent's window
            commit = listing.commit if request.rev else None
            load = load_of(request, loaded.items, loaded.item_tokens, loaded.tokens, commit=commit)
            self._windows.record(load, actor=actor, load_id=loaded.id)
        return loaded

    def _shown_records(self, request: Request, records: Sequence[Remembered]) -> tuple[Shown, ...]:
        found = list(memory.applying(request.task, records))
        if self._memory is not None and "state" in request.include and (state := self._memory.open_work()):
            found.insert(0, state)
        seen = set(self._sent(request))
        return tuple(
            Shown(each.id, "", "", 0, 0, "pointer", "words", each.kind, gist(each.gist, limit=_STATE_CHARS))
            for each in found
            if each.id not in seen
        )

    def _skipped(self, request: Request, ranked: Ranked) -> list[tuple[int, int]]:
        """The rows of what was sent before."""
        ranges: dict[str, list[tuple[int, int]]] = {}
        contents = {file.path: file.oid for file in ranked.indexed.files}
        for seen in filter(None, map(rules.parse_seen, self._sent(request))):
            if contents.get(seen.path, "").startswith(seen.oid):
                ranges.setdefault(seen.path, []).append((seen.start, seen.end))
        return list(seen_rows(ranked.layout, ranked.indexed.corpus.paths, ranges))

    def _sent(self, request: Request) -> list[str]:
        """The ids of what was sent before, those of whole loads as the ids of their items too."""
        records = self._memory
        if records is None:
            return [*request.seen]
        return [*request.seen, *(item for each in request.seen if is_id(each) for item in records.loaded(each))]

    def _go_on(self, files: Sequence[SourceFile], indexed: Indexed, ranked: Ranked, commit: str | None) -> None:
        """Finish in the background what the answer did not wait for."""
        if (not indexed.pending and ranked.history_is_whole) or not self._working.acquire(blocking=False):
            return

        def work() -> None:
            try:
                self._index.of(files)
                self._ranking.read_history(commit)
            except Exception:
                logger.info("Indexing in the background failed; the next load goes on with it.", exc_info=True)
            finally:
                self._working.release()

        threading.Thread(target=work, name="context-index", daemon=True).start()


def _nearest(task: str) -> Callable[[SourceFile], object]:
    """What to look at first when there is no time for everything: names like the task's words, then small files."""
    wanted = sorted(read_task(task).stems)

    def rank(file: SourceFile) -> tuple[int, int]:
        path = file.path.lower()  # a stem is a beginning: to cut 20,000 paths into words would take longer
        return -sum(each in path for each in wanted), file.size_bytes

    return rank
