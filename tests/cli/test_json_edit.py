import json
import re
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops_mcp.cli.json_edit import JsonValue, add_item, change_items, list_at, object_at, set_value
from agentops_mcp.core.errors import InvalidInputError

PATH = ("servers", "ours")

# What stands before, and what stands after {"go": ["x"]} was set under servers.ours.
LAYOUTS = {
    "an empty text": ("", '{\n  "servers": {\n    "ours": {\n      "go": ["x"]\n    }\n  }\n}\n'),
    "a byte order mark alone": ("\ufeff", '\ufeff{\n  "servers": {\n    "ours": {\n      "go": ["x"]\n    }\n  }\n}\n'),
    "comments alone": ("// mine", '// mine\n{\n  "servers": {\n    "ours": {\n      "go": ["x"]\n    }\n  }\n}\n'),
    "an empty object": ("{}", '{\n  "servers": {\n    "ours": {\n      "go": ["x"]\n    }\n  }\n}'),
    "an empty object over two lines": (
        "{\n}\n",
        '{\n  "servers": {\n    "ours": {\n      "go": ["x"]\n    }\n  }\n}\n',
    ),
    "an empty object with a comment": (
        "{ // mine\n}",
        '{ // mine\n  "servers": {\n    "ours": {\n      "go": ["x"]\n    }\n  }\n}',
    ),
    "everything on one line": ('{ "servers": {"a": 1} }', '{ "servers": {"a": 1, "ours": {"go": ["x"]}} }'),
    "an empty object within one line": ('{"servers": {}}', '{"servers": {"ours": {"go": ["x"]}}}'),
    "four spaces": (
        '{\n    "servers": {\n        "a": 1\n    }\n}\n',
        '{\n    "servers": {\n        "a": 1,\n        "ours": {\n            "go": ["x"]\n        }\n    }\n}\n',
    ),
    "tabs": (
        '{\n\t"servers": {\n\t\t"a": 1\n\t}\n}\n',
        '{\n\t"servers": {\n\t\t"a": 1,\n\t\t"ours": {\n\t\t\t"go": ["x"]\n\t\t}\n\t}\n}\n',
    ),
    "CRLF and a byte order mark": (
        '\ufeff{\r\n  "servers": {\r\n    "a": 1\r\n  }\r\n}\r\n',
        '\ufeff{\r\n  "servers": {\r\n    "a": 1,\r\n    "ours": {\r\n      "go": ["x"]\r\n    }\r\n  }\r\n}\r\n',
    ),
    "a comment behind the last member": (
        '{\n  "servers": {\n    "a": 1 // one, two\n    // "b": 2\n  }\n}',
        '{\n  "servers": {\n    "a": 1, // one, two\n    // "b": 2\n    "ours": {\n      "go": ["x"]\n    }\n  }\n}',
    ),
    "trailing commas": (
        '{\n  "servers": {\n    "a": 1, /* one */\n  },\n}',
        '{\n  "servers": {\n    "a": 1, /* one */\n    "ours": {\n      "go": ["x"]\n    },\n  },\n}',
    ),
    "a trailing comma within one line": ('{"servers": {"a": 1,}}', '{"servers": {"a": 1, "ours": {"go": ["x"]},}}'),
    "a comment that a bare carriage return ends": (
        '{"servers": {"a": 1 // one\r}}',
        '{"servers": {"a": 1, // one\n  "ours": {\n    "go": ["x"]\n  }\r}}',
    ),
    "members indented as nowhere else": (
        '{\n  "servers": {\n      "a": 1\n  }\n}',
        '{\n  "servers": {\n      "a": 1,\n      "ours": {\n        "go": ["x"]\n      }\n  }\n}',
    ),
    "another value, replaced": (
        '{\n  "servers": {\n    "ours": 3, // mine\n    "z": {}\n  }\n}',
        '{\n  "servers": {\n    "ours": {\n      "go": ["x"]\n    }, // mine\n    "z": {}\n  }\n}',
    ),
    "a key written with an escape": ('{"s\\u0065rvers": {"ours": 1}}', '{"s\\u0065rvers": {"ours": {"go": ["x"]}}}'),
}

# What stands there, and the line and problem that are named.
REFUSED = {
    "two commas": ('{\n"a": 1,,\n}', "line 2: not valid JSON"),
    "no comma": ('{"a": 1\n"b": 2}', "line 2: not valid JSON"),
    "no comma in a list": ('{"a": [1\n2]}', "line 2: not valid JSON"),
    "no colon": ('{"a" 1}', "line 1: not valid JSON"),
    "a comma alone": ("{,}", "line 1: not valid JSON"),
    "an open object": ('{"a": 1\n\n', "line 3: not valid JSON"),
    "an open comment": ("\n/* {}", "line 2: not valid JSON"),
    "an open string": ('{"a": "b\n"}', "line 1: not valid JSON"),
    "single quotes": ("{'a': 1}", "line 1: not valid JSON"),
    "a bare key": ("{a: 1}", "line 1: not valid JSON"),
    "not a number": ('{"a": NaN}', "line 1: not valid JSON"),
    "a number with a leading zero": ('{"a": 01}', "line 1: not valid JSON"),
    "a number too long to read": ('{"a": ' + "9" * 5000 + "}", "line 1: not valid JSON"),
    "digits of another script": ('{"a": \u0661}', "line 1: not valid JSON"),
    "an unknown escape": ('{"a": "\\q"}', "line 1: not valid JSON"),
    "a second value": ("{}\n{}", "line 2: not valid JSON"),
    "a NUL byte": ('{"a": 1}\x00', "line 1: not valid JSON"),
    "words": ("please see below", "line 1: not valid JSON"),
    "an endless list": ("[" * 50_000, "nested deeper than 100 levels"),
    "endless objects": ('{"a":' * 50_000, "nested deeper than 100 levels"),
    "a list": ("\n[]", "line 2: the outermost value is not an object"),
    "a list on the path": ('{\n"servers": []}', 'line 2: "servers" is not an object'),
    "null on the path": ('{"servers": null}', 'line 1: "servers" is not an object'),
    "the first key twice": ('{"servers": {},\n"servers": {}}', 'line 2: "servers" is there twice'),
    "the first key twice, once escaped": ('{"servers": {},\n"server\\u0073": {}}', 'line 2: "servers" is there twice'),
    "the last key twice": ('{"servers": {"ours": 1,\n\n"ours": 2}}', 'line 3: "ours" is there twice'),
}


@pytest.mark.parametrize(("before", "after"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_value_is_set_in_the_layout_of_the_text(before: str, after: str) -> None:
    assert set_value(before, PATH, {"go": ["x"]}, file="f.json") == after


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_a_text_that_cannot_be_edited_is_refused_with_its_file_line_and_remedy(text: str, problem: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        set_value(text, PATH, {}, file="f.json")
    assert refused.value.problem.startswith("f.json, line ")
    assert problem in refused.value.problem
    assert "--print" in refused.value.remedy


def test_a_key_that_is_twice_somewhere_else_is_no_concern() -> None:
    assert set_value('{"a": 1, "a": 2}', ("b",), 3, file="f") == '{"a": 1, "a": 2, "b": 3}'


def test_an_object_is_read_through_comments_and_trailing_commas() -> None:
    text = '{"servers": /* these */ {"ours": {"go": ["x", 1, -2.5e3, true, null,], "env": {},}}}'
    assert object_at(text, PATH, file="f") == {"go": ["x", 1, -2500.0, True, None], "env": {}}


@pytest.mark.parametrize("text", ["", "{}", '{"servers": {}}'])
def test_an_object_that_is_not_there_is_none(text: str) -> None:
    assert object_at(text, PATH, file="f") is None


def test_what_is_not_an_object_is_not_read_as_one() -> None:
    with pytest.raises(InvalidInputError, match='f, line 2: "ours" is not an object'):
        object_at('{"servers": {\n"ours": []}}', PATH, file="f")


def test_text_that_is_not_ascii_stays_readable() -> None:
    assert set_value("{}", ("ö",), "\u65e5 \t", file="f") == '{\n  "ö": "\u65e5 \\t"\n}'


SPACE = st.text(alphabet=" \t\n", max_size=3)
COMMENTS = st.sampled_from(["", "", "", '// a "b" {\n', "/* , ] */", "/**/", "//\r\n"])
GAPS = st.builds("{}{}{}".format, SPACE, COMMENTS, SPACE)
KEYS = st.sampled_from(["a", "b", "ours", "key with space", "ü", '"', "//"])
SCALARS = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)


class Rendering:
    """Writes a value with comments and odd spacing, and remembers where the value of each path stands."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.spans: dict[tuple[str, ...], tuple[int, int]] = {}

    def write(self, value: Any, path: tuple[str, ...] | None) -> None:
        start = len(self.text)
        if isinstance(value, dict):
            self.parts("{", "}", list(cast("dict[str, Any]", value).items()), path)
        elif isinstance(value, list):
            self.parts("[", "]", [(None, item) for item in cast("list[Any]", value)], None)
        else:
            self.text += json.dumps(value, ensure_ascii=self.draw(st.booleans()))
        if path is not None:
            self.spans[path] = (start, len(self.text))

    def parts(self, opening: str, closing: str, parts: list[tuple[str | None, Any]], path: Any) -> None:
        self.text += opening
        for index, (key, item) in enumerate(parts):
            self.text += "," if index else ""
            self.text += self.draw(GAPS)
            if key is not None:
                self.text += json.dumps(key) + self.draw(GAPS) + ":" + self.draw(GAPS)
            self.write(item, None if path is None or key is None else (*path, key))
            self.text += self.draw(GAPS)
        self.text += "," + self.draw(GAPS) if parts and self.draw(st.booleans()) else self.draw(GAPS)
        self.text += closing


@st.composite
def renderings(draw: st.DrawFn) -> tuple[dict[str, Any], str, dict[tuple[str, ...], tuple[int, int]]]:
    value = draw(OBJECTS)
    rendering = Rendering(draw)
    rendering.text = draw(st.sampled_from(["", "\ufeff"])) + draw(GAPS)
    rendering.write(value, ())
    rendering.text += draw(GAPS)
    return value, rendering.text, rendering.spans


def strict(text: str) -> JsonValue:
    """Read JSON with comments by another way than the code under test: strip, then the standard library."""
    text = text.removeprefix("\ufeff")
    bare = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\r\n]*|/\*.*?\*/', lambda m: m[1] or " ", text, flags=re.DOTALL)
    return json.loads(re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda m: m[1] or "", bare, flags=re.DOTALL))


def with_value_at(value: dict[str, Any], path: tuple[str, ...], new: JsonValue) -> dict[str, Any]:
    first, rest = path[0], path[1:]
    return {**value, first: with_value_at(value.get(first, {}), rest, new) if rest else new}


def value_of(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(value, dict):
            return value
        value = cast("dict[str, Any]", value).get(key, {})
    return value


def is_subsequence(part: str, whole: str) -> bool:
    remaining = iter(whole)
    return all(character in remaining for character in part)


@given(renderings(), st.lists(KEYS, min_size=1, max_size=3).map(tuple), VALUES)
def test_setting_any_value_in_any_text_changes_that_value_and_no_other_byte(
    rendering: tuple[dict[str, Any], str, dict[tuple[str, ...], tuple[int, int]]], path: tuple[str, ...], new: Any
) -> None:
    value, before, spans = rendering
    assert strict(before) == value
    if any(not isinstance(value_of(value, path[:depth]), dict) for depth in range(1, len(path))):
        with pytest.raises(InvalidInputError, match="is not an object"):
            set_value(before, path, new, file="f")
        return
    after = set_value(before, path, new, file="f")
    assert strict(after) == with_value_at(value, path, new)
    assert object_at(after, path, file="f") == new if isinstance(new, dict) else True
    if path in spans:
        start, end = spans[path]
        assert after[:start] == before[:start]
        assert after.endswith(before[end:])
    else:
        # Only white space just before a bracket may give way to the new member.
        assert is_subsequence(re.sub(r"[ \t\r\n]", "", before), after)
        assert len(after) > len(before)


@given(st.text(alphabet='{}[],:"/*\\ \n\tau1-0.e\ufeff', max_size=40))
def test_any_text_is_either_edited_to_valid_json_or_refused(text: str) -> None:
    try:
        after = set_value(text, PATH, 1, file="f")
    except InvalidInputError:
        return
    assert isinstance(strict(after), dict)


# lists

ITEM: JsonValue = {"go": ["x"]}

# What stands before, and what stands after ITEM was added to the list under "a"."b".
LISTS = {
    "no list": ("{}", '{\n  "a": {\n    "b": [\n      {\n        "go": ["x"]\n      }\n    ]\n  }\n}'),
    "an empty list": ('{"a": {"b": []}}', '{"a": {"b": [{"go": ["x"]}]}}'),
    "one line": ('{"a": {"b": [1]}}', '{"a": {"b": [1, {"go": ["x"]}]}}'),
    "one line and a trailing comma": ('{"a": {"b": [1,]}}', '{"a": {"b": [1, {"go": ["x"]},]}}'),
    "several lines": (
        '{"a": {"b": [\n    1,\n    2\n  ]}}',
        '{"a": {"b": [\n    1,\n    2,\n    {\n      "go": ["x"]\n    }\n  ]}}',
    ),
    "a comment behind the last item": (
        '{"a": {"b": [\n    1 // one\n  ]}}',
        '{"a": {"b": [\n    1, // one\n    {\n      "go": ["x"]\n    }\n  ]}}',
    ),
    "a comment that ends an unbroken list": (
        '{"a": {"b": [1 // one\n]}}',
        '{"a": {"b": [1, // one\n  {\n    "go": ["x"]\n  }\n]}}',
    ),
    "CRLF": (
        '{"a": {"b": [\r\n  1\r\n]}}\r\n',
        '{"a": {"b": [\r\n  1,\r\n  {\r\n    "go": ["x"]\r\n  }\r\n]}}\r\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), LISTS.values(), ids=LISTS)
def test_an_item_is_added_in_the_layout_of_its_list(before: str, after: str) -> None:
    assert add_item(before, ("a", "b"), ITEM, file="f") == after
    assert (list_at(after, ("a", "b"), file="f") or [])[-1] == ITEM


@pytest.mark.parametrize("before", [before for before, _ in LISTS.values() if "1" in before])
def test_an_item_that_is_taken_out_again_leaves_what_was_there(before: str) -> None:
    added = add_item(before, ("a", "b"), ITEM, file="f")
    assert change_items(added, ("a", "b"), lambda item: None if item == ITEM else item, file="f") == before


@pytest.mark.parametrize(
    ("before", "unwanted", "after"),
    [
        ("[1, 2, 3]", 1, "[ 2, 3]"),
        ("[1, 2, 3]", 2, "[1, 3]"),
        ("[1, 2, 3]", 3, "[1, 2]"),
        ("[\n  1, // one\n  2 // two\n]", 1, "[ // one\n  2 // two\n]"),
        ("[\n  1, // one\n  2 // two\n]", 2, "[\n  1 // one\n // two\n]"),
        ("[1, 2,]", 2, "[1,]"),
        ("[\n  1, // one\n  2]", 2, "[\n  1 // one\n]"),
    ],
)
def test_an_item_is_taken_out_with_its_comma_and_every_comment_stays(before: str, unwanted: int, after: str) -> None:
    text, file = f'{{"a": {before}}}', "f"
    edited = change_items(text, ("a",), lambda item: None if item == unwanted else item, file=file)
    assert edited == f'{{"a": {after}}}'
    assert list_at(edited, ("a",), file=file) == [
        item for item in (1, 2, 3) if str(item) in before and item != unwanted
    ]


def test_a_list_left_empty_goes_with_the_objects_that_held_nothing_else() -> None:
    text = '{\n  "x": 1,\n  "a": {\n    "b": [\n      1\n    ]\n  }\n}\n'
    assert change_items(text, ("a", "b"), lambda _: None, file="f") == '{\n  "x": 1\n}\n'
    assert change_items('{"a": {"b": [1], "c": 2}}', ("a", "b"), lambda _: None, file="f") == '{"a": { "c": 2}}'


def test_an_item_that_changes_is_written_anew_and_its_neighbours_stay() -> None:
    text = '{"a": [ 1 /* one */, 2 ]}'
    assert change_items(text, ("a",), lambda item: 3 if item == 2 else item, file="f") == '{"a": [ 1 /* one */, 3 ]}'


@pytest.mark.parametrize("text", ['{"a": 1}', '{"a": {}}', "[1]", '{"a": [], "a": []}'])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        add_item(text, ("a",), ITEM, file="f")


@given(st.lists(st.one_of(st.integers(), st.text(), st.just({"k": [1]})), max_size=4), st.integers(0, 4))
def test_whatever_the_list_only_the_item_asked_about_is_missing(items: list[JsonValue], at: int) -> None:
    text = json.dumps({"a": [*items, "last"]}, indent=2)
    seen = iter(range(len(items) + 1))
    order = list(reversed(range(len(items) + 1)))
    edited = change_items(text, ("a",), lambda item: None if order[next(seen)] == at else item, file="f")
    expected = [item for place, item in enumerate([*items, "last"]) if place != at]
    assert (list_at(edited, ("a",), file="f") or []) == expected
