"""A person at the terminal: what only they may decide is typed there, with a code that is shown there."""

import secrets
import sys
from datetime import timedelta

import typer

from agentops_mcp import __version__
from agentops_mcp.cli.output import say
from agentops_mcp.core.errors import ConfigError, InvalidInputError
from agentops_mcp.core.records import Actor
from agentops_mcp.storage.project import current_user

_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_CODE_CHARS = 4
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def at_terminal(what: str) -> None:
    """Go on only when a person types the code that is shown to them.

    Raises:
        ConfigError: there is no terminal, or another code was typed; nothing was decided.
    """
    need_terminal(what)
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARS))
    say(f"To {what}, type {code}")
    if typer.prompt("Code", default="", show_default=False).strip().upper() != code:
        raise ConfigError("That was not the code; nothing was decided.", remedy="Run the command again.")


def need_terminal(what: str) -> None:
    """Refuse a pipe, before anything is shown in it.

    Raises:
        ConfigError: there is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError(
            f"Only a person at a terminal can {what}.",
            remedy="Run this command yourself, not through an agent or a pipe.",
        )


def person(command: str) -> Actor:
    """Who stands at the command line."""
    return Actor(client=f"agentops-mcp {command} {__version__}", user=current_user(), via="cli")


def duration(text: str) -> timedelta:
    """A duration as people write it: 30m, 2h, 1d.

    Raises:
        InvalidInputError: it is not one.
    """
    number, unit = text[:-1], text[-1:].lower()
    if not number.isdecimal() or unit not in _UNITS or len(number) > _CODE_CHARS:
        raise InvalidInputError(f"{text[:20]!r} is no duration.", remedy="Write it as 30m, 2h or 1d.")
    return timedelta(**{_UNITS[unit]: int(number)})
