"""Calls of single programs, as the guardrails' walker makes them, and what is asserted about their outcomes."""

import shlex
from collections.abc import Callable, Mapping

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.worlds import Anywhere

WORLD = Anywhere()
PROJECT = WORLD.project

Program = Callable[[Call, World], Outcome | None]


def call(line: str, stdin: Stream | str = EMPTY, *, traits: str = "", env: Mapping[str, str] | None = None) -> Call:
    """One program with its words, which are split as a shell does."""
    stream = Stream(stdin) if isinstance(stdin, str) else stdin
    return Call(tuple(shlex.split(line)), stream, PROJECT, env or {}, frozenset(traits.split()))


def outcome(program: Program, line: str, stdin: Stream | str = EMPTY, *, traits: str = "") -> Outcome:
    """What the program says of it; an error when it does not know the call."""
    found = program(call(line, stdin, traits=traits), WORLD)
    assert found is not None, f"{line}: not known"
    return found


def effects(found: Outcome) -> list[str]:
    """Effects as `kind target trait,trait`, traits in order."""
    return [" ".join([each.kind, each.target, ",".join(sorted(each.traits))]).rstrip() for each in found.effects]


def runs(found: Outcome) -> list[str]:
    """What is run: `language: text` for code, the words for a call; traits in brackets."""
    return [_run(each) for each in found.runs]


def _run(each: Code | Call) -> str:
    traits = f" [{','.join(sorted(each.traits))}]" if each.traits else ""
    if isinstance(each, Code):
        return f"{each.language}: {each.text.text}{traits}"
    return " ".join(each.argv) + traits
