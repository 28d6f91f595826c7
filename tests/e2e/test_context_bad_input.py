"""Repositories, files and requests that are broken: a load gives a clear result, and nothing hangs."""

import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.app import App
from agentops_mcp.core import tokens
from agentops_mcp.core.errors import AgentOpsError, InvalidInputError
from agentops_mcp.factors.context.rules.requests import Request
from agentops_mcp.factors.context.service.contexts import Loaded
from conftest import AGENT, git

HANGS_AFTER_S = 120
TASK = "Fix send_with_retry"
CODE = "def send_with_retry(budget):\n    return budget - 1\n"
MARK = "def send_with_retry"

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with one commit, of a file that the task names."""
    path = tmp_path / "place"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    write(path, "retry.py", CODE)
    git(path, "add", ".")
    git(path, "commit", "--quiet", "--message", "Retry")
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What no load may show."""
    return write(tmp_path, "outside/send_with_retry.py", "def send_with_retry(): return 'from elsewhere'\n")


def write(root: Path, path: str, content: str | bytes) -> Path:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


def load(at: Path, task: str = TASK, **asked: Any) -> Loaded:
    """Load twice, cold and warm, in a thread that must come back; both answers are the same and fit."""

    def both() -> tuple[Loaded, Loaded]:
        with App(at, environment={}) as app:
            try:
                request = Request(task, **asked)
                return app.contexts().load(request, actor=AGENT), app.contexts().load(request, actor=AGENT)
            finally:
                for thread in threading.enumerate():
                    if thread.name == "context-index":
                        thread.join(HANGS_AFTER_S)

    with ThreadPoolExecutor(1) as pool:
        cold, warm = pool.submit(both).result(HANGS_AFTER_S)
    assert [item.id for item in cold.items] == [item.id for item in warm.items]
    for loaded in (cold, warm):
        assert loaded.tokens == tokens.count(loaded.text) <= Request(task, **asked).budget_tokens
        assert not set("\0\x1b\u202e") & set(loaded.text)
    return cold


def shown(loaded: Loaded) -> set[str]:
    return {item.path for item in loaded.items}


def test_without_a_repository_the_folder_is_loaded_and_this_is_said(tmp_path: Path) -> None:
    write(tmp_path, "folder/retry.py", CODE)
    write(tmp_path, "folder/.env", "send_with_retry=hunter2")
    loaded = load(tmp_path / "folder")
    assert MARK in loaded.text
    assert "hunter2" not in loaded.text
    assert "not in git" in loaded.text


def empty(tmp_path: Path, place: Path) -> Path:
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "--quiet", "--initial-branch=main")
    return tmp_path / "empty"


def bare(tmp_path: Path, place: Path) -> Path:
    git(place, "clone", "--quiet", "--bare", ".", "../bare.git")
    return tmp_path / "bare.git"


def shallow(tmp_path: Path, place: Path) -> Path:
    write(place, "later.py", "later = 1\n")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", place.as_uri(), "shallow")
    return tmp_path / "shallow"


def below(tmp_path: Path, place: Path) -> Path:
    (place / "deep" / "er").mkdir(parents=True)
    return place / "deep" / "er"


Prepare = Callable[[Path, Path], Path]
KINDS: list[tuple[Prepare, bool, str]] = [
    (empty, False, "no commit yet"),
    (bare, True, ""),
    (shallow, True, "shallow clone"),
    (below, True, ""),
]


@pytest.mark.parametrize(("prepare", "has_code", "says"), KINDS, ids=[prepare.__name__ for prepare, _, _ in KINDS])
def test_every_kind_of_repository_gives_what_it_has_and_says_what_it_lacks(
    tmp_path: Path, place: Path, prepare: Prepare, has_code: bool, says: str
) -> None:
    loaded = load(prepare(tmp_path, place))
    assert (MARK in loaded.text) == has_code
    assert says in loaded.text


def test_a_repository_without_commits_shows_its_new_files(tmp_path: Path, place: Path) -> None:
    started = empty(tmp_path, place)
    write(started, "retry.py", CODE)
    loaded = load(started)
    assert shown(loaded) == {"retry.py"}
    assert "no commit yet" in loaded.text


def test_missing_objects_leave_out_their_files_only(place: Path) -> None:
    write(place, "wire.py", "def transmit(): ...\n")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "Wire")
    oid = git(place, "rev-parse", "HEAD:retry.py")
    lost = place / ".git" / "objects" / oid[:2] / oid[2:]
    lost.chmod(0o600)
    lost.unlink()
    loaded = load(place, "Fix send_with_retry and transmit", rev="HEAD")
    assert shown(loaded) == {"wire.py"}
    assert "is not in this repository" in loaded.text


def test_a_missing_commit_is_an_error_that_says_so(place: Path) -> None:
    head = git(place, "rev-parse", "HEAD")
    lost = place / ".git" / "objects" / head[:2] / head[2:]
    lost.chmod(0o600)
    lost.unlink()
    with pytest.raises(AgentOpsError) as raised:
        load(place)
    assert raised.value.remedy
    assert len(str(raised.value)) < 1_000


def test_a_submodule_is_counted_and_not_entered(tmp_path: Path, place: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet", "--initial-branch=main")
    write(inner, "send_with_retry.py", "def send_with_retry(): return 'of the submodule'\n")
    git(inner, "add", ".")
    git(inner, "commit", "--quiet", "--message", "inner")
    git(place, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.as_uri(), "libs/inner")
    git(place, "commit", "--quiet", "--message", "with a submodule")
    loaded = load(place)
    assert "of the submodule" not in loaded.text
    assert "1 submodule" in loaded.text
    assert "retry.py" in shown(loaded)


@pytest.mark.parametrize("committed", [True, False])
def test_links_are_never_followed(place: Path, outside: Path, committed: bool) -> None:
    (place / "loop").symlink_to("loop")
    (place / "up").symlink_to(".", target_is_directory=True)
    (place / "send_with_retry.py").symlink_to(outside)
    (place / "elsewhere").symlink_to(outside.parent, target_is_directory=True)
    if committed:
        git(place, "add", ".")
        git(place, "commit", "--quiet", "--message", "links")
    for favoured in ((), ("elsewhere", "send_with_retry.py", "up/retry.py")):
        loaded = load(place, paths=favoured)
        assert "from elsewhere" not in loaded.text
        assert shown(loaded) == {"retry.py"}
    with App(place, environment={}) as app:
        for path in ("send_with_retry.py", "elsewhere/send_with_retry.py", "up/retry.py", "loop"):
            with pytest.raises(AgentOpsError):
                app.contexts().lines(path, 1, 1)


def test_a_folder_replaced_by_a_link_after_the_listing_is_not_left(place: Path, outside: Path) -> None:
    write(place, "elsewhere/send_with_retry.py", CODE)
    with App(place, environment={}) as app:
        assert "elsewhere/send_with_retry.py" in app.contexts().load(Request(TASK)).text
        (place / "elsewhere").rename(place / "moved")
        (place / "elsewhere").symlink_to(outside.parent, target_is_directory=True)
        assert "from elsewhere" not in app.contexts().load(Request(TASK)).text


def sparse(place: Path) -> None:
    with (place / "send_with_retry.txt").open("wb") as file:
        file.truncate(200_000_000)


def one_line(place: Path) -> None:
    write(place, "send_with_retry.txt", "send_with_retry " * 62_500)


def pipe(place: Path) -> None:
    tracked = write(place, "send_with_retry.txt", "send_with_retry")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "--message", "A file, for now")
    tracked.unlink()
    os.mkfifo(tracked)


def noise(place: Path) -> None:
    write(place, "send_with_retry.txt", bytes(range(256)) * 400)


@pytest.mark.parametrize("obstacle", [sparse, one_line, pipe, noise])
def test_a_file_that_is_no_source_is_passed_over_at_once(place: Path, obstacle: Callable[[Path], None]) -> None:
    obstacle(place)
    loaded = load(place)
    assert shown(loaded) == {"retry.py"}
    assert "Passed over: 1 " in loaded.text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"# caf\xe9\n{CODE}".encode("latin-1"), "café"),
        (f"# caf\xe9\n{CODE}".encode() + b"# \xff\xfe\xc3\n", "café"),
        (f"# caf\xe9\n{CODE}".encode("utf-16"), "café"),
        (b"\xef\xbb\xbf" + CODE.encode(), MARK),
        (CODE.replace("\n", "\r\n").encode(), f"{CODE.splitlines()[0]}\n{CODE.splitlines()[1]}"),
        (f"# a\u202eb\x1b[2J\x07\n{CODE}".encode(), "\\u202eb\\u001b[2J"),
        (CODE.encode().rstrip(b"\n"), MARK),
    ],
    ids=["latin 1", "invalid UTF-8", "UTF-16", "a byte order mark", "CRLF", "control characters", "no last line end"],
)
def test_text_of_any_encoding_is_shown_as_text(place: Path, content: bytes, says: str) -> None:
    write(place, "retry.py", content)
    loaded = load(place)
    assert shown(loaded) == {"retry.py"}
    assert MARK in loaded.text
    assert says in loaded.text
    assert "\r" not in loaded.text


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\n\n", b"\r\n", b" ", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_file_with_nothing_in_it_disturbs_nothing(place: Path, content: bytes) -> None:
    write(place, "send_with_retry.py", content)
    assert "retry.py" in shown(load(place))
    with App(place, environment={}) as app:
        assert app.contexts().outline("send_with_retry.py") == ""


REVISIONS = [
    "nowhere", "-x", "--all", "--output=owned", "HEAD\0", "HEAD\n", "x" * 10_000, "HEAD:retry.py", ":/Retry", "^HEAD",
    "HEAD..HEAD", "@{u}", "0" * 40, "\udcff", "$(touch owned)", " ", "👩", "HEAD^{tree}", "refs/../../x",
]  # fmt: skip


@pytest.mark.parametrize("rev", REVISIONS)
def test_what_is_no_commit_is_refused_with_a_remedy(place: Path, rev: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        load(place, rev=rev)
    assert "git log" in raised.value.remedy
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1_000
    assert not (place / "owned").exists()


def test_a_revision_outside_git_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "folder/retry.py", CODE)
    with pytest.raises(InvalidInputError, match="not in a git repository"):
        load(tmp_path / "folder", rev="HEAD")


@pytest.mark.parametrize("path", ["../outside/send_with_retry.py", "/etc/passwd", "a/../../outside", "~/../..\\..\\x"])
def test_a_path_that_leaves_the_tree_is_refused(place: Path, outside: Path, path: str) -> None:
    for only_paths in (True, False):
        with pytest.raises(InvalidInputError, match="not a path inside the project"):
            load(place, paths=(path,), only_paths=only_paths)


@pytest.mark.parametrize(
    "task",
    ["fix\0send_with_retry", "👩‍👩‍👧" * 500, "\u202e\x1b[2J" * 50, "字" * 20_000, "(((((" * 1_000, "`" * 5_000,
     "'\"" * 3_000, "a.b." * 4_000, "%s{}\\N{DASH}", "\udcff\ud800", "Traceback (most recent call last):\n" * 300],
)  # fmt: skip
def test_any_task_is_answered(place: Path, task: str) -> None:
    for budget_tokens in (200, 6_000):
        loaded = load(place, task, budget_tokens=budget_tokens)
        assert loaded.id
        assert f"id: {loaded.id}" in loaded.text


def test_a_task_of_100_000_characters_is_refused(place: Path) -> None:
    with pytest.raises(InvalidInputError, match="20,000 characters"):
        load(place, "x" * 100_000)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_counted(place: Path) -> None:
    write(place, "send_with_retry.txt", "send_with_retry").chmod(0)
    assert "1 unreadable" in load(place).text


def test_nothing_is_left_behind_in_the_worktree_or_in_the_refs(place: Path) -> None:
    load(place)
    assert git(place, "status", "--porcelain") == ""
    refs = subprocess.run(["git", "for-each-ref"], cwd=place, capture_output=True, text=True, check=True).stdout
    assert [line.split()[-1] for line in refs.splitlines()] == ["refs/heads/main"]
