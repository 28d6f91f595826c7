"""What shell text would do: parsed, walked, and every program it would call asked for its effects."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Analysis, Call, Code, Outcome, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.shell.documents import Documents
from agentops_mcp.factors.guardrails.rules.shell.state import State, TooMuchError
from agentops_mcp.factors.guardrails.rules.shell.walk import Walker
from agentops_mcp.factors.guardrails.rules.worlds import During

LONGEST = 64_000
"""Characters that are looked into: parsing takes about 1 ms for each 2,000."""

_MOST = {
    "${": 400, "$(": 200, "`": 400, "|": 400, ";": 2_500, "\n": 3_000, "(": 1_500, ")": 1_500, "<": 500, "{": 3_000,
    '"': 8_000, "'": 8_000, "=(": 300, "[[": 400, "<<": 200, ">": 2_000, "&": 1_500, "[": 2_500, "}": 5_000,
    "case": 200, "]": 2_500, "$": 1_000, " ": 12_000,
}  # fmt: skip
"""How often these may stand in a text before it is parsed: 10,000 pipes take 10 s, as the parser's time grows with
their square."""

_MOST_OPEN = 200
_OWN = dict.fromkeys(range(0xE001, 0xE012), "\ufffd")
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks of writing direction, which show a text in another order than it is read."""


def analyse(
    text: str,
    cwd: str,
    world: World,
    *,
    outcome_of: Callable[[Call, World], Outcome],
    code_of: Callable[[Code, str, World], Outcome],
) -> Analysis:
    """Everything that some shell text would do in `cwd`. What can not be known is the effect `unresolved`."""
    if not text.isascii() and len(text) <= LONGEST:
        text = text.translate(_OWN)  # what stands for holes and marks here stands for nothing in a text from outside
    documents = Documents(text, apart=len(text) <= LONGEST and bool(_too_much(text)))
    if trouble := _too_much(documents.rest):
        return Analysis((_unresolved(text, trouble),), notes=(trouble,))
    during = During(world)
    walker = Walker(during, outcome_of, code_of, documents)
    try:
        walker.run(documents.rest, State(cwd, during), depth=0)
        walker.end()
    except (TooMuchError, RecursionError):
        walker.found(_unresolved(text, "deep"))
        walker.notes.append("it is deeper or wider than is looked into")
    if not documents.all_found:
        walker.found(_unresolved(text, "here-document"))
    if _is_hidden(walker.calls):
        walker.found(Effect("unresolved", text[:100], traits=frozenset({"hidden"}), by="invisible characters"))
    return Analysis(tuple(dict.fromkeys(walker.effects)), tuple(walker.calls), tuple(walker.notes))


def _is_hidden(calls: list[Call]) -> bool:
    """Characters that nobody sees stand in words that are run, or turn what is seen around."""
    return any(
        not call.argv[0].replace(HOLE, "").isprintable() or any(not _TURNING.isdisjoint(word) for word in call.argv)
        for call in calls
        if call.argv
    )


def _too_much(text: str) -> str:
    if len(text) > LONGEST:
        return f"it is longer than {LONGEST} characters"
    if "\0" in text:
        return "it has a NUL byte"
    if "\r" in text and "\r" in text.replace("\r\n", "\n").rstrip("\r"):
        return "it has a return without a new line, which shows one text over another"
    if not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text):
        return "it is no Unicode"
    for mark, most in _MOST.items():
        if text.count(mark) > most:
            return f"it has more than {most} of {mark!r}"
    if text.count("[") - text.count("]") > _MOST_OPEN or abs(text.count("(") - text.count(")")) > _MOST_OPEN:
        return f"more than {_MOST_OPEN} of its brackets have no other half"
    return ""


def _unresolved(text: str, why: str) -> Effect:
    return Effect("unresolved", text[:200].replace(HOLE, "…"), traits=frozenset({"limit"}), by=why)
