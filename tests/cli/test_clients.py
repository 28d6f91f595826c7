import errno
import json
import os
import stat
import sys
import tomllib
from functools import partial
from pathlib import Path

import pytest

from agentops_mcp.cli.clients import CLIENTS, ConfigChange, apply, plan, read_text, snippet
from agentops_mcp.core.errors import ConfigError, ConflictError, InvalidInputError

PROJECT = Path("/srv/shop")
HOME = Path("/home/ada")
COMMAND = "/opt/bin/agentops-mcp"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes and links")

SHARED = """\
{
  "mcpServers": {
    "agentops": {
      "command": "agentops-mcp",
      "args": ["serve"]
    }
  }
}
"""
TYPED = SHARED.replace('"command"', '"type": "stdio",\n      "command"')
OWN = SHARED.replace('"agentops-mcp"', f'"{COMMAND}"').replace('["serve"]', '["serve", "--project", "/srv/shop"]')
CODEX = (
    "[mcp_servers.agentops]\n"
    f'command = "{COMMAND}"\n'
    'args = ["serve", "--project", "/srv/shop"]\n'
    "startup_timeout_sec = 30\n"
)

# Where each client's file is on Linux, and what a first one holds.
FIRST_FILES = {
    "claude-code": ("/srv/shop/.mcp.json", TYPED),
    "claude-desktop": ("/home/ada/.config/Claude/claude_desktop_config.json", OWN),
    "vscode": ("/srv/shop/.vscode/mcp.json", TYPED.replace("mcpServers", "servers")),
    "cursor": ("/srv/shop/.cursor/mcp.json", SHARED),
    "codex": ("/home/ada/.codex/config.toml", CODEX),
    "gemini": ("/srv/shop/.gemini/settings.json", SHARED),
    "zed": ("/home/ada/.config/zed/settings.json", OWN.replace("mcpServers", "context_servers")),
    "windsurf": ("/home/ada/.codeium/windsurf/mcp_config.json", OWN),
}

# Where a client's file is elsewhere.
PLACES: list[tuple[str, str, dict[str, str], str]] = [
    ("claude-desktop", "darwin", {}, "/home/ada/Library/Application Support/Claude/claude_desktop_config.json"),
    ("claude-desktop", "win32", {"APPDATA": "/appdata"}, "/appdata/Claude/claude_desktop_config.json"),
    ("claude-desktop", "win32", {}, "/home/ada/AppData/Roaming/Claude/claude_desktop_config.json"),
    ("zed", "darwin", {"XDG_CONFIG_HOME": "/xdg"}, "/home/ada/.config/zed/settings.json"),
    ("zed", "linux", {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/zed/settings.json"),
    ("zed", "linux", {"XDG_CONFIG_HOME": "relative"}, "/home/ada/.config/zed/settings.json"),
    ("codex", "darwin", {"CODEX_HOME": "/codex"}, "/codex/config.toml"),
    ("codex", "linux", {"CODEX_HOME": ""}, "/home/ada/.codex/config.toml"),
]


def plan_in(folder: Path, client: str, *, text: str | None = None) -> ConfigChange:
    """Plan for a project in `folder/shop` of a person at `folder/home`, where `text` is the client's file."""
    place = partial(plan, client, project=folder / "shop", home=folder / "home", command=COMMAND, platform="linux")
    if text is not None:
        path = place(env={}).path
        path.parent.mkdir(parents=True)
        path.write_bytes(text.encode("utf-8"))
    return place(env={})


def first_file(client: str) -> ConfigChange:
    return plan(client, project=PROJECT, home=HOME, command=COMMAND, platform="linux", env={})


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_without_a_file_gets_one_with_only_our_server(client: str) -> None:
    change = first_file(client)
    path, text = FIRST_FILES[client]
    assert (change.path, change.before, change.after, change.changed) == (Path(path), None, text, True)
    assert snippet(client, project=PROJECT, command=COMMAND) == text


@pytest.mark.parametrize(("client", "platform", "env", "path"), PLACES)
def test_the_file_is_where_the_client_looks_on_each_platform(
    client: str, platform: str, env: dict[str, str], path: str
) -> None:
    planned = plan(client, project=PROJECT, home=HOME, command=COMMAND, platform=platform, env=env)
    assert planned.path == Path(path)


@pytest.mark.parametrize("client", ["claude-code", "vscode", "cursor", "gemini"])
def test_a_file_shared_in_the_project_holds_no_path_of_this_machine(client: str) -> None:
    change = first_file(client)
    assert "/opt" not in str(change.after)
    assert "/srv" not in str(change.after)


def test_an_unknown_client_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInputError) as refused:
        first_file("emacs")
    assert refused.value.remedy == (
        "Name one of claude-code, claude-desktop, vscode, cursor, codex, gemini, zed, windsurf."
    )


def spelled_out(text: str, shop: str) -> str:
    """`text` with the words that stand for longer ones in the table below replaced."""
    text = text.replace("NEW", '{\n\t\t\t"command": "agentops-mcp",\n\t\t\t"args": ["serve"]\n\t\t}')
    text = text.replace("ARGS", '"serve", "--project", "SHOP"').replace("CMD", COMMAND)
    return text.replace("SHOP", shop).replace(str(PROJECT), shop)


# Client, what its file holds, and what it holds afterwards.
MERGES = {
    "an empty file": ("cursor", "", SHARED),
    "an empty object": ("cursor", "{}", SHARED.removesuffix("\n")),
    "a byte order mark": ("cursor", "\ufeff{}", "\ufeff" + SHARED.removesuffix("\n")),
    "other servers and comments": (
        "cursor",
        '{\n\t"mcpServers": {\n\t\t"db": {"command": "db"}, // local\n\t},\n}\n',
        '{\n\t"mcpServers": {\n\t\t"db": {"command": "db"}, // local\n\t\t"agentops": NEW,\n\t},\n}\n',
    ),
    "CRLF": ("gemini", '{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,' + SHARED[1:].replace("\n", "\r\n")),
    "an older entry of ours with what a person added": (
        "claude-code",
        '{"mcpServers": {"agentops": {"command": "x", "cwd": "a", "args": "serve"}}}',
        '{"mcpServers": {"agentops": {"command": "agentops-mcp", "cwd": "a", "args": ["serve"], "type": "stdio"}}}',
    ),
    "an entry whose arguments a person extended": (
        "gemini",
        '{"mcpServers": {"agentops": {"args": ["serve", "-v"], "trust": true, "command": "x"}}}',
        '{"mcpServers": {"agentops": {"args": ["serve", "-v"], "trust": true, "command": "agentops-mcp"}}}',
    ),
    "an entry for another project, with an option": (
        "windsurf",
        '{"mcpServers": {"agentops": {"command": "CMD", "args": ["serve", "--project", "/x", "--profile", "core"]}}}',
        '{"mcpServers": {"agentops": {"command": "CMD", "args": [ARGS, "--profile", "core"]}}}',
    ),
    "an entry for another project, written with an equals sign": (
        "windsurf",
        '{"mcpServers": {"agentops": {"command": "CMD", "args": ["serve", "--project=/x"]}}}',
        '{"mcpServers": {"agentops": {"command": "CMD", "args": [ARGS]}}}',
    ),
    "an entry for this project, in another order": (
        "zed",
        '{"context_servers": {"agentops": {"command": "CMD", "args": ["serve", "-v", "--project", "SHOP"]}}}',
        '{"context_servers": {"agentops": {"command": "CMD", "args": ["serve", "-v", "--project", "SHOP"]}}}',
    ),
    "TOML with other servers and comments": (
        "codex",
        'model = "o9" # mine\n\n[mcp_servers.db]\ncommand = "db"\n\n[tui]\nbell = true',
        'model = "o9" # mine\n\n[mcp_servers.db]\ncommand = "db"\n\n[tui]\nbell = true\n\n' + CODEX,
    ),
    "TOML with CRLF and a byte order mark": (
        "codex",
        "\ufeff[z]\r\n",
        "\ufeff[z]\r\n\r\n" + CODEX.replace("\n", "\r\n"),
    ),
    "TOML that mixes line endings": ("codex", "a = 1\r\nb = 2\n", "a = 1\r\nb = 2\n\n" + CODEX),
    "TOML with an older entry of ours": (
        "codex",
        '[mcp_servers.agentops] # ours\nargs = [ARGS]\ncommand = "x" # its\n\n[mcp_servers.agentops.env]\nA = "1"\n',
        '[mcp_servers.agentops] # ours\nargs = [ARGS]\ncommand = "CMD" # its\n\n[mcp_servers.agentops.env]\nA = "1"\n',
    ),
    "TOML whose entry a person changed": (
        "codex",
        '[mcp_servers.agentops]\ncommand = "CMD"\nargs = [ARGS, "-v"]\nstartup_timeout_sec = 90\nenabled = false\n',
        '[mcp_servers.agentops]\ncommand = "CMD"\nargs = [ARGS, "-v"]\nstartup_timeout_sec = 90\nenabled = false\n',
    ),
    "TOML whose entry has an environment alone": (
        "codex",
        '[mcp_servers.agentops.env]\r\nA = "1"\r\n',
        '[mcp_servers.agentops]\r\ncommand = "CMD"\r\nargs = [ARGS]\r\n\r\n[mcp_servers.agentops.env]\r\nA = "1"\r\n',
    ),
    "TOML with the servers in one line": (
        "codex",
        "mcp_servers = {a = {}} # all\na = nan\n",
        'mcp_servers = {a = {},agentops = {command = "CMD", args = [ARGS], startup_timeout_sec = 30}} # all\na = nan\n',
    ),
    "TOML with dotted keys": ("codex", "mcp_servers.db.a = 1\n", "mcp_servers.db.a = 1\n\n" + CODEX),
    "TOML with the servers scattered": (
        "codex",
        '[mcp_servers.db]\na = 1\n[tui]\n[mcp_servers.agentops]\ncommand = "x"\nargs = ["serve"]\n[z]\n',
        '[mcp_servers.db]\na = 1\n[tui]\n[mcp_servers.agentops]\ncommand = "CMD"\nargs = [ARGS]\n[z]\n',
    ),
}


@pytest.mark.parametrize(("client", "before", "after"), MERGES.values(), ids=MERGES.keys())
def test_our_server_is_merged_and_all_else_is_kept(tmp_path: Path, client: str, before: str, after: str) -> None:
    before, after = (spelled_out(text, str(tmp_path / "shop")) for text in (before, after))
    change = plan_in(tmp_path, client, text=before)
    assert change.after == after
    apply(change)
    assert change.path.read_bytes() == after.encode("utf-8")
    again = plan_in(tmp_path, client)
    assert not again.changed
    assert again.diff() == ""


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_written_is_found_in_order_the_next_time(tmp_path: Path, client: str) -> None:
    apply(plan_in(tmp_path, client))
    assert not plan_in(tmp_path, client).changed


# Client, a file that cannot be merged into, and what is said of it.
REFUSED = {
    "no JSON": ("cursor", '{\n  "mcpServers": {,}\n}', "line 2: not valid JSON"),
    "no object": ("zed", "{\n\n" + '"context_servers": []}', 'line 3: "context_servers" is not an object'),
    "an entry that is no object": ("vscode", '{"servers": {\n"agentops": "x"}}', 'line 2: "agentops" is not an object'),
    "a field there twice": (
        "cursor",
        '{"mcpServers": {"agentops": {"command": "a",\n"command": "b"}}}',
        'line 2: "command" is there twice',
    ),
    "a remote server under our key": ("cursor", '{"mcpServers": {"agentops": {"url": "u"}}}', "has a remote server"),
    "a remote server in TOML": ("codex", '[mcp_servers.agentops]\nurl = "u"\n', "has a remote server"),
    "no TOML": ("codex", "a = 1\nb = = 2\n", "is not valid TOML: Invalid value (at line 2, column 5)."),
    "a TOML table twice": ("codex", "[a]\n[a]\n", "(at line 2, column 3)"),
    "an endless TOML list": ("codex", "a = " + "[" * 50_000, "is not valid TOML"),
    "a TOML number too long to read": ("codex", "a = " + "9" * 5000, "is not valid TOML"),
    "servers that are no TOML table": ("codex", "a = 1\nmcp_servers = 3\n", "line 2: 'mcp_servers' is not a table"),
    "an array of TOML tables": ("codex", "[[mcp_servers]]\na = 1\n", "line 1: 'mcp_servers' is not a table"),
    "TOML whose tables would move": ("codex", "[mcp_servers.agentops.env]\n[z]\n[mcp_servers.agentops]\n", "laid out"),
    "TOML whose lists would move": ("codex", "[[a]]\n[mcp_servers.agentops.env]\n[[a]]\n", "laid out"),
    "an entry that is no TOML table": ("codex", "[mcp_servers]\nagentops = 3\n", "line 2: 'agentops' is not a table"),
}


@pytest.mark.parametrize(("client", "text", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_cannot_be_merged_into_is_refused_and_left_alone(
    tmp_path: Path, client: str, text: str, problem: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        plan_in(tmp_path, client, text=text)
    [path] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path.read_text(encoding="utf-8") == text
    assert refused.value.problem.startswith(str(path))
    assert problem in refused.value.problem


def test_a_file_that_is_not_utf_8_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(b"{\n\xff\xfe}")
    with pytest.raises(InvalidInputError, match="line 2: not UTF-8"):
        read_text(path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shop" / ".mcp.json").mkdir(parents=True)
    with pytest.raises(ConfigError, match="is not a file of at most"):
        plan_in(tmp_path, "claude-code")


def test_a_file_too_large_for_a_configuration_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(1024 * 1024 + 1)
    with pytest.raises(ConfigError, match="is not a file of at most 1048576 bytes"):
        read_text(tmp_path / "f")


@posix_only
@pytest.mark.parametrize("link", ["missing/target.json", ".mcp.json"], ids=["to nothing", "to itself"])
def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, link: str) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / ".mcp.json").symlink_to(link)
    with pytest.raises(ConfigError):
        plan_in(tmp_path, "claude-code")
    assert [path.name for path in tmp_path.rglob("*")] == ["shop", ".mcp.json"]


@posix_only
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError):
        read_text(tmp_path / "pipe")


@posix_only
def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".codex").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        plan_in(tmp_path, "codex")


@posix_only
def test_a_file_below_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".codex").symlink_to("missing")
    with pytest.raises(ConfigError, match=r"\.codex is a symbolic link to nothing"):
        plan_in(tmp_path, "codex")


@posix_only
def test_a_place_where_nobody_can_write_is_an_error() -> None:
    with pytest.raises(ConfigError, match="/proc/agentops\\.json cannot be written"):
        apply(ConfigChange(Path("/proc/agentops.json"), None, "{}"))


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    change = plan_in(tmp_path, "cursor", text="{}")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ConfigError, match="No space left on device"):
        apply(change)
    assert [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()] == ["{}"]


@posix_only
def test_a_project_path_that_is_not_utf_8_is_refused_where_it_would_be_written() -> None:
    project = Path(os.fsdecode(b"/srv/\xff"))
    with pytest.raises(InvalidInputError, match="not UTF-8"):
        plan("zed", project=project, home=HOME, command=COMMAND, platform="linux", env={})


def test_a_project_path_of_quotes_and_breaks_survives_both_formats(tmp_path: Path) -> None:
    odd = tmp_path / 'a "b"\\ \n\u2028 ü'
    for client, read in (("windsurf", json.loads), ("codex", tomllib.loads)):
        [servers] = read(plan_in(odd, client).after or "").values()
        assert servers["agentops"]["args"] == ["serve", "--project", str(odd / "shop")]


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    change = plan_in(tmp_path, "zed", text="{}")
    change.path.chmod(mode)
    apply(change)
    assert stat.S_IMODE(change.path.stat().st_mode) == mode


@posix_only
def test_a_new_file_has_the_mode_the_person_chose_for_new_files(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "ordinary").write_text("", encoding="utf-8")
    apply(change := plan_in(tmp_path, "claude-code"))
    assert change.path.stat().st_mode == (tmp_path / "shop" / "ordinary").stat().st_mode


@posix_only
def test_a_linked_file_is_changed_at_its_target_and_the_diff_names_it(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles" / "codex.toml"
    target.write_text("a = 1\n", encoding="utf-8")
    (tmp_path / "home" / ".codex").mkdir(parents=True)
    link = tmp_path / "home" / ".codex" / "config.toml"
    link.symlink_to(target)
    change = plan_in(tmp_path, "codex")
    assert f"+++ {link} -> {target.resolve()}\n" in change.diff()
    apply(change)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == change.after
    assert [path.name for path in target.parent.iterdir()] == ["codex.toml"]


@pytest.mark.parametrize(("planned", "meanwhile"), [("{}", '{"a": 1}'), ("{}", None), (None, "{}")])
def test_a_file_that_changed_since_the_plan_is_left_alone(
    tmp_path: Path, planned: str | None, meanwhile: str | None
) -> None:
    (tmp_path / "shop").mkdir()
    path = tmp_path / "shop" / ".mcp.json"
    if planned is not None:
        path.write_text(planned, encoding="utf-8")
    change = plan_in(tmp_path, "claude-code")
    path.unlink() if meanwhile is None else path.write_text(meanwhile, encoding="utf-8")
    with pytest.raises(ConflictError):
        apply(change)
    assert read_text(path) == meanwhile


def test_applying_no_change_writes_nothing(tmp_path: Path) -> None:
    apply(plan_in(tmp_path, "cursor"))
    unchanged = plan_in(tmp_path, "cursor")
    before = unchanged.path.stat()
    apply(unchanged)
    assert unchanged.path.stat() == before


def test_the_diff_is_unified_and_tells_of_a_missing_last_line_break(tmp_path: Path) -> None:
    change = plan_in(tmp_path, "cursor", text='{\r\n  "mcpServers": {"agentops": {"command": "old"}}\r\n}')
    assert change.diff() == (
        f"--- {change.path}\n+++ {change.path}\n@@ -1,3 +1,3 @@\n {{\n"
        '-  "mcpServers": {"agentops": {"command": "old"}}\n'
        '+  "mcpServers": {"agentops": {"command": "agentops-mcp", "args": ["serve"]}}\n'
        " }\n\\ No newline at end of file\n"
    )


def test_the_diff_of_a_new_file_starts_from_nothing(tmp_path: Path) -> None:
    diff = plan_in(tmp_path, "cursor").diff()
    assert diff.startswith(f"--- /dev/null\n+++ {tmp_path}")
    assert "No newline" not in diff
