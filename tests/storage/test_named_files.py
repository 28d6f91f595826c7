"""Which files a path or a text names."""

import os
from pathlib import Path

import pytest

from agentops_mcp.core.errors import InvalidInputError
from agentops_mcp.storage.worktree import FileRef
from citing import citations, write


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("src/a b.py", "src/a b.py"), ("./src/../src/b.py:12", "src/b.py"), ("src/b.py:12-40", "src/b.py"),
        ("src/b.py:12:5", "src/b.py"), ("src/b.py#L12", "src/b.py"), ("src/b.py#L1-L9", "src/b.py"),
        ("src\\b.py", "src/b.py"), ("src\\b.py:3", "src/b.py"), ("link/b.py", "src/b.py"), ("odd:12", "odd:12"),
        (r'"caf\303\251\t.txt"', r"café\t.txt"), (r'"caf\303\251\t.txt":7', r"café\t.txt"), ("none:12", "none:12"),
        (r"café\t.txt", r"café\t.txt"), (r"..\outside", r"..\outside"), ("ab\\x00", "ab\\x00"), ('"', '"'),
    ],
)  # fmt: skip
def test_a_path_may_be_written_in_several_ways(repository: Path, asked: str, path: str) -> None:
    for name in ("src/a b.py", "src/b.py", "odd", "odd:12", "café\t.txt", "../outside"):
        write(repository, name)
    (repository / "link").symlink_to("src")
    ref = citations(repository).cite([asked])[0]
    assert ref.path == path
    assert (ref.blob is None) is not (repository / path.replace("\\t", "\t")).exists()
    assert citations(repository).cite([str(repository / asked)]) == [ref] or '"' in asked


@pytest.mark.parametrize(
    "path", ["../x", "/etc/passwd", "out/secret", "", ".", "..", "sub", "x\0y", "\ud800", "pipe", "n" * 10_000]
)
def test_a_path_that_leaves_the_project_or_is_no_file_is_refused(repository: Path, tmp_path: Path, path: str) -> None:
    write(tmp_path, "elsewhere/secret")
    write(repository, "sub/x")
    (repository / "out").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(repository / "pipe")
    work = citations(repository)
    with pytest.raises(InvalidInputError):
        work.cite([path])
    now = work.files_now([FileRef(path, "1" * 40)], head_then=None)[0]
    assert now.state == ("deleted" if path in (".", "sub") else "unreadable")
    assert work.read_text(path) is None
    assert work.targets([path]) == {}
    assert work.named_files([path], limit=5) in ([], ["pipe"])
    assert work.head_now(branch_then=path, head_then=path, files=[path]).branch_exists is False


def test_files_are_found_in_text_by_what_looks_like_a_path(repository: Path, tmp_path: Path) -> None:
    write(tmp_path, "secret.py")
    for name in ("src/a.py", "Makefile", ".env.example", "app/[id]/page.tsx", "src/data/x", "plain", "z.c"):
        write(repository, name)
    (repository / "link.py").symlink_to("src/a.py")
    work = citations(repository)
    found = {
        "fix `src/a.py:12`, then (app.py).": ["src/a.py", "app.py"],
        "the Makefile's first rule; Dockerfile": ["Makefile"],
        "**link.py** and app/[id]/page.tsx#L3": ["link.py", "app/[id]/page.tsx"],
        f"{repository}/src/a.py ./src/../app.py src\\data\\x": ["src/a.py", "app.py", "src/data/x"],
        "../secret.py /etc/passwd src src/ plain e.g. https://example.org/app.py ~/x -rf": [],
        ".env.example z.c": [".env.example", "z.c"],
    }
    assert {text: work.named_files([text], limit=9) for text in found} == found
    assert work.named_files(["app.py src/a.py", "link.py"], limit=2) == ["app.py", "src/a.py"]


def test_text_is_read_from_the_project_alone(repository: Path, tmp_path: Path) -> None:
    (repository / "bom.txt").write_bytes(b"\xef\xbb\xbfcaf\xe9\n")
    (repository / "binary").write_bytes(b"a\0b")
    write(tmp_path, "secret")
    (repository / "out").symlink_to("../secret")
    (repository / "in").symlink_to("app.py")
    (repository / "loop").symlink_to("loop")
    os.mkfifo(repository / "pipe")
    work = citations(repository)
    assert work.read_text("app.py:1") == work.read_text("in") == "print('hello')\n"
    assert work.read_text("bom.txt") == "caf\ufffd\n"
    assert [work.read_text(name) for name in ("binary", "out", "loop", "pipe", "none", ".", "../secret")] == [None] * 7
    assert work.read_text("app.py", limit_bytes=3) is None
