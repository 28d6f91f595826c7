"""This machine as the guard asks about it: where a project is, where links lead, and what git could bring back.

A hook asks before each tool call, so nothing but `os` and `sys` is loaded until a question needs more (`pathlib` alone
would cost it three milliseconds), and no question takes long: one that would is answered with "not known".
"""

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple

_LONGEST_PATH = 4_096
_MOST_QUESTIONS = 8
_GIT_TIMEOUT_S = 0.5
_LEDGER_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_TAKEN_LEDGERS = ("remotes", "snapshots")

_REMADE = frozenset(
    "__pycache__ node_modules bower_components .pytest_cache .mypy_cache .ruff_cache .hypothesis .tox .nox .venv venv "
    ".eggs dist build target out .next .nuxt .svelte-kit .turbo .parcel-cache .gradle .cache coverage htmlcov "
    ".coverage .nyc_output .terraform .ds_store thumbs.db".split()
)
"""Names of what tools make again. Only believed of what the project itself tells git to ignore."""


class Place(NamedTuple):
    """A project, as `storage.project.locate` finds it, in this system's own form of paths."""

    root: str
    """The worktree or folder; the git directory of a bare repository."""

    data_dir: str
    """Where the database and everything kept beside it lies."""

    common_dir: str = ""
    """The git directory that all worktrees share; empty outside git."""

    worktree: bool = False
    """Whether `root` is a worktree of git."""


def find_project(start: str, environment: Mapping[str, str]) -> Place:
    """The project around a folder, found without starting git. Nothing is created.

    It agrees with `storage.project.locate`, whose imports a hook has no time for. A ledger's name that `locate` would
    refuse is passed over.
    """
    start = os.path.realpath(start)
    found = _repository(start)
    if override := environment.get("AGENTOPS_DATA_DIR"):
        data_dir = os.path.join(os.getcwd(), os.path.expanduser(override))
    else:
        data_dir = os.path.join(found[1], "agentops") if found else os.path.join(start, ".agentops")
    name = environment.get("AGENTOPS_LEDGER", "")
    if name and name not in _TAKEN_LEDGERS and len(name) <= 31 and set(name) <= _LEDGER_CHARS and name[0] != "-":
        data_dir = os.path.join(data_dir, "ledgers", name)
    if found is None:
        return Place(start, data_dir)
    git_dir, common_dir, worktree = found
    return Place(worktree or git_dir, data_dir, common_dir, worktree is not None)


class Machine:
    """The `World` of the guard's rules, for the machine this process runs on. Answers are kept for its life."""

    def __init__(self, place: Place, environment: Mapping[str, str], *, git_timeout_s: float = _GIT_TIMEOUT_S) -> None:
        self._place = place
        self._git_timeout_s = git_timeout_s
        self._real: dict[str, str] = {}
        self._kept: dict[str, bool | None] = {}
        self.home = _home()
        self.project = slashed(place.root)
        self.temporary = self._temporary(environment)

    def real(self, path: str) -> str:
        """An absolute path with its links followed as far as it exists; a loop of links stays as written."""
        if path not in self._real:
            self._real[path] = _followed(path)
        return self._real[path]

    def exists(self, path: str) -> bool | None:
        """Whether something is there, a broken link too; None when that is not known."""
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except (OSError, ValueError):  # not ours to see; or a NUL byte, a lone surrogate
            return None
        return True

    def held(self, path: str) -> None:
        """Nothing: a machine knows no text that is being judged."""

    def kept(self, path: str) -> bool | None:
        """Whether git could bring back everything at this path; None outside git, or when git does not say in time.

        What is ignored and made again by a tool (`node_modules`, `__pycache__`) does not count as lost.
        """
        if path not in self._kept:
            asked = self._place.worktree and len(self._kept) < _MOST_QUESTIONS and self.exists(path)
            self._kept[path] = _status_says(self._place.root, path, self._git_timeout_s) if asked else None
        return self._kept[path]

    def _temporary(self, environment: Mapping[str, str]) -> tuple[str, ...]:
        named = [environment.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
        given = ["/tmp", "/var/tmp", *named] if sys.platform != "win32" else named  # noqa: S108 - nothing is put there
        folders: dict[str, None] = {}
        for folder in filter(os.path.isabs, given):
            for each in (slashed(folder).rstrip("/"), self.real(folder)):
                # A variable that names the home folder would make everything in it a passing file.
                if each and not any(f"{mine}/".startswith(f"{each}/") for mine in (self.home, self.project)):
                    folders[each] = None
        return tuple(folders)


def is_headless(environment: Mapping[str, str]) -> bool:
    """Whether a person said that nobody is there to be asked."""
    return environment.get("AGENTOPS_HEADLESS", "").lower() not in ("", "0", "false", "no")


def slashed(path: str) -> str:
    """A path with `/` between its parts, as rules read it."""
    return path.replace("\\", "/") if sys.platform == "win32" else path


def _home() -> str:
    home = os.path.expanduser("~")
    return _followed(home) if os.path.isabs(home) else ""


def _followed(path: str) -> str:
    # Asking Windows about `//server/share` sends this person's credentials there.
    if len(path) > _LONGEST_PATH or (sys.platform == "win32" and slashed(path).startswith("//")):
        return slashed(os.path.normpath(path))
    try:
        return slashed(os.path.realpath(path))
    except (OSError, ValueError):
        return slashed(os.path.normpath(path))


def _status_says(root: str, path: str, timeout_s: float) -> bool | None:
    import subprocess

    words = [
        "git", "-C", root, "--literal-pathspecs", "--no-pager", "-c", f"core.hooksPath={os.devnull}",
        "-c", "core.fsmonitor=false", "status", "--porcelain=v1", "-z", "--ignored", "--untracked-files=normal",
        "--ignore-submodules=none", "--no-renames", "--", path,
    ]  # fmt: skip
    # Any GIT_* variable may name another repository, index or configuration.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables |= {
        "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_CEILING_DIRECTORIES": os.path.dirname(root),
        "LC_ALL": "C",
    }  # fmt: skip
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, never a shell
            words, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=timeout_s, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return all(_is_remade(os.fsdecode(entry)) for entry in done.stdout.split(b"\0") if entry)


def _is_remade(entry: str) -> bool:
    """Whether a line of `git status` names something ignored that a tool makes again."""
    state, name = entry[:2], entry[3:].lower()
    return state == "!!" and any(
        part in _REMADE or part.endswith((".pyc", ".egg-info")) for part in name.rstrip("/").split("/")
    )


_Found = tuple[str, str, str | None]
"""The git directory, the one it shares with other worktrees, and the worktree (None in a bare repository)."""


def _repository(start: str) -> _Found | None:
    """What `storage.repository.discover` finds."""
    folder = start
    while True:
        dot_git = os.path.join(folder, ".git")
        if os.path.isfile(dot_git):  # a broken link ends the search, as it does for git
            git_dir = _path_in(dot_git, "gitdir: ")
            return (git_dir, _common_dir(git_dir), folder) if git_dir and _is_git_dir(git_dir) else None
        for candidate in (dot_git, folder):
            if _is_git_dir(candidate):
                git_dir = os.path.realpath(candidate)
                return git_dir, _common_dir(git_dir), _worktree_of(git_dir)
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def _is_git_dir(path: str) -> bool:
    if not os.path.lexists(os.path.join(path, "HEAD")):
        return False
    common = _common_dir(path)
    return os.path.isdir(os.path.join(common, "objects")) and os.path.exists(os.path.join(common, "refs"))


def _common_dir(git_dir: str) -> str:
    return _path_in(os.path.join(git_dir, "commondir")) or git_dir


def _worktree_of(git_dir: str) -> str | None:
    """The worktree of a git directory that was reached from inside."""
    back_link = _path_in(os.path.join(git_dir, "gitdir"))
    if back_link is not None:  # a linked worktree's own directory points back at its `.git` file
        return os.path.dirname(back_link) if os.path.isfile(back_link) else None
    core = _core_settings(os.path.join(git_dir, "config"))
    if "worktree" in core:  # a submodule's git directory, or one that was separated on purpose
        worktree = os.path.realpath(os.path.join(git_dir, core["worktree"]))
        return worktree if os.path.isdir(worktree) else None
    if core.get("bare", "false").lower() in ("true", "yes", "on", "1"):
        return None
    return os.path.dirname(git_dir) if os.path.basename(git_dir) == ".git" else None


def _path_in(file: str, prefix: str = "") -> str | None:
    """The path written in a one-line file, relative ones counted from the file's directory."""
    text = _text_of(file).rstrip("\r\n")
    if not text.startswith(prefix) or len(text) == len(prefix) or "\0" in text:
        return None
    return os.path.realpath(os.path.join(os.path.dirname(file), text[len(prefix) :]))


def _core_settings(config: str) -> dict[str, str]:
    """`bare` and `worktree` of a repository's own configuration, the two that decide where its files are."""
    settings: dict[str, str] = {}
    section = ""
    for line in _text_of(config).splitlines():
        key, equals, value = line.partition("=")
        key = key.strip().lower()
        if key.startswith("["):
            section = line.strip()[1:].rpartition("]")[0].strip().lower()
        elif section == "core" and key in ("bare", "worktree"):
            settings[key] = value.strip().strip('"') if equals else "true"
    return settings


def _text_of(file: str) -> str:
    """What a file says; nothing when it can not be read."""
    try:
        with open(file, "rb") as opened:
            return os.fsdecode(opened.read(1 << 20))
    except OSError:
        return ""
