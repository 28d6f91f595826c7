import json
import os
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from agentops_mcp.cli.clients import CLIENTS, plan
from command_line import Done, agentops
from conftest import git

pytestmark = [
    pytest.mark.usefixtures("own_home"),
    pytest.mark.skipif(sys.platform == "win32", reason="the hook is a shell script"),
]

GOOD_MESSAGE = (
    "fix(retry): budget per host\n\nContext: an outage\nSolution: a bucket\nLearning: budget\nImpact: 5 to 1\n"
)


def client_file(client: str, project: Path) -> Path:
    return plan(client, project=project, home=Path.home(), command="x", platform=sys.platform, env={}).path


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_configured_after_the_change_was_shown_and_only_once(repository: Path, client: str) -> None:
    path = client_file(client, repository)
    first = agentops("init", "--client", client, at=repository)
    assert first.code == 0
    assert f"+++ {path}" in first.out
    assert first.out.endswith(f"{path} written.\n")
    content = path.read_text(encoding="utf-8")
    document = tomllib.loads(content) if path.suffix == ".toml" else json.loads(content)
    (servers,) = document.values()
    assert servers["agentops"]["args"][0] == "serve"
    second = agentops("init", "--client", client, at=repository)
    assert (second.code, second.out) == (0, f"{path} is as it should be.\n")
    assert path.read_text(encoding="utf-8") == content


@pytest.mark.parametrize("client", CLIENTS)
def test_printing_shows_a_whole_configuration_and_writes_nothing(repository: Path, client: str) -> None:
    printed = agentops("init", "--client", client, "--print", at=repository)
    assert printed.code == 0
    assert not client_file(client, repository).exists()
    agentops("init", "--client", client, at=repository)
    assert client_file(client, repository).read_text(encoding="utf-8") == printed.out


def test_a_configuration_that_cannot_be_edited_is_left_and_said(repository: Path) -> None:
    (repository / ".mcp.json").write_text("{", encoding="utf-8")
    done = agentops("init", "--client", "claude-code", at=repository)
    assert (done.code, done.err.count("\n")) == (3, 2)
    assert (repository / ".mcp.json").read_text(encoding="utf-8") == "{"


def test_on_a_terminal_a_person_is_asked_first(repository: Path) -> None:
    claude_code = ["init", "--client", "claude-code"]
    refused = agentops(*claude_code, at=repository, stdin=b"n\n", terminal=True)
    assert f"Write {repository / '.mcp.json'}? [Y/n]: " in refused.out
    assert (refused.code, (repository / ".mcp.json").exists()) == (1, False)
    agentops(*claude_code, at=repository, stdin=b"\n", terminal=True)
    assert (repository / ".mcp.json").exists()
    agentops("init", "--client", "cursor", "--yes", at=repository, stdin=b"n\n", terminal=True)
    assert (repository / ".cursor" / "mcp.json").exists()


def test_agents_are_told_in_their_file_and_its_other_text_stays(repository: Path) -> None:
    (repository / "AGENTS.md").write_text("# Rules\n\nBe kind.\n", encoding="utf-8")
    agentops("init", "--agents-file", "AGENTS.md", "--print", at=repository)
    assert (repository / "AGENTS.md").read_text(encoding="utf-8") == "# Rules\n\nBe kind.\n"
    agentops("init", "--agents-file", "AGENTS.md", at=repository)
    text = (repository / "AGENTS.md").read_text(encoding="utf-8")
    assert text.startswith("# Rules\n\nBe kind.\n<!-- agentops-mcp:begin -->\n")
    assert agentops("init", "--agents-file", "AGENTS.md", at=repository).out.endswith("AGENTS.md is as it should be.\n")


def test_several_things_are_set_up_at_once(repository: Path) -> None:
    done = agentops("init", "--client", "cursor", "--agents-file", "CLAUDE.md", "--git-hooks", at=repository)
    assert done.code == 0
    assert (repository / "CLAUDE.md").exists()
    assert os.access(repository / ".git/hooks/commit-msg", os.X_OK)
    printed = agentops("init", "--client", "zed", "--agents-file", "AGENTS.md", "--print", at=repository).out
    assert "context_servers" in printed
    assert "agentops-mcp:begin" in printed


def commit(at: Path, message: str) -> Done:
    """A real commit, with the program on the PATH."""
    import subprocess

    names = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    program = at.parent / "bin" / "agentops-mcp"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m agentops_mcp "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    done = subprocess.run(
        ["git", "commit", "--allow-empty", "-m", message],
        cwd=at,
        env={**os.environ, **names, "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


POLICIES = {
    "off": ("off", "fixed it", 0, ""),
    "warn": ("warn", "fixed it", 0, "commit message: no `Context:` section\n"),
    "the default": ("", "fixed it", 0, "commit message: the first line is not `type(scope): subject`\n"),
    "block": ("block", "fixed it", 1, "Not committed: [tracking] commit_message = "),
    "block, but all is there": ("block", GOOD_MESSAGE, 0, ""),
}


@pytest.mark.parametrize(("policy", "message", "code", "said"), POLICIES.values(), ids=POLICIES.keys())
def test_a_commit_message_is_checked_by_the_policy_of_the_project(
    repository: Path, policy: str, message: str, code: int, said: str
) -> None:
    if policy:
        (repository / ".agentops").mkdir()
        (repository / ".agentops" / "config.toml").write_text(
            f'[tracking]\ncommit_message = "{policy}"\n', encoding="utf-8"
        )
    agentops("init", "--git-hooks", at=repository)
    before = git(repository, "rev-parse", "HEAD")
    done = commit(repository, message)
    assert done.code == code
    assert said in done.err
    assert ("commit message:" in done.err) == bool(said)
    assert (git(repository, "rev-parse", "HEAD") == before) == (code == 1)


def test_a_message_is_checked_without_git_too(repository: Path) -> None:
    (repository / "message").write_bytes(b"fixed it\n\nContext: \xff\x1b[2J\n")
    warned = agentops("check-message", "message", at=repository)
    assert (warned.code, warned.out) == (0, "")
    assert warned.err.splitlines() == [
        "commit message: the first line is not `type(scope): subject`",
        *(f"commit message: no `{section}:` section" for section in ("Solution", "Learning", "Impact")),
    ]
    (repository / ".agentops").mkdir()
    settings = repository / ".agentops" / "config.toml"
    settings.write_text('[tracking]\ncommit_message = "block"\n', encoding="utf-8")
    assert agentops("check-message", "message", at=repository).code == 1
    settings.write_text('[tracking]\ncommit_message = "off"\n', encoding="utf-8")
    assert agentops("check-message", "message", at=repository) == Done(0, "", "")


def test_a_commit_in_a_subfolder_of_a_linked_worktree_is_checked(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    (tmp_path / "other" / "src").mkdir()
    agentops("init", "--git-hooks", at=tmp_path / "other" / "src")
    assert "no `Impact:` section" in commit(tmp_path / "other" / "src", "fixed it").err


def test_the_hook_goes_where_git_looks_for_hooks(repository: Path) -> None:
    git(repository, "config", "core.hooksPath", "tools/hooks")
    agentops("init", "--git-hooks", at=repository)
    assert (repository / "tools/hooks/commit-msg").exists()
    assert "no `Impact:` section" in commit(repository, "fixed it").err
    assert agentops("init", "--remove-git-hooks", at=repository).code == 0
    assert not (repository / "tools/hooks/commit-msg").exists()


def test_a_hook_of_somebody_else_is_refused_with_the_line_to_add(repository: Path) -> None:
    (repository / ".git/hooks").mkdir(exist_ok=True)
    (repository / ".git/hooks/commit-msg").write_text("#!/bin/sh\n", encoding="utf-8")
    done = agentops("init", "--git-hooks", at=repository)
    assert done.code == 3
    assert "agentops-mcp check-message" in done.err


def test_hooks_need_a_repository(repository: Path) -> None:
    shutil.rmtree(repository / ".git")
    done = agentops("init", "--git-hooks", at=repository)
    assert (done.code, done.err.splitlines()[-1]) == (3, "  Run `git init` first.")
