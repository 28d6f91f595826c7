"""From words to a program: functions and aliases first, then builtins, then what the program says of itself."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Code, Stream
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import is_inside, normal
from agentops_mcp.factors.guardrails.rules.shell import builtins
from agentops_mcp.factors.guardrails.rules.shell.state import State, TooMuchError, joined, through

if TYPE_CHECKING:
    from tree_sitter import Node

    from agentops_mcp.factors.guardrails.rules.shell.walk import Walker

_SHELLS = frozenset("sh bash zsh dash ksh ash fish".split())
_INTERPRETERS = frozenset("python python2 python3 node deno bun ruby perl php lua".split()) | _SHELLS
_POWERSHELL = frozenset({"pwsh", "powershell"})
_SOCKETS = ("/dev/tcp/", "/dev/udp/")
_LANGUAGE = {"node": "javascript", "deno": "javascript", "bun": "javascript", "ruby": "ruby", "perl": "perl", "php": "php", "pwsh": "powershell", "powershell": "powershell"}
_ALWAYS = {"while": frozenset({"true", ":", "[ 1 ]", "[[ 1 ]]", "(( 1 ))", "((1))"}), "until": frozenset({"false"})}
_RUNS = frozenset(";|&$`(\n")
_RUN_KINDS = (("fetched", "run_fetched"), ("decoded", "run_decoded"))


def call(
    walker: "Walker", argv: list[str], state: State, stdin: Stream, *, assigned: Mapping[str, Stream] | None = None,
    taints: frozenset[str] = frozenset(), origin: str = "", stdout: str = "",
) -> Stream:  # fmt: skip
    """Run words as the shell does, and give their output."""
    argv = _unaliased(argv, state)
    while "=" in argv[0].split("/", 1)[0] and len(argv) > 1:
        argv = argv[1:]  # an assignment to a name that is none: no program is called so, the next word may be one
    name = argv[0]
    for key, value in (assigned or {}).items():
        if name == "git" and key.startswith("GIT_"):
            continue  # git itself says what each of its variables does to each of its commands
        builtins.dangerous(walker, key, value, state)
    if name in state.functions:
        return _function(walker, name, argv, state, stdin)
    environment = {key: HOLE if value.text is None else value.text for key, value in (assigned or {}).items()}
    builtin = builtins.BUILTINS.get(name)
    if builtin is not None:
        return builtin(walker, argv, state, stdin)
    if HOLE in name.rpartition("/")[2]:
        return _dynamic(walker, argv, state, stdin, taints, origin)
    return program(
        walker, argv, state, stdin, environment=environment, stdout=stdout or walker.stdout, taints=taints, origin=origin
    )


def program(
    walker: "Walker", argv: Sequence[str], state: State, stdin: Stream, *,
    environment: Mapping[str, str] | None = None, stdout: str = "", taints: frozenset[str] = frozenset(),
    origin: str = "",
) -> Stream:  # fmt: skip
    """Ask a program what it does, and give its output."""
    path = stdout if stdout.startswith(_SOCKETS) else _absolute(stdout, state) if stdout else ""
    made = Call(
        tuple(argv), stdin, state.cwd, {**state.environment, **(environment or {})}, walker.traits, path,
        walker.depth, taints, origin,
    )  # fmt: skip
    return _asked(walker, made, state)


def _asked(walker: "Walker", made: Call, state: State) -> Stream:
    walker.limits.call(made.depth)
    walker.calls.append(made)
    if (written := _written_before(walker, made, state)) is not None:
        return written
    outcome = walker.outcome_of(made, walker.world)
    walker.found(*(each if each.by else each._replace(by=made.text) for each in outcome.effects))
    for path, content in outcome.writes:
        state.world.files[path] = content
    outputs = [_inner(walker, each, made, state) for each in outcome.runs]
    flow = through(made.stdin, outcome.output)
    return joined([*outputs, flow]) if outputs and flow.text is None else joined(outputs) if outputs else flow


def _inner(walker: "Walker", each: "Code | Call", made: Call, state: State) -> Stream:
    if isinstance(each, Code):
        stdin = EMPTY if made.stdin.text is not None and made.stdin.text == each.text.text else made.stdin
        return code(walker, each, state, stdin, traits=made.traits, cwd=made.cwd)
    before, walker.depth = walker.depth, made.depth + 1
    try:
        if not each.argv:
            return EMPTY
        inner = each._replace(depth=walker.depth, cwd=each.cwd or made.cwd, traits=each.traits | walker.traits)
        if inner.argv[0] in state.functions and not inner.traits:
            return _function(walker, inner.argv[0], list(inner.argv), state, inner.stdin)
        builtin = builtins.BUILTINS.get(inner.argv[0])
        if builtin is not None:
            return builtin(walker, list(inner.argv), state.copy(), inner.stdin)
        if HOLE in inner.argv[0].rpartition("/")[2]:
            return _dynamic(walker, list(inner.argv), state, inner.stdin, frozenset(), "")
        return _asked(walker, inner, state)
    finally:
        walker.depth = before


def code(
    walker: "Walker", each: Code, state: State, stdin: Stream, *, traits: frozenset[str] = frozenset(), cwd: str = ""
) -> Stream:
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
            walker.found(Effect("unresolved", (each.text.text or "")[:200], traits=frozenset({"powershell"}), by="powershell"))
            return EMPTY
        outcome = walker.code_of(each, cwd or state.cwd, walker.world)
        walker.found(*outcome.effects)
        for path, content in outcome.writes:
            state.world.files[path] = content
        made = Call((each.language,), stdin, cwd or state.cwd, {}, walker.traits, depth=walker.depth)
        for inner_run in outcome.runs:
            _inner(walker, inner_run, made, state)
        return through(stdin, outcome.output)
    finally:
        walker.traits, walker.depth = before, depth


def _function(walker: "Walker", name: str, argv: list[str], state: State, stdin: Stream) -> Stream:
    body = state.functions[name]
    if name in walker.functions:
        text = body.text or b""
        if b"&" in text or b"|" in text:
            walker.found(Effect("exhaust", name, traits=frozenset({"fork"}), by=f"{name} calls itself"))
        return EMPTY
    walker.functions.append(name)
    before, state.arguments = state.arguments, (state.arguments[0], *argv[1:])
    outer, state.local = state.local, {}
    walker.depth += 1
    walker.limits.call(walker.depth)
    try:
        return walker.walk(body, state, stdin)
    finally:
        walker.depth -= 1
        state.arguments = before
        for own, value in state.local.items():
            if value is None:
                state.variables.pop(own, None)
            else:
                state.variables[own] = value
        state.local = outer
        walker.functions.pop()


def _unaliased(argv: list[str], state: State) -> list[str]:
    seen: set[str] = set()
    while argv and argv[0] in state.aliases and argv[0] not in seen:
        seen.add(argv[0])
        argv = [*state.aliases[argv[0]].split(), *argv[1:]]
    if argv and argv[0] in state.renamed:
        argv = [state.renamed[argv[0]], *argv[1:]]
    return argv or [""]


def _dynamic(
    walker: "Walker", argv: list[str], state: State, stdin: Stream, taints: frozenset[str], origin: str
) -> Stream:
    """A command word that is only known at run time; one that a file of this machine names is as if it were run."""
    if taints == {"local"}:
        return Stream(None, stdin.taints)
    by = Call(tuple(argv)).text
    kinds = [kind for taint, kind in _RUN_KINDS if taint in taints] or ["run_dynamic"]
    walker.found(*(Effect(kind, origin or argv[0], traits=walker.traits, by=by) for kind in kinds))
    made = Call(tuple(argv), stdin, state.cwd, {}, walker.traits, depth=walker.depth)
    walker.limits.call(walker.depth)
    walker.calls.append(made)
    return Stream(None, stdin.taints)


def _written_before(walker: "Walker", made: Call, state: State) -> Stream | None:
    """Running a file that this same text has made or fetched; None when it is no such file."""
    name, operands = made.name, [word for word in made.argv[1:] if not word.startswith(("-", "+"))]
    if name in _POWERSHELL:
        operands = [word for word in operands if word.lower().endswith(".ps1")]
    if name in _INTERPRETERS | _POWERSHELL and operands and "-c" not in made.argv and "-e" not in made.argv:
        path, language = operands[0], _LANGUAGE.get(name, "shell" if name in _SHELLS else "python")
    elif "/" in made.argv[0]:
        path, language = made.argv[0], "shell"
    else:
        return None
    content = state.world.files.get(_absolute(path, state))
    if content is None or (language == "shell" and "-n" in made.argv):
        return None
    return run_content(walker, content, made, state, language=language, arguments=(path, *operands[1:]))


def run_content(
    walker: "Walker", content: Stream, made: Call, state: State, *, language: str = "shell",
    arguments: tuple[str, ...] = (),
) -> Stream:  # fmt: skip
    """Run a known content: where it comes from, and what it says."""
    for taint, kind in _RUN_KINDS:
        if taint in content.taints:
            walker.found(Effect(kind, content.origin or made.argv[0], traits=made.traits, by=made.text))
    if content.text:
        return code(walker, Code(language, content, arguments), state, made.stdin)
    return Stream(None, content.taints)


def read_file(walker: "Walker", path: str, state: State) -> Stream:
    """What `< path` brings in."""
    if path.startswith(_SOCKETS):
        return Stream(None, frozenset({"fetched"}), path)
    known = state.world.files.get(_absolute(path, state))
    if known is not None:
        return known
    from agentops_mcp.factors.guardrails.rules.programs.reading import of_file

    return of_file(path, state.cwd, walker.world)[0]


def write_file(walker: "Walker", path: str, content: Stream, state: State, *, append: bool) -> None:
    """What `> path` does."""
    by = f"{'>>' if append else '>'} {path}".replace(HOLE, "…")
    if path.startswith(_SOCKETS):
        traits = (content.taints & {"secret", "local"}) | {"socket"}
        walker.found(Effect("send_out", path, traits=frozenset(traits), by=by))
        return
    found = walker.locate(path, state)
    located, place = found.path, found.place
    before = state.world.files.get(located)
    if append and before is not None:
        content = joined([before, content])
    state.world.files[located] = content
    fresh = not append and before is None and walker.world.exists(located) is False
    kind = "write" if append or fresh else "overwrite"
    walker.found(Effect(kind, located, place, frozenset({"redirect"}) | walker.traits, by=by))


def endless(walker: "Walker", node: "Node") -> None:
    """A loop without end that starts a process in the background each time."""
    text = (node.text or b"").decode(errors="replace")
    condition = node.child_by_field_name("condition")
    said = (condition.text or b"").decode(errors="replace").strip().rstrip(";") if condition is not None else ""
    said = said.rpartition("/")[2]
    body = node.child_by_field_name("body")
    if said in _ALWAYS.get(node.children[0].type, ()) and body is not None and any(each.type == "&" for each in body.children):
        walker.found(Effect("exhaust", "processes", traits=frozenset({"fork"}), by=text[:100]))


def broken(walker: "Walker", root: "Node", text: str) -> None:
    """Text that is no shell as the grammar reads it: asked about where what is missing could be a command."""
    if not walker.calls and text.lstrip().startswith("<") and not set(text) & _RUNS:
        return  # redirections and nothing else: no program is named
    for each in _faults(root):
        said = (each.text or b"").decode(errors="replace").strip()
        walker.notes.append(f"not understood: {said[:60]!r}" if said else "something is missing")
        walker.found(Effect("unresolved", text[:200], traits=frozenset({"syntax"}), by=said[:100] or "syntax"))
        return


def _faults(node: "Node") -> "list[Node]":
    found: list[Node] = []
    waiting = [node]
    while waiting and len(found) < 1:
        each = waiting.pop()
        if each.is_error or each.is_missing:
            found.append(each)
        elif each.has_error:
            waiting += reversed(each.children)
    return found


def _absolute(path: str, state: State) -> str:
    if path.startswith("~/"):
        path = state.world.home + path[1:]
    return normal(path if path.startswith("/") else f"{state.cwd}/{path}")


__all__ = ["TooMuchError", "call", "code", "is_inside", "program", "read_file", "run_content", "write_file"]
