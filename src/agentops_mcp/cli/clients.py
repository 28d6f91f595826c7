"""The configuration of each client: where it is, what belongs in it, and how it is changed without harm."""

import difflib
import json
import os
import secrets
import stat
import sys
import tomllib
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast

from agentops_mcp.cli.json_edit import BY_HAND, JsonValue, object_at, set_value
from agentops_mcp.core.errors import ConfigError, ConflictError, InvalidInputError

SERVER_KEY: Final = "agentops"
# Files shared through git name the program, never where it is installed on one machine.
SHARED_COMMAND: Final = "agentops-mcp"
# Far above any hand-kept configuration, and small enough to read whole.
_MAX_SIZE_BYTES: Final = 1024 * 1024
_REMOTE_KEYS: Final = frozenset({"url", "httpUrl", "serverUrl"})

Entry = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What a file holds and what it shall hold: shown first, applied when agreed. None is an absent file."""

    path: Path
    before: str | None
    after: str | None
    mode_before: int | None = None
    mode_after: int | None = None

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return (self.before, self.mode_before) != (self.after, self.mode_after)

    def diff(self) -> str:
        """A unified diff; characters that could deceive a reader are written as escapes."""
        real = self.path.resolve()
        name = str(real) if real == self.path else f"{self.path} -> {real}"
        old, new = ("/dev/null" if text is None else _visible(name) for text in (self.before, self.after))
        lines = list(difflib.unified_diff(_lines(self.before), _lines(self.after), old, new, lineterm=""))
        if None not in (self.mode_before, self.mode_after) and self.mode_before != self.mode_after:
            lines.append(f"mode of {_visible(name)}: {self.mode_before:04o} -> {self.mode_after:04o}")
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Client:
    """One client: its file below a root, the key of the servers in it, and what it wants besides command and args."""

    root: Literal["project", "home", "codex", "application support", "config"]
    file: str
    servers_key: str
    required: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    # Written into a new entry only: afterwards they are the person's to change or remove.
    suggested: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


CLIENTS: Final[Mapping[str, Client]] = {
    "claude-code": Client("project", ".mcp.json", "mcpServers", required={"type": "stdio"}),
    "claude-desktop": Client("application support", "Claude/claude_desktop_config.json", "mcpServers"),
    "vscode": Client("project", ".vscode/mcp.json", "servers", required={"type": "stdio"}),
    "cursor": Client("project", ".cursor/mcp.json", "mcpServers"),
    # The first start after an installation compiles every module; the client's own limit is shorter.
    "codex": Client("codex", "config.toml", "mcp_servers", suggested={"startup_timeout_sec": 30}),
    "gemini": Client("project", ".gemini/settings.json", "mcpServers"),
    "zed": Client("config", "zed/settings.json", "context_servers"),
    "windsurf": Client("home", ".codeium/windsurf/mcp_config.json", "mcpServers"),
}


def plan(
    client: str, *, project: Path, home: Path, command: str, platform: str, env: Mapping[str, str]
) -> ConfigChange:
    """The change that gives `client` this project's server; `platform` is a `sys.platform`.

    Raises:
        InvalidInputError: the client is not known, or its file cannot be changed safely.
        ConfigError: the file cannot be read.
    """
    known = _known(client)
    path = _root(known, project, home, platform, env) / known.file
    before = read_text(path)
    return ConfigChange(path, before, _merge(before or "", known, _required(known, project, command), str(path)))


def snippet(client: str, *, project: Path, command: str) -> str:
    """What to write by hand: the whole of a file that holds nothing but this project's server."""
    known = _known(client)
    return _merge("", known, _required(known, project, command), known.file)


def read_text(path: Path) -> str | None:
    """The text of a file, byte for byte, or None when there is no file.

    Raises:
        ConfigError: something else than a readable file is there.
        InvalidInputError: it is not UTF-8.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_SIZE_BYTES:
            raise ConfigError(f"{path} is not a file of at most {_MAX_SIZE_BYTES} bytes.", remedy=BY_HAND)
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        for link in (path, *path.parents):
            if link.is_symlink() and not link.exists():
                raise ConfigError(f"{link} is a symbolic link to nothing.", remedy="Mend or remove it.") from None
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", remedy=BY_HAND) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"{path}, line {line}: not UTF-8.", remedy=BY_HAND) from error


def apply(change: ConfigChange) -> None:
    """Make the change, whole or not at all.

    Raises:
        ConflictError: the file is no longer as it was when the change was planned.
        ConfigError: it cannot be written.
    """
    if not change.changed:
        return
    if read_text(change.path) != change.before:
        raise ConflictError(f"{change.path} was changed meanwhile.", remedy="Run the command again.")
    try:
        if change.after is None:
            change.path.unlink()
        else:
            _replace(change.path.resolve(), change.after.encode("utf-8"), change.mode_after)
    except OSError as error:
        raise ConfigError(f"{change.path} cannot be written: {error.strerror}.", remedy=BY_HAND) from error


def _replace(target: Path, content: bytes, mode: int | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = target.stat() if target.exists() else None
    temporary = target.with_name(f".agentops-{secrets.token_hex(8)}.tmp")
    # A file that only its owner may read is never readable by others, not even for a moment.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o600 if kept else 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if kept and sys.platform != "win32":
            # Only root may give a file away; anyone else owns what they wrote.
            with suppress(PermissionError):
                os.chown(temporary, kept.st_uid, kept.st_gid)
        if mode is None and kept:
            mode = stat.S_IMODE(kept.st_mode)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    if sys.platform != "win32":
        folder = os.open(target.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def _known(client: str) -> Client:
    if client not in CLIENTS:
        raise InvalidInputError(f"No client {client!r} is known.", remedy=f"Name one of {', '.join(CLIENTS)}.")
    return CLIENTS[client]


def _root(client: Client, project: Path, home: Path, platform: str, env: Mapping[str, str]) -> Path:
    """The folder that holds `client.file`."""
    fixed = {"project": project, "home": home, "codex": Path(env.get("CODEX_HOME") or home / ".codex")}
    if client.root in fixed:
        return fixed[client.root]
    if platform == "darwin":
        return home / ("Library/Application Support" if client.root == "application support" else ".config")
    if platform == "win32":
        return Path(env.get("APPDATA") or home / "AppData/Roaming")
    named = Path(env.get("XDG_CONFIG_HOME", ""))
    # The XDG base directory specification: a relative path there is to be ignored.
    return named if named.is_absolute() else home / ".config"


def _required(client: Client, project: Path, command: str) -> Entry:
    """The fields that make the entry ours, in the order people write them."""
    if client.root == "project":
        return {**client.required, "command": SHARED_COMMAND, "args": ["serve"]}
    place = str(project.absolute())
    try:
        (place + command).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInputError("The path of the project or program is not UTF-8.", remedy="Rename it.") from error
    return {**client.required, "command": command, "args": ["serve", "--project", place]}


def _updates(existing: Mapping[str, Any], required: Entry, file: str) -> Entry:
    """The fields of `required` that an existing entry lacks or has otherwise."""
    if not _REMOTE_KEYS.isdisjoint(existing):
        # Several clients refuse their whole file when one entry has both a command and an address.
        raise InvalidInputError(
            f"{file} has a remote server under {SERVER_KEY!r}.",
            remedy="Remove or rename that entry, then run this again.",
        )
    wanted = {**required, "args": _merged_args(existing.get("args"), cast("list[str]", required["args"]))}
    return {key: value for key, value in wanted.items() if existing.get(key) != value}


def _merged_args(existing: object, required: list[str]) -> JsonValue:
    """`required`, and the options of `serve` that a person added."""
    given = [str(argument) for argument in cast("list[object]", existing)] if isinstance(existing, list) else []
    if given[:1] != required[:1]:
        return [*required]
    if "--project" not in required:
        return [*given]
    merged, arguments = [*required], iter(given[1:])
    for argument in arguments:
        if argument == "--project":
            next(arguments, None)
        elif not argument.startswith("--project="):
            merged.append(argument)
    return [*(given if sorted(given) == sorted(merged) else merged)]


def _merge(text: str, client: Client, required: Entry, file: str) -> str:
    merge = _merge_toml if client.file.endswith(".toml") else _merge_json
    return merge(text, client, required, file)


def _merge_json(text: str, client: Client, required: Entry, file: str) -> str:
    place = (client.servers_key, SERVER_KEY)
    existing = object_at(text, place, file=file)
    if existing is None:
        return set_value(text, place, {**required, **client.suggested}, file=file)
    for key, value in _updates(existing, required, file).items():
        text = set_value(text, (*place, key), value, file=file)
    return text


def _merge_toml(text: str, client: Client, required: Entry, file: str) -> str:
    # What is new is written with bare line feeds, so a file of nothing but CRLF is edited without its CRs.
    crlf = 0 < text.count("\n") == text.count("\r\n")
    body = text.removeprefix("\ufeff").replace("\r\n", "\n" if crlf else "\r\n")
    expected = _toml(body, file)
    existing = _table(expected.get(client.servers_key, {}), client.servers_key, body, file).get(SERVER_KEY)
    if existing is None:
        updates = {**required, **client.suggested}
    else:
        updates = _updates(_table(existing, SERVER_KEY, body, file), required, file)
    if not updates:
        return text
    expected.setdefault(client.servers_key, {}).setdefault(SERVER_KEY, {}).update(updates)
    edited = _edit_toml(body, client.servers_key, updates, file, new=existing is None)
    # The editor moves tables in unusual layouts; another parser tells whether only our entry differs.
    # Compared as text, because a not-a-number does not equal itself.
    found, wanted = (json.dumps(data, default=repr, sort_keys=True) for data in (_toml(edited, file), expected))
    heads = [line for line in body.split("\n") if line.lstrip().startswith("[")]
    head_set = frozenset(heads)
    if found != wanted or heads != [line for line in edited.split("\n") if line in head_set]:
        raise InvalidInputError(f"{file} is laid out in a way that cannot be edited safely.", remedy=BY_HAND)
    return text[: text.startswith("\ufeff")] + (edited.replace("\n", "\r\n") if crlf else edited)


def _edit_toml(body: str, servers_key: str, updates: Entry, file: str, *, new: bool) -> str:
    # Only one client needs it, and its import takes longer than all the rest of a plan.
    import tomlkit
    from tomlkit.exceptions import TOMLKitError
    from tomlkit.items import InlineTable

    try:
        document = cast("MutableMapping[str, Any]", tomlkit.parse(body))
        servers = document.get(servers_key)
        if new and not isinstance(servers, InlineTable):
            gap = "" if not body or body.endswith("\n\n") else "\n" if body.endswith("\n") else "\n\n"
            return f"{body}{gap}[{servers_key}.{SERVER_KEY}]\n{tomlkit.dumps(updates)}"
        entry = tomlkit.inline_table() if new else document[servers_key][SERVER_KEY]
        cast("MutableMapping[str, Any]", entry).update(updates)
        document[servers_key][SERVER_KEY] = entry
        return tomlkit.dumps(document)
    except (TOMLKitError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{file} cannot be edited safely.", remedy=BY_HAND) from error


def _toml(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{file} is not valid TOML: {error}.", remedy=BY_HAND) from error


def _table(value: object, key: str, text: str, file: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    line = next((at for at, line in enumerate(text.split("\n"), 1) if key in line), 1)
    raise InvalidInputError(f"{file}, line {line}: {key!r} is not a table.", remedy=BY_HAND)


def _lines(text: str | None) -> list[str]:
    lines = [_visible(line.removesuffix("\r")) for line in (text or "").split("\n")]
    return [*lines[:-1], f"{lines[-1]}\n\\ No newline at end of file"] if lines[-1] else lines[:-1]


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\t" else c.encode("unicode_escape").decode() for c in text)
