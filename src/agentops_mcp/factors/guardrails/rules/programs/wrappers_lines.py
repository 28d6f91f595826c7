"""Programs that build commands from lines of text: `xargs`, `parallel` and those that take several commands at once."""

from collections.abc import Callable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.programs.reading import read
from agentops_mcp.factors.guardrails.rules.programs.shells_running import passing, running
from agentops_mcp.factors.guardrails.rules.programs.wrappers import inner, text_of

_XARGS = "I L n P s d E a S R J max-args max-procs max-chars delimiter arg-file process-slot-var"
_PARALLEL = (
    "j P S a I N n L l d C E s M jobs max-procs sshlogin sshloginfile arg-file joblog results tmpdir "
    "timeout retries delay load "
    "memfree nice halt tag-string tagstring colsep delimiter max-args max-replace-args basefile return "
    "workdir wd env profile "
    "block recstart recend shebang-wrap sqlmaster"
)
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "eval"})
_MOST_LINES = 50
_LONGEST = 20_000
_SOURCES = frozenset({":::", ":::+", "::::", "::::+"})


def outcome(call: Call, world: World) -> Outcome | None:
    """The commands that come of it."""
    found = _PROGRAMS.get(call.name)
    return passing(found(call, world)) if found else None


def _xargs(call: Call, world: World) -> Outcome:
    words = _optional_values(call.argv[1:])
    given = parse(words, _XARGS, operands_last=True)
    source = read(given.values("a", "arg-file") or ("-",), call, world)
    command = list(given.operands) or ["echo"]
    mark = next((each or "{}" for each in (*given.values("I"), *given.values("i", "replace"))), "")
    mark = mark or next(iter(given.values("J")), "")
    items = _items(source.stream, given, by_line=bool(mark))
    found = _filled(command, items, mark, source.stream, call)
    if items and not mark:
        found = _in_portions(command, items, given, call)
    effects = (*source.effects, *_runs_input(command, mark, source.stream, call))
    if command == ["command"]:  # no builtin where no shell reads it: it stands for any program
        found = ()
    return Outcome(effects, Stream("", source.stream.taints, source.stream.origin) if found else Stream(), found)


def _optional_values(words: Sequence[str]) -> list[str]:
    """`-i`, `-l` and `-e` take a value only in the same word; `-i{}` and `--replace` become one form."""
    out: list[str] = []
    for word in words:
        if word in {"-i", "--replace"}:
            out.append("--replace={}")
        elif word.startswith("-i") and not word.startswith("--"):
            out.append(f"--replace={word[2:]}")
        elif word == "-0i" or (word.startswith("-0") and word[2:3] == "i"):
            out += ["-0", f"--replace={word[3:] or '{}'}"]
        elif word[:2] in {"-l", "-e"}:
            continue
        else:
            out.append(word)
    return out


def _items(stream: Stream, given: Options, *, by_line: bool) -> list[str] | None:
    """The arguments that the input gives; None when they are not known."""
    text = stream.text
    if text is None or HOLE in text or len(text) > _LONGEST:
        return None
    if given.has("0", "null"):
        return [each for each in text.split("\0") if each]
    delimiter = next((each for each in given.values("d", "delimiter") if each), "")
    if delimiter:
        return [each for each in text.replace("\\n", "\n").split(delimiter.replace("\\n", "\n")) if each.strip()]
    if by_line:
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text.replace('"', "").replace("'", "").split()


def _in_portions(command: Sequence[str], items: Sequence[str], given: Options, call: Call) -> tuple[Code | Call, ...]:
    sizes = [int(each) for each in given.values("n", "max-args", "L") if each.isdigit() and int(each)]
    size = min(sizes, default=len(items))
    portions = [items[place : place + size] for place in range(0, len(items), size)][:_MOST_LINES]
    return tuple(inner(call, (*command, *portion), stdin=EMPTY) for portion in portions)


def _filled(
    command: Sequence[str], items: Sequence[str] | None, mark: str, stream: Stream, call: Call
) -> tuple[Code | Call, ...]:
    """The command for each known item, or once for all that are not known."""
    if items == []:
        return () if mark else (inner(call, command, stdin=EMPTY),)
    if items is None:
        argv = [word.replace(mark, HOLE) for word in command] if mark else [*command, HOLE]
        # The program does not read this stream, but what it is made of reaches the program all the same.
        return (inner(call, argv, "repeated", stdin=Stream(None, stream.taints, stream.origin)),)
    return tuple(
        inner(call, [word.replace(mark, item) for word in command] if mark else command, stdin=EMPTY)
        for item in items[:_MOST_LINES]
    )


def _runs_input(command: Sequence[str], mark: str, stream: Stream, call: Call) -> tuple[Effect, ...]:
    """Whether the input is the text that a shell runs: `xargs sh -c`, `xargs -I{} sh -c '{}'`."""
    if stream.text is not None and HOLE not in stream.text:
        return ()
    names = [word.rpartition("/")[2] for word in command]
    if mark and names[0] == mark:
        return running(Stream(None, stream.taints - {"local"}, stream.origin), call).effects
    shell = next((at for at, name in enumerate(names) if name in _SHELLS), -1)
    if shell < 0:
        return ()
    rest = command[shell + 1 :]
    texts = [at for at, word in enumerate(rest) if word[:1] == "-" and word[1:2] != "-" and word.endswith("c")]
    inside = (names[shell] == "eval" or bool(texts)) and any(mark and mark in word for word in rest)
    behind = (bool(texts) and texts[0] == len(rest) - 1) or (names[shell] == "eval" and not mark)
    if not inside and not behind:
        return ()
    only = inside and not behind and not any(word == mark for word in rest)
    taints = stream.taints - {"local"}
    if only and not taints & {"fetched", "decoded"}:
        return ()  # names of files put into a text that is known: everyday, and judged as that text
    return running(Stream(None, taints, stream.origin), call).effects


def _parallel(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], _PARALLEL, operands_last=True)
    operands = list(given.operands)
    places = [at for at, word in enumerate(operands) if word in _SOURCES]
    command = operands[: places[0]] if places else operands
    lists, effects = _sources(operands, places, call, world)
    if not places or given.values("a", "arg-file"):
        source = read(given.values("a", "arg-file") or ("-",), call, world)
        effects += source.effects
        text = source.stream.text
        known = text is not None and HOLE not in text
        lists.append([line for line in (text or "").splitlines() if line][:_MOST_LINES] if known else [HOLE])
        if not command and not known:
            return Outcome(
                (*effects, *running(source.stream._replace(taints=source.stream.taints - {"local"}), call).effects)
            )
    traits = {"remote"} if given.has("S", "sshlogin", "sshloginfile") else set[str]()
    lines = [_line(command, items) for items in _combined(lists)]
    runs = tuple(
        Code("shell", Stream(line), (), call.traits | traits | _repeated(line))
        for line in lines
        if line.strip(HOLE + " ")
    )
    return Outcome(tuple(effects), runs=runs)


def _repeated(line: str) -> frozenset[str]:
    return frozenset({"repeated"}) if HOLE in line else frozenset()


def _sources(
    operands: Sequence[str], places: Sequence[int], call: Call, world: World
) -> tuple[list[list[str]], list[Effect]]:
    lists: list[list[str]] = []
    effects: list[Effect] = []
    for place, end in zip(places, [*places[1:], len(operands)][: len(places)], strict=True):
        values = list(operands[place + 1 : end])
        if operands[place].startswith("::::"):
            effects += read(values, call, world).effects
            values = [HOLE]
        lists.append(values)
    return lists, effects


def _combined(lists: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """One of each list, in every combination, up to a limit."""
    found: list[tuple[str, ...]] = [()]
    for values in lists:
        found = [(*before, value) for before in found for value in values][:_MOST_LINES]
    return found


def _line(command: Sequence[str], items: Sequence[str]) -> str:
    """The command's words are one text for a shell; items go where `{}` stands, or behind."""
    if not command:
        return " ".join(items)
    text = " ".join(command)
    quoted = [text_of([item]) for item in items]
    marks = [
        mark
        for mark in ("{}", "{.}", "{/}", "{//}", "{/.}", *(f"{{{at}}}" for at in range(1, len(items) + 1)))
        if mark in text
    ]
    if not marks:
        return " ".join([text, *quoted])
    for mark in marks:
        place = int(mark[1:-1]) - 1 if mark[1:-1].isdigit() else 0
        text = text.replace(mark, " ".join(quoted) if mark == "{}" else quoted[place])
    return text


def _entr(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "", operands_last=True)
    if given.has("s"):
        return Outcome(runs=tuple(Code("shell", Stream(text), (), call.traits) for text in given.operands[:1]))
    argv = [HOLE if word == "/_" else word for word in given.operands]
    return Outcome(runs=(inner(call, argv, stdin=EMPTY),)) if argv else NOTHING


def _texts(call: Call, world: World) -> Outcome:
    """`concurrently`, `hyperfine`: every operand is a command."""
    valued = (
        "n names c prefix-colors s success p prefix l prefix-length max-processes m restart-tries w warmup "
        "r runs M max-runs prepare cleanup setup S shell L parameter-list P parameter-scan export-json "
        "export-csv export-markdown "
        "command-name style sort time-unit u output input default-input-target hide"
    )
    given = parse(call.argv[1:], valued)
    texts = (*given.operands, *given.values("prepare", "cleanup", "setup"))
    return Outcome(
        runs=tuple(
            Code("shell", Stream(text), (), call.traits) for text in texts if text and not text.startswith("npm:")
        )
    )


def _later(call: Call, world: World) -> Outcome:
    """`at` and `batch` keep their input and run it later."""
    given = parse(call.argv[1:], "f q t")
    if given.has("l", "r", "d", "c", "V") or (not given.operands and not given.given and call.name == "at"):
        return NOTHING
    files = given.values("f")
    stream = read(files or ("-",), call, world).stream
    effect = Effect("persist", " ".join(given.operands) or "later", "", call.traits | {"schedule"}, call.text)
    found = running(stream, call) if stream != EMPTY else NOTHING
    return Outcome((effect, *found.effects), runs=found.runs)


_PROGRAMS: dict[str, Callable[[Call, World], Outcome]] = {
    "xargs": _xargs, "gxargs": _xargs, "parallel": _parallel, "sem": _parallel, "rush": _parallel, "entr": _entr,
    "concurrently": _texts, "hyperfine": _texts, "at": _later, "batch": _later,
}  # fmt: skip
