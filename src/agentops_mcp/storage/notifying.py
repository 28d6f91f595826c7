"""A person told that an approval waits: by a program of theirs, or by an address that they named.

Nothing is sent unless they configured it, and then only the opaque id: neither what is asked nor by whom nor where.
The request never waits for it, and never fails because of it.
"""

import http.client
import ipaddress
import json
import logging
import os
import queue
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from agentops_mcp import __version__
from agentops_mcp.core.config import NotifySection

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
ID_VARIABLE = "AGENTOPS_APPROVAL_ID"
EVENT_VARIABLE = "AGENTOPS_APPROVAL_EVENT"

_MOST_WAITING = 100
_NEW_GROUP = sys.platform != "win32"


class Notifier:
    """Tells a person in the background, one notification after the other."""

    def __init__(self, settings: Callable[[], NotifySection], environment: Mapping[str, str]) -> None:
        """`settings` are asked when something happens; with none there is neither a thread nor a program."""
        self._settings = settings
        self._environment = environment
        self._waiting: queue.Queue[tuple[str, str, NotifySection]] = queue.Queue(_MOST_WAITING)
        self._started = False
        self._lock = threading.Lock()

    def __call__(self, event: str, approval: str) -> None:
        """Tell that an approval was `asked` or `escalated`; returns at once."""
        settings = self._settings()
        if not settings.command and settings.url is None:
            return
        try:
            self._waiting.put_nowait((event, approval, settings))
        except queue.Full:
            logger.warning("More than %d notifications wait; approval %s is not announced.", _MOST_WAITING, approval)
        with self._lock:
            if not self._started:
                threading.Thread(target=self._work, name="notifier", daemon=True).start()
                self._started = True

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything was told, but no longer than that; whether it was."""
        with self._waiting.all_tasks_done:
            return self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, timeout_s)

    def _work(self) -> None:
        while True:
            event, approval, settings = self._waiting.get()
            try:
                if settings.command:
                    run(settings.command, event, approval, self._environment)
                if settings.url is not None:
                    post(settings.url, event, approval)
            except Exception:
                logger.exception("The notification of approval %s failed", approval)
            finally:
                self._waiting.task_done()


def run(command: Sequence[str], event: str, approval: str, environment: Mapping[str, str]) -> bool:
    """Start the person's program with the id as its last argument; whether it ended well within 10 s.

    It is started in the home folder and found without regard to the current one, which may be a clone's.
    """
    if (program := program_of(command[0], environment)) is None:
        logger.warning("The program to notify with, %s, is not there.", command[0])
        return False
    try:
        process = subprocess.Popen(  # noqa: S603 - the program is the person's own choice, and there is no shell
            [program, *command[1:], approval], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=Path.home(), start_new_session=_NEW_GROUP,
            env={**environment, ID_VARIABLE: approval, EVENT_VARIABLE: event},
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as error:
        logger.warning("The program to notify with, %s, can not be started: %s.", command[0], error)
        return False
    try:
        code = process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        _end(process)
        logger.warning("The program to notify with, %s, was ended after %.0f s.", command[0], TIMEOUT_S)
        return False
    if code:
        logger.warning("The program to notify with, %s, ended with code %d.", command[0], code)
    return code == 0


def program_of(name: str, environment: Mapping[str, str]) -> str | None:
    """The program that a command's first item names: an absolute path, one under `~`, or a name on the PATH."""
    if "/" in name or os.sep in name:
        path = Path(name).expanduser()
        return shutil.which(str(path)) if path.is_absolute() else None
    folders = [each for each in environment.get("PATH", "").split(os.pathsep) if Path(each).is_absolute()]
    found = shutil.which(name, path=os.pathsep.join(folders)) if folders else None
    return found if found and Path(found).is_absolute() else None  # Windows looks into the current folder first


def post(url: str, event: str, approval: str) -> bool:
    """Send the event and the id to the person's address; whether it took them. What it answers is not read."""
    body = json.dumps({"event": event, "id": approval}).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"agentops-mcp/{__version__}"}
    host = urlsplit(url).hostname or ""
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - http(s) by the settings
        with _opener(host).open(request, timeout=TIMEOUT_S):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        said = f"status {error.code}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        said = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
    # The rest of the address may be a secret: many services put the key into the path.
    logger.warning("The notification address on %s did not take approval %s: %s.", host, approval, said)
    return False


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The id goes to the configured address or nowhere."""

    def redirect_request(self, *_arguments: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None


def _opener(host: str) -> urllib.request.OpenerDirector:
    if _is_loopback(host):
        return urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(_NoRedirects)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program and, where there are groups, what it started."""
    try:
        if sys.platform != "win32":
            import signal

            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except OSError:
        pass
    process.wait()
