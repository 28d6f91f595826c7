"""Uncommitted work for tests: made, kept as a snapshot, thrown away, and compared byte for byte."""

import hashlib
import os
import subprocess
from pathlib import Path

from agentops_mcp.storage.git import Git
from agentops_mcp.storage.repository import Repository, discover
from agentops_mcp.storage.restore import Restorer
from agentops_mcp.storage.snapshots import Snapshot, Snapshots
from conftest import git

PREFIX = "refs/agentops/snapshots/ledger"


def repository_at(path: Path) -> Repository:
    found = discover(path)
    assert found is not None
    return found


def take(path: Path, name: str = "one", previous: str | None = None) -> Snapshot:
    found = repository_at(path)
    excluded = found.common_dir / "agentops"
    return Snapshots(found, Git(found), prefix=PREFIX, excluded=excluded).take(name, previous=previous)


def restorer(path: Path) -> Restorer:
    found = repository_at(path)
    return Restorer(found, Git(found))


def kept(snapshot: Snapshot) -> str:
    assert snapshot.commit is not None
    return snapshot.commit


def tree(path: Path) -> dict[str, tuple[str, bytes]]:
    """Every file and link of a worktree with its mode and bytes."""
    found: dict[str, tuple[str, bytes]] = {}
    for folder, _, names in os.walk(path):
        if ".git" in Path(folder).relative_to(path).parts:
            continue
        for name in names:
            place = Path(folder) / name
            mode = place.lstat().st_mode
            content = os.fsencode(place.readlink()) if place.is_symlink() else place.read_bytes()
            found[os.fsencode(place.relative_to(path)).decode("latin-1")] = (oct(mode & 0o170111), content)
    return {name: found[name] for name in sorted(found) if name != ".git"}


def status(path: Path) -> bytes:
    command = ["git", "--no-optional-locks", "status", "--porcelain=v2", "--untracked-files=all", "-z"]
    return subprocess.run(command, cwd=path, check=True, capture_output=True).stdout


def untouched(path: Path) -> dict[str, object]:
    """What taking a snapshot must not change."""
    found = repository_at(path)
    index, log = found.git_dir / "index", found.git_dir / "logs" / "HEAD"
    refs = [line for line in git(path, "for-each-ref").splitlines() if PREFIX not in line]
    return {
        "head": (found.git_dir / "HEAD").read_bytes(),
        "index": hashlib.sha256(index.read_bytes()).hexdigest() if index.exists() else "",
        "log": log.read_bytes() if log.exists() else b"",
        "refs": refs,
        "tree": tree(path),
        "status": status(path),
    }


def clear(path: Path) -> None:
    """Throw away everything uncommitted."""
    git(path, "reset", "--quiet", "--hard")
    git(path, "clean", "--quiet", "--force", "--force", "-d")


def commit(path: Path, message: str = "more") -> None:
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", message)


def edited(path: Path) -> None:
    (path / "app.py").write_text("print('changed')\n", encoding="utf-8")


def staged_and_edited(path: Path) -> None:
    (path / "app.py").write_text("print('staged')\n", encoding="utf-8")
    git(path, "add", "app.py")
    edited(path)
