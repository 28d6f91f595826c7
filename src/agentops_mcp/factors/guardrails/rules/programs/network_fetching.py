"""What is shared by clients of web addresses: what they fetch, save and send."""

from collections.abc import Iterable

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import path_of
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file

_INPUT = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


def together(found: Iterable[Outcome], output: Stream, saved: Iterable[str], call: Call, world: World) -> Outcome:
    """Several outcomes as one, with what is fetched in the files `saved`, or else printed."""
    every = list(found)
    files = [written(path, call, world) for path in saved]
    writes = tuple((each.target, output) for each in files if each.place != "unknown")
    effects = dict.fromkeys(effect for each in every for effect in each.effects)
    runs = tuple(run for each in every for run in each.runs)
    return Outcome((*effects, *files), Stream("") if files else output, runs, writes)


def fetched(url: str, call: Call, world: World) -> Stream:
    """What an address gives."""
    if url.lower().startswith("file:"):
        return of_file(_path_of(url), call.cwd, world)[0]
    return Stream(None, frozenset({"fetched"}), url)


def local(url: str, call: Call, world: World) -> Outcome:
    """The effect of reading a `file:` address, if a secret is there."""
    stream, kind = of_file(_path_of(url), call.cwd, world)
    return (
        Outcome((Effect("read_secret", stream.origin, "secret", call.traits | {kind}, call.text),)) if kind else NOTHING
    )


def _path_of(url: str) -> str:
    path = url[len("file:") :]
    return "/" + path.removeprefix("//").partition("/")[2] if path.startswith("//") else path


def body_of(path: str, call: Call, world: World) -> Stream:
    """What a file gives to a body; `-` and the like are the call's input."""
    if path in _INPUT:
        return call.stdin
    if path.startswith(("/dev/fd/", "/proc/self/fd/")) or locate(path, call.cwd, world).place == "nowhere":
        return Stream()
    return of_file(path, call.cwd, world)[0]


def name_in(url: str) -> str:
    """The name under which a client saves an address."""
    return path_of(url).split("?", 1)[0].split("#", 1)[0].rpartition("/")[2]


def settings(files: Iterable[str], call: Call) -> Outcome:
    """A file of options can hold any of them: what is sent where is not known."""
    return Outcome(tuple(Effect("unresolved", each, "", call.traits | {"settings"}, call.text) for each in files))


def hook(program: str, call: Call) -> Outcome:
    """An option that has the client run a program."""
    return Outcome(runs=(Call((program,), cwd=call.cwd, env=call.env, traits=call.traits, depth=call.depth + 1),))
