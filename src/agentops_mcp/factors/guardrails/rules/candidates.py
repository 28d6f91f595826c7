"""Candidate rules: what an incident teaches, drafted the same way every time, widest first.

A draft is about the worst effect, the place and the target generalised by one step: the folder of a file, all of a
schema's tables. Where the action had no effect that says anything, it is about the program and its subcommands.
"""

import re
from collections.abc import Iterator, Sequence

from agentops_mcp.core.display import gist
from agentops_mcp.factors.guardrails.rules.effects import EFFECTS, Effect
from agentops_mcp.factors.guardrails.rules.incidents import Incident
from agentops_mcp.factors.guardrails.rules.learned import Learned

EVERYDAY_PER_HIT = 1_000
"""Everyday commands for each one that a candidate may hit: more, and it would interrupt work."""

_WORST_FIRST = (
    "write_device", "destroy_infrastructure", "destroy_data", "rewrite_history", "discard_work", "send_out",
    "open_shell", "run_fetched", "run_decoded", "delete", "publish", "spend", "gain_privilege", "weaken", "persist",
    "read_secret", "stop_machine", "exhaust", "change_infrastructure", "change_data", "stop_service", "overwrite",
    "move_away", "change_permissions", "load_code", "run_dynamic", "write",
)  # fmt: skip
_OF_PROJECT = frozenset({"in_project", "kept", "unkept"})
_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,40}"
_MOST_WORDS = 2
_ASSIGNMENT = r"[A-Za-z_][A-Za-z0-9_]*=.*"
_WRAPPERS = frozenset({"sudo", "env", "nice", "nohup", "time", "command", "exec"})
_REASON_CHARS = 200


def drafts(incident: Incident, *, quote: bool = True) -> list[Learned]:
    """Candidate rules for an incident, in order; the first that passes its checks is taken.

    The incident's effects are as it holds them, with `.` for the project. `quote` says whether the reason may repeat
    the incident's words.
    """
    hits = (incident.command,) if incident.command else ()
    reason = _reason(incident, quote=quote)
    worst = _worst(incident.effects)
    if worst is None:
        return [
            Learned(frozenset(), frozenset(), frozenset(), (), pattern, reason, hits)
            for pattern in _patterns(incident.command)
        ]
    places = _OF_PROJECT if worst.place in _OF_PROJECT else frozenset({worst.place} - {""})
    programs = frozenset({_program_of(incident.command)} - {""})
    found = [
        Learned(frozenset({worst.kind}), places, only, targets, "", reason, hits)
        for targets in _targets(worst)
        for only in ((frozenset[str](),) if targets else (programs, frozenset[str]()))
    ]
    return list(dict.fromkeys(found))


def absolute(effects: Sequence[Effect], *, project: str, home: str) -> tuple[Effect, ...]:
    """Effects as the judge sees them, from those of an incident."""
    return tuple(each._replace(target=_absolute(each.target, project, home)) for each in effects)


def allowed_hits(everyday: int) -> int:
    """How many of that many everyday commands a candidate may hit."""
    return everyday // EVERYDAY_PER_HIT


def _absolute(target: str, project: str, home: str) -> str:
    for mark, folder in ((".", project), ("~", home)):
        if folder and (target == mark or target.startswith(f"{mark}/")):
            return folder.rstrip("/") + target[1:]
    return target


def _worst(effects: Sequence[Effect]) -> Effect | None:
    telling = [each for each in effects if each.kind in _WORST_FIRST]
    return min(telling, key=lambda each: _WORST_FIRST.index(each.kind), default=None)


def _targets(effect: Effect) -> Iterator[tuple[str, ...]]:
    target = effect.target.rstrip("/")
    if not target.strip("*./~") or effect.place in {"root", "home", "project"}:
        yield ()
    elif effect.place:
        yield from _of_path(target)
    else:
        cut = max(target.rfind(each) for each in "/.:")
        if 0 < cut < len(target) - 1:
            yield (f"{target[: cut + 1]}*",)
        yield (target,)


def _of_path(target: str) -> Iterator[tuple[str, ...]]:
    """A path's folder, its kind of file where it has no folder of its own, and the path itself."""
    begin, relative = ("*/", target[2:]) if target[:2] in {"./", "~/"} else ("", target)
    folder, _, name = relative.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if folder:
        yield (f"{begin}{folder}/*",)
    elif stem and dot:
        yield (f"{begin}*.{ending}",)
    yield (f"{begin}{relative}",)


def _patterns(command: str) -> Iterator[str]:
    """The program with its subcommands, then with the option that follows them."""
    words = _first_command(command)
    if not words:
        return
    program = words[0].rpartition("/")[2]
    if not re.fullmatch(_WORD, program):
        return
    following: list[str] = []
    rest = words[1:]
    while rest and len(following) < _MOST_WORDS and re.fullmatch(_WORD, rest[0]):
        following.append(rest.pop(0))
    if following or "." in program:
        yield _pattern([program, *following])
    option = next((word for word in rest if re.fullmatch(rf"--?{_WORD}", word)), None)
    if option is not None:
        yield _pattern([program, *following], option)


def _pattern(words: Sequence[str], option: str = "") -> str:
    # RE2 and this engine escape alike: only these characters of a word mean anything.
    said = r"\s+".join(re.sub(r"([.+])", r"\\\1", word) for word in words)
    tail = r"\s(?:.*\s)?" + re.sub(r"([.+])", r"\\\1", option) if option else ""
    return rf"(?:^|[\s;&|(/]){said}{tail}(?:$|[\s;&|)=])"


def _program_of(command: str) -> str:
    words = _first_command(command)
    return words[0].rpartition("/")[2].lower() if words else ""


def _first_command(command: str) -> list[str]:
    first = re.split(r"[\n;|&]", command.strip(), maxsplit=1)[0].split()
    while first and (first[0] in _WRAPPERS or re.fullmatch(_ASSIGNMENT, first[0])):
        first.pop(0)
    return [word.strip("\"'") for word in first]


def _reason(incident: Incident, *, quote: bool) -> str:
    worst = _worst(incident.effects)
    what = f" ({EFFECTS[worst.kind]})" if worst else ""
    how = "failed" if incident.how == "failed" else "was regretted"
    words = gist(incident.happened, limit=_REASON_CHARS) if quote and incident.happened else ""
    return f"An action like this{what} {how} here before" + (f": {words}" if words else ".")
