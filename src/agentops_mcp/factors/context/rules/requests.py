"""What a caller asks for, checked: paths that stay inside, ids of what was sent before, a budget that can be kept."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Literal

from agentops_mcp.core.errors import InvalidInputError

Part = Literal["code", "knowledge", "state"]
PARTS: tuple[Part, ...] = ("code", "knowledge", "state")

LEAST_BUDGET, DEFAULT_BUDGET, MOST_BUDGET = 200, 6_000, 200_000
_MOST_PATHS, _MOST_SEEN, _LONGEST_TASK = 200, 2_000, 20_000

_ITEM = re.compile(r"(?P<path>.+?)(?:@(?P<oid>[0-9a-f]{4,64}))?(?::(?P<start>\d{1,9})(?:-(?P<end>\d{1,9}))?)?")
_LAST_LINE = 10**9


@dataclass(frozen=True, slots=True)
class Request:
    """A load. `paths` are favoured, or, with `only_paths`, nothing else is looked at; `seen` is never sent again."""

    task: str
    budget_tokens: int = DEFAULT_BUDGET
    window_tokens: int | None = None
    used_tokens: int | None = None
    include: tuple[Part, ...] = PARTS
    paths: tuple[str, ...] = ()
    only_paths: bool = False
    seen: tuple[str, ...] = ()
    rev: str = ""
    for_subagent: bool = False
    session: str | None = None


@dataclass(frozen=True, slots=True)
class SeenRange:
    """Lines of a file that were sent before; without `oid` whatever the content was."""

    path: str
    oid: str
    start: int
    end: int


def check(request: Request) -> None:
    """Refuse what cannot be carried out.

    Raises:
        InvalidInputError: with the argument that is wrong.
    """
    if not request.task.strip():
        raise InvalidInputError("The task is empty.", remedy="Say in plain words what you are about to do.")
    if len(request.task) > _LONGEST_TASK:
        raise InvalidInputError(
            f"The task has more than {_LONGEST_TASK:,} characters.", remedy="Give the task, not the files; use paths."
        )
    if not LEAST_BUDGET <= request.budget_tokens <= MOST_BUDGET:
        raise InvalidInputError(
            f"budget_tokens={request.budget_tokens} is not between {LEAST_BUDGET} and {MOST_BUDGET:,}.",
            remedy=f"Leave it out for {DEFAULT_BUDGET:,}.",
        )
    if len(request.paths) > _MOST_PATHS or len(request.seen) > _MOST_SEEN:
        raise InvalidInputError(
            f"More than {_MOST_PATHS} paths or {_MOST_SEEN:,} ids.", remedy="Name folders, and loads by their id."
        )
    if request.only_paths and not request.paths:
        raise InvalidInputError("only_paths needs paths.", remedy="Name files or folders in paths.")


def path_filter(paths: Sequence[str], *, root: str) -> Callable[[str], bool]:
    """Whether a file is one of those named: a file, a folder, or a pattern with `*` or `?`.

    Raises:
        InvalidInputError: a path leads out of the project.
    """
    wanted = [inside(path, root) for path in paths]
    exact = {path for path in wanted if not _is_pattern(path)}
    patterns = [pattern for path in wanted if _is_pattern(path) for pattern in _patterns(path)]
    folders = tuple(f"{path}/" if path else "" for path in exact)

    def matches(path: str) -> bool:
        return path in exact or path.startswith(folders) or any(pattern.match(path) for pattern in patterns)

    return matches


def _is_pattern(path: str) -> bool:
    return "*" in path or "?" in path


def _patterns(path: str) -> list[re.Pattern[str]]:
    """The pattern, where `**/` may also be no folder; brackets are letters, for `app/[id]/page.tsx` is a path."""
    return [re.compile(translate(each.replace("[", "[[]"))) for each in (path, path.replace("**/", ""))]


def inside(path: str, root: str) -> str:
    """A path from the root of the project.

    Raises:
        InvalidInputError: it leads out of the project.
    """
    given = path.strip().replace("\\", "/")
    if given == root or given.startswith(f"{root}/"):
        given = given[len(root) + 1 :]
    parts = [part for part in given.split("/") if part not in ("", ".")]
    has_drive = bool(parts) and parts[0][1:2] == ":"
    if not path.strip() or not path.isprintable() or given.startswith("/") or ".." in parts or has_drive:
        raise InvalidInputError(
            f"{path[:80]!r} is not a path inside the project.", remedy="Name files and folders from the project's root."
        )
    return "/".join(parts)


def parse_seen(identifier: str) -> SeenRange | None:
    """What an item's id, a path, or `path:lines` names; None for anything else."""
    found = _ITEM.fullmatch(identifier.strip())
    if found is None:
        return None
    start = int(found["start"] or 1)
    end = int(found["end"] or found["start"] or _LAST_LINE)
    return SeenRange(found["path"], found["oid"] or "", start, end) if start <= end else None
