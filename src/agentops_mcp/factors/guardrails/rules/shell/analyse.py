"""What shell text would do: parsed, walked, and every program it would call asked for its effects."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Outcome, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.shell.state import State, TooMuchError
from agentops_mcp.factors.guardrails.rules.shell.walk import Walker
from agentops_mcp.factors.guardrails.rules.worlds import During

LONGEST = 64_000
"""Characters that are looked into: parsing takes about 1 ms for each 2,000."""

_MOST = {"${": 400, "$(": 200, "`": 400, "|": 1_200, ";": 2_500, "\n": 3_000, "(": 1_500, "<<": 200, "{": 3_000, '"': 8_000, "'": 8_000}
"""How often these may stand in a text before it is parsed: 10,000 pipes take 60 ms, 20,000 `${` 175 ms."""

_BIDI = frozenset("\u200b\u200c\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u00ad")


class Analysis(NamedTuple):
    """What was found in some shell text."""

    effects: tuple[Effect, ...]
    calls: tuple[Call, ...] = ()
    """The programs that would be called, in the order they were met."""

    notes: tuple[str, ...] = ()
    """What could not be resolved."""

    def lines(self) -> Iterator[str]:
        """The calls, indented by how deep they stand, and the notes."""
        for call in self.calls:
            traits = f"  ({', '.join(sorted(call.traits))})" if call.traits else ""
            yield "  " * call.depth + call.text + traits
        yield from self.notes


def analyse(
    text: str,
    cwd: str,
    world: World,
    *,
    outcome_of: Callable[[Call, World], Outcome],
    code_of: Callable[[Code, str, World], Outcome],
) -> Analysis:
    """Everything that some shell text would do in `cwd`. What can not be known is the effect `unresolved`."""
    if trouble := _too_much(text):
        return Analysis((_unresolved(text, trouble),), notes=(trouble,))
    during = During(world)
    walker = Walker(during, outcome_of, code_of)
    try:
        walker.run(text, State(cwd, during), depth=0)
    except (TooMuchError, RecursionError):
        walker.found(_unresolved(text, "deep"))
        walker.notes.append("it is deeper or wider than is looked into")
    if any(character in _BIDI for character in text) and not text.isascii():
        walker.hidden(text)
    return Analysis(tuple(dict.fromkeys(walker.effects)), tuple(walker.calls), tuple(walker.notes))


def _too_much(text: str) -> str:
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if "\0" in text:
        return "it has a NUL byte"
    if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
        return "it is no Unicode"
    for mark, most in _MOST.items():
        if text.count(mark) > most:
            return f"it has more than {most} of {mark!r}"
    return ""


def _unresolved(text: str, why: str) -> Effect:
    return Effect("unresolved", text[:200].replace(HOLE, "…"), traits=frozenset({"limit"}), by=why)
