"""Programs that change who may read, write, run or own files."""

from collections.abc import Callable, Iterable

from agentops_mcp.factors.guardrails.rules.calls import NOTHING, Call, Outcome, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.places import locate

_MOST = 200
_CHMOD_OPTIONS = frozenset("RvfchHLPN")
"""Letters that are options; a word with a dash and other letters is a mode: `chmod -w file`."""

_CAPABILITIES = (
    "setuid",
    "setgid",
    "sys_admin",
    "dac_override",
    "dac_read_search",
    "sys_ptrace",
    "sys_module",
    "all=",
)


def outcome(call: Call, world: World) -> Outcome | None:
    """What a call changes about the rights of files."""
    known = _PROGRAMS.get(call.name)
    return known(call, world) if known else None


def _chmod(call: Call, world: World) -> Outcome:
    words = call.argv[1:]
    if any(word in {"--help", "--version"} for word in words):
        return NOTHING
    recursive, mode, paths, ended = False, "", list[str](), False
    for word in words:
        if not ended and word == "--":
            ended = True
        elif not ended and word.startswith("--"):
            recursive |= "recursive".startswith(word[2:])
            mode = mode or ("reference" if word.startswith("--reference") else "")
        elif not ended and word.startswith("-") and len(word) > 1 and set(word[1:]) <= _CHMOD_OPTIONS:
            recursive |= "R" in word
        elif mode:
            paths.append(word)
        else:
            mode = word
    traits = traits_of_mode(mode) | ({"recursive"} if recursive else set[str]())
    return Outcome(tuple(_changed(paths, call, world, traits)))


def traits_of_mode(mode: str) -> set[str]:
    """What a mode, octal or in letters, gives to whom.

    `setuid` (run as the owner), `setgid` (as the group), `open` (all may write), `shown` (all may read), `shut` (the
    owner may not), `run` (no more than the right to run it).
    """
    if mode.isdigit():
        return _of_octal(mode)
    traits: set[str] = set()
    for clause in mode.split(","):
        at = next((place for place, letter in enumerate(clause) if letter in "+-="), -1)
        if at < 0:
            continue
        who, sign, rights = clause[:at] or "a", clause[at], clause[at + 1 :]
        traits |= _of_clause(who, sign, rights)
    return {"run"} if mode in {"+x", "a+x", "u+x", "ug+x", "+rx", "ugo+x"} else traits


def _of_clause(who: str, sign: str, rights: str) -> set[str]:
    everyone = "o" in who or "a" in who
    if sign == "-":
        return {"shut"} if ("a" in who or "u" in who) and set(rights) & set("rxX") else set()
    traits = set[str]()
    if "s" in rights:
        traits.add("setuid" if {"u", "a"} & set(who) else "setgid")
    if everyone and "w" in rights:
        traits.add("open")
    if everyone and "r" in rights:
        traits.add("shown")
    if sign == "=" and not rights and ("a" in who or "u" in who):
        traits.add("shut")
    return traits


def _of_octal(mode: str) -> set[str]:
    digits = mode[-4:].rjust(4, "0")
    special, owner, _, others = (int(digit, 8) if digit < "8" else 0 for digit in digits)
    traits = {"setuid"} if special & 4 else {"setgid"} if special & 2 else set[str]()
    if others & 2:
        traits.add("open")
    if others & 4:
        traits.add("shown")
    if not owner & 4:
        traits.add("shut")
    return traits


def _owned(call: Call, world: World) -> Outcome:
    """`chown` and `chgrp`."""
    given = parse(call.argv[1:], "from reference")
    if given.has("help", "version"):
        return NOTHING
    by_reference = given.has("reference")
    paths = given.operands if by_reference else given.operands[1:]
    owner = "" if by_reference else next(iter(given.operands), "")
    traits = {"owner"} | ({"recursive"} if given.has("R", "recursive") else set[str]())
    if owner.lower().split(":")[0] in {"root", "0"}:
        traits.add("root")
    return Outcome(tuple(_changed(paths, call, world, traits)))


def _acl(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "m M x X set modify modify-file remove remove-file set-file restore")
    if given.has("help", "version", "h", "v", "test"):
        return NOTHING
    traits = {"acl"} | ({"recursive"} if given.has("R", "recursive") else set[str]())
    if any(each.startswith(("o:", "o::", "other:")) and "w" in each for each in given.values("m", "modify", "set")):
        traits.add("open")
    return Outcome(tuple(_changed(given.operands, call, world, traits)))


def _attributes(call: Call, world: World) -> Outcome:
    """`chattr` and `chflags`: what may not be changed, even by its owner."""
    words = [word for word in call.argv[1:] if word not in {"-V", "-f", "-h", "-v", "-H", "-L", "-P", "-x"}]
    recursive = "-R" in words
    words = [word for word in words if word != "-R"]
    flags = {"immutable", *(["recursive"] if recursive else [])}
    if call.name == "chflags":
        frees, paths = "no" in "".join(words[:1]), words[1:]
    else:
        changes = [word for word in words if word[:1] in {"+", "-", "="} and len(word) > 1]
        frees = any(word.startswith("-") and set(word) & set("ia") for word in changes)
        paths = [word for word in words if word not in changes]
    return Outcome(tuple(_changed(paths, call, world, flags | ({"freed"} if frees else set[str]()))))


def _capabilities(call: Call, world: World) -> Outcome:
    given = parse(call.argv[1:], "n")
    if given.has("r", "v", "h") or len(given.operands) < 2:
        return NOTHING
    granted = given.operands[0].lower()
    located = [locate(each, call.cwd, world) for each in given.operands[1:]]
    traits = call.traits | ({"setuid"} if any(each in granted for each in _CAPABILITIES) else {"capability"})
    return Outcome(tuple(Effect("gain_privilege", each.path, each.place, traits, call.text) for each in located))


def _windows(call: Call, world: World) -> Outcome:
    """`icacls`, `cacls`, `takeown`, `attrib`: switches begin with a slash."""
    words = [word.lower() for word in call.argv[1:]]
    if call.name == "takeown":
        paths = [call.argv[at + 2] for at, word in enumerate(words[:-1]) if word == "/f"]
    else:
        paths = [word for word in call.argv[1:] if not word.startswith(("/", "+", "-"))][:1]
    changes = call.name == "takeown" or any(
        word.startswith(
            ("/grant", "/deny", "/remove", "/reset", "/setowner", "/inheritance", "/g", "/p", "/e", "+", "-")
        )
        for word in words
    )
    if not changes:
        return NOTHING
    traits = {"acl"} | ({"recursive"} if {"/t", "/r", "/s"} & set(words) else set[str]())
    if any(word.startswith(("everyone:", "*s-1-1-0:")) for word in words):
        traits.add("open")
    return Outcome(tuple(_changed(paths, call, world, traits)))


def _extended(call: Call, world: World) -> Outcome | None:
    """`xattr -d com.apple.quarantine` takes the mark off by which the system checks a download before it runs."""
    given = parse(call.argv[1:])
    names = [each for each in given.operands if "quarantine" in each]
    if not (given.has("d") and names) and not given.has("c"):
        return None
    located = [locate(each, call.cwd, world) for each in given.operands if each not in names]
    traits = call.traits | {"quarantine"}
    return Outcome(tuple(Effect("weaken", each.path, each.place, traits, call.text) for each in located))


def _changed(paths: Iterable[str], call: Call, world: World, traits: set[str]) -> list[Effect]:
    every = tuple(dict.fromkeys(paths))
    by, common = call.text, call.traits.union(traits)
    found: list[Effect] = []
    for path in every[:_MOST]:
        located = locate(path, call.cwd, world)
        found.append(Effect("change_permissions", located.path, located.place, common, by))
        if "setuid" in traits:
            found.append(Effect("gain_privilege", located.path, located.place, common, by))
    if len(every) > _MOST:
        found.append(Effect("unresolved", f"{len(every) - _MOST} more", "", common | {"many"}, by))
    return found


_PROGRAMS: dict[str, Callable[[Call, World], Outcome | None]] = {
    **dict.fromkeys(("chmod", "gchmod"), _chmod),
    **dict.fromkeys(("chown", "chgrp", "gchown", "gchgrp"), _owned),
    "setfacl": _acl, "setcap": _capabilities, "xattr": _extended,
    **dict.fromkeys(("chattr", "chflags"), _attributes),
    **dict.fromkeys(("icacls", "cacls", "takeown", "attrib"), _windows),
}  # fmt: skip
