"""Whatever stands around a command, what it does is found, and what is only text is not."""

from collections.abc import Callable

import pytest

from agentops_mcp.factors.guardrails.rules.calls import Analysis

Done = Callable[[str], list[str]]
Analysed = Callable[..., Analysis]
GONE = ["delete /x"]


@pytest.mark.parametrize(
    "text",
    [
        "rm /x", "true; rm /x", "true && rm /x", "false || rm /x", "true & rm /x", "rm /x &", "(rm /x)", "{ rm /x; }",
        "! rm /x", "rm /x | cat", "cat | rm /x", "true\nrm /x", "true\r\nrm /x\r\n",
        "if rm /x; then true; fi", "if true; then rm /x; fi", "if true; then :; elif rm /x; then :; fi",
        "if true; then :; else rm /x; fi", "case a in a) rm /x;; esac", "case a in a) :;; b|c) rm /x;& esac",
        "case $(rm /x) in a) ;; esac", "while rm /x; do :; done", "while true; do rm /x; done",
        "until false; do rm /x; done", "for a in 1; do rm /x; done", "for a; do rm /x; done",
        "for ((i = 0; i < 1; i++)); do rm /x; done", "select a in 1; do rm /x; done", "[[ -n $(rm /x) ]] && :",
        "[ -f a ] && rm /x", "echo $(rm /x)", "echo `rm /x`", 'echo "$(rm /x)"', 'echo "a$(echo "b$(rm /x)")c"',
        "echo $((1 + $(rm /x)))", "echo ${a:-$(rm /x)}", ": ${a:=$(rm /x)}", "a=$(rm /x)", "a=$(rm /x) cat",
        "export a=$(rm /x)", "cat <(rm /x)", "ls > >(rm /x)", "cat <<E\n$(rm /x)\nE", "cat <<< $(rm /x)",
        "> $(rm /x)", "f() { rm /x; }; f", "function f { rm /x; }; f", "f() ( rm /x ); f", "sudo rm /x",
        "sudo sudo rm /x", "command rm /x", "builtin command rm /x", "exec rm /x", "coproc rm /x", "eval rm /x",
        "eval 'rm /x'", "trap 'rm /x' EXIT", "sh -c 'rm /x'", "sh -c 'sh -c \"rm /x\"'", "alias a='rm /x'; a",
        "alias a=rm; a /x", "alias a='true; rm'; a /x", "hash -p /bin/rm a; a /x", "a=1 rm /x", "> f rm /x",
        "rm > f /x", "rm 2>&1 /x", "rm /x 2>/dev/null >&2", "cat <<E && rm /x\na\nE", "cat <<E; rm /x\na\nE",
        "cat <<E | rm /x\na\nE", "cat <<E\na\nE\nrm /x", "true # it's\nrm /x", "a && { b || rm /x; }",
    ],
)  # fmt: skip
def test_a_command_is_found_wherever_it_stands(text: str, done: Done) -> None:
    assert set(done(text)) >= set(GONE)


@pytest.mark.parametrize(
    "text",
    [
        "echo 'rm /x'", "echo rm /x", "git commit -m 'rm /x'", "# rm /x", "true # rm /x", "cat > f <<'E'\nrm /x\nE",
        "cat > f <<'E'\n$(rm /x)\nE", "cat <<'E' | grep x\nrm /x\nE", "echo 'a\nrm /x'", "f() { rm /x; }", "a='rm /x'",
        "grep 'rm /x' f", 'echo "rm /x" >> f', "alias a='rm /x'", "rm() { echo; }; rm /x", "command -v rm /x",
        "echo '$(rm /x)'", 'echo "\\$(rm /x)"', "echo '<(rm /x)'", "case a in 'rm /x') ;; esac",
    ],
)  # fmt: skip
def test_what_is_only_text_does_nothing(text: str, done: Done) -> None:
    assert done(text) == []


@pytest.mark.parametrize(
    ("text", "effects"),
    [
        ("d=/x; rm $d", GONE), ('d=/x; rm "$d"', GONE), ("d=/; rm ${d}x", GONE), ("a=rm; $a /x", GONE),
        ("a='rm /x'; $a", GONE), ("a='rm /x'; eval \"$a\"", GONE), ("a=/; b=${a}x; rm $b", GONE),
        ("a=(rm /x); ${a[@]}", GONE), ('a=(rm /x); "${a[@]}"', GONE), ("a=(q rm); a+=(/x); ${a[1]} ${a[2]}", GONE),
        ("a=b; b=/x; rm ${!a}", GONE), ("a=1/x; rm ${a#1}", GONE), ("a=/x1; rm ${a%1}", GONE),
        ("a=q/x; rm ${a:1}", GONE),
        ("a=q/xq; rm ${a:1:2}", GONE), ("a=/X; rm ${a,,}", GONE), ("a=/q; rm ${a/q/x}", GONE), ("rm ${a:-/x}", GONE),
        ("a=/x; rm ${a:-/y}", GONE), ("a=/y; rm ${a:+/x}", GONE), ("export d=/x; rm $d", GONE),
        ("f() { rm $1; }; f /x", GONE), ('f() { rm "$@"; }; f /x', GONE), ('f() { rm "$2"; }; f a /x', GONE),
        ('f() { shift; rm "$1"; }; f a /x', GONE), ("set -- /x; rm $1", GONE),
        ("f() { local d=/y; }; d=/x; f; rm $d", GONE),
        ("for d in /x; do rm $d; done", GONE), ("for d in /x /y; do rm $d; done", [*GONE, "delete /y"]),
        ("read d <<< /x; rm $d", GONE), ("echo /x | { read d; rm $d; }", GONE),
        ("mapfile -t a <<< /x; rm ${a[0]}", GONE),
        ("d=/y; (d=/x); rm $d", ["delete /y"]), ("d=/y; true | d=/x true; rm $d", ["delete /y"]),
        ("d=/y cat; rm $d", ["delete …"]), ("HOME=/h cat; rm ~/x", ["delete /home/person/x"]),
        ("HOME=/h; rm ~/x", ["delete /h/x"]), ("rm $HOME/x", ["delete /home/person/x"]), ("rm ${HOME:0:1}x", GONE),
        ("readonly d=/x; d=/y; rm $d", GONE), ("d=/x; d+=y; rm $d", ["delete /xy"]),
        ("unset d; rm /x$d", ["delete /x…"]),
        ("if c; then d=/x; else d=/y; fi; rm $d", [*GONE, "delete /y"]),
        ("case $1 in a) d=/x;; *) d=/y;; esac; rm $d", [*GONE, "delete /y"]),
        ("sh -c 'rm $0' /x", GONE), ("sh -c 'rm \"$1\"' a /x", GONE),
        ("a=/q/b; b=/x; rm $a/c$b/d", ["delete /q/b/c/x/d"]),
    ],
)  # fmt: skip
def test_variables_are_followed(text: str, effects: list[str], done: Done) -> None:
    assert [each.replace("\ue001", "…") for each in done(text)] == effects


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("cd /a && rm x", "/a"), ("cd /a; cd b; rm x", "/a/b"), ("(cd /a); rm x", "/home/person/project"),
        ("cd; rm x", "/home/person"), ("cd ~/a; rm x", "/home/person/a"), ("cd /a; cd ..; rm x", ""),
        ("pushd /a; rm x", "/a"), ("cd -- /a; rm x", "/a"), ("cd /a; cd /b; cd -; rm x", "/a"),
        ("true | cd /a; rm x", "/home/person/project"), ("cd /a || exit 1; rm x", "/a"), ("d=/a; cd $d; rm x", "/a"),
        ("cd /a & rm x", "/home/person/project"), ("f() { cd /a; }; f; rm x", "/a"), ("cd -P /a; rm x", "/a"),
    ],
)  # fmt: skip
def test_the_working_directory_is_followed(text: str, folder: str, done: Done) -> None:
    assert done(text)[-1] == f"delete {folder}/x"


@pytest.mark.parametrize(
    "text", ["cd $UNKNOWN; rm x", "cd $(pick); rm x", "popd; rm x", "false || cd /; rm x", "if a; then cd /; fi; rm x"]
)
def test_a_folder_that_may_be_another_is_not_known(text: str, analysed: Analysed) -> None:
    assert "\ue001" in analysed(text).calls[-1].cwd


@pytest.mark.parametrize(
    ("text", "exhausts"),
    [
        (":(){ :|:& };:", True), ("f(){ f|f& };f", True), ("f() { f & f; }; f", True), ("f(){ f | f; }; f", True),
        ("f(){ g & }; g(){ f; }; f", True), ("f(){ (f) & f; }; f", True), ("while true; do a & done", True),
        ("while :; do a & done", True), ("until false; do a & done", True), ("for ((;;)); do a & done", True),
        ("$0 & $0 &", True), ("./$0|./$0&", True), ('bash -c ":(){ :|:& };:"', True), (":(){ :|:& }", False),
        ("f(){ f; }; f", False), ("for i in 1 2; do a & done; wait", False), ("while read a; do b & done", False),
        ("f(){ ls | while read a; do f; done; }; f", False), ("a | b &", False),
    ],
)  # fmt: skip
def test_processes_without_end_are_told_from_a_few(text: str, exhausts: bool, analysed: Analysed) -> None:
    assert any(each.kind == "exhaust" for each in analysed(text).effects) is exhausts


def test_traits_of_what_is_around_reach_the_effect(analysed: Analysed) -> None:
    found = analysed("sudo sh -c 'rm /x' &").effects
    assert {"privileged", "background"} <= found[0].traits


def test_the_calls_are_told_with_how_deep_they_stand(analysed: Analysed) -> None:
    assert list(analysed("sudo sh -c 'rm /x'").lines()) == [
        "sudo sh -c rm /x", "  sh -c rm /x  (privileged)", "    rm /x  (privileged)",
    ]  # fmt: skip
