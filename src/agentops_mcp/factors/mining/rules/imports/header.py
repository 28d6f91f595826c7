"""The front matter of documents that people and other tools wrote: what can be read of it, never an error.

Only the forms that such files use are read: `key: text`, `key: [a, b]`, lists of lines, blocks of lines, and one level
of keys below a key as `outer.inner`. It is not YAML: nothing refers to anything, so nothing small becomes large.
"""

from collections.abc import Mapping, Sequence

Fields = Mapping[str, tuple[str, ...]]
"""By key in lower case: the text, or the items of the list."""

_MARKS = ("---", "...")
_MOST_LINES = 300
_MOST_LINE_CHARS = 4_000
_BLOCKS = frozenset({">", "|", ">-", "|-", ">+", "|+"})


def read(text: str) -> tuple[Fields, str]:
    """The fields and the rest of the text; no fields and the whole text when there is no front matter."""
    if not text.startswith("---"):
        return {}, text
    lines = text.split("\n", _MOST_LINES)
    if lines[0].rstrip() != "---":
        return {}, text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() in _MARKS), None)
    if end is None or (end > 1 and not any(":" in line for line in lines[1:end])):
        return {}, text  # a rule between two lines of text
    return fields(lines[1:end]), "\n".join(lines[end + 1 :])


def first(given: Fields, *keys: str) -> str:
    """The text of the first of these keys that has one."""
    return next((value for key in keys for value in given.get(key, ()) if value), "")


def items(given: Fields, *keys: str) -> list[str]:
    """The items of these keys; a text with commas is a list, as many tools write their tags."""
    return [item for key in keys for value in given.get(key, ()) for item in _split_list(value)]


def fields(lines: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What stands in lines of front matter, without the marks around them."""
    found: dict[str, list[str]] = {}
    key, is_block = "", False
    for raw in lines:
        line = raw[:_MOST_LINE_CHARS].rstrip()
        if not line or line.lstrip().startswith("#"):
            continue
        if line[0] not in " \t-":
            key, rest = _pair(line)
            is_block = rest in _BLOCKS
            found.setdefault(key, []).extend([] if is_block else _values(rest))
        elif key:
            _continue(found, key, line.strip(), is_block=is_block)
    found.pop("", None)
    return {name: tuple(values) for name, values in found.items()}


def _continue(found: dict[str, list[str]], key: str, line: str, *, is_block: bool) -> None:
    """Take a line that belongs to the key above it."""
    values = found[key]
    inner, rest = _pair(line)
    if line.startswith("- ") and not is_block:
        values.append(_unquoted(line[2:]))
    elif is_block or not inner:
        values[:] = [f"{values[0]} {line}" if values else line]
    else:
        found.setdefault(f"{key}.{inner}", []).extend(_values(rest))


def _pair(line: str) -> tuple[str, str]:
    key, colon, rest = line.partition(":")
    if not colon or len(key) > 60 or (rest and not rest[0].isspace()):
        return "", ""
    return key.strip().strip("\"'").casefold(), rest.strip()


def _values(rest: str) -> list[str]:
    if rest.startswith("[") and rest.endswith("]"):
        return [_unquoted(item) for item in rest[1:-1].split(",") if item.strip()]
    return [_unquoted(rest)] if rest else []


def _split_list(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
