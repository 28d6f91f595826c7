"""Programs that copy files to and from other machines, one protocol or another."""

from collections.abc import Callable, Iterable, Sequence

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.filters import written
from agentops_mcp.factors.guardrails.rules.programs.network_hosts import MOST_OPERANDS, sent, too_many
from agentops_mcp.factors.guardrails.rules.programs.reading import of_file

_RSYNC = (
    "e f T B M rsh rsync-path filter exclude exclude-from include include-from files-from log-file "
    "log-file-format password-file port address sockopts bwlimit timeout contimeout temp-dir partial-dir "
    "compare-dest copy-dest link-dest backup-dir suffix chmod chown usermap groupmap max-size min-size "
    "max-delete block-size compress-level iconv out-format info debug remote-option modify-window "
    "skip-compress stop-at stop-after write-batch read-batch only-write-batch"
)
_KEPT_FOR_KEYS = frozenset(
    "certs cert certificates keys key private secrets secret credentials creds pki tokens wallet".split()
)
"""Folders by whose name it is likely that keys lie in them."""

_SYSTEM_ROOTS = (
    "/",
    "/etc",
    "/usr",
    "/bin",
    "/sbin",
    "/boot",
    "/lib",
    "/lib64",
    "/dev",
    "/sys",
    "/proc",
    "/root",
    "/var",
    "/opt",
)
_PUTTING = frozenset("put mput reput send mirror putfile append".split())
_HANDING = frozenset(
    (
        "croc ffsend magic-wormhole onionshare onionshare-cli pastebinit qrcp sendme termbin wgetpaste woof wormhole"
    ).split()
)
"""Programs that do little else than give files to others."""

_REMOVING = frozenset("rm rmdir mrm delete mdelete del rmd dele mdel".split())
_UPLOADING = frozenset(
    "cp scp sync mv copy copyto move moveto put upload upload-batch upload-file mirror rsync pipe".split()
)


def outcome(call: Call, world: World) -> Outcome | None:
    """What a copying program does on this machine and on the other."""
    found = _COPIERS.get(call.name)
    return found(call, world) if found else _uploaded(call, world)


def _scp(call: Call, world: World) -> Outcome | None:
    given = parse(call.argv[1:], "c D F i J l o P S X")
    if len(given.operands) < 2:
        return None
    *sources, sink = given.operands
    commands = [value.partition("=")[2] for value in given.values("o") if value.lower().startswith("proxycommand=")]
    runs = tuple(Code("shell", Stream(each)) for each in commands) + tuple(
        Call((each,), cwd=call.cwd, traits=call.traits, depth=call.depth + 1) for each in given.values("S")
    )
    return _copied(sources, sink, call, world)._replace(runs=runs)


def _rsync(call: Call, world: World) -> Outcome | None:
    given = parse(call.argv[1:], _RSYNC)
    if len(given.operands) < 2 or given.has("n", "dry-run", "list-only", "help", "version"):
        return None if len(given.operands) >= 2 else Outcome()
    *sources, sink = given.operands
    found = _copied(sources, sink, call, world, below=given.has("R", "relative"))
    effects = list(found.effects)
    if any(name.startswith(("delete", "del")) for name, _ in given.given):
        place = "remote" if _is_remote(sink) else locate(sink, call.cwd, world).place
        traits = call.traits | {"recursive", "mirror"}
        target = sink if place == "remote" else locate(sink, call.cwd, world).path
        effects.append(Effect("delete", target, place, traits, call.text))
    if given.has("remove-source-files"):
        effects += _removed(sources, call, world)
    runs = tuple(Code("shell", Stream(value)) for value in given.values("e", "rsh") if " -c" in value or "/" in value)
    return Outcome(tuple(effects), Stream(), runs, found.writes)


def _removed(sources: Iterable[str], call: Call, world: World) -> list[Effect]:
    local = [locate(each, call.cwd, world) for each in sources if not _is_remote(each)]
    return [Effect("delete", each.path, each.place, call.traits | {"recursive"}, call.text) for each in local]


def _copied(sources: Sequence[str], sink: str, call: Call, world: World, *, below: bool = False) -> Outcome:
    if not _is_remote(sink):
        if not any(_is_remote(each) for each in sources):
            return Outcome((written(sink, call, world),))
        return _received(sources, sink, call, world)
    effects = [_given(each, sink, call, world) for each in sources if not _is_remote(each)]
    path = sink.partition(":")[2].rstrip("/") or ("/" if sink.rstrip("/") != sink else "")
    if path in _SYSTEM_ROOTS and not below:
        effects.append(Effect("overwrite", sink, "remote", call.traits | {"system", "recursive"}, call.text))
    return Outcome(tuple(effects))


def _given(path: str, sink: str, call: Call, world: World) -> Effect:
    stream, _ = of_file(path, call.cwd, world)
    located = locate(path, call.cwd, world)
    traits = {"copy", "file"}
    if "secret" not in stream.taints and _KEPT_FOR_KEYS.intersection(located.path.lower().replace(".", "/").split("/")):
        traits.add("keys")
    if located.place in {"home", "root", "system"}:
        traits.add("everything" if located.place != "system" else "system")
    return sent(call, sink.partition(":")[0].rpartition("@")[2].strip("[]"), stream, *traits)


def _received(sources: Sequence[str], sink: str, call: Call, world: World) -> Outcome:
    fetched = Stream(None, frozenset({"fetched"}), sources[0])
    effect = written(sink, call, world)
    names = [each.rstrip("/").rpartition("/")[2].rpartition(":")[2] for each in sources]
    base = effect.target.rstrip("/")
    paths = [base, *(f"{base}/{name}" for name in names if name)]
    return Outcome((effect,), Stream(), (), tuple((path, fetched) for path in paths if effect.place != "unknown"))


def _is_remote(operand: str) -> bool:
    """`host:path`, `user@host:path`, `rsync://…`, `scp://…`; no drive letter, and no path with a colon in it."""
    if "://" in operand:
        return not operand.startswith("file:")
    head, colon, _ = operand.partition(":")
    if operand.startswith("[") or (HOLE in head and colon):
        return True
    return bool(colon) and "/" not in head and len(head) > 1


def _sftp(call: Call, world: World) -> Outcome | None:
    given = parse(call.argv[1:], "B b c D F i J l o P R S s X u p e d A n H T N w")
    host = next(iter(given.operands), "").partition(":")[0].rpartition("@")[2]
    effects: list[Effect] = []
    batch = [each for each in given.values("b") if each != "-"]
    effects += [Effect("unresolved", each, "", call.traits | {"settings"}, call.text) for each in batch]
    text = call.stdin.text or ""
    found = _orders(text, host, call, world)
    return Outcome((*effects, *found.effects), Stream(None, frozenset({"fetched"}), host), found.runs)


def _ftp(call: Call, world: World) -> Outcome | None:
    """Ftp and lftp: orders from the input, and for lftp from `-e` and `-c`."""
    given = (
        parse(call.argv[1:], "e c f u p d P T s o N q r")
        if call.name == "lftp"
        else parse(call.argv[1:], "u o P T s N q r")
    )
    host = next(iter(given.operands), "")
    texts = [call.stdin.text or "", *(given.values("e", "c") if call.name == "lftp" else ())]
    found = _orders("\n".join(texts).replace(";", "\n"), host, call, world)
    effects = list(found.effects)
    if call.name in {"ftp", "tnftp"} and (urls := given.values("u")):
        effects += [_given(each, urls[0].partition("://")[2], call, world) for each in given.operands]
    return Outcome(tuple(effects), Stream(None, frozenset({"fetched"}), host), found.runs)


def _ftpput(call: Call, world: World) -> Outcome | None:
    """`ftpput HOST REMOTE LOCAL`, `ncftpput HOST FOLDER FILES`, `tftp HOST -c put FILE`, `curl`-like uploaders."""
    is_tftp = call.name == "tftp"
    given = parse(call.argv[1:], "l r b m R" if is_tftp else "u p P R l r v b")
    words = list(given.operands)
    if is_tftp:
        uploads = "put" in words or given.has("p")
        files = words[words.index("put") + 1 :][:1] if "put" in words else list(given.values("l"))
    else:
        uploads, files = True, words[2:] or words[1:]
    host = next(iter(words), "")
    if not uploads:
        return Outcome(output=Stream(None, frozenset({"fetched"}), host))
    return Outcome(tuple(_given(each, host, call, world)._replace(target=host) for each in files))


def _orders(text: str, host: str, call: Call, world: World) -> Outcome:
    """What the orders of a session do, one for each line."""
    effects: list[Effect] = []
    runs: list[Code] = []
    for line in text.splitlines()[:200]:
        words = line.strip().lstrip("-@").split()
        order = words[0].lower() if words else ""
        files = [each for each in words[1:] if not each.startswith("-")]
        if line.strip().startswith("!"):
            runs.append(Code("shell", Stream(line.strip()[1:])))
        elif order in _PUTTING and (order != "mirror" or "-R" in words or "--reverse" in words):
            found = [_given(each, f"{host}:", call, world) for each in files[: None if order.startswith("m") else 1]]
            effects += [each._replace(traits=each.traits - {"copy"}) for each in found]
        elif order in _REMOVING:
            effects.append(Effect("delete", f"{host}:{' '.join(files)}", "remote", call.traits, call.text))
    return Outcome(tuple(effects), runs=tuple(runs))


def _uploaded(call: Call, world: World) -> Outcome | None:
    """Clients of object stores: a secret that is copied out. What else they do stands in the packs."""
    words = [each for each in call.argv[1:] if not each.startswith("-")]
    if call.name not in _HANDING and not _UPLOADING.intersection(words[:4]):
        return None
    found: list[Effect] = list(too_many(call, words))
    for word in words[:MOST_OPERANDS]:
        if "://" in word or _is_remote(word) or HOLE in word or word.isalnum():
            continue
        stream, kind = of_file(word, call.cwd, world)
        if kind:
            found.append(
                sent(call, " ".join(each for each in words if "://" in each or _is_remote(each)), stream, "file")
            )
    if "secret" in call.taints and any(HOLE in each for each in words):
        found.append(sent(call, " ".join(words), Stream(None, call.taints, call.origin), "words"))
    if "-" in call.argv and "secret" in call.stdin.taints:
        found.append(sent(call, " ".join(words), call.stdin, "stdin"))
    return Outcome(tuple(found)) if found else None


_COPIERS: dict[str, Callable[[Call, World], Outcome | None]] = {
    "scp": _scp, "pscp": _scp, "rsync": _rsync, "sftp": _sftp, "psftp": _sftp, "ftp": _ftp, "tnftp": _ftp, "lftp": _ftp,
    "ftpput": _ftpput, "ncftpput": _ftpput, "tftp": _ftpput,
}  # fmt: skip
