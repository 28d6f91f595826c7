"""Files of settings that are read again when they change, and that change nothing by being wrong."""

import os
import sys
import time
from pathlib import Path

import pytest

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.storage.settings_files import SettingsFile, person_config_file

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="pipes, and times of a change as POSIX has them")


class Reader:
    """Takes numbers, and counts how often it is asked."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, text: str) -> int:
        self.runs += 1
        if not text.isdigit():
            raise ConfigError(f"{text} is no number.", remedy="Write one.")
        return int(text)


def opened(path: Path) -> tuple[SettingsFile[int], Reader]:
    reader = Reader()
    return SettingsFile(path, convert=reader, absent=-1, broken=-2), reader


def settle(path: Path) -> None:
    """Make a file look as if it was written long ago, for a clock that can not be moved."""
    long_ago = time.time_ns() - 3_600_000_000_000
    os.utime(path, ns=(long_ago, long_ago))


def test_without_a_file_what_is_meant_for_that_holds(tmp_path: Path) -> None:
    file, _ = opened(tmp_path / "config.toml")
    assert (file.value(), file.problem()) == (-1, "")


def test_a_file_is_heard_when_it_appears_changes_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    file, _ = opened(path)
    said = [file.value()]
    for text in ("1", "2"):  # as long as each other, and perhaps within one tick of the file system's clock
        path.write_text(text, encoding="utf-8")
        said.append(file.value())
    path.unlink()
    assert [*said, file.value()] == [-1, 1, 2, -1]


def test_a_wrong_text_keeps_what_the_file_last_said_rightly_and_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("7", encoding="utf-8")
    file, _ = opened(path)
    assert file.value() == 7
    path.write_text("x", encoding="utf-8")
    assert (file.value(), file.problem()) == (7, "x is no number.")
    path.write_text("8", encoding="utf-8")
    assert (file.value(), file.problem()) == (8, "")


def test_a_file_that_was_never_right_counts_as_broken(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("x", encoding="utf-8")
    assert opened(path)[0].value() == -2


@pytest.mark.parametrize(
    ("content", "said"), [(b"\xff", "it is not UTF-8"), (b"1" * (1 << 19), "more than")], ids=["bytes", "size"]
)
def test_what_is_no_text_of_settings_is_reported(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    file, _ = opened(path)
    assert file.value() == -2
    assert said in file.problem()


@posix_only
def test_a_pipe_in_the_place_of_the_file_does_not_hold_anybody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    file, _ = opened(tmp_path / "config.toml")
    assert file.value() == -2
    assert "no plain file" in file.problem()


@posix_only
def test_a_file_that_stays_as_it_is_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text("7", encoding="utf-8")
    monkeypatch.setattr("agentops_mcp.storage.settings_files._SETTLED_AFTER_NS", -60_000_000_000)
    file, reader = opened(path)
    assert [file.value() for _ in range(5)] == [7] * 5
    assert reader.runs == 1


def test_a_file_of_this_very_moment_is_read_again_though_it_looks_the_same(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("7", encoding="utf-8")
    file, reader = opened(path)
    assert (file.value(), file.value(), reader.runs) == (7, 7, 2)


def test_an_old_time_put_on_a_changed_file_does_not_hide_the_change(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("7", encoding="utf-8")
    settle(path)
    file, _ = opened(path)
    assert file.value() == 7
    path.write_text("8", encoding="utf-8")
    settle(path)
    assert file.value() == 8


def test_a_persons_own_file_is_beside_their_policy(own_home: Path) -> None:
    folder = own_home / "AppData" / "Roaming" if sys.platform == "win32" else own_home / ".config"
    assert person_config_file({}) == folder / "agentops" / "config.toml"


@posix_only
def test_the_configuration_folder_can_be_another(tmp_path: Path) -> None:
    assert person_config_file({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "agentops" / "config.toml"
