"""Shells: whose text they run, from `-c`, a file or their input."""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file
from agentops_mcp.factors.guardrails.rules.programs.shells_running import given_away, is_socket, passing, running

_STDIN = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
_SHELLS = frozenset(
    "sh bash zsh dash ksh ksh93 mksh lksh pdksh ash fish csh tcsh rbash rzsh rksh yash posh oksh osh ysh hush nu xonsh "
    "elvish bash.static".split()
)
_LONG_VALUED = frozenset("rcfile init-file command init-command emulate features debug-output profile config".split())
_NOTHING_RUNS = frozenset({"version", "help", "dump-strings", "dump-po-strings", "no-execute", "no_execute"})
_STARTUP_FILES = frozenset({"rcfile", "init-file"})


class _Given(NamedTuple):
    """A shell's command line."""

    commands: tuple[str, ...] = ()
    """Texts of `-c` and of what is run before it."""

    operands: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """Files that are read at its start."""

    from_input: bool = False
    """`-s`: the operands are arguments, the text comes from the input."""

    interactive: bool = False
    wants: bool = False
    """`-c`: the first operand is a text."""

    noexec: bool = False
    ends: bool = False
    """`--version` and the like: nothing is run."""


def outcome(call: Call, world: World) -> Outcome | None:
    """What a shell runs. A file given by name is left to the walker, which knows what was written before."""
    if call.name not in _SHELLS:
        return None
    given = _read(list(call.argv[1:]), call.name)
    if given.ends or given.noexec:
        return Outcome()
    found: list[Outcome] = [Outcome(given_away(call))]
    found += [_file(path, call, world) for path in given.files]
    if given.commands:
        found += [running(_text(text, call), call, "shell", given.operands) for text in given.commands]
    elif given.operands and not given.from_input:
        path = given.operands[0]
        if path in _STDIN:
            found.append(_input(call, given.operands, interactive=given.interactive))
        else:
            found.append(_file(path, call, world))
    else:
        found.append(_input(call, (call.name, *given.operands), interactive=given.interactive))
    effects = tuple(effect for each in found for effect in each.effects)
    return passing(Outcome(effects, runs=tuple(code for each in found for code in each.runs)))


def _text(text: str, call: Call) -> Stream:
    """A text that stands in a word, with where its unknown parts come from."""
    return Stream(text, call.taints, call.origin) if HOLE in text else Stream(text)


def _input(call: Call, arguments: tuple[str, ...], *, interactive: bool) -> Outcome:
    if call.stdin == EMPTY:  # a terminal: a person, or nobody
        rights = Effect("gain_privilege", "a shell", "", call.traits | {"interactive"}, call.text)
        return Outcome((rights,) if "privileged" in call.traits else ())
    found = running(call.stdin, call, "shell", arguments)
    if interactive and call.stdin.text is None:  # its input is no terminal: somebody else's commands come through it
        driven = Effect("open_shell", call.stdin.origin or HOLE, "", call.traits | {"interactive"}, call.text)
        found = found._replace(effects=(driven, *found.effects))
    return found


def _file(path: str, call: Call, world: World) -> Outcome:
    """What is said of a script by its path alone."""
    if is_socket(path):
        return Outcome((Effect("open_shell", path, "", call.traits, call.text),))
    if path.startswith(("http://", "https://", "ftp://")):
        return Outcome((Effect("run_fetched", path, "", call.traits, call.text),))
    stream, _ = of_file(path, call.cwd, world)
    return running(stream, call) if stream.taints - {"local", "secret"} else Outcome()


def _read(words: list[str], name: str) -> _Given:
    """Options as shells read them: `-c` takes none of its word, but the first operand; `+n` undoes `-n`."""
    given = _Given()
    while words and (_is_option(words[0]) or (words[0] == HOLE and words[1:2] and _is_option(words[1]))):
        word = words.pop(0)
        if word in {"--", "-"}:
            break
        given = _long(word[2:], words, given) if word.startswith("--") else _letters(word, words, given, name)
    commands = (*given.commands, *words[:1]) if given.wants else given.commands
    return given._replace(commands=commands, operands=tuple(words[1:] if given.wants else words))


def _long(option: str, words: list[str], given: _Given) -> _Given:
    name, equals, value = option.partition("=")
    if name in _LONG_VALUED and not equals:
        value = words.pop(0) if words else ""
    if name in _STARTUP_FILES:
        return given._replace(files=(*given.files, value))
    if name in {"command", "init-command"}:
        return given._replace(commands=(*given.commands, value))
    return given._replace(ends=given.ends or name in _NOTHING_RUNS)


def _letters(word: str, words: list[str], given: _Given, name: str) -> _Given:
    on, letters = word[0] == "-", word[1:]
    if name == "fish" and on and "C" in letters:
        value = letters.partition("C")[2] or (words.pop(0) if words else "")
        return given._replace(commands=(*given.commands, value))
    noexec = on if "n" in letters else given.noexec
    for _ in range(letters.count("o") + letters.count("O")):
        value = words.pop(0) if words else ""
        noexec = on if value.replace("_", "").lower() in {"noexec", "noexecute"} else noexec
    return given._replace(
        wants=given.wants or (on and "c" in letters), from_input=given.from_input or (on and "s" in letters),
        interactive=given.interactive or (on and "i" in letters), noexec=noexec,
    )  # fmt: skip


def _is_option(word: str) -> bool:
    return word == "-" or (len(word) > 1 and word[0] in "-+")
