"""Which project this is, and where its memory lives."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from agentops_mcp.core.errors import ConfigError, GitError
from agentops_mcp.storage.git import Git, Repository, discover

_LEDGER_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
_TAKEN = ("remotes", "snapshots")
"""Under these names beside the ledger's ref are folders of other refs."""


class Variable(StrEnum):
    """The environment variables that say where the memory is."""

    meaning: str

    def __new__(cls, name: str, meaning: str) -> Self:
        """A name, and what it means to the person who sets it."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member

    DATA_DIR = (
        "AGENTOPS_DATA_DIR",
        "The folder for the database, instead of `agentops/` in the git directory or `.agentops/` outside git.",
    )
    DATABASE_URL = (
        "AGENTOPS_DATABASE_URL",
        "A PostgreSQL server for the database, as `postgresql://user@host/database`, instead of a file.",
    )
    LEDGER = (
        "AGENTOPS_LEDGER",
        "The name of a second, separate ledger of the same project, with a git mirror of its own.",
    )
    HEADLESS = ("AGENTOPS_HEADLESS", "Set to 1 where nobody is there to be asked: what would be asked is denied.")
    CHROMA_URL = (
        "AGENTOPS_CHROMA_URL",
        "A Chroma server for the vectors, as `http://host:port`, instead of a folder. For private networks only.",
    )
    CHROMA_TOKEN = ("AGENTOPS_CHROMA_TOKEN", "The token that the Chroma server asks for.")
    EMBEDDER_DIRECTORY = (
        "AGENTOPS_EMBEDDER_DIRECTORY",
        "A folder with another local model (`model.onnx`, `tokenizer.json`) for search by meaning.",
    )
    EMBEDDER_URL = (
        "AGENTOPS_EMBEDDER_URL",
        "An OpenAI-compatible embeddings endpoint instead of a local model. Records are sent there.",
    )
    EMBEDDER_MODEL = ("AGENTOPS_EMBEDDER_MODEL", "The model that the endpoint is asked for.")
    EMBEDDER_KEY = ("AGENTOPS_EMBEDDER_KEY", "The key of the endpoint.")


@dataclass(frozen=True, slots=True)
class Project:
    """A project: the repository around a folder (all its worktrees share one memory), or the folder itself.

    `root` is the worktree or folder, `data_dir` holds the database, `ref` is the git mirror's.
    """

    root: Path
    repository: Repository | None
    data_dir: Path
    ref: str

    @property
    def policy_dir(self) -> Path:
        """Where people keep what they own and review: `.agentops/` in the worktree."""
        return self.root / ".agentops"

    @property
    def snapshots_ref(self) -> str:
        """The prefix of the refs that keep uncommitted work."""
        return f"refs/agentops/snapshots/{self.ref.rpartition('/')[2]}"


def locate(start: Path, environment: Mapping[str, str]) -> Project:
    """Find the project around `start`. Nothing is created.

    Raises:
        ConfigError: a setting cannot be used, or `start` is not a folder.
    """
    if not start.is_dir():
        raise ConfigError(f"{start} is not a folder.", remedy="Give the folder of a project.")
    start = start.resolve()
    repository = discover(start)
    name = environment.get(Variable.LEDGER, "")
    if name and (name in _TAKEN or not _LEDGER_NAME.fullmatch(name)):
        raise ConfigError(
            f"{Variable.LEDGER}={name!r} is not a ledger's name.",
            remedy="Use lower-case letters, digits and hyphens, another word than remotes or snapshots, or unset it.",
        )
    if override := environment.get(Variable.DATA_DIR):
        data_dir = _without_tilde(override).absolute()
    elif repository:
        data_dir = repository.common_dir / "agentops"
    else:
        data_dir = start / ".agentops"
    if name:
        data_dir = data_dir / "ledgers" / name
    root = (repository.worktree or repository.git_dir) if repository else start
    return Project(root, repository, data_dir, f"refs/agentops/{name or 'ledger'}")


def _without_tilde(override: str) -> Path:
    try:
        return Path(override).expanduser()
    except RuntimeError as error:  # nobody of that name
        raise ConfigError(
            f"{Variable.DATA_DIR}={override!r} is not a folder's path.", remedy="Give its whole path, or unset it."
        ) from error


def schema_name(project: Project, configured: str | None, git: Git | None) -> str:
    """The PostgreSQL schema of this project: by its configured name, else by its first commit.

    Raises:
        ConfigError: neither is there, so two machines could not know that they mean the same project.
    """
    suffix = "" if project.ref.endswith("/ledger") else f"_{project.ref.rsplit('/', 1)[1].replace('-', '_')}"
    if configured:
        return f"agentops_{configured.replace('-', '_')}{suffix}"
    return f"agentops_{hashlib.sha256(_first_commit(project, git).encode()).hexdigest()[:16]}{suffix}"


def _first_commit(project: Project, git: Git | None) -> str:
    remedy = 'Set name = "…" under [project] in .agentops/config.toml.'
    if git is None or project.repository is None:
        raise ConfigError("A shared database needs a name for a project outside git.", remedy=remedy)
    if (project.repository.common_dir / "shallow").exists():
        raise ConfigError("A shared database needs a name for a project whose clone is shallow.", remedy=remedy)
    try:
        roots = git.run("rev-list", "--max-parents=0", "HEAD").decode().split()
    except GitError as error:
        raise ConfigError("A shared database needs a name for a project without commits.", remedy=remedy) from error
    return min(roots)


def database_url(environment: Mapping[str, str]) -> str | None:
    """The PostgreSQL server of `AGENTOPS_DATABASE_URL`, or None for the embedded database.

    Raises:
        ConfigError: it names another kind of database.
    """
    url = environment.get(Variable.DATABASE_URL) or None
    if url is not None and not url.startswith(("postgresql://", "postgres://")):
        raise ConfigError(
            f"{Variable.DATABASE_URL} does not start with postgresql://.",
            remedy="Use postgresql://user@host/database, or unset it for the embedded SQLite database.",
        )
    return url


def current_user() -> str:
    """The OS account this process runs as."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):  # Windows, or a container's account without a name
        return os.environ.get("USERNAME") or os.environ.get("USER") or "unknown"
