"""What the guard is told about this machine."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentops_mcp.storage import machine
from agentops_mcp.storage.machine import Machine, Place, find_project
from agentops_mcp.storage.project import locate
from conftest import git

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links and modes as POSIX has them")


def machine_at(folder: Path, **environment: str) -> Machine:
    return Machine(find_project(str(folder), {}), environment, git_timeout_s=20)


# finding the project


def _inside(repository: Path, tmp_path: Path) -> Path:
    (repository / "src" / "deep").mkdir(parents=True)
    return repository / "src" / "deep"


def _worktree(repository: Path, tmp_path: Path) -> Path:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    return tmp_path / "other"


def _worktree_s_own_directory(repository: Path, tmp_path: Path) -> Path:
    _worktree(repository, tmp_path)
    return repository / ".git" / "worktrees" / "other"


def _bare(repository: Path, tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    return tmp_path / "hub.git"


def _separate(repository: Path, tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--separate-git-dir", str(tmp_path / "store"), "work")
    return tmp_path / "work"


def _separate_store(repository: Path, tmp_path: Path) -> Path:
    _separate(repository, tmp_path)
    git(tmp_path / "work", "config", "core.worktree", str(tmp_path / "work"))
    return tmp_path / "store"


def _submodule(repository: Path, tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "part")
    git(tmp_path / "part", "commit", "--quiet", "--allow-empty", "-m", "start")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(tmp_path / "part"), "part")
    return repository / "part"


def _submodule_s_git_directory(repository: Path, tmp_path: Path) -> Path:
    _submodule(repository, tmp_path)
    return repository / ".git" / "modules" / "part"


def _broken_link(repository: Path, tmp_path: Path) -> Path:
    (repository / "part").mkdir()
    (repository / "part" / ".git").write_text("gitdir: ../nowhere\n", encoding="utf-8")
    return repository / "part"


def _through_a_link(repository: Path, tmp_path: Path) -> Path:
    (tmp_path / "link").symlink_to(repository, target_is_directory=True)
    return tmp_path / "link"


def _in_the_git_directory(repository: Path, tmp_path: Path) -> Path:
    return repository / ".git" / "refs"


def _outside_git(repository: Path, tmp_path: Path) -> Path:
    (tmp_path / "plain").mkdir()
    return tmp_path / "plain"


@pytest.mark.parametrize(
    "made",
    [
        _inside, _worktree, _worktree_s_own_directory, _bare, _separate, _separate_store, _submodule,
        _submodule_s_git_directory, _broken_link, _through_a_link, _in_the_git_directory, _outside_git,
    ],
    ids=lambda made: made.__name__.strip("_"),
)  # fmt: skip
@pytest.mark.parametrize("environment", [{}, {"AGENTOPS_LEDGER": "spike-2"}, {"AGENTOPS_DATA_DIR": "data"}])
def test_the_light_way_finds_the_project_that_the_server_finds(
    repository: Path, tmp_path: Path, made: Callable[[Path, Path], Path], environment: dict[str, str]
) -> None:
    start = made(repository, tmp_path)
    full = locate(start, environment)
    found = find_project(str(start), environment)
    assert (Path(found.root), Path(found.data_dir)) == (full.root, full.data_dir)
    assert found.worktree == (full.repository is not None and full.repository.worktree is not None)
    assert found.common_dir == (str(full.repository.common_dir) if full.repository else "")


@pytest.mark.parametrize("name", ["../up", "Spike", "a/b", "-x", "a" * 32, "remotes"])
def test_a_ledger_s_name_that_is_none_leads_nowhere_else(repository: Path, name: str) -> None:
    assert find_project(str(repository), {"AGENTOPS_LEDGER": name}) == find_project(str(repository), {})


# paths


@posix_only
def test_links_are_followed_as_far_as_the_path_exists(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert machine_at(tmp_path).real(f"{tmp_path}/link/new/file") == f"{tmp_path.resolve()}/real/new/file"


@posix_only
def test_a_loop_of_links_and_a_path_that_can_not_be_are_answered(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    here = machine_at(tmp_path)
    assert here.real(f"{tmp_path}/a/x").endswith("/x")
    assert here.real("/a\0b/../c") == "/c"
    assert here.real("/x" * 5_000) == "/x" * 5_000
    assert here.exists("/a\0b") is None
    assert here.exists("/\ud800") is None


def test_a_broken_link_exists_and_a_file_that_is_not_there_does_not(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    (tmp_path / "file").touch()
    here = machine_at(tmp_path)
    assert here.exists(str(tmp_path / "broken")) is True
    assert here.exists(str(tmp_path / "gone")) is False
    assert here.exists(str(tmp_path / "file" / "below")) is False


@posix_only
def test_home_and_temporary_folders_are_known_by_their_real_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "me").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "me").symlink_to(tmp_path / "data" / "me")
    (tmp_path / "tmp").symlink_to(tmp_path / "scratch")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    here = machine_at(tmp_path / "data", TMPDIR=f"{tmp_path}/tmp/")
    assert here.home == str(tmp_path / "data" / "me")
    assert {f"{tmp_path}/tmp", f"{tmp_path}/scratch"} <= set(here.temporary)


@posix_only
@pytest.mark.parametrize("named", ["{home}", "{home}/..", "/", "relative", "{project}"])
def test_a_variable_can_not_make_the_home_or_the_project_a_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    home, project = tmp_path / "me", tmp_path / "work"
    home.mkdir()
    project.mkdir()
    monkeypatch.setenv("HOME", str(home))
    here = machine_at(project, TMPDIR=named.format(home=home, project=project))
    assert not any(f"{mine}/".startswith(f"{each}/") for each in here.temporary for mine in (here.home, here.project))


# what git could bring back


@pytest.fixture
def committed(repository: Path) -> Path:
    for name, content in (("src/a.py", "a"), ("src/b.py", "b"), (".gitignore", "*.log\nnode_modules/\nbuild/\n")):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(content, encoding="utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "all")
    return repository


def _untracked(at: Path) -> None:
    (at / "src" / "new.py").write_text("new", encoding="utf-8")


def _ignored(at: Path) -> None:
    (at / "src" / "run.log").write_text("log", encoding="utf-8")


def _modified(at: Path) -> None:
    (at / "src" / "a.py").write_text("changed", encoding="utf-8")


def _staged(at: Path) -> None:
    _untracked(at)
    git(at, "add", ".")


def _removed(at: Path) -> None:
    (at / "src" / "a.py").unlink()


def _nested_repository(at: Path) -> None:
    git(at / "src", "init", "--quiet", "inner")


def _staged_then_changed_back(at: Path) -> None:
    _modified(at)
    git(at, "add", ".")
    (at / "src" / "a.py").write_text("a", encoding="utf-8")


def test_committed_files_are_kept(committed: Path) -> None:
    here = machine_at(committed)
    assert here.kept(str(committed / "src")) is True
    assert here.kept(str(committed / "src" / "a.py")) is True


@pytest.mark.parametrize(
    "change",
    [_untracked, _ignored, _modified, _staged, _removed, _nested_repository, _staged_then_changed_back],
    ids=lambda change: change.__name__.strip("_"),
)
def test_work_that_no_commit_holds_is_not_kept(committed: Path, change: Callable[[Path], None]) -> None:
    change(committed)
    here = machine_at(committed)
    assert here.kept(str(committed / "src")) is False
    assert here.kept(str(committed / "src" / "b.py")) is True


@pytest.mark.parametrize("name", ["node_modules", "node_modules/left/pad.js", "src/__pycache__/a.pyc", "build"])
def test_what_tools_make_again_is_no_loss_where_the_project_ignores_it(committed: Path, name: str) -> None:
    (committed / ".gitignore").write_text("*.log\nnode_modules/\nbuild/\n__pycache__/\n", encoding="utf-8")
    git(committed, "commit", "--quiet", "-am", "ignore")
    path = committed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    (path / "x" if path.suffix == "" else path).parent.mkdir(exist_ok=True)
    (path / "x" if path.suffix == "" else path).touch()
    assert machine_at(committed).kept(str(path)) is True


def test_a_folder_named_as_tools_name_theirs_is_lost_where_the_project_does_not_ignore_it(committed: Path) -> None:
    (committed / "dist").mkdir()
    (committed / "dist" / "thesis.tex").touch()
    assert machine_at(committed).kept(str(committed / "dist")) is False


def test_a_name_that_git_would_read_as_a_pattern_or_an_option_is_a_name(committed: Path) -> None:
    (committed / ":(top)x").write_text("x", encoding="utf-8")
    (committed / "--help").write_text("x", encoding="utf-8")
    here = machine_at(committed)
    assert here.kept(f"{committed}/:(top)x") is False
    assert here.kept(f"{committed}/--help") is False


def test_nothing_is_known_outside_git_or_of_what_is_not_there(committed: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "file").touch()
    assert machine_at(tmp_path / "plain").kept(str(tmp_path / "plain" / "file")) is None
    assert machine_at(committed).kept(str(committed / "gone")) is None


def test_git_that_does_not_answer_in_time_leaves_it_unknown(committed: Path) -> None:
    here = Machine(find_project(str(committed), {}), {}, git_timeout_s=0.0)
    assert here.kept(str(committed / "src")) is None


def test_git_is_asked_a_few_times_and_not_for_every_file_of_a_long_list(committed: Path) -> None:
    here = machine_at(committed)
    for number in range(20):
        (committed / f"{number}.txt").touch()
    answers = [here.kept(str(committed / f"{number}.txt")) for number in range(20)]
    assert answers[0] is False
    assert answers[-1] is None


@posix_only
def test_asking_git_runs_nothing_that_the_repository_or_the_environment_names(
    committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n", encoding="utf-8")
    trap.chmod(0o755)
    git(committed, "config", "core.fsmonitor", str(trap))
    git(committed, "config", "core.pager", str(trap))
    git(committed, "config", "core.hooksPath", str(tmp_path))
    (tmp_path / "post-index-change").symlink_to(trap)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    os.utime(committed / "src" / "a.py")
    assert machine_at(committed).kept(str(committed / "src")) is True
    assert not sprung.exists()


def test_the_module_loads_nothing_that_a_hook_has_no_time_for() -> None:
    code = (
        "import sys; before = set(sys.modules);"  # a coverage run loads some of them first
        "import agentops_mcp.storage.machine as m; m.Machine(m.find_project('.', {}), {});"
        "heavy = {'pathlib', 'subprocess', 'json', 'tempfile', 'shutil', 'dataclasses'};"
        "print(sorted((set(sys.modules) - before) & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_windows_paths_are_read_with_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "platform", "win32")
    assert machine.slashed("C:\\Files\\me\\work") == "C:/Files/me/work"
    here = Machine(Place("C:\\work", "C:\\work\\.git\\agentops"), {})
    assert here.project == "C:/work"
    assert here.real("\\\\server\\share\\x").startswith("//server")
