"""Steps of factor II: read files that are not known yet, and work out what is kept of each."""

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass

from agentops_mcp.factors.context.rules import facts as rules
from agentops_mcp.factors.context.rules import passed_over
from agentops_mcp.factors.context.rules.facts import FileFacts
from agentops_mcp.storage.blob_facts import BlobFacts
from agentops_mcp.storage.source_tree import SourceFile, SourceTree

Read = tuple[SourceFile, bytes | None]

_REASON = b"\xff\xff\xff\xff"  # no file has so many terms
_BATCH_BYTES, _BATCH_FILES = 1 << 20, 500
_WORKERS = 2
_NONE: list[Read] = []


def key_of(file: SourceFile) -> str:
    """What facts are kept by: the content, and the ending of the name, which says how to read it."""
    name = file.path.rpartition("/")[2]
    return f"{file.oid}{name[name.rfind('.') :].lower() if '.' in name else '/' + name}"


def stored_facts(stored: bytes | None) -> FileFacts | str | None:
    """What was kept of a file: its facts, or why it is passed over; None if it is to be read anew."""
    if stored is None:
        return None
    if stored.startswith(_REASON):
        return stored[len(_REASON) :].decode("utf-8", "replace")
    try:
        return rules.decode(stored)
    except ValueError:
        return None


def read_facts(
    tree: SourceTree, cache: BlobFacts, files: Sequence[SourceFile], *, deadline: float | None
) -> Generator[tuple[SourceFile, FileFacts | str]]:
    """The facts of each file or why it is passed over, until the deadline.

    Batches are worked on while the next is read and the one before is stored; NumPy leaves other threads room.
    """
    if not files:
        return
    batches = _batches(tree.read(files, limit_bytes=passed_over.LARGEST_BYTES))
    with (
        closing(batches),
        ThreadPoolExecutor(1) as reader,
        ThreadPoolExecutor(_WORKERS) as workers,
        ThreadPoolExecutor(1) as writer,
    ):
        under_way: deque[Future[_Worked]] = deque()
        ahead = reader.submit(next, batches, _NONE)
        try:
            while (batch := ahead.result()) or under_way:
                if batch:
                    under_way.append(workers.submit(_worked_out, batch))
                    ahead = reader.submit(next, batches, _NONE)
                if batch and len(under_way) <= _WORKERS:
                    continue
                worked = under_way.popleft().result()
                writer.submit(cache.put, rules.FORMAT, worked.rows)
                yield from worked.found
                if deadline is not None and time.monotonic() > deadline:
                    return
        finally:
            wait([ahead])  # a generator cannot be closed while it is being read


def _batches(contents: Iterator[Read]) -> Generator[list[Read]]:
    """About a megabyte at a time."""
    batch: list[Read] = []
    size = 0
    for file, content in contents:
        batch.append((file, content))
        size += len(content or b"")
        if size > _BATCH_BYTES or len(batch) == _BATCH_FILES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Worked:
    """What is known of the files of a batch, and the rows to keep."""

    found: list[tuple[SourceFile, FileFacts | str]]
    rows: list[tuple[str, bytes]]


def _worked_out(batch: Sequence[Read]) -> _Worked:
    done = _Worked([], [])
    texts: list[tuple[SourceFile, bytes]] = []
    for file, content in batch:
        if content is None:
            done.found.append((file, "unreadable"))
        elif reason := passed_over.by_content(file.path, content):
            done.rows.append((key_of(file), _REASON + reason.encode()))
            done.found.append((file, reason))
        else:
            texts.append((file, as_utf8(content)))
    for (file, _), facts in zip(texts, rules.read_facts([text for _, text in texts]), strict=True):
        done.rows.append((key_of(file), rules.encode(facts)))
        done.found.append((file, facts))
    return done


def as_utf8(content: bytes) -> bytes:
    """A text as UTF-8 without a byte order mark."""
    return content if _is_utf8(content) else passed_over.decode(content).encode("utf-8", "replace")


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not content.startswith(b"\xef\xbb\xbf")
