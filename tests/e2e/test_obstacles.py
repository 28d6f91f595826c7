"""What stands in the way is named with its remedy, costs no record, and is no obstacle any more once it is gone."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import git
from e2e.raw_client import (
    COMMAND,
    ERAS,
    MODERN,
    Era,
    brief_of,
    checks,
    entry,
    environment,
    make_project,
    mirrored,
    record,
    run_command,
    serve,
    text_of,
)

Command = tuple[str, ...]
Obstruction = tuple[Callable[[], object], Command]
"""How to clear it away, and what a command is started with so that it feels it."""

# Without these, root is stopped by permissions like everybody else.
HUMBLE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")


def blocked_ref(project: Path) -> Obstruction:
    """A file where the folder of our refs would be."""
    block = project / ".git" / "refs" / "agentops"
    block.write_text("in the way\n", encoding="utf-8")
    return block.unlink, ()


def blocked_objects(project: Path) -> Obstruction:
    """Files where the folders of new objects would be."""
    git(project, "repack", "-a", "-d", "--quiet")
    blocks = [project / ".git" / "objects" / f"{number:02x}" for number in range(256)]
    for block in blocks:
        block.write_text("in the way\n", encoding="utf-8")
    return lambda: [block.unlink() for block in blocks], ()


def read_only_folders(project: Path) -> Obstruction:
    """A git directory this user may only read."""
    prefix: Command = HUMBLE if os.geteuid() == 0 else ()
    if prefix and not works(*prefix, "true"):
        pytest.skip("root cannot give up its rights here; the other obstructions stop root, too")
    folders = [path for path in [project / ".git", *(project / ".git").rglob("*")] if path.is_dir()]
    for folder in folders:
        folder.chmod(0o500)
    return lambda: [folder.chmod(0o700) for folder in folders], prefix


READ_ONLY_MOUNT = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"'


def read_only_mount(project: Path) -> Obstruction:
    """A file system that takes no writes, as in a container."""
    prefix = ("unshare", "--map-root-user", "--mount", "--", "sh", "-c", READ_ONLY_MOUNT, str(project))
    if not works(*prefix, "true"):
        pytest.skip("this machine does not permit mounts; the other obstructions do not need them")
    return lambda: None, prefix


def works(*command: str) -> bool:
    return shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.parametrize("obstruct", [blocked_ref, blocked_objects, read_only_folders, read_only_mount])
def test_records_are_kept_and_the_mirror_is_owed_while_git_cannot_be_written(
    tmp_path: Path, obstruct: Callable[[Path], Obstruction]
) -> None:
    project = make_project(tmp_path / "project")
    variables = environment(tmp_path / "home", AGENTOPS_DATA_DIR=str(tmp_path / "data"))
    clear, prefix = obstruct(project)
    try:
        with serve(project, variables, command=(*prefix, *COMMAND, "serve")) as client:
            ids = [record(client, action=f"Write entry {number} while git is shut") for number in range(2)]
            brief = brief_of(client)
            assert [identifier in brief for identifier in ids] == [True, True]
        owed = checks(project, variables, *prefix)["git mirror"]
    finally:
        clear()
    assert (owed["state"], owed["finding"].startswith("2 tracked events")) == ("fail", True), owed
    assert owed["remedy"]

    with serve(project, variables, MODERN) as client:
        assert ids[1] in brief_of(client)  # any call pays
        paid = mirrored(project)
    assert [f"{identifier}.json" in paid for identifier in ids] == [True, True]
    assert checks(project, variables)["git mirror"]["state"] == "ok"
    assert run_command(project, "verify", environment=variables).returncode == 0


BROKEN_SETTINGS: list[tuple[str, bytes, str]] = [
    ("not TOML", b"[tracking\nlearning", "config.toml cannot be read"),
    ("not UTF-8", b'[tracking]\nlearning = "\xff"\n', "config.toml cannot be read"),
    ("an unknown key", b'[tracking]\nlerning = "warn"\n', "tracking.lerning"),
    ("a wrong value", b'[tracking]\nlearning = "sometimes"\n', "tracking.learning"),
    ("a wrong type", b"tracking = 5\n", "tracking"),
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("content", "says"), [c[1:] for c in BROKEN_SETTINGS], ids=[c[0] for c in BROKEN_SETTINGS])
def test_broken_settings_are_every_tools_answer_until_they_are_put_right(
    tmp_path: Path, era: Era, content: bytes, says: str
) -> None:
    project = make_project(tmp_path / "project")
    settings = project / ".agentops" / "config.toml"
    settings.write_bytes(content)
    with serve(project, environment(tmp_path / "home"), era) as client:
        for tool, arguments in (("start_session", {"goal": "Begin"}), ("record_entry", entry())):
            result = client.call(tool, arguments)
            assert result["isError"]
            assert says in text_of(result)
            assert "Correct it" in text_of(result)
        read = client.ask("resources/read", {"uri": "agentops://entries/recent"})
        assert says in read["error"]["message"]
        assert client.ask("tools/list")["result"]["tools"]

        settings.write_text('[tracking]\nlearning = "warn"\n', encoding="utf-8")
        assert record(client) in brief_of(client)


def test_a_place_that_cannot_hold_the_database_is_named_until_it_can(tmp_path: Path) -> None:
    project, data = make_project(tmp_path / "project"), tmp_path / "data"
    data.write_text("a file, not a folder\n", encoding="utf-8")
    with serve(project, environment(tmp_path / "home", AGENTOPS_DATA_DIR=str(data))) as client:
        result = client.call("record_entry", entry())
        assert result["isError"]
        assert str(data) in text_of(result)
        assert "AGENTOPS_DATA_DIR" in text_of(result)

        data.unlink()
        assert record(client) in brief_of(client)


def test_a_damaged_database_is_named_with_the_way_back_and_the_mirror_restores_it(tmp_path: Path) -> None:
    project, variables = make_project(tmp_path / "project"), environment(tmp_path / "home")
    with serve(project, variables) as client:
        identifier = record(client)
    database = project / ".git" / "agentops" / "agentops.db"
    database.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 32)
    with serve(project, variables) as client:
        result = client.call("start_session", {"goal": "Begin"})
        assert result["isError"]
        assert "Move it away; `agentops-mcp restore-mirror`" in text_of(result)

        for file in database.parent.glob("agentops.db*"):
            file.rename(file.with_name(f"damaged-{file.name}"))
        restored = run_command(project, "restore-mirror", environment=variables)
        assert restored.returncode == 0, restored.stderr
        assert identifier in brief_of(client)
    assert run_command(project, "verify", environment=variables).returncode == 0
