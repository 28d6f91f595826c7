"""Changes of many kinds to a clone of a real project, each with the verdict that resuming must give for it.

Every change has a file of its own with content of its own, so that no change can be taken for another.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from conftest import git

ROOT = Path(__file__).parents[2]

Act = Callable[[Path], object]


def nothing(_: Path) -> None:
    """Leave it as it is."""


@dataclass(frozen=True, slots=True)
class Change:
    """A cited path, what stands there when the state is saved, what happens to it later, and the verdict.

    `before` and `committed` are committed, `after` is left uncommitted. `cited` is how an agent names the path;
    `shown` how the server does.
    """

    name: str
    cited: str
    verdict: str
    before: Act = nothing
    committed: Act = nothing
    after: Act = nothing
    untracked: Act = nothing
    shown: str = ""


def text_of(name: str, *, lines: int = 30) -> str:
    """Text no other file has."""
    return "".join(f"{name} {hashlib.sha256(f'{name}{n}'.encode()).hexdigest()}\n" for n in range(lines))


def path_of(project: Path, name: str) -> Path:
    path = project / "seeds" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(name: str, content: str | None = None) -> Act:
    return lambda project: path_of(project, name).write_bytes((content or text_of(name)).encode())


def append(name: str, line: str = "one more line\n") -> Act:
    def act(project: Path) -> None:
        with path_of(project, name).open("ab") as file:
            file.write(line.encode())

    return act


def delete(name: str) -> Act:
    return lambda project: path_of(project, name).unlink()


def rename(name: str, new: str) -> Act:
    return lambda project: path_of(project, name).rename(path_of(project, new))


def several(*acts: Act) -> Act:
    def act(project: Path) -> None:
        for each in acts:
            each(project)

    return act


def as_crlf(name: str) -> Act:
    def act(project: Path) -> None:
        path = path_of(project, name)
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    return act


def link(name: str, target: str) -> Act:
    def act(project: Path) -> None:
        path = path_of(project, name)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return act


def into_directory(name: str) -> Act:
    def act(project: Path) -> None:
        path = path_of(project, name)
        path.unlink()
        write(f"{name}/inside.txt")(project)

    return act


def touch(project: Path) -> None:
    os.utime(path_of(project, "touched.txt"), (1, 1))


def executable(project: Path) -> None:
    path_of(project, "mode.sh").chmod(0o755)


def stage_rename(project: Path) -> None:
    git(project, "mv", "seeds/staged.txt", "seeds/staged-moved.txt")


def move_submodule(project: Path) -> None:
    inner = project / "modules" / "moved"
    (inner / "more.txt").write_text("more\n", encoding="utf-8")
    git(inner, "add", ".")
    git(inner, "commit", "--quiet", "--message", "more")


def non_utf8(stem: str) -> str:
    return os.fsdecode(f"caf{stem}".encode() + b"\xe9.txt")


CHANGES = (
    Change("untouched", "seeds/same.txt", "FRESH", before=write("same.txt")),
    Change("touched", "seeds/touched.txt", "FRESH", before=write("touched.txt"), after=touch),
    Change("mode", "seeds/mode.sh", "FRESH", before=write("mode.sh"), committed=executable),
    Change("changed in a commit", "seeds/edited.txt", "STALE: seeds/edited.txt changed",
           before=write("edited.txt"), committed=append("edited.txt")),
    Change("changed in the worktree", "seeds/dirty.txt", "STALE: seeds/dirty.txt changed",
           before=write("dirty.txt"), after=append("dirty.txt")),
    Change("binary changed", "seeds/picture.bin", "STALE: seeds/picture.bin changed",
           before=write("picture.bin", "\0\1\2 picture"), committed=write("picture.bin", "\0\1\2 other")),
    Change("changed and put back", "seeds/back.txt", "FRESH",
           before=write("back.txt"), committed=append("back.txt"), after=write("back.txt")),
    Change("deleted and put back", "seeds/again.txt", "FRESH",
           before=write("again.txt"), committed=delete("again.txt"), after=write("again.txt")),
    Change("deleted in a commit", "seeds/gone.txt", "STALE: seeds/gone.txt deleted",
           before=write("gone.txt"), committed=delete("gone.txt")),
    Change("deleted in the worktree", "seeds/lost.txt", "STALE: seeds/lost.txt deleted",
           before=write("lost.txt"), after=delete("lost.txt")),
    Change("renamed in a commit", "seeds/old.txt", "STALE: seeds/old.txt renamed to seeds/new.txt, content unchanged",
           before=write("old.txt"), committed=rename("old.txt", "new.txt")),
    Change("renamed and changed", "seeds/was.txt", "STALE: seeds/was.txt renamed to seeds/is.txt and changed",
           before=write("was.txt"), committed=several(rename("was.txt", "is.txt"), append("is.txt"))),
    Change("renamed in a commit, changed in the worktree", "seeds/first.txt",
           "STALE: seeds/first.txt renamed to seeds/second.txt and changed",
           before=write("first.txt"), committed=rename("first.txt", "second.txt"), after=append("second.txt")),
    Change("renamed by git mv", "seeds/staged.txt",
           "STALE: seeds/staged.txt renamed to seeds/staged-moved.txt, content unchanged",
           before=write("staged.txt"), after=stage_rename),
    Change("renamed by mv", "seeds/plain.txt",
           "STALE: seeds/plain.txt renamed to seeds/plain-moved.txt, content unchanged",
           before=write("plain.txt"), after=rename("plain.txt", "plain-moved.txt")),
    Change("replaced by a directory", "seeds/folder", "STALE: seeds/folder deleted",
           before=write("folder"), committed=into_directory("folder")),
    Change("line ends git converts", "seeds/auto.eol", "FRESH", before=write("auto.eol"), after=as_crlf("auto.eol")),
    Change("line ends git keeps", "seeds/kept.raw", "STALE: seeds/kept.raw changed",
           before=write("kept.raw"), after=as_crlf("kept.raw")),
    Change("Windows line ends, untouched", "seeds/windows.raw", "FRESH",
           before=several(write("windows.raw"), as_crlf("windows.raw"))),
    Change("non-UTF-8 name, untouched", r"seeds/cafa\udce9.txt", "FRESH", before=write(non_utf8("a"), "a latin name")),
    Change("non-UTF-8 name, changed", r"seeds/cafb\udce9.txt", r"STALE: seeds/cafb\udce9.txt changed",
           before=write(non_utf8("b"), "b latin name"), committed=append(non_utf8("b"))),
    Change("name quoted by git", '"seeds/caf\\303\\251.txt"', "STALE: seeds/café.txt deleted",
           before=write("café.txt"), committed=delete("café.txt"), shown="seeds/café.txt"),
    Change("name with spaces", "seeds/two words.txt", "STALE: seeds/two words.txt changed",
           before=write("two words.txt"), committed=append("two words.txt")),
    Change("link, untouched", "seeds/link-same", "FRESH",
           before=several(write("target-same.txt"), link("link-same", "target-same.txt"))),
    Change("link retargeted", "seeds/link-moved", "STALE: seeds/link-moved changed",
           before=several(write("target-a.txt"), write("target-b.txt"), link("link-moved", "target-a.txt")),
           committed=link("link-moved", "target-b.txt")),
    Change("the target of a link changed", "seeds/link-through", "STALE: seeds/target-c.txt changed",
           before=several(write("target-c.txt"), link("link-through", "target-c.txt")),
           committed=append("target-c.txt")),
    Change("submodule, untouched", "modules/still", "FRESH"),
    Change("submodule moved", "modules/moved", "STALE: modules/moved changed", after=move_submodule),
    Change("not in the sparse checkout, unchanged", "sparse/same.txt", "FRESH"),
    Change("not in the sparse checkout, changed", "sparse/edited.txt", "STALE: sparse/edited.txt changed"),
    Change("untracked, committed later", "seeds/untracked.txt", "FRESH", untracked=write("untracked.txt")),
    Change("untracked, deleted later", "seeds/scratch.txt", "STALE: seeds/scratch.txt deleted",
           untracked=write("scratch.txt"), committed=delete("scratch.txt")),
    Change("untracked, committed elsewhere", "seeds/draft.txt",
           "STALE: seeds/draft.txt renamed to seeds/final.txt, content unchanged",
           untracked=write("draft.txt"), committed=rename("draft.txt", "final.txt")),
    Change("missing, made later", "seeds/planned.txt", "STALE: seeds/planned.txt did not exist, and does now",
           committed=write("planned.txt")),
    Change("missing still", "seeds/never.txt", "UNVERIFIABLE: seeds/never.txt never existed"),
)  # fmt: skip


@dataclass(slots=True)
class Seeded:
    """A clone with something at every cited path, and the commits a state can cite."""

    project: Path
    commits: dict[str, str] = field(default_factory=dict[str, str])

    def move_on(self) -> None:
        """Do everything the table says, a rebase, a branch switch and a deleted branch besides."""
        project = self.project
        git(project, "stash", "--quiet", "--include-untracked")
        git(project, "branch", "kept", self.commits["on a branch"])
        git(project, "switch", "--quiet", "main")
        (project / "base.txt").write_text("the ground moved\n", encoding="utf-8")
        commit(project, "move the ground")
        git(project, "rebase", "--quiet", "main", "feature")
        git(project, "stash", "pop", "--quiet")
        git(project, "switch", "--quiet", "--create", "next")
        git(project, "branch", "--quiet", "--delete", "--force", "feature")
        for change in CHANGES:
            change.committed(project)
        (project / "settings.ini").write_text("retries = 5\nwindow = 30\n# 3 was too few\n", encoding="utf-8")
        (project / "sparse" / "edited.txt").write_text("edited\n", encoding="utf-8")
        commit(project, "everything changes")
        git(project, "reflog", "expire", "--expire=now", "--all")
        git(project, "gc", "--quiet", "--prune=now")
        git(project, "sparse-checkout", "set", "--no-cone", "/*", "!/sparse/")
        for change in CHANGES:
            change.after(project)


def seeded(place: Path) -> Seeded:
    """A clone of this project, prepared for every change, with a feature branch checked out and work uncommitted."""
    project = clone_of_this_project(place / "project")
    for name in ("still", "moved"):
        inner = place / name
        inner.mkdir()
        git(inner, "init", "--quiet", "--initial-branch=main")
        (inner / "inner.txt").write_text(f"{name}\n", encoding="utf-8")
        commit(inner, "first")
        git(project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"{inner}", f"modules/{name}")
    attributes = "*.eol text=auto\n*.raw -text\n*.bin binary\n*.txt -text\n"
    (project / ".gitattributes").write_text(attributes, encoding="utf-8")
    (project / "sparse").mkdir()
    for name in ("same", "edited"):
        (project / "sparse" / f"{name}.txt").write_text(text_of(f"sparse {name}"), encoding="utf-8")
    (project / "settings.ini").write_text("retries = 3\nwindow = 30\n", encoding="utf-8")
    for change in CHANGES:
        change.before(project)
    found = Seeded(project)
    found.commits["in history"] = commit(project, "seed")
    git(project, "switch", "--quiet", "--create", "feature")
    for name in ("on a branch", "rewritten"):
        (project / f"{name.replace(' ', '-')}.txt").write_text(text_of(name), encoding="utf-8")
        found.commits[name] = commit(project, name)
    (project / "amended.txt").write_text("once\n", encoding="utf-8")
    found.commits["pruned"] = commit(project, "to be amended")
    git(project, "commit", "--quiet", "--amend", "--message", "amended")
    for change in CHANGES:
        change.untracked(project)
    return found


def clone_of_this_project(path: Path) -> Path:
    """A clone of this project's repository; from an archive of it, a repository of its sources."""
    if (ROOT / ".git").exists():
        git(ROOT, "clone", "--quiet", "--no-hardlinks", f"{ROOT}", f"{path}")
        git(path, "switch", "--quiet", "--force-create", "main")
        return path
    for folder in ("src", "docs", "tests"):
        shutil.copytree(ROOT / folder, path / folder, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, "first")
    return path


def commit(project: Path, message: str) -> str:
    """Commit everything and return the commit."""
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", message)
    return git(project, "rev-parse", "HEAD")
