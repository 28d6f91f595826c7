"""Programs that pass text on: what they show of files, what goes into files, and what flows on through a pipe."""

from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import Options, parse
from agentops_mcp.factors.guardrails.rules.places import locate
from agentops_mcp.factors.guardrails.rules.programs.reading import read


class _Shows(NamedTuple):
    """How a program that shows files reads its command line."""

    valued: str = ""
    """Options that take a value."""

    skip: int = 0
    """Operands before the files: a pattern, a program of jq."""

    instead: str = ""
    """Options that give what is skipped otherwise, so that every operand is a file."""

    silent: str = ""
    """Options with which nothing of the content comes out."""

    same: bool = False
    """Whether known text comes out as it went in, or parts of it: then what follows is judged over all of it."""

    into: str = ""
    """Options whose value is a file that is written."""


_PAGER = _Shows("b h j k p P t x y z lesskey-file", same=True)
_GREP = _Shows(
    "e f m A B C D d regexp file max-count after-context before-context context include exclude "
    "exclude-dir color colour "
    "label binary-files devices directories",
    skip=1, instead="e f regexp file", same=True,
    silent="q quiet silent c count l L files-with-matches files-without-match help version V",
)  # fmt: skip
_RG = _GREP._replace(
    valued="e f m A B C g t T r j M regexp file max-count after-context before-context context glob iglob "
    "type type-not replace threads max-columns max-depth sort sortr encoding engine pre pre-glob color colors "
    "path-separator",
    silent="q quiet c count count-matches l files-with-matches files-without-match files type-list help version V",
)
_JQ = _Shows(
    "f from-file L indent arg argjson slurpfile rawfile o output-format", skip=1, instead="f from-file", silent="h help"
)
_SUMS = _Shows("a algorithm", silent="")
_SHOWS: dict[str, _Shows] = {
    "cat": _Shows(same=True),
    "gcat": _Shows(same=True),
    "tac": _Shows("s separator", same=True),
    **dict.fromkeys(
        ("head", "tail", "ghead", "gtail"),
        _Shows("n c s lines bytes pid sleep-interval max-unchanged-stats", same=True),
    ),
    **dict.fromkeys(("zless", "zmore", "most", "lv", "pg"), _PAGER),
    **dict.fromkeys(
        ("bat", "batcat"),
        _Shows(
            "l r H m A style theme language line-range highlight-line map-syntax tabs wrap "
            "terminal-width color paging pager decorations file-name",
            same=True,
        ),
    ),
    **dict.fromkeys(
        ("grep", "egrep", "fgrep", "ggrep", "zgrep", "bzgrep", "xzgrep", "pcregrep", "pcre2grep", "ugrep"), _GREP
    ),
    **dict.fromkeys(("rg", "ag", "ack", "pt", "sift"), _RG),
    **dict.fromkeys(("jq", "gojq", "jaq", "yq", "xq", "tomlq", "dasel", "htmlq", "pup", "jp", "fx"), _JQ),
    "sort": _Shows(
        "k t o S T key field-separator output buffer-size temporary-directory parallel batch-size compress-program "
        "files0-from sort random-source",
        same=True,
        into="o output",
    ),
    "uniq": _Shows("f s w skip-fields skip-chars check-chars", same=True),
    "cut": _Shows("b c d f bytes characters delimiter fields output-delimiter"),
    "paste": _Shows("d delimiters"),
    "join": _Shows("1 2 a e i j o t v"),
    "comm": _Shows("output-delimiter"),
    "column": _Shows("s o c N E W H R separator output-separator output-width table-columns"),
    "fold": _Shows("w width"),
    "fmt": _Shows("w p g width prefix goal"),
    "pr": _Shows("h l o w W D n e i s N S"),
    "expand": _Shows("t tabs"),
    "unexpand": _Shows("t tabs"),
    "strings": _Shows("n t e T bytes radix encoding target output-separator"),
    "look": _Shows(skip=1),
    "shuf": _Shows("i n o head-count input-range output random-source", same=True, into="o output"),
    "nl": _Shows("b d f h i l n s v w", same=True),
    "ts": _Shows(),
    "tsort": _Shows(),
    "dos2unix": _Shows(),
    "unix2dos": _Shows(),
    "pv": _Shows("L s i w H N f", same=True),
    "buffer": _Shows("i o s b", same=True),
    "ul": _Shows(same=True),
    **dict.fromkeys(
        ("diff", "gdiff", "colordiff", "sdiff", "diff3", "icdiff", "delta", "difft", "wdiff"),
        _Shows(
            "U C W x X I F label context unified exclude exclude-from width palette color horizon-lines",
            silent="q brief",
        ),
    ),
    **dict.fromkeys(
        (
            "xmllint xmlstarlet csvcut csvgrep csvlook mlr gron hexyl glow mdcat pygmentize highlight "
            "source-highlight nano pico micro ccze lolcat bcat ccat mcat pbcopy xclip xsel clip wl-copy"
        ).split(),
        _Shows("l f g O o i selection sel t target"),
    ),
    **dict.fromkeys(
        (
            "wc md5sum md5 shasum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum b3sum cksum sum "
            "xxhsum file stat cmp"
        ).split(),
        _SUMS,
    ),
}
_SILENT = frozenset(name for name, shows in _SHOWS.items() if shows is _SUMS)
_FLOWS_INTO = frozenset({"pbcopy", "xclip", "xsel", "clip", "wl-copy"})
_WRITERS = frozenset({"tee", "sponge", "gtee"})
_RUNS = {"rg": ("pre",), "bat": ("pager",), "batcat": ("pager",), "sort": ("compress-program",)}
"""Options whose value is a program that is run."""


def outcome(call: Call, world: World) -> Outcome | None:
    """What a filter shows, writes and passes on."""
    if call.name in _WRITERS:
        return _tee(call, world)
    if _pastes(call):
        return Outcome((), Stream(None, frozenset({"dynamic", "local"}), "the clipboard"))
    shows = _SHOWS.get(call.name)
    if shows is None:
        return None
    given = parse(call.argv[1:], shows.valued)
    files = given.operands
    if shows.skip and not (shows.instead and given.has(*shows.instead.split())):
        files = files[shows.skip :]
    shown = call.name not in _SILENT and not _has(given, shows.silent)
    reading = read(files or ("-",), call, world, shown=shown)
    stream = _passed(reading.stream, call, shows, given)
    effects = list(reading.effects)
    into = given.values(*shows.into.split()) if shows.into else ()
    effects += [written(path, call, world) for path in into]
    if call.name == "uniq" and len(files) > 1:
        effects = [*read(files[:1], call, world).effects, written(files[1], call, world)]
    runs = tuple(
        Call((program,), traits=call.traits, cwd=call.cwd, env=call.env, depth=call.depth)
        for option in _RUNS.get(call.name, ())
        for program in given.values(option)
        if program
    )
    return Outcome(tuple(effects), stream, runs)


def written(path: str, call: Call, world: World, *, adds: bool = False) -> Effect:
    """The effect of a program that writes a file by itself, without the shell's `>`."""
    located = locate(path, call.cwd, world)
    kind = "write" if adds or world.exists(located.path) is False else "overwrite"
    traits = call.traits | {"append"} if adds else call.traits
    return Effect(kind, located.path, located.place, traits, call.text)


def _has(given: Options, names: str) -> bool:
    return bool(names) and given.has(*names.split())


def _pastes(call: Call) -> bool:
    """Whether a call prints the clipboard, which is nobody's text and may be anything."""
    given = parse(call.argv[1:], "selection sel d display t target b", single_dash=True)
    return call.name in {"pbpaste", "wl-paste"} or (call.name in {"xclip", "xsel"} and given.has("o", "out", "output"))


def _passed(stream: Stream, call: Call, shows: _Shows, given: Options) -> Stream:
    if call.name in _FLOWS_INTO:
        return Stream("")
    if shows.same and stream.text is not None and not _has(given, "c count"):
        return stream
    return Stream(None, stream.taints, stream.origin)


def _tee(call: Call, world: World) -> Outcome:
    """`tee` writes its input to every operand and passes it on."""
    given = parse(call.argv[1:], "")
    adds = given.has("a", "append")
    effects = [written(path, call, world, adds=adds) for path in given.operands if path != "-"]
    writes = () if adds else tuple((each.target, call.stdin) for each in effects if each.place != "unknown")
    if call.name == "sponge":
        return Outcome(tuple(effects), Stream("") if effects else call.stdin, (), writes)
    return Outcome(tuple(effects), call.stdin, (), writes)
