"""Lines that hooks leave for the ledger."""

import os
import sys
from pathlib import Path

import pytest

from agentops_mcp.storage.outcome_spool import SPOOL, leave, take


def test_outcomes_are_taken_in_order_and_once(tmp_path: Path) -> None:
    assert leave(str(tmp_path), {"n": 1})
    assert leave(str(tmp_path), {"n": 2, "text": "ü\n\u2028"})
    assert take(str(tmp_path)) == [{"n": 1}, {"n": 2, "text": "ü\n\u2028"}]
    assert take(str(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / SPOOL).write_bytes(b'{"n": 1}\n{"n": \n[2]\n\xff\n' + b"[" * 100_000 + b'\n{"n": 3}')
    assert take(str(tmp_path)) == [{"n": 1}, {"n": 3}]


def test_a_spool_that_nobody_empties_stops_growing(tmp_path: Path) -> None:
    left = 0
    while leave(str(tmp_path), {"text": "x" * 7_000}):
        left += 1
    assert (tmp_path / SPOOL).stat().st_size <= 1 << 20
    assert left > 100
    assert not leave(str(tmp_path), {"text": "x" * 10_000})
    assert len(take(str(tmp_path))) == left


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")
def test_nothing_is_written_through_a_link_and_without_a_folder_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    (tmp_path / SPOOL).symlink_to(tmp_path / "other")
    assert not leave(str(tmp_path), {"n": 1})
    assert (tmp_path / "other").read_bytes() == b""
    assert not leave(str(tmp_path / "gone"), {"n": 1})
    assert not (tmp_path / "gone").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="modes as POSIX has them")
def test_only_its_owner_reads_the_spool(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        leave(str(tmp_path), {"n": 1})
    finally:
        os.umask(before)
    assert (tmp_path / SPOOL).stat().st_mode & 0o777 == 0o600
