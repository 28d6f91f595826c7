"""Which files an action touches: what it writes and deletes, and what it would read as code or as input.

Read are the words that it names, not what a program then opens by itself: `python x.py` is about `x.py`, and not about
the modules that it imports.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from agentops_mcp.factors.guardrails.rules import patches
from agentops_mcp.factors.guardrails.rules.actions import Action, text_of
from agentops_mcp.factors.guardrails.rules.calls import HOLE, Call
from agentops_mcp.factors.guardrails.rules.effects import Effect
from agentops_mcp.factors.guardrails.rules.places import is_inside, normal

MOST = 200
"""Files of one action that are looked at."""

MOST_NAMED = 2_000
"""Words of one action that are taken for the names of files; what would be more is left out."""

_MOST_WORDS = 2_000
_LONGEST = 4_096
_DEEPEST = 6
_NOT_FILES = frozenset({"root", "home", "device", "nowhere", "remote", "unknown", ""})
_OF_THE_SYSTEM = ("/dev", "/proc", "/sys", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt/homebrew", "/nix/store")

READ_UNNAMED: Mapping[str, tuple[str, ...]] = {
    "make": ("GNUmakefile", "makefile", "Makefile"),
    "gmake": ("GNUmakefile", "makefile", "Makefile"),
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml"),
    "rake": ("Rakefile",),
    "npm": ("package.json", ".npmrc"),
    "npx": ("package.json", ".npmrc"),
    "pnpm": ("package.json", ".npmrc"),
    "yarn": ("package.json", ".yarnrc.yml"),
    "bun": ("package.json",),
    "composer": ("composer.json",),
    "cargo": ("Cargo.toml",),
    "gradle": ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"),
    "gradlew": ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"),
    "mvn": ("pom.xml",),
    "tox": ("tox.ini", "pyproject.toml"),
    "nox": ("noxfile.py",),
    "invoke": ("tasks.py",),
    "fab": ("fabfile.py",),
    "terraform": ("*.tf", "*.tfvars"),
    "tofu": ("*.tf", "*.tofu", "*.tfvars"),
    "pulumi": ("Pulumi.yaml",),
    "serverless": ("serverless.yml",),
    "flyctl": ("fly.toml",),
    "fly": ("fly.toml",),
    "vagrant": ("Vagrantfile",),
    "skaffold": ("skaffold.yaml",),
    "docker": ("Dockerfile", "compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"),
    "podman": ("Dockerfile", "Containerfile", "compose.yaml", "compose.yml"),
    "docker-compose": ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"),
}
"""What programs read in the folder they are called in though no word names it."""


class Touched(NamedTuple):
    """A file, folder or glob, absolute."""

    path: str
    named: bool
    """Whether the action is about it also where nothing is there; otherwise a word that names nothing is no file."""

    secret: bool = False


class _Where(NamedTuple):
    """Where paths count from."""

    cwd: str
    home: str

    def absolute(self, path: str) -> str:
        """A path as written, absolute and normal; empty when it is none."""
        if not path:
            return ""
        path = path.replace("\\", "/") if path[1:3] == ":\\" else path
        if path == "~" or path.startswith("~/"):
            path = self.home + path[1:]
        return normal(path if _is_absolute(path) else f"{self.cwd}/{path}")


def touched(action: Action, calls: Sequence[Call], effects: Sequence[Effect], *, cwd: str, home: str) -> list[Touched]:
    """What an action touches, each path once; `calls` are those of its shell text."""
    found: dict[str, Touched] = {}
    for path, named, secret in _every(action, calls, effects, _Where(cwd, home)):
        if HOLE in path or "\0" in path or not 0 < len(path) <= _LONGEST:
            continue
        if len(found) == MOST_NAMED and path not in found:
            break
        known = found.get(path, Touched(path, named=False))
        found[path] = Touched(path, named or known.named, secret or known.secret)
    return list(found.values())


def _every(
    action: Action, calls: Sequence[Call], effects: Sequence[Effect], where: "_Where"
) -> Iterator[tuple[str, bool, bool]]:
    for path in _of_fields(action):
        yield where.absolute(path), True, False
    for effect in effects:
        if effect.place not in _NOT_FILES and _is_absolute(effect.target):
            yield normal(effect.target), True, effect.place == "secret"
    for call in calls:
        if "remote" not in call.traits:
            yield from ((path, named, False) for path, named in _of_call(call, where._replace(cwd=call.cwd)))
    if action.kind == "tool_call" or any(effect.kind == "unresolved" for effect in effects):
        for text in _texts(action.fields, 0):
            yield from ((path, False, False) for path in _in_text(text, where) if not _is_of_the_system(path))


def _of_fields(action: Action) -> tuple[str, ...]:
    if action.kind in ("file_write", "file_delete"):
        return (str(action.fields["path"]),)
    if action.kind == "patch":
        written, deleted = patches.touched(text_of(action))
        return (*written, *deleted)
    return ()


def _of_call(call: Call, where: "_Where") -> Iterator[tuple[str, bool]]:
    if call.stdin.origin.startswith("/") and not _is_of_the_system(call.stdin.origin):
        yield normal(call.stdin.origin), False
    if HOLE in call.cwd:
        return
    for name in READ_UNNAMED.get(call.name, ()):
        yield where.absolute(name), True
    words = call.argv[1:_MOST_WORDS]
    if call.argv and "/" in call.argv[0].replace("\\", "/"):
        words = (call.argv[0], *words)
    for word in words:
        for path in _spelled(word):
            absolute = where.absolute(path)
            if not _is_of_the_system(absolute):
                yield absolute, False


def _spelled(word: str) -> Iterator[str]:
    """The paths that a word may stand for: `x`, `@x`, `--file=x`, `if=x`, `-fx`."""
    if not word.startswith("-"):
        yield word.removeprefix("@")
    elif not word.startswith("--") and len(word) > 2:
        yield word[2:]
    if "=" in word:
        yield word.partition("=")[2].removeprefix("@")


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif depth < _DEEPEST and isinstance(value, Mapping):
        for each in cast("Mapping[Any, Any]", value).values():
            yield from _texts(each, depth + 1)
    elif depth < _DEEPEST and isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _texts(each, depth + 1)


def _in_text(text: str, where: "_Where") -> Iterator[str]:
    """A text as a path, and each of its words as one: what is said is not understood, so that more is better."""
    if len(text) <= _LONGEST and "\n" not in text:
        yield where.absolute(text)
    for word in re.split(r"[\s;&|<>()'\"`$={},]+", text[: 16 * _LONGEST])[:_MOST_WORDS]:
        if word and word not in (".", ".."):
            yield where.absolute(word)


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or (path[1:3] in (":/", ":\\") and path[0].isalpha())


def _is_of_the_system(path: str) -> bool:
    return any(is_inside(path, folder) for folder in _OF_THE_SYSTEM)
