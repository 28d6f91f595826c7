"""What makes the guard's policy, what is kept of it, and what a bad file does: nothing."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agentops_mcp.core.errors import ConfigError
from agentops_mcp.storage import policy_files
from agentops_mcp.storage.machine import Place, find_project
from agentops_mcp.storage.policy_files import COMPILED, Loaded, load, own_tables, packaged, person_file, versioned
from agentops_mcp.storage.policy_kept import KEPT

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and modes as POSIX has them")

Table = Mapping[str, Any]


class Compiler:
    """Puts the names of everything it is given into one list; a table with the key `wrong` is refused."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, packs: Sequence[Table], person: Table | None, project: Table | None) -> Mapping[str, Any]:
        self.runs += 1
        tables = [*packs, *(each for each in (person, project) if each is not None)]
        names: list[str] = []
        for table in tables:
            if "wrong" in table:
                raise ConfigError(f"{table.get('name')}: wrong is not known here.", remedy="Remove it.")
            if table["name"] in names:
                raise ConfigError(f"{table['name']} is there twice.", remedy="Rename it.")
            names.append(table["name"])
        return {"names": names}


class Setting:
    """A project, a person's home and packs of the package."""

    def __init__(self, repository: Path, home: Path, packs: Path) -> None:
        self.repository, self.packs = repository, packs
        self.place: Place = find_project(str(repository), {})
        self.person = Path(person_file({}))
        self.project = repository / ".agentops" / "guardrails.toml"
        self.learned = repository / ".agentops" / "rules"
        self.kept = Path(self.place.data_dir) / KEPT
        self.compiler = Compiler()
        assert self.person.is_relative_to(home)

    def write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def load(self) -> Loaded:
        return load(self.place, {}, self.compiler, packs=str(self.packs))

    @property
    def names(self) -> list[str]:
        return list(self.load().data["names"])

    @property
    def problems(self) -> list[tuple[str, str, int]]:
        return [(Path(each.path).name, each.what, each.line) for each in self.load().problems]


@pytest.fixture
def setting(repository: Path, own_home: Path, tmp_path: Path) -> Setting:
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "git.toml").write_text('name = "git"\n', encoding="utf-8")
    (packs / "files.toml").write_text('name = "files"\n', encoding="utf-8")
    data = {"names": ["files", "git"]}
    (packs / COMPILED).write_text(json.dumps({"version": versioned(data), "data": data}), encoding="utf-8")
    return Setting(repository, own_home, packs)


def test_with_no_file_of_anybody_the_packs_that_came_compiled_are_the_policy(setting: Setting) -> None:
    loaded = setting.load()
    assert loaded == Loaded({"names": ["files", "git"]}, versioned({"names": ["files", "git"]}))
    assert setting.compiler.runs == 0
    assert not setting.kept.exists()


def test_packs_that_were_not_compiled_are_read_as_they_are(setting: Setting) -> None:
    (setting.packs / COMPILED).unlink()
    assert setting.names == ["files", "git"]
    assert setting.names == ["files", "git"]
    assert setting.compiler.runs == 1
    (setting.packs / "new.toml").write_text('name = "new"', encoding="utf-8")
    assert setting.names == ["files", "git", "new"]


def test_learned_packs_the_person_s_file_and_the_project_s_count_in_this_order(setting: Setting) -> None:
    setting.write(setting.project, 'name = "project"')
    setting.write(setting.person, 'name = "person"')
    setting.write(setting.learned / "b.toml", 'name = "b"')
    setting.write(setting.learned / "a.toml", 'name = "a"')
    setting.write(setting.learned / "notes.md", "no pack")
    assert setting.names == ["files", "git", "a", "b", "person", "project"]


def test_what_was_made_is_kept_and_not_made_again(setting: Setting) -> None:
    setting.write(setting.project, 'name = "project"')
    first = setting.load()
    assert setting.load() == first
    assert setting.compiler.runs == 1
    if sys.platform != "win32":
        assert setting.kept.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in setting.kept.parent.iterdir()] == [KEPT]


def test_a_change_counts_at_once_even_when_size_and_time_stay_the_same(setting: Setting) -> None:
    setting.write(setting.project, 'name = "aaa"')
    before = setting.project.stat()
    assert setting.names[-1] == "aaa"
    setting.write(setting.project, 'name = "bbb"')
    os.utime(setting.project, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert setting.names[-1] == "bbb"


def test_a_file_that_goes_or_comes_counts_at_once(setting: Setting) -> None:
    setting.write(setting.project, 'name = "project"')
    setting.write(setting.learned / "a.toml", 'name = "a"')
    assert setting.names == ["files", "git", "a", "project"]
    setting.project.unlink()
    assert setting.names == ["files", "git", "a"]
    setting.write(setting.person, 'name = "person"')
    assert setting.names == ["files", "git", "a", "person"]


def test_another_installation_of_the_package_makes_it_anew(setting: Setting) -> None:
    setting.write(setting.project, 'name = "project"')
    setting.load()
    (setting.packs / "new.toml").write_text('name = "new"', encoding="utf-8")
    (setting.packs / COMPILED).write_text("{ }", encoding="utf-8")
    assert setting.names == ["files", "git", "new", "project"]


# bad files


@pytest.mark.parametrize(
    ("bad", "what", "line"),
    [
        ('name = "project"\n[switch', "Expected ']' at the end of a table declaration (at end of document).", 0),
        ('name = "project"\n\nx = = 1', "Invalid value (at line 3, column 5).", 3),
        ('name = "project"\nwrong = 1', "project: wrong is not known here.", 0),
        ("x = 1", "'name'.", 0),
        ("x = " + "[" * 100_000, "", 0),
    ],
    ids=["cut short", "not TOML", "unknown key", "missing key", "nested"],
)
def test_a_bad_file_is_reported_and_what_it_last_said_rightly_holds(
    setting: Setting, bad: str, what: str, line: int
) -> None:
    setting.write(setting.project, 'name = "strict"')
    setting.load()
    setting.write(setting.project, bad)
    for _ in range(2):
        assert setting.names == ["files", "git", "strict"]
        ((name, said, at),) = setting.problems
        assert name == "guardrails.toml"
        assert what in said
        assert at == line


def test_a_bad_file_that_was_never_good_leaves_everything_else_in_force(setting: Setting) -> None:
    setting.write(setting.person, 'name = "person"')
    setting.write(setting.learned / "a.toml", "wrong = 1")
    setting.write(setting.learned / "b.toml", 'name = "b"')
    setting.write(setting.project, "[")
    assert setting.names == ["files", "git", "b", "person"]
    assert sorted(name for name, _, _ in setting.problems) == ["a.toml", "guardrails.toml"]


def test_of_two_packs_with_one_name_the_first_holds(setting: Setting) -> None:
    setting.write(setting.learned / "a.toml", 'name = "same"')
    setting.write(setting.learned / "b.toml", 'name = "same"')
    assert setting.names == ["files", "git", "same"]
    assert setting.problems == [("b.toml", "same is there twice.", 0)]


def test_a_bad_file_that_is_put_right_is_no_problem_any_more(setting: Setting) -> None:
    setting.write(setting.project, "[")
    assert setting.problems
    setting.write(setting.project, 'name = "project"')
    assert (setting.names[-1], setting.problems) == ("project", [])


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (300 << 10)], ids=["not text", "too large"])
def test_a_file_that_can_not_be_read_is_reported_and_what_it_last_said_holds(setting: Setting, content: bytes) -> None:
    setting.write(setting.project, 'name = "strict"')
    setting.load()
    setting.project.write_bytes(content)
    assert setting.names[-1] == "strict"
    assert [name for name, _, _ in setting.problems] == ["guardrails.toml"]


@posix_only
def test_a_pipe_in_place_of_a_file_holds_nobody_up(setting: Setting) -> None:
    setting.project.parent.mkdir()
    os.mkfifo(setting.project)
    assert setting.names == ["files", "git"]
    assert setting.problems == [("guardrails.toml", "it is no plain file", 0)]


@posix_only
def test_a_project_s_file_that_leads_out_of_the_project_is_not_read(setting: Setting, tmp_path: Path) -> None:
    setting.write(tmp_path / "elsewhere" / "guardrails.toml", 'name = "elsewhere"')
    setting.project.parent.mkdir()
    setting.project.symlink_to(tmp_path / "elsewhere" / "guardrails.toml")
    assert setting.problems == [("guardrails.toml", "it is a link", 0)]
    setting.project.unlink()
    setting.project.parent.rmdir()
    setting.project.parent.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert setting.names == ["files", "git"]
    assert setting.problems == [("guardrails.toml", "it lies outside the project", 0)]


@posix_only
def test_a_person_s_own_file_may_be_a_link_as_those_who_keep_them_in_git_have_it(
    setting: Setting, tmp_path: Path
) -> None:
    setting.write(tmp_path / "dotfiles" / "guardrails.toml", 'name = "person"')
    setting.person.parent.mkdir(parents=True)
    setting.person.symlink_to(tmp_path / "dotfiles" / "guardrails.toml")
    assert setting.names == ["files", "git", "person"]


# what was kept is not believed blindly


def _cut_short(kept: Path) -> None:
    kept.write_bytes(kept.read_bytes()[:-9])


def _emptied(kept: Path) -> None:
    kept.write_bytes(b"")


def _no_object(kept: Path) -> None:
    kept.write_text("[1]", encoding="utf-8")


def _without_rules(kept: Path) -> None:
    kept.write_text(json.dumps({**json.loads(kept.read_bytes()), "data": None}), encoding="utf-8")


def _brought_along(kept: Path) -> None:
    """As when a folder is copied or unpacked: the same bytes in another file."""
    loose = json.dumps({**json.loads(kept.read_bytes()), "data": {"names": []}})
    spare = kept.with_name("spare")
    spare.write_text(loose, encoding="utf-8")
    spare.chmod(0o600)
    spare.replace(kept)


@pytest.mark.parametrize("spoil", [_cut_short, _emptied, _no_object, _without_rules, _brought_along])
def test_a_kept_policy_that_is_damaged_or_was_brought_along_is_made_anew(setting: Setting, spoil: Any) -> None:
    setting.write(setting.project, 'name = "project"')
    first = setting.load()
    spoil(setting.kept)
    assert setting.load() == first
    assert setting.compiler.runs == 2


@posix_only
@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_kept_policy_that_others_can_write_is_made_anew(setting: Setting, mode: int) -> None:
    setting.write(setting.project, 'name = "project"')
    setting.load()
    document = json.loads(setting.kept.read_bytes())
    setting.kept.write_text(json.dumps({**document, "data": {"names": []}}), encoding="utf-8")
    setting.kept.chmod(mode)
    assert setting.names == ["files", "git", "project"]


@posix_only
def test_where_nothing_can_be_kept_the_policy_is_made_each_time(setting: Setting) -> None:
    setting.write(setting.project, 'name = "project"')
    setting.kept.parent.parent.joinpath("agentops").write_text("in the way", encoding="utf-8")
    assert setting.names == ["files", "git", "project"]
    assert setting.names == ["files", "git", "project"]
    assert setting.compiler.runs == 2


def test_outside_git_looking_makes_no_folder(own_home: Path, setting: Setting, tmp_path: Path) -> None:
    setting.write(setting.person, 'name = "person"')
    (tmp_path / "plain").mkdir()
    place = find_project(str(tmp_path / "plain"), {})
    assert load(place, {}, setting.compiler, packs=str(setting.packs)).data["names"] == ["files", "git", "person"]
    assert list((tmp_path / "plain").iterdir()) == []


def test_packs_of_the_package_that_can_not_be_read_are_an_error_and_no_empty_policy(setting: Setting) -> None:
    (setting.packs / COMPILED).unlink()
    (setting.packs / "git.toml").write_text("[", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"The pack git\.toml can not be read"):
        setting.load()


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CONFIG_HOME": "/x/config"}, "/x/config/agentops/guardrails.toml"),
        ("linux", {"XDG_CONFIG_HOME": "relative"}, "{home}/.config/agentops/guardrails.toml"),
        ("darwin", {}, "{home}/.config/agentops/guardrails.toml"),
        ("win32", {"APPDATA": "/x/Roaming"}, "/x/Roaming/agentops/guardrails.toml"),
        ("win32", {}, "{home}/AppData/Roaming/agentops/guardrails.toml"),
    ],
)
def test_a_person_s_file_is_where_the_system_keeps_settings(
    own_home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(policy_files.sys, "platform", platform)
    assert person_file(environment) == expected.format(home=own_home)


def test_the_cache_of_a_removed_project_file_does_not_outlive_it(setting: Setting) -> None:
    setting.write(setting.project, 'name = "project"')
    setting.load()
    shutil.rmtree(setting.project.parent)
    assert setting.names == ["files", "git"]


def test_the_package_s_own_policy_is_had_whatever_the_project_says(setting: Setting) -> None:
    setting.write(setting.project, 'name = "project"')
    assert packaged(str(setting.packs)).data == {"names": ["files", "git"]}
    (setting.packs / COMPILED).unlink()
    with pytest.raises(ConfigError, match="can not be read"):
        packaged(str(setting.packs))


def test_learned_packs_are_had_as_tables_without_those_that_are_damaged(setting: Setting) -> None:
    setting.write(setting.learned / "a.toml", 'name = "a"')
    setting.write(setting.learned / "b.toml", "[")
    setting.write(setting.project, 'name = "project"')
    assert own_tables(setting.place, {}) == [{"name": "a"}]
