"""What programs delete, move, copy and write."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Outcome
from agentops_mcp.factors.guardrails.rules.programs import files, files_archives, files_copies
from called import PROJECT, WORLD, call, effects, outcome, runs


def places(found: Outcome) -> list[str]:
    """Effects as `kind place`."""
    return [f"{each.kind} {each.place}" for each in found.effects]


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("rm src/a", "delete /src/a"), ("rm -rf src", "delete /src force,recursive"),
        ("rm --recursive --force src", "delete /src force,recursive"), ("rm -fr -- -x", "delete /-x force,recursive"),
        ("rm -i a", "delete /a interactive"), ("rm -fi a", "delete /a force"), ("/bin/rm a", "delete /a"),
        ("unlink a", "delete /a"), ("rmdir a", "delete /a empty"), ("rd /s /q a", "delete /a recursive"),
        ("rm src/*", "delete /src/* everything,glob"), ("rm *.pyc", "delete /*.pyc glob,rebuilt"),
        ("rm -r node_modules", "delete /node_modules rebuilt,recursive"),
        ("rm -r web/dist/assets", "delete /web/dist/assets rebuilt,recursive"),
        ("Remove-Item -Recurse -Force src", "delete /src force,recursive"), ("del /s src", "delete /src recursive"),
        ("shred -u -n 3 a", "delete /a shredded"), ("srm -r a", "delete /a recursive,shredded"),
        ("trash-put a", "delete /a recursive,trash"), ("gio trash a", "delete /a recursive,trash"),
        ("truncate -s 0 a", "overwrite /a emptied"), ("truncate -s +1 a", "write /a"), ("touch a", "write /a empty"),
        ("mkdir -p -m 700 a", "write /a empty"), ("fdupes -r -d src", "delete /src filtered,recursive"),
        ("tmpreaper 7d src", "delete /src filtered,recursive"),
        ("rm .git/index.lock", "delete /.git/index.lock leftover"),
    ],
)  # fmt: skip
def test_what_goes_away_is_told(line: str, effect: str) -> None:
    kind, path, *traits = effect.split()
    assert effects(outcome(files.outcome, line)) == [" ".join([kind, PROJECT + path, *traits])]


@pytest.mark.parametrize("line", ["rm --help", "rm --version -rf /", "shred --help", "fdupes -r src", "rmdir --help",
                                  "touch --version",
                                  "tmpreaper --test 7d src", "Remove-Item -WhatIf src", "rm"])  # fmt: skip
def test_nothing_happens_where_only_a_text_is_asked_for(line: str) -> None:
    assert effects(outcome(files.outcome, line)) == []


def test_options_that_are_not_known_may_be_recursive() -> None:
    assert effects(outcome(files.outcome, f"rm {HOLE} src")) == [f"delete {PROJECT}/src recursive"]
    assert effects(outcome(files.outcome, f"rm {HOLE} {HOLE}")) == [f"delete {HOLE}"]


@pytest.mark.parametrize(
    ("path", "rebuilt"),
    [
        ("dist", True),
        ("~/work/dist", False),
        ("~/work/node_modules", True),
        ("/data/build", False),
        ("~/.cache/pip", True),
    ],
)
def test_a_folder_is_rebuilt_where_its_name_means_that(path: str, rebuilt: bool) -> None:
    assert ("rebuilt" in outcome(files.outcome, f"rm -r {path}").effects[0].traits) is rebuilt


def test_a_whole_folder_for_temporary_files_is_the_systems() -> None:
    assert places(outcome(files.outcome, "rm -rf /tmp")) == ["delete system"]
    assert places(outcome(files.outcome, "rm -rf /tmp/* /tmp/x")) == ["delete temporary", "delete temporary"]


def test_what_stands_straight_in_the_home_folder_is_marked() -> None:
    found = outcome(files.outcome, "rm -r ~/Documents ~/work/site")
    assert [("top" in each.traits) for each in found.effects] == [True, False]


def test_shredding_a_disk_writes_to_it() -> None:
    assert places(outcome(files.outcome, "shred /dev/sda")) == ["write_device device"]


def test_a_thousand_operands_are_not_looked_at_one_by_one() -> None:
    found = outcome(files.outcome, "rm " + " ".join(f"f{number}" for number in range(1000)))
    assert found.effects[-1].kind == "unresolved"


def test_truncate_is_sql_when_it_names_a_table() -> None:
    assert outcome(files.outcome, "truncate table users").effects[0].kind == "destroy_data"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cp a b", ["overwrite in_project"]), ("cp -n a b", ["write in_project"]),
        ("cp a /etc/hosts", ["overwrite system"]), ("cp -t /etc a b", ["overwrite system"] * 2),
        ("cp a b ~/.ssh/", ["overwrite secret"] * 2), ("cp a /dev/sda", ["write_device device"]),
        ("cp a /dev/null", ["write nowhere"]), ("cp a ~/.bashrc", ["overwrite startup"]),
        ("cp .env .env.bak", ["overwrite secret"]), ("cp .env /tmp/x", ["read_secret secret", "overwrite temporary"]),
        ("cp -r ~/.gnupg backup", ["read_secret secret", "overwrite in_project"]),
        ("mv a b", ["move_away in_project", "overwrite in_project"]), ("mv a /dev/null", ["delete in_project"]),
        ("mv /* /tmp", ["move_away root", "overwrite temporary"]),
        ("mv --target-directory /tmp /*", ["move_away root", "overwrite temporary"]),
        ("ln -s a b", ["write in_project"]), ("ln -sf /dev/null ~/.bash_history", ["overwrite secret"]),
        ("ln -s ~/.ssh/id_rsa key", ["read_secret secret", "write in_project"]), ("ln -s ../x", ["write in_project"]),
        ("install -m 755 a /usr/bin/a", ["overwrite system"]), ("install -d /etc/a", ["write system"]),
        (
            "install -m 4755 a /tmp/a",
            ["overwrite temporary", "change_permissions temporary", "gain_privilege temporary"],
        ),
        ("dd if=a of=/dev/sda", ["write_device device"]), ("dd if=/dev/sda of=a", ["overwrite in_project"]),
        ("dd if=a", []), ("patch -p1 /etc/hosts", ["overwrite system"]), ("patch -p1 --dry-run a", []),
        ("split -l 10 a /etc/x", ["write system"]), ("cp --help", []), ("mv --version", []),
        ("ditto a /etc/b", ["overwrite system"]),
    ],
)  # fmt: skip
def test_copies_write_where_they_go(line: str, expected: list[str]) -> None:
    assert places(outcome(files_copies.outcome, line)) == expected


def test_a_copy_of_nothing_empties() -> None:
    assert effects(outcome(files_copies.outcome, "cp /dev/null a")) == [f"overwrite {PROJECT}/a emptied"]
    assert effects(outcome(files_copies.outcome, "dd if=/dev/zero of=a count=1")) == [f"overwrite {PROJECT}/a emptied"]


@pytest.mark.parametrize("taken", ["/dev/zero", "/dev/urandom"])
def test_a_copy_without_end_fills_the_disk(taken: str) -> None:
    assert f"exhaust {PROJECT}/a disk" in effects(outcome(files_copies.outcome, f"dd if={taken} of=a bs=1M"))
    assert f"exhaust {PROJECT}/a disk" not in effects(outcome(files_copies.outcome, f"dd if={taken} of=a count=9"))


@pytest.mark.parametrize(
    ("line", "traits"),
    [("truncate -s 0 a", "emptied"), ("truncate -s 0 *.db", "emptied,glob"), ("truncate -s 0 a.log", "emptied,log"),
     ("truncate -s 0 dist/a", "emptied,log")],
)  # fmt: skip
def test_many_files_are_told_from_one_and_from_logs(line: str, traits: str) -> None:
    (effect,) = outcome(files.outcome, line).effects
    assert ",".join(sorted(effect.traits)) == traits


@pytest.mark.parametrize("name", ["a.orig", "a.rej", "a~", "vendor/bundle", "cdk.out", "npm.log"])
def test_what_tools_leave_behind_is_made_again(name: str) -> None:
    (effect,) = outcome(files.outcome, f"rm -rf {name}").effects
    assert "rebuilt" in effect.traits


@pytest.mark.parametrize(
    "line", ["cp ~/.ssh/id_rsa a", "mv ~/.ssh/id_rsa a", "ln -s ~/.ssh/id_rsa a", "dd if=~/.ssh/id_rsa of=a"]
)
def test_a_secret_stays_one_where_it_is_copied(line: str) -> None:
    ((path, stream),) = outcome(files_copies.outcome, line).writes
    assert path == f"{PROJECT}/a"
    assert "secret" in stream.taints


@pytest.mark.parametrize(
    ("line", "run"),
    [
        ("split --filter='rm -rf /' a", "shell: rm -rf /"),
        ("rename 's/a/system(q(x))/e' b", "perl: s/a/system(q(x))/e"),
        ("install --strip-program=evil -s a b", "evil"),
    ],
)  # fmt: skip
def test_what_copies_are_told_to_run_is_run(line: str, run: str) -> None:
    assert runs(outcome(files_copies.outcome, line)) == [run]


def test_a_plain_substitution_of_names_runs_nothing() -> None:
    assert runs(outcome(files_copies.outcome, "rename 's/(.)x/$1y/' a")) == []


def test_split_with_more_operands_is_another_program() -> None:
    assert files_copies.outcome(call("split workspaces delete team"), WORLD) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tar -xf a.tar", ["write project"]), ("tar xf a.tar -C /", ["write root"]),
        ("tar -C / -xf a.tar", ["write root"]),
        ("tar xfC a.tar /etc", ["write system"]), ("tar -tf a.tar", []), ("tar cf a.tar src", ["overwrite in_project"]),
        ("tar czf - ~/.ssh", ["read_secret secret"]),
        ("tar cf a.tar -C ~ .ssh", ["read_secret secret", "overwrite in_project"]),
        ("tar cf host:a.tar src", ["send_out remote"]),
        ("tar cf a.tar --remove-files src", ["delete in_project", "overwrite in_project"]),
        ("unzip a.zip -d /etc", ["write system"]), ("unzip -l a.zip", []), ("unzip -p a.zip x", []),
        ("zip -r a.zip .env", ["read_secret secret", "overwrite in_project"]),
        ("zip -rm a.zip src", ["overwrite in_project", "delete in_project"]),
        ("7z x a.7z -o/etc", ["write system"]), ("7z a a.7z src -sdel", ["overwrite in_project", "delete in_project"]),
        ("7z l a.7z", []), ("cpio -id -D /etc", ["write system"]), ("cpio -t", []), ("tar --help", []),
        ("ar r lib.a x.o", ["overwrite in_project"]), ("jar xf a.jar", ["write project"]),
    ],
)  # fmt: skip
def test_archives_write_and_give_away(line: str, expected: list[str]) -> None:
    assert places(outcome(files_archives.outcome, line)) == expected


@pytest.mark.parametrize(
    "line",
    [
        "tar cf a --checkpoint=1 --checkpoint-action=exec='rm -rf /' b", "tar xf a --to-command='rm -rf /'",
        "tar cf a -I 'rm -rf /' b", "tar tf a --use-compress-program='rm -rf /'", "zip a.zip b -T -TT 'rm -rf /'",
        "zip a.zip b -T --unzip-command='rm -rf /'", "cpio -o --rsh-command='rm -rf /'",
    ],
)  # fmt: skip
def test_what_archivers_are_told_to_run_is_run(line: str) -> None:
    assert runs(outcome(files_archives.outcome, line)) == ["shell: rm -rf /"]


def test_options_of_tar_come_from_the_environment_too() -> None:
    made = call("tar -- ~/.ssh/id_rsa", env={"TAR_OPTIONS": "--create --file=host:/x"})
    found = files_archives.outcome(made, WORLD)
    assert found is not None
    assert [each.kind for each in found.effects] == ["read_secret", "send_out"]
    assert "secret" in found.effects[1].traits


def test_an_archive_of_a_secret_is_one() -> None:
    found = outcome(files_archives.outcome, "tar cf a.tar ~/.ssh")
    assert found.writes[0][0] == f"{PROJECT}/a.tar"
    assert "secret" in found.writes[0][1].taints


def test_absolute_names_are_marked() -> None:
    assert "absolute" in outcome(files_archives.outcome, "tar -xPf a.tar").effects[0].traits


def test_a_journal_that_is_vacuumed_is_weaker() -> None:
    assert outcome(files.outcome, "journalctl --vacuum-time=1s").effects[0].kind == "weaken"
    assert files.outcome(call("journalctl -u nginx"), WORLD) is None
