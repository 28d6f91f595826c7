"""Which files a patch touches: unified diffs, git's own, and the envelope of `apply_patch`."""

from typing import NamedTuple


class Touched(NamedTuple):
    """Paths as the patch names them, each once."""

    written: tuple[str, ...]
    deleted: tuple[str, ...]


_ENVELOPE = {
    "*** Add File: ": "written",
    "*** Update File: ": "written",
    "*** Move to: ": "written",
    "*** Delete File: ": "deleted",
}


def touched(diff: str) -> Touched:
    """The files that are written or deleted when `diff` is applied."""
    written: dict[str, None] = {}
    deleted: dict[str, None] = {}
    before = ""
    for line in diff.splitlines():
        for prefix, what in _ENVELOPE.items():
            if line.startswith(prefix):
                (written if what == "written" else deleted)[line[len(prefix) :].strip()] = None
        if line.startswith("--- "):
            before = _path(line[4:])
        elif line.startswith("+++ "):
            after = _path(line[4:])
            if after:
                written[after] = None
            elif before:
                deleted[before] = None
        elif line.startswith("rename from "):
            deleted[line.removeprefix("rename from ").strip()] = None
        elif line.startswith("rename to "):
            written[line.removeprefix("rename to ").strip()] = None
    return Touched(tuple(written), tuple(deleted))


def _path(named: str) -> str:
    """A path from a `---` or `+++` line, without its time and git's `a/` or `b/`; empty for `/dev/null`."""
    path = named.split("\t", 1)[0].strip().strip('"')
    if path == "/dev/null":
        return ""
    return path[2:] if path.startswith(("a/", "b/")) else path
