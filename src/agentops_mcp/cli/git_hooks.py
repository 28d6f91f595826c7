"""The commit-msg hook, installed only when a person asks for it."""

import hashlib
import os
import re
import stat
from pathlib import Path
from typing import Final

from agentops_mcp.cli.clients import ConfigChange, read_text
from agentops_mcp.core.errors import ConfigError

HOOK_NAME: Final = "commit-msg"
BY_HAND_LINE: Final = 'if command -v agentops-mcp >/dev/null; then agentops-mcp check-message "$1" || exit $?; fi'
_MODE: Final = 0o755
_MARKER: Final = "# agentops-mcp commit-msg hook"
_BODY: Final = """\
if ! command -v agentops-mcp >/dev/null 2>&1; then
    echo "agentops-mcp is not on PATH: this commit message was not checked." >&2
    exit 0
fi
exec agentops-mcp check-message "$1"
"""
_SIGNED = re.compile(rf"#!/bin/sh\n{_MARKER} ([0-9a-f]{{16}})\n(.*)", re.DOTALL)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8")).hexdigest()[:16]


# The digest tells a hook of any version of ours, which may be replaced, from one a person has edited since.
HOOK: Final = f"#!/bin/sh\n{_MARKER} {_digest(_BODY)}\n{_BODY}"


def plan_hook(hooks_folder: Path) -> ConfigChange:
    """The change that installs the hook in the folder git names (`git rev-parse --git-path hooks`).

    Raises:
        ConfigError: another hook is there, or it cannot be read.
        InvalidInputError: what is there is not text.
    """
    path = hooks_folder / HOOK_NAME
    before = read_text(path)
    if before is None:
        return ConfigChange(path, None, HOOK, mode_after=_MODE)
    mode = stat.S_IMODE(path.stat().st_mode)
    if _is_ours(before):
        return ConfigChange(path, before, HOOK, mode, mode if os.access(path, os.X_OK) else _MODE)
    if _calls_us(before):
        return ConfigChange(path, before, before, mode, mode)
    # Refused rather than moved aside and chained to: the hook belongs to a person or to a tool that updates and
    # removes it under this name, and that would then find, overwrite or delete ours.
    raise ConfigError(f"{path} is not ours to replace.", remedy=f"Add this line to it by hand: {BY_HAND_LINE}")


def plan_hook_removal(hooks_folder: Path) -> ConfigChange:
    """The change that removes our hook; no change when there is none, or only one of somebody else.

    Raises:
        ConfigError: our hook was edited, or it cannot be read.
        InvalidInputError: what is there is not text.
    """
    path = hooks_folder / HOOK_NAME
    before = read_text(path)
    if before is not None and _is_ours(before):
        return ConfigChange(path, before, None)
    if before is not None and _MARKER in before:
        raise ConfigError(f"{path} was edited since it was installed.", remedy="Delete it by hand.")
    return ConfigChange(path, before, before)


def _is_ours(text: str) -> bool:
    """Whether the text is a hook we wrote, in this version or another, and nobody has touched."""
    signed = _SIGNED.fullmatch(text)
    return signed is not None and signed[1] == _digest(signed[2])


def _calls_us(text: str) -> bool:
    lines = (line.strip() for line in text.split("\n"))
    return any("agentops-mcp check-message" in line and not line.startswith("#") for line in lines)
