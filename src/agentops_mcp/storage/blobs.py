"""Which file a path or a word means, and which bytes it has: git's own blob id, computed from what is on disk."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.storage.git import Algorithm, Git, discover, failure

_CHUNK_BYTES = 1 << 20
_WHOLE_BYTES = 50 << 20

_SHORTEST_NAME = 3
_LINES = re.compile(r"(?::\d+(?:[:-]\d+)?|#L\d+(?:-L?\d+)?)$")
_ESCAPED = re.compile(
    r"\\(?:[nrt]|x[0-9a-f]{2}|u(?!d[89a-f])[0-9a-f]{4}|udc[89a-f][0-9a-f]|U00(?:0[1-9a-f]|10)[0-9a-f]{4})"
)
_AROUND_NAMES = re.compile(r"[\s\"'`,“”]+")
_BRACKETS = re.compile(r"[()\[\]{}<>]+")
_FILE_NAME = re.compile(r".*[/\\].*|.*\.\w{1,12}")
_BARE_NAMES = frozenset(
    {
        "Brewfile", "CHANGELOG", "CODEOWNERS", "Caddyfile", "Containerfile", "Dockerfile", "Gemfile", "Jenkinsfile",
        "Justfile", "LICENSE", "Makefile", "NOTICE", "Procfile", "README", "Rakefile", "Vagrantfile", "justfile",
        "makefile",
    }
)  # fmt: skip
_C_ESCAPED = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')
_C_LETTERS = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file of the project and the blob id of its content; `blob` is None when there is no such file."""

    path: str
    blob: str | None


def hash_files(root: Path, paths: Sequence[str]) -> list[FileRef]:
    """Name each path from `root`, with `/`, and hash the file there.

    Raises:
        InvalidInputError: a path leaves `root`, or is not a file or a symbolic link.
    """
    real_root = Path(os.path.realpath(root))
    return [_file_ref(real_root, path) for path in paths]


def _file_ref(root: Path, path: str) -> FileRef:
    place = inside(root, path)
    return FileRef(place.relative_to(root).as_posix(), blob_of(place, path))


def inside(root: Path, path: str) -> Path:
    """Where a path that was given is once links on the way are followed; the last component itself is not followed.

    Raises:
        InvalidInputError: it leaves `root`, or no path can be like that.
    """
    if not path or not path.isprintable():  # this also refuses NUL and what no file system can encode
        raise InvalidInputError(
            f"{path[:80]!r} is not a file path.", remedy="Name files by their path from the project's root."
        )
    return place_of(root, path)


def place_of(root: Path, path: str) -> Path:
    """Like `inside`, for a path whose characters are known to be possible.

    Raises:
        InvalidInputError: it leaves `root`.
    """
    directory, name = os.path.split(f"{root / path}")
    resolved = Path(os.path.realpath(directory))
    place = resolved.parent if name == ".." else resolved / name
    if not place.is_relative_to(root):
        raise InvalidInputError(
            f"{path[:200]!r} is outside the project.", remedy="Name files by their path from the project's root."
        )
    return place


def spellings(path: str) -> Iterator[str]:
    """What a path may mean: itself, without a line number, as git quotes it, as we show it, as Windows separates it."""
    for spelling in dict.fromkeys((path, _LINES.sub("", path))):
        yield spelling
        if len(spelling) > 1 and spelling[0] == spelling[-1] == '"':
            yield unquoted(spelling.encode("utf-8")).decode("utf-8", "surrogateescape")
        yield unescaped(spelling)
        yield spelling.replace("\\", "/")


def path_words(texts: Sequence[str]) -> list[str]:
    """The words of texts that look like a file's name."""
    words: dict[str, None] = {}
    for text in texts:
        for word in _AROUND_NAMES.split(text):
            for part in (word, *_BRACKETS.split(word)):
                token = part.strip("*").rstrip(".:;!?")
                if len(token) >= _SHORTEST_NAME and (
                    _FILE_NAME.fullmatch(token) or _LINES.sub("", token) in _BARE_NAMES
                ):
                    words[token] = None
    return list(words)


def unescaped(path: str) -> str:
    """The name that `git.shown` shows as this."""
    return _ESCAPED.sub(lambda found: found[0].encode("ascii").decode("unicode_escape"), path)


def _c_unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) if len(code) == 3 else _C_LETTERS[code[0]]])


def blob_of(place: Path, path: str, algorithm: Algorithm = "sha1") -> str | None:
    """Git's id for the bytes as they are on disk, None when nothing is there; `path` is what an error calls it.

    Clean filters and line-end conversion are left out on purpose: a filter is a program that the repository
    configures, and naming a file must not run one.

    Raises:
        InvalidInputError: it cannot be read, or is not a file or a symbolic link.
    """
    try:
        mode = os.lstat(place).st_mode
        if stat.S_ISLNK(mode):
            return id_of(os.fsencode(place.readlink()), algorithm)
        if stat.S_ISREG(mode):
            return _hash_file(place, algorithm)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = "its path is too long" if error.errno == errno.ENAMETOOLONG else (error.strerror or "unknown error")
        raise InvalidInputError(
            f"{path[:200]!r} could not be read: {reason}.", remedy="Make it readable, or leave it out."
        ) from error
    kind = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    raise InvalidInputError(f"{path[:200]!r} is {kind}.", remedy="Name the files in it that matter.")


def open_regular(place: Path) -> BinaryIO:
    """Open what was a regular file a moment ago.

    One that was swapped for a link or a pipe since is neither followed nor waited for.

    Raises:
        OSError: it cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return cast("BinaryIO", os.fdopen(os.open(place, flags), "rb"))


def _hash_file(place: Path, algorithm: Algorithm) -> str:
    with open_regular(place) as file:
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes <= _WHOLE_BYTES:
            return id_of(file.read(), algorithm)
        hasher = hashlib.new(algorithm, _header(size_bytes), usedforsecurity=False)
        left = size_bytes
        while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
            hasher.update(chunk)
            left -= len(chunk)
    if left:
        raise OSError(errno.EBUSY, "it shrank while it was read")
    return hasher.hexdigest()


def id_of(content: bytes, algorithm: Algorithm) -> str:
    """Git's id for a blob."""
    return hashlib.new(algorithm, _header(len(content)) + content, usedforsecurity=False).hexdigest()


def _header(size_bytes: int) -> bytes:
    return b"blob %d\0" % size_bytes


def is_directory(place: Path) -> bool:
    """Whether this is a directory, and no link to one."""
    return stat.S_ISDIR(_mode(place))


def is_regular(place: Path) -> bool:
    """Whether this is a file, and no link to one."""
    return stat.S_ISREG(_mode(place))


def _mode(place: Path) -> int:
    try:
        return os.lstat(place).st_mode
    except OSError:
        return 0


def stored_ids(git: Git, root: Path, places: Iterable[Path]) -> dict[Path, str]:
    """The ids under which git would store files, by the rules of the repository each is in; of regular files only.

    Line ends and encodings are converted as attributes say, but no filter program is run.

    Raises:
        GitError: git could not read one.
    """
    by_worktree: dict[Path, list[Path]] = {}
    runners = {root: git}
    for place in places:
        if not is_regular(place):
            continue
        found = discover(place.parent)  # a submodule has attributes and settings of its own
        worktree = found.worktree if found and found.worktree else root
        if found and worktree not in runners and worktree.is_relative_to(root):
            runners[worktree] = Git(found)
        by_worktree.setdefault(worktree if worktree in runners else root, []).append(place)
    return {
        place: oid
        for worktree, members in by_worktree.items()
        for place, oid in zip(members, _hashed(runners[worktree], worktree, members), strict=True)
    }


def _hashed(git: Git, worktree: Path, places: Sequence[Path]) -> list[str]:
    """What `git hash-object` says about files, with every filter a configuration may define kept from running."""
    keys = os.fsdecode(git.attempt("config", "-z", "--name-only", "--get-regexp", r"^filter\.").stdout).split("\0")
    drivers = {key.removeprefix("filter.").rpartition(".")[0] for key in keys} - {""}
    options = [
        option for driver in drivers for setting in ("clean=", "process=", "required=false")
        for option in ("-c", f"filter.{driver}.{setting}")
    ]  # fmt: skip
    # On the command line a name ends at the first `=`, so such a driver can only be kept out with all conversion.
    plain = ["--no-filters"] if any("=" in driver for driver in drivers) else []
    names = [os.fsencode(place.relative_to(worktree).as_posix()) for place in places]
    done = git.attempt(
        *options, "hash-object", *plain, "--stdin-paths", stdin=b"".join(quoted(name) + b"\n" for name in names)
    )
    if done.status != 0:
        raise failure(("hash-object",), done)
    return done.stdout.decode("ascii").split()


def unquoted(name: bytes) -> bytes:
    """The name that git prints in this C-quoted form."""
    return _C_ESCAPED.sub(_c_unescaped, name[1:-1])


def quoted(name: bytes) -> bytes:
    """A name in git's C-quoted form, the one way to give git one that holds a line end or begins with a quote."""
    return b'"' + b"".join(b"\\%03o" % byte for byte in name) + b'"'
