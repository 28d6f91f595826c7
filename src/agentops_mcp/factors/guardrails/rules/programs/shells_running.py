"""What it means that a text is run: by where the text comes from."""

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, UNKNOWN, Call, Code, Outcome, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect

_KINDS = (("fetched", "run_fetched"), ("decoded", "run_decoded"), ("dynamic", "run_dynamic"))
_SOCKETS = ("/dev/tcp/", "/dev/udp/")


def running(stream: Stream, call: Call, language: str = "shell", arguments: tuple[str, ...] = ()) -> Outcome:
    """The outcome of a call that runs a stream: what that is by itself, and the text, when it is known, to be judged.

    A text that is unknown and of no known origin is `run_dynamic`; one that stands in a local file is as if the file
    were run by its name.
    """
    effects = tuple(
        Effect(kind, stream.origin or "text from a pipe", "", call.traits, call.text)
        for taint, kind in _KINDS
        if taint in stream.taints
    )
    known = stream.text is not None and bool(stream.text.strip(HOLE + " \t\n;"))
    hidden = not stream.taints or (stream.text is not None and not known and HOLE in stream.text)
    if not known and not effects and hidden and stream.text != "":
        effects = (Effect("run_dynamic", stream.origin or HOLE, "", call.traits, call.text),)
    if not known:
        return Outcome(effects)
    return Outcome(effects, runs=(Code(language, Stream(stream.text, stream.taints, stream.origin), arguments),))


def passing(found: Outcome | None) -> Outcome | None:
    """The outcome of a program that itself prints nothing: what is printed is what it runs that prints it."""
    if found is None or not found.runs or found.output is not UNKNOWN:
        return found
    return found._replace(output=EMPTY)


def is_socket(path: str) -> bool:
    """Whether a path is a connection that bash opens."""
    return path.startswith(_SOCKETS)


def given_away(call: Call) -> tuple[Effect, ...]:
    """A shell whose input or output is a connection: whoever is at its other end gives the commands."""
    path = next((each for each in (call.stdin.origin, call.stdout) if is_socket(each)), "")
    return (Effect("open_shell", path, "", call.traits, call.text),) if path else ()
