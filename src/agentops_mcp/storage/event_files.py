"""The mirror's files as events: where each is kept, how two trees of them differ, and reading them with suspicion."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agentops_mcp.core.errors import IntegrityError
from agentops_mcp.core.ids import created_at, is_id
from agentops_mcp.core.records import Event, parse_event, readable
from agentops_mcp.storage.git import Git, shown

_MAX_EVENT_BYTES = 4 << 20
_CHUNK_FILES = 500
_CHUNK_BYTES = 32 << 20
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class MirrorFile:
    """A file in a commit of the mirror, ours or a remote's."""

    path: bytes
    mode: bytes
    blob: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file of the remote that was not taken, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Difference:
    """How the remote's files differ from ours: what only it has, what differs, and how many files only we have."""

    new: tuple[MirrorFile, ...]
    changed: tuple[MirrorFile, ...]
    missing: int

    def refusals(self) -> list[Refusal]:
        """The files that differ: an event never changes, so the remote's are not taken."""
        return [Refusal(shown(file.path), "its bytes differ from those of the event here") for file in self.changed]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Events of one chunk that may be merged, with the blobs that hold them, and what was refused."""

    events: list[Event]
    files: Mapping[str, str]
    refused: list[Refusal]


def event_path(event_id: str) -> str:
    """Where the mirror keeps an event: by the minute of its id, in UTC.

    Every commit writes each tree on the way anew, so there are few of them and none grows large: days of a project,
    minutes of a day, events of a minute.
    """
    return f"{created_at(event_id):%Y-%m-%d/%H%M}/{event_id}.json"


class EventFiles:
    """Reads commits of the mirror, ours or a remote's, that this repository has."""

    def __init__(self, git: Git) -> None:
        self._git = git

    def compare(self, ours: str | None, theirs: str) -> Difference:
        """How the files of `theirs` differ from those of `ours`."""
        base = ours or self._git.run("mktree").decode("ascii").strip()
        options = ("-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
        listing = self._git.run("diff-tree", *options, "--end-of-options", base, theirs, timeout_s=_TIMEOUT_S)
        words = iter(listing.split(b"\0")[:-1])
        new: list[MirrorFile] = []
        changed: list[MirrorFile] = []
        missing = 0
        for facts in words:
            _, mode, _, blob, status = facts.split(b" ")
            file = MirrorFile(next(words), mode, blob.decode("ascii"))
            if status == b"A":
                new.append(file)
            elif status == b"D":
                missing += 1
            else:
                changed.append(file)
        return Difference(tuple(new), tuple(changed), missing)

    def follows(self, ours: str, theirs: str) -> bool:
        """Whether the history of our commit includes theirs."""
        return self._git.attempt("merge-base", "--is-ancestor", theirs, ours).status == 0

    def read(self, files: Sequence[MirrorFile]) -> Iterator[Accepted]:
        """The events in `files`, a chunk at a time; what is not exactly an event at its place is refused."""
        for start in range(0, len(files), _CHUNK_FILES):
            yield from self._read_chunk(files[start : start + _CHUNK_FILES])

    def _read_chunk(self, files: Sequence[MirrorFile]) -> Iterator[Accepted]:
        refused: list[Refusal] = []
        named: list[tuple[str, str]] = []
        for file in files:
            event_id = event_id_of(file)
            if event_id is None:
                refused.append(Refusal(shown(file.path), "not the name of an event"))
            else:
                named.append((event_id, file.blob))
        fitting: list[tuple[str, str]] = []
        waiting_bytes = 0
        for (event_id, blob), size in zip(named, self._sizes([blob for _, blob in named]), strict=True):
            if size is None or size > _MAX_EVENT_BYTES:
                reason = "its content is missing" if size is None else "larger than any event"
                refused.append(Refusal(event_path(event_id), reason))
                continue
            if fitting and waiting_bytes + size > _CHUNK_BYTES:
                yield self._parse(fitting, [])
                fitting, waiting_bytes = [], 0
            fitting.append((event_id, blob))
            waiting_bytes += size
        yield self._parse(fitting, refused)

    def _sizes(self, blobs: Sequence[str]) -> list[int | None]:
        request = "".join(f"{blob}\n" for blob in blobs).encode("ascii")
        answer = self._git.run(
            "cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=request, timeout_s=_TIMEOUT_S
        )
        lines = [line.partition(b" ") for line in answer.splitlines()]
        return [int(size) if kind == b"blob" else None for kind, _, size in lines]

    def _parse(self, named: Sequence[tuple[str, str]], refused: list[Refusal]) -> Accepted:
        if not named:
            return Accepted([], {}, refused)
        request = "".join(f"{blob}\n" for _, blob in named).encode("ascii")
        answer = self._git.run("cat-file", "--batch=%(objectsize)", stdin=request, timeout_s=_TIMEOUT_S)
        events: list[Event] = []
        files: dict[str, str] = {}
        position = 0
        for event_id, blob in named:
            line_end = answer.index(b"\n", position)
            end = line_end + 1 + int(answer[position:line_end])
            content, position = answer[line_end + 1 : end], end + 1
            try:
                events.append(_event(event_id, content))
                files[event_path(event_id)] = blob
            except IntegrityError as error:
                refused.append(Refusal(event_path(event_id), error.problem))
        return Accepted(events, files, refused)


def event_id_of(file: MirrorFile) -> str | None:
    """The id of the event a file is named for, if its path is exactly the one that id demands."""
    path = file.path.decode("utf-8", "replace")
    event_id = path.rpartition("/")[2].removesuffix(".json")
    if file.mode != b"100644" or not is_id(event_id):
        return None
    try:
        return event_id if event_path(event_id) == path else None
    except (ValueError, OverflowError):  # an id from after the year 9999
        return None


def _event(event_id: str, content: bytes) -> Event:
    event = parse_event(content)
    remedy = "Take the record from its origin again; nothing was imported from this one."
    if event.id != event_id:
        raise IntegrityError("The record is another one than the file's name says.", remedy=remedy)
    if not event.tracked:
        raise IntegrityError("The record is a local one, which has no place in a mirror.", remedy=remedy)
    if readable(event).encode() != content:  # another text of the same event would make two mirrors differ for ever
        raise IntegrityError("The record is not written the way the mirror writes it.", remedy=remedy)
    return event
