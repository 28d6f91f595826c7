"""Speaking with one remote about one ref: fetching it, comparing it with ours, reading its events, pushing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agentops_mcp.core.errors import GitError, IntegrityError
from agentops_mcp.core.ids import created_at, is_id
from agentops_mcp.core.records import Event, parse_event, readable
from agentops_mcp.storage.git import Completed, Git, failure, shown

_MAX_EVENT_BYTES = 4 << 20
_REFUSALS_NAMED = 20
_CHUNK_FILES = 500
_CHUNK_BYTES = 32 << 20
_LOCAL_TIMEOUT_S = 120.0
_NO_MATCH = 2  # the exit status of `git ls-remote --exit-code` when the remote has no such ref

_FETCH_OPTIONS = (
    "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-prune", "--no-auto-maintenance",
    "--refmap=",  # a mirror clone's own refspec would let the remote overwrite our ref
    "--no-filter",  # in a partial clone every event would be fetched by itself
)  # fmt: skip
_PUSH_OPTIONS = ("--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of the remote's tree."""

    path: bytes
    mode: bytes
    blob: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file of the remote that was not taken, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did, or with `dry_run` would do.

    `fetched` counts files that only the remote had, `merged` events that were new to the ledger, `pushed` files the
    remote lacked, `refused_total` files that were not taken, of which `refused` names the first.
    """

    remote: str
    fetched: int = 0
    merged: int = 0
    pushed: int = 0
    refused: tuple[Refusal, ...] = ()
    refused_total: int = 0
    dry_run: bool = False

    def plus(self, *, fetched: int = 0, merged: int = 0, refused: Sequence[Refusal] = ()) -> "SyncReport":
        """This report after some more was done."""
        return replace(
            self,
            fetched=self.fetched + fetched,
            merged=self.merged + merged,
            refused=(*self.refused, *refused)[:_REFUSALS_NAMED],
            refused_total=self.refused_total + len(refused),
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """How the remote's files differ from ours: what only it has, what differs, and how many files only we have."""

    new: tuple[RemoteFile, ...]
    changed: tuple[RemoteFile, ...]
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
    """Where the mirror keeps an event: by the hour of its id, in UTC."""
    return f"{created_at(event_id):%Y/%m-%d/%H}/{event_id}.json"


class Exchange:
    """One remote, by its configured name, and one ref of ours."""

    def __init__(self, git: Git, remote: str, ref: str) -> None:
        self._git = git
        self._remote = git.require_remote(remote)
        self._ref = ref
        self._tracking = f"refs/agentops/remotes/{remote}/{ref.rpartition('/')[2]}"

    def fetch(self) -> str | None:
        """Bring the remote's ref here and return its commit, None when the remote has none yet.

        Raises:
            GitError: the remote can not be reached or read.
        """
        if self.tip() is None:
            return None
        refspec = f"+{self._ref}:{self._tracking}"
        self._must_succeed("fetch", *_FETCH_OPTIONS, "--end-of-options", self._remote, refspec)
        return self._git.run("rev-parse", "--verify", "--end-of-options", self._tracking).decode("ascii").strip()

    def tip(self) -> str | None:
        """What the remote's ref is now.

        Raises:
            GitError: the remote can not be reached.
        """
        args = ("ls-remote", "--exit-code", "--quiet", "--end-of-options", self._remote, self._ref)
        done = self._git.attempt_network(*args)
        if done.status not in (0, _NO_MATCH):
            raise self._unreachable(args, done)
        for line in done.stdout.splitlines():
            oid, _, name = line.partition(b"\t")
            if name == self._ref.encode():
                return oid.decode("ascii")
        return None

    def push(self, commit: str) -> GitError | None:
        """Put our commit on the remote's ref, never by force; the error when the remote did not take it.

        Raises:
            GitError: git took too long.
        """
        args = ("push", *_PUSH_OPTIONS, "--end-of-options", self._remote, f"{commit}:{self._ref}")
        done = self._git.attempt_network(*args)
        if done.status == 0:
            return None
        reasons = [line.rpartition(b"\t")[2] for line in done.stdout.splitlines() if line.startswith(b"!\t")]
        reason = f"{shown(reasons[0])}." if reasons else failure(args, done).problem
        return GitError(
            f"The remote {self._remote!r} did not take the ledger: {reason}",
            remedy="What it had is merged here; ask for permission to push to it, then sync again.",
        )

    def compare(self, ours: str | None, theirs: str) -> Difference:
        """How the files of `theirs` differ from those of `ours`."""
        base = ours or self._git.run("mktree").decode("ascii").strip()
        options = ("-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
        listing = self._git.run("diff-tree", *options, "--end-of-options", base, theirs, timeout_s=_LOCAL_TIMEOUT_S)
        words = iter(listing.split(b"\0")[:-1])
        new: list[RemoteFile] = []
        changed: list[RemoteFile] = []
        missing = 0
        for facts in words:
            _, mode, _, blob, status = facts.split(b" ")
            file = RemoteFile(next(words), mode, blob.decode("ascii"))
            if status == b"A":
                new.append(file)
            elif status == b"D":
                missing += 1
            else:
                changed.append(file)
        return Difference(tuple(new), tuple(changed), missing)

    def contains(self, ours: str | None, theirs: str) -> bool:
        """Whether our history already includes the remote's commit."""
        if ours is None:
            return False
        return self._git.attempt("merge-base", "--is-ancestor", theirs, ours).status == 0

    def read(self, files: Sequence[RemoteFile]) -> Iterator[Accepted]:
        """The events in `files`, a chunk at a time; what is not exactly an event at its place is refused."""
        for start in range(0, len(files), _CHUNK_FILES):
            yield from self._read_chunk(files[start : start + _CHUNK_FILES])

    def _read_chunk(self, files: Sequence[RemoteFile]) -> Iterator[Accepted]:
        refused: list[Refusal] = []
        named: list[tuple[str, str]] = []
        for file in files:
            event_id = _event_id(file)
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
            "cat-file", "--batch-check=%(objecttype) %(objectsize)", stdin=request, timeout_s=_LOCAL_TIMEOUT_S
        )
        lines = [line.partition(b" ") for line in answer.splitlines()]
        return [int(size) if kind == b"blob" else None for kind, _, size in lines]

    def _parse(self, named: Sequence[tuple[str, str]], refused: list[Refusal]) -> Accepted:
        if not named:
            return Accepted([], {}, refused)
        request = "".join(f"{blob}\n" for _, blob in named).encode("ascii")
        answer = self._git.run("cat-file", "--batch=%(objectsize)", stdin=request, timeout_s=_LOCAL_TIMEOUT_S)
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

    def _must_succeed(self, *args: str) -> None:
        done = self._git.attempt_network(*args)
        if done.status != 0:
            raise self._unreachable(args, done)

    def _unreachable(self, args: tuple[str, ...], done: Completed) -> GitError:
        return GitError(
            f"The remote {self._remote!r} could not be read: {failure(args, done).problem}",
            remedy="Check its address, the network and the credentials git uses; nothing was changed here.",
        )


def _event_id(file: RemoteFile) -> str | None:
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
