"""Steps of factor II: how much each line of a listing has to do with a task."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agentops_mcp.factors.context.rules.corpus import match
from agentops_mcp.factors.context.rules.files import FileSignals, Names, file_signals, leading_test_chunks
from agentops_mcp.factors.context.rules.history import PastChanges
from agentops_mcp.factors.context.rules.layout import Layout
from agentops_mcp.factors.context.rules.line_history import Hunk
from agentops_mcp.factors.context.rules.lines import Signals, line_signals
from agentops_mcp.factors.context.rules.memory import Remembered
from agentops_mcp.factors.context.rules.quotes import find_quotes
from agentops_mcp.factors.context.rules.tasks import Query, read_task
from agentops_mcp.factors.context.service.index import Index, Indexed, Recent
from agentops_mcp.storage.commit_log import CommitLog, History
from agentops_mcp.storage.source_tree import SourceFile


@dataclass(frozen=True, slots=True)
class Ranked:
    """The rows of the files looked into, with the signals of each."""

    query: Query
    indexed: Indexed
    files: FileSignals
    layout: Layout
    signals: Signals
    history_is_whole: bool

    def file_of(self, row: int) -> SourceFile:
        """The file a row belongs to."""
        return self.indexed.files[int(self.layout.file[row])]


class Ranking:
    """Ranks lines. Safe to share between threads."""

    def __init__(self, index: Index, log: CommitLog | None) -> None:
        self._index = index
        self._log = log
        self._pasts: Recent[tuple[str, int, str], PastChanges] = Recent(4)

    def rank(
        self,
        task: str,
        indexed: Indexed,
        *,
        commit: str | None,
        favoured: Sequence[bool],
        records: Sequence[Remembered] = (),
        deadline: float | None = None,
    ) -> Ranked:
        """The signals of every line worth a look; the project's own records count as commits to the files they cite."""
        query = read_task(task)
        past, is_whole = self._past(commit, records, deadline)
        corpus = indexed.corpus
        matches = match(corpus, query)
        names = Names(query, matches)
        files = file_signals(corpus, query, matches, names, past, favoured=np.array(favoured, np.bool_))
        chosen = [indexed.files[number] for number in files.chosen]
        tests = {int(corpus.chunk_files[chunk]) for chunk in leading_test_chunks(corpus, files.chunk_scores)}
        known = sorted({*files.chosen, *tests})
        facts = dict(zip(known, self._index.facts([indexed.files[each] for each in known]), strict=True))
        shapes = dict(zip(files.chosen, self._index.shapes(chosen), strict=True))
        layout = Layout(corpus, files.chosen, facts, shapes)
        quoted = find_quotes(query.quotes, self._texts(indexed, files.chosen) if query.quotes else {}, facts)
        signals = line_signals(corpus, layout, files, matches, names, past, facts, quoted)
        return Ranked(query, indexed, files, layout, signals, is_whole)

    def _texts(self, indexed: Indexed, chosen: Sequence[int]) -> dict[int, bytes]:
        numbers = {indexed.files[number].path: number for number in chosen}
        return {
            numbers[file.path]: text for file, text in self._index.texts([indexed.files[number] for number in chosen])
        }

    def read_history(self, commit: str | None) -> None:
        """Read what an answer did not wait for."""
        self._past(commit, (), None)

    def _past(
        self, commit: str | None, records: Sequence[Remembered], deadline: float | None
    ) -> tuple[PastChanges, bool]:
        history = self._log.before(commit, deadline=deadline) if commit and self._log else _NO_HISTORY
        key = commit or "", len(history.commits), records[0].id if records else ""
        past = self._pasts.get(key)
        if past is None:
            cited = [_Cited(each.text, tuple(map(_CitedFile, each.files))) for each in records if each.files]
            past = PastChanges([*cited, *history.commits])
            self._pasts.put(key, past)
        return past, history.complete


@dataclass(frozen=True, slots=True)
class _CitedFile:
    path: str
    contexts: tuple[str, ...] = ()
    hunks: tuple[Hunk, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Cited:
    """A record in the form of a commit: what was said, of which files."""

    message: str
    files: tuple[_CitedFile, ...]
    more: int = 0


_NO_HISTORY = History((), complete=True)


def in_time(seconds: float) -> float:
    """The moment that many seconds from now, for deadlines."""
    return time.monotonic() + seconds
