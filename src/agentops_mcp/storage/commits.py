"""Adding files to a ref as a commit, without a worktree or an index: two ways that give the same tree."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentops_mcp.storage.git import Git, Repository, failure
from agentops_mcp.storage.objects import Objects, Tree
from agentops_mcp.storage.refs import Refs

AUTHOR = b"agentops-mcp <agentops-mcp@localhost>"
_IMPORT_TIMEOUT_S = 120.0

Content = bytes | str
"""A new file's bytes, or the id of a blob that the repository already has."""


@dataclass(frozen=True, slots=True)
class Change:
    """A commit to make: the files of `base`, plus `files`; `merged` becomes a parent, its files do not come along.

    The ref must still be at `base` when the commit is put there (None: there must be no ref).
    """

    base: str | None
    files: Mapping[str, Content]
    message: str
    merged: str | None = None

    @property
    def parents(self) -> tuple[str, ...]:
        """The commits this one follows."""
        return tuple(parent for parent in (self.base, self.merged) if parent is not None)


class Committer(Protocol):
    """One way to put a commit on a ref."""

    def commit(self, ref: str, change: Change) -> str | None:
        """Make the change and return its commit, or None when the ref has moved and nothing was changed.

        Raises:
            GitError: the repository can not be written or is damaged.
        """
        ...


class LooseCommitter:
    """Writes loose objects and the ref in-process: for SHA-1 repositories whose refs are files."""

    def __init__(self, objects: Objects, refs: Refs) -> None:
        self._objects = objects
        self._refs = refs
        self._trees: dict[str, Tree] = {}
        self._roots: dict[str, str] = {}

    def commit(self, ref: str, change: Change) -> str | None:
        """Make the change, keeping the trees it wrote in memory for the next one."""
        known = self._trees
        self._trees = {}
        old = None if change.base is None else self._root(change.base)
        files = [(path.encode().split(b"/"), content) for path, content in change.files.items()]
        root = self._extend(old, files, known)
        oid = self._objects.write(b"commit", _commit_text(root, change))
        if not self._refs.move(ref, new=oid, expected=change.base):
            return None
        self._roots = {oid: root}
        return oid

    def _root(self, commit: str) -> str:
        if commit not in self._roots:
            text = self._objects.read(b"commit", commit)
            self._roots = {commit: text[len(b"tree ") : text.index(b"\n")].decode("ascii")}
        return self._roots[commit]

    def _extend(self, oid: str | None, files: list[tuple[list[bytes], Content]], known: dict[str, Tree]) -> str:
        """The id of a tree with `files` added at their paths; subtrees that change are written, others only named."""
        tree = Tree() if oid is None else (known.get(oid) or self._read_tree(oid)).copy()
        changed = False
        below: dict[bytes, list[tuple[list[bytes], Content]]] = {}
        for (name, *rest), content in files:
            if rest:
                below.setdefault(name, []).append((rest, content))
            else:
                changed |= tree.put(b"100644", name, self._blob(content))
        for name, inside in below.items():
            changed |= tree.put(b"40000", name, self._extend(tree.directory(name), inside, known))
        if oid is None or changed:
            oid = self._objects.write(b"tree", bytes(tree))
        self._trees[oid] = tree
        return oid

    def _blob(self, content: Content) -> str:
        return content if isinstance(content, str) else self._objects.write(b"blob", content)

    def _read_tree(self, oid: str) -> Tree:
        return Tree(self._objects.read(b"tree", oid))


class ImportCommitter:
    """Leaves it to one `git fast-import`, which knows every format of objects and refs."""

    def __init__(self, git: Git, refs: Refs) -> None:
        self._git = git
        self._refs = refs

    def commit(self, ref: str, change: Change) -> str | None:
        """Make the change; fast-import itself refuses to move a ref to anything but a descendant."""
        args = ("fast-import", "--quiet", "--date-format=raw", "--done")
        done = self._git.attempt(*args, stdin=_import_stream(ref, change), timeout_s=_IMPORT_TIMEOUT_S)
        tip = self._refs.read(ref)
        if done.status != 0 and tip == change.base:
            raise failure(args, done)
        return tip if done.status == 0 else None


class Committers:
    """Chooses the way that fits the repository, again whenever its configuration changes."""

    def __init__(self, repository: Repository, git: Git, objects: Objects, refs: Refs) -> None:
        self._git = git
        self._objects = objects
        self._refs = refs
        self._config = repository.common_dir / "config"
        self._chosen: tuple[object, Committer] | None = None

    def current(self) -> Committer:
        """The way to commit now."""
        stat = self._config.stat()
        state = (self._refs.are_files, stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if self._chosen is None or self._chosen[0] != state:
            simple = LooseCommitter(self._objects, self._refs)
            self._chosen = (state, simple if self._is_simple() else ImportCommitter(self._git, self._refs))
        return self._chosen[1]

    def _is_simple(self) -> bool:
        # In another user's repository, and in a shared one, who owns a new file and who may write it matters.
        if not (self._git.owned and self._refs.are_files):
            return False
        pattern = r"^(extensions\.objectformat|core\.sharedrepository)$"
        settings = self._git.attempt("config", "--get-regexp", pattern).stdout.decode("utf-8", "replace").lower()
        usual = ("extensions.objectformat sha1", "core.sharedrepository false", "core.sharedrepository umask")
        return all(line in usual for line in settings.splitlines())


def _commit_text(tree: str, change: Change) -> bytes:
    stamp = b"%s %d +0000" % (AUTHOR, time.time())
    lines = [b"tree " + tree.encode("ascii")]
    lines += [b"parent " + parent.encode("ascii") for parent in change.parents]
    lines += [b"author " + stamp, b"committer " + stamp, b"", change.message.encode()]
    return b"\n".join(lines)


def _import_stream(ref: str, change: Change) -> bytes:
    message = change.message.encode()
    parts = [
        b"feature done\ncommit %s\ncommitter %s %d +0000\n" % (ref.encode(), AUTHOR, time.time()),
        b"data %d\n%s\n" % (len(message), message),
    ]
    words: Sequence[bytes] = (b"from", b"merge")
    parts += [b"%s %s\n" % (word, oid.encode("ascii")) for word, oid in zip(words, change.parents, strict=False)]
    if change.base is None:
        parts.append(b"deleteall\n")
    for path, content in change.files.items():
        if isinstance(content, str):
            parts.append(b"M 100644 %s %s\n" % (content.encode("ascii"), path.encode()))
        else:
            parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    parts.append(b"done\n")
    return b"".join(parts)
