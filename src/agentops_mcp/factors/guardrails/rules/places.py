"""Where a path lies, which decides how bad it is to touch it."""

from typing import NamedTuple

from agentops_mcp.core.secret_files import is_secret_file
from agentops_mcp.factors.guardrails.rules.calls import HOLE, World
from agentops_mcp.factors.guardrails.rules.known_places import (
    AT_START_OF_PYTHON,
    GUARD,
    HOME_SECRET,
    HOME_STARTUP,
    OPEN,
    OWN,
    SCRATCH,
    SINKS,
    STREAMS,
    SYSTEM,
    SYSTEM_STARTUP,
)


class Located(NamedTuple):
    """A path and where it lies."""

    path: str
    """Absolute and without `.` and `..`; as written when it can not be known."""

    place: str
    """One of `PLACES`."""

    everything: bool = False
    """Whether it is a glob that takes all there is in a folder: `/srv/*`. The place is then that folder's."""


_GLOBS = frozenset("*?[")
_ANY_NAME = frozenset("*?.[]!^")
"""Signs of which a glob like `*`, `.*` or `.[!.]*` is made, that leaves nothing out."""

_LONGEST = 4_096
"""Characters of a path that are handed on: no system takes a longer one."""

_DEEPEST = 8
"""More parts than any known name has."""

_BELOW = 2
"""Parts of `/home/NAME`."""


def locate(path: str, cwd: str, world: World) -> Located:
    """Where `path` lies, as written on a command line in `cwd`: where it leads, when it is a link."""
    return _cut(_locate(path, cwd, world, removed=False))


def locate_removed(path: str, cwd: str, world: World) -> Located:
    """Where a path lies that is to be deleted or moved: a link is then meant itself.

    Inside the project it is asked whether git can bring back what is there, which may take a process.
    """
    return _cut(_locate(path, cwd, world, removed=True))


def place_of(path: str, world: World) -> str:
    """Where an absolute path without `..` and links lies. What git knows of it is not asked."""
    if path in {"", "/"} or _is_drive(path):
        return "root"
    lowered = path.lower()
    if lowered in SINKS or lowered.startswith("/dev/fd/"):
        return "nowhere"
    home, project = world.home.rstrip("/"), world.project.rstrip("/")
    around = _around(path, home, project, world)
    if special := _special(lowered, home.lower(), project.lower(), passing=around == "temporary"):
        return special
    if "/.git" in lowered and ".git" in lowered.split("/"):
        return "git"
    if is_inside(project, path) and not is_inside(home, path):  # a folder around the project takes it along
        return "project"
    return around or _top(lowered)


def is_inside(path: str, folder: str) -> bool:
    """Whether a path is a folder or in it."""
    return bool(folder) and (path == folder or path.startswith(folder.rstrip("/") + "/"))


def is_scratch_root(path: str, world: World) -> bool:
    """Whether it is a whole folder for temporary files, which programs expect to be there."""
    return path in SCRATCH or path in world.temporary


def normal(path: str) -> str:
    """An absolute path without `.`, `..` and double slashes, which are taken off as text."""
    if "/." not in path and "//" not in path and not path.endswith("/"):
        return path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    prefix = "" if parts and _is_drive(parts[0]) else "/"
    return prefix + "/".join(parts)


def _cut(located: Located) -> Located:
    return located if len(located.path) <= _LONGEST else located._replace(path=located.path[:_LONGEST])


def _locate(path: str, cwd: str, world: World, *, removed: bool) -> Located:
    if not path:
        return Located(path, "nowhere")
    written = _without_home(path.replace("\\", "/") if _is_windows(path) else path, world)
    if not _is_absolute(written):
        if written.startswith(HOLE) or HOLE in cwd:
            return Located(path, "unknown")
        written = f"{cwd}/{written}"
    absolute = normal(written)
    folder, rest = _known_part(absolute)
    everything = _is_all(rest)
    # The links are followed before `..` is, as the system does it.
    found = _place(folder if rest else written, world, link_itself=removed and not rest)
    if HOLE in rest.partition("/")[0]:
        return Located(absolute, _under_unknown(folder, found, world))
    if found == "project" and rest and not everything:
        found = "in_project"
    elif found == "home" and rest and not everything:
        found = "in_home"
    if found == "in_project" and removed and folder != world.project:
        kept = world.kept(folder)
        found = found if kept is None else "kept" if kept else "unkept"
    return Located(absolute, found, everything)


def _place(path: str, world: World, *, link_itself: bool) -> str:
    """The graver place of a path as written and of where it leads: a link from `~/.bashrc` does not hide what it is."""
    absolute = normal(path)
    by_name = place_of(absolute, world)
    if link_itself and absolute != "/":
        above, _, name = path.rstrip("/").rpartition("/")
        real = absolute if name in {"", ".", ".."} else normal(f"{world.real(above or '/')}/{name}")
    else:
        real = normal(world.real(path))
    return by_name if real == absolute or by_name in {"guard", "startup", "secret", "git"} else place_of(real, world)


def _without_home(path: str, world: World) -> str:
    if not path.startswith("~"):
        return path
    if path == "~" or path.startswith("~/"):
        return world.home + path[1:]
    return path if path.startswith(("~+", "~-")) else "/home/" + path[1:]  # another person's home


def _is_windows(path: str) -> bool:
    return path[1:3] == ":\\" or path.startswith(("\\\\", ".\\", "..\\", "~\\"))


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or _is_drive(path[:2])


def _is_drive(path: str) -> bool:
    return path[1:2] == ":" and path[0].isalpha() and path[2:] in {"", "/"}


def _known_part(path: str) -> tuple[str, str]:
    """The folder up to which a path is known, and the rest, which begins with a glob or a hole."""
    if HOLE not in path and not _GLOBS & set(path):
        return path, ""
    parts = path.split("/")
    for place, part in enumerate(parts):
        if HOLE in part or _GLOBS & set(part):
            return "/".join(parts[:place]) or "/", "/".join(parts[place:])
    return path, ""


def _is_all(rest: str) -> bool:
    first = rest.partition("/")[0]
    return "*" in first and set(first) <= _ANY_NAME


def _under_unknown(folder: str, found: str, world: World) -> str:
    """The place of `folder/$x`: when `$x` is empty, that is the folder, so what is one whole is not vouched for."""
    if folder == world.home or found == "project":
        return "unknown"
    return found


def _around(path: str, home: str, project: str, world: World) -> str:
    """The narrowest of project, home and temporary folders around a path; empty when it is in none of them."""
    found, length = "", -1
    for folder in (*world.temporary, *SCRATCH):
        if len(folder) > length and is_inside(path, folder):
            found, length = "temporary", len(folder)
    if is_inside(path, project) and len(project) > length:
        found, length = "project" if path == project else "in_project", len(project)
    if is_inside(path, home) and (path == home or len(home) > length):
        found = "home" if path == home else "in_home"
    return found


def _special(lowered: str, home: str, project: str, *, passing: bool) -> str:
    """A place that a file has by its name. Inside a folder for temporary files nothing is secret by its name alone."""
    rooted = lowered[3:] if _is_drive(lowered[:2]) else lowered[1:]
    system = rooted.removeprefix("private/")
    person = _in_some_home(lowered, rooted, home)
    within = lowered[len(project) + 1 :] if is_inside(lowered, project) else ""
    if "/.git/agentops" in lowered or _begins(within, GUARD) or _begins(person, GUARD):
        return "guard"
    if "-packages/" in lowered and lowered.endswith(AT_START_OF_PYTHON):
        return "startup"
    if "/.git/hooks" in lowered or _begins(system, SYSTEM_STARTUP) or _begins(person, HOME_STARTUP):
        return "startup"
    if lowered.endswith(OPEN):
        return ""
    if _begins(person, HOME_SECRET) or (not passing and is_secret_file(lowered)):
        return "secret"
    return ""


def _in_some_home(lowered: str, rooted: str, home: str) -> str:
    """The path from the home folder on, of this person or of another."""
    if is_inside(lowered, home):
        return lowered[len(home) + 1 :]
    first, _, rest = rooted.removeprefix("var/").partition("/")
    if first == "root":
        return rest
    return rest.partition("/")[2] if first in {"home", "users"} else ""


def _begins(path: str, names: frozenset[str]) -> bool:
    """Whether a path is one of these names, or inside one."""
    end = -1
    for _ in range(_DEEPEST):
        end = path.find("/", end + 1)
        if end < 0:
            return path in names
        if path[:end] in names:
            return True
    return False


def _top(lowered: str) -> str:
    """A place by the first part of a path that is neither in the project, the home nor a temporary folder."""
    parts = lowered.strip("/").split("/")
    if _is_drive(parts[0]):
        parts = parts[1:]
    first = parts[0]
    if first in {"home", "users", "root"} or (first == "var" and parts[1:2] == ["root"]):
        whole = len(parts) <= (_BELOW if first in {"home", "users"} else 1)
        return "home" if whole else "in_home"
    if first == "dev" and len(parts) > 1:
        return "nowhere" if parts[1].startswith(STREAMS) else "device"
    if _begins("/".join(parts[:-1]), OWN):
        return "outside"
    return "system" if first in SYSTEM or first.startswith("program files") else "outside"
