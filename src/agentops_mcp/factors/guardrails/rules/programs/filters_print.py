"""Programs that print what is known beforehand: text, numbers, names, paths."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.calls import EMPTY, HOLE, UNKNOWN, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.places import locate, normal
from agentops_mcp.factors.guardrails.rules.programs.filters_escapes import printed, unescaped

_MOST_NUMBERS = 200
_SECRET_WORDS = ("TOKEN", "SECRET", "PASSW", "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL")


def outcome(call: Call, world: World) -> Outcome | None:
    """What such a program prints."""
    prints = _PRINTS.get(call.name)
    if prints is None:
        return None
    found = prints(call, world)
    return found if isinstance(found, Outcome) else Outcome(output=found)


def environment(call: Call, names: tuple[str, ...] = ()) -> Outcome:
    """What showing variables of the environment gives away: all of them, or those named.

    All of them are shown every day, to look for one; the stream is marked, so that it is seen where it goes.
    """
    secret = not names or any(word in name.upper() for name in names for word in _SECRET_WORDS)
    if not secret:
        return Outcome()
    target = " ".join(names) or "environment variables"
    kind = "variable" if names else "variables"
    effect = Effect("read_secret", target, "", call.traits | {kind}, call.text)
    return Outcome((effect,), Stream(None, frozenset({"secret"}), target))


def _echo(call: Call, world: World) -> Stream:
    words = list(call.argv[1:])
    escapes, newline = False, True
    while words and len(words[0]) > 1 and words[0][0] == "-" and not words[0][1:].strip("neE"):
        option = words.pop(0)
        newline = newline and "n" not in option
        escapes = (escapes or "e" in option) and not option.endswith("E")
    text = " ".join(words) + ("\n" if newline else "")
    taints, origin = (call.taints, call.origin) if HOLE in text else (frozenset[str](), "")
    return Stream(unescaped(text) if escapes else text, taints, origin)


def _printf(call: Call, world: World) -> Stream:
    words = call.argv[1:]
    if words[:1] == ("-v",):
        return EMPTY
    if words[:1] == ("--",):
        words = words[1:]
    return Stream(printed(words[0], words[1:])) if words else EMPTY


def _seq(call: Call, world: World) -> Stream:
    given = parse([word for word in call.argv[1:] if not word.lstrip("-").isdigit()], "f s format separator")
    numbers = [word for word in call.argv[1:] if word.lstrip("-").isdigit()]
    if given.given or given.operands or not 1 <= len(numbers) <= len(("FIRST", "STEP", "LAST")):
        return UNKNOWN
    if any(len(number) > len("-10000000") for number in numbers):
        return UNKNOWN
    first = int(numbers[0]) if len(numbers) > 1 else 1
    step = int(numbers[1]) if len(numbers) > len(("FIRST", "LAST")) else 1
    last = int(numbers[-1])
    every = range(first, last + (1 if step > 0 else -1), step) if step else range(0)
    return Stream("".join(f"{each}\n" for each in every)) if len(every) <= _MOST_NUMBERS else UNKNOWN


def _basename(call: Call, world: World) -> Stream:
    given = parse(call.argv[1:], "s suffix")
    suffix = given.values("s", "suffix") or given.operands[1:2]
    several = given.has("a", "multiple", "s", "suffix")
    names = [path.rstrip("/").rpartition("/")[2] or "/" for path in given.operands[: None if several else 1]]
    if suffix:
        names = [name.removesuffix(suffix[0]) if name != suffix[0] else name for name in names]
    return Stream("".join(f"{name}\n" for name in names))


def _dirname(call: Call, world: World) -> Stream:
    return Stream("".join(f"{_folder(path)}\n" for path in parse(call.argv[1:]).operands))


def _folder(path: str) -> str:
    if path == HOLE:  # of `$0` nothing is known, not even that it has a folder
        return HOLE
    head, slash, _ = path.rstrip("/").rpartition("/")
    return head.rstrip("/") or ("/" if slash or path.startswith("/") else ".")


def _pwd(call: Call, world: World) -> Stream:
    return Stream(f"{call.cwd}\n") if call.cwd else UNKNOWN


def _which(call: Call, world: World) -> Stream:
    """The program's name: run as `$(which rm)`, it is that program."""
    names = parse(call.argv[1:]).operands
    return Stream("".join(f"{name}\n" for name in names)) if names else EMPTY


def _whoami(call: Call, world: World) -> Stream:
    if "privileged" in call.traits or "remote" in call.traits:
        return UNKNOWN
    return Stream(world.home.rstrip("/").rpartition("/")[2] + "\n")


def _silent(call: Call, world: World) -> Stream:
    return EMPTY


def _yes(call: Call, world: World) -> Stream:
    return Stream(" ".join(call.argv[1:] or ("y",)) + "\n")


def _mktemp(call: Call, world: World) -> Stream:
    given = parse(call.argv[1:], "p suffix")
    template = given.operands[0] if given.operands else "tmp." + "X" * 10
    made = template.rstrip("X") + HOLE if template.endswith("X") else template.replace("XXX", HOLE) + HOLE
    folder = next((each for each in given.values("p", "tmpdir") if each), "")
    if not folder and (not given.operands or given.has("t", "p", "tmpdir")):
        folder = next(iter(world.temporary), "/tmp")  # noqa: S108 - a name, nothing is put there
    if folder:
        made = f"{folder.rstrip('/')}/{made}"
    return Stream(made + "\n")


def _realpath(call: Call, world: World) -> Stream:
    given = parse(call.argv[1:], "relative-to relative-base")
    if given.has("relative-to", "relative-base") or (call.name.endswith("readlink") and not given.has("f", "e", "m")):
        return UNKNOWN
    found = [locate(path, call.cwd, world) for path in given.operands]
    if any(HOLE in each.path or each.place == "unknown" for each in found):
        return Stream("".join(f"{each.path}\n" for each in found))
    return Stream("".join(f"{normal(world.real(each.path))}\n" for each in found))


def _printenv(call: Call, world: World) -> Outcome | Stream:
    names = parse(call.argv[1:]).operands
    known = [call.env.get(name) for name in names]
    if names and None not in known:
        return Stream("".join(f"{value}\n" for value in known))
    return environment(call, names)


_PRINTS: dict[str, Callable[[Call, World], Outcome | Stream]] = {
    "echo": _echo, "printf": _printf, "seq": _seq, "basename": _basename, "dirname": _dirname, "pwd": _pwd,
    "which": _which, "whoami": _whoami, "logname": _whoami, "yes": _yes, "mktemp": _mktemp, "gmktemp": _mktemp,
    "realpath": _realpath, "grealpath": _realpath, "readlink": _realpath, "greadlink": _realpath, "printenv": _printenv,
    "gecho": _echo, "gseq": _seq, "gprintf": _printf,
    **dict.fromkeys(("true", "false", "sleep", "test", "[", "[[", ":", "wait"), _silent),
}  # fmt: skip
