"""What programs do to files, said the same way by all of them."""

from collections.abc import Iterable

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import Located, is_scratch_root, locate, locate_removed

_MOST = 200
"""Operands that are looked at one by one; more of them are not understood."""

_REBUILT = frozenset(
    "node_modules bower_components __pycache__ .pytest_cache .mypy_cache .ruff_cache .hypothesis .tox .nox .venv "
    ".eggs .coverage .nyc_output .cache caches .next .nuxt .output .svelte-kit .turbo .parcel-cache .vite .angular "
    ".expo .docusaurus .gradle .dart_tool .terraform .serverless .aws-sam cdk.out .sass-cache .eslintcache "
    ".stylelintcache .ipynb_checkpoints deriveddata elm-stuff dist-newstyle .stack-work zig-cache .zig-cache .ds_store "
    "thumbs.db".split()
)
"""Names of what tools make again, wherever it is."""

_REBUILT_HERE = frozenset(
    "venv dist build _build target out obj coverage htmlcov pods zig-out _site storybook-static playwright-report "
    "test-results tmp temp .tmp".split()
)
"""Names that mean this inside a project; elsewhere they may mean anything."""

# Among the ends: what a merge, a patch or an editor leaves beside a file.
_REBUILT_ENDS = (
    ".pyc",
    ".pyo",
    ".o",
    ".class",
    ".egg-info",
    ".tsbuildinfo",
    ".tmp",
    ".swp",
    ".orig",
    ".rej",
    "~",
    ".lock",
    ".lockb",
    "-lock.json",
    "-lock.yaml",
)
_REBUILT_BEGINS = ("build-", "cmake-build", "bazel-", "dist-")
_LEFT_BEHIND = (".lock", "/gc.log", "/MERGE_MSG", "/SQUASH_MSG", "/COMMIT_EDITMSG", "/.git/*.lock")
"""What an interrupted git leaves in the repository."""

_LOGS = (".log", ".out", ".err", ".trace")
"""What is emptied day by day, to begin anew."""

_OF_REST = frozenset({"temporary", "nowhere", "unknown", "git", "unkept"})
"""Places where a name does not say that a tool makes it again, or where that changes nothing."""


def deleted(paths: Iterable[str], call: Call, world: World, traits: Iterable[str] = ()) -> list[Effect]:
    """The effects of deleting what these operands name."""
    return _gone("delete", paths, call, world, traits)


def moved(paths: Iterable[str], call: Call, world: World, traits: Iterable[str] = ()) -> list[Effect]:
    """The effects of moving these operands away from where they are."""
    return _gone("move_away", paths, call, world, traits)


def written(path: str, call: Call, world: World, traits: Iterable[str] = ()) -> Effect:
    """The effect of putting new content at a path: an overwrite where something is, or may be."""
    located = locate(path, call.cwd, world)
    kind = "write" if located.place == "nowhere" or world.exists(located.path) is False else "overwrite"
    if located.place == "device":
        kind = "write_device"
    more = set(traits)
    if "emptied" in more:
        more |= {"glob"} if "*" in located.path or "?" in located.path else set()
        more |= {"log"} if located.path.endswith(_LOGS) or _is_rebuilt(located.path, world) else set()
    return Effect(kind, located.path, located.place, call.traits.union(more), call.text)


def made(path: str, call: Call, world: World, traits: Iterable[str] = ()) -> Effect:
    """The effect of making something new, or adding to what is there."""
    located = locate(path, call.cwd, world)
    return Effect("write", located.path, located.place, call.traits.union(traits), call.text)


def within(folder: str, name: str) -> str:
    """A name in a folder, both as written."""
    return f"{folder.rstrip('/')}/{name}" if folder.rstrip("/") else f"/{name}"


def is_folder(path: str, call: Call, world: World) -> bool:
    """Whether an operand names a folder, as far as its spelling and the machine tell."""
    if path.endswith(("/", "/.", "/..")) or path in {".", "..", "~"}:
        return True
    located = locate(path, call.cwd, world)
    return located.place in {"root", "home", "project"} or (
        HOLE not in located.path and world.exists(f"{located.path.rstrip('/')}/.") is True
    )


def _gone(kind: str, paths: Iterable[str], call: Call, world: World, traits: Iterable[str]) -> list[Effect]:
    every = tuple(dict.fromkeys(paths))
    by, common = call.text, call.traits.union(traits)
    found = [_one(kind, locate_removed(path, call.cwd, world), world, common, by) for path in every[:_MOST]]
    if len(every) > _MOST:
        found.append(Effect("unresolved", f"{len(every) - _MOST} more", "", common | {"many"}, by))
    return found


def _one(kind: str, located: Located, world: World, traits: frozenset[str], by: str) -> Effect:
    place, more = located.place, set[str]()
    if located.everything:
        more.add("everything")
    elif place == "temporary" and is_scratch_root(located.path, world):
        place = "system"
    if "*" in located.path or "?" in located.path:
        more.add("glob")
    if place not in _OF_REST and _is_rebuilt(located.path, world):
        more.add("rebuilt")
    if place == "git" and located.path.endswith(_LEFT_BEHIND):
        more.add("leftover")
    if _is_top(located.path, place, world):
        more.add("top")
    return Effect(kind, located.path, place, traits | more, by, place == "kept")


def _is_top(path: str, place: str, world: World) -> bool:
    """Whether it is a folder or file straight in the home folder, or one of the system's own folders."""
    deep = path.removesuffix("/*").count("/")
    if place == "in_home":
        return deep == world.home.rstrip("/").count("/") + 1
    return place == "system" and (deep == 1 or (deep == 2 and path.startswith(("/usr/", "/var/"))))


def _is_rebuilt(path: str, world: World) -> bool:
    """Whether a path is, or is in, something that a tool makes again."""
    here = path.startswith(f"{world.project}/")
    parts = path.removeprefix(world.project if here else world.home).lower().split("/")
    if any(part in _REBUILT or part.endswith(_REBUILT_ENDS) for part in parts) or "vendor/bundle" in "/".join(parts):
        return True
    if here and parts[-1].endswith(".log"):
        return True
    return here and any(part in _REBUILT_HERE or part.startswith(_REBUILT_BEGINS) for part in parts)
