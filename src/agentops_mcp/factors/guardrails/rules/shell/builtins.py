"""Commands that the shell itself carries out, because they change what it knows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import normal
from agentops_mcp.factors.guardrails.rules.shell import files, running
from agentops_mcp.factors.guardrails.rules.shell.state import State

if TYPE_CHECKING:
    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker


class Given(NamedTuple):
    """A builtin's words, and where they stand."""

    walker: "Walker"
    argv: list[str]
    state: State
    stdin: Stream

    @property
    def call(self) -> Call:
        """It as a call."""
        walker = self.walker
        return Call(tuple(self.argv), self.stdin, self.state.cwd, {}, walker.traits, depth=walker.depth)

    def run(self, text: str, state: State) -> Stream:
        """Run text in a state, one level deeper."""
        return self.walker.run(text, state, depth=self.walker.depth + 1, stdin=self.stdin)


def _cd(given: Given) -> Stream:
    state = given.state
    words = [word for word in given.argv[1:] if not word.startswith(("-", "+")) or word == "-"]
    before = state.cwd
    state.cwd = _folder(words[0] if words else state.world.home, state)
    if given.argv[0] == "pushd":
        state.cwd = state.cwd if words else HOLE
        state.folders.append(before)
    else:
        state.folders[-1:] = [before]
    return EMPTY


def _folder(path: str, state: State) -> str:
    if path == "-":
        return state.folders[-1] if state.folders else HOLE
    if path == "~" or path.startswith("~/"):
        return normal(state.world.home + path[1:])
    if HOLE in path or path.startswith("~"):
        return HOLE
    if path.startswith("/"):
        return normal(path)
    return HOLE if HOLE in state.cwd else normal(f"{state.cwd}/{path}")


def _popd(given: Given) -> Stream:
    given.state.cwd = given.state.folders.pop() if given.state.folders and len(given.argv) == 1 else HOLE
    return EMPTY


def _eval(given: Given) -> Stream:
    text = " ".join(given.argv[1:])
    first = text.split(None, 1)[:1]
    if not first:
        return EMPTY
    unknown = given.walker.unknown
    if HOLE not in text:
        running.from_elsewhere(given.walker, unknown, given.call)
    elif text.strip() == HOLE and unknown.taints == frozenset(
        {"settings"}
    ):  # what a program prints to be run, as its manual says
        return EMPTY
    elif HOLE in first[0]:
        running.dynamic(given.walker, given.call, unknown.taints, unknown.origin)
        text = text.lstrip(HOLE + " ")
    return given.run(text, given.state)


def _source(given: Given) -> Stream:
    walker, state = given.walker, given.state
    words = [word for word in given.argv[1:] if word != "--"]
    if not words:
        return EMPTY
    made = given.call
    walker.calls.append(made)
    content = given.stdin if words[0] in ("/dev/stdin", "/dev/fd/0", "-") else files.read_file(walker, words[0], state)
    if content.origin.startswith(files.SOCKETS):
        walker.found(Effect("open_shell", content.origin, traits=walker.traits, by=made.text))
        return EMPTY
    return files.run_content(walker, content, made, state, arguments=tuple(words))


def _exec(given: Given) -> Stream:
    words = given.argv[1:]
    while words and words[0].startswith("-") and len(words[0]) > 1:
        words = words[2:] if words[0].endswith("a") else words[1:]
    return running.call(given.walker, words, given.state, given.stdin) if words else EMPTY


def _plain(given: Given) -> Stream:
    """`command`, `builtin` and the like: the word after them without functions and aliases."""
    words = given.argv[1:]
    while words and words[0].startswith("-"):
        if "v" in words[0].lower():
            return Stream(None)
        words = words[1:]
    if not words:
        return EMPTY
    state = given.state
    functions, aliases, state.functions, state.aliases = state.functions, state.aliases, {}, {}
    try:
        return running.call(given.walker, words, state, given.stdin)
    finally:
        state.functions, state.aliases = functions, aliases


def _trap(given: Given) -> Stream:
    words = [word for word in given.argv[1:] if word != "--"]
    if len(words) > 1 and words[0] not in ("-", "", "-l", "-p"):
        given.run(words[0], given.state.copy())
    return EMPTY


def _alias(given: Given) -> Stream:
    for word in given.argv[1:]:
        name, equals, value = word.partition("=")
        if equals:
            given.state.aliases[name] = value
    return EMPTY


def _unalias(given: Given) -> Stream:
    for word in given.argv[1:]:
        given.state.aliases.pop(word, None)
    if "-a" in given.argv:
        given.state.aliases.clear()
    return EMPTY


def _hash(given: Given) -> Stream:
    argv = given.argv
    if "-p" in argv and len(argv) > argv.index("-p") + 2:
        at = argv.index("-p")
        given.state.renamed[argv[at + 2]] = argv[at + 1]
    return EMPTY


def _set(given: Given) -> Stream:
    argv, state = given.argv, given.state
    if "--" in argv:
        state.arguments = (state.arguments[0], *argv[argv.index("--") + 1 :])
    elif len(argv) > 1 and not argv[1].startswith(("-", "+")):
        state.arguments = (state.arguments[0], *argv[1:])
    if "+o" in argv and "history" in argv:
        forgets = Effect("weaken", "the shell's history", traits=frozenset({"history"}), by=" ".join(argv))
        given.walker.found(forgets)
    return EMPTY if len(argv) > 1 else Stream(None)


def _shift(given: Given) -> Stream:
    argv, state = given.argv, given.state
    number = int(argv[1]) if len(argv) > 1 and argv[1].isdecimal() and len(argv[1]) < 6 else 1
    state.arguments = (state.arguments[0], *state.arguments[1 + number :])
    return EMPTY


def _read(given: Given) -> Stream:
    """`read`: the next line of the input into variables; of `-a` into an array."""
    state = given.state
    names, options = _names(given.argv[1:], "adinNptu")
    stdin = given.stdin
    if number := options.get("u", ""):
        stdin = files.read_file(given.walker, state.descriptors.get(number, ""), state)
    line = _next_line(stdin, state)
    if array := options.get("a", ""):
        state.set_array(array, [HOLE] if line is None else line.split(), stdin.taints, stdin.origin)
        return EMPTY
    names = names or ["REPLY"]
    parts = line.split(None, len(names) - 1) if line is not None else []
    for at, name in enumerate(names):
        value = parts[at] if at < len(parts) else "" if line is not None else None
        state.set(name, Stream(value, stdin.taints, stdin.origin))
    return EMPTY


def _next_line(stdin: Stream, state: State) -> str | None:
    if stdin.text is None:
        return None
    before, number = state.taken
    number = number if before is stdin else 0
    state.taken = stdin, number + 1
    lines = stdin.text.split("\n", number + 1)
    return lines[number] if number < len(lines) else ""


def _readarray(given: Given) -> Stream:
    """`mapfile` and `readarray`: the lines of the input into an array; `-C` runs a text for each."""
    names, options = _names(given.argv[1:], "CcdnOsu")
    lines = given.stdin.text.removesuffix("\n").split("\n") if given.stdin.text is not None else [HOLE]
    given.state.set_array(names[-1] if names else "MAPFILE", lines, given.stdin.taints, given.stdin.origin)
    if callback := options.get("C", ""):
        given.run(callback, given.state)
    return EMPTY


def _names(words: list[str], valued: str) -> tuple[list[str], dict[str, str]]:
    """Names of variables, and the values of options that have one."""
    names: list[str] = []
    options: dict[str, str] = {}
    waiting = ""
    for word in words:
        if waiting:
            options[waiting], waiting = word, ""
        elif word.startswith("-"):
            at = next((at for at, letter in enumerate(word) if at and letter in valued), 0)
            if at and word[at + 1 :]:
                options[word[at]] = word[at + 1 :]
            waiting = word[at] if at and not word[at + 1 :] else ""
        elif word.isidentifier():
            names.append(word)
    return names, options


def _printf(given: Given) -> Stream:
    argv, state = given.argv, given.state
    if argv[1:2] == ["-v"] and len(argv) > 3:
        state.set(argv[2], running.program(given.walker, ["printf", *argv[3:]], state, given.stdin))
        return EMPTY
    return running.program(given.walker, argv, state, given.stdin)


def _compgen(given: Given) -> Stream:
    """`compgen -C text` and `complete -C text` run a text."""
    argv = given.argv
    if "-C" in argv[:-1]:
        given.run(argv[argv.index("-C") + 1], given.state.copy())
    return Stream(None)


def _nothing(given: Given) -> Stream:  # noqa: ARG001 - builtins are alike
    return EMPTY


Builtin = Callable[[Given], Stream]

BUILTINS: dict[str, Builtin] = {
    "cd": _cd, "pushd": _cd, "chdir": _cd, "popd": _popd, "eval": _eval, "source": _source, ".": _source,
    "exec": _exec, "command": _plain, "builtin": _plain, "noglob": _plain, "nocorrect": _plain, "trap": _trap,
    "alias": _alias, "unalias": _unalias, "hash": _hash, "readarray": _readarray, "mapfile": _readarray,
    "printf": _printf, "set": _set, "shift": _shift, "read": _read, "compgen": _compgen, "complete": _compgen,
    **dict.fromkeys("enable let : test [ wait shopt return exit break continue jobs fg bg type".split(), _nothing),
}  # fmt: skip
"""What the shell carries out itself."""
