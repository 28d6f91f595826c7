"""Who may open the page: links that work once, sessions, and where the page runs; in a folder of the person's own.

Nothing in it opens the page by itself: links and sessions are kept as SHA-256, in the names of their files. The folder
is outside the worktree, where an agent works and others may look.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from agentops_mcp.core.clock import Clock, utc_now
from agentops_mcp.core.display import gist
from agentops_mcp.core.errors import ConfigError, InvalidInputError
from agentops_mcp.storage.locking import exclusive
from agentops_mcp.storage.project import Project

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ADDRESS = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}")
_NAME_CHARS = 60
_LARGEST_BYTES = 4_096
_REMEDY = "Set XDG_STATE_HOME to a folder of yours."
_START_S, _LOOK_S = 1.0, 0.005
_LINKS, _SESSIONS, _LINK_FILE, _PAGE, _LOCK = "links", "sessions", "link", "page.json", "page.lock"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    person: str
    cookie: str
    """What the browser sends; known to nobody else."""

    @property
    def csrf(self) -> str:
        """What every form of this session carries: it follows from the cookie, which other sites can not read."""
        return hmac.new(self.cookie.encode(), b"form", hashlib.sha256).hexdigest()


class PageAccess:
    """Links and sessions of one project's page."""

    def __init__(self, folder: Path, *, clock: Clock = utc_now) -> None:
        """`folder` is that of `state_folder`; it is made when something is first kept."""
        self.folder = folder
        self._clock = clock

    def mint(self, person: str) -> str:
        """The token of a new link for a person: it signs in once, within `LINK_LASTS`.

        Raises:
            InvalidInputError: that is no name.
            ConfigError: the folder is not the person's own.
        """
        self._tidy()
        return self._keep(_LINKS, named(person), LINK_LASTS)

    def invited(self, token: str) -> str | None:
        """The person a link is for, as long as it can be used; this uses nothing up."""
        return self._read(_LINKS, token)

    def sign_in(self, token: str) -> Session | None:
        """Use a link up and begin a session; None when it is no link, or no longer one. Of several calls one wins."""
        person = self._read(_LINKS, token)
        if person is None:
            return None
        try:
            self._file(_LINKS, token).unlink()
        except OSError:  # another call was faster
            return None
        self._forget_link(token)
        return Session(person, self._keep(_SESSIONS, person, SESSION_LASTS))

    def session(self, cookie: str) -> Session | None:
        """The session of a cookie."""
        person = self._read(_SESSIONS, cookie)
        return None if person is None else Session(person, cookie)

    def sign_out(self, cookie: str) -> None:
        """End a session."""
        if _TOKEN.fullmatch(cookie):
            self._file(_SESSIONS, cookie).unlink(missing_ok=True)

    def keep_link(self, link: str) -> Path:
        """Keep a link in a file that only the person's account reads; it goes when the link is used."""
        path = self.folder / _LINK_FILE
        _private_folder(self.folder)
        _write(path, link + "\n")
        return path

    @contextmanager
    def announced(self, address: str) -> Generator[bool]:
        """Say where the page runs for as long as the block does; False when another one runs already."""
        _private_folder(self.folder)
        with ExitStack() as stack:
            try:
                stack.enter_context(exclusive(self.folder / _LOCK, timeout_s=_START_S))
            except TimeoutError:
                yield False
                return
            _write(self.folder / _PAGE, json.dumps({"address": address, "pid": os.getpid()}))
            for name in (_PAGE, _LINK_FILE):
                stack.callback((self.folder / name).unlink, missing_ok=True)
            yield True

    def _keep(self, kind: str, person: str, lasts: timedelta) -> str:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        _private_folder(self.folder / kind)
        until = (self._clock() + lasts).isoformat()
        _write(self._file(kind, token), json.dumps({"person": person, "until": until}))
        return token

    def _read(self, kind: str, token: str) -> str | None:
        return _valid(self._file(kind, token), self._clock()) if _TOKEN.fullmatch(token) else None

    def _file(self, kind: str, token: str) -> Path:
        return self.folder / kind / hashlib.sha256(token.encode()).hexdigest()

    def _forget_link(self, token: str) -> None:
        path = self.folder / _LINK_FILE
        with suppress(OSError):
            if path.read_text(encoding="utf-8").strip().endswith(f"/{token}"):
                path.unlink()

    def _tidy(self) -> None:
        """Remove what ended."""
        now = self._clock()
        for kind in (_LINKS, _SESSIONS):
            with suppress(OSError):
                for path in list((self.folder / kind).iterdir()):
                    if _valid(path, now) is None:
                        path.unlink(missing_ok=True)


def state_folder(project: Project, environment: Mapping[str, str]) -> Path:
    """Where a person's state of this project is, whether there is any or not; every worktree has the same.

    After the XDG base directory specification, by which a relative path in `XDG_STATE_HOME` is ignored; on Windows and
    macOS where applications keep their data.
    """
    home = Path.home()
    if (named_home := Path(environment.get("XDG_STATE_HOME", ""))).is_absolute():
        base = named_home
    elif sys.platform == "win32":
        base = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = home / ".local" / "state"
    return base / "agentops" / hashlib.sha256(str(project.data_dir.resolve()).encode()).hexdigest()[:16]


def running_page(folder: Path) -> str | None:
    """The address of the page that runs for a project, by the folder of its state; None when none does.

    A page that died without a word is told by its lock, which the operating system freed.
    """
    found = _document(folder / _PAGE)
    address = found.get("address")
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
        return None
    try:
        with exclusive(folder / _LOCK, timeout_s=_LOOK_S):
            return None
    except TimeoutError:
        return address
    except OSError:
        return None


def named(person: str) -> str:
    """A person's name as it is kept.

    Raises:
        InvalidInputError: it is none.
    """
    name = person.strip()
    if not 0 < len(name) <= _NAME_CHARS or not name.isprintable():
        raise InvalidInputError(
            f"{gist(person, limit=60)!r} is no name of a person.", remedy=f"Give at most {_NAME_CHARS} characters."
        )
    return name


def _valid(path: Path, now: datetime) -> str | None:
    """The person that a link or a session is for, while it lasts."""
    found = _document(path)
    try:
        until = datetime.fromisoformat(found["until"])
        return named(found["person"]) if now < until else None
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInputError):
        return None


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _private_folder(folder: Path) -> None:
    """Make a folder and those of ours around it, for the account alone.

    Raises:
        ConfigError: it can not be made, or is somebody else's.
    """
    ours = [folder, *folder.parents]
    ours = ours[: [each.name for each in ours].index("agentops") + 1] if "agentops" in folder.parts else ours[:1]
    try:
        ours[-1].parent.mkdir(parents=True, exist_ok=True)
        for each in reversed(ours):
            each.mkdir(mode=0o700, exist_ok=True)
            if sys.platform != "win32":
                if each.stat().st_uid != os.getuid():
                    raise ConfigError(
                        f"{each} is another account's.", remedy="Set XDG_STATE_HOME to a folder of yours."
                    )
                each.chmod(0o700)
    except OSError as error:
        raise ConfigError(f"{folder} can not be made: {error.strerror}.", remedy=_REMEDY) from error


def _write(path: Path, text: str) -> None:
    """Put a file in place whole, readable by the account alone from its first byte on."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
