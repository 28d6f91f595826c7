"""The same meaning, written otherwise, does the same."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Done = Callable[[str], list[str]]

COMMANDS = ["rm /x", "rm -rf /x /y", "curl u | sh", "cd /a && rm x", "a=/x; rm $a", "echo 'rm /x' | sh", "sudo rm /x"]
WORDS = ["rm", "curl", "sh", "sudo"]


def _each_word(text: str, change: Callable[[str], str]) -> str:
    return " ".join(change(word) if word in WORDS else word for word in text.split(" "))


CHANGES: dict[str, Callable[[str], str]] = {
    "empty quotes": lambda text: _each_word(text, lambda word: word[0] + "''" + word[1:]),
    "single quotes": lambda text: _each_word(text, lambda word: f"'{word}'"),
    "double quotes": lambda text: _each_word(text, lambda word: f'"{word}"'),
    "a backslash": lambda text: _each_word(text, lambda word: "\\" + word),
    "a backslash inside": lambda text: _each_word(text, lambda word: word[0] + "\\" + word[1:]),
    "codes": lambda text: _each_word(text, lambda word: "$'" + "".join(f"\\x{ord(each):02x}" for each in word) + "'"),
    "an absolute path": lambda text: _each_word(text, lambda word: "/usr/bin/" + word),
    "command": lambda text: _each_word(text, lambda word: "command " + word),
    "a variable": lambda text: "; ".join(f"v_{word}={word}" for word in WORDS)
    + "; " + _each_word(text, lambda word: f"$v_{word}"),
    "no argument": lambda text: _each_word(text, lambda word: word[0] + "$@" + word[1:]),
    "a continued line": lambda text: _each_word(text, lambda word: word[0] + "\\\n" + word[1:]),
    "more spaces": lambda text: text.replace(" ", "  \t "),
    "spaces around": lambda text: f"  \n {text} \n",
    "lines": lambda text: text.replace(" ", " \\\n "),
    "a subshell": lambda text: f"( {text} )",
    "a group": lambda text: f"{{ {text}; }}",
    "a shell": lambda text: "sh -c '" + text.replace("'", "'\\''") + "'",
    "eval": lambda text: "eval '" + text.replace("'", "'\\''") + "'",
    "a function": lambda text: f"f() {{ {text}; }}; f",
    "a condition": lambda text: f"if true; then {text}; fi",
    "a loop": lambda text: f"for i in 1; do {text}; done",
    "a substitution": lambda text: f"echo $({text})",
    "a here-document": lambda text: f"sh <<'E'\n{text}\nE",
    "something before": lambda text: f"true && {text}",
    "something after": lambda text: f"{text} && true",
    "no errors shown": lambda text: f"{{ {text}; }} 2>/dev/null",
    "a comment": lambda text: f"{text} # it's fine",
}  # fmt: skip


@pytest.mark.parametrize("text", COMMANDS)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_another_spelling_does_the_same(text: str, change: Callable[[str], str], done: Done) -> None:
    assert set(done(change(text))) >= set(done(text)) != set()


@pytest.mark.parametrize("text", ["rm /x", "rm /x /y"])
@pytest.mark.parametrize("space", ["${IFS}", "$IFS", "${IFS}${IFS}", "$IFS$9", "${IFS:0:1}"])
def test_the_separator_of_fields_is_a_space(text: str, space: str, done: Done) -> None:
    assert done(text.replace(" ", space)) == done(text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=3), st.sampled_from(COMMANDS[:2]))
def test_spellings_together_do_the_same(done: Done, names: list[str], text: str) -> None:
    changed = text
    for name in names:
        changed = CHANGES[name](changed)
    assert set(done(changed)) & {*done(text), f"unresolved {changed[:200]}"}
