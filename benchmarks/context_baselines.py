"""What a loader is compared with: rankings of whole files, of chunks, of both, by past commits, and by the answer."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from context_scoring import FILE_TOKENS, Clone, Item, Task, Text

from agentops_mcp.factors.context.rules.kinds import kind_of
from agentops_mcp.storage.commit_log import Commit
from agentops_mcp.storage.source_tree import SourceFile

CHUNK_LINES = 50
AROUND_LINES = 15
_K1, _B = 1.2, 0.75
_FUSED = 10
"""What is added to each rank before its reciprocal is taken: of 60, 10, 1 and 0.5 the best here."""

_SIMILAR_COMMITS = 100
_MOST_FILES = 40

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_EMPTY = frozenset(
    "a an and are as at be by for from if in into is it not of on or so that the this to was when with".split()
)

_ENDINGS = "ations ation ings ing ions ion ies ied ers er ors or es ed s e y".split()
_SHORTEST_STEM = 3

Words = Counter[str]


def words_of(text: str) -> Words:
    """The parts of every identifier in lower case, and whole those of several parts; stemmed."""
    found: Words = Counter()
    for identifier, count in Counter(_IDENTIFIER.findall(text)).items():
        parts = [part.lower() for part in _PART.findall(identifier)]
        if len(parts) > 1:
            found["".join(parts)] += count
        for part in parts:
            if len(part) > 1 and part not in _EMPTY:
                found[_stem(part)] += count
    return found


def _stem(word: str) -> str:
    ending = next((each for each in _ENDINGS if word.endswith(each) and len(word) - len(each) >= _SHORTEST_STEM), "")
    return word[: len(word) - len(ending)]


class Bm25:
    """BM25 over documents that are bags of words."""

    def __init__(self, documents: Sequence[Words]) -> None:
        self._documents = documents
        lengths = [sum(each.values()) for each in documents]
        mean = sum(lengths) / max(len(lengths), 1) or 1.0
        self._damping = [_K1 * (1 - _B + _B * length / mean) for length in lengths]

    def scores(self, query: Words) -> list[float]:
        """The score of each document."""
        scores = [0.0] * len(self._documents)
        for word, weight in query.items():
            hits = [(number, document[word]) for number, document in enumerate(self._documents) if word in document]
            idf = math.log(1 + (len(scores) - len(hits) + 0.5) / (len(hits) + 0.5))
            for number, count in hits:
                scores[number] += weight * idf * count * (_K1 + 1) / (count + self._damping[number])
        return scores


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of the file with a number."""

    file: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FileWords:
    """The words of a file and of each of its chunks, those of its path among them."""

    whole: Words
    chunks: tuple[Words, ...]


class Shelf:
    """The words of the files and messages of one clone, worked out once."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._files: dict[tuple[str, str], FileWords] = {}
        self._messages: dict[str, Words] = {}

    def files(self, files: Sequence[SourceFile]) -> list[FileWords]:
        """The words of each file."""
        self._clone.read([file for file in files if (file.path, file.oid) not in self._files])
        for file in files:
            if (file.path, file.oid) not in self._files:
                self._files[file.path, file.oid] = _file_words(file.path, self._clone.text(file).lines)
        return [self._files[file.path, file.oid] for file in files]

    def messages(self, commits: Sequence[Commit]) -> list[Words]:
        """The words of each commit's message."""
        for commit in commits:
            if commit.oid not in self._messages:
                self._messages[commit.oid] = words_of(commit.message)
        return [self._messages[commit.oid] for commit in commits]


def _file_words(path: str, lines: Sequence[str]) -> FileWords:
    name = words_of(path)
    bags = [words_of("".join(lines[at : at + CHUNK_LINES])) for at in range(0, len(lines), CHUNK_LINES)]
    whole = name.copy()
    for bag in bags:
        whole.update(bag)
    return FileWords(whole, tuple(bag + name for bag in bags))


class Baselines:
    """The baselines for one task, which see the source files that our loader could have chosen from."""

    def __init__(
        self,
        task: Task,
        searchable: Sequence[SourceFile],
        shelf: Shelf,
        commits: Sequence[Commit],
        *,
        texts: Mapping[str, Text],
    ) -> None:
        files = [file for file in searchable if kind_of(file.path) == "source"]
        self._task, self._texts = task, texts
        self._paths = [file.path for file in files]
        words = shelf.files(files)
        self._lines = {file.path: len(texts[file.path].lines) for file in files}
        self._query = words_of(task.text)
        self._file_scores = Bm25([each.whole for each in words]).scores(self._query)
        self._chunks = [
            Chunk(number, at * CHUNK_LINES + 1, (at + 1) * CHUNK_LINES)
            for number, each in enumerate(words)
            for at in range(len(each.chunks))
        ]
        self._chunk_scores = Bm25([chunk for each in words for chunk in each.chunks]).scores(self._query)
        self._commits, self._messages = commits, shelf.messages(commits)

    def whole_files(self, budget_tokens: int) -> list[Item]:
        """The files that fit, in order of their score."""
        return self._that_fit(self.ranked_files(budget_tokens), budget_tokens)

    def ranked_files(self, _: int) -> list[Item]:
        """Files in order of their score, the last one cut."""
        return [self._whole(self._paths[number]) for number in _ordered(self._file_scores)]

    def chunks(self, _: int) -> list[Item]:
        """Chunks in order of their score."""
        return [self._item(number) for number in _ordered(self._chunk_scores)]

    def fused(self, _: int) -> list[Item]:
        """Chunks by the product of their reciprocal rank and that of their file."""
        files, chunks = _ranks(self._file_scores), _ranks(self._chunk_scores)
        scores = [
            1 / (_FUSED + chunks[number]) / (_FUSED + files[chunk.file]) for number, chunk in enumerate(self._chunks)
        ]
        return [self._item(number) for number in _ordered(scores)]

    def past_messages(self, budget_tokens: int) -> list[Item]:
        """The files that fit, by how much the commits with the most similar messages touched them."""
        similarity = Bm25(self._messages).scores(self._query)
        worth: Counter[str] = Counter()
        for number in _ordered(similarity)[:_SIMILAR_COMMITS]:
            touched = self._commits[number].files
            if len(touched) <= _MOST_FILES:
                worth.update({each.path: similarity[number] / math.sqrt(len(touched)) for each in touched})
        files = [self._whole(path) for path, _ in worth.most_common() if path in self._lines]
        return self._that_fit(files, budget_tokens)

    def oracle(self, _: int) -> list[Item]:
        """The changed places and the lines around them."""
        return [
            Item(path, start - AROUND_LINES, end + AROUND_LINES)
            for path, places in self._task.places.items()
            for start, end in places
        ]

    def _that_fit(self, items: Sequence[Item], budget_tokens: int) -> list[Item]:
        found: list[Item] = []
        left = budget_tokens
        for item in items:
            cost = FILE_TOKENS + self._texts[item.path].tokens
            if cost <= left:
                found.append(item)
                left -= cost
        return found

    def _whole(self, path: str) -> Item:
        return Item(path, 1, self._lines[path])

    def _item(self, number: int) -> Item:
        chunk = self._chunks[number]
        return Item(self._paths[chunk.file], chunk.start, chunk.end)


BASELINES: Mapping[str, Callable[[Baselines, int], list[Item]]] = {
    "whole files by BM25, those that fit": Baselines.whole_files,
    "whole files by BM25, the last one cut": Baselines.ranked_files,
    f"{CHUNK_LINES}-line chunks by BM25": Baselines.chunks,
    "file rank x chunk rank": Baselines.fused,
    "past commit messages, files that fit": Baselines.past_messages,
    f"oracle: changed places, {AROUND_LINES} lines around": Baselines.oracle,
}


def _ordered(scores: Sequence[float]) -> list[int]:
    """The numbers of what has a score, the highest first."""
    return sorted((number for number, score in enumerate(scores) if score > 0), key=lambda number: -scores[number])


def _ranks(scores: Sequence[float]) -> list[int]:
    ranks = [len(scores)] * len(scores)
    for rank, number in enumerate(_ordered(scores)):
        ranks[number] = rank
    return ranks
