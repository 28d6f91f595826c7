"""Text that is made to be slow, deep, broken or unseen ends soon, raises nothing and is never waved through."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judged import STRICTNESS, analysis, decision, effects, traits

LONG = 60_000
REPEATED = [
    "a;", "a|", "a ", "a\n", "|&", "<<<", "<&", ")", "(", "((", "[[ ", "a=(", "a[", "${", "$(", "${a:-", "$((1+", "`",
    "{", "<<A\n", "<<'A'\n", "<(", ">(", "'\"", "\"'", "{a,b}", "if a; then ", "while a; do ", "case a in a) ",
    "f(){ ", "[[ a && ", "$a", "]", "\U0001f600$", "coproc \U0001f600", "declare a=", "a=b ", ">a ", "2>&1 a[", "! ",
    "time ", "a && ", "eval ", "bash -c '", "sudo ",
]  # fmt: skip
DEEP = {
    "substitutions": "echo " + "$(echo " * 60 + "x" + ")" * 60,
    "wrappers": "sudo env nice timeout 5 " * 100 + "rm x",
    "braces": "echo " + "{a,b}" * 40,
    "braces in braces": "echo " + "{a," * 2_000 + "b" + "}" * 2_000,
    "variables that grow": "a=xx;" + "a=$a$a;" * 60 + "ls $a",
    "arguments that grow": 'set -- a b; f() { set -- "$@" "$@"; };'
    + "f;" * 40
    + 'ls "$@"; '
    + 'set -- "$@" "$@";' * 20,
    "functions that call two others": "".join(f"f{n}(){{ f{n + 1}; f{n + 1}; }};" for n in range(60)) + "f0",
    "eval of eval": "x='eval $x'; eval $x; " + "eval " * 400 + "rm",
    "loops in loops": "for a in 1 2 3 4 5 6; do " * 6 + "ls" + "; done" * 6,
    "output processes": "ls " + "> >(tee " * 60 + ")" * 60,
    "a long variable": "x=" + "a" * 50_000 + "; ls $x",
    "many here-documents": "cat <<A\nx\nA\n" * 300,
}


@pytest.mark.parametrize("part", REPEATED)
def test_sixty_thousand_characters_of_one_thing_are_asked_about(part: str) -> None:
    text = "rm x; " + part * (LONG // len(part))
    assert decision(text) != "allow"


@pytest.mark.parametrize("name", DEEP)
def test_what_is_too_deep_or_too_wide_is_asked_about(name: str) -> None:
    assert decision(DEEP[name]) != "allow"


@pytest.mark.parametrize(
    "text",
    [
        "f() { g; }; g() { f; }; f",
        "f() { f; }; f",
        "alias a=b b=a\na",
        "alias ls='ls -l'\nls",
        "x='$x'; eval $x",
        "while read x; do :; done < <(cat list)",
        "echo " + "${a:-" * 150 + "x" + "}" * 150,
        "\ue001 -rf /",
        "\ue002rm\ue003 x; \ue001",
    ],
)
def test_what_goes_round_in_circles_or_holds_marks_of_the_walker_ends(text: str) -> None:
    assert decision(text) in STRICTNESS


@pytest.mark.parametrize(
    "text",
    [
        "rm x\0y",
        "echo $(unclosed",
        'echo "unclosed',
        "echo 'unclosed",
        "if true; then rm x",
        "rm\u200b -rf x",
        "\u2060ls",
        "r\u202em x",
        "ls \u2067/\u2069",
        "rm -rf / \ud800",
        "ls;" * 3_000,
    ],
)
def test_what_can_not_be_read_is_asked_about(text: str) -> None:
    assert decision(text) != "allow"


@pytest.mark.parametrize(
    "text",
    [
        "echo caf\u00e9 \u65e5\u672c \U0001f469\u200d\U0001f4bb",
        "git commit -m '\u05e9\u05dc\u05d5\u05dd'",
        "ls\r\npwd\r\n",
        "",
        "\n\n",
        "# nothing",
    ],
)
def test_writing_of_other_languages_and_line_ends_are_ordinary(text: str) -> None:
    assert decision(text) == "allow"


def test_lines_that_end_as_on_windows_are_commands() -> None:
    assert "delete /" in effects("cd src\r\nrm -rf /\r\n")


@pytest.mark.parametrize("text", ["pwsh -c 'ls'", "powershell -Command 'Remove-Item x'"])
def test_powershell_is_not_understood_and_asked_about(text: str) -> None:
    assert decision(text) == "ask"


LINES = "const a = `${b}`; if (a || b && [c]) { d('x' | \"y\"); } // | | |\n"


@pytest.mark.parametrize("size", [1_000, 20_000, 50_000])
def test_a_long_file_that_is_written_is_judged_as_the_file_it_is(size: int) -> None:
    text = "cat > src/app.js <<'EOF'\n" + LINES * (size // len(LINES)) + "EOF\nnpm test\n"
    found = analysis(text)
    assert {each.kind for each in found.effects} == {"overwrite"}
    assert [call.argv[0] for call in found.calls] == ["cat", "npm"]


def test_a_long_script_that_is_written_and_run_is_read() -> None:
    text = "cat > x.sh <<'EOF'\n" + "# a | b | c\n" * 2_000 + "rm -rf /\nEOF\nsh x.sh\n"
    assert decision(text) != "allow"


@pytest.mark.parametrize(
    "before",
    ["echo \"<<'EOF'\"", "ls # <<'EOF'", "x=1 # <<'EOF'", "echo \\<<'EOF'", "echo <\\<'EOF'", ": <<< x <<'A' <<'EOF'"],
)
def test_commands_are_not_hidden_as_the_body_of_a_document_that_is_none(before: str) -> None:
    text = f"{before}\nrm -rf /\nEOF\n" + "cat <<'B'\n" + "|" * 2_000 + "\nB\n"
    assert decision(text) != "allow"


TOKENS = st.sampled_from(
    "rm -rf / ls cat sh bash eval echo sudo xargs x=1 $x ${x} ${x:-y} $(ls) `ls` <(ls) >(sh) | || && ; & ;; ( ) { } "
    "[ ] [[ ]] (( )) $(( )) if then else fi for in do done while until case esac function f() <<EOF EOF <<< < > >> >& "
    "2>&1 3<> {fd}> \" ' ` $ \\ # ! ~ * ? {a,b} {1..3} $' $\" ${ $( \n \t = += a=( a[1]= exec 3> >&3 trap alias coproc "
    'select time declare local read set -- "$@" \ue001 \0 \u202e \ud800 \u00e9'.split(" ")
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(TOKENS, st.sampled_from(["", " ", "\n"])), max_size=60))
def test_no_text_of_the_shells_own_signs_raises(parts: list[tuple[str, str]]) -> None:
    assert "error" not in traits("".join(token + space for token, space in parts))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    assert "error" not in traits(data.decode(errors="surrogateescape"))


NESTINGS = (
    "$({})",
    "x=$({})",
    "({})",
    "{{ {}; }}",
    "f() {{ {}; }}; f",
    "if {}; then :; fi",
    "ls <({})",
    "! {}",
    "{} | cat",
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(NESTINGS), max_size=12))
def test_what_is_nested_in_anything_is_found_or_asked_about(nestings: list[str]) -> None:
    text = "rm -rf /"
    for each in nestings:
        text = each.format(text)
    assert decision(text) != "allow"
