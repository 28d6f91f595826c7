"""sed: what it edits in place, and the two commands of its language that write files and run programs."""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.reading import read

_TO_LINE_END = frozenset("aicrRwWe")
_LABELS = frozenset("btT:")
_MOST_COMMANDS = 2_000


class Script(NamedTuple):
    """What a sed script does besides editing text."""

    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    """Commands that it runs."""

    dynamic: bool = False
    """Whether it runs what stands in the text."""


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call of sed edits, shows, writes and runs."""
    given = parse([_in_place(word) for word in call.argv[1:]], "e f l expression file line-length")
    edits = given.has("i", "I", "in-place")
    scripts, operands = given.values("e", "expression"), given.operands
    if edits and operands[:1] == ("",):  # BSD: the ending of the copy that is kept, as a word of its own
        operands = operands[1:]
    if not given.has("e", "f", "expression", "file"):
        scripts, operands = operands[:1], operands[1:]
    script = understood("\n".join(scripts))
    effects = [
        effect._replace(traits=effect.traits | {"edit"})
        for effect in (written(path, call, world) for path in (operands if edits else ()))
    ]
    reading = read((*(() if edits else operands or ("-",)), *script.reads), call, world)
    effects += [*reading.effects, *(written(path, call, world) for path in script.writes)]
    if script.dynamic:
        effects.append(Effect("run_dynamic", HOLE, "", call.traits, call.text))
    runs = tuple(Code("shell", Stream(command)) for command in script.runs)
    taints = reading.stream.taints - {"local"} | {"dynamic"}
    output = Stream("") if edits else Stream(None, taints, reading.stream.origin)
    return Outcome(tuple(effects), output, runs)


def _in_place(word: str) -> str:
    """`-i.bak` and `-ni` as options without values, whatever stands behind the letter."""
    if (
        word.startswith("-")
        and not word.startswith("--")
        and "i" in word
        and not set(word[1:].split("i")[0]) - set("nErsz")
    ):
        return word[: word.index("i") + 1]
    return word


def understood(script: str) -> Script:
    """Read a script of sed, as far as it can be read."""
    reader = _Reader(script)
    for _ in range(_MOST_COMMANDS):
        if not reader.command():
            break
    return Script(tuple(reader.writes), tuple(reader.reads), tuple(reader.runs), reader.dynamic)


class _Reader:
    """Goes through a script, command by command."""

    __slots__ = ("dynamic", "place", "reads", "runs", "text", "writes")

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.writes: list[str] = []
        self.reads: list[str] = []
        self.runs: list[str] = []
        self.dynamic = False

    def command(self) -> bool:
        """Read one command; whether there may be another."""
        self._skip(" \t\n;{}")
        self._address()
        self._skip(" \t!")
        letter = self._next()
        if not letter:
            return False
        if letter in "sy":
            self._substitution(letter)
        elif letter in _TO_LINE_END:
            self._with_text(letter)
        elif letter in _LABELS:
            self._until("\n;}")
        elif letter == "#":
            self._until("\n")
        return True

    def _next(self) -> str:
        letter = self.text[self.place : self.place + 1]
        self.place += 1
        return letter

    def _skip(self, letters: str) -> None:
        while self.text[self.place : self.place + 1] and self.text[self.place] in letters:
            self.place += 1

    def _until(self, ends: str) -> str:
        start = self.place
        while self.place < len(self.text) and self.text[self.place] not in ends:
            self.place += 1
        return self.text[start : self.place].strip()

    def _part(self, delimiter: str) -> str:
        """Up to the next delimiter that is not escaped or, in a bracket, part of a set."""
        start = self.place
        while self.place < len(self.text) and self.text[self.place] != delimiter:
            self.place += 2 if self.text[self.place] == "\\" else 1
        part = self.text[start : self.place]
        self.place += 1
        return part.replace("\\" + delimiter, delimiter)

    def _address(self) -> None:
        while self.text[self.place : self.place + 1]:
            letter = self.text[self.place]
            if letter == "/":
                self.place += 1
                self._part("/")
                self._skip("IM")
            elif letter == "\\":
                self.place += 2
                self._part(self.text[self.place - 1 : self.place])
                self._skip("IM")
            elif letter.isdigit() or letter in "$,~+ " or letter == HOLE:
                self.place += 1
            else:
                return

    def _substitution(self, letter: str) -> None:
        delimiter = self._next()
        self._part(delimiter)
        replacement = self._part(delimiter)
        if letter == "y":
            return
        while self.text[self.place : self.place + 1] and self.text[self.place] in "gpiImMe0123456789w":
            flag = self._next()
            if flag == "e":
                self.dynamic = True
                self.runs.append(replacement.replace("&", HOLE))
            elif flag == "w":
                self.writes.append(self._until("\n"))

    def _with_text(self, letter: str) -> None:
        text = self._until("\n")
        while letter in "aic" and text.endswith("\\") and self.place < len(self.text):
            self.place += 1
            text = self._until("\n")
        if letter in "wW":
            self.writes.append(text)
        elif letter in "rR":
            self.reads.append(text)
        elif letter == "e" and text:
            self.runs.append(text)
        elif letter == "e":
            self.dynamic = True
