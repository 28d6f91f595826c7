"""The YAML between the first two `---` of a file, read as text, lists and keys with their lines, and nothing else.

Every plain value is the text it is written as (`no`, `404` and `2026-01-01` too), so nobody has to know what YAML
would make of it. What could make a small file large or hide what it says is refused: aliases, anchors, tags, nesting.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import InvalidInputError

if TYPE_CHECKING:
    import yaml

MOST_CHARS = 16_384
_DEEPEST = 3  # keys, a list under one of them, a key and its value in the list
_MARK = "---"


@dataclass(frozen=True, slots=True)
class Value:
    """What stands in the front matter, and on which line of the file."""

    line: int
    content: "str | list[Value] | dict[str, Value]"

    def text(self, what: str) -> str:
        """The text that stands here.

        Raises:
            InvalidInputError: it is something else.
        """
        if not isinstance(self.content, str):
            raise refused(self.line, f"{what} must be one text")
        return self.content

    def items(self, what: str) -> "list[Value]":
        """The items of the list that stands here; none if nothing does.

        Raises:
            InvalidInputError: it is something else.
        """
        if self.content == "":
            return []
        if not isinstance(self.content, list):
            raise refused(self.line, f"{what} must be a list", "Write each item on a line of its own, after `- `.")
        return self.content

    def pairs(self, what: str) -> "dict[str, Value]":
        """What stands here by key.

        Raises:
            InvalidInputError: it is something else.
        """
        if not isinstance(self.content, dict):
            raise refused(self.line, f"{what} must be `key: value`")
        return self.content


def refused(line: int, problem: str, remedy: str = "Correct that line.") -> InvalidInputError:
    """The error that says which line of a pattern's file cannot be understood, and why."""
    return InvalidInputError(f"Line {line} of the pattern's file: {problem}.", remedy=remedy)


def split(lines: Sequence[str]) -> tuple[Mapping[str, Value], int]:
    """The front matter of a file by key, and how many of its lines come before the rest.

    Raises:
        InvalidInputError: there is none, or it is not of the plain kind described above.
    """
    start = next((number for number, line in enumerate(lines) if line), 0)
    if lines[start] != _MARK:
        raise refused(start + 1, "a pattern begins with front matter", f"Put it between two lines of `{_MARK}`.")
    end = next((number for number in range(start + 1, len(lines)) if lines[number] == _MARK), None)
    if end is None:
        raise refused(start + 1, "the front matter has no end", f"Put a line of `{_MARK}` below it.")
    text = "\n".join(lines[start + 1 : end])
    if len(text) > MOST_CHARS:
        problem = f"the front matter has {len(text):,} characters"
        raise refused(start + 1, problem, f"Keep it to {MOST_CHARS:,}; what is told at length belongs below it.")
    value = _read(text, first_line=start + 2)
    return ({} if value is None else value.pairs("front matter")), end + 1


def write(fields: Mapping[str, object]) -> list[str]:
    """Front matter as lines: text and lists, each item on its own line, in the given order."""
    import yaml

    text = yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=MOST_CHARS)
    return [_MARK, *text.removesuffix("\n").split("\n"), _MARK]


def _read(text: str, *, first_line: int) -> Value | None:
    import yaml

    try:
        loader: Any = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as error:
        raise _not_yaml(first_line + text.count("\n", 0, error.position), error.reason) from error
    value = None
    events: Iterator[Any] = iter(loader.get_event, None)
    try:
        for event in events:
            if isinstance(event, yaml.NodeEvent):
                if value is not None:
                    raise refused(
                        event.start_mark.line + first_line, "a second document begins", "Keep the front matter to one."
                    )
                value = _value(event, events, first_line)
    # Numbers no character or version can have reach us as what Python says of them.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None) or loader.get_mark()
        raise _not_yaml(first_line + mark.line, str(getattr(error, "problem", None) or error)) from error
    return value


def _not_yaml(line: int, problem: str) -> InvalidInputError:
    remedy = "Put a text that holds `: `, ` #` or begins with a sign between double quotes."
    return refused(line, f"this is not YAML: {gist(problem, limit=120)}", remedy)


def _value(event: "yaml.Event", events: Iterator[Any], first_line: int, depth: int = 0) -> Value:
    import yaml

    line = event.start_mark.line + first_line
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise refused(line, "anchors and aliases (`&name`, `*name`) are not read", "Write the value out.")
    if getattr(event, "tag", None) is not None:
        raise refused(line, "tags of YAML (`!name`) are not read", "Leave the tag out, or quote the text.")
    if isinstance(event, yaml.ScalarEvent):
        return Value(line, event.value)
    if depth == _DEEPEST:
        raise refused(line, "this is nested too deeply", "A key has a text, or a list of texts.")
    if isinstance(event, yaml.SequenceStartEvent):
        return Value(line, [_value(each, events, first_line, depth + 1) for each in _until_end(events)])
    found: dict[str, Value] = {}
    for each in _until_end(events):
        key = _value(each, events, first_line, depth + 1)
        name = key.text("a key")
        if name in found:
            raise refused(key.line, f"{gist(name, limit=40)!r} is there twice", "Keep one of the two.")
        found[name] = replace(_value(next(events), events, first_line, depth + 1), line=key.line)
    return Value(line, found)


def _until_end(events: Iterator[Any]) -> Iterator[Any]:
    import yaml

    return itertools.takewhile(lambda event: not isinstance(event, yaml.CollectionEndEvent), events)
