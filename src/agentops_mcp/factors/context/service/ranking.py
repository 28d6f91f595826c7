"""Steps of factor II: how much each line of a listing has to do with a task."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agentops_mcp.factors.context.rules.corpus import match
from agentops_mcp.factors.context.rules.files import FileSignals, Names, file_signals, leading_test_chunks
from agentops_mcp.factors.context.rules.history import PastChanges
from agentops_mcp.factors.context.rules.layout import Layout
from agentops_mcp.factors.context.rules.lines import Signals, line_signals
from agentops_mcp.factors.context.rules.tasks import Query, read_task
from agentops_mcp.factors.context.service.index import Index, Indexed, Recent
from agentops_mcp.storage.commit_log import CommitLog
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
        self._pasts: Recent[tuple[str, int], PastChanges] = Recent(4)

    def rank(
        self, task: str, indexed: Indexed, *, commit: str | None, favoured: Sequence[bool], deadline: float | None
    ) -> Ranked:
        """The signals of every line worth a look."""
        query = read_task(task)
        past, is_whole = self._past(commit, deadline)
        corpus = indexed.corpus
        matches = match(corpus, query)
        names = Names(query, matches)
        files = file_signals(corpus, query, matches, names, past, favoured=np.array(favoured, np.bool_))
        chosen = [indexed.files[number] for number in files.chosen]
        tests = {int(corpus.chunk_files[chunk]) for chunk in leading_test_chunks(corpus, files.chunk_scores)}
        known = sorted({*files.chosen, *tests})
        facts = dict(zip(known, self._index.facts([indexed.files[each] for each in known]), strict=True))
        units = dict(zip(files.chosen, self._index.units(chosen), strict=True))
        layout = Layout(corpus, files.chosen, facts, units)
        signals = line_signals(corpus, layout, files, matches, names, past, facts)
        return Ranked(query, indexed, files, layout, signals, is_whole)

    def _past(self, commit: str | None, deadline: float | None) -> tuple[PastChanges, bool]:
        if commit is None or self._log is None:
            return PastChanges(()), True
        history = self._log.before(commit, deadline=deadline)
        key = commit, len(history.commits)
        past = self._pasts.get(key)
        if past is None:
            past = PastChanges(history.commits)
            self._pasts.put(key, past)
        return past, history.complete


def in_time(seconds: float) -> float:
    """The moment that many seconds from now, for deadlines."""
    return time.monotonic() + seconds
