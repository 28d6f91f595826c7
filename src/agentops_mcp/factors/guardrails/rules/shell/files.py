"""Files that the text itself writes, reads and runs."""

from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import locate, normal
from agentops_mcp.factors.guardrails.rules.shell import running
from agentops_mcp.factors.guardrails.rules.shell.state import State, joined

if TYPE_CHECKING:
    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

SOCKETS = ("/dev/tcp/", "/dev/udp/")
_RUN_KINDS = (("fetched", "run_fetched"), ("decoded", "run_decoded"))
_SHELLS = frozenset("sh bash zsh dash ksh ash fish".split())
LANGUAGES = {  # of what interpreters run
    "python": "python", "python2": "python", "python3": "python", "node": "javascript", "deno": "javascript",
    "bun": "javascript", "ruby": "ruby", "perl": "perl", "php": "php", "lua": "lua", "pwsh": "powershell",
    "powershell": "powershell", **dict.fromkeys(_SHELLS, "shell"),
}  # fmt: skip


def absolute(path: str, state: State) -> str:
    """A path as a program in this shell's folder takes it."""
    if path.startswith("~/"):
        path = state.world.home + path[1:]
    return normal(path if path.startswith("/") else f"{state.cwd}/{path}")


def read_file(walker: "Walker", path: str, state: State) -> Stream:
    """What `< path` brings in."""
    if path.startswith(SOCKETS):
        return Stream(None, frozenset({"fetched"}), path)
    known = state.world.files.get(absolute(path, state))
    if known is not None:
        return known
    from agentops_mcp.factors.guardrails.rules.programs.reading import of_file

    stream, kind = of_file(path, state.cwd, walker.world)
    if kind:
        walker.opened[stream.origin] = kind
    return stream


def write_file(walker: "Walker", path: str, content: Stream, state: State, *, append: bool) -> None:
    """What `> path` does."""
    by = f"{'>>' if append else '>'} {path}".replace(HOLE, "…")
    if path.startswith(SOCKETS):
        traits = (content.taints & {"secret", "local"}) | {"socket"}
        walker.found(Effect("send_out", path, traits=frozenset(traits), by=by))
        return
    if walker.feed(path, content):
        return
    located, place, _ = locate(path, state.cwd, walker.world)
    before = state.world.files.get(located)
    if append and before is not None:
        content = joined([before, content])
    fresh = not append and before is None and walker.world.exists(located) is False
    if place != "nowhere":
        state.world.files[located] = content
    kind = "write" if append or fresh else "overwrite"
    walker.found(Effect(kind, located, place, frozenset({"redirect"}) | walker.traits, by=by))


def run_written(walker: "Walker", made: Call, state: State) -> Stream | None:
    """Running a file that this same text has made or fetched, or one of a temporary folder; None for any other."""
    operands = _operands(made)
    language = LANGUAGES.get(made.name)
    if language and operands and "-c" not in made.argv and "-e" not in made.argv:
        path = operands[0]
    elif "/" in made.argv[0]:
        path, language, operands = made.argv[0], "shell", [made.argv[0], *made.argv[1:]]
    else:
        return None
    if language == "shell" and "-n" in made.argv[1:] and path != made.argv[0]:
        return None
    content = state.world.files.get(absolute(path, state))
    if content is not None:
        return run_content(walker, content, made, state, language=language, arguments=(path, *operands[1:]))
    if language == "shell" and HOLE not in path and _is_temporary(path, state, walker):
        traits = made.traits | {"temporary"}
        walker.found(Effect("run_dynamic", absolute(path, state), "temporary", traits, by=made.text))
    return None


def run_content(
    walker: "Walker", content: Stream, made: Call, state: State, *, language: str = "shell",
    arguments: tuple[str, ...] = (),
) -> Stream:  # fmt: skip
    """Run a known content: where it comes from, and what it says."""
    for taint, kind in _RUN_KINDS:
        if taint in content.taints:
            walker.found(Effect(kind, content.origin or made.argv[0], traits=made.traits, by=made.text))
    if content.text:
        return running.code(walker, Code(language, content, arguments), state, made.stdin, traits=made.traits)
    if content.text is None and not content.taints:  # what another program printed, of which nothing is known
        walker.found(Effect("run_dynamic", content.origin or HOLE, traits=made.traits, by=made.text))
    return Stream(None, content.taints)


def _operands(made: Call) -> list[str]:
    """The words of an interpreter that are no options, nor the value of `-o`."""
    words = made.argv[1:]
    found = [
        word
        for before, word in zip(("", *words), words, strict=False)
        if not word.startswith(("-", "+")) and not (before[:1] in ("-", "+") and before.endswith(("o", "O")))
    ]
    if made.name in ("pwsh", "powershell"):
        return [word for word in found if word.lower().endswith(".ps1")]
    return found


def _is_temporary(path: str, state: State, walker: "Walker") -> bool:
    return not path.startswith("/dev/") and locate(path, state.cwd, walker.world).place == "temporary"
