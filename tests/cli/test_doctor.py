import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentops_mcp.cli.doctor import Check, run_checks
from agentops_mcp.core import tokens
from agentops_mcp.storage.page_access import PageAccess, state_folder
from agentops_mcp.storage.project import locate
from agentops_mcp.storage.settings_files import person_config_file
from agentops_mcp.storage.sqlite import SqliteDatabase
from command_line import agentops, record
from conftest import git

pytestmark = pytest.mark.usefixtures("own_home")


def checked(at: Path, name: str) -> Check:
    """The check of this name."""
    (found,) = (check for check in run_checks(at) if check.name == name)
    return found


def test_a_good_repository_passes_every_check(repository: Path) -> None:
    record(repository, "Cache parsed configs per process")
    done = agentops("doctor", at=repository)
    assert done.code == 0
    assert done.out.endswith("Everything works.\n")
    assert "refs/agentops/ledger holds every tracked event" in done.out
    assert "agentops.db, 1 event\n" in done.out


def test_every_finding_that_is_not_good_names_its_remedy(tmp_path: Path) -> None:
    checks = run_checks(tmp_path)
    assert [check.name for check in checks if check.state != "ok" and not check.remedy] == []
    assert {check.name for check in checks} >= {"installation", "command", "token counts", "project", "git", "disk"}


def test_the_checks_are_there_for_programs_too(repository: Path) -> None:
    document = agentops("doctor", "--json", at=repository).document
    assert document["ok"] is True
    assert {frozenset(check) for check in document["checks"]} == {frozenset({"name", "state", "finding", "remedy"})}


def test_outside_git_there_is_no_mirror_and_that_is_only_a_note(tmp_path: Path) -> None:
    record(tmp_path, "Cache parsed configs per process")
    assert agentops("doctor", at=tmp_path).code == 0
    assert (checked(tmp_path, "project").state, checked(tmp_path, "git mirror").state) == ("note", "note")
    assert checked(tmp_path, "project").remedy == "Run `git init` to have a mirror and the history of files."


def test_search_by_words_alone_is_only_a_note_with_its_reason(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(repository, "Cache parsed configs per process")
    assert (
        checked(repository, "search").finding
        == "by words and by meaning; 1 record without a vector yet, which the next search makes"
    )
    monkeypatch.setenv("AGENTOPS_EMBEDDER_DIRECTORY", str(repository / "gone"))
    search = checked(repository, "search")
    assert (search.state, search.finding.startswith("by words alone: ")) == ("note", True)
    assert agentops("doctor", at=repository).code == 0


def test_a_bare_repository_is_a_project(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    record(tmp_path / "hub.git", "Cache parsed configs per process")
    assert agentops("doctor", at=tmp_path / "hub.git").code == 0
    assert checked(tmp_path / "hub.git", "project").finding.endswith("hub.git, bare repository")
    assert checked(tmp_path / "hub.git", "git mirror").state == "ok"


def test_before_the_first_record_the_place_of_the_database_is_tried(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing recorded yet" in checked(repository, "storage").finding
    monkeypatch.setenv("AGENTOPS_DATA_DIR", str(repository / "app.py" / "data"))
    assert agentops("doctor", at=repository).code == 1
    storage = checked(repository, "storage")
    assert storage.finding == f"{repository / 'app.py' / 'data' / 'agentops.db'} cannot be made."
    assert storage.remedy == f"Make {repository / 'app.py'} a folder you may write to, or set AGENTOPS_DATA_DIR to one."


def test_a_database_that_cannot_be_written_is_found(repository: Path) -> None:
    record(repository, "Cache parsed configs per process")
    # A folder in the place of SQLite's log keeps root out too, whom no mode would stop.
    (repository / ".git/agentops/agentops.db-wal").unlink(missing_ok=True)
    (repository / ".git/agentops/agentops.db-wal").mkdir()
    storage = checked(repository, "storage")
    assert storage.state == "fail"
    assert "cannot be used" in storage.finding
    assert "AGENTOPS_DATA_DIR" in storage.remedy


@pytest.mark.parametrize("text", ["[tracking\n", '[tracking]\nlearning = "sometimes"\n', "[trakcing]\n"])
def test_a_broken_configuration_file_is_found_and_nothing_is_opened_by_it(repository: Path, text: str) -> None:
    (repository / ".agentops").mkdir()
    (repository / ".agentops" / "config.toml").write_text(text, encoding="utf-8")
    done = agentops("doctor", at=repository)
    assert done.code == 1
    assert "settings: Correct it; docs/reference/settings.md lists every key." in done.out
    assert "2 of 11 checks failed." in done.out  # what is decided about approvals is in it too


def test_a_setting_that_names_no_database_is_found(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOPS_DATABASE_URL", "mysql://db")
    storage = checked(repository, "storage")
    assert (storage.state, storage.finding) == ("fail", "AGENTOPS_DATABASE_URL does not start with postgresql://.")


def test_a_folder_that_is_not_there_ends_the_checks(tmp_path: Path) -> None:
    assert run_checks(tmp_path / "gone")[-1] == Check(
        "project", "fail", f"{tmp_path / 'gone'} is not a folder.", "Give the folder of a project."
    )


@pytest.mark.parametrize("damage", ["not a database at all" * 300, ""])
def test_a_damaged_database_names_the_way_back(repository: Path, damage: str) -> None:
    record(repository, *(f"Measure step {number} of the import again" for number in range(30)))
    file = repository / ".git/agentops/agentops.db"
    content = file.read_bytes()
    file.write_bytes(damage.encode() if damage else content[:8192] + b"\xff" * 4096 + content[12288:])
    storage = checked(repository, "storage")
    assert storage.state == "fail"
    assert "is damaged" in storage.finding
    assert "agentops-mcp restore-mirror" in storage.remedy
    assert [check.name for check in run_checks(repository) if check.name == "git mirror"] == []


def test_tokens_that_are_only_guessed_are_noted(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "degraded", lambda: "the vocabulary is not there")
    assert checked(repository, "token counts") == Check(
        "token counts", "note", "the vocabulary is not there", "Install the package again."
    )


def test_what_the_mirror_is_owed_is_counted_and_paid_when_it_can_be(repository: Path) -> None:
    in_the_way = repository / ".git/refs/agentops"
    in_the_way.write_text("a file where git needs a folder", encoding="utf-8")
    record(repository, "Cache parsed configs per process", "Keep the retry budget per host")
    mirror = checked(repository, "git mirror")
    assert mirror.state == "fail"
    assert mirror.finding.startswith("2 tracked events not in refs/agentops/ledger: ")
    assert mirror.remedy.startswith("The records are safe in the database;")
    in_the_way.unlink()
    assert checked(repository, "git mirror").state == "ok"


def test_git_that_is_missing_is_found(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = checked(repository, "git")
    assert (found.state, found.finding) == ("fail", "git was not found.")


def test_a_program_that_is_not_on_the_path_is_noted_with_its_folder(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    command = checked(repository, "command")
    assert command.state == "note"
    assert str(Path(sys.executable).parent) in command.remedy
    (tmp_path / "agentops-mcp").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "agentops-mcp").chmod(0o755)
    assert checked(repository, "command").state == "ok"


def test_clients_are_named_once_they_start_this_server(repository: Path) -> None:
    assert checked(repository, "clients").remedy.startswith("Run `agentops-mcp init --client claude-code`")
    agentops("init", "--client", "claude-code", at=repository)
    assert checked(repository, "client claude-code").state == "ok"
    assert [check for check in run_checks(repository) if check.name == "clients"] == []


def test_a_client_that_starts_something_else_or_cannot_be_read_is_only_a_note(repository: Path) -> None:
    (repository / ".mcp.json").write_text('{"mcpServers": {"agentops": {"command": "other"}}}', encoding="utf-8")
    (repository / ".cursor").mkdir()
    (repository / ".cursor" / "mcp.json").write_text("{", encoding="utf-8")
    assert agentops("doctor", at=repository).code == 0
    assert "agentops-mcp init --client claude-code" in checked(repository, "client claude-code").remedy
    assert checked(repository, "client cursor").state == "note"


def test_a_disk_that_is_nearly_full_is_found(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly_full = shutil.disk_usage(repository)._replace(free=1)

    def disk_usage(_: Path) -> tuple[int, int, int]:
        return nearly_full

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    disk = checked(repository, "disk")
    assert (disk.state, disk.remedy) == ("fail", "Free some space: a record that cannot be written is refused.")


def test_a_migrated_database_says_where_its_copy_is(repository: Path) -> None:
    record(repository, "Cache parsed configs per process")
    database = SqliteDatabase(repository / ".git/agentops/agentops.db")
    with database.write() as tx:
        tx.execute("DROP TABLE session")
        tx.execute("DELETE FROM migration WHERE owner = 'resume'")
    database.close()
    assert "; migrated, copy kept at " in checked(repository, "storage").finding


def test_the_installed_program_runs_the_checks(repository: Path) -> None:
    program = Path(sys.executable).with_name("agentops-mcp")
    done = subprocess.run([program, "doctor"], cwd=repository, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_guard_s_file_that_is_wrong_fails_with_its_name(repository: Path) -> None:
    (repository / ".agentops").mkdir(exist_ok=True)
    (repository / ".agentops" / "guardrails.toml").write_text("[switch\n", encoding="utf-8")
    checks = {each["name"]: each for each in agentops("doctor", "--json", at=repository).document["checks"]}
    assert checks["guard rules"]["state"] == "fail"
    assert "guardrails.toml" in checks["guard rules"]["finding"]


def own_settings(home: Path, text: str) -> Path:
    """A person's own file with this text."""
    file = person_config_file(os.environ)
    assert file.is_relative_to(home)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_without_settings_of_approvals_the_defaults_are_named(repository: Path, own_home: Path) -> None:
    found = checked(repository, "approvals")
    missing = person_config_file(os.environ)
    assert (found.state, found.finding) == (
        "ok", f"the defaults: there is no {missing}; you are told by nothing outside the client",
    )  # fmt: skip
    assert missing.is_relative_to(own_home)


def test_how_a_person_is_told_of_approvals_is_named(repository: Path, own_home: Path) -> None:
    program = json.dumps(sys.executable)
    file = own_settings(own_home, f'[notify]\ncommand = [{program}]\nurl = "https://example.org/?key=sesame"\n')
    found = checked(repository, "approvals")
    assert (found.state, found.finding) == ("ok", f"{file}; you are told by a command and an address")


def test_settings_of_approvals_that_are_not_heard_fail_with_the_file(repository: Path, own_home: Path) -> None:
    file = own_settings(own_home, "[approval]\ngrant_minutes = 0\n")
    found = checked(repository, "approvals")
    assert (found.state, str(file) in found.finding, "grant_minutes" in found.finding) == ("fail", True, True)
    assert agentops("doctor", at=repository).code == 1


def test_a_program_to_notify_with_that_is_not_there_fails(repository: Path, own_home: Path) -> None:
    own_settings(own_home, '[notify]\ncommand = ["no-such-bell"]\n')
    found = checked(repository, "approvals")
    assert (found.state, "no-such-bell" in found.finding) == ("fail", True)


@pytest.mark.skipif(sys.platform == "win32", reason="modes as POSIX has them")
def test_state_of_the_page_that_others_can_read_fails_with_the_place(repository: Path) -> None:
    access = PageAccess(state_folder(locate(repository, os.environ), os.environ))
    access.mint("anna")
    assert checked(repository, "approvals").state == "ok"
    (link,) = (access.folder / "links").iterdir()
    link.chmod(0o644)
    found = checked(repository, "approvals")
    assert (found.state, found.finding) == ("fail", f"{link} is open to other accounts")
