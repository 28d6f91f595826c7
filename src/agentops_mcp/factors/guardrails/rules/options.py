"""Options and operands of a command line, as getopt reads them, leaning towards what does more harm."""

from collections.abc import Sequence
from typing import NamedTuple

_SHORTEST_PREFIX = 2
"""Letters that an abbreviated long option needs: GNU takes any unambiguous prefix, and asks no table of ours."""


class Options(NamedTuple):
    """What was given: option names without dashes, each with its values ('' where it takes none), and the rest."""

    given: tuple[tuple[str, str], ...]
    operands: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether one of these options is given; long ones also abbreviated, as `--rec` for `recursive`."""
        return any(_is(given, name) for given, _ in self.given for name in names)

    def values(self, *names: str) -> tuple[str, ...]:
        """The values of these options, in order."""
        return tuple(value for given, value in self.given if any(_is(given, name) for name in names))


def parse(words: Sequence[str], valued: str = "", *, operands_last: bool = False, single_dash: bool = False) -> Options:
    """Options and operands of `words`, which begin after the program's name.

    `valued` names the options that take a value, separated by spaces: `"o output"`. With `operands_last`, as wrappers
    read theirs, everything from the first operand on is one. With `single_dash` long options begin with one dash.
    """
    takes = frozenset(valued.split())
    long_takes = tuple(each for each in takes if len(each) > 1 or single_dash)
    given: list[tuple[str, str]] = []
    operands: list[str] = []
    place, end = 0, len(words)
    while place < end:
        word = words[place]
        place += 1
        if word == "--":
            operands += words[place:]
            break
        if not word.startswith("-") or word == "-":
            operands.append(word)
            if operands_last:
                operands += words[place:]
                break
            continue
        if word.startswith("--") or single_dash:
            name, equals, value = word.lstrip("-").partition("=")
            given.append((name, value))
            waits = not equals and any(_is(name, each) for each in long_takes)
            # `--check` may be short for one with a value, or another option, after which comes an operand.
            certain = name in takes
        else:
            waits = certain = _cluster(word[1:], takes, given)
        if waits and place < end and (certain or not words[place].startswith("-")):
            given[-1] = (given[-1][0], words[place])
            place += certain
    return Options(tuple(dict.fromkeys(given)), tuple(operands))


def _cluster(letters: str, takes: frozenset[str], given: list[tuple[str, str]]) -> bool:
    """`-rfo file` and `-ofile`: letters up to the first that takes a value, which the rest of the word is.

    Whether the last one still waits for its value.
    """
    cut = next((place for place, letter in enumerate(letters) if letter in takes), len(letters))
    given += [(letter, "") for letter in dict.fromkeys(letters[:cut])]
    if cut < len(letters):
        given.append((letters[cut], letters[cut + 1 :]))
    return cut + 1 == len(letters)


def _is(given: str, name: str) -> bool:
    return given == name or (len(name) > 1 and len(given) >= _SHORTEST_PREFIX and name.startswith(given))
