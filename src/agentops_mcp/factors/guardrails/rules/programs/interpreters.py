"""Interpreters of programming languages: which text they run, from an option, a file or their input."""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.programs.files_effects import written
from agentops_mcp.factors.guardrails.rules.programs.shells_running import running


class _Interpreter(NamedTuple):
    """How one interpreter is told what to run."""

    language: str
    texts: str
    """Options whose value is text to run."""

    valued: str = ""
    """Other options that take a value, in the same word or the next."""

    sticky: str = ""
    """Letters after which the rest of the word is theirs: `-i.bak`."""

    modules: str = ""
    """Options whose value is a module or file that is loaded."""

    nothing: str = "help version h v"
    """Options with which nothing is run."""


_PYTHON = _Interpreter("python", "c", "W X Q check-hash-based-pycs", nothing="help version h V")
_NODE = _Interpreter(
    "javascript", "e eval p print pe", "C conditions loader experimental-loader import env-file title "
    "stack-trace-limit "
    "max-old-space-size input-type inspect-port", modules="r require import loader experimental-loader",
    nothing="help version h v c check",
)  # fmt: skip
_INTERPRETERS = {
    "python": _PYTHON, "pypy": _PYTHON, "py": _PYTHON, "ipython": _PYTHON, "jython": _PYTHON, "micropython": _PYTHON,
    "graalpy": _PYTHON, "bpython": _PYTHON, "pythonw": _PYTHON,
    "node": _NODE, "nodejs": _NODE, "bun": _Interpreter("javascript", "e eval p print", "r preload cwd config",
    modules="r preload"),
    "deno": _Interpreter("javascript", "eval", "c config import-map lock"), "qjs": _Interpreter("javascript",
    "e eval", "I include"),
    "crystal": _Interpreter("ruby", "", "D link-flags mcpu threads"),
    "coffee": _NODE, "tsx": _NODE, "ts-node": _NODE, "phantomjs": _NODE, "jjs": _NODE,
    "ruby": _Interpreter("ruby", "e", "I C E", "FKTWx0", "r", "help version h v c"), "jruby": _Interpreter("ruby",
    "e", "I C", "FKTWx0", "r"),
    "irb": _Interpreter("ruby", "e", "I", "", "r"), "mruby": _Interpreter("ruby", "e", "", "", "r"),
    "perl": _Interpreter("perl", "e E", "I", "iFlCxVDmM0", "", "help version h v V c"),
    "php": _Interpreter("php", "r run B process-begin R process-code E process-end", "c d define z t docroot S "
    "server", "", "F f file",
                        "help version h v i info m l"),
    "lua": _Interpreter("lua", "e", "", "", "l"), "luajit": _Interpreter("lua", "e", "", "jOb", "l"),
    "rscript": _Interpreter("r", "e", "", ""), "r": _Interpreter("r", "e", "", "f file"),
    "littler": _Interpreter("r", "e"),
    "elixir": _Interpreter("elixir", "e eval rpc-eval", "S pa pz name sname cookie erl", "", "r require"),
    "iex": _Interpreter("elixir", "e eval", "S pa pz name sname cookie", "", "r require"),
    "erl": _Interpreter("erlang", "eval", "pa pz name sname setcookie s run config boot"),
    "octave": _Interpreter("octave", "eval", "p path"), "octave-cli": _Interpreter("octave", "eval", "p path"),
    "ghc": _Interpreter("haskell", "e", "o I X package"), "runghc": _Interpreter("haskell", "e", "f"),
    "ghci": _Interpreter("haskell", "e"),
    "swift": _Interpreter("swift", "e", "I L F D sdk target"),
    "jrunscript": _Interpreter("javascript", "e", "l cp classpath encoding", "", "f"),
    "julia": _Interpreter("julia", "e eval E print", "p procs t threads J sysimage C", "", "L load"),
}  # fmt: skip
_MAGIC = ("!", "%sx ", "%system ")
_RUN_CODE = frozenset({"code", "pdb", "asyncio", "runpy", "ipython", "idlelib", "ptpython", "bpython"})
"""Modules of Python that run what they are given, or what they read."""


class _Given(NamedTuple):
    """A command line: texts to run, files to load, options without those, and the rest."""

    texts: tuple[str, ...]
    modules: tuple[str, ...]
    options: frozenset[str]
    operands: tuple[str, ...]


def outcome(call: Call, world: World) -> Outcome | None:
    """What an interpreter is told to run."""
    name = call.name
    found = _INTERPRETERS.get(name) or _INTERPRETERS.get(name.rstrip("0123456789.-w"))
    if found is None:
        return None
    if name in {"deno", "bun", "crystal"}:
        return _runtime(found, call, world)
    if found is _PYTHON and "-m" in (leading := _leading(call.argv[1:])):
        return _module(call, world, leading)
    given = _read(found, call.argv[1:])
    if given.options & set(found.nothing.split()) and not given.texts:
        return NOTHING
    effects = [
        Effect("load_code", each, "", call.traits, call.text)
        for each in given.modules
        if "://" in each or each.startswith("data:")
    ]
    effects += _edited(found, given, call, world)
    texts, arguments = given.texts, given.operands
    if texts:
        between = "\n" if found.language != "php" else ";"
        judged = _judged(
            Code(found.language, Stream(between.join(texts)), (name, *arguments), call.traits), call, world
        )
    elif given.operands and given.operands[0] not in {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}:
        judged = _script(given.operands, call, found.language)
    else:
        judged = _input(call, found.language, given.operands, world)
    return judged._replace(effects=(*effects, *judged.effects))


def _judged(code: Code, call: Call, world: World) -> Outcome:
    """What a text does that may read the input of the call."""
    if code.language == "python":
        from agentops_mcp.factors.guardrails.rules.programs import python_code

        text = code.text.text or ""
        if call.name.startswith("ipython") and any(line.lstrip().startswith(_MAGIC) for line in text.splitlines()):
            return _of_ipython(text, code, call, world)
        return python_code.code_of(code, call, world)
    from agentops_mcp.factors.guardrails.rules.programs import script_code

    return script_code.code_of(code, call, world)


def _of_ipython(text: str, code: Code, call: Call, world: World) -> Outcome:
    """IPython's own lines: `!rm x` and `%sx rm x` go to the shell, all else is Python."""
    lines = text.splitlines()
    shell = [line.lstrip().removeprefix("%").lstrip("!") for line in lines if line.lstrip().startswith(_MAGIC)]
    rest = "\n".join(line for line in lines if not line.lstrip().startswith(_MAGIC))
    runs = [
        Code("shell", Stream(each.removeprefix("sx ").removeprefix("system ")), traits=call.traits) for each in shell
    ]
    judged = _judged(code._replace(text=Stream(rest)), call, world)
    return judged._replace(runs=(*runs, *judged.runs))


def _input(call: Call, language: str, operands: tuple[str, ...], world: World) -> Outcome:
    stream = call.stdin
    if stream == EMPTY:  # a terminal
        return NOTHING
    found = running(stream, call, language, operands)
    if stream.text is None:
        return found
    judged = _judged(Code(language, stream, operands, call.traits), call._replace(stdin=EMPTY), world)
    return judged._replace(effects=(*found.effects, *judged.effects))


def _script(operands: tuple[str, ...], call: Call, language: str) -> Outcome:
    """A file by name is judged as the program that it is: the walker knows what was written to it before."""
    path = operands[0]
    if path.startswith(("http://", "https://")):
        return Outcome((Effect("run_fetched", path, "", call.traits, call.text),))
    if language == "php" and path.startswith("php://"):
        return running(call.stdin, call, language)
    return Outcome(runs=(call._replace(argv=operands),))


def _edited(found: _Interpreter, given: _Given, call: Call, world: World) -> list[Effect]:
    """`perl -i` and `ruby -i` write the files that they are given."""
    if found.language not in {"perl", "ruby"} or "i" not in given.options or not given.texts:
        return []
    return [written(path, call, world, ("edited",)) for path in given.operands]


def _runtime(found: _Interpreter, call: Call, world: World) -> Outcome | None:
    """Deno and bun: their subcommands that run text; others are of no interest here."""
    words = call.argv[1:]
    verb = next((word for word in words if not word.startswith("-")), "")
    given = _read(found, words)
    if call.name in {"deno", "crystal"} and verb == "eval":
        operands = [word for word in given.operands if word != "eval"]
        return _judged(Code(found.language, Stream(operands[0] if operands else ""), (), call.traits), call, world)
    if given.texts:
        return _judged(Code("javascript", Stream("\n".join(given.texts)), given.operands, call.traits), call, world)
    if verb in {"run", "serve"}:
        after = _read(found, words[words.index(verb) + 1 :])
        path = (*after.operands, "")[0]
        trusted = call.name == "bun" or after.options & {"A", "allow-all", "allow-run"}
        if path.startswith(("http://", "https://")) and trusted:
            return Outcome((Effect("run_fetched", path, "", call.traits, call.text),))
        return _input(call, "javascript", after.operands, world) if path == "-" else None
    return _input(call, "javascript", (), world) if verb in {"", "-"} else None


def _leading(words: tuple[str, ...]) -> tuple[str, ...]:
    """Python's own options, with `-m` as a word of its own: `-Im pip` and `-mpip` are `-m pip`."""
    found: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word.startswith("--"):
            found.append(word)
            continue
        for place, letter in enumerate(word[1:], start=1):
            if letter in "cWXQ":
                if letter == "c":
                    return tuple(found)
                _ = word[place + 1 :] or (rest.pop(0) if rest else "")
                break
            if letter == "m":
                return (*found, "-m", *([word[place + 1 :]] if word[place + 1 :] else []), *rest)
    return tuple(found)


def _module(call: Call, world: World, words: tuple[str, ...]) -> Outcome:
    """`python -m NAME`: a program of that name, or a module that runs text."""
    at = words.index("-m")
    name, arguments = (words[at + 1] if len(words) > at + 1 else ""), words[at + 2 :]
    if name.lower() in _RUN_CODE:
        return _input(call, "python", arguments, world)
    if name == "timeit":
        texts = [word for word in arguments if not word.startswith("-")]
        return _judged(Code("python", Stream("\n".join(texts)), (), call.traits), call, world)
    if name == "json.tool":
        files = [word for word in arguments if not word.startswith("-") or word == "-"]
        return Outcome(tuple(written(path, call, world) for path in files[1:2]), Stream(None, call.stdin.taints))
    return Outcome(runs=(call._replace(argv=(name, *arguments)),)) if name else NOTHING


def _read(found: _Interpreter, words: tuple[str, ...]) -> _Given:
    """Options up to the first operand, as interpreters read theirs."""
    texts, valued, modules = (frozenset(each.split()) for each in (found.texts, found.valued, found.modules))
    rest = list(words)
    given: list[str] = []
    run: list[str] = []
    loaded: list[str] = []
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        if word == "--":
            break
        for name, value, whole in _options(word, found, texts | valued | modules):
            given.append(name)
            if name in texts | valued | modules:
                taken = value if whole else (rest.pop(0) if rest else "")
                run += [taken] if name in texts else []
                loaded += [taken] if name in modules else []
        if found.language == "python" and run:
            break
    return _Given(tuple(run), tuple(loaded), frozenset(given), tuple(rest))


def _options(word: str, found: _Interpreter, taking: frozenset[str]) -> list[tuple[str, str, bool]]:
    """The options in one word, each with its value and whether it has one here."""
    if word.startswith("--"):
        name, equals, value = word[2:].partition("=")
        return [(name, value, bool(equals))]
    if word[1:] in taking and len(word) > len("-e"):  # node's -pe
        return [(word[1:], "", False)]
    options: list[tuple[str, str, bool]] = []
    letters = word[1:]
    for place, letter in enumerate(letters):
        rest = letters[place + 1 :]
        if letter in found.sticky:
            options.append((letter, "", True))
            # What follows -l and -0 are digits, and then options again: -l40pe.
            if letter not in "l0" or not rest:
                return options
            continue
        options.append((letter, rest, bool(rest)))
        if letter in taking:
            return options
    return options
