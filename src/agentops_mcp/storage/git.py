"""Running git so that neither the environment, the repository nor an argument can make it do something else."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

from agentops_mcp.core.errors import GitError, InvalidInputError
from agentops_mcp.storage.repository import Repository, discover

__all__ = ["Algorithm", "Completed", "Git", "Repository", "discover", "shown"]

_SAFE_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
    "maintenance.auto=false",
)

_KEPT_VARIABLES = frozenset(
    {
        "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EXEC_PATH",
        "GIT_PROXY_SSL_CAINFO", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
        "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY",
    }
)  # fmt: skip
"""How this user reaches remotes. Every other GIT_* variable may name another repository, index or configuration."""

_NETWORK_TIMEOUT_S = 120.0

Algorithm = Literal["sha1", "sha256"]


@dataclass(frozen=True, slots=True)
class Completed:
    """How a git command ended."""

    status: int
    stdout: bytes
    stderr: bytes


class Git:
    """git, bound to one repository. Safe to share between threads.

    Arguments are fixed words of ours; a name from elsewhere goes after `--end-of-options` or `--`.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._environment = _environment()

    def run(self, *args: str, stdin: bytes = b"", timeout_s: float = 20) -> bytes:
        """Run one command and return what it printed.

        Raises:
            GitError: git is missing, failed, or was killed after `timeout_s`.
        """
        done = self.attempt(*args, stdin=stdin, timeout_s=timeout_s)
        if done.status != 0:
            raise failure(args, done)
        return done.stdout

    def attempt(self, *args: str, stdin: bytes = b"", timeout_s: float = 20) -> Completed:
        """Run one command whose exit status is an answer rather than a failure.

        Raises:
            GitError: git is missing, or was killed after `timeout_s`.
        """
        return self._execute(args, self._environment, stdin, timeout_s)

    def attempt_network(self, *args: str, timeout_s: float = _NETWORK_TIMEOUT_S) -> Completed:
        """Like `attempt`, for a command that talks to a remote; ssh will not ask for anything.

        Raises:
            GitError: git is missing, or was killed after `timeout_s`.
        """
        return self._execute(args, {**self._environment, **self._batch_ssh}, b"", timeout_s)

    def require_remote(self, name: str) -> str:
        """Return `name` if it is exactly the name of a configured remote.

        Raises:
            InvalidInputError: it is not.
        """
        remotes = os.fsdecode(self.run("remote")).splitlines()
        if name in remotes:
            return name
        known = ", ".join(remotes) or "none"
        raise InvalidInputError(
            f"This repository has no remote named {shown(name.encode(errors='surrogatepass'))[:80]!r}.",
            remedy=f"Name one of its remotes ({known}), or add it with `git remote add`.",
        )

    @cached_property
    def algorithm(self) -> Algorithm:
        """How the repository names its objects."""
        return "sha256" if self.run("rev-parse", "--show-object-format").strip() == b"sha256" else "sha1"

    @cached_property
    def owned(self) -> bool:
        """Whether the repository belongs to this user; if not, git decides by its own rules what may be done there."""
        repository = self.repository
        return _owned(repository.git_dir) and _owned(repository.worktree or repository.git_dir)

    @cached_property
    def _batch_ssh(self) -> dict[str, str]:
        configured = self.attempt("config", "--get", "core.sshCommand").status == 0
        if configured or "GIT_SSH" in self._environment or "GIT_SSH_COMMAND" in self._environment:
            return {}
        return {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}

    @cached_property
    def _place(self) -> tuple[list[str], Path]:
        """The options that say which repository is meant, and the directory to run in."""
        repository = self.repository
        directory = repository.worktree or repository.git_dir
        if not self.owned:
            # Explicit paths would skip git's own check for repositories of other users (safe.directory),
            # whose configuration may run commands as us. Found by git itself, they are refused or allowed by it.
            return [], directory
        options = [f"--git-dir={repository.git_dir}"]
        if repository.worktree is not None:
            options.append(f"--work-tree={repository.worktree}")
        return options, directory

    def start(self, *args: str, stdin: IO[bytes], pipe_bytes: int = -1) -> subprocess.Popen[bytes]:
        """Start one command whose output is read as it comes; the caller ends it, and gets no error text.

        Raises:
            GitError: git is missing, or the arguments are impossible.
        """
        return self._start(args, self._environment, stdin, subprocess.DEVNULL, pipe_bytes)

    def _execute(self, args: tuple[str, ...], env: Mapping[str, str], stdin: bytes, timeout_s: float) -> Completed:
        process = self._start(args, env, subprocess.PIPE, subprocess.PIPE)
        with process:
            try:
                stdout, stderr = process.communicate(stdin, timeout=timeout_s)
            except subprocess.TimeoutExpired as error:
                _kill_group(process)
                raise GitError(
                    f"`git {args[0]}` took longer than {timeout_s:g} s and was stopped.",
                    remedy="Try again; if it persists, check the disk, the network and the credentials git uses.",
                ) from error
            except BaseException:
                _kill_group(process)
                raise
        return Completed(process.returncode, stdout, stderr)

    def _start(
        self, args: tuple[str, ...], env: Mapping[str, str], stdin: int | IO[bytes], stderr: int, pipe_bytes: int = -1
    ) -> subprocess.Popen[bytes]:
        options, directory = self._place
        command = ["git", *options, "--literal-pathspecs", "--no-pager"]
        for setting in _SAFE_SETTINGS:
            command += ["-c", setting]
        # Nothing above the directory may be taken for the repository when the one we mean has gone.
        env = {**env, "GIT_CEILING_DIRECTORIES": str(directory.parent)}
        try:
            return subprocess.Popen(  # noqa: S603 - a list of arguments, never a shell
                [*command, *args], cwd=directory, env=env, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr,
                pipesize=pipe_bytes, start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError as error:
            if not directory.is_dir():
                problem = "The directory of this git repository is gone."
                raise GitError(problem, remedy="Start again inside an existing repository.") from error
            raise GitError("git was not found.", remedy="Install git and make sure it is on PATH.") from error
        except (OSError, ValueError) as error:  # too long, a NUL byte, a lone surrogate, out of processes
            reason = error.strerror if isinstance(error, OSError) else "an argument holds an impossible character"
            problem = f"git could not be started: {reason}."
            raise GitError(problem, remedy="Check the arguments and try again.") from error


def failure(args: tuple[str, ...], done: Completed) -> GitError:
    """The error that says how a command failed."""
    text = done.stderr.decode("utf-8", "surrogateescape")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    reason = _without_credentials((told or lines or [f"exit status {done.status}"])[0])
    reason = re.sub(r"^(fatal|error): ", "", shown(reason.encode("utf-8", "surrogateescape")))
    return GitError(
        f"`git {args[0]}` failed: {reason[:300].rstrip('.')}.",
        remedy="Put right what git says, then try again.",
    )


def shown(name: bytes) -> str:
    """A file name or message of git's as text that prints on one line, whatever bytes it holds."""
    text = name.decode("utf-8", "surrogateescape")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _without_credentials(text: str) -> str:
    masked = re.sub(r"(\w://)\S*@", r"\1***@", text)
    return re.sub(r"(\w://[^\s?#']*)[?#][^\s']*", r"\1?***", masked)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT_VARIABLES}
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def _owned(path: Path) -> bool:
    """Whether `path` belongs to this user, or to the one who called sudo."""
    if sys.platform == "win32":  # no owner to ask in the standard library: leave the check to git
        return False
    try:
        owner = path.stat().st_uid
    except OSError:
        return False
    user = os.geteuid()
    return owner == user or (user == 0 and str(owner) == os.environ.get("SUDO_UID"))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a command and everything it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
