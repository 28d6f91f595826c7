"""Options of git's subcommands, as its own parser reads them: clusters, abbreviations, values, negations, `--`."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

_DASHES = dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D), "-")
"""Characters that look like a dash and take its place in text that was pasted."""


class Words(NamedTuple):
    """What was given to a subcommand."""

    given: tuple[tuple[str, str], ...]
    """Options without dashes and unabbreviated, each with its value, in order."""

    operands: tuple[str, ...]
    """Before `--`."""

    paths: tuple[str, ...] = ()
    """After `--`."""

    divided: bool = False
    """Whether there is a `--`."""

    def has(self, *names: str) -> bool:
        """Whether one of these options is given at all."""
        return any(given in names for given, _ in self.given)

    def on(self, *names: str) -> bool:
        """Whether an option is on after all: `--no-force` takes an earlier `-f` back."""
        off = {f"no-{name}" for name in names}
        last = [given for given, _ in self.given if given in names or given in off]
        return bool(last) and last[-1] not in off

    def values(self, *names: str) -> tuple[str, ...]:
        """The values of these options, in order."""
        return tuple(value for given, value in self.given if given in names)

    @property
    def every(self) -> tuple[str, ...]:
        """Operands on both sides of `--`."""
        return self.operands + self.paths


def parse(words: Sequence[str], known: str) -> Words:
    """Read `words`, which begin after the subcommand.

    `known` names the options, separated by spaces: `name` takes no value, `name=` takes one in the next word or after
    `=`, a letter with `?` one that may follow it in the same word. A long option that fits several is the first named.
    """
    options = _known(known)
    given: list[tuple[str, str]] = []
    operands: list[str] = []
    rest = [_with_dashes(word) for word in words]
    while rest:
        word = rest.pop(0)
        if word == "--":
            return Words(tuple(given), tuple(operands), tuple(rest), divided=True)
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            name = _unabbreviated(name.lower(), options)
            if not equals and options.get(name) == "=" and rest:
                value = rest.pop(0)
            given.append((name, value))
        elif word.startswith("-") and len(word) > 1:
            _cluster(word[1:], options, given, rest)
        else:
            operands.append(word)
    return Words(tuple(given), tuple(operands))


def _cluster(letters: str, options: dict[str, str], given: list[tuple[str, str]], rest: list[str]) -> None:
    for place, letter in enumerate(letters):
        kind = options.get(letter, "")
        if kind:
            value = letters[place + 1 :]
            given.append((letter, value if value or kind == "?" or not rest else rest.pop(0)))
            return
        given.append((letter, ""))


def _unabbreviated(name: str, options: dict[str, str]) -> str:
    negated = name.startswith("no-") and name not in options
    stem = name[3:] if negated else name
    if stem not in options and stem:
        stem = next((each for each in options if len(each) > 1 and each.startswith(stem)), stem)
    return f"no-{stem}" if negated else stem


def _with_dashes(word: str) -> str:
    return word if word.isascii() else word.translate(_DASHES) if word.translate(_DASHES)[:1] == "-" else word


@cache
def _known(spelled: str) -> dict[str, str]:
    return {each.rstrip("=?"): each[-1] if each[-1] in "=?" else "" for each in spelled.split()}
