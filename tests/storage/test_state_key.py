"""One key for a project on a machine: made once, this person's alone, and the same in every process."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentops_mcp.core.errors import StorageError
from agentops_mcp.storage.state_key import NAME, kept_key, read_key

ASK = """
import sys
from pathlib import Path
from agentops_mcp.storage.state_key import kept_key

sys.stdin.read(1)
print(kept_key(Path(sys.argv[1])).hex())
"""

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    assert read_key(tmp_path) is None
    made = kept_key(tmp_path)
    assert len(made) == 32
    assert (read_key(tmp_path), kept_key(tmp_path)) == (made, made)


def test_two_projects_have_two_keys(tmp_path: Path) -> None:
    assert kept_key(tmp_path / "one") != kept_key(tmp_path / "two")


def test_looking_for_a_key_creates_nothing(tmp_path: Path) -> None:
    read_key(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []


@posix_only
def test_only_its_person_can_read_the_key(tmp_path: Path) -> None:
    kept_key(tmp_path)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@posix_only
def test_a_key_that_others_could_read_is_replaced(tmp_path: Path) -> None:
    exposed = kept_key(tmp_path)
    (tmp_path / NAME).chmod(0o640)
    assert read_key(tmp_path) is None
    assert kept_key(tmp_path) != exposed
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_key_in_a_copied_folder_is_replaced(tmp_path: Path) -> None:
    known_elsewhere = kept_key(tmp_path / "here")
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    assert kept_key(tmp_path / "copy") != known_elsewhere
    assert kept_key(tmp_path / "here") == known_elsewhere


@posix_only
def test_a_link_to_a_key_is_no_key(tmp_path: Path) -> None:
    elsewhere = kept_key(tmp_path / "elsewhere")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / NAME).symlink_to(tmp_path / "elsewhere" / NAME)
    assert kept_key(tmp_path / "here") != elsewhere
    assert read_key(tmp_path / "elsewhere") == elsewhere


SPOILED: dict[str, str | dict[str, object]] = {
    "empty": "",
    "cut": '{"self": [1, 2], "key": "ab',
    "no object": "[1, 2]",
    "deep": "[" * 900,
    "too short": {"key": "ab" * 16},
    "no hex": {"key": "x" * 64},
    "no text": {"key": 7},
    "another file's": {"self": [1, 2]},
    "huge": {"more": "x" * 2_000},
}


@pytest.mark.parametrize("spoilt", SPOILED.values(), ids=[*SPOILED])
def test_a_spoilt_key_is_replaced(tmp_path: Path, spoilt: str | dict[str, object]) -> None:
    kept_key(tmp_path)
    file = tmp_path / NAME
    whole = json.loads(file.read_text("ascii"))
    text = spoilt if isinstance(spoilt, str) else json.dumps(whole | spoilt)
    file.write_text(text, encoding="ascii")  # in place: the inode stays
    assert read_key(tmp_path) is None
    assert kept_key(tmp_path) == read_key(tmp_path)


def test_what_a_dead_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".{NAME}-{os.getpid()}.tmp").write_text("half a key", encoding="ascii")
    assert kept_key(tmp_path) == read_key(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {NAME, f"{NAME}.lock"}


def test_processes_that_ask_at_once_agree_on_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ASK, str(tmp_path / "data")]
    asking = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for process in asking:  # all are up when the first is let go
        assert process.stdin is not None
        process.stdin.write("g")
        process.stdin.flush()
    keys = {process.communicate()[0] for process in asking}
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 64


def test_a_key_that_can_not_be_kept_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way", encoding="ascii")
    with pytest.raises(StorageError, match="can not be kept"):
        kept_key(tmp_path / "data")
