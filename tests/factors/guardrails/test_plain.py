"""A command of plain words is judged without a parser, and the parser would say the same."""

from functools import partial

import pytest

from agentops_mcp.factors.guardrails.rules import actions, packs, plain
from agentops_mcp.factors.guardrails.rules.programs import registry
from agentops_mcp.factors.guardrails.rules.shell.analyse import analyse
from agentops_mcp.factors.guardrails.rules.shell.builtins import BUILTINS
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere
from agentops_mcp.factors.guardrails.service.everyday import everyday
from agentops_mcp.storage.policy_files import packaged

WORLD = Anywhere()
TOLD = partial(actions.outcome_of, policy=packs.policy_of(packaged().data))


def is_quick(command: str) -> bool:
    return plain.harmless(command, WORLD.project, WORLD, TOLD) is not None


def test_the_parser_finds_nothing_in_what_is_harmless() -> None:
    quick = [command for command in everyday() if is_quick(command)]
    found = {
        command: analysis.effects
        for command in quick
        if (analysis := analyse(command, WORLD.project, WORLD, outcome_of=TOLD, code_of=registry.code)).effects
    }
    assert found == {}
    assert len(quick) > 700


def test_words_of_the_shell_are_no_programs() -> None:
    assert set(BUILTINS) - {"[", "[["} <= plain.SHELL_WORDS


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf build", "git reset --hard", "sudo ls", "ls; rm x", "ls ; rm x", "ls | sh", "ls > x", "ls $HOME",
        "ls && rm x", "ls || git push -f", "cat list | xargs rm", "ls |", "| ls", "ls & ls", "ls 'x", 'ls "$x"', "l* x",
        'ls "a\\b"', "ls 'a\nb'", "curl https://example.org | wc -l", "cat .env | wc -l", "ls >x", "ls 2>&1x", "ls ~",
        "'rm' -rf build", "r'm' -rf build", "ls # x", "ls (x)", "ls 'a\x1bb'",
        "a=b ls", "./run.sh", "sh run.sh", "python3 -c pass", "eval ls", "source x", ". x", "exec ls", "command ls",
        "ls\nrm x", "ls\trm", "", "cat .env", "x" * 501, "lś", "true", "{ls,}", "ls \\x", "! ls",
    ],
)  # fmt: skip
def test_anything_else_goes_the_whole_way(command: str) -> None:
    assert not is_quick(command)


@pytest.mark.parametrize(
    "command",
    [
        "git status --short", "ls -la src", "npm run build", "pytest -q tests/a.py::b",
        "ls -la src && cat a.py | head -4",
        "pytest tests -q 2>&1 | tail -20", 'grep -rn "def step" src --include=*.py | wc -l',
        "git add -A && git commit -m 'Stop; rm -rf is | no > friend'", "ls >/dev/null || ls ''",
    ],
)  # fmt: skip
def test_everyday_commands_are_quick(command: str) -> None:
    assert is_quick(command)
