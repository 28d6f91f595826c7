"""Programs that delete, empty or make files."""

from collections.abc import Callable

from agentops_mcp.factors.guardrails.rules.calls import HOLE, NOTHING, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.files_effects import deleted, made, written

_INFORMS = ("help", "version")


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call of such a program deletes, empties or makes."""
    known = _PROGRAMS.get(call.name)
    return known(call, world) if known else None


def _rm(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:])
    if given.has(*_INFORMS):
        return NOTHING
    return Outcome(tuple(deleted(_paths(given), call, world, _rm_traits(given))), Stream(""))


def _rm_traits(given: Options) -> set[str]:
    traits = {"recursive"} if given.has("r", "R", "recursive") or _maybe_options(given) else set[str]()
    if given.has("f", "force", "no-preserve-root"):
        traits.add("force")
    elif given.has("i", "I", "interactive"):
        traits.add("interactive")
    return traits


def _maybe_options(given: Options) -> bool:
    """Whether a word that is not known stands where options do: `rm $FLAGS build`."""
    return len(given.operands) > 1 and given.operands[0] == HOLE and HOLE not in given.operands[1]


def _paths(given: Options) -> tuple[str, ...]:
    return given.operands[1:] if _maybe_options(given) else given.operands


def _rmdir(call: Call, world: World) -> Outcome:
    """Folders without content are no loss; `rmdir /s` of Windows takes the content too."""
    given = parse(call.argv[1:])
    if given.has(*_INFORMS):
        return NOTHING
    paths = [each for each in given.operands if each.lower() not in _WINDOWS_SWITCHES]
    if len(paths) < len(given.operands):
        return Outcome(tuple(deleted(paths, call, world, {"recursive"})), Stream(""))
    return Outcome(tuple(deleted(paths, call, world, {"empty"})), Stream(""))


_WINDOWS_SWITCHES = frozenset({"/s", "/q", "/f", "/p", "/a"})


def _windows_del(call: Call, world: World) -> Outcome:
    """`del /s /q`, `Remove-Item -Recurse -Force` and its other names."""
    words = [word for word in call.argv[1:] if word.lower() not in _WINDOWS_SWITCHES]
    switches = {word.lower() for word in call.argv[1:]}
    given = parse(
        words, "path literalpath filter include exclude Path LiteralPath Filter Include Exclude", single_dash=True
    )
    names = {name.lower() for name, _ in given.given}
    if any(name.startswith("wh") and name != "where" for name in names):  # -WhatIf
        return NOTHING
    traits = {"recursive"} if "/s" in switches or any(name.startswith("r") for name in names) else set[str]()
    if {"/f", "/q"} & switches or any(name.startswith("fo") for name in names):
        traits.add("force")
    paths = [*given.operands, *(value for name, value in given.given if name.lower() in {"path", "literalpath"})]
    return Outcome(tuple(deleted(paths, call, world, traits)), Stream(""))


def _shred(call: Call, world: World) -> Outcome:
    """Content is written over so that nothing brings it back, whether the name stays or not."""
    given = parse(call.argv[1:], "n s iterations size random-source")
    if given.has(*_INFORMS):
        return NOTHING
    traits = {"shredded", *(["recursive"] if given.has("r", "R", "recursive") else [])}
    found = deleted((each for each in given.operands if each != "-"), call, world, traits)
    return Outcome(tuple(_of_device(each) for each in found), Stream(""))


def _of_device(effect: Effect) -> Effect:
    return effect._replace(kind="write_device") if effect.place == "device" else effect


def _trash(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "trash-dir")
    words = given.operands[1:] if call.name in {"gio", "gvfs"} else given.operands
    if given.has(*_INFORMS, "l", "list", "restore"):
        return NOTHING
    return Outcome(
        tuple(each._replace(reversible=True) for each in deleted(words, call, world, {"recursive", "trash"}))
    )


def _gio(call: Call, world: World) -> Outcome | None:
    words = call.argv[1:2]
    if words == ("trash",):
        return _trash(call, world) if "--empty" not in call.argv else _trash_empty(call, world)
    if words == ("remove",):
        return Outcome(tuple(deleted(parse(call.argv[2:]).operands, call, world)))
    return None


def _trash_empty(call: Call, world: World) -> Outcome:
    if parse(call.argv[1:]).has(*_INFORMS, "n", "dry-run"):
        return NOTHING
    return Outcome(tuple(deleted([f"{world.home}/.local/share/Trash/*"], call, world, {"recursive"})))


def _truncate(call: Call, world: World) -> Outcome | None:
    if [each.lower() for each in call.argv[1:2]] == ["table"]:  # SQL at a prompt of a shell
        from agentops_mcp.factors.guardrails.rules.programs import sql

        return sql.outcome(call, world)
    given = parse(call.argv[1:], "s r size reference")
    if given.has(*_INFORMS):
        return NOTHING
    sizes = given.values("s", "size")
    if sizes and sizes[-1].startswith(("+", ">", "%")):
        return Outcome(tuple(made(path, call, world) for path in given.operands))
    return Outcome(tuple(written(path, call, world, {"emptied"}) for path in given.operands))


def _made(call: Call, world: World) -> Outcome:
    """`touch`, `mkdir`, `mkfifo`: something without content."""
    given = parse(call.argv[1:], "m mode Z context d date r reference t time")
    if given.has(*_INFORMS):
        return NOTHING
    return Outcome(tuple(made(path, call, world, {"empty"}) for path in given.operands))


def _duplicates(call: Call, world: World) -> Outcome:
    """`fdupes -d` and the like delete every copy but one."""
    given = parse(call.argv[1:], "G L o P X C l maxdepth minsize maxsize order")
    if not given.has("d", "delete") and call.argv[1:3] != ("-deleteduplicates", "true"):
        return NOTHING
    traits = {"filtered", "recursive"} if given.has("r", "R", "recurse") else {"filtered"}
    return Outcome(tuple(deleted(given.operands, call, world, traits)))


def _tmpfiles(call: Call, world: World) -> Outcome:
    """`tmpreaper` and `tmpwatch`: what is older than a time, below the folders that follow it."""
    given = parse(call.argv[1:], "U X u protect exclude exclude-user exclude-pattern")
    if given.has("t", "test"):
        return NOTHING
    return Outcome(tuple(deleted(given.operands[1:], call, world, {"filtered", "recursive"})))


def _journal(call: Call, world: World) -> Outcome | None:
    """`journalctl` deletes logs only with its vacuum options; reading them is no effect."""
    given = parse(call.argv[1:], "u t p g o n D S U b F M file unit since until lines output directory priority grep")
    if not given.has("vacuum-time", "vacuum-size", "vacuum-files", "rotate"):
        return None
    located = locate("/var/log/journal", call.cwd, world)
    return Outcome((Effect("weaken", located.path, located.place, call.traits | {"log"}, call.text),))


_PROGRAMS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("rm", "grm", "unlink", "gunlink", "rimraf", "del-cli"), _rm),
    **dict.fromkeys(("rmdir", "grmdir", "rd"), _rmdir),
    **dict.fromkeys(("del", "erase", "remove-item", "ri"), _windows_del),
    **dict.fromkeys(("shred", "gshred", "srm", "wipe", "sdelete", "sdelete64", "scrub", "nwipe"), _shred),
    **dict.fromkeys(("trash", "trash-put", "rmtrash", "gvfs-trash", "trash-cli"), _trash),
    "trash-empty": _trash_empty, "gio": _gio,
    **dict.fromkeys(("truncate", "gtruncate"), _truncate),
    **dict.fromkeys(("touch", "gtouch", "mkdir", "gmkdir", "mkfifo"), _made),
    **dict.fromkeys(("fdupes", "jdupes", "rdfind"), _duplicates),
    **dict.fromkeys(("tmpreaper", "tmpwatch"), _tmpfiles),
    "journalctl": _journal,
}  # fmt: skip
