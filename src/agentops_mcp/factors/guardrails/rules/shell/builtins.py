"""Commands that the shell itself carries out, because they change what it knows."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import normal
from agentops_mcp.factors.guardrails.rules.shell import running
from agentops_mcp.factors.guardrails.rules.shell.state import State

if TYPE_CHECKING:
    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_HISTORY = frozenset({"HISTFILE", "HISTSIZE", "HISTFILESIZE", "HISTCONTROL", "HISTIGNORE"})


def assign(walker: "Walker", name: str, value: Stream, state: State, *, exported: bool = False) -> None:
    """Give a variable a value."""
    if name == "PATH":
        state.renamed.clear()
    state.set(name, value)
    if exported:
        state.environment[name] = HOLE if value.text is None else value.text
    dangerous(walker, name, value, state)


def dangerous(walker: "Walker", name: str, value: Stream, state: State) -> None:
    """Variables through which another program is made to run code, or to forget what was done."""
    if not name.isupper():
        return
    text = HOLE if value.text is None else value.text
    by = f"{name}={text}".replace(HOLE, "…")
    from agentops_mcp.factors.guardrails.rules.programs.wrappers_settings import loaded

    made = Call((f"{name}={text}",), EMPTY, state.cwd, {}, walker.traits, depth=walker.depth)
    outcome = loaded([(name, text)], made, walker.world)
    walker.found(*outcome.effects)
    for each in outcome.runs:
        walker.code(each, state)
    if name in _HISTORY and text in ("", "/dev/null", "0"):
        walker.found(Effect("weaken", "the shell's history", traits=frozenset({"history"}), by=by))


def _cd(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:  # noqa: ARG001 - builtins are alike
    words = [word for word in argv[1:] if not word.startswith("-") or word == "-"]
    path = words[0] if words else state.world.home
    if path == "-" or HOLE in path:
        state.cwd = HOLE
    elif path == "~" or path.startswith("~/"):
        state.cwd = normal(state.world.home + path[1:])
    elif path.startswith("/"):
        state.cwd = normal(path)
    elif HOLE not in state.cwd:
        state.cwd = normal(f"{state.cwd}/{path}")
    return EMPTY


def _popd(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:  # noqa: ARG001
    state.cwd = HOLE
    return EMPTY


def _eval(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    text = " ".join(argv[1:])
    if not text.replace(HOLE, "").strip():
        if HOLE in text:
            taints = frozenset[str]().union(*(each.taints for each in state.variables.values()))
            return _run_text(walker, Stream(None, taints | {"dynamic"}), argv, state, stdin)
        return EMPTY
    if HOLE in text.split(None, 1)[0]:
        return _run_text(walker, Stream(None, frozenset({"dynamic"})), argv, state, stdin)
    return walker.run(text, state, depth=walker.depth + 1, stdin=stdin)


def _run_text(walker: "Walker", stream: Stream, argv: list[str], state: State, stdin: Stream) -> Stream:
    made = Call(tuple(argv), stdin, state.cwd, {}, walker.traits, depth=walker.depth)
    kind = next((kind for taint, kind in (("fetched", "run_fetched"), ("decoded", "run_decoded")) if taint in stream.taints), "run_dynamic")
    walker.found(Effect(kind, stream.origin or HOLE, traits=made.traits, by=made.text))
    return Stream(None, stream.taints)


def _source(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    if len(argv) < 2:  # noqa: PLR2004
        return EMPTY
    path = argv[1]
    made = Call(tuple(argv), stdin, state.cwd, {}, walker.traits, depth=walker.depth)
    walker.calls.append(made)
    content = stdin if path in ("/dev/stdin", "/dev/fd/0", "-") else running.read_file(walker, path, state)
    if content.origin.startswith(("/dev/tcp/", "/dev/udp/")):
        walker.found(Effect("open_shell", content.origin, traits=walker.traits, by=made.text))
        return EMPTY
    return running.run_content(walker, content, made, state, arguments=(path, *argv[2:]))


def _exec(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    words = argv[1:]
    while words and words[0] in ("-a", "-c", "-l"):
        words = words[2:] if words[0] == "-a" else words[1:]
    return running.call(walker, words, state, stdin) if words else EMPTY


def _plain(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    """`command` and `builtin`: the word after them without functions and aliases."""
    words = argv[1:]
    while words and words[0].startswith("-"):
        if "v" in words[0].lower():
            return Stream(None)
        words = words[1:]
    if not words:
        return EMPTY
    hidden = State(state.cwd, state.world)
    functions, aliases, state.functions, state.aliases = state.functions, state.aliases, hidden.functions, hidden.aliases
    try:
        return running.call(walker, words, state, stdin)
    finally:
        state.functions, state.aliases = functions, aliases


def _trap(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    words = [word for word in argv[1:] if word != "--"]
    if len(words) > 1 and words[0] not in ("-", "", "-l", "-p"):
        walker.run(words[0], state.copy(), depth=walker.depth + 1, stdin=stdin)
    return EMPTY


def _alias(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    for word in argv[1:]:
        name, equals, value = word.partition("=")
        if equals:
            state.aliases[name] = value
    return EMPTY


def _unalias(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    for word in argv[1:]:
        state.aliases.pop(word, None)
    if "-a" in argv:
        state.aliases.clear()
    return EMPTY


def _hash(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    if "-p" in argv and len(argv) > argv.index("-p") + 2:
        at = argv.index("-p")
        state.renamed[argv[at + 2]] = argv[at + 1]
    return EMPTY


def _set(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    if "--" in argv:
        state.arguments = (state.arguments[0], *argv[argv.index("--") + 1 :])
    elif len(argv) > 1 and not argv[1].startswith(("-", "+")):
        state.arguments = (state.arguments[0], *argv[1:])
    if "+o" in argv and "history" in argv:
        walker.found(Effect("weaken", "the shell's history", traits=frozenset({"history"}), by=" ".join(argv)))
    return EMPTY if len(argv) > 1 else Stream(None)


def _shift(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    number = int(argv[1]) if len(argv) > 1 and argv[1].isdigit() else 1
    state.arguments = (state.arguments[0], *state.arguments[1 + number :])
    return EMPTY


def _read(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    names = [word for word in argv[1:] if not word.startswith("-") and word.isidentifier()] or ["REPLY"]
    text = stdin.text
    parts = text.strip("\n").split("\n", 1)[0].split(None, len(names) - 1) if text is not None else []
    for number, name in enumerate(names):
        value = parts[number] if number < len(parts) else "" if text is not None else None
        state.set(name, Stream(value, stdin.taints, stdin.origin))
    return EMPTY


def _readarray(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    """`mapfile` and `readarray`: the lines of the input, of which the first is followed."""
    name = argv[-1] if len(argv) > 1 and argv[-1].isidentifier() else "MAPFILE"
    first = stdin.text.split("\n", 1)[0] if stdin.text is not None else None
    state.set(name, Stream(first, stdin.taints, stdin.origin))
    return EMPTY


def _printf(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    if argv[1:2] == ["-v"] and len(argv) > 3:  # noqa: PLR2004
        state.set(argv[2], running.program(walker, ["printf", *argv[3:]], state, stdin))
        return EMPTY
    return running.program(walker, argv, state, stdin)


def _nothing(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    return EMPTY


Builtin = Callable[["Walker", list[str], State, Stream], Stream]

BUILTINS: dict[str, Builtin] = {
    "cd": _cd, "pushd": _cd, "chdir": _cd, "popd": _popd, "eval": _eval, "source": _source, ".": _source,
    "exec": _exec, "command": _plain, "builtin": _plain, "trap": _trap, "alias": _alias, "unalias": _unalias,
    "hash": _hash, "readarray": _readarray, "mapfile": _readarray, "printf": _printf, "set": _set, "shift": _shift, "read": _read, "enable": _nothing, "let": _nothing, ":": _nothing,
    "test": _nothing, "[": _nothing, "wait": _nothing, "shopt": _nothing, "return": _nothing, "exit": _nothing,
    "break": _nothing, "continue": _nothing, "jobs": _nothing, "fg": _nothing, "bg": _nothing, "type": _nothing,
}  # fmt: skip
