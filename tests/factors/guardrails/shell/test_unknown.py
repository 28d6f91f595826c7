"""What can not be known is said, never passed over."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentops_mcp.factors.guardrails.rules.calls import Analysis

Analysed = Callable[..., Analysis]
Done = Callable[[str], list[str]]


@pytest.mark.parametrize(
    "text",
    [
        "$UNKNOWN x", '"$UNKNOWN" x', "$(pick) x", "$1 x", "${a[1]} x", "/bin/r? x", "/bin/[r]m x", "r$(pick)m x",
        'eval "$UNKNOWN"', "eval $(pick)", "$((1)) x", 'eval "$(ssh-agent)$UNKNOWN"', 'eval "$(ssh-agent | pick)"',
        'eval "$(ssh-agent)" "$UNKNOWN"',
    ],
)  # fmt: skip
def test_a_command_that_is_only_known_at_run_time_is_said(text: str, analysed: Analysed) -> None:
    assert "run_dynamic" in [each.kind for each in analysed(text).effects]


@pytest.mark.parametrize("text", ["$UNSET rm /x", "r$@m /x", "r${UNSET}m /x", "rm$IFS$9/x", '"$SUDO" rm /x'])
def test_the_unknown_may_be_nothing(text: str, done: Done) -> None:
    assert "delete /x" in done(text)


@pytest.mark.parametrize(
    "text", ["$EDITOR f", "$HOME/bin/x", "$VENV/bin/python -m pytest", "[ -f x ]", "[[ a == b* ]]"]
)
def test_a_program_whose_name_is_known_is_no_unknown_one(text: str, analysed: Analysed) -> None:
    assert analysed(text).effects == ()


HOSTILE = {
    "nested substitutions": "echo " + "$(echo " * 40 + "x" + ")" * 40,
    "pipeline segments": "|".join(["cat"] * 10_000),
    "one long word": "echo " + "a" * 1_000_000,
    "many words": "echo " + "a " * 500_000,
    "quotes in quotes": "echo " + "\"'" * 20_000,
    "open expansions": "echo " + "${" * 8_000,
    "open substitutions": "echo " + "$(" * 8_000,
    "braces": "echo " + "{a,b}" * 30,
    "wrappers": "sudo " * 400 + "rm /x",
    "here-documents": "cat <<A\n" * 500,
    "parentheses": "(" * 10_000,
    "groups": "{ " * 1_400 + "rm /x" + "; }" * 1_400,
    "conditions": "if a; then " * 800 + "rm /x; " + "fi; " * 800,
    "variables that grow": "a=xx;" + "a=$a$a;" * 60 + "rm $a",
    "functions that call each other": "".join(f"f{n}(){{ f{n + 1}; f{n + 1}; }};" for n in range(60)) + "f0",
    "loops in loops": "for a in 1 2 3 4 5; do " * 12 + "rm /x; " + "done; " * 12,
    "evals": "eval " * 3_000 + "rm /x",
    "half a character": "rm \ud800",
    "no byte": "rm /x\0",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_text_made_to_be_too_much_is_never_passed_over(text: str, analysed: Analysed) -> None:
    assert "unresolved" in [each.kind for each in analysed(text).effects]


@pytest.mark.parametrize("text", ["r\u200bm /x", "rm\u00a0/x", "ls \u202e/x", "l\rs", "\x1b[2Krm", "echo a \u2066b"])
def test_characters_that_nobody_sees_are_said(text: str, analysed: Analysed) -> None:
    assert "unresolved" in [each.kind for each in analysed(text).effects]


def test_the_marks_of_the_guard_are_nothing_in_a_text(done: Done) -> None:
    assert done("r\ue003m /x; r\ue001m /x; rm\ue002/x") == []


@pytest.mark.parametrize("text", ["\U0010fffe", "echo a\U000e0001b", "a=\U000f0000; $a\U000f0000", "<<\U0010fffe"])
def test_characters_beyond_the_tables_of_the_grammar_end_nothing(text: str, analysed: Analysed) -> None:
    assert isinstance(analysed(text * 30), Analysis)


@pytest.mark.parametrize("text", ["echo '👩‍💻 ok'", "git commit -m 'naïve — ok'", "ls 'día'", "echo a\tb", "ls\r\n"])
def test_other_languages_are_everyday(text: str, analysed: Analysed) -> None:
    assert analysed(text).effects == ()


@pytest.mark.parametrize(
    "text", ["echo $(unclosed", "if a; then b", "for a in", "a ||", "rm /x )", "case a in", "echo ${a"]
)
def test_text_that_is_no_shell_is_said(text: str, analysed: Analysed) -> None:
    assert "unresolved" in [each.kind for each in analysed(text).effects]


@pytest.mark.parametrize("text", ['rm /x "open', "rm /x 'open"])
def test_what_stands_before_an_open_quote_is_found(text: str, done: Done) -> None:
    assert "delete /x" in done(text)


@pytest.mark.parametrize("text", ['ls "D:\\path\\"', "exec 3<>f", "cat <<E; ls\na\nE", "echo $a/b$c/d", "a \\\n  b"])
def test_what_the_grammar_misreads_is_no_alarm(text: str, analysed: Analysed) -> None:
    assert [each.kind for each in analysed(text).effects if each.kind == "unresolved"] == []


PIECES = st.sampled_from(
    [
        "rm /x", "a", "$", "(", ")", "{", "}", "'", '"', "`", "|", "&", ";", "\n", "\\", "<", ">", "<<E", "E", "$(",
        "${", "=",
        "if", "then", "fi", "do", "done", "case", "in", "esac", "for", "f()", "eval", "exec", "[[", "]]", "#", " ",
        "*", "!",
        "$@", "$1", "x=", "\u200b", "\r", "\ue003", "é", "~", ":-", "[", "]", "/dev/tcp/h/1", "alias a=", "&&", "||",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=40))
def test_any_text_has_an_answer(analysed: Analysed, pieces: list[str]) -> None:
    for text in ("".join(pieces), " ".join(pieces)):
        assert isinstance(analysed(text), Analysis)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_any_characters_have_an_answer(analysed: Analysed, text: str) -> None:
    assert isinstance(analysed(text), Analysis)


def test_threads_do_not_share_a_parser(analysed: Analysed) -> None:
    found: dict[int, str] = {}

    def look(number: int) -> None:
        found[number] = analysed(f"a=/x{number}; " * 50 + "rm $a").effects[0].target

    threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {number: f"/x{number}" for number in range(8)}
