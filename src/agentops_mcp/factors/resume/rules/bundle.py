"""What a state must say to be worth resuming from (factor VI)."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.core.wording import count_informative_words, informative_words

Phase = Literal["research", "plan", "implement", "review", "done"]
PHASES: tuple[Phase, ...] = get_args(Phase)

CAP_TOKENS = 2_000
"""The most a bundle may cost, in o200k tokens; what it leaves out stays in git."""

_CAP_CHARS = 60_000
"""Beyond this no text fits the cap, and counting would only cost time."""

LEAST_RATIO = 4
"""Source to bundle, by factor VI's validator; its target is 5 to 10."""

_MEANINGFUL_SOURCE_TOKENS = LEAST_RATIO * CAP_TOKENS
_DID_CHARS = 400

EXAMPLE = (
    "Example: decisions=[{choice: 'retry budget per host', why: 'one slow host used up every request', rejected: "
    "'per request: multiplies along the chain'}], parameters=[{name: 'RETRY_RATIO', value: '0.1', file: "
    "'src/retry.py'}], next_steps=['make tests/test_retry.py::test_budget pass: refill() ignores the clock']."
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was chosen, why, and what was not."""

    choice: str
    why: str
    rejected: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An exact value, and the file that has it, if any."""

    name: str
    value: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an agent says about its work. Empty text means not given; `confidence` is in percent."""

    goal: str
    phase: Phase
    did: str = ""
    decisions: tuple[Decision, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    findings: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    key_files: tuple[str, ...] = ()
    confidence: int | None = None


def tidy(bundle: Bundle) -> Bundle:
    """Every claim on one line, nothing blank, nothing twice; a parameter's value stays exact."""
    return replace(
        bundle,
        goal=one_line(bundle.goal),
        did=one_line(bundle.did),
        decisions=tuple(
            dict.fromkeys(
                Decision(one_line(each.choice), one_line(each.why), one_line(each.rejected))
                for each in bundle.decisions
            )
        ),
        parameters=tuple(
            dict.fromkeys(Parameter(one_line(each.name), each.value, each.file.strip()) for each in bundle.parameters)
        ),
        findings=_lines(bundle.findings),
        next_steps=_lines(bundle.next_steps),
        open_questions=_lines(bundle.open_questions),
        blockers=_lines(bundle.blockers),
        key_files=tuple(dict.fromkeys(path.strip() for path in bundle.key_files if path.strip())),
    )


def one_line(text: str) -> str:
    """`text` with every run of white space as one space."""
    return " ".join(text.split())


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line for text in texts if (line := one_line(text))))


def check_bundle(bundle: Bundle, *, count: Callable[[str], int]) -> int:
    """The tokens of a tidy bundle that may be saved.

    Raises:
        InvalidInputError: a required part is missing or says nothing, or it is over the cap.
    """
    if count_informative_words(bundle.goal) < 2:
        raise InvalidInputError(f"goal is too generic: {bundle.goal[:60]!r}.", remedy=EXAMPLE_GOAL)
    _require(bool(bundle.decisions), "decisions is missing: say what was chosen and why.")
    for decision in bundle.decisions:
        _require(bool(decision.choice and decision.why), f"the decision {decision.choice[:60]!r} lacks choice or why.")
    _require(bool(bundle.parameters), "parameters is missing: name the exact values the next session needs.")
    values: dict[str, str] = {}
    for parameter in bundle.parameters:
        _require(bool(parameter.name and parameter.value.strip()), f"parameter {parameter.name[:60]!r} has no value.")
        _require(
            values.setdefault(parameter.name, parameter.value) == parameter.value,
            f"parameter {parameter.name[:60]!r} has two values.",
        )
    _require(bool(bundle.next_steps) or bundle.phase == "done", "next_steps is missing: what comes first?")
    for step in bundle.next_steps:
        _require(is_specific(step), f"a next step is too vague to act on: {step[:60]!r}.")
    return _within_cap(bundle, count)


EXAMPLE_GOAL = "Say what is to be true in the end, like 'retries survive a slow host without amplifying its load'."

# What "go on" is said with, beside the words that fit any work.
_GOING_ON = frozenset(
    """
    again ahead begin carry check checking clean continue continued continues continuing debug debugging develop
    development everything explore final finalise finalize further go going implementation implementing investigate
    investigating job keep later left look looking move onto out over polish proceed refactoring remaining rest resume
    resuming review reviewing start started starting step steps test testing tests try up verify where wrap write
    writing coding
    """.split()
)
# A name somebody gave: a path, a call, a flag, an identifier, a number.
_NAMED = re.compile(r"[\w)][./_:#=()][\w(]|[a-z][A-Z]|\d|`[^`]+`|--?\w|[A-Z]{2,}")


def is_specific(step: str) -> bool:
    """Whether a next step names what to do to what."""
    words = informative_words(step) - _GOING_ON
    ideographs = count_informative_words(step) - len(informative_words(step))
    return len(words) + ideographs >= 2 or bool(words and _NAMED.search(step))


def _require(fulfilled: bool, problem: str) -> None:
    if not fulfilled:
        raise InvalidInputError(problem, remedy=EXAMPLE)


def _within_cap(bundle: Bundle, count: Callable[[str], int]) -> int:
    parts = {name: "\n".join(lines) for name, lines in as_lines(bundle).items() if lines}
    chars = {name: len(text) for name, text in parts.items()}
    if sum(chars.values()) > _CAP_CHARS:
        largest = max(chars, key=lambda name: chars[name])
        problem = f"The bundle has {sum(chars.values())} characters, {chars[largest]} of them in {largest}."
        raise InvalidInputError(problem, remedy=_SHORTEN)
    total = count("\n".join(f"{name}:\n{text}" for name, text in parts.items()))
    if total > CAP_TOKENS:
        costs = sorted(((count(text), name) for name, text in parts.items()), reverse=True)[:3]
        most = ", ".join(f"{name} {cost}" for cost, name in costs)
        raise InvalidInputError(
            f"The bundle costs {total} tokens, {total - CAP_TOKENS} too many; the most: {most}.", remedy=_SHORTEN
        )
    return total


_SHORTEN = f"Keep it under {CAP_TOKENS} tokens: leave out what git or a cited file already says, and cite that."


def as_lines(bundle: Bundle) -> dict[str, list[str]]:
    """Every part of a bundle as lines; what is counted, compared and written down."""
    return {
        "goal": [bundle.goal],
        "phase": [bundle.phase],
        "did": [bundle.did] if bundle.did else [],
        "next_steps": list(bundle.next_steps),
        "parameters": [parameter_line(each) for each in bundle.parameters],
        "decisions": [decision_line(each) for each in bundle.decisions],
        "findings": list(bundle.findings),
        "open_questions": list(bundle.open_questions),
        "blockers": list(bundle.blockers),
        "key_files": list(bundle.key_files),
        "confidence": [] if bundle.confidence is None else [f"{bundle.confidence} %"],
    }


def decision_line(decision: Decision) -> str:
    """A decision as one line."""
    tail = f" (rejected: {decision.rejected})" if decision.rejected else ""
    return f"{decision.choice} — {decision.why}{tail}"


def parameter_line(parameter: Parameter) -> str:
    """A parameter as one line; a value that would not print on one is shown as a JSON string."""
    value = parameter.value if parameter.value.isprintable() else json.dumps(parameter.value, ensure_ascii=False)
    return f"{parameter.name} = {value}" + (f" ({parameter.file})" if parameter.file else "")


def advise(bundle: Bundle, *, tokens: int, source_tokens: int) -> list[str]:
    """What the author of a bundle that is saved should know.

    `source_tokens` is about how much its key files hold; too little of it says nothing about compression.
    """
    findings: list[str] = []
    if not bundle.key_files:
        findings.append("no key_files: a later session cannot check what is still true")
    if not bundle.did:
        findings.append("no did: one sentence on what was done helps to merge states")
    elif len(bundle.did) > _DID_CHARS:
        findings.append("did is long: one or two sentences")
    if bundle.phase == "done" and (bundle.open_questions or bundle.blockers):
        findings.append("done, but with open questions or blockers: is it?")
    if source_tokens >= _MEANINGFUL_SOURCE_TOKENS:
        ratio = source_tokens / tokens
        small = f"; under {LEAST_RATIO}:1, so leave out what they say" if ratio < LEAST_RATIO else ""
        findings.append(f"about {ratio:.0f}:1 against its {len(bundle.key_files)} key files{small}")
    return findings
