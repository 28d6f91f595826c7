"""Tools of Windows that fetch, and those that run what they fetch: PowerShell's clients, certutil, mshta."""

from collections.abc import Callable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.network_fetching import body_of, fetched, together
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import host_of, sent, worded
from agentops_mcp.factors.guardrails.rules.programs.network_requests import outcome_of
from agentops_mcp.factors.guardrails.rules.programs.reading import merged

_WEB = (
    "uri outfile method body infile headers contenttype useragent credential proxy timeoutsec maximumredirection "
    "websession sessionvariable authentication token form outvariable source destination"
)
_SCRIPTS = ("javascript:", "vbscript:", "script:")


def outcome(call: Call, world: World) -> Outcome | None:
    """What one of these tools fetches, runs or shows."""
    found = _TOOLS.get(call.name)
    return found(call, world) if found else None


def _web(call: Call, world: World) -> Outcome | None:
    """`Invoke-WebRequest` and its short names: the options are words with one dash, in any case."""
    words = [word.lower() if word.startswith("-") else word for word in call.argv[1:]]
    given = parse(words, _WEB, single_dash=True)
    urls = [*given.values("uri", "source"), *given.operands[:1]]
    if not urls:
        return None
    url = urls[0]
    bodies = [worded(value, call) for value in given.values("body")]
    bodies += [body_of(value, call, world) for value in given.values("infile")]
    method = next(iter(given.values("method")), "POST" if bodies else "GET")
    output = fetched(url, call, world)
    found = [outcome_of(call, method, url, merged(bodies).text or "" if bodies else "", output)]
    found += [Outcome((sent(call, host_of(url), body),)) for body in bodies]
    saved = given.values("outfile", "destination")
    return together(found, output, saved, call, world)


def _certutil(call: Call, world: World) -> Outcome | None:
    """`certutil -urlcache -f URL FILE` fetches, `-decode IN OUT` and `-decodehex IN OUT` decode."""
    names = {word.lower().lstrip("-/") for word in call.argv[1:] if word[:1] in {"-", "/"}}
    words = [word for word in call.argv[1:] if word[:1] not in {"-", "/"}]
    if names & {"urlcache", "verifyctl", "url"}:
        url = next((word for word in words if "://" in word), "")
        return _fetching(url, words[words.index(url) + 1 :][:1], call, world) if url else NOTHING
    if names & {"decode", "decodehex"} and len(words) > 1:
        effect = written(words[1], call, world)
        return Outcome((effect,), writes=((effect.target, Stream(None, frozenset({"decoded"}), words[0])),))
    return NOTHING


def _bits(call: Call, world: World) -> Outcome | None:
    """`bitsadmin /transfer JOB … URL FILE`, `/addfile JOB URL FILE`; `/SetNotifyCmdLine` runs a program later."""
    words = call.argv[1:]
    orders = {word.lower() for word in words if word.startswith("/")}
    if "/setnotifycmdline" in orders:
        return Outcome((Effect("persist", " ".join(words), "", call.traits | {"schedule"}, call.text),))
    url = next((word for word in words if "://" in word), "")
    return _fetching(url, words[words.index(url) + 1 :][:1], call, world) if url else NOTHING


def _fetching(url: str, files: Sequence[str], call: Call, world: World) -> Outcome:
    """A file that comes by a tool which is no client for downloads."""
    effect = Effect("write", url, "", call.traits | {"fetched_by_system_tool"}, call.text)
    return together([Outcome((effect,))], fetched(url, call, world), files, call, world)


def _host(call: Call, world: World) -> Outcome | None:
    """Hosts of scripts and libraries, of which a URL or a script among the words is run."""
    for word in call.argv[1:]:
        lowered = word.lower()
        if "://" in word:
            package = {"package"} if call.name == "msiexec" else set[str]()
            url = word[lowered.index("http") :] if "http" in lowered else word
            return Outcome((Effect("run_fetched", url, "", call.traits | package, call.text),))
        if lowered.startswith(_SCRIPTS):
            return Outcome((Effect("run_dynamic", word, "", call.traits, call.text),))
        if call.name == "rundll32" and "minidump" in lowered:
            return Outcome((Effect("read_secret", "a process's memory", "", call.traits | {"memory"}, call.text),))
    return None


def _expression(call: Call, world: World) -> Outcome | None:
    """`… | iex`. Elixir has a program of this name too: only a text of a known and foreign origin is told."""
    kinds = (("fetched", "run_fetched"), ("decoded", "run_decoded"))
    stream = Stream(None, call.stdin.taints | call.taints, call.stdin.origin or call.origin)
    effects = tuple(
        Effect(kind, stream.origin or "text from a pipe", "", call.traits, call.text)
        for taint, kind in kinds
        if taint in stream.taints
    )
    return Outcome(effects) if effects else None


_TOOLS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("iwr", "irm", "invoke-webrequest", "invoke-restmethod", "start-bitstransfer"), _web),
    "certutil": _certutil, "bitsadmin": _bits,
    **dict.fromkeys(("mshta", "regsvr32", "msiexec", "rundll32", "cscript", "wscript", "wmic", "hh"), _host),
    "iex": _expression, "invoke-expression": _expression,
}  # fmt: skip
