"""Editors, pagers, debuggers and build tools that can run a command in passing."""

from collections.abc import Callable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.reading import read
from agentops_mcp.factors.guardrails.rules.programs.shells_running import running

_LISP = (
    "shell-command-to-string", "async-shell-command", "shell-command", "call-process", "start-process", "delete-file",
    "delete-directory", "write-region",
)  # fmt: skip
_TCL = ('open "|', "open |", "file delete", "socket ")
_SCPT = ("do shell script", "do script")


def outcome(call: Call, world: World) -> Outcome | None:
    """What such a program is told to run, and what it edits or shows."""
    found = _PROGRAMS.get(call.name)
    return found(call, world) if found else None


def _code(text: str, call: Call) -> Code:
    return Code("shell", Stream(text), (), call.traits)


def _vim(call: Call, world: World) -> Outcome:
    """`vim -c '!…'`, `+'!…'`: ex commands of the command line. Without a screen (`-es`) it reads them as input."""
    words = [word for word in call.argv[1:] if not word.startswith("+")]
    given = parse(words, "c S t T u U w W i cmd startuptime servername remote-expr remote-send")
    commands = [*given.values("c", "cmd"), *(word[1:] for word in call.argv[1:] if word.startswith("+"))]
    silent = call.name in {"ex", "ed", "red"} or given.has("e", "E", "s")
    if silent and call.stdin.text:
        commands += call.stdin.text.splitlines()
    files = given.operands
    found = [_ex(command.strip(), files, call, world) for command in commands]
    effects = [effect for each in found for effect in each.effects] + list(read(files, call, world).effects)
    return Outcome(tuple(effects), Stream(""), tuple(run for each in found for run in each.runs))


def _ex(command: str, files: Sequence[str], call: Call, world: World) -> Outcome:
    """One ex command: `!TEXT`, `r !TEXT`, `w !TEXT`, `:call system(…)`, `w FILE`."""
    text = command.lstrip(":").strip()
    _, bang, shell = text.partition("!")
    head = text.partition("!")[0].strip().lstrip("%.,$0123456789' ")
    if bang and head in {"", "r", "read", "w", "write", "sil", "silent", "exe", "execute"} and shell.strip():
        return Outcome(runs=(_code(shell.strip(), call),))
    for name in ("system(", "systemlist(", "termopen(", "jobstart(", "os.execute("):
        if name in text:
            inside = text.partition(name)[2].strip().strip("[")
            return Outcome(runs=(_code(inside.rpartition(")")[0].strip("'\" )"), call),))
    if text.split(" ")[0] in {"py", "py3", "python", "python3", "pyx"} and " " in text:
        return Outcome(runs=(Code("python", Stream(text.partition(" ")[2]), (), call.traits),))
    if head.split(" ")[0] in {"w", "wq", "x", "write", "up", "update", "wa", "wqa", "xa", "w!"}:
        named = head.split(" ")[1:] or list(files)
        effects = tuple(written(path, call, world) for path in named if path)
        return Outcome(tuple(each._replace(traits=each.traits | {"edit"}) for each in effects))
    return NOTHING


def _pager(call: Call, world: World) -> Outcome:
    """`less +!…` and what `man -P` pages with."""
    commands = [word[2:] for word in call.argv[1:] if word.startswith("+!")]
    given = parse([word for word in call.argv[1:] if not word.startswith("+")], "P pager H C M m S s L E l r")
    pagers = given.values("P", "pager", "H") if call.name == "man" else ()
    reading = read(given.operands, call, world) if call.name != "man" else read((), call, world)
    runs = tuple(_code(text, call) for text in (*commands, *pagers) if text)
    if not given.operands and call.name != "man":
        return Outcome((), call.stdin, runs)
    return Outcome(reading.effects, reading.stream if call.name != "man" else Stream(), runs)


def _emacs(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "eval execute e l load f funcall script", single_dash=call.name == "emacs")
    texts = given.values("eval", "execute", "e")
    runs: list[Code] = []
    effects: list[Effect] = []
    for text in texts:
        name = next((each for each in _LISP if each in text), "")
        if not name:
            continue
        strings = text.split('"')[1::2]
        if name == "delete-file" or name == "delete-directory":
            runs.append(_code("rm -r -- " + " ".join(f"'{each}'" for each in strings), call))
        elif name == "write-region":
            effects += [written(strings[-1], call, world)] if strings else []
        else:
            runs.append(
                _code(" ".join(strings) if name in {"call-process", "start-process"} else (strings or [HOLE])[0], call)
            )
    effects += read([each for each in given.operands if not each.startswith("+")], call, world).effects
    return Outcome(tuple(effects), runs=tuple(runs))


def _debugger(call: Call, world: World) -> Outcome:
    """`gdb -ex 'shell …'`, `-ex '!…'`, `-ex 'python …'`; `gdb --args` starts a program."""
    valued = (
        "ex iex x ix p pid c core d cd b s se o O Q k S one-line eval-command init-eval-command command symbols exec "
        "directory"
    )
    given = parse(call.argv[1:], valued, single_dash=True)
    runs: list[Code | Call] = []
    for text in given.values("ex", "iex", "eval-command", "init-eval-command", "o", "O", "one-line"):
        word, _, rest = text.strip().partition(" ")
        if word in {"shell", "make", "!"} or word.startswith("!"):
            runs.append(_code(rest if not word.startswith("!") else text.strip()[1:], call))
        elif word == "platform" and rest.startswith("shell "):
            runs.append(_code(rest.removeprefix("shell "), call))
        elif word in {"python", "py", "script"}:
            runs.append(Code("python", Stream(rest), (), call.traits))
    if given.has("args") and given.operands:
        runs.append(call._replace(argv=given.operands, depth=call.depth + 1))
    return Outcome(runs=tuple(runs))


def _make(call: Call, world: World) -> Outcome | None:
    """`make` runs what its file says, as every script does; its text on the command line or in a pipe is told."""
    given = parse(
        call.argv[1:], "f C I j l o W E file makefile directory include-dir eval jobs load-average old-file what-if"
    )
    if given.has("n", "dry-run", "just-print", "recon", "q", "question", "version", "v", "help"):
        return NOTHING
    found: list[Outcome] = []
    if any(each in {"-", "/dev/stdin"} for each in given.values("f", "file", "makefile")):
        recipes = Stream(_recipes(call.stdin.text), call.stdin.taints, call.stdin.origin)
        found.append(running(recipes, call))
    files = given.values("f", "file", "makefile") or ("makefile", "Makefile")
    held = [world.held(locate(each, call.cwd, world).path) for each in files if each not in {"-", "/dev/stdin"}]
    found += [running(each._replace(text=_recipes(each.text)), call) for each in held if each is not None]
    found += [running(Stream(_recipes(text)), call) for text in given.values("E", "eval")]
    for word in given.operands:
        name, equals, value = word.partition("=")
        if equals and name.rstrip(":?+!") == "SHELL":
            found.append(Outcome(runs=(_code(value, call),)))
    effects = tuple(effect for each in found for effect in each.effects)
    return Outcome(effects, runs=tuple(run for each in found for run in each.runs))


def _recipes(text: str | None) -> str | None:
    """The lines of a makefile that go to a shell: recipes, and what stands in `$(shell …)`."""
    if text is None:
        return None
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("\t") or ";" in line:
            recipe = line.strip() if line.startswith("\t") else line.partition(";")[2]
            lines.append(recipe.lstrip("@-+ ").replace("$$", "$"))
        if "$(shell " in line:
            lines.append(line.partition("$(shell ")[2].rpartition(")")[0])
    return "\n".join(lines)


def _tcl(call: Call, world: World) -> Outcome:
    """`tclsh` reads its input; of it only what runs programs is looked for."""
    if len(call.argv) > 1 or call.stdin == EMPTY:
        return NOTHING
    text = call.stdin.text
    if text is None:
        return running(call.stdin, call, "tcl")
    effects = [Effect("run_dynamic", HOLE, "", call.traits, call.text)] if any(each in text for each in _TCL) else []
    runs = tuple(
        _code(line.strip().removeprefix("exec ").strip("{}"), call) for line in text.splitlines() if "exec " in line
    )
    return Outcome(tuple(effects), runs=runs)


def _osascript(call: Call, world: World) -> Outcome:
    """AppleScript: `do shell script "…"`, with or without an administrator's rights."""
    given = parse(call.argv[1:], "e l s")
    texts = list(given.values("e"))
    if not texts and not given.operands and call.stdin != EMPTY:
        if call.stdin.text is None:
            return running(call.stdin, call, "osascript")
        texts = [call.stdin.text]
    runs: list[Code] = []
    effects: list[Effect] = []
    joined = "\n".join(texts)
    for name in _SCPT:
        for part in joined.split(name)[1:]:
            quoted = part.replace('\\"', "\0").split('"')
            traits = call.traits | ({"privileged"} if "administrator privileges" in part else frozenset[str]())
            if len(quoted) > 1:
                runs.append(Code("shell", Stream(quoted[1].replace("\0", '"').replace("\\\\", "\\")), (), traits))
    if "hidden answer" in joined:
        effects.append(Effect("read_secret", "a password that a person types", "", call.traits | {"prompt"}, call.text))
    if "the clipboard" in joined:
        effects.append(Effect("read_secret", "the clipboard", "", call.traits | {"clipboard"}, call.text))
    return Outcome(tuple(effects), runs=tuple(runs))


_PROGRAMS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("vim", "vi", "nvim", "gvim", "view", "vimdiff", "rvim", "ex", "ed", "red"), _vim),
    "less": _pager, "more": _pager, "man": _pager, "emacs": _emacs, "emacsclient": _emacs,
    **dict.fromkeys(("gdb", "lldb"), _debugger), **dict.fromkeys(("make", "gmake"), _make),
    "tclsh": _tcl, "wish": _tcl, "osascript": _osascript,
}  # fmt: skip
