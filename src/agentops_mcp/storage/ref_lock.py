"""Git's lock on one ref, taken without making and deleting a file each time."""

import os
import stat
import time
from pathlib import Path

_STALE_S = 60.0


class RefLock:
    """The file `<ref>.lock`: whoever creates it may replace the ref by renaming it.

    Two spare files take turns as lock and ref, each also kept under a name of its own, so that a move neither
    allocates nor frees an inode: ext4 gives freed inodes out again only after seconds, and until then every
    creation of a file steps over all of them. Callers must exclude each other among our own processes.
    """

    def __init__(self, common_dir: str, ref: str) -> None:
        self.ref = Path(common_dir, ref)
        self.path = Path(common_dir, ref + ".lock")
        name = ref.rpartition("/")[2]
        self._spares = tuple(Path(common_dir, "agentops", f"{name}.ref-{letter}") for letter in "ab")

    def take(self) -> int | None:
        """Create the lock and open it for writing; None while another program holds it.

        Raises:
            OSError: it can not be created.
        """
        held = _inode(self.path)
        if held is not None and held in [_inode(spare) for spare in self._spares]:
            self.path.unlink(missing_ok=True)  # one of ours was killed while it held the lock
        for _ in range(5):
            try:
                return self._create()
            except FileNotFoundError:  # git removes the directories of refs it has packed
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except FileExistsError:
                if not self._is_stale():
                    return None
                self.path.unlink(missing_ok=True)
        return None

    def _create(self) -> int:
        spare = self._spare()
        if spare is not None:
            try:
                self.path.hardlink_to(spare)
            except (FileExistsError, FileNotFoundError):
                raise
            except OSError:  # a file system without links
                spare.unlink(missing_ok=True)
            else:
                return os.open(self.path, os.O_WRONLY)
        return os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)

    def _spare(self) -> Path | None:
        """The spare that is not the ref now, made when missing; None where there can be none."""
        in_use = _inode(self.ref)
        for spare in self._spares:
            found = _inode(spare)
            if found is not None and found == in_use:
                continue
            try:
                # A spare with yet another name is part of somebody's snapshot, which must keep its content.
                if found is None or spare.lstat().st_nlink != 1:
                    spare.unlink(missing_ok=True)
                    spare.parent.mkdir(parents=True, exist_ok=True)
                    os.close(os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            except OSError:
                return None
            return spare
        return None

    def _is_stale(self) -> bool:
        """Whether the holder must be gone: git keeps this lock for milliseconds."""
        try:
            found = self.path.lstat()
        except OSError:
            return False
        return time.time() - max(found.st_mtime, found.st_ctime) > _STALE_S


def _inode(path: Path) -> int | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino if stat.S_ISREG(found.st_mode) else None
