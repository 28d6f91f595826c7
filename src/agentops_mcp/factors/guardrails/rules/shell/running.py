"""From words to a program: aliases and functions first, then builtins, then what the program says of itself."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Code, Outcome, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.shell import builtins, files, flows
from agentops_mcp.factors.guardrails.rules.shell.quoting import quoted
from agentops_mcp.factors.guardrails.rules.shell.state import State, joined, through

if TYPE_CHECKING:
    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_RUN_KINDS = (("fetched", "run_fetched"), ("decoded", "run_decoded"))
_MOST_RECURSIONS = 2


def call(
    walker: "Walker", argv: list[str], state: State, stdin: Stream, *, assigned: Mapping[str, Stream] | None = None,
    taints: frozenset[str] = frozenset(), origin: str = "", stdout: str = "",
) -> Stream:  # fmt: skip
    """Run words as the shell does, and give their output."""
    argv = _command_words(argv, state)
    for key, value in (assigned or {}).items():
        if argv[0] != "git" or not key.startswith("GIT_"):  # git itself says what each of those does to its commands
            dangerous(walker, key, value, state)
    outputs = [_aliased(walker, argv, state, stdin)] if argv[0] in state.aliases else []
    environment = {key: HOLE if value.text is None else value.text for key, value in (assigned or {}).items()}
    made = Call(
        tuple(argv), stdin, state.cwd, {**state.environment, **environment}, walker.traits,
        _stdout(stdout or walker.stdout, state), walker.depth, taints, origin,
    )  # fmt: skip
    return joined([*outputs, _named(walker, made, state, state)])


def program(walker: "Walker", argv: Sequence[str], state: State, stdin: Stream) -> Stream:
    """Ask a program what it does, and give its output."""
    path = _stdout(walker.stdout, state)
    return _asked(
        walker, Call(tuple(argv), stdin, state.cwd, state.environment, walker.traits, path, walker.depth), state
    )


def dangerous(walker: "Walker", name: str, value: Stream, state: State) -> None:
    """Variables through which another program is made to run code, or to forget what was done."""
    if not name.isupper():
        return
    from agentops_mcp.factors.guardrails.rules.programs.wrappers_settings import loaded

    text = HOLE if value.text is None else value.text
    made = Call((f"{name}={text}",), EMPTY, state.cwd, {}, walker.traits, depth=walker.depth)
    outcome = loaded([(name, text)], made, walker.world)
    walker.found(*outcome.effects)
    for each in outcome.runs:
        _inner(walker, each, made, state)
    if name in _HISTORY and text in ("", "/dev/null", "0"):
        walker.found(Effect("weaken", "the shell's history", traits=frozenset({"history"}), by=made.text))


_HISTORY = frozenset({"HISTFILE", "HISTSIZE", "HISTFILESIZE", "HISTCONTROL", "HISTIGNORE"})


def code(
    walker: "Walker", each: Code, state: State, stdin: Stream, *, traits: frozenset[str] = frozenset(), cwd: str = ""
) -> Stream:  # fmt: skip
    """Judge text that a program runs in its turn: shell here, other languages by their own modules."""
    before, walker.traits = walker.traits, walker.traits | traits | each.traits
    depth, walker.depth = walker.depth, walker.depth + 1
    walker.limits.call(walker.depth)
    try:
        if each.language == "shell":
            inner = state.copy()
            inner.cwd = cwd or state.cwd
            inner.arguments = each.arguments or ("sh",)
            text = each.text.text
            return walker.run(text, inner, depth=walker.depth, stdin=stdin) if text else EMPTY
        if each.language == "powershell":
            refused = frozenset({"powershell"})
            walker.found(Effect("unresolved", (each.text.text or "")[:200], traits=refused, by="powershell"))
            return EMPTY
        made = Call((each.language,), stdin, cwd or state.cwd, {}, walker.traits, depth=walker.depth)
        outcome = walker.code_of(each, made.cwd, walker.world)
        _kept(walker, outcome, made, state)
        for run in outcome.runs:
            _inner(walker, run, made, state)
        return through(stdin, outcome.output)
    finally:
        walker.traits, walker.depth = before, depth


def dynamic(walker: "Walker", made: Call, taints: frozenset[str], origin: str) -> Stream:
    """A command that is only known at run time."""
    kinds = [kind for taint, kind in _RUN_KINDS if taint in taints] or ["run_dynamic"]
    walker.found(*(Effect(kind, origin or made.argv[0], traits=made.traits, by=made.text) for kind in kinds))
    walker.limits.call(made.depth)
    walker.calls.append(made)
    return Stream(None, made.stdin.taints)


def _command_words(argv: list[str], state: State) -> list[str]:
    at, last = 0, len(argv) - 1
    while at < last:
        if argv[at] == "coproc" or "=" in argv[at].split("/", 1)[0]:
            at += 1  # with `=`: an assignment to a name that is none; the next word may be a program
        else:
            break
    return [state.renamed.get(argv[at], argv[at]), *argv[at + 1 :]]


def _stdout(path: str, state: State) -> str:
    return path if not path or path.startswith(files.SOCKETS) else files.absolute(path, state)


def _named(walker: "Walker", made: Call, state: State, inner: State) -> Stream:
    """A function, a builtin (in the state `inner`), a word that is not known, or a program."""
    name = made.argv[0]
    if name in state.functions:
        return _function(walker, made, state)
    builtin = builtins.BUILTINS.get(name)
    if builtin is not None:
        walker.unknown = Stream(None, made.taints, made.origin)
        return builtin(builtins.Given(walker, list(made.argv), inner, made.stdin))
    if HOLE in name.rpartition("/")[2] or (set(name) & set("*?[") and name not in {"[", "[["}):
        if made.taints == frozenset({"local"}):  # a file of this machine names it: as if that file were run
            return Stream(None, made.stdin.taints)
        if made.origin.startswith(files.SOCKETS):
            walker.found(Effect("open_shell", made.origin, traits=made.traits, by=made.text))
            return Stream(None, made.stdin.taints)
        return joined([dynamic(walker, made, made.taints, made.origin), _without_unknown(walker, made, state)])
    return _asked(walker, made, state)


def _without_unknown(walker: "Walker", made: Call, state: State) -> Stream:
    """What is left where the unknown part of a command's word is nothing, as `$SUDO` may be."""
    left = [made.argv[0].replace(HOLE, ""), *made.argv[1:]]
    while left and not left[0]:
        left = left[1:]
    if not left or HOLE in left[0] or set(left[0]) & set("*?["):
        return EMPTY
    return _named(walker, made._replace(argv=tuple(left), depth=made.depth + 1), state, state.copy())


def from_elsewhere(walker: "Walker", text: Stream, made: Call) -> None:
    """What is run is known, but was fetched or hidden: that is told as well."""
    kinds = [kind for taint, kind in _RUN_KINDS if taint in text.taints]
    walker.found(*(Effect(kind, text.origin or "hidden text", traits=made.traits, by=made.text) for kind in kinds))


def _asked(walker: "Walker", made: Call, state: State) -> Stream:
    walker.limits.call(made.depth)
    walker.calls.append(made)
    if (written := files.run_written(walker, made, state)) is not None:
        return written
    if made.name in files.LANGUAGES and any(HOLE in word for word in made.argv):  # `python3 -c "$(curl …)"`
        from_elsewhere(walker, Stream(None, made.taints, made.origin), made)
    outcome = walker.outcome_of(made, walker.world)
    _kept(walker, outcome, made, state)
    outputs = [_inner(walker, each, made, state) for each in outcome.runs]
    flow = through(made.stdin, outcome.output)
    if flow.text is None:
        flow = flow._replace(taints=flow.taints - {"settings"} | flows.settings(made))
    return joined([*outputs, flow]) if outputs and flow.text is None else joined(outputs) if outputs else flow


def _kept(walker: "Walker", outcome: Outcome, made: Call, state: State) -> None:
    """The effects of an outcome, and the files it writes."""
    walker.found(*(each if each.by else each._replace(by=made.text) for each in flows.given(made, outcome)))
    walker.found(*flows.shown(made, outcome, walker.opened))
    flows.copied(made, state)
    for path, content in outcome.writes:
        if not walker.feed(path, content):
            state.world.files[path] = content


def _inner(walker: "Walker", each: "Code | Call", made: Call, state: State) -> Stream:
    if isinstance(each, Code):
        stdin = EMPTY if made.stdin.text is not None and made.stdin.text == each.text.text else made.stdin
        return code(walker, each, state, stdin, traits=made.traits, cwd=made.cwd)
    if not each.argv:
        return EMPTY
    before, walker.depth = walker.depth, made.depth + 1
    try:
        inner = each._replace(depth=walker.depth, cwd=each.cwd or made.cwd, traits=each.traits | walker.traits)
        return _named(walker, inner, state, state.copy())
    finally:
        walker.depth = before


def _function(walker: "Walker", made: Call, state: State) -> Stream:
    name = made.argv[0]
    definition = state.functions[name]
    running = [(argv, forks) for identity, argv, forks in walker.functions if identity == definition.id]
    if any(made.argv == argv for argv, _ in running) or len(running) >= _MOST_RECURSIONS:
        if walker.forks > running[0][1]:
            walker.found(Effect("exhaust", name, traits=frozenset({"fork"}), by=f"{name} calls itself"))
        return EMPTY
    walker.functions.append((definition.id, made.argv, walker.forks))
    before, state.arguments = state.arguments, (state.arguments[0], *made.argv[1:])
    outer, state.local = state.local, {}
    traits, walker.traits = walker.traits, walker.traits | made.traits
    walker.depth += 1
    walker.limits.call(walker.depth)
    try:
        return walker.body(definition, state, made.stdin)
    finally:
        walker.depth -= 1
        walker.traits = traits
        state.arguments = before
        state.leave(outer)
        walker.functions.pop()


def _aliased(walker: "Walker", argv: list[str], state: State, stdin: Stream) -> Stream:
    """What an alias stands for. A shell that is no terminal's leaves it alone: the word itself is judged too."""
    value = state.aliases.pop(argv[0])
    try:
        return walker.run(" ".join([value, *map(quoted, argv[1:])]), state, depth=walker.depth + 1, stdin=stdin)
    finally:
        state.aliases[argv[0]] = value
