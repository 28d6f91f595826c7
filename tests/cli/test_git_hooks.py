import hashlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agentops_mcp.cli.clients import apply
from agentops_mcp.cli.git_hooks import BY_HAND_LINE, HOOK, plan_hook, plan_hook_removal
from agentops_mcp.core.errors import AgentOpsError, ConfigError, InvalidInputError

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")
FOREIGN = "#!/bin/sh\necho theirs\n"


def write_hook(folder: Path, text: str, *, mode: int = 0o755) -> Path:
    hook = folder / "commit-msg"
    hook.write_bytes(text.encode("utf-8"))
    hook.chmod(mode)
    return hook


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix_only
def test_the_hook_is_installed_executable_and_only_once(tmp_path: Path) -> None:
    change = plan_hook(tmp_path / "hooks")
    assert "+++ " + str(tmp_path / "hooks" / "commit-msg") in change.diff()
    assert '+exec agentops-mcp check-message "$1"\n' in change.diff()
    apply(change)
    assert change.path.read_text(encoding="utf-8") == HOOK
    assert mode_of(change.path) == 0o755
    assert not plan_hook(tmp_path / "hooks").changed


@posix_only
def test_our_hook_that_lost_its_mode_is_made_executable_again(tmp_path: Path) -> None:
    hook = write_hook(tmp_path, HOOK, mode=0o644)
    change = plan_hook(tmp_path)
    assert change.diff() == f"mode of {hook}: 0644 -> 0755\n"
    apply(change)
    assert mode_of(hook) == 0o755


@posix_only
def test_a_tighter_mode_a_person_chose_is_kept(tmp_path: Path) -> None:
    write_hook(tmp_path, HOOK, mode=0o700)
    assert not plan_hook(tmp_path).changed


def older_version() -> str:
    """What a version with another body would have written: the mark holds the digest of what follows it."""
    body = "exec agentops-mcp check-message --older\n"
    return f"#!/bin/sh\n# agentops-mcp commit-msg hook {hashlib.sha256(body.encode()).hexdigest()[:16]}\n{body}"


def test_a_hook_of_another_version_is_renewed(tmp_path: Path) -> None:
    hook = write_hook(tmp_path, older_version())
    apply(plan_hook(tmp_path))
    assert hook.read_text(encoding="utf-8") == HOOK


@pytest.mark.parametrize("text", [FOREIGN, "", f"{HOOK}echo added\n", "# agentops-mcp check-message\n"])
def test_a_hook_that_is_not_ours_is_never_overwritten(tmp_path: Path, text: str) -> None:
    if "added" in text:
        text = text.replace("exec agentops-mcp check-message", "true")
    hook = write_hook(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        plan_hook(tmp_path)
    assert BY_HAND_LINE in refused.value.remedy
    assert hook.read_text(encoding="utf-8") == text


def test_a_foreign_hook_that_already_calls_us_needs_nothing(tmp_path: Path) -> None:
    write_hook(tmp_path, f"{FOREIGN}{BY_HAND_LINE}\n")
    change = plan_hook(tmp_path)
    assert not change.changed
    assert change.diff() == ""


@pytest.mark.parametrize("text", [HOOK, older_version()])
def test_our_hook_is_removed(tmp_path: Path, text: str) -> None:
    hook = write_hook(tmp_path, text)
    change = plan_hook_removal(tmp_path)
    assert "+++ /dev/null" in change.diff()
    apply(change)
    assert not hook.exists()
    assert not plan_hook_removal(tmp_path).changed


@pytest.mark.parametrize("text", [FOREIGN, f"{FOREIGN}{BY_HAND_LINE}\n"])
def test_the_hook_of_somebody_else_is_not_removed(tmp_path: Path, text: str) -> None:
    write_hook(tmp_path, text)
    assert not plan_hook_removal(tmp_path).changed


def test_our_hook_with_lines_of_a_person_is_not_removed(tmp_path: Path) -> None:
    write_hook(tmp_path, f"{HOOK}echo theirs\n")
    with pytest.raises(ConfigError, match="was edited"):
        plan_hook_removal(tmp_path)


def test_a_hook_that_is_a_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "commit-msg").write_bytes(b"\x7fELF\xff")
    with pytest.raises(InvalidInputError):
        plan_hook(tmp_path)


@posix_only
def test_hooks_that_were_turned_off_are_not_turned_on() -> None:
    """`core.hooksPath=/dev/null` is the usual way to turn them off."""
    with pytest.raises(AgentOpsError):
        plan_hook(Path("/dev/null"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the hook installed, on a PATH that has git and sh but not agentops-mcp."""
    (tmp_path / "bin").mkdir()
    for program in ("git", "sh"):
        (tmp_path / "bin" / program).symlink_to(str(shutil.which(program)))
    git(tmp_path, "init", "--quiet", "shop")
    folder = git(tmp_path / "shop", "rev-parse", "--git-path", "hooks").stdout.strip()
    apply(plan_hook(tmp_path / "shop" / folder))
    return tmp_path / "shop"


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    root = folder if (folder / "bin").is_dir() else folder.parent
    names = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**names, "PATH": str(root / "bin"), "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", timeout=30
    )


def install_program(repository: Path, script: str) -> None:
    program = repository.parent / "bin" / "agentops-mcp"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


@posix_only
def test_a_commit_passes_with_a_warning_where_agentops_mcp_is_not_on_the_path(repository: Path) -> None:
    done = git(repository, "commit", "--allow-empty", "-m", "one")
    assert done.returncode == 0
    assert "agentops-mcp is not on PATH: this commit message was not checked." in done.stderr


@posix_only
def test_the_program_gets_the_message_file_and_decides(repository: Path) -> None:
    install_program(
        repository, 'test "$#" = 2 && test "$1" = check-message && read -r line < "$2" && test "$line" = good'
    )
    assert git(repository, "commit", "--allow-empty", "-m", "good").returncode == 0
    assert git(repository, "commit", "--allow-empty", "-m", "bad").returncode == 1
    assert git(repository, "log", "--format=%s").stdout == "good\n"


@posix_only
def test_the_line_for_a_foreign_hook_passes_without_the_program_and_blocks_when_it_refuses(repository: Path) -> None:
    hook = write_hook(repository / ".git" / "hooks", f"#!/bin/sh\n{BY_HAND_LINE}\n")
    assert os.access(hook, os.X_OK)
    assert git(repository, "commit", "--allow-empty", "-m", "one").returncode == 0
    install_program(repository, "exit 1")
    assert git(repository, "commit", "--allow-empty", "-m", "two").returncode == 1
