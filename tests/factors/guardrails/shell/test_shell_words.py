"""Words become what a shell makes of them."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE
from judged import WORLD, decision, words

HOME = WORLD.home


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("'a'\"b\"c", "abc"),
        ("a\\ b", "a b"),
        ('"a b"', "a b"),
        ("'a\\nb'", "a\\nb"),
        ('"a\\nb"', "a\\nb"),
        ('"\\$x \\" \\\\ \\`"', '$x " \\ `'),
        ("\\'", "'"),
        ("''", ""),
        ("$'a\\tb'", "a\tb"),
        ("$'\\x41\\101\\u0042\\cA'", "AAB\x01"),
        ("$'it\\'s'", "it's"),
        ("$'a\\qb'", "a\\qb"),
        ("x$'\\x2f'y", "x/y"),
        ('$"a b"', "a b"),
        ("a=b", "a=b"),
        ("--file='a b'", "--file=a b"),
        ("r\\\nm", "rm"),
        ("a#b", "a#b"),
        ('"a{b,c}"', "a{b,c}"),
        ("a\\{b,c\\}", "a{b,c}"),
        ("{a}", "{a}"),
        ("*.txt", "*.txt"),
        ('"$HOME/x"', f"{HOME}/x"),
        ("${HOME}/x", f"{HOME}/x"),
        ('" $HOME"', f" {HOME}"),
        ('" ${HOME} "', f" {HOME} "),
        ("$UNKNOWN", HOLE),
        ('"a$UNKNOWN"', f"a{HOLE}"),
        ("$((1 + 2))", HOLE),
        ("$(echo a)b", "ab"),
        ("`echo a`b", "ab"),
        ('"x `echo a` y"', "x a y"),
        ("$(printf 'a\\n\\n')", "a"),
        ("a$", "a$"),
        ("日本", "日本"),
        ("$?", HOLE),
    ],
)
def test_a_word_is_freed_of_its_quotes_and_expanded(line: str, expected: str) -> None:
    assert words(f"program {line}") == ("program", expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a{b,c}d", ("abd", "acd")),
        ("{a,b}{c,d}", ("ac", "ad", "bc", "bd")),
        ("{1..3}", ("1", "2", "3")),
        ("{a..c}", ("a", "b", "c")),
        ("x{a,{b,c}}", ("xa", "xb", "xc")),
        ('a{b,"c d"}', ("ab", "ac d")),
        ("$(echo a b)", ("a", "b")),
        ('"$(echo a b)"', ("a b",)),
        ("a${IFS}b", ("a", "b")),
        ("a$IFS-b", ("a", "-b")),
        ("", ()),
        ("$(true)", ()),
        ("\\\n a", ("a",)),
        ("a # b", ("a",)),
    ],
)
def test_a_word_becomes_none_or_several(line: str, expected: tuple[str, ...]) -> None:
    assert words(f"program {line}") == ("program", *expected)


@pytest.mark.parametrize(
    ("expansion", "expected"),
    [
        ("${x}", ("a.b.c",)),
        ("${x%.*}", ("a.b",)),
        ("${x%%.*}", ("a",)),
        ("${x#*.}", ("b.c",)),
        ("${x##*.}", ("c",)),
        ("${x/./-}", ("a-b.c",)),
        ("${x//./-}", ("a-b-c",)),
        ("${x:2}", ("b.c",)),
        ("${x:2:1}", ("b",)),
        ("${x: -1}", ("c",)),
        ("${x^^}", ("A.B.C",)),
        ("${#x}", ("5",)),
        ("${x:-no}", ("a.b.c",)),
        ("${x:+yes}", ("yes",)),
        ("${unset:-two words}", ("two", "words")),
        ('"${unset:-two words}"', ("two words",)),
        ("${unset:-$x}", ("a.b.c",)),
        ("${unset-$(echo y)}", ("y",)),
        ("${unset:=v}$unset", ("vv",)),
        ("${!name}", ("a.b.c",)),
        ("${list[1]}", ("q",)),
        ("${list[-1]}", ("q",)),
        ("$list", ("p",)),
        ("${list[@]}", ("p", "q")),
        ('"${list[@]}"', ("p", "q")),
        ('"${list[@]:1}"', ("q",)),
        ("${#list[@]}", ("2",)),
        ('"${spaced[@]}"', ("a b", "c")),
        ("${spaced[@]}", ("a", "b", "c")),
        ("${x/[ab]/-}", (HOLE,)),
        ("${unknown%x}", (HOLE,)),
    ],
)
def test_a_parameter_becomes_what_its_operator_makes_of_it(expansion: str, expected: tuple[str, ...]) -> None:
    before = "x=a.b.c; name=x; list=(p q); spaced=('a b' c); "
    assert words(f"{before}program {expansion}") == ("program", *expected)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("x=1; x=2", "2"),
        ("x=1; x+=2", "12"),
        ("x=1; (x=2)", "1"),
        ("x=1; y=$(x=2; echo $x)", "1"),
        ("x=1; { x=2; }", "2"),
        ("x=1; f() { x=2; }; f", "2"),
        ("x=1; f() { local x=2; }; f", "1"),
        ("x=1; f() { declare x=2; }; f", "1"),
        ("readonly x=1; x=2", "1"),
        ("declare -r x=1; x=2", "1"),
        ("export x=1", "1"),
        ("x=1; unset x", HOLE),
        ("declare -n x=y", HOLE),
        ("read x <<< 'a b'", "a b"),
        ("read -p prompt x <<< a", "a"),
        ("read -r y x <<< 'a b c'", "b c"),
        ("read -a x <<< 'a b'", "a"),
        ("{ read y; read x; } <<< $'a\\nb'", "b"),
        ("printf -v x '%s-%s' a b", "a-b"),
        ("mapfile -t x <<< $'a\\nb'", "a"),
        ("x=(a); x+=(b); x=${x[1]}", "b"),
        ("x[0]=a", "a"),
        ("for x in a b; do :; done", "b"),
    ],
)
def test_a_variable_holds_what_was_given_to_it_where_it_is_seen(before: str, expected: str) -> None:
    assert words(f'{before}; program "$x"') == ("program", expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('set -- a "b c"; program "$@"', ("a", "b c")),
        ("set -- a b; shift; program $1 $#", ("b", HOLE)),
        ('f() { program "$1"; }; f x', ("x",)),
        ('f() { "$@"; }; f program x', ("x",)),
        ("bash -c 'program $0 $1' a b", ("a", "b")),
        ("IFS=,; x=a,b; program $x", ("a", "b")),
        ('set -- a b c; program "${@:2}"', ("b", "c")),
    ],
)
def test_arguments_are_followed(line: str, expected: tuple[str, ...]) -> None:
    assert words(line) == ("program", *expected)


@pytest.mark.parametrize("line", ["program {a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "x=" + "a" * 30_000])
def test_a_word_that_grows_too_large_is_asked_about(line: str) -> None:
    assert decision(line) == "ask"
