"""Finding the git repository a directory belongs to, without starting git."""

import os
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Repository:
    """Where one git repository keeps its parts.

    `git_dir` has this worktree's HEAD and index; `common_dir` the objects and refs that all worktrees share.
    `worktree` is None in a bare repository.
    """

    git_dir: Path
    common_dir: Path
    worktree: Path | None


def discover(start: Path) -> Repository | None:
    """The repository that contains `start`, or None.

    GIT_DIR and its kin are not read: inside a hook they name the repository of the commit being made,
    which need not be the one that `start` is in.
    """
    try:
        place = start.resolve()
    except (OSError, RuntimeError):  # unreadable, or a loop of symbolic links
        return None
    for directory in (place, *place.parents):
        if (directory / ".git").is_file():  # a broken link ends the search, as it does for git
            return _linked(directory)
        found = _at(directory)
        if found is not None:
            return found
    return None


def _linked(directory: Path) -> Repository | None:
    git_dir = _path_in(directory / ".git", prefix="gitdir: ")
    if git_dir is None or not _is_git_dir(git_dir):
        return None
    return Repository(git_dir, _common_dir(git_dir), directory)


def _at(directory: Path) -> Repository | None:
    dot_git = directory / ".git"
    if _is_git_dir(dot_git):
        return _from_git_dir(dot_git.resolve())
    if _is_git_dir(directory):
        return _from_git_dir(directory)
    return None


def _is_git_dir(path: Path) -> bool:
    if not os.path.lexists(path / "HEAD"):
        return False
    common = _common_dir(path)
    return (common / "objects").is_dir() and (common / "refs").exists()


def _from_git_dir(git_dir: Path) -> Repository:
    return Repository(git_dir, _common_dir(git_dir), _worktree_of(git_dir))


def _common_dir(git_dir: Path) -> Path:
    return _path_in(git_dir / "commondir") or git_dir


def _worktree_of(git_dir: Path) -> Path | None:
    """The worktree of a git directory that was reached from inside."""
    back_link = _path_in(git_dir / "gitdir")
    if back_link is not None:  # a linked worktree's own directory points back at its `.git` file
        return back_link.parent if back_link.is_file() else None
    core = _core_settings(git_dir / "config")
    if "worktree" in core:  # a submodule's git directory, or one that was separated on purpose
        worktree = (git_dir / core["worktree"]).resolve()
        return worktree if worktree.is_dir() else None
    if core.get("bare", "false").lower() in ("true", "yes", "on", "1"):
        return None
    return git_dir.parent if git_dir.name == ".git" else None


def _path_in(file: Path, *, prefix: str = "") -> Path | None:
    """The path written in a one-line file, relative ones counted from the file's directory."""
    try:
        text = os.fsdecode(file.read_bytes()).rstrip("\r\n")
    except OSError:
        return None
    if not text.startswith(prefix) or len(text) == len(prefix) or "\0" in text:
        return None
    return (file.parent / text.removeprefix(prefix)).resolve()


_SECTION = re.compile(r"\s*\[(.*)\]")
_SETTING = re.compile(r"\s*(bare|worktree)\s*(?:=\s*(.*?))?\s*$", re.IGNORECASE)


def _core_settings(config: Path) -> dict[str, str]:
    """`bare` and `worktree` of a repository's own configuration, the two that decide where its files are."""
    try:
        lines = os.fsdecode(config.read_bytes()).splitlines()
    except OSError:
        return {}
    settings: dict[str, str] = {}
    section = ""
    for line in lines:
        if heading := _SECTION.match(line):
            section = heading[1].strip().lower()
        elif section == "core" and (setting := _SETTING.match(line)):
            settings[setting[1].lower()] = "true" if setting[2] is None else setting[2].strip('"')
    return settings
