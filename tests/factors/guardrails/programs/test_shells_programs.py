"""Editors, pagers, debuggers and build tools run commands in passing."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, Stream
from agentops_mcp.factors.guardrails.rules.programs.shells_programs import outcome as program
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere
from called import PROJECT, call, effects, outcome, runs

FETCHED = Stream(None, frozenset({"fetched"}), "https://example.com/x")


@pytest.mark.parametrize(
    ("line", "stdin"),
    [
        ("vim -c '!rm -rf x'", ""),
        ("vim +'!rm -rf x' f", ""),
        ("vim -c ':silent !rm -rf x' -c q", ""),
        ("nvim --headless -c 'r !rm -rf x'", ""),
        ("vim -c 'call system(\"rm -rf x\")'", ""),
        ("ex -s f", "!rm -rf x\nq"),
        ("ed f", "!rm -rf x"),
        ("less '+!rm -rf x' f", ""),
        ("man -P 'rm -rf x' ls", ""),
        ("emacs --batch --eval '(shell-command \"rm -rf x\")'", ""),
        ("gdb -batch -ex 'shell rm -rf x'", ""),
        ("gdb -ex '!rm -rf x'", ""),
        ("lldb -o 'platform shell rm -rf x'", ""),
        ("make -f -", "all:\n\t@rm -rf x\n"),
        ("make -f /dev/stdin", "all: ; rm -rf x"),
        ("make --eval='$(shell rm -rf x)'", ""),
        ("tclsh", "exec rm -rf x"),
        ("osascript -e 'do shell script \"rm -rf x\"'", ""),
    ],
)
def test_the_command_is_found(line: str, stdin: str) -> None:
    assert runs(outcome(program, line, stdin)) == ["shell: rm -rf x"]


def test_a_makefile_that_the_same_text_wrote_is_run() -> None:
    class Written(Anywhere):
        def held(self, path: str) -> Stream | None:
            return Stream("all:\n\trm -rf x\n") if path == f"{PROJECT}/Makefile" else None

    found = program(call("make all"), Written())
    assert found is not None
    assert runs(found) == ["shell: rm -rf x"]


def test_an_administrators_script_has_other_rights() -> None:
    found = outcome(program, "osascript -e 'do shell script \"rm x\" with administrator privileges'")
    assert runs(found) == ["shell: rm x [privileged]"]


def test_a_debugger_starts_the_program_that_it_is_given() -> None:
    assert runs(outcome(program, "gdb --args rm x")) == ["rm x"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("vim .env", [f"read_secret {PROJECT}/.env environment"]),
        ("less .env", [f"read_secret {PROJECT}/.env environment"]),
        ("vim -es f -c wq", [f"overwrite {PROJECT}/f edit"]),
        ("vim -c 'w /etc/profile' f", ["overwrite /etc/profile edit"]),
        ("ed f", []),
        ("less README.md", []),
        ("man ls", []),
        ("make test", []),
        ("make -n clean", []),
        ("gdb ./app core", []),
        (
            'osascript -e \'display dialog "Password" default answer "" with hidden answer\'',
            ["read_secret a password that a person types prompt"],
        ),
    ],
)
def test_what_is_shown_and_edited_is_told(line: str, expected: list[str]) -> None:
    assert effects(outcome(program, line)) == expected


@pytest.mark.parametrize("line", ["make -f -", "tclsh", "osascript"])
def test_text_from_the_network_is_run(line: str) -> None:
    assert [each.kind for each in outcome(program, line, FETCHED).effects] == ["run_fetched"]


@pytest.mark.parametrize(
    "line", ["make", "make install PREFIX=/usr", "tclsh script.tcl", "osascript script.scpt", "vim", "emacs f"]
)
def test_everyday_calls_run_nothing_that_is_not_theirs(line: str) -> None:
    found = outcome(program, line, EMPTY)
    assert (found.runs, found.effects) == ((), ())
