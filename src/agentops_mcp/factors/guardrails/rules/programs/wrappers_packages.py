"""Package managers that run a program: of an environment, or of a package that they fetch for it.

To run a package of a registry is everyday work, and the registry answers for its name. A URL or a repository is text
of whoever owns it: that is `run_fetched`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from agentops_mcp.factors.guardrails.rules.calls import Call, Code, Outcome, Stream, World
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.options import parse
from agentops_mcp.factors.guardrails.rules.programs.shells_running import passing
from agentops_mcp.factors.guardrails.rules.programs.wrappers import inner


class _Runner(NamedTuple):
    """How a package manager is told to run something."""

    words: tuple[str, ...] = ("run",)
    """Subcommands that do it; an empty one for a program that does nothing else."""

    valued: str = ""
    packages: str = ""
    """Options whose value is a package that is fetched for it."""

    text: str = ""
    """Options whose value is a text for a shell."""

    fetches: bool = False
    """Whether the first operand itself names a package."""

    python: bool = False
    """Whether a `.py` file is run by Python, and `-m` names a module."""


_NPX = "p package c call cache userconfig prefix workspace w node-arg n shell"
_UV = (
    "with with-requirements with-editable p python m module extra group no-group only-group env-file "
    "directory project package "
    "index default-index i index-url extra-index-url f find-links refresh-package cache-dir config-file from color "
    "P upgrade-package reinstall-package index-strategy keyring-provider resolution prerelease exclude-newer link-mode"
)
_CONDA = "n name p prefix cwd"
_RUNNERS: dict[str, _Runner] = {
    "npx": _Runner(("",), _NPX, "p package", "c call", fetches=True),
    "bunx": _Runner(("",), "p package", "p package", fetches=True),
    "pnpx": _Runner(("",), _NPX, "p package", "c call", fetches=True),
    "npm": _Runner(("exec", "x"), _NPX, "package", "c call", fetches=True),
    "bun": _Runner(("x",), "p package", "p package", fetches=True),
    "pnpm": _Runner(("dlx", "exec"), "package C dir filter F", "package", fetches=True),
    "yarn": _Runner(("dlx", "exec"), "p package", "p package", fetches=True),
    "uvx": _Runner(("",), _UV, "from with", fetches=True, python=True),
    "uv": _Runner(("run", "tool run"), _UV, "from with with-editable", python=True),
    "pipx": _Runner(("run",), "spec python pip-args index-url i with", "spec with", fetches=True, python=True),
    "poetry": _Runner(valued="C directory P project", python=True),
    "pdm": _Runner(valued="p project s site-packages", python=True),
    "pipenv": _Runner(valued="python", python=True),
    "rye": _Runner(valued="pyproject", python=True),
    "hatch": _Runner(valued="e env p project i include x exclude"),
    "pixi": _Runner(valued="e environment manifest-path"),
    **dict.fromkeys(("conda", "mamba", "micromamba"), _Runner(valued=_CONDA)),
    "bundle": _Runner(("exec",), "gemfile"),
    "bundler": _Runner(("exec",), "gemfile"),
    "composer": _Runner(("exec",), "d working-dir"),
    "dotnet": _Runner(("exec",)),
    "spack": _Runner(("build-env",)),
    "tox": _Runner(("exec",), "e c"),
}
_RUN_BY_NAME = frozenset({"pnpm", "yarn"})
"""Managers that take a word which is none of theirs as a script, or else as a program of a package."""

_OWN = frozenset(
    "add approve-builds audit autoclean bin cache cat-file cat-index check clean config constraints create dedupe "
    "deploy doctor env explain fetch generate-lock-entry global help i ignored-builds import info init install "
    "install-test it licenses link list ll ln login logout ls node npm outdated owner pack patch patch-commit "
    "patch-remove plugin policies prune publish rb rebuild remove rm root run run-script search self-update server set "
    "setup stage start store tag team test un uninstall unlink unplug up update upgrade upgrade-interactive version "
    "versions view whoami why workspace workspaces".split()
)
_REMOTE = (
    "http://", "https://", "git+", "git://", "git@", "ssh://", "github:", "gitlab:", "bitbucket:", "gist:", "ftp://",
)  # fmt: skip


def outcome(call: Call, world: World) -> Outcome | None:
    """What the package manager runs; None for its other commands."""
    runner = _RUNNERS.get(call.name)
    rest = _after(call.argv[1:], runner) if runner else None
    if runner is not None and rest is None and call.name in _RUN_BY_NAME:
        named = parse(call.argv[1:], runner.valued, operands_last=True).operands
        rest = named if named and named[0] not in _OWN else None
    if runner is None or rest is None:
        return None
    given = parse(rest, runner.valued, operands_last=True)
    packages = [each for each in given.values(*runner.packages.split()) if each] if runner.packages else []
    operands = list(given.operands)
    if runner.fetches or (runner.python and operands and operands[0].startswith(_REMOTE)):
        packages += operands[:1]
    effects = tuple(
        Effect("run_fetched", each, "", call.traits | {"package"}, call.text) for each in packages if _is_remote(each)
    )
    texts = [each for each in given.values(*runner.text.split()) if each] if runner.text else []
    runs: list[Code | Call] = [Code("shell", Stream(text), (), call.traits) for text in texts]
    modules = given.values("m", "module") if runner.python else ()
    if modules:
        runs.append(inner(call, ("python", "-m", modules[0], *operands)))
    elif operands:
        runs.append(inner(call, _program(operands, runner)))
    return passing(Outcome(effects, runs=tuple(runs)))


def _after(words: Sequence[str], runner: _Runner) -> Sequence[str] | None:
    for each in runner.words:
        if not each:
            return words
        names = tuple(each.split())
        operands = parse(words, runner.valued, operands_last=True).operands
        if operands[: len(names)] == names:
            return operands[len(names) :]
    return None


def _is_remote(package: str) -> bool:
    """A URL, a repository, or `owner/repository` as npm takes it. Scopes (`@scope/name`) are of the registry."""
    if package.startswith(_REMOTE) or " @ " in package:
        return True
    owner, slash, name = package.partition("/")
    return (
        bool(slash)
        and not owner.startswith(("@", ".", "~"))
        and bool(owner)
        and "/" not in name
        and not name.endswith(".py")
    )


def _program(operands: Sequence[str], runner: _Runner) -> list[str]:
    name = operands[0]
    if runner.python and (name == "-" or name.endswith((".py", ".pyw"))):
        return ["python", *operands]
    if runner.fetches and not name.startswith((".", "/", "@")):
        name = name.partition("@")[0] or name  # `rimraf@5` is rimraf
    return [name, *operands[1:]]
