"""The files that make the guard's policy, and the one file that holds what they come to.

A person's file, the project's file and the packs a project has learned are TOML, read and checked in tens of
milliseconds. A hook has no time for that, so what they come to is kept as JSON beside the database, with the text of
every source it was made from: it holds as long as each source still says the same. A source that is wrong never
switches the guard off: what it last said when it was right goes on holding, and the problem is reported.
"""

import errno
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from agentops_mcp import __version__
from agentops_mcp.core.errors import AgentOpsError, ConfigError
from agentops_mcp.storage.machine import Place
from agentops_mcp.storage.policy_kept import keep, read_document, read_kept

Table = Mapping[str, Any]
Compile = Callable[[Sequence[Table], Table | None, Table | None], Mapping[str, Any]]
"""Packs, the person's file and the project's file in; plain data out, or an error about what is wrong in them."""

PACKS = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "factors", "guardrails", "packs"
)  # fmt: skip
"""The folder of the packs that come with the package."""

COMPILED = "compiled.json"
"""What those packs come to, beside them; `scripts/compile_packs.py` writes it."""

_FORMAT = 1
_LARGEST_SOURCE_BYTES = 256 << 10
_MOST_LEARNED = 500

# What wrong data may raise in a compiler, which has checked none of it yet.
_WRONG = (AgentOpsError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


class Problem(NamedTuple):
    """What is wrong with a file of the policy, and that its last good text holds, if there was one."""

    path: str
    what: str
    line: int = 0
    """Where, counted from 1; 0 when that is not known."""


class Loaded(NamedTuple):
    """What decides."""

    data: Mapping[str, Any]
    version: str
    """SHA-256 over the data, in hex: an approval is for one version."""

    problems: tuple[Problem, ...] = ()


class _Source(NamedTuple):
    owner: str
    """`learned`, `person` or `project`."""

    path: str
    text: str | None
    """None when it can not be read."""

    fault: str = ""


class _Accepted(NamedTuple):
    """A source with the table that counts, from its text of now or from its last good one."""

    owner: str
    path: str
    text: str
    table: Table


def person_file(environment: Mapping[str, str]) -> str:
    """Where a person's own policy is, whether there is one or not."""
    if sys.platform == "win32":
        folder = environment.get("APPDATA") or os.path.join(os.path.expanduser("~"), "AppData", "Roaming")
    else:
        named = environment.get("XDG_CONFIG_HOME", "")
        # The XDG base directory specification: a relative path there is to be ignored.
        folder = named if os.path.isabs(named) else os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(folder, "agentops", "guardrails.toml")


def project_file(place: Place) -> str:
    """Where a project's policy is, whether there is one or not."""
    return os.path.join(place.root, ".agentops", "guardrails.toml")


def learned_folder(place: Place) -> str:
    """Where a project's learned packs are."""
    return os.path.join(place.root, ".agentops", "rules")


def load(place: Place, environment: Mapping[str, str], compiling: Compile, *, packs: str = PACKS) -> Loaded:
    """The policy of a project: from what was kept if every source still says the same, else made anew and kept.

    Raises:
        ConfigError: the packs of the package themselves can not be read.
    """
    sources = _sources(place, environment)
    if not sources and (packaged := _packaged(packs)):
        return packaged
    kept = read_kept(place)
    if kept and kept["made"] == _made_from(packs) and _says_the_same(kept["sources"], sources):
        return Loaded(kept["data"], kept["version"], tuple(Problem(*each) for each in kept["problems"]))
    return _made_anew(place, packs, sources, kept["sources"] if kept else {}, compiling)


def builtin_tables(packs: str = PACKS) -> list[Table]:
    """The packs of the package, as their files say them.

    Raises:
        ConfigError: one can not be read.
    """
    import tomllib

    tables: list[Table] = []
    for name in sorted(os.listdir(packs)):
        if name.endswith(".toml"):
            try:
                tables.append(tomllib.loads(text_of(os.path.join(packs, name), follow=True)))
            except (OSError, ValueError) as error:
                raise ConfigError(
                    f"The pack {name} can not be read: {error}.", remedy="Install the package again."
                ) from error
    return tables


def own_tables(place: Place, environment: Mapping[str, str]) -> list[Table]:
    """The learned packs of a project as their files say them; one that can not be read is left out."""
    return [
        choices[0].table
        for source in _sources(place, environment)
        if source.owner == "learned" and (choices := _candidates(source, {})[0])
    ]


def packaged(packs: str = PACKS) -> Loaded:
    """The policy of the package alone, whatever a person or a project says.

    Raises:
        ConfigError: its packs were not compiled.
    """
    if (loaded := _packaged(packs)) is None:
        raise ConfigError(f"{os.path.join(packs, COMPILED)} can not be read.", remedy="Install the package again.")
    return loaded


def builtin_names() -> frozenset[str]:
    """The names of the packs of the package."""
    return frozenset(name.removesuffix(".toml") for name in os.listdir(PACKS) if name.endswith(".toml"))


def versioned(data: Mapping[str, Any]) -> str:
    """The version of a policy's data."""
    import hashlib

    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


# sources


def _sources(place: Place, environment: Mapping[str, str]) -> list[_Source]:
    """Every source that is there, in the order in which they count."""
    found = [_source("learned", path, place.root) for path in _learned(place)]
    found += [_source("person", person_file(environment), ""), _source("project", project_file(place), place.root)]
    return [each for each in found if each is not None]


def _learned(place: Place) -> list[str]:
    folder = learned_folder(place)
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".toml"))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names[:_MOST_LEARNED]]


def _source(owner: str, path: str, root: str) -> _Source | None:
    """What a file says; a file that came with the project must be a plain one inside it."""
    follow = not root
    try:
        text = text_of(path, follow=follow)
        if not follow and not f"{os.path.realpath(path)}{os.sep}".startswith(f"{os.path.realpath(root)}{os.sep}"):
            return _Source(owner, path, None, "it lies outside the project")
        return _Source(owner, path, text)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError:
        return _Source(owner, path, None, "it is not UTF-8")
    except OSError as error:
        linked = error.errno == errno.ELOOP and not follow
        return _Source(owner, path, None, "it is a link" if linked else error.strerror or "it can not be read")


def text_of(path: str, *, follow: bool) -> str:
    """The text of a plain file of at most 256 KiB, by a link only with `follow`.

    Raises:
        OSError: it can not be read, or is no such file.
        UnicodeDecodeError: it is not UTF-8.
    """
    # Opened without waiting: a pipe under this name would hold the hook for ever.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        if status.st_size > _LARGEST_SOURCE_BYTES:
            raise OSError(errno.EFBIG, f"it has more than {_LARGEST_SOURCE_BYTES} bytes")
        return os.read(descriptor, _LARGEST_SOURCE_BYTES + 1).decode("utf-8")
    finally:
        os.close(descriptor)


# what was kept


def _packaged(packs: str) -> Loaded | None:
    try:
        with open(os.path.join(packs, COMPILED), "rb") as file:
            document = read_document(file.read())
        return Loaded(document["data"], document["version"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _made_from(packs: str) -> list[Any]:
    """What tells one installation's packs from another's."""
    compiled = os.path.join(packs, COMPILED)
    # A checkout in which they were never compiled has its packs edited.
    files = (
        [compiled] if os.path.exists(compiled) else [os.path.join(packs, name) for name in sorted(os.listdir(packs))]
    )
    return [_FORMAT, __version__, *([status.st_size, status.st_mtime_ns] for status in map(os.stat, files))]


def _says_the_same(kept: Mapping[str, Any], sources: Sequence[_Source]) -> bool:
    seen = {path: (entry["seen"], entry["fault"]) for path, entry in kept.items()}
    return seen == {each.path: (each.text, each.fault) for each in sources}


# making it anew


def _made_anew(
    place: Place, packs: str, sources: Sequence[_Source], kept: Mapping[str, Any], compiling: Compile
) -> Loaded:
    builtin = builtin_tables(packs)
    candidates = [_candidates(source, kept) for source in sources]
    problems = [problem for _, problem in candidates if problem]
    accepted = [choices[0] for choices, _ in candidates if choices]
    try:
        data = _compiled(builtin, accepted, compiling)
    except _WRONG:
        data, accepted, problems = _one_by_one(builtin, candidates, compiling)
    loaded = Loaded(data, versioned(data), tuple(problems))
    good = {each.path: each.text for each in accepted}
    entries = {each.path: {"seen": each.text, "fault": each.fault, "good": good.get(each.path)} for each in sources}
    keep(
        place,
        {
            "made": _made_from(packs), "sources": entries, "problems": problems,
            "version": loaded.version, "data": data,
        },
    )  # fmt: skip
    return loaded


def _candidates(source: _Source, kept: Mapping[str, Any]) -> tuple[list[_Accepted], Problem | None]:
    """The tables a source may count with, best first: what it says now, then what it last said rightly."""
    problem = Problem(source.path, source.fault) if source.text is None else None
    found: list[_Accepted] = []
    last = kept[source.path]["good"] if source.path in kept else None
    for text in dict.fromkeys(each for each in (source.text, last) if isinstance(each, str)):
        try:
            found.append(_Accepted(source.owner, source.path, text, _parsed(text)))
        except (ValueError, RecursionError) as error:
            problem = problem or Problem(source.path, _sentence(error), _line_in(str(error)))
    return found, problem


def _one_by_one(
    builtin: list[Table], candidates: Iterable[tuple[list[_Accepted], Problem | None]], compiling: Compile
) -> tuple[Mapping[str, Any], list[_Accepted], list[Problem]]:
    """As many sources as fit together, taken in order, and what is wrong with the others."""
    accepted: list[_Accepted] = []
    problems: list[Problem] = []
    data = _compiled(builtin, (), compiling)
    for choices, problem in candidates:
        problems += [problem] if problem else []
        for choice in choices:
            try:
                data = _compiled(builtin, [*accepted, choice], compiling)
            except _WRONG as error:
                problems.append(Problem(choice.path, _sentence(error)))
            else:
                accepted.append(choice)
                break
    return data, accepted, list({each.path: each for each in reversed(problems)}.values())[::-1]


def _compiled(builtin: list[Table], sources: Sequence[_Accepted], compiling: Compile) -> Mapping[str, Any]:
    owned: dict[str, list[Table]] = {"learned": [], "person": [], "project": []}
    for each in sources:
        owned[each.owner].append(each.table)
    data = compiling(
        [*builtin, *owned["learned"]], *(next(iter(owned[owner]), None) for owner in ("person", "project"))
    )
    return cast("Mapping[str, Any]", json.loads(json.dumps(data)))  # as it will be read again


def _parsed(text: str) -> Table:
    import tomllib

    return tomllib.loads(text)


def _sentence(error: BaseException) -> str:
    return error.problem if isinstance(error, AgentOpsError) else f"{error or type(error).__name__}."


def _line_in(message: str) -> int:
    """The line that a parser's message names."""
    after = message.rpartition("line ")[2]
    digits = after[: len(after) - len(after.lstrip("0123456789"))]
    return int(digits) if digits else 0
