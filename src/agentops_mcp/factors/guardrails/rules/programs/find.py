"""`find` and `fd`: which files they choose, and what is done with each."""

from collections.abc import Sequence
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import HOLE, NOTHING, Call, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.files_effects import deleted, within, written

_WITH_WORD = frozenset(
    "amin anewer atime cmin cnewer context ctime fstype gid group ilname iname inum ipath iregex iwholename links "
    "lname "
    "mmin mtime name newer path perm regex samefile size type uid used user wholename xtype Bmin Bnewer Btime bmin "
    "bnewer "
    "btime flags fprint fprint0 fls maxdepth mindepth regextype printf files0-from xattrname acl depth-limit "
    "mnewer".split()
)
"""Primaries that take the next word, in GNU's and BSD's manuals; also `-newerXY`."""

_BY_CONTENT = _WITH_WORD - frozenset(
    "type xtype maxdepth mindepth regextype printf fprint fprint0 fls files0-from fstype depth-limit".split()
)
"""Tests that leave files out. A type leaves only other types out: all files are still all that is lost."""

_NARROWING = _BY_CONTENT | {"empty", "executable", "readable", "writable", "nouser", "nogroup", "sparse"}
_WRITES = frozenset({"fprint", "fprint0", "fls", "fprintf"})
_RUNS = frozenset({"exec", "execdir", "ok", "okdir"})
_LEADING = frozenset({"-H", "-L", "-P", "-E", "-X", "-d", "-s", "-x"})
_MOST_STARTS = 20
_FD = (
    "d E S e t c o j x X max-depth min-depth exact-depth exclude size extension type color owner threads "
    "base-directory "
    "changed-within changed-before changed-after max-results format search-path path-separator max-buffer-time "
    "glob-path "
    "ignore-file and strip-cwd-prefix"
)


def outcome(call: Call, world: World) -> Outcome | None:
    """What a search deletes, writes and runs with what it finds."""
    return _fd(call) if call.name in {"fd", "fdfind"} else _find(call, world)


class _Group(NamedTuple):
    """What stands between two parentheses."""

    negated: bool
    alternatives: list[list[str]]
    """For each part between `-o` what narrows it: a name's pattern, or HOLE for another test."""


class _Search:
    """One `find` expression as it is read from left to right."""

    def __init__(self, starts: Sequence[str]) -> None:
        self.starts = starts
        self.groups = [_Group(negated=False, alternatives=[[]])]
        self.negated = False
        self.formatted = False
        self.empty = False
        self.folders = False
        self.separator = "\n"

    def narrow(self, pattern: str) -> None:
        """Take a test into account; one that is negated leaves nearly everything in."""
        if not self.negated:
            self.groups[-1].alternatives[-1].append(pattern)
        self.negated = False

    def open(self) -> None:
        """A parenthesis opens."""
        self.groups.append(_Group(self.negated, [[]]))
        self.negated = False

    def close(self) -> None:
        """A group narrows the search when each of its alternatives does."""
        if len(self.groups) == 1:
            return
        group = self.groups.pop()
        if not group.negated and all(group.alternatives):
            self.groups[-1].alternatives[-1].extend(each for part in group.alternatives for each in part)

    def found(self) -> list[str]:
        """What is found, as paths with globs: the start points themselves when nothing narrows the search."""
        patterns = self.narrowing()
        if not patterns:
            return list(self.starts)
        names = [each for each in dict.fromkeys(patterns) if each != HOLE] or [HOLE]
        return [within(start, name) for start in self.starts for name in names[:_MOST_STARTS]]

    def narrowing(self) -> list[str]:
        return [each for group in self.groups for each in group.alternatives[-1]]

    def traits(self) -> set[str]:
        """Whether only some of what is there is found, and whether that is folders with nothing in them alone."""
        hollow = {"empty"} if self.empty and self.folders else set[str]()
        return ({"recursive", "filtered"} if self.narrowing() else {"recursive"}) | hollow


def _find(call: Call, world: World) -> Outcome:
    starts, words = _starts(call.argv[1:])
    search = _Search(starts[:_MOST_STARTS])
    effects: list[Effect] = []
    runs: list[Call] = []
    place = 0
    while place < len(words):
        word = words[place]
        name = word.lstrip("-") if word.startswith("-") else ""
        place += 1
        if name in {"help", "version"}:
            return NOTHING
        before, search.negated = search.negated, False
        if name == "delete":
            effects += deleted(search.found(), call, world, search.traits())
        elif name in _RUNS:
            command, place = _command(words, place)
            runs += _each(command, search, call, asks=name.startswith("ok"))
        elif name in _WRITES:
            effects += [written(each, call, world) for each in words[place : place + 1]]
            place += 2 if name == "fprintf" else 1
        else:
            search.negated = before
            place = _test(word, name, words, place, search)
    if len(starts) > _MOST_STARTS and (effects or runs):
        effects.append(
            Effect("unresolved", f"{len(starts) - _MOST_STARTS} more", "", call.traits | {"many"}, call.text)
        )
    return Outcome(tuple(effects), _listed(search, runs), tuple(runs))


def _starts(argv: Sequence[str]) -> tuple[list[str], Sequence[str]]:
    """The folders to search, and the expression."""
    place, starts = 0, list[str]()
    while place < len(argv):
        word = argv[place]
        if word in {"-D", "-f"} and place + 1 < len(argv):
            starts += [argv[place + 1]] if word == "-f" else []
            place += 2
        elif word in _LEADING or (word.startswith("-O") and word[2:].isdigit()) or (word == "--" and not starts):
            place += 1
        elif word.startswith("-") or word in {"(", "!", ")", ","}:
            break
        else:
            starts.append(word)
            place += 1
    words = argv[place:]
    listed = [HOLE] if "-files0-from" in words else []
    return starts + listed or ["."], words


def _test(word: str, name: str, words: Sequence[str], place: int, search: _Search) -> int:
    """Take one word that does nothing by itself into account; where the expression goes on."""
    if word in {"(", "\\("}:
        search.open()
    elif word in {")", "\\)"}:
        search.close()
    elif word in {"!", "-not"}:
        search.negated = not search.negated
        return place
    elif word in {"-o", "-or", ","}:
        search.groups[-1].alternatives.append([])
        search.empty = search.folders = False
    elif name in {"printf", "ls"}:
        search.formatted = True
    elif name == "print0":
        search.separator = "\0"
    takes = name in _WITH_WORD or name.startswith("newer")
    value = words[place] if takes and place < len(words) else ""
    plain = len(search.groups) == 1 and len(search.groups[0].alternatives) == 1 and not search.negated
    if plain and (name == "empty" or (name == "type" and value == "d")):
        search.empty, search.folders = search.empty or name == "empty", search.folders or name == "type"
    if name in _NARROWING or name.startswith("newer"):
        _narrowed(name, value, search)
    elif takes:
        search.negated = False
    return place + takes


def _narrowed(name: str, value: str, search: _Search) -> None:
    if name in {"name", "iname"}:
        if value.strip("*"):
            search.narrow(value)
    elif name in {"path", "ipath", "wholename", "iwholename", "regex", "iregex"}:
        if value.strip("./*"):
            folder = value.removesuffix("/*").rpartition("/")[2] if value.endswith("/*") else ""
            search.narrow(folder if folder and "*" not in folder else HOLE)
    else:
        search.narrow(HOLE)


def _command(words: Sequence[str], place: int) -> tuple[list[str], int]:
    """The words of `-exec` up to `;` or `{} +`, and where the expression goes on."""
    command: list[str] = []
    while place < len(words):
        word = words[place]
        place += 1
        if word in {";", "\\;"} or (word == "+" and command[-1:] == ["{}"]):
            break
        command.append(word)
    return command, place


def _each(command: Sequence[str], search: _Search, call: Call, *, asks: bool) -> list[Call]:
    if not command:
        return []
    traits = call.traits | {"repeated"} | search.traits() | ({"interactive"} if asks else set[str]())
    # A path that is found is put wherever `{}` stands; without one the command is the same for all.
    paths = search.found() if any("{}" in word for word in command) else [""]
    return [
        call._replace(
            argv=tuple(word.replace("{}", path) for word in command), traits=frozenset(traits), depth=call.depth + 1
        )
        for path in paths
    ]


def _listed(search: _Search, runs: Sequence[Call]) -> Stream:
    """What is printed: paths, named by their pattern, so that who reads them is judged by what they stand for."""
    if runs or search.formatted:
        return Stream(None, frozenset({"local"}))
    found = search.found()
    paths = found if search.narrowing() else [within(each, "*") for each in found]
    return Stream("".join(f"{each}{search.separator}" for each in paths), frozenset({"local"}))


def _fd(call: Call) -> Outcome:
    """`fd PATTERN FOLDERS… -x COMMAND`: what follows `-x` up to `;` is run with each, `-X` with all at once."""
    words = list(call.argv[1:])
    at = next((place for place, word in enumerate(words) if word in {"-x", "-X", "--exec", "--exec-batch"}), len(words))
    command, _ = _command(words, at + 1)
    given = parse([*words[:at], *words[at + 1 + len(command) + 1 :]], _FD)
    if given.has("help", "version", "h", "V"):
        return NOTHING
    pattern, *folders = given.operands or ("",)
    folders += given.values("search-path")
    search = _Search((folders or [next((each for each in given.values("base-directory") if each), ".")])[:_MOST_STARTS])
    extensions = given.values("e", "extension")
    if pattern.strip(".*") or extensions or given.has("S", "size", "changed-within", "changed-before", "owner"):
        search.narrow(f"*.{extensions[0]}" if extensions else HOLE)
    if not command:
        return Outcome((), _listed(search, ()))
    if not any("{" in word for word in command):
        command.append("{}")
    plain = [word if word == "{}" else _placeholder(word) for word in command]
    return Outcome((), Stream(None, frozenset({"local"})), tuple(_each(plain, search, call, asks=False)))


def _placeholder(word: str) -> str:
    for each in ("{/.}", "{//}", "{/}", "{.}"):
        word = word.replace(each, "{}")
    return word
