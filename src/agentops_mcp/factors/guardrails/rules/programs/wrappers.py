"""Programs that run another program: which of their words belong to it."""

from collections.abc import Sequence

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.filters_print import environment
from agentops_mcp.factors.guardrails.rules.programs.shells_running import passing
from agentops_mcp.factors.guardrails.rules.programs.wrappers_settings import assignment, loaded
from agentops_mcp.factors.guardrails.rules.programs.wrappers_table import WRAPPERS, Wrapper

_COMMAND = frozenset({"-c", "--command"})
_SU = "c command session-command g group G supp-group s shell w whitelist-environment T pty u user"
_PAIRED = ("bind", "bind-try", "bind-data", "symlink", "setenv", "--file", "overlay", "chmod")
_LATER = ("on-active", "on-boot", "on-startup", "on-unit-active", "on-unit-inactive", "on-calendar", "timer-property")


def outcome(call: Call, world: World) -> Outcome | None:
    """What a wrapper runs: nothing when it has no command."""
    return passing(_outcome(call, world))


def _outcome(call: Call, world: World) -> Outcome | None:
    if call.name in {"su", "runuser"}:
        return _su(call)
    wrapper = WRAPPERS.get(call.name)
    if wrapper is None:
        return None
    words = _after_words(call, wrapper)
    if words is None:
        return None
    if call.name == "bwrap":
        words = _without_pairs(words)
    if wrapper.after:
        words = _behind(words, wrapper.after.split())
    given = parse(words, wrapper.valued, operands_last=True)
    if wrapper.stops and given.has(*wrapper.stops.split()):
        return NOTHING
    special = _special(call, given, world)
    if special is not None:
        return special
    operands, variables = _without_variables(given.operands, wrapper)
    skip = 0 if call.name == "taskset" and any(given.values("cpu-list")) else wrapper.skip
    moved = _moved(call, given, world)._replace(env={**call.env, **dict(variables)})
    found = loaded(variables, call, world)
    runs = (*found.runs, *_inner(moved, given, operands[skip:], wrapper))
    return Outcome((*found.effects, *_by_itself(call, given, operands, world)), runs=runs)


def inner(call: Call, argv: Sequence[str], *traits: str, stdin: Stream | None = None) -> Call:
    """A call of the program that `call` runs, with its input, folder and variables."""
    return call._replace(
        argv=tuple(argv),
        traits=call.traits | set(traits),
        depth=call.depth + 1,
        stdin=call.stdin if stdin is None else stdin,
    )


def text_of(words: Sequence[str]) -> str:
    """Words as one text for a shell, each standing for itself as it does in an argument list."""
    return " ".join(word if _is_plain(word) else "'" + word.replace("'", "'\\''") + "'" for word in words)


def _is_plain(word: str) -> bool:
    return bool(word) and all(letter.isalnum() or letter in "-_./=:,@%+^*?" or letter == HOLE for letter in word)


def _behind(words: Sequence[str], marks: Sequence[str]) -> Sequence[str]:
    """The words behind the first mark; without one none, or all where the mark is only the end of the options."""
    found = next((at for at, word in enumerate(words) if word in marks), None)
    if found is None:
        return words if "--" in marks else ()
    return words[found + 1 :]


def _without_pairs(words: Sequence[str]) -> list[str]:
    """Words without bubblewrap's options that take two values."""
    kept: list[str] = []
    skipped = 0
    for word in words:
        if skipped:
            skipped -= 1
        elif word.endswith(_PAIRED) and word.startswith("--"):
            skipped = 2
        else:
            kept.append(word)
    return kept


def _after_words(call: Call, wrapper: Wrapper) -> Sequence[str] | None:
    """The words after the subcommand that makes the program a wrapper; None when it is another one."""
    if not wrapper.words:
        return call.argv[1:]
    operands = parse(call.argv[1:], wrapper.valued, operands_last=True).operands
    for each in wrapper.words:
        words = tuple(each.split())
        if operands[: len(words)] == words and operands:
            return operands[len(words) :]
    return None


def _special(call: Call, given: Options, world: World) -> Outcome | None:
    """What some wrappers do without a command, or instead of one."""
    if call.name in {"sudo", "doas"}:
        if given.has("e", "edit"):
            return Outcome(tuple(written(path, call, world) for path in given.operands))
        if not given.operands and given.has("i", "s", "login", "shell"):
            return _rights(call, "a shell")
    if call.name in {"pkexec", "run0"} and not given.operands:
        return _rights(call, "a shell")
    if call.name in {"env", "genv"}:
        if split := given.values("S", "split-string"):
            text = " ".join([split[-1], text_of(given.operands)]).strip()
            return Outcome(runs=(Code("shell", Stream(text), (), call.traits),))
        operands, _ = _without_variables(given.operands, WRAPPERS["env"])
        if not operands:
            return environment(call)
    return None


def _rights(call: Call, target: str) -> Outcome:
    """An interactive shell of another account, or what is given to it as input."""
    effect = Effect("gain_privilege", target, "", call.traits | {"interactive"}, call.text)
    if call.stdin == EMPTY:
        return Outcome((effect,))
    return Outcome(runs=(inner(call, ("sh",), "privileged"),))


def _without_variables(operands: Sequence[str], wrapper: Wrapper) -> tuple[Sequence[str], list[tuple[str, str]]]:
    """Operands after `NAME=value` words, and those."""
    variables: list[tuple[str, str]] = []
    place = 0
    while wrapper.sets and place < len(operands):
        word = operands[place]
        pair = assignment(word)
        unknown = word == HOLE and place + 1 < len(operands)
        if pair:
            variables.append(pair)
        elif word != "-" and not unknown:
            break
        place += 1
    return operands[place:], variables


def _moved(call: Call, given: Options, world: World) -> Call:
    folder = next((each for each in given.values("chdir", "working-directory") if each), "")
    folder = folder or next(
        (each for each in given.values("C", "D") if each and call.name in {"env", "sudo", "genv"}), ""
    )
    return call._replace(cwd=locate(folder, call.cwd, world).path) if folder else call


def _inner(call: Call, given: Options, operands: Sequence[str], wrapper: Wrapper) -> tuple[Code | Call, ...]:
    traits = frozenset(wrapper.traits.split())
    texts = [each for each in given.values(*wrapper.text.split()) if each] if wrapper.text else []
    if wrapper.text and operands and operands[0] in _COMMAND:
        texts, operands = [*texts, *operands[1:2]], ()
    if operands[:1] == ("--",):
        operands = operands[1:]
    codes: list[Code | Call] = [Code("shell", Stream(text), (), call.traits | traits) for text in texts]
    if not operands:
        return tuple(codes)
    if wrapper.joins and not given.has("x", "exec", "no-shell"):
        return (*codes, Code("shell", Stream(" ".join(operands)), (), call.traits | traits))
    return (*codes, inner(call, operands, *traits))


def _by_itself(call: Call, given: Options, operands: Sequence[str], world: World) -> tuple[Effect, ...]:
    """What a wrapper does besides running its command."""
    effects: list[Effect] = []
    if call.name == "systemd-run" and given.has(*_LATER):
        effects.append(Effect("persist", " ".join(operands), "", call.traits | {"schedule"}, call.text))
    if call.name == "nsenter" and ("1" in given.values("t", "target") or given.has("a", "all")):
        effects.append(Effect("gain_privilege", "the machine's own namespaces", "", call.traits | {"host"}, call.text))
    if call.name in {"time", "strace", "ltrace", "gtime"}:
        effects += [written(path, call, world) for path in given.values("o", "output") if path and path[0] not in "|!"]
    return tuple(effects)


def _su(call: Call) -> Outcome:
    """`su` takes its options anywhere, and after the account words for the shell; `runuser -u` takes a command."""
    if call.name == "runuser" and parse(call.argv[1:], _SU, operands_last=True).has("u", "user"):
        operands = parse(call.argv[1:], _SU, operands_last=True).operands
        return Outcome(runs=(inner(call, operands, "privileged"),)) if operands else NOTHING
    given = parse(call.argv[1:], _SU)
    texts = given.values("c", "command", "session-command")
    if given.has("help", "version", "V", "h"):
        return NOTHING
    if texts:
        return Outcome(runs=tuple(Code("shell", Stream(text), (), call.traits | {"privileged"}) for text in texts))
    account = next((each for each in given.operands if each != "-"), "root")
    return _rights(call, account)
