"""What passes between the shell's walker and the programs it meets: a call goes in, an outcome comes out."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

from agentops_mcp.factors.guardrails.rules.effects import Effect

HOLE = "\ue001"
"""Stands in a word for a part that can not be known before the command runs, as the value of `$1`."""


class Stream(NamedTuple):
    """What flows through a pipe, stands in a variable or was written to a file, as far as it is known."""

    text: str | None = None
    """All of it, when it is known; None when it is not."""

    taints: frozenset[str] = frozenset()
    """Where it comes from: `fetched` (the network), `decoded` (base64 and the like), `secret` (a file that holds
    secrets), `local` (files of this machine), `dynamic` (the value of something unknown)."""

    origin: str = ""
    """The URL or path it comes from, to be named to a person."""


EMPTY = Stream("")
UNKNOWN = Stream()


class Call(NamedTuple):
    """One program about to be run, with every wrapper (sudo, env, xargs, …) already taken off."""

    argv: tuple[str, ...]
    """The program's name as written (`/bin/rm`, `rm`) and its arguments, expanded as far as they are known. A glob
    that was not quoted stays as written; what is unknown is HOLE."""

    stdin: Stream = EMPTY
    cwd: str = ""
    """The working directory: absolute, or HOLE when a `cd` went somewhere unknown."""

    env: Mapping[str, str] = {}
    """Variables set for it or exported before it, as far as they are known."""

    traits: frozenset[str] = frozenset()
    """`privileged` (sudo and the like), `remote` (on another machine, in a container), `repeated` (once for each line
    of unknown input, as under xargs), `background`."""

    stdout: str = ""
    """The file its output goes to; empty for a pipe or the terminal."""

    depth: int = 0
    taints: frozenset[str] = frozenset()
    """Where unknown parts of its words come from, as `Stream.taints`: `bash -c "$(curl …)"`."""

    origin: str = ""

    @property
    def name(self) -> str:
        """The program's name without its folder, in lower case and without `.exe`."""
        name = self.argv[0].replace("\\", "/").rsplit("/", 1)[-1].lower() if self.argv else ""
        return name.removesuffix(".exe")

    @property
    def text(self) -> str:
        """The call as one line, for people."""
        return " ".join(word or "''" for word in self.argv).replace(HOLE, "…")


class Code(NamedTuple):
    """Text that a program runs in its turn: it is judged in its place."""

    language: str
    """`shell`, `powershell`, `python`, `javascript`, `ruby`, `perl`, `php`, `sql`, `awk`, `osascript`."""

    text: Stream
    arguments: tuple[str, ...] = ()
    """`$0`, `$1`, … of the text."""

    traits: frozenset[str] = frozenset()
    """Added to the traits of every call inside."""


class Outcome(NamedTuple):
    """What a call would do, as far as its program says."""

    effects: tuple[Effect, ...] = ()
    output: Stream = UNKNOWN
    """What it prints."""

    runs: tuple["Code | Call", ...] = ()
    """What it runs in its turn."""

    writes: tuple[tuple[str, Stream], ...] = ()
    """Absolute paths that have a known content from here on (for the rest of the same command)."""


NOTHING = Outcome()


class Analysis(NamedTuple):
    """What was found in some shell text."""

    effects: tuple[Effect, ...]
    calls: tuple[Call, ...] = ()
    """The programs that would be called, in the order they were met."""

    notes: tuple[str, ...] = ()
    """What could not be resolved."""

    def lines(self) -> Iterator[str]:
        """The calls, indented by how deep they stand, and the notes."""
        for call in self.calls:
            traits = f"  ({', '.join(sorted(call.traits))})" if call.traits else ""
            yield "  " * call.depth + call.text + traits
        yield from self.notes


class World(Protocol):
    """What is asked of the machine. Each answer is cheap; a question that would be slow answers with less."""

    @property
    def home(self) -> str:
        """The person's home folder, absolute, with `/` between its parts."""
        ...

    @property
    def project(self) -> str:
        """The root of the project, absolute."""
        ...

    @property
    def temporary(self) -> tuple[str, ...]:
        """Folders for temporary files, absolute, also as they are after links were followed."""
        ...

    def real(self, path: str) -> str:
        """An absolute path with its links followed as far as it exists."""
        ...

    def kept(self, path: str) -> bool | None:
        """Whether git could bring back everything at this path inside the project; None when that is not known."""
        ...

    def exists(self, path: str) -> bool | None:
        """Whether something is there; None when that is not known."""
        ...

    def held(self, path: str) -> Stream | None:
        """What the text that is judged has put into a file before this point; None when nothing."""
        ...
