import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.storage.git import Git
from agentops_mcp.storage.project import current_user, database_url, locate, schema_name
from conftest import git


def test_a_repository_is_one_project_wherever_one_stands_in_it(repository: Path) -> None:
    (repository / "src" / "deep").mkdir(parents=True)
    project = locate(repository / "src" / "deep", {})
    assert project == locate(repository, {})
    assert (project.root, project.data_dir) == (repository, repository / ".git" / "agentops")
    assert (project.ref, project.policy_dir) == ("refs/agentops/ledger", repository / ".agentops")


def test_worktrees_have_their_own_policies_and_share_one_memory(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    project = locate(tmp_path / "other", {})
    assert project.data_dir == repository / ".git" / "agentops"
    assert (project.root, project.policy_dir) == (tmp_path / "other", tmp_path / "other" / ".agentops")


def test_a_bare_repository_keeps_its_memory_inside(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    project = locate(tmp_path / "hub.git", {})
    assert (project.root, project.data_dir) == (tmp_path / "hub.git", tmp_path / "hub.git" / "agentops")


def test_outside_git_the_folder_itself_is_the_project(tmp_path: Path) -> None:
    project = locate(tmp_path, {})
    assert (project.root, project.repository, project.data_dir) == (tmp_path, None, tmp_path / ".agentops")


def test_a_folder_reached_through_a_link_is_the_folder_it_leads_to(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository, target_is_directory=True)
    assert locate(tmp_path / "link", {}) == locate(repository, {})


def test_looking_for_a_project_creates_nothing(tmp_path: Path) -> None:
    locate(tmp_path, {"AGENTOPS_DATA_DIR": str(tmp_path / "data"), "AGENTOPS_LEDGER": "spike"})
    assert list(tmp_path.iterdir()) == []


def test_the_data_can_be_elsewhere(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate(repository, {"AGENTOPS_DATA_DIR": str(tmp_path / "data")}).data_dir == tmp_path / "data"
    monkeypatch.chdir(tmp_path)
    assert locate(repository, {"AGENTOPS_DATA_DIR": "data"}).data_dir == tmp_path / "data"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert locate(repository, {"AGENTOPS_DATA_DIR": "~/data"}).data_dir == tmp_path / "data"
    assert locate(repository, {"AGENTOPS_DATA_DIR": ""}) == locate(repository, {})


def test_a_second_ledger_has_data_and_a_mirror_of_its_own(repository: Path) -> None:
    first, second = locate(repository, {}), locate(repository, {"AGENTOPS_LEDGER": "spike-2"})
    assert second.data_dir == first.data_dir / "ledgers" / "spike-2"
    assert second.ref == "refs/agentops/spike-2"


@pytest.mark.parametrize("name", ["../up", "Spike", "a/b", "-x", "a b", "a\n", "a" * 32, "..", "snapshots", "remotes"])
def test_a_ledger_s_name_cannot_lead_elsewhere(repository: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is not a ledger's name"):
        locate(repository, {"AGENTOPS_LEDGER": name})


def test_a_home_of_nobody_is_refused(repository: Path) -> None:
    with pytest.raises(ConfigError, match="is not a folder's path"):
        locate(repository, {"AGENTOPS_DATA_DIR": "~nobody-of-this-name/data"})


def test_a_file_is_no_project(repository: Path) -> None:
    with pytest.raises(ConfigError, match=r"app\.py is not a folder"):
        locate(repository / "app.py", {})


def schema_of(path: Path, *, name: str | None = None, environment: dict[str, str] | None = None) -> str:
    project = locate(path, environment or {})
    return schema_name(project, name, Git(project.repository) if project.repository else None)


def test_every_clone_of_a_project_finds_the_same_schema(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(repository), "clone")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert schema_of(tmp_path / "clone") == schema_of(repository)
    assert schema_of(repository).startswith("agentops_")


def test_projects_and_ledgers_have_schemas_of_their_own(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "other")
    git(tmp_path / "other", "commit", "--quiet", "--allow-empty", "--message", "another first")
    schemas = {
        schema_of(repository),
        schema_of(tmp_path / "other"),
        schema_of(repository, environment={"AGENTOPS_LEDGER": "spike-2"}),
        schema_of(repository, name="payments"),
    }
    assert len(schemas) == 4


def test_a_configured_name_is_the_schema_s_where_no_commit_can_be(tmp_path: Path) -> None:
    assert schema_of(tmp_path, name="pay-ments") == "agentops_pay_ments"
    assert schema_of(tmp_path, name="pay-ments", environment={"AGENTOPS_LEDGER": "x-y"}) == "agentops_pay_ments_x_y"


def shallow(repository: Path) -> Path:
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(repository.parent, "clone", "--quiet", "--depth", "1", repository.as_uri(), "shallow")
    return repository.parent / "shallow"


def without_commits(repository: Path) -> Path:
    git(repository.parent, "init", "--quiet", "empty")
    return repository.parent / "empty"


def outside_git(repository: Path) -> Path:
    (repository.parent / "plain").mkdir()
    return repository.parent / "plain"


@pytest.mark.parametrize("make", [shallow, without_commits, outside_git])
def test_a_project_two_machines_could_not_agree_on_needs_a_name(repository: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(ConfigError, match="needs a name") as refused:
        schema_of(make(repository))
    assert refused.value.remedy == 'Set name = "…" under [project] in .agentops/config.toml.'


@pytest.mark.parametrize("url", ["postgresql://user@host/database", "postgres://host/database"])
def test_a_postgresql_url_is_used(url: str) -> None:
    assert database_url({"AGENTOPS_DATABASE_URL": url}) == url


def test_without_a_url_the_database_is_embedded() -> None:
    assert database_url({}) is None
    assert database_url({"AGENTOPS_DATABASE_URL": ""}) is None


@pytest.mark.parametrize("url", ["mysql://u:s3cret@host/database", "sqlite:///s3cret.db", "u:s3cret@host/database"])
def test_another_kind_of_database_is_refused_without_repeating_the_url(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        database_url({"AGENTOPS_DATABASE_URL": url})
    assert "s3cret" not in str(refused.value)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no numbered users")
def test_the_user_is_the_account_the_process_runs_as(monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    monkeypatch.setenv("USER", "somebody-else")
    assert current_user() == pwd.getpwuid(os.getuid()).pw_name


@pytest.mark.skipif(sys.platform == "win32", reason="there are no numbered users")
def test_an_account_without_a_name_is_called_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    monkeypatch.delenv("USERNAME", raising=False)
    monkeypatch.setenv("USER", "ada")
    assert current_user() == "ada"
    monkeypatch.delenv("USER")
    assert current_user() == "unknown"
