"""Programs that copy, move, link or write files: what they replace, and what they take away from its place."""

from collections.abc import Callable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import HOLE, NOTHING, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.files_effects import (
    deleted,
    is_folder,
    made,
    moved,
    within,
    written,
)
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file

_INFORMS = ("help", "version")
_MOST = 200
_RENAMERS = frozenset({"rename", "prename", "file-rename", "perl-rename"})
_EMPTY = frozenset({"/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/full"})


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call of such a program writes, replaces and takes away."""
    if call.name in _RENAMERS:
        return _rename(call)
    known = _PROGRAMS.get(call.name)
    return known(call, world) if known else None


def source(path: str, call: Call, world: World, *traits: str) -> tuple[Stream, list[Effect]]:
    """What comes of reading a file to put it elsewhere, and whether a secret gets out of its place with it."""
    if path in _EMPTY:
        return Stream("", origin=path), []
    stream, kind = of_file(path, call.cwd, world)
    if not kind:
        return stream, []
    return stream, [Effect("read_secret", stream.origin, "secret", call.traits.union(traits, {kind}), call.text)]


def _cp(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "t S suffix target-directory context")
    pairs = _pairs(given, call, world)
    if given.has(*_INFORMS) or not pairs:
        return NOTHING
    spares = given.has("n", "no-clobber", "i", "interactive", "b", "backup")
    effects: list[Effect] = []
    writes: list[tuple[str, Stream]] = []
    for taken, path in pairs[:_MOST]:
        stream, secrets = source(taken, call, world, "copied")
        put = made(path, call, world) if spares else written(path, call, world, _emptied(taken))
        # A secret beside its copy of the same kind is shown to nobody.
        effects += [put] if put.place == "secret" else [*secrets, put]
        if put.place not in {"unknown", "nowhere", "device"}:
            writes.append((put.target, stream))
    return Outcome((*effects, *_too_many(pairs, call)), Stream(""), (), tuple(writes))


_ENDLESS = frozenset({"/dev/zero", "/dev/urandom", "/dev/random", "/dev/full"})
"""What never ends: without a count a copy of it ends when the disk is full."""


def _emptied(taken: str) -> tuple[str, ...]:
    return ("emptied",) if taken in _EMPTY else ()


def _mv(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "t S suffix target-directory")
    pairs = _pairs(given, call, world)
    if given.has(*_INFORMS) or not pairs:
        return NOTHING
    sink = pairs[0][1]
    if locate(sink, call.cwd, world).place == "nowhere":
        return Outcome(tuple(deleted((taken for taken, _ in pairs), call, world, {"recursive", "moved"})), Stream(""))
    effects = moved((taken for taken, _ in pairs), call, world)
    spares = given.has("n", "no-clobber", "i", "interactive", "b", "backup")
    puts = [made(path, call, world) if spares else written(path, call, world) for _, path in pairs[:_MOST]]
    writes = [
        (put.target, of_file(taken, call.cwd, world)[0])
        for put, (taken, _) in zip(puts, pairs, strict=False)
        if put.place != "unknown"
    ]
    return Outcome((*effects, *puts, *_too_many(pairs, call)), Stream(""), (), tuple(writes))


def _ln(call: Call, world: World) -> Outcome:
    """A link is a file of its own; what it leads to can be read and written through it from then on."""
    given = parse(call.argv[1:], "t S suffix target-directory")
    pairs = _pairs(given, call, world)
    if given.has(*_INFORMS) or not pairs:
        return NOTHING
    force = given.has("f", "force")
    effects: list[Effect] = []
    writes: list[tuple[str, Stream]] = []
    for leads_to, path in pairs[:_MOST]:
        link = locate(path, call.cwd, world)
        goal = leads_to if leads_to.startswith(("/", "~", HOLE)) else within(path.rpartition("/")[0] or ".", leads_to)
        stream, secrets = source(goal, call, world, "linked")
        put = written(path, call, world, _emptied(leads_to)) if force else made(path, call, world)
        link_itself = put._replace(traits=put.traits | {"link"})
        effects += [link_itself] if put.place == "secret" else [*secrets, link_itself]
        if link.place != "unknown":
            writes.append((link.path, stream))
    return Outcome((*effects, *_too_many(pairs, call)), Stream(""), (), tuple(writes))


def _install(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "m o g t S mode owner group target-directory suffix strip-program")
    if given.has(*_INFORMS):
        return NOTHING
    runs = tuple(
        Call((each,), cwd=call.cwd, traits=call.traits, depth=call.depth + 1) for each in given.values("strip-program")
    )
    if given.has("d", "directory"):
        return Outcome(tuple(made(each, call, world, {"empty"}) for each in given.operands), runs=runs)
    found = _cp(call._replace(argv=("cp", *_without_mode(given))), world)
    modes = given.values("m", "mode")
    setuid = any(_is_setuid(mode) for mode in modes)
    more = [
        Effect(kind, each.target, each.place, call.traits | {"setuid"}, call.text)
        for kind in ("change_permissions", "gain_privilege")
        for each in found.effects
        if setuid and each.kind in {"write", "overwrite"}
    ]
    return found._replace(effects=(*(each._replace(by=call.text) for each in found.effects), *more), runs=runs)


def _without_mode(given: Options) -> list[str]:
    folder = given.values("t", "target-directory")
    return [*(["-t", folder[-1]] if folder else []), "--", *given.operands]


def _is_setuid(mode: str) -> bool:
    if mode.isdigit():
        return len(mode.lstrip("0")) == 4 and mode.lstrip("0")[0] in "4567"
    return any("s" in each.partition("+")[2] + each.partition("=")[2] and "u" in each for each in mode.split(","))


def _pairs(given: Options, call: Call, world: World) -> list[tuple[str, str]]:
    """Sources and where each goes, both as written."""
    folder = next(iter(given.values("t", "target-directory")), "")
    operands = given.operands
    if folder:
        return [(each, within(folder, _name(each))) for each in operands]
    if len(operands) < 2:
        return [(each, _name(each)) for each in operands] if call.name in {"ln", "gln"} else []
    *sources, sink = operands
    into = len(sources) > 1 or (not given.has("T", "no-target-directory") and is_folder(sink, call, world))
    return [(each, within(sink, _name(each)) if into else sink) for each in sources]


def _name(path: str) -> str:
    name = path.rstrip("/").rpartition("/")[2]
    return name if name not in {"", ".", "..", "*"} else "*"


def _too_many(pairs: Sequence[object], call: Call) -> tuple[Effect, ...]:
    if len(pairs) <= _MOST:
        return ()
    return (Effect("unresolved", f"{len(pairs) - _MOST} more", "", call.traits | {"many"}, call.text),)


def _rename(call: Call) -> Outcome | None:
    """Names are changed in place. The Perl program of that name runs an expression, which may be any Perl."""
    given = parse(call.argv[1:], "e E expr")
    if given.has(*_INFORMS, "n", "nono", "no-act", "just-print"):
        return NOTHING
    texts = given.values("e", "E", "expr") or given.operands[:1]
    runs = tuple(Code("perl", Stream(text)) for text in texts if _is_program(text))
    return Outcome((), Stream(""), runs)


def _is_program(text: str) -> bool:
    """Whether an expression is more than a substitution of text: `s/a/b/` is not, `s/a/system(x)/e` is."""
    plain = text.startswith(("s", "y", "tr")) and ";" not in text and "(?{" not in text
    flags = text.rpartition(text[1:2])[2] if plain else ""
    return ("(" in text or "`" in text or "system" in text) and (not plain or "e" in flags)


def _dd(call: Call, world: World) -> Outcome:
    words = dict(word.split("=", 1) for word in call.argv[1:] if "=" in word)
    if any(word in {"--help", "--version"} for word in call.argv[1:2]):
        return NOTHING
    taken = words.get("if", "-")
    stream, secrets = (call.stdin, list[Effect]()) if taken == "-" else source(taken, call, world, "copied")
    path = words.get("of") or words.get("hof") or words.get("wipe", "")  # the last two are dc3dd's
    if not path:
        return Outcome(tuple(secrets), stream)
    put = written(path, call, world, _emptied(taken))
    if taken in _ENDLESS and "count" not in words and put.place not in {"device", "nowhere"}:
        secrets.append(Effect("exhaust", put.target, put.place, call.traits | {"disk"}, call.text))
    return Outcome((*secrets, put), Stream(""), (), ((put.target, stream),) if put.place != "unknown" else ())


def _split(call: Call, world: World) -> Outcome | None:
    """`split` makes new files, and can give each part to a command. With three operands it is another program."""
    given = parse(
        call.argv[1:], "a b C l n t suffix-length bytes line-bytes lines number separator filter additional-suffix"
    )
    if len(given.operands) > 2:
        return None
    if given.has(*_INFORMS):
        return NOTHING
    stream, secrets = source(next(iter(given.operands), "-"), call, world, "copied")
    runs = tuple(Code("shell", Stream(each)) for each in given.values("filter"))
    prefix = given.operands[1:2]
    return Outcome((*secrets, *(made(each, call, world) for each in prefix)), Stream(None, stream.taints), runs)


def _patch(call: Call, world: World) -> Outcome:
    given = parse(
        call.argv[1:],
        "B D d F g i o p r V x Y z input output directory strip reject-file prefix basename-prefix suffix fuzz get",
    )
    if given.has(*_INFORMS, "dry-run", "C", "check"):
        return NOTHING
    paths = [*given.operands[:1], *given.values("o", "output")]
    return Outcome(tuple(written(each, call, world) for each in paths if each != "-"), Stream(""))


def _ditto(call: Call, world: World) -> Outcome:
    return _cp(call._replace(argv=("cp", "-r", *(each for each in call.argv[1:] if not each.startswith("-")))), world)


_PROGRAMS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("cp", "gcp", "copy", "xcopy", "copy-item", "pax-cp"), _cp),
    **dict.fromkeys(("mv", "gmv", "move", "move-item", "ren", "rename-item"), _mv),
    **dict.fromkeys(("ln", "gln", "link", "symlink"), _ln),
    **dict.fromkeys(("install", "ginstall"), _install),
    **dict.fromkeys(("dd", "gdd", "dcfldd", "dc3dd"), _dd),
    **dict.fromkeys(("split", "gsplit"), _split),
    "patch": _patch, "gpatch": _patch, "ditto": _ditto,
}  # fmt: skip
