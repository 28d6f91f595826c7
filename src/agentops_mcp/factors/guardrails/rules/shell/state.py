"""What a shell knows at one point of its text: variables, functions, files written so far, and where it stands."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, UNKNOWN, Stream
from agentops_mcp.factors.guardrails.rules.worlds import During

if TYPE_CHECKING:
    from tree_sitter import Node


_BY_CUSTOM = {"SHELL": "/bin/sh", "EDITOR": "vi", "VISUAL": "vi", "PAGER": "less"}
"""Variables that, where nothing else is said, name a program of this kind."""

_MOST_WAYS = 4


class TooMuchError(Exception):
    """The text is deeper, longer or wider than is looked into."""


class Limits:
    """What is left of the work that one text may cause."""

    CALLS = 600
    WORDS = 4_000
    DEPTH = 24
    VARIABLE_CHARS = 20_000

    def __init__(self) -> None:
        self.calls = self.CALLS
        self.words = self.WORDS

    def call(self, depth: int) -> None:
        """Count a call.

        Raises:
            TooMuchError: there were too many, or they are nested too deep.
        """
        self.calls -= 1
        if self.calls < 0 or depth > self.DEPTH:
            raise TooMuchError

    def word(self, number: int = 1) -> None:
        """Count words.

        Raises:
            TooMuchError: there were too many.
        """
        self.words -= number
        if self.words < 0:
            raise TooMuchError


class State:
    """One shell. A subshell is a copy, whose changes are lost."""

    def __init__(self, cwd: str, world: During) -> None:
        self.cwd = cwd
        self.world = world
        self.variables: dict[str, Stream] = {}
        self.environment: dict[str, str] = {}
        self.arrays: dict[str, tuple[str, ...]] = {}
        """All words of the variables that hold several; `variables` has the first of them."""

        self.descriptors: dict[str, str] = {}
        """The paths that were opened by number, as `exec 3<>path` does."""

        self.choices: dict[str, tuple[str, ...]] = {}
        """Variables that are one of several values, by the way that was gone."""

        self.chosen: frozenset[str] = frozenset()
        """Those of them for which one value is taken at the moment."""

        self.input: Stream | None = None
        """What `exec < path` made the input of all that follows."""

        self.taken: tuple[Stream, int] = (EMPTY, 0)
        """The input of which lines were read last, and how many."""

        self.folders: list[str] = []
        """What `pushd` left, and `cd` left last."""

        self.functions: dict[str, Node] = {}
        self.aliases: dict[str, str] = {}
        self.renamed: dict[str, str] = {}
        self.arguments: tuple[str, ...] = ("sh",)
        self.fixed: set[str] = set()
        self.local: dict[str, Stream | None] | None = None
        """What variables were before the function that is walked made them its own."""

    def copy(self) -> "State":
        """A subshell of this one; what it writes to files is seen outside."""
        other = State(self.cwd, self.world)
        other.variables = dict(self.variables)
        other.environment = dict(self.environment)
        other.arrays = dict(self.arrays)
        other.descriptors = dict(self.descriptors)
        other.choices = dict(self.choices)
        other.chosen = self.chosen
        other.input = self.input
        other.folders = list(self.folders)
        other.functions = dict(self.functions)
        other.aliases = dict(self.aliases)
        other.renamed = dict(self.renamed)
        other.arguments = self.arguments
        other.fixed = set(self.fixed)
        return other

    def value(self, name: str) -> Stream | None:
        """The value of a variable; None when nothing is known of it."""
        if name in self.variables:
            return self.variables[name]
        known = {
            "HOME": self.world.home, "PWD": self.cwd, "IFS": " \t\n",
            "TMPDIR": self.world.temporary[0] if self.world.temporary else "", **_BY_CUSTOM,
        }  # fmt: skip
        return Stream(known[name]) if known.get(name) else None

    def set(self, name: str, value: Stream) -> None:
        """Assign a variable."""
        if value.text is not None and len(value.text) > Limits.VARIABLE_CHARS:
            raise TooMuchError
        if name not in self.fixed:
            self.variables[name] = value
            self.arrays.pop(name, None)
            self.choices.pop(name, None)

    def meet(self, others: "list[State]") -> None:
        """Take the state after one of several ways, of which any may be gone."""
        for name in {name: None for each in others for name in each.variables}:
            values = [each.variables[name] for each in others if name in each.variables]
            texts = list(dict.fromkeys(each.text for each in values))
            if len(texts) == 1:
                self.variables[name] = values[0]
                continue
            known = [each for each in texts if each is not None]
            if len(known) == len(texts) <= _MOST_WAYS:
                self.choices[name] = tuple(known)
            taints = frozenset[str]().union(*(each.taints for each in values))
            self.variables[name] = Stream(None, taints, next((each.origin for each in values if each.origin), ""))
        for each in others:
            self.environment.update(each.environment)
            self.functions.update(each.functions)
            self.aliases.update(each.aliases)
            self.renamed.update(each.renamed)
            self.arrays.update(each.arrays)
            self.descriptors.update(each.descriptors)
        self.arguments = others[0].arguments
        self.cwd = others[0].cwd if len({each.cwd for each in others}) == 1 else HOLE

    def set_array(self, name: str, values: list[str], taints: frozenset[str] = frozenset(), origin: str = "") -> None:
        """Assign an array. Its first word is what the name alone stands for."""
        first = values[0] if values else ""
        self.set(name, Stream(None if first == HOLE else first, taints, origin))
        if name not in self.fixed:
            self.arrays[name] = tuple(values)

    def unset(self, name: str) -> None:
        """Forget a variable, or a function of this name."""
        if name not in self.fixed:
            self.variables.pop(name, None)
            self.arrays.pop(name, None)
        self.functions.pop(name, None)

    def own(self, name: str) -> None:
        """A variable becomes that of the function that is walked."""
        if self.local is not None and name not in self.local:
            self.local[name] = self.variables.get(name)

    def leave(self, outer: "dict[str, Stream | None] | None") -> None:
        """End a function: its own variables are what they were before."""
        for name, value in (self.local or {}).items():
            self.arrays.pop(name, None)
            if value is None:
                self.variables.pop(name, None)
            else:
                self.variables[name] = value
        self.local = outer

    def argument(self, number: int) -> str:
        """A positional parameter."""
        return self.arguments[number] if number < len(self.arguments) else HOLE if len(self.arguments) == 1 else ""


def joined(streams: list[Stream]) -> Stream:
    """Streams one after another."""
    if not streams:
        return Stream("")
    if len(streams) == 1:
        return streams[0]
    texts = [each.text for each in streams]
    text = None if None in texts else "".join(each or "" for each in texts)
    taints = frozenset[str]().union(*(each.taints for each in streams))
    return Stream(text, taints, next((each.origin for each in streams if each.origin), ""))


def through(stdin: Stream, output: Stream) -> Stream:
    """What comes out of a program of which little is known: what went in still marks it."""
    if output is UNKNOWN or (output.text is None and not output.taints):
        return Stream(None, stdin.taints | output.taints, stdin.origin)
    return output
