"""What is at a path says whether it changed, and looking never harms, waits or shows a secret."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from agentops_mcp.storage import touched
from agentops_mcp.storage.machine import Place
from agentops_mcp.storage.touched import ABSENT, of_the_guard, states, text_of

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="pipes, links and modes of POSIX")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.py").write_text("one", encoding="utf-8")
    (tmp_path / "sub" / "b.py").write_text("two", encoding="utf-8")
    return tmp_path


def state(path: Path | str, *, unread: Sequence[str] = (), secret: Sequence[str] = ()) -> str:
    return states([str(path)], unread=unread, secret=secret)[str(path)]


def test_a_file_is_known_by_what_it_holds(folder: Path) -> None:
    assert state(folder / "a.py") == f"sha256:{hashlib.sha256(b'one').hexdigest()}"


def test_what_is_not_there_is_absent(folder: Path) -> None:
    assert [state(folder / each) for each in ("none", "a.py/below", "no*")] == [ABSENT] * 3


def write(path: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).write_text(text, encoding="utf-8")


def delete(folder: Path) -> None:
    (folder / "sub" / "b.py").unlink()


def rename(folder: Path) -> None:
    (folder / "sub" / "b.py").rename(folder / "sub" / "c.py")


def deepen(folder: Path) -> None:
    (folder / "sub" / "deep").mkdir()


@pytest.mark.parametrize(
    ("looked_at", "change"),
    [
        ("a.py", write("a.py", "two")),
        ("new.py", write("new.py", "")),
        ("sub", write("sub/b.py", "longer")),
        ("sub", write("sub/new", "")),
        ("sub", delete),
        ("sub", rename),
        ("sub", deepen),
        ("*.py", write("new.py", "")),
        ("*.py", write("a.py", "longer")),
        ("s*/*.py", write("sub/c.py", "")),
    ],
)
def test_a_change_shows(looked_at: str, change: Callable[[Path], object], folder: Path) -> None:
    before = state(folder / looked_at)
    change(folder)
    assert state(folder / looked_at) != before


@pytest.mark.parametrize(
    ("looked_at", "change"),
    [
        ("a.py", write("sub/b.py", "else")),
        ("sub", write("a.py", "else")),
        ("*.py", write("sub/new.py", "")),
        ("*.py", write(".hidden.py", "")),
        (".", write("node_modules/x", "")),
        (".", write("kept/db", "other")),
    ],
)
def test_work_elsewhere_does_not_show(looked_at: str, change: Callable[[Path], object], folder: Path) -> None:
    for each in ("node_modules", "kept"):
        (folder / each).mkdir()
    (folder / "kept" / "db").write_text("some", encoding="utf-8")
    path = os.path.normpath(folder / looked_at)
    before = state(path, unread=[str(folder / "kept")])
    change(folder)
    assert state(path, unread=[str(folder / "kept")]) == before


def test_what_the_guard_keeps_is_not_read(folder: Path) -> None:
    for path in (folder / "sub", folder / "sub" / "b.py"):
        assert state(path, unread=[str(folder / "sub")]) == "kept by the guard, not read"


def test_the_guard_keeps_its_data_and_in_git_its_mirror(folder: Path) -> None:
    place = Place(str(folder), str(folder / "data"), str(folder / ".git"), worktree=True)
    kept = [os.path.relpath(each, folder).replace("\\", "/") for each in of_the_guard(place)]
    assert kept[:4] == ["data", ".git/agentops", ".git/objects", ".git/refs/agentops"]
    assert of_the_guard(place._replace(common_dir="")) == [place.data_dir]


@pytest.mark.parametrize("name", [".env", "id_ed25519", "service-account.json"])
def test_of_a_secret_there_is_no_digest(name: str, folder: Path) -> None:
    (folder / name).write_text("one", encoding="utf-8")
    assert state(folder / name).startswith("3 bytes, changed ")
    assert state(folder / "a.py", secret=[str(folder / "a.py")]).startswith("3 bytes, changed ")


def test_a_large_file_is_known_by_size_and_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "HASHED_BYTES", 2)
    assert state(folder / "a.py").startswith("3 bytes, changed ")


def test_after_many_bytes_the_rest_is_known_by_size_and_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "READ_BYTES", 5)
    first, second = states([str(folder / "a.py"), str(folder / "sub" / "b.py")]).values()
    assert (first[:7], second[:8]) == ("sha256:", "3 bytes,")


def test_a_folder_with_too_much_in_it_says_that_it_was_cut(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(touched, "MOST_ENTRIES", 2)
    cut = state(folder)
    assert cut.startswith("folder, the first 2 inside: sha256:")
    assert state(folder / "*").startswith("2 fit: sha256:")
    (folder / "z").write_text("", encoding="utf-8")
    assert state(folder) == cut
    assert state(folder / "*").startswith("more than 2 fit: sha256:")


def test_without_time_nothing_is_read_whole(folder: Path) -> None:
    found = states([str(folder / each) for each in ("a.py", "sub", "*.py")], patience_s=-1)
    assert [text.split(" ")[1] for text in found.values()] == ["bytes,", "not", "than"]


@POSIX
def test_a_link_is_known_by_its_target_and_what_that_holds(folder: Path) -> None:
    link = folder / "link"
    link.symlink_to("a.py")
    before = state(link)
    assert before.startswith("link to a.py: sha256:")
    (folder / "a.py").write_text("two", encoding="utf-8")
    other = state(link)
    link.unlink()
    link.symlink_to("sub/b.py")
    assert len({before, other, state(link)}) == 3


@POSIX
def test_a_folder_that_becomes_a_link_shows(folder: Path) -> None:
    (folder / "twin").mkdir()
    (folder / "twin" / "b.py").write_text("two", encoding="utf-8")
    before = state(folder / "sub" / "b.py")
    (folder / "sub").rename(folder / "was")
    (folder / "sub").symlink_to("twin")
    assert state(folder / "sub" / "b.py") == f"at {folder}/twin/b.py: {before}"


@POSIX
@pytest.mark.parametrize("target", ["loop", "gone", "/proc/self/mem"])
def test_a_link_that_leads_nowhere_does_no_harm(target: str, folder: Path) -> None:
    (folder / "loop").symlink_to(target)
    assert state(folder / "loop").startswith(f"link to {target}: ")


@POSIX
def test_pipes_and_devices_are_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    started = time.monotonic()
    assert [state(folder / "pipe"), state("/dev/zero")] == ["neither file nor folder, not opened"] * 2
    assert text_of(str(folder / "pipe"), limit=10) is None
    assert state(folder).startswith("folder, 4 inside")
    assert time.monotonic() - started < touched.PATIENCE_S


@POSIX
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_said_to_be_so(folder: Path) -> None:
    (folder / "a.py").chmod(0)
    assert state(folder / "a.py") == "not readable"


@pytest.mark.parametrize("path", ["/a\0b", "/\udcff\ud800", "/" + "x" * 5_000, "", "[", "/*/[!"])
def test_no_path_raises(path: str) -> None:
    assert state(path) in ("not readable", ABSENT)


def test_the_text_of_a_file_is_read_within_its_limit(folder: Path) -> None:
    (folder / "bytes").write_bytes(b"\xff\xfe")
    (folder / "nul").write_bytes(b"a\0b")
    (folder / ".env").write_text("A=1", encoding="utf-8")
    assert text_of(str(folder / "a.py"), limit=3) == "one"
    for name, limit in (("a.py", 2), ("bytes", 9), ("nul", 9), (".env", 9), ("sub", 9), ("none", 9), ("\0", 9)):
        assert text_of(str(folder / name), limit=limit) is None


@POSIX
def test_a_link_to_a_secret_shows_no_text(folder: Path) -> None:
    (folder / ".env").write_text("A=1", encoding="utf-8")
    (folder / "plain").symlink_to(".env")
    assert text_of(str(folder / "plain"), limit=9) is None
    assert state(folder / "plain").startswith("link to .env: 3 bytes, changed ")
