"""Archivers: what they put where, what they take along or away, and what they can be told to run."""

from collections.abc import Callable, Iterable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.files_copies import source
from agentops_mcp.factors.guardrails.rules.programs.files_effects import deleted, made, within, written

_MOST = 200
_TAR = (
    "f C b L N X T K H V F g I file directory exclude exclude-from files-from to-command checkpoint-action "
    "use-compress-program rsh-command info-script new-volume-script transform strip-components owner group mode mtime "
    "newer after-date format blocking-factor tape-length level-compression warning index-file starting-file "
    "listed-incremental suffix sort record-size owner-map group-map pax-option label volno-file add-file"
)
_TAR_RUNS = "to-command use-compress-program rsh-command info-script new-volume-script I F".split()
_TAR_LETTERS = frozenset("xctruAdzjJZvkpPSfChOamnwlWUiBsoGgMhKNTXbLVHFI")


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call of an archiver writes, gives away, deletes and runs."""
    known = _PROGRAMS.get(call.name)
    return known(call, world) if known else None


def _tar(call: Call, world: World) -> Outcome:
    given = parse(_tar_words(call), _TAR)
    if given.has("help", "version", "usage", "show-defaults"):
        return NOTHING
    runs = _tar_runs(given)
    folder = call.cwd
    for each in given.values("C", "directory", "cd"):
        folder = locate(each, folder, world).path
    if given.has("t", "list", "d", "diff", "compare"):
        return Outcome(runs=runs)
    inside = call._replace(cwd=folder)
    if given.has("x", "extract", "get"):
        return _unpacked(given, inside, world, runs)
    if given.has("delete"):
        return Outcome(tuple(written(each, call, world) for each in given.values("f", "file")), runs=runs)
    return _packed(given, given.values("f", "file"), call, inside, world)._replace(runs=runs)


def _tar_words(call: Call) -> list[str]:
    """`tar xzf a.tar` as options: the old style has its letters without a dash, and their values follow in order."""
    words = [*call.env.get("TAR_OPTIONS", "").split(), *call.argv[1:]]
    first = call.argv[1] if len(call.argv) > 1 else ""
    if not first or first.startswith("-") or not set(first) <= _TAR_LETTERS:
        return words
    old, rest = first, list(call.argv[2:])
    valued = [letter for letter in old if letter in "fCbLNXTKHVFgI"]
    taken = [word for letter, value in zip(valued, rest, strict=False) for word in (f"-{letter}", value)]
    plain = [f"-{letter}" for letter in old if letter not in "fCbLNXTKHVFgI"]
    return [*call.env.get("TAR_OPTIONS", "").split(), *plain, *taken, *rest[len(valued) :]]


def _tar_runs(given: Options) -> tuple[Code, ...]:
    texts = [text for text in given.values(*_TAR_RUNS) if text]
    texts += [text.removeprefix("exec=") for text in given.values("checkpoint-action") if text.startswith("exec=")]
    return tuple(Code("shell", Stream(text)) for text in texts)


def _unpacked(given: Options, inside: Call, world: World, runs: tuple[Code, ...]) -> Outcome:
    if given.has("O", "to-stdout", "to-command"):
        return Outcome((), Stream(None, frozenset({"decoded"})), runs)
    traits = {"unpacked"}
    if given.has("P", "absolute-names", "absolute-paths", "insecure"):
        traits.add("absolute")
    if given.has("recursive-unlink"):
        traits.add("recursive")
    effect = made(".", inside, world, traits)
    return Outcome((effect,), Stream(""), runs)


def _packed(given: Options, archives: Sequence[str], call: Call, inside: Call, world: World) -> Outcome:
    effects: list[Effect] = []
    taints = {"local"}
    for path in given.operands[:_MOST]:
        stream, secrets = source(path, inside, world, "packed")
        taints |= stream.taints
        effects += secrets
    packed = Stream(None, frozenset(taints), next((each.target for each in effects), ""))
    if given.has("remove-files"):
        effects += deleted(given.operands, inside, world, {"recursive", "moved"})
    writes: list[tuple[str, Stream]] = []
    for archive in archives:
        if archive == "-":
            continue
        if _is_remote(archive) and not given.has("force-local"):
            traits = call.traits | (taints & {"secret", "local"}) | {"copy"}
            effects.append(
                Effect("send_out", archive.partition(":")[0].rpartition("@")[2], "remote", traits, call.text)
            )
        else:
            put = written(archive, call, world)
            effects.append(put)
            writes.append((put.target, packed))
    return Outcome(tuple(effects), packed, (), tuple(writes))


def _is_remote(archive: str) -> bool:
    head, colon, _ = archive.partition(":")
    return bool(colon) and "/" not in head and len(head) > 1


def _zip(call: Call, world: World) -> Outcome:
    given = parse(
        call.argv[1:], "b ll n s t tt TT O P i x suffixes output-file include exclude temp-path unzip-command password"
    )
    if given.has("help", "version", "h", "sf", "show-files") or not given.operands:
        return NOTHING
    archive, *paths = given.operands
    found = _packed(Options(given.given, tuple(paths)), (archive,), call, call, world)
    effects = list(found.effects)
    if given.has("m", "move"):
        effects += deleted(paths, call, world, {"recursive", "moved"})
    runs = [Code("shell", Stream(text)) for text in given.values("unzip-command")]
    words = call.argv
    runs += [
        Code("shell", Stream(words[at + 1])) for at, word in enumerate(words[:-1]) if word in {"-TT", "--unzip-command"}
    ]
    return found._replace(effects=tuple(effects), runs=tuple(runs))


def _unzip(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "d x P o" if call.name == "unar" else "d P I O")
    if given.has("l", "t", "v", "Z", "z", "h", "help", "version"):
        return NOTHING
    if given.has("p", "c"):
        return Outcome((), Stream(None, frozenset({"decoded"})))
    folder = next((each for each in given.values("d", "o") if each), ".")
    return Outcome((made(folder, call, world, {"unpacked"}),), Stream(""))


def _seven_zip(call: Call, world: World) -> Outcome:
    """`7z`: one word says what is done, and switches have their value glued on."""
    words = [word for word in call.argv[1:] if not word.startswith("-")]
    switches = [word for word in call.argv[1:] if word.startswith("-")]
    if len(words) < 2:
        return NOTHING
    command, archive, *paths = words
    if command in {"x", "e"}:
        folder = next((word[2:] for word in switches if word.startswith("-o") and len(word) > len("-o")), ".")
        if "-so" in switches:
            return Outcome((), Stream(None, frozenset({"decoded"})))
        return Outcome((made(folder, call, world, {"unpacked"}),), Stream(""))
    if command not in {"a", "u", "d", "m"}:
        return NOTHING
    found = _packed(Options((), tuple(paths) if command in {"a", "u", "m"} else ()), (archive,), call, call, world)
    if "-sdel" in switches or command == "m":
        found = found._replace(effects=(*found.effects, *deleted(paths, call, world, {"recursive", "moved"})))
    return found


def _cpio(call: Call, world: World) -> Outcome:
    """`cpio` and `pax`: archives on input and output, names on input."""
    given = parse(call.argv[1:], "C D E F H I M O R file directory format owner rsh-command s x f")
    if given.has("help", "version", "t", "list"):
        return NOTHING
    runs = tuple(Code("shell", Stream(text)) for text in given.values("rsh-command"))
    folder = next((each for each in given.values("D", "directory") if each), ".")
    if given.has("i", "extract", "r"):
        traits = {"unpacked", *([] if given.has("no-absolute-filenames") else ["absolute"])}
        return Outcome((made(folder, call, world, traits),), Stream(""), runs)
    if given.has("p", "pass-through", "w"):
        return Outcome(tuple(made(each, call, world) for each in given.operands), Stream(""), runs)
    archives = given.values("O", "F", "file")
    return Outcome(tuple(written(each, call, world) for each in archives), Stream(None, frozenset({"local"})), runs)


def _ar(call: Call, world: World) -> Outcome:
    words = call.argv[1:]
    return Outcome(_each_written(words[1:2], call, world) if words and set("rqd") & set(words[0]) else ())


def _jar(call: Call, world: World) -> Outcome:
    words = call.argv[1:]
    if words and "x" in words[0]:
        return Outcome((made(".", call, world, {"unpacked"}),))
    return Outcome(_each_written(words[1:2], call, world) if words and "c" in words[0] else ())


def _each_written(paths: Iterable[str], call: Call, world: World) -> tuple[Effect, ...]:
    return tuple(written(within(".", each) if not each.startswith("/") else each, call, world) for each in paths)


_PROGRAMS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("tar", "gtar", "bsdtar", "star"), _tar),
    "zip": _zip, "unzip": _unzip, "unar": _unzip,
    **dict.fromkeys(("7z", "7za", "7zr", "7zz", "p7zip", "rar", "unrar"), _seven_zip),
    **dict.fromkeys(("cpio", "gcpio", "pax"), _cpio),
    "ar": _ar, "jar": _jar,
}  # fmt: skip
